"""The forest plot: what is on it, where, and that it is the same picture every time."""

import re
import warnings
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from bayespool.analysis import analyse
from bayespool.curves import benefit_table, density_table
from bayespool.figures import (
    FIGURES,
    applies,
    benefit_curve,
    curves_of,
    decimals_for,
    drawable,
    effect_density,
    forest,
    funnel,
    named_priors,
    number,
    png_bytes,
    prior_posterior,
    save,
    save_png,
    spread,
    svg_text,
)
from bayespool.figures.axis import axis_of
from bayespool.figures.forest import draw
from bayespool.figures.labels import beside, spread_out
from bayespool.figures.leave_one_out import Line, draw_lines, heads_of
from bayespool.figures.plain import drawing, even_axis, panel, ratio_axis, sheet, wrapped
from bayespool.figures.table import Group, Row, Table, table_of
from bayespool.prior import Priors


def counts(k, names=None):
    rng = np.random.default_rng(k)
    n = rng.integers(20, 400, k)
    return pd.DataFrame(
        {
            "trial": names or [f"trial_{i}" for i in range(k)],
            "events_treatment": rng.binomial(n, 0.1),
            "n_treatment": n,
            "events_control": rng.binomial(n, 0.2),
            "n_control": n,
        }
    )


def exact(data, measure="RR", benefit="lower", **options):
    return analyse(data, measure, benefit=benefit, engine="exact", **options)


def texts(figure):
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def row(own, shrunken=None):
    return Row("a", (), own, shrunken, 1.0)


def table(*rows, pooled=(0.8, 0.6, 1.1), predicted=None, ratio=True):
    null = 1.0 if ratio else 0.0
    return Table((), rows, pooled, predicted, None, "RR", "Risk ratio", ratio, null, None, "")


