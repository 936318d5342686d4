"""Every prior at once: the atlas, the prior that tips, power scaling, and what tau learned."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import bayespool as bp
from bayespool.errors import PriorError, UsageError
from bayespool.figures.power_scaling import power_scaling as draw_scaling
from bayespool.figures.prior_atlas import prior_atlas as draw_atlas
from bayespool.figures.tau_learned import tau_learned as draw_learned
from bayespool.figures.tipping import tipping as draw_tipping
from bayespool.posterior import Draws
from bayespool.prior import Prior
from bayespool.prior_sensitivity import power_scaling, prior_atlas, tau_learned, tipping_prior
from bayespool.prior_sensitivity.families import normal, shifted, tau_family
from bayespool.prior_sensitivity.scaling import cjs
from bayespool.prose.power_scaling import power_scaling as say_scaling
from bayespool.prose.prior_atlas import prior_atlas as say_atlas
from bayespool.prose.tau_learned import tau_learned as say_learned
from bayespool.prose.tipping import tipping as say_tipping

ROOT = Path(__file__).resolve().parents[1]
LEVELS = (0.95, 0.9, 0.8)


def estimates(y, s) -> bp.Trials:
    frame = pd.DataFrame({"estimate": y, "se": s})
    return bp.read_trials(frame.assign(trial=[f"t{i}" for i in range(len(y))]))


@pytest.fixture(scope="module")
def table(mortality) -> bp.Surface:
    return bp.surface(mortality, "RR")


@pytest.fixture(scope="module")
def weak() -> bp.Priors:
    return bp.priors("RR")


@pytest.fixture(scope="module")
def single() -> bp.Surface:
    """One trial, a common effect: everything about mu is in closed form."""
    return bp.surface(estimates([-0.5], [0.2]), "HR", effects="common")


# --- the atlas ---------------------------------------------------------------------------


def off_by(
    found: pd.DataFrame, surface: bp.Surface, family, at=0.0, centre=0.0, name="mu"
) -> float:
    """Largest difference between cells of an atlas and posteriors one by one."""
    last = len(found) - 1
    cells = {0, 31, last - 31, last, *np.random.default_rng(5).integers(0, last, 6)}
    gaps = []
    for i in cells:
        sd, scale, p = found.iloc[i]
        priors = bp.Priors(normal(centre, sd), family.at(scale))
        gaps.append(abs(surface.posterior(priors)[name].cdf(at) - p))
    return max(gaps)


@pytest.mark.parametrize("tau", ["HalfNormal(0.5)", "HalfCauchy(0.5)", "Exponential(2)"])
@pytest.mark.parametrize("likelihood", ["binomial", "normal"])
def test_the_atlas_has_at_its_corners_and_inside_what_the_posterior_gives(
    mortality, likelihood, tau
):
    surface, priors = bp.surface(mortality, "OR", likelihood), bp.Priors("Normal(0, 1)", tau)
    found = prior_atlas(surface, priors, "lower")
    assert len(found) == 1024
    assert list(found) == ["mu_sd", "tau_scale", "prob_benefit"]
    assert off_by(found, surface, tau_family(priors.tau)) < 1e-5
    assert found.attrs["main"] == pytest.approx(surface.posterior(priors)["mu"].cdf(0.0), abs=1e-5)


def test_the_atlas_of_a_new_trial_beyond_a_threshold(table):
    priors = bp.Priors("Normal(-0.2, 1)", "LogNormal(-1, 0.7)")
    found = prior_atlas(table, priors, "lower", threshold=0.9, new=True)
    assert found.columns[2] == "prob_benefit_new"
    family = tau_family(priors.tau)
    assert off_by(found, table, family, np.log(0.9), -0.2, "theta_new") < 1e-5
    assert found.attrs["centre"] == pytest.approx(np.exp(-0.2))
    assert found.attrs["tau_scale_is"] == "median"


def test_the_atlas_of_t_effects(mortality):
    surface = bp.surface(mortality.take([0, 1, 2, 3]), "OR", effects="t")
    found = prior_atlas(surface, bp.priors("OR"), "lower")
    assert off_by(found, surface, tau_family(bp.priors("OR").tau)) < 1e-5


def test_narrow_priors_far_from_precise_trials_are_resolved():
    surface = bp.surface(estimates([3.0, 3.1, 2.9], [0.01, 0.02, 0.015]), "generic")
    sd, scale = [0.03, 0.3, 3.0], [0.01, 0.05, 1.0]
    found = prior_atlas(surface, None, "lower", 2.5, mu_sd=sd, tau_scale=scale)
    for row in found.itertuples():
        priors = bp.Priors(normal(0.0, row.mu_sd), f"HalfNormal({row.tau_scale})")
        expected = surface.posterior(priors)["mu"].cdf(2.5)
        assert row.prob_benefit == pytest.approx(expected, abs=1e-5)


def test_the_atlas_of_a_common_effect_is_the_normal_closed_form(single):
    found = prior_atlas(single, None, "higher", mu_sd=[0.1, 1.0, 5.0])
    assert found["tau_scale"].isna().all()
    for row in found.itertuples():
        precision = 1 / 0.04 + 1 / row.mu_sd**2
        expected = norm.sf(0.0, -0.5 / 0.04 / precision, precision**-0.5)
        assert row.prob_benefit == pytest.approx(expected, abs=1e-8)


def test_without_a_benefit_the_atlas_gives_the_probability_below(table, weak):
    grid = {"mu_sd": [1.0], "tau_scale": [0.5]}
    below = prior_atlas(table, weak, **grid)["prob_below"][0]
    above = prior_atlas(table, weak, "higher", **grid)["prob_benefit"][0]
    assert below + above == pytest.approx(1, abs=1e-12)


def test_other_scales_take_their_widths_from_the_trials_errors_and_hold_the_main_prior():
    surface = bp.surface(estimates([-8.0, -5.0, -9.0], [3.0, 2.0, 4.0]), "MD")
    found = prior_atlas(surface, bp.Priors("Normal(0, 200)", "HalfNormal(4)"), "lower")
    assert found["mu_sd"].min() == pytest.approx(0.15 * 3.0)
    assert found["mu_sd"].max() == pytest.approx(200)
    assert found["tau_scale"].max() == pytest.approx(15 * 3.0)


@pytest.mark.parametrize(
    "text",
    [
        "HalfNormal(0.4)",
        "HalfCauchy(0.4)",
        "HalfStudentT(3, 0.4)",
        "Exponential(2)",
        "LogNormal(-1, 0.6)",
        "Gamma(2, 5)",
        "InverseGamma(3, 0.9)",
        "LogStudentT(5, -3, 1.5)",
    ],
)
def test_a_family_scaled_is_the_same_shape_stretched(text):
    prior = bp.Priors("Normal(0, 1)", text).tau
    family, q = tau_family(prior), np.array([0.05, 0.5, 0.9])
    assert family.at(family.scale).values == pytest.approx(prior.values)
    wide = family.at(3 * family.scale)
    assert wide.ppf(q) == pytest.approx(3 * prior.ppf(q), rel=1e-9)
    assert family.holds(wide)
    assert not family.holds(Prior("HalfNormal", (0.4,), "tau")) or text.startswith("HalfNormal")


def test_a_prior_without_a_scale_is_replaced_and_the_table_says_so(table):
    found = prior_atlas(table, bp.Priors("Normal(0, 1)", "Uniform(0, 2)"), "lower", mu_sd=[1.0])
    assert found.attrs["tau_family"] == "HalfNormal"
    assert "Uniform(0, 2) has no scale" in found.attrs["note"]


def test_impossible_questions_are_refused(table, single, weak):
    with pytest.raises(UsageError, match="above 0"):
        prior_atlas(table, weak, "lower", mu_sd=[0.0, 1.0])
    with pytest.raises(UsageError, match="common effect"):
        prior_atlas(single, None, "lower", new=True)
    with pytest.raises(UsageError, match="between 0 and 1"):
        tipping_prior(table, weak, "lower", levels=(0.9, 1.0))
    other = bp.Priors("Normal(0, 1)", "HalfNormal(0.5)", "Normal(0, 2)")
    for study in (prior_atlas, tipping_prior, power_scaling):
        with pytest.raises(PriorError, match="phi"):
            study(table, other, "lower")


# --- the tipping prior -------------------------------------------------------------------


def test_the_tipping_priors_of_one_trial_are_those_of_the_normal_closed_form(single):
    y, s, v = -0.5, 0.2, 1.0
    found = tipping_prior(single, bp.Priors("Normal(0, 1)", "HalfNormal(1)"), "lower")
    assert set(found["what"]) == {"sceptical prior", "centre"}
    z = norm.ppf(found["level"].to_numpy())
    roots = found.pivot_table(index="what", columns="level", values="root", sort=False)
    expected = z[:3] * s / np.sqrt((y / s) ** 2 - z[:3] ** 2)
    assert roots.loc["sceptical prior", list(LEVELS)].tolist() == pytest.approx(expected, rel=1e-6)
    centre = v**2 * (-z[:2] * np.sqrt(1 / s**2 + 1 / v**2) - y / s**2)
    assert roots.loc["centre", [0.95, 0.9]].tolist() == pytest.approx(centre, rel=1e-6)
    assert np.isnan(roots.loc["centre", 0.8])  # more than 6 SDs away
    sceptical = found[found["what"] == "sceptical prior"]
    assert sceptical["worth"].tolist() == pytest.approx(4 / expected**2)
    assert set(sceptical["worth_in"]) == {"events"}


def test_at_every_root_the_posterior_has_the_level(table, weak):
    levels = (0.99, 0.97, 0.9)
    found = tipping_prior(table, weak, "lower", levels=levels, important=0.7)
    main = found.attrs["main"]
    assert main == pytest.approx(table.posterior(weak)["mu"].cdf(0.0), abs=1e-6)
    known = found[found["root"].notna()]
    assert set(known["what"]) == {"sceptical prior", "tau scale", "centre"}
    for row in known.itertuples():
        made = {
            "sceptical prior": lambda x: bp.Priors(normal(0.0, x), weak.tau),
            "tau scale": lambda x: bp.Priors(weak.mu, f"HalfNormal({x!r})"),
            "centre": lambda x: bp.Priors(shifted(weak.mu, x), weak.tau),
        }
        priors = made[row.what](row.root)
        assert table.posterior(priors)["mu"].cdf(0.0) == pytest.approx(row.level, abs=1e-6)
        assert row.direction == ("falls" if main > row.level else "rises")
        if row.what == "centre":  # harm is a higher RR
            assert (row.root > 0) == (row.direction == "falls")
            assert row.natural_root == pytest.approx(np.exp(row.root))
        if row.what == "sceptical prior":
            assert row.prior_important == pytest.approx(norm.cdf(np.log(0.7) / row.root))


def test_the_mirrored_review_tips_at_the_mirrored_priors():
    y, s = np.array([-0.6, -0.1, -0.5, 0.1]), np.array([0.2, 0.25, 0.3, 0.2])
    priors = bp.Priors("StudentT(4, 0.1, 0.8)", "HalfCauchy(0.3)")
    mirror = bp.Priors("StudentT(4, -0.1, 0.8)", "HalfCauchy(0.3)")
    a = tipping_prior(bp.surface(estimates(y, s), "generic"), priors, "lower", important=-0.4)
    b = tipping_prior(bp.surface(estimates(-y, s), "generic"), mirror, "higher", important=0.4)
    sign = np.where(a["what"] == "centre", -1.0, 1.0)
    assert (sign * b["root"]).tolist() == pytest.approx(a["root"].tolist(), rel=1e-5, nan_ok=True)
    assert a["root"].notna().sum() >= 4
    on_mu = a["prior_important"].notna()
    assert b.loc[on_mu, "prior_important"].tolist() == pytest.approx(
        a.loc[on_mu, "prior_important"].tolist(), rel=1e-4
    )


def test_of_two_roots_the_one_nearest_the_main_prior_is_given():
    # A heavy-tailed prior pulls most from a moderate distance: far away it lets go.
    surface = bp.surface(estimates([-0.5], [0.2]), "HR", effects="common")
    priors = bp.Priors("Cauchy(0, 0.2)", "HalfNormal(1)")
    found = tipping_prior(surface, priors, "lower", levels=(0.965,))
    centre = found[found["what"] == "centre"].iloc[0]
    curve = found.attrs["curves"]["centre"]
    x, p = np.array(curve["x"]), np.array(curve["p"])
    crossings = x[:-1][np.signbit(p[:-1] - 0.965) != np.signbit(p[1:] - 0.965)]
    assert (crossings > 0).sum() == 2
    assert centre["root"] == pytest.approx(crossings[crossings > 0].min(), abs=0.1)


def test_a_family_without_a_root_says_so():
    # Ten alike trials: no prior on tau undoes them, and a flat prior has no centre.
    surface = bp.surface(estimates([-0.5] * 10, [0.1] * 10), "HR")
    found = tipping_prior(surface, bp.Priors("Flat()", "HalfNormal(0.5)"), "lower")
    tau = found[found["what"] == "tau scale"]
    assert tau["root"].isna().all()
    assert tau["says"].str.contains("no prior of this family tips it").all()
    assert found[found["what"] == "centre"]["says"].str.contains("no centre to move").all()
    assert found[found["what"] == "sceptical prior"]["root"].notna().all()


# --- power scaling -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def scaled(table, weak) -> pd.DataFrame:
    return power_scaling(table, weak, "lower").set_index("component")


def test_a_normal_prior_at_a_power_is_one_of_another_variance(table, weak, scaled):
    main = table.posterior(weak)["mu"].cdf(0.0)
    for power, word in ((0.5, "at_half"), (2.0, "at_double")):
        mu = table.posterior(bp.Priors(normal(0.0, power**-0.5), weak.tau))["mu"]
        tau = table.posterior(bp.Priors(weak.mu, f"HalfNormal({0.5 * power**-0.5!r})"))["mu"]
        assert main + scaled.loc["prior on mu", word] == pytest.approx(mu.cdf(0.0), abs=1e-6)
        assert main + scaled.loc["prior on tau", word] == pytest.approx(tau.cdf(0.0), abs=1e-6)
        assert scaled.loc["prior on mu", f"natural_{word}"] == pytest.approx(
            np.exp(mu.quantile(0.5)), abs=1e-5
        )


def test_half_a_trials_power_is_its_weight_of_a_half(table, weak, scaled):
    main = scaled.attrs["main"]
    half = table.posterior(weak, {"monsel_2022": 0.5})["mu"].cdf(0.0)
    assert main + scaled.loc["monsel_2022", "at_half"] == pytest.approx(half, abs=1e-6)
    all_half = table.posterior(weak, np.full(10, 0.5))["mu"].cdf(0.0)
    assert main + scaled.loc["all trials", "at_half"] == pytest.approx(all_half, abs=1e-6)


def test_the_derivatives_of_the_trials_add_up_to_that_of_all(scaled):
    for word in ("per_doubling", "median_per_doubling"):
        whole = scaled.loc[scaled["kind"] == "trial", word].sum()
        assert whole == pytest.approx(scaled.loc["all trials", word], abs=1e-5)


def test_per_doubling_is_the_derivative_in_closed_form(single):
    found = power_scaling(single, bp.Priors("Normal(0, 1)", "HalfNormal(1)"), "lower")
    assert found["component"].tolist() == ["prior on mu", "t0", "all trials"]

    def p(of_prior: float, of_data: float) -> float:
        precision = of_data / 0.04 + of_prior
        return float(norm.cdf(0.5 * of_data / 0.04 / np.sqrt(precision)))

    step = 1e-4
    slopes = [
        (p(2**step, 1) - p(2**-step, 1)) / (2 * step),
        (p(1, 2**step) - p(1, 2**-step)) / (2 * step),
    ]
    assert found["per_doubling"].tolist() == pytest.approx([*slopes, slopes[1]], rel=1e-3)
    assert found["at_double"][1] == pytest.approx(p(1, 2) - p(1, 1), abs=1e-7)


def test_the_cumulative_distance_is_the_published_integral():
    at = np.linspace(-6, 6, 2001)
    found = cjs(norm.cdf(at), norm.cdf(at, 0.3, 1.1), at)

    def one(p, q):
        def halves(x):
            a, b = p(x), q(x)
            m = (a + b) / 2
            extra = (b - a) / (2 * np.log(2))
            return a * np.log2(a / m) + extra, b * np.log2(b / m) - extra, a + b

        parts = [quad(lambda x, i=i: halves(x)[i], -6, 6, limit=200)[0] for i in range(3)]
        return np.sqrt((parts[0] + parts[1]) / parts[2])

    forward = one(norm.cdf, lambda x: norm.cdf(x, 0.3, 1.1))
    backward = one(norm.sf, lambda x: norm.sf(x, 0.3, 1.1))
    assert found == pytest.approx(max(forward, backward), rel=1e-4)
    assert cjs(norm.cdf(at), norm.cdf(at), at) == 0


def test_flat_priors_are_not_scaled(mortality):
    surface = bp.surface(mortality, "OR", "normal")
    found = power_scaling(surface, bp.Priors("Flat()", "LogStudentT(9, -3, 0.5)"), "lower")
    rows = found.set_index("component")
    assert rows.loc[["prior on mu", "prior on tau"], "per_doubling"].isna().all()
    assert "flat" in rows.loc["prior on mu", "note"]
    assert "integrate" in rows.loc["prior on tau", "note"]
    assert rows.loc["all trials", "per_doubling"] > 0


# --- tau ---------------------------------------------------------------------------------


def test_what_tau_learned_is_what_quadrature_finds(table, weak):
    found = tau_learned(table, weak).set_index("what")
    marginal, prior = table.posterior(weak)["tau"], weak.tau

    def densities(t):
        return float(np.exp(prior.logpdf(t))), float(marginal.pdf(t))

    overlap = quad(lambda t: min(densities(t)), 1e-9, 8, limit=400, points=[0.2, 0.45, 1])[0]
    bits = quad(lambda t: densities(t)[1] * np.log2(densities(t)[1] / densities(t)[0]), 1e-9, 4,
                limit=400)[0]  # fmt: skip
    assert found.loc["overlap", "value"] == pytest.approx(overlap, abs=1e-5)
    assert found.loc["learned", "value"] == pytest.approx(1 - overlap, abs=1e-5)
    assert found.loc["kl_bits", "value"] == pytest.approx(bits, abs=1e-4)
    assert found.loc["sd", "prior"] == pytest.approx(0.5 * np.sqrt(1 - 2 / np.pi), rel=1e-5)
    chances = found.loc["P(tau > x)"]
    assert chances["at"].tolist() == [0.1, 0.5, 1.0]
    assert chances["posterior"].tolist() == pytest.approx(marginal.sf(np.array([0.1, 0.5, 1.0])))


def test_without_data_nothing_is_learned(table, weak):
    found = tau_learned(table.weighted(np.zeros(10)), weak).set_index("what")["value"]
    assert found["overlap"] == pytest.approx(1, abs=1e-5)
    assert found["kl_bits"] == pytest.approx(0, abs=1e-5)
    assert found["width_ratio"] == pytest.approx(1, abs=1e-5)


def test_draws_say_nearly_the_same_of_tau(table, weak):
    posterior = table.posterior(weak)
    draws = posterior["tau"].quantile((np.arange(4000) + 0.5) / 4000).reshape(4, 1000)
    sampled = dataclasses.replace(posterior, makers={"tau": lambda: Draws(draws)}, _made={})
    a, b = (tau_learned(each).set_index("what") for each in (posterior, sampled))
    assert b.loc["overlap", "value"] == pytest.approx(a.loc["overlap", "value"], abs=0.03)
    assert b.loc["median", "posterior"] == pytest.approx(a.loc["median", "posterior"], abs=1e-3)


def test_a_heavy_prior_has_no_sd_and_a_flat_one_no_overlap(table, single):
    found = tau_learned(table, bp.Priors("Normal(0, 1)", "HalfCauchy(1)")).set_index("what")
    assert np.isnan(found.loc["sd", "prior"])
    assert 0 < found.loc["width_ratio", "value"] < 0.2
    with pytest.raises(PriorError, match="flat"):
        tau_learned(table, bp.Priors("Normal(0, 1)", "Flat()"))
    with pytest.raises(UsageError, match="common"):
        tau_learned(single, bp.priors("HR"))
    with pytest.raises(UsageError, match="prior set"):
        tau_learned(table)


# --- figures and sentences ---------------------------------------------------------------


@pytest.fixture(scope="module")
def record() -> dict:
    return json.loads((ROOT / "reports" / "mortality" / "record.json").read_text(encoding="utf-8"))


def words_of(figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_the_atlas_is_drawn_with_the_named_priors_and_said(table, weak, record):
    found = prior_atlas(table, weak, "lower")
    words = words_of(draw_atlas(found, record))
    assert {"weak", "vague", "sceptical", "0.95"} <= set(words)
    assert "under mu ~ Normal centred on RR 1." in " ".join(words)
    assert any("enthusiastic" in text for text in words)
    assert "enthusiastic" not in words  # its centre is not the atlas's
    said = say_atlas(found, record)
    low, high = found["prob_benefit"].min(), found["prob_benefit"].max()
    assert f"from {low:.3f}" in said
    assert f"to {high:.3f}" in said
    assert "The main prior (SD 1.0, tau scale 0.50) gives 0.975" in said


def test_the_tipping_priors_are_drawn_and_said(table, weak, record):
    found = tipping_prior(table, weak, "lower", important=0.7)
    figure = draw_tipping(found, record)
    assert len(figure.axes) == 4
    assert "no prior here tips it" in words_of(figure)
    said = say_tipping(found, record)
    root = found.loc[(found["what"] == "sceptical prior") & (found["level"] == 0.95), "root"].item()
    assert f"Normal(0, {root:.2g})" in said
    assert "no prior of this family tips it" in said
    assert said.index("sceptical") < said.index("no prior of this family")


def test_a_tipping_figure_under_a_flat_prior_shows_its_whole_curve_and_no_dashed_line(
    table, weak, record
):
    """As interleukin-6: one row, P 0.583 at most, and levels that begin at 0.8."""
    frame = pd.DataFrame({"trial": ["a"], "estimate": [-0.75], "se": [3.58]})
    one = bp.surface(bp.read_trials(frame), "MD", effects="common")
    found = tipping_prior(one, bp.Priors("Flat()", "HalfNormal(1)"), "lower")
    figure = draw_tipping(found, record | {"measure": "MD", "scale": "identity"})
    assert not any("dashed" in word for word in words_of(figure))
    assert any("dashed line" in word for word in words_of(draw_tipping(
        tipping_prior(table, weak, "lower"), record)))  # fmt: skip
    for ax in figure.axes[1:]:
        drawn = min(min(line.get_ydata()) for line in ax.lines if len(line.get_xdata()) > 2)
        assert ax.get_ylim()[0] <= drawn
        assert min(ax.get_yticks()) <= drawn


def test_of_one_row_nothing_is_said_by_comparison(single, record):
    found = power_scaling(single, bp.Priors("Normal(0, 1)", "HalfNormal(1)"), "lower")
    said = say_scaling(found, record)
    assert "Of the trials" not in said
    assert said.startswith("The answer rests on t0 alone: counting it twice would")
    assert "All trials" not in said


def test_power_scaling_is_drawn_and_said(scaled, record):
    found = scaled.reset_index()
    found.attrs = scaled.attrs
    words = words_of(draw_scaling(found, record))
    assert set(found["component"]) <= set(words)
    top = found[found["kind"] == "trial"].set_index("component")["per_doubling"].abs().idxmax()
    assert f"leans most on {top}" in say_scaling(found, record)


def test_what_tau_learned_is_drawn_and_said_honestly(table, weak, record):
    found = tau_learned(table, weak)
    assert any("HalfNormal(0.5)" in text for text in words_of(draw_learned(found, record)))
    assert "still mostly the prior's" in say_learned(found, record)
    one = bp.surface(estimates([-0.5], [0.2]), "HR")
    assert "One trial cannot show a spread" in say_learned(tau_learned(one, weak), record)


def test_a_common_effect_has_figures_without_tau(single, record):
    priors, own = bp.priors("HR"), {**record, "effects": "common", "measure": "HR"}
    atlas, tipped = prior_atlas(single, priors, "lower"), tipping_prior(single, priors, "lower")
    assert any(word.startswith("weak") for word in words_of(draw_atlas(atlas, own)))
    assert len(draw_tipping(tipped, own).axes) == 3
    assert "tau" not in say_atlas(atlas, own) + say_tipping(tipped, own)


def test_a_family_that_lies_beyond_the_level_is_not_said_to_spare_it():
    frame = pd.DataFrame({"trial": ["a"], "estimate": [-0.2], "se": [0.4]})
    table = bp.surface(bp.read_trials(frame), "RR")
    found = tipping_prior(table, bp.Priors("Normal(-1, 0.3)", "HalfNormal(0.2)"), "lower")
    row = found[(found["what"] == "sceptical prior") & (found["level"] == 0.95)].iloc[0]
    assert np.isnan(row["root"])
    assert row["says"].startswith("Every ")
    assert "below 0.95" in row["says"]
