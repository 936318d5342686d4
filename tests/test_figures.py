"""The forest plot: what is on it, where, and that it is the same picture every time."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from bayespool.analysis import analyse
from bayespool.figures import decimals_for, forest, number, save, spread, svg_text
from bayespool.figures.axis import axis_of
from bayespool.figures.forest import draw
from bayespool.figures.table import Row, Table, table_of
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
    found = [text for text in texts(forest(exact(counts(3), benefit=benefit))) if "favours" in text]
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
    figure.canvas.draw()
    boxes = [
        (t.get_text(), t.get_window_extent()) for t in figure.findobj(Text) if t.get_text().strip()
    ]
    for text, box in boxes:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text
    for i, (text, box) in enumerate(boxes):
        for other, beside in boxes[i + 1 :]:
            apart = (
                box.x1 <= beside.x0
                or beside.x1 <= box.x0
                or box.y1 <= beside.y0 + 1
                or beside.y1 <= box.y0 + 1
            )
            assert apart, (text, other)


def test_a_long_name_is_cut_and_a_dollar_is_a_dollar():
    figure = forest(exact(counts(2, ["$\\frac{1}$ & <b>", "n" * 60])))
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
    text = svg_text(forest(exact(counts(2, ["研究", "b"]))))
    assert re.search(r"<text[^>]*>研究</text>", text)


def test_the_plot_takes_its_numbers_from_the_tables(mortality):
    found = table_of(mortality)
    summary = mortality.tables["summary"].set_index("quantity")
    assert found.pooled == tuple(
        summary.loc["mu", ["natural_median", "natural_lower", "natural_upper"]]
    )
    assert [r.own is None for r in found.rows] == [n == "shi_2021" for n in mortality.trials.names]