def seen(figure):
    """Every text that is drawn, with its box in pixels."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.draw_without_rendering()
        found = [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]
        return [(t, t.get_window_extent()) for t in found]


def prose(figure):
    """All the words of a figure as one line."""
    return " ".join(texts(figure)).replace("\u00a0", " ")


def check_texts(figure):
    """No text meets another, leaves the sheet, or is set smaller than 7 points."""
    boxes = seen(figure)
    assert boxes
    for t, box in boxes:
        text = t.get_text()
        assert t.get_fontsize() >= 7, text
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text
    for i, (t, box) in enumerate(boxes):
        for other, next_to in boxes[i + 1 :]:
            apart = (
                box.x1 <= next_to.x0
                or next_to.x1 <= box.x0
                or box.y1 <= next_to.y0 + 1
                or next_to.y1 <= box.y0 + 1
            )
            assert apart, (t.get_text(), other.get_text())


def estimates(k, names=None, centre=-0.3):
    rng = np.random.default_rng(k)
    se = rng.uniform(0.1, 0.8, k)
    names = names or [f"trial_{i}" for i in range(k)]
    return pd.DataFrame({"trial": names, "estimate": rng.normal(centre, se), "se": se})


def hazard(k, names=None, **options):
    options = {"benefit": "lower", "important": 0.8, "thresholds": [0.9, "0.70"], **options}
    return exact(estimates(k, names), "HR", **options)


def hazards(k, benefit=None, names=None):
    return exact(estimates(k, names), "HR", benefit)


def prior_row(name, median, lower, upper, **more):
    return {
        "prior": name,
        "mu": "Normal(-0.3566749, 0.2168452)",
        "tau": "HalfNormal(0.5)",
        "says": "An effect of 0.8 on average, and a 5 % chance of harm. " * 2,
        "source": "",
        "natural_median": median,
        "natural_lower": lower,
        "natural_upper": upper,
        "prob_benefit": 0.9712,
        "prob_harm": 0.0288,
        "prob_important": 0.4123,
        "prob_benefit_new": 0.8234,
        "tau_median": 0.2,
        "reason": "",
        **more,
    }


NONE = dict.fromkeys(
    ("natural_median", "natural_lower", "natural_upper", "prob_benefit", "prob_important")
)
SETS = [
    prior_row("weak", 0.71, 0.45, 1.0),
    prior_row("vague", 0.69, 0.003, 140.0),
    prior_row("a set of a panel whose name is long enough to need a second line", 0.8, 0.6, 1.1),
    prior_row("無情報事前分布" * 5, 0.8, 0.6, 1.1, tau="HalfCauchy(1)"),
    prior_row("$x^2$", 1, 1, 1) | NONE | {"reason": "Three trials are needed. " * 12},
]


@pytest.fixture(scope="module")
def mortality():
    return exact("data/mortality.csv")


def test_numbers_are_written_for_readers():
    assert [number(x) for x in (0.706, -1.25, -0.001, 123.4, 2.5e7, None, np.inf)] == [
        "0.71", "−1.25", "0.00", "123", "2e7", "–", "∞",
    ]  # fmt: skip
    assert number(0.003, ratio=True) == "0.003"
    assert number(1e-9, ratio=True) == "<0.0001"
    assert spread((-0.5, -1, 0), 1, "-") == "-0.5 [-1.0, 0.0]"


def test_decimals_show_the_shortest_interval_to_two_digits():
    assert decimals_for(True, [(0.1, 0.2)]) == 2
    assert decimals_for(False, [(-48.4, -16.6), (-80.0, 20.0)]) == 0
    assert decimals_for(False, [(-0.077, -0.008)]) == 3
    assert decimals_for(False, []) == 2


def test_mortality_shows_the_posterior_and_each_trials_counts(mortality):
    said = texts(forest(mortality))
    assert {"0.71 [0.45, 1.00]", "42/112", "47/110", "not estimable", "Risk ratio (log axis)"} <= (
        set(said)
    )
    assert said.count("not estimable") == 1  # shi_2021, no death in either arm
    assert any(text.startswith("Spread between trials, on the log scale: tau 0.2") for text in said)


@pytest.mark.parametrize(
    ("benefit", "left", "right"),
    [
        ("lower", "← favours treatment", "favours control →"),
        ("higher", "← favours control", "favours treatment →"),
        (None, None, None),
    ],
)
def test_sides_are_named_from_the_declared_benefit_alone(benefit, left, right):
    found = [text for text in texts(forest(hazards(3, benefit))) if "favours" in text]
    assert found == ([] if benefit is None else [left, right])


def test_a_common_effect_has_no_new_trial_and_no_spread():
    said = texts(forest(exact(counts(3), effects="common")))
    assert "New trial" not in said
    assert not any("tau" in text or "Circle" in text for text in said)


def test_other_layouts_show_their_own_numbers():
    stay = texts(forest(exact("data/hospital_stay.csv", "ROM")))
    assert "Treatment\nmedian [IQR], n" in stay
    assert "24 [20, 26.5], 29" in stay
    crp = exact("data/crp.csv", "MD", effects="common", priors=Priors("Flat()", "HalfNormal(1)"))
    assert "−32 [−48, −17]" in texts(forest(crp))


@pytest.mark.parametrize("k", [1, 3, 13, 60])
def test_no_text_meets_another_or_leaves_the_sheet(k):
    long = "A randomised trial of something with a name nobody will ever want to read"
    names = [f"{long} {i}" if i % 3 == 0 else f"trial_{i}" for i in range(k)]
    interval = (0.8, 0.004, 123.0)
    rows = tuple(Row(name, ("99999/99999",) * 2, interval, (0.8, 0.5, 1.3), 1.0) for name in names)
    heads = ("Treatment\nevents/n", "Control\nevents/n")
    full = table(*rows, predicted=(0.8, 0.25, 2.5))
    figure = draw(replace(full, heads=heads, benefit="lower", tau=interval, caption="Words. " * 30))
    check_texts(figure)


@pytest.mark.parametrize("length", [5, 26, 60])
@pytest.mark.parametrize("benefit", ["lower", "higher", None])
def test_rows_of_posteriors_with_long_names_meet_nothing(length, benefit):
    rows = [
        Line(f"without {'m' * length} {i}", (0.65, 0.392, 1.05), ("0.962", "+12.3", "0.10"))
        for i in range(3)
    ]
    first = Line("All 3 trials", (0.65, 0.452, 0.931), ("0.988", "", "0.10"), bold=True)
    record = {"measure": "RR", "benefit": benefit}
    heads = [*heads_of(record), "Change,\npoints", "tau"]
    figure = draw_lines([first, *rows], heads, record, ["Words. " * 30])
    check_texts(figure)
    page, panel = figure.axes
    beside = min(t.get_window_extent().x0 for t in page.texts if "[0." in t.get_text())
    assert panel.get_window_extent().x1 <= beside
    said = [text for text in texts(figure) if "favours" in text]
    assert len(said) == (0 if benefit is None else 2 if length == 5 else 1)


def test_a_long_name_is_cut_and_a_dollar_is_a_dollar():
    figure = forest(hazards(2, names=["$\\frac{1}$ & <b>", "n" * 60]))
    said = texts(figure)
    assert "$\\frac{1}$ & <b>" in said
    assert "n" * 39 + "…" in said
    assert "<b>" not in svg_text(figure)


def test_the_axis_holds_the_pooled_interval_and_cuts_a_hopeless_trial():
    axis = axis_of(table(row((0.8, 0.5, 1.3)), row((0.7, 0.0001, 4000.0))))
    assert not axis.beyond(0.6)
    assert not axis.beyond(1.1)
    assert axis.beyond(0.0001)
    assert axis.beyond(4000)
    assert axis.place(0.0) == 0
    assert axis.place(1e9) == 1


@pytest.mark.parametrize("pooled", [(1.0, 1.0, 1.0), (0.5, 1e-12, 1e12), (1.0, 0.99, 1.01)])
def test_every_ratio_axis_has_ticks_that_grow(pooled):
    axis = axis_of(table(row((0.9, 0.5, 1.3)), pooled=pooled))
    ticks = axis.ticks()
    assert len(ticks) >= 2
    assert all(axis.place(a) < axis.place(b) for a, b in pairwise(ticks))


def test_a_difference_axis_is_even_and_holds_no_effect():
    axis = axis_of(table(row((-30.0, -48.0, -12.0)), pooled=(-30.0, -48.0, -12.0), ratio=False))
    assert 0 in axis.ticks()
    assert np.ptp(np.diff(axis.ticks())) < 1e-9


def test_the_same_analysis_gives_the_same_bytes(mortality, tmp_path):
    assert svg_text(forest(mortality)) == svg_text(forest(mortality))
    assert save(forest(mortality), tmp_path / "forest.svg")
    assert not save(forest(mortality), tmp_path / "forest.svg")
    text = (tmp_path / "forest.svg").read_text()
    assert "<dc:date>" not in text
    assert "<text" not in text  # letters are outlines


def test_a_name_the_font_lacks_stays_text():
    text = svg_text(forest(hazards(2, names=["研究", "b"])))
    assert re.search(r"<text[^>]*>研究</text>", text)


def test_the_plot_takes_its_numbers_from_the_tables(mortality):
    found = table_of(mortality)
    summary = mortality.tables["summary"].set_index("quantity")
    assert found.pooled == tuple(
        summary.loc["mu", ["natural_median", "natural_lower", "natural_upper"]]
    )
    assert [r.own is None for r in found.rows] == [n == "shi_2021" for n in mortality.trials.names]


# --- subgroups on the forest plot --------------------------------------------------------


def test_subgroups_stand_under_headings_with_their_diamonds():
    data = estimates(5, ["a", "b", "c", "d", "e"]).assign(
        subgroup=["high dose", "low dose", "high dose", "", "low dose"]
    )
    analysis = exact(data, "HR")
    found = table_of(analysis)
    assert [row.name for row in found.rows] == ["a", "c", "b", "e", "d"]
    assert [group.name for group in found.groups] == ["high dose", "low dose", "No subgroup given"]
    assert all(group.pooled is None for group in found.groups)
    figure = forest(analysis)
    said = texts(figure)
    assert said.index("high dose") > 0
    assert not any("Open diamond" in text for text in said)
    heights = {t.get_text(): t.get_position()[1] for t in figure.findobj(Text)}
    order = ["high dose", "a", "c", "low dose", "b", "e", "No subgroup given", "d", "Mean effect"]
    assert sorted(order, key=heights.__getitem__) == order
    check_texts(figure)
    analysis.tables["subgroups"] = pd.DataFrame(
        {
            "subgroup": ["low dose", "high dose"],
            "natural_median": [0.6, 0.5],
            "natural_lower": [0.2, 0.3],
            "natural_upper": [1.6, np.nan],
        }
    )
    figure = forest(analysis)
    assert table_of(analysis).groups[:2] == (
        Group("high dose", None),
        Group("low dose", (0.6, 0.2, 1.6)),
    )
    assert "0.60 [0.20, 1.60]" in texts(figure)
    check_texts(figure)


def test_one_subgroup_is_none():
    analysis = exact(estimates(3).assign(subgroup="all"), "HR")
    assert table_of(analysis).groups == ()
    assert "all" not in texts(forest(analysis))


# --- the other figures -------------------------------------------------------------------

CASES = {
    "three trials": lambda: hazard(3),
    "higher is better": lambda: exact(
        estimates(4, centre=0.4), "HR", benefit="higher", thresholds=[1.1, 1.25], important=1 / 0.7
    ),
    "thirteen trials": lambda: hazard(13),
    "sixty trials": lambda: hazard(60, effects="common"),
    "long names": lambda: hazard(
        12, [f"A randomised trial with a name nobody will want to read {i}" for i in range(12)]
    ),
    "hostile names": lambda: hazard(5, ["$x^2$", "<b>bold</b>", "研究二〇二一", "a & b", "\\frac"]),
    "no side": lambda: hazards(3),
    "one trial": lambda: hazard(1),
    "difference": lambda: exact(
        estimates(4).assign(estimate=lambda d: -30 + 10 * d["estimate"], se=lambda d: 9 * d["se"]),
        "MD",
        benefit="lower",
        important=-20,
        thresholds=[-10, -12.5],
        priors=Priors("Flat()", "HalfNormal(5)"),
    ),
    "many thresholds": lambda: hazard(4, thresholds=np.linspace(0.2, 1.5, 14).round(2)),
}


@pytest.fixture(scope="module")
def cases():
    return {name: make() for name, make in CASES.items()}


@pytest.mark.parametrize("name", CASES)
def test_every_figure_is_legible_at_its_printed_size(cases, name):
    for title, figure in drawable(cases[name]).items():
        if title != "forest":  # as wide as its columns
            assert figure.get_size_inches()[0] in (3.5, 7.2), title
        check_texts(figure)


def test_a_risk_differences_figures_are_legible():
    analysis = exact(counts(3), "RD", important=-0.05, thresholds=[-0.05])
    figures = drawable(analysis)
    assert set(figures) == set(FIGURES)
    for figure in figures.values():
        check_texts(figure)
    assert "Standard deviation on the atanh scale" in texts(figures["prior_posterior"])
    p = analysis.exact["mu"].cdf(np.arctanh(-0.05))
    assert f"Important, RD < −0.05: {p:.3f}" in texts(figures["effect_density"])


def test_what_applies(cases):
    assert set(drawable(cases["one trial"])) == {
        "forest", "effect_density", "benefit_curve", "prior_posterior", "named_priors",
    }  # fmt: skip
    assert applies("funnel", cases["three trials"])
    assert applies("named_priors", cases["three trials"])


def test_the_areas_carry_the_records_probabilities(mortality):
    said = texts(effect_density(mortality))
    part = mortality.record["exact"]
    assert f"Benefit, RR < 1: {part['prob_benefit']['1']:.3f}" in said
    assert f"Harm, RR > 1: {part['prob_harm']['1']:.3f}" in said
    assert not any("Important" in text for text in said)
    assert "Dashed: prior, Normal(0, 1)." in prose(effect_density(mortality))


def test_the_shaded_areas_are_the_probabilities(cases):
    analysis = cases["three trials"]
    figure = effect_density(analysis)
    areas = []
    for shape in figure.axes[1].collections:
        x, y = shape.get_paths()[0].vertices.T
        x = np.log(x)
        areas.append(abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2)
    mu = analysis.exact["mu"]
    expected = [mu.cdf(0.0), mu.sf(0.0), mu.cdf(np.log(0.8))]
    assert areas == pytest.approx(expected, abs=2e-3)


def test_without_a_side_neither_area_is_a_benefit(cases):
    said = texts(effect_density(cases["no side"]))
    assert not any(word in text for text in said for word in ("Benefit", "Harm", "favours"))
    assert "Probability of HR < threshold" in texts(benefit_curve(cases["no side"]))


def test_a_common_effect_has_one_panel_and_one_curve(cases):
    analysis = cases["sixty trials"]
    assert prior_posterior(analysis).get_size_inches()[0] == 3.5
    assert not any("new trial" in t for f in (effect_density, benefit_curve)
                   for t in texts(f(analysis)))  # fmt: skip
    assert len(prior_posterior(cases["three trials"]).axes) == 3  # the sheet and two panels


def test_a_flat_prior_is_said_and_not_drawn(cases):
    assert "The prior is flat." in prose(effect_density(cases["difference"]))
    assert "prior Flat() (no density to draw)" in texts(prior_posterior(cases["difference"]))


def test_the_curve_marks_the_declared_thresholds_and_the_important_one(cases):
    analysis = cases["three trials"]
    figure = benefit_curve(analysis)
    part = analysis.record["exact"]["prob_benefit"]
    said = texts(figure)
    for label, p in part.items():
        assert f"{label}\n{p:.3f}" in said
    assert f"0.8\n{analysis.exact['mu'].cdf(np.log(0.8)):.3f}" in said
    marks = next(line for line in figure.axes[1].lines if line.get_marker() == "o")
    assert sorted(marks.get_xdata()) == [0.7, 0.8, 0.9, 1.0]
    assert not any("\n" in text for text in texts(benefit_curve(cases["many thresholds"])))


def test_higher_is_better_turns_the_curve_and_the_words(cases):
    figure = benefit_curve(cases["higher is better"])
    curve = figure.axes[1].lines[6].get_ydata()
    assert curve[0] > 0.99 > 0.01 > curve[-1]
    assert {"Probability of benefit: HR > threshold", "favours treatment →"} <= set(texts(figure))


def test_the_funnel_has_its_points_names_and_contours(mortality):
    figure = funnel(mortality)
    ax = figure.axes[1]
    own = mortality.tables["trials"].dropna(subset=["natural_estimate"])
    points = next(line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_allclose(points.get_xdata(), own["natural_estimate"])
    np.testing.assert_allclose(points.get_ydata(), own["se"])
    assert ax.get_xscale() == "log"
    bottom, top = ax.get_ylim()
    assert top == 0 < bottom  # precise trials on top
    assert set(own["trial"]) <= set(texts(figure))
    assert "No estimate of its own: shi_2021." in prose(figure)
    edges = [np.log(p.get_xy()[2, 0]) / bottom for p in ax.patches]
    assert edges == pytest.approx([2.5758, 1.96, 1.6449], abs=1e-4)
    dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
    middle = mortality.tables["summary"].set_index("quantity").loc["mu", "median"]
    ends = [np.log(line.get_xdata()[1]) for line in dashed]
    assert ends == pytest.approx([middle - 1.96 * bottom, middle + 1.96 * bottom], abs=1e-4)


def test_many_trials_have_no_names_in_the_funnel(cases):
    assert "trial_0" not in texts(funnel(cases["thirteen trials"]))


def test_hostile_names_are_drawn_as_text(cases):
    figure = funnel(cases["hostile names"])
    assert {"$x^2$", "<b>bold</b>", "研究二〇二一", "a & b"} <= set(texts(figure))
    drawn = svg_text(figure)
    assert "<b>" not in drawn
    assert re.search(r"<text[^>]*>\$x\^2\$</text>", drawn)
    assert png_bytes(figure).startswith(b"\x89PNG")


@pytest.fixture
def with_sets(cases):
    analysis = cases["three trials"]
    own = analysis.record["other_priors"]
    analysis.record["other_priors"] = SETS
    yield analysis
    analysis.record["other_priors"] = own


def test_named_priors_have_a_row_each_and_say_why_not(with_sets):
    assert applies("named_priors", with_sets)
    figure = named_priors(with_sets)
    check_texts(figure)
    said = texts(figure)
    assert {"weak", "$x^2$", "0.71 [0.45, 1.00]", "0.971", "0.412", "0.823"} <= set(said)
    assert any(text.startswith("Three trials are needed.") for text in said)
    plain = [text.replace("\u00a0", " ") for text in said]
    assert any(text.startswith("mu ~ Normal(−0.3567, 0.2168)") for text in plain)
    assert {"Benefit\nHR < 1", "Important\nHR < 0.8", "Benefit in\na new trial"} <= set(said)
    low, high = figure.axes[1].get_xlim()
    assert low > 0.003
    assert high < 140  # the vague set's interval is cut
    markers = [line.get_marker() for line in figure.axes[1].lines]
    assert markers.count("s") == 4
    assert {"<", ">"} <= set(markers)


def test_an_author_is_named_as_he_spells_himself():
    from bayespool.figures.named_priors import _title

    assert _title("bartos2023:infectious-diseases") == "Bartoš 2023: infectious diseases"
    assert _title("turner2015:a-b/c") == "Turner 2015: a b, c"


def test_named_priors_of_a_common_effect_have_no_new_trial(with_sets):
    rows = [row | {"prob_benefit_new": None, "tau": None} for row in SETS]
    with_sets.record["other_priors"] = rows
    assert "Benefit in\na new trial" not in texts(named_priors(with_sets))
    bare = ("prior", "mu", "tau", "natural_median", "natural_lower", "natural_upper")
    with_sets.record["other_priors"] = [{key: row[key] for key in bare} for row in SETS]
    check_texts(named_priors(with_sets))


def test_every_figure_has_the_same_bytes_twice_whatever_a_reader_set(with_sets, tmp_path):
    import matplotlib as mpl

    first = {name: svg_text(figure) for name, figure in drawable(with_sets).items()}
    assert list(first) == list(FIGURES)
    odd = {"font.size": 20, "font.family": "serif", "lines.linewidth": 9, "savefig.bbox": "tight"}
    with mpl.rc_context(odd):
        again = {name: svg_text(figure) for name, figure in drawable(with_sets).items()}
    assert first == again
    assert save_png(effect_density(with_sets), tmp_path / "a.png", dpi=100)
    assert not save_png(effect_density(with_sets), tmp_path / "a.png", dpi=100)
    assert b"matplotlib" not in (tmp_path / "a.png").read_bytes()


def test_the_analysis_own_curves_are_preferred(cases):
    class Own:
        posterior = cases["three trials"].posterior
        priors = cases["three trials"].priors
        benefit = "lower"

    made = curves_of(Own())
    pd.testing.assert_frame_equal(made["density"], density_table(Own.posterior))
    pd.testing.assert_frame_equal(made["benefit"], benefit_table(Own.posterior, "lower"))
    Own.curves = {"density": 1, "benefit": 2}
    assert curves_of(Own()) == {"density": 1, "benefit": 2}


# --- what the figures are made of --------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.2, 2.5, ["0.25", "0.5", "1", "2"]),
        (0.03, 12, ["0.03", "0.1", "0.3", "1", "3", "10"]),
        (0.45, 1.3, ["0.5", "0.75", "1", "1.25"]),
    ],
)
def test_a_ratio_axis_has_round_ratios_at_their_places(low, high, ticks):
    with drawing():
        figure, _ = sheet(3.5, 2)
        ax = panel(figure, 0.1, 0.1, 3.3, 1.5)
        ratio_axis(ax, low, high)
    assert [t.get_text() for t in ax.get_xticklabels()] == ticks
    assert [float(t) for t in ticks] == pytest.approx(ax.get_xticks())
    assert ax.get_xscale() == "log"
    assert len(ax.get_xticks(minor=True)) == 0


def test_a_narrow_axis_has_fewer_ticks_evenly_spaced():
    with drawing():
        figure, _ = sheet(3.5, 2)
        wide, narrow = panel(figure, 0.1, 0.1, 3, 1), panel(figure, 0.1, 0.1, 1, 1)
        for ax in (wide, narrow):
            even_axis(ax, -5500.0, 200.0)
    assert 2 <= len(narrow.get_xticks()) < len(wide.get_xticks())
    for ax in (wide, narrow):
        assert np.ptp(np.diff(ax.get_xticks())) < 1e-9
    assert "−5000" in [t.get_text() for t in narrow.get_xticklabels()]


def test_labels_stay_in_the_frame_and_apart():
    rng = np.random.default_rng(3)
    points = rng.uniform(0.5, 2.5, (9, 2))
    frame = (0.0, 0.0, 3.0, 3.0)
    found = [box for box in beside(points, ["a name"] * 9, frame, points) if box]
    assert len(found) == 9
    for i, a in enumerate(found):
        assert a[0] >= 0
        assert a[3] <= 3
        inside = (points > a[:2]) & (points < a[2:])
        assert not inside.all(axis=1).any()
        for b in found[i + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    assert beside(points[:1], ["too long for its frame " * 9], frame, points) == [None]


def test_labels_on_a_line_move_only_as_far_as_they_must():
    assert spread_out(np.array([1.0, 2.0]), [0.4, 0.4], (0, 3)) == [1.0, 2.0]
    found = spread_out(np.array([1.0, 0.9, 2.9]), [0.4, 0.4, 0.4], (0, 3))
    assert found == pytest.approx([1.4, 0.9, 2.8])
    assert spread_out(np.array([1.0, 1.0]), [2.0, 2.0], (0, 3)) is None


def test_a_word_longer_than_its_line_is_broken():
    lines = wrapped(["研究" * 30, "and Normal(0, 1)"], 1.5)
    assert "".join(lines).startswith("研究" * 30)
    assert len(lines) > 3
    assert lines[-1].replace("\u00a0", " ").endswith("Normal(0, 1)")
