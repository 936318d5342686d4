"""Absolute effects: baselines, risk differences, numbers needed to treat."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, log_expit, logit, ndtr
from scipy.stats import norm

import bayespool as bp
from bayespool.decisions import (
    absolute_effects,
    absolute_part,
    baselines,
    nnt_text,
    spread,
)
from bayespool.decisions.baseline import control_arms
from bayespool.posterior import Draws, NormalMixture, Posterior

DATA = Path(__file__).resolve().parents[1] / "data"
ENDS = (0.025, 0.5, 0.975)


def counts(control, treatment=None):
    """Trials from (events, patients) of the control and the treatment arms."""
    control = np.asarray(control)
    treatment = control if treatment is None else np.asarray(treatment)
    frame = pd.DataFrame(
        {
            "trial": [f"t{i}" for i in range(len(control))],
            "events_treatment": treatment[:, 0],
            "n_treatment": treatment[:, 1],
            "events_control": control[:, 0],
            "n_control": control[:, 1],
        }
    )
    return bp.read_trials(frame)


def normal(mean, sd):
    return NormalMixture(np.ones(1), np.array([mean]), np.array([sd]))


def posterior(measure, mu, new=None, trials=None, scale=None):
    scale = scale or ("atanh" if measure == "RD" else "log")
    makers = {"mu": lambda: mu} | ({} if new is None else {"theta_new": lambda: new})
    return Posterior(
        trials=trials,
        measure=measure,
        scale=scale,
        likelihood="normal" if scale == "identity" else "binomial",
        effects="common" if new is None else "random",
        priors=None,
        engine="exact",
        makers=makers,
    )


def treated(measure, scale, risk, theta):
    """Written again, from the definitions."""
    if measure == "RR":
        return np.minimum(1, risk * np.exp(theta))
    if measure == "OR":
        odds = risk / (1 - risk) * np.exp(theta)
        return odds / (1 + odds)
    return np.clip(risk + (np.tanh(theta) if scale == "atanh" else theta), 0, 1)


QUARTER = counts([(10, 40), (5, 20), (25, 100)])
TEN = [(3, 10), (0, 8), (12, 12), (5, 50), (7, 9), (1, 30), (20, 60), (0, 15), (6, 14), (9, 21)]


# --- baselines ----------------------------------------------------------------------------


def test_quartiles_and_crude_risk_of_the_control_arms():
    found = baselines(counts([(1, 10), (2, 10), (3, 10), (4, 10), (50, 100)]))
    assert [found[name] for name in ("low", "median", "high")] == pytest.approx([0.2, 0.3, 0.4])
    assert found["crude"] == pytest.approx(60 / 140)
    assert found["low"] < found["model"] < found["high"]


@pytest.mark.parametrize(
    "arms", [[(0, 20)], [(15, 15)], [(7, 30)], [(0, 20), (0, 5)], TEN], ids=lambda a: f"k{len(a)}"
)
def test_the_model_is_what_brute_force_finds(arms):
    """A plain sum over m, s and a normal deviate z, with no transformation of any of them."""
    m = np.arange(-18, 18.01, 0.06)
    s = np.arange(0.02, 5, 0.04)
    z, w = np.arange(-7, 7.01, 0.2), norm.pdf(np.arange(-7, 7.01, 0.2)) * 0.2
    eta = m[:, None, None] + s[:, None] * z
    log_p, log_q = log_expit(eta), log_expit(-eta)
    log_like = sum(np.log(np.exp(r * log_p + (n - r) * log_q) @ w + 1e-300) for r, n in arms)
    mass = np.exp(log_like - log_like.max() + (log_expit(m) + log_expit(-m))[:, None] - s**2 / 2)
    mass /= mass.sum()
    trials = counts(arms)
    found = control_arms(trials)
    # Half of the last cell: the sum's distribution function at a node.
    column = mass.sum(axis=1)
    below = np.cumsum(column) - column / 2
    assert found.m.cdf(m[::40]) == pytest.approx(below[::40], abs=5e-4)
    assert baselines(trials)["model"] == pytest.approx(expit(np.interp(0.5, below, m)), abs=1e-3)
    points = spread(trials)
    assert (np.diff(points) > 0).all()
    at = logit(points[[4, 49, 99, 150, 195]])
    predicted = np.sum(mass * ndtr((at[:, None, None] - m[:, None]) / s), axis=(1, 2))
    assert predicted == pytest.approx((np.array([4, 49, 99, 150, 195]) + 0.5) / 200, abs=2e-3)


def test_the_risk_of_the_complement_is_the_complement():
    swapped = counts([(n - r, n) for r, n in TEN])
    assert spread(swapped) == pytest.approx(1 - spread(counts(TEN))[::-1], abs=1e-6)
    assert baselines(swapped)["model"] == pytest.approx(1 - baselines(counts(TEN))["model"])


def test_a_rare_event_is_not_swamped_and_many_patients_are_resolved():
    assert baselines(counts([(3, 10_000)] * 6))["model"] == pytest.approx(3e-4, rel=0.2)
    many = counts([(2_000_000, 10_000_000)] * 2 + [(5_000, 10_000)])
    found = baselines(many)
    assert 0.2 < found["model"] < 0.5
    same = counts([(2_000_000, 10_000_000)] * 4)
    assert baselines(same)["model"] == pytest.approx(0.2, abs=1e-4)


def test_no_counts_have_no_baseline():
    trials = bp.read_trials(pd.DataFrame({"trial": ["a"], "estimate": [0.1], "se": [0.2]}))
    for ask in (baselines, spread):
        with pytest.raises(bp.UsageError, match="no risks"):
            ask(trials)


# --- differences --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "scale", "mean", "sd"),
    [
        ("RR", "log", -0.35, 0.2),
        ("RR", "log", 0.9, 0.8),
        ("OR", "log", 0.6, 0.7),
        ("RD", "atanh", -0.2, 0.15),
        ("RD", "identity", 0.5, 0.4),
    ],
)
def test_every_row_is_what_simulation_finds(measure, scale, mean, sd):
    rng = np.random.default_rng(1)
    trials = counts(TEN)
    table = absolute_effects(
        posterior(measure, normal(mean, sd), trials=trials, scale=scale), benefit="higher"
    ).set_index("baseline")
    theta = rng.normal(mean, sd, 400_000)
    settings_ = rng.choice(spread(trials), theta.size)
    for name, row in table.iterrows():
        risk = settings_ if name == "spread" else row["risk_control"]
        p1 = treated(measure, scale, risk, theta)
        difference = 1000 * (p1 - risk)
        for what, draws in (("risk_treatment", p1), ("per_1000", difference)):
            ours = row[[f"{what}_{word}" for word in ("lower", "median", "upper")]]
            for value, level in zip(ours, ENDS, strict=True):
                # Clipped draws pile up at one value: the level lies within the pile.
                assert np.mean(draws < value - 1e-6) <= level + 3e-3, name
                assert np.mean(draws <= value + 1e-6) >= level - 3e-3, name
        for m in (10, 30, 50, 100):
            assert row[f"prob_{m}"] == pytest.approx(np.mean(difference >= m - 1e-9), abs=4e-3)
    assert math.isnan(table.loc["spread", "risk_control"])
    assert (table["measure"] == measure).all()


def test_the_spread_is_solved_to_its_last_digits():
    """The distribution function at the reported quantile is the level, each baseline in turn."""
    trials = counts(TEN)
    table = absolute_effects(posterior("OR", normal(0.4, 0.3), trials=trials)).set_index("baseline")
    risks = spread(trials)
    for word, level in zip(("lower", "median", "upper"), ENDS, strict=True):
        p1 = risks + table.loc["spread", f"per_1000_{word}"] / 1000
        theta = logit(np.clip(p1, 0, 1)) - logit(risks)
        assert np.mean(ndtr((theta - 0.4) / 0.3)) == pytest.approx(level, abs=1e-8)


def test_a_sum_over_effects_and_settings_agrees(exact, mortality):
    """Every new-trial effect met with every setting: no draws, no inversion."""
    table = absolute_effects(exact, benefit="lower")
    row = table[(table["quantity"] == "theta_new") & (table["baseline"] == "spread")].iloc[0]
    theta = exact["theta_new"].quantile((np.arange(2000) + 0.5) / 2000)[:, None]
    risk = spread(mortality)
    difference = (np.minimum(1, risk * np.exp(theta)) - risk).ravel()
    for word, level in zip(("lower", "median", "upper"), ENDS, strict=True):
        below = np.mean(1000 * difference <= row[f"per_1000_{word}"])
        assert below == pytest.approx(level, abs=1e-3)
    assert row["prob_30"] == pytest.approx(np.mean(difference <= -0.03), abs=1e-3)


def test_probabilities_belong_to_the_quantiles(exact, mortality):
    table = absolute_effects(exact)
    for word, level in (("lower", 0.025), ("median", 0.5)):
        saved = -table[f"per_1000_{word}"]
        again = absolute_effects(exact, mortality, "lower", per_1000=list(saved))
        p = [again[f"prob_{m:g}"].iloc[i] for i, m in enumerate(saved)]
        assert p == pytest.approx([level] * len(saved), abs=1e-6)


def test_swapping_events_with_non_events_turns_the_differences_round():
    control = [(3, 20), (8, 30), (1, 15)]
    treatment = [(6, 20), (9, 30), (4, 16)]

    def other(arms):
        return [(n - r, n) for r, n in arms]

    tables = []
    for arms in ((control, treatment), (other(control), other(treatment))):
        trials = counts(*arms)
        found = bp.surface(trials, "OR").posterior(bp.priors("OR"))
        tables.append(absolute_effects(found, benefit="higher" if not tables else "lower"))
    one, two = (t[~t["baseline"].isin(["low", "high"])] for t in tables)
    ours, theirs = (f"per_1000_{end}" for end in ("lower", "upper"))
    for left, right in ((ours, theirs), (theirs, ours), ("per_1000_median", "per_1000_median")):
        assert one[left].to_numpy() == pytest.approx(-two[right].to_numpy(), abs=1e-3)
    assert one["prob_50"].to_numpy() == pytest.approx(two["prob_50"].to_numpy(), abs=1e-6)
    assert list(one["nnt"]) == list(two["nnt"])


def test_what_no_effect_can_reach_has_probability_zero():
    rare = posterior("RR", normal(-1, 1), trials=counts([(2, 100)]))
    table = absolute_effects(rare, benefit="lower", baseline=0.02, per_1000=[10, 20, 21])
    assert table["prob_10"].item() == pytest.approx(ndtr(1 + math.log(0.5)), abs=1e-12)
    assert table["prob_20"].item() == 0  # a risk of 0 is a ratio of 0
    assert table["prob_21"].item() == 0
    often = absolute_effects(
        posterior("RR", normal(0.5, 1)), benefit="higher", baseline=0.9, per_1000=[100, 101]
    )
    assert often["prob_100"].item() == pytest.approx(ndtr(0.5 - math.log(1 / 0.9)), abs=1e-12)
    assert often["prob_101"].item() == 0
    all_saved = absolute_effects(
        posterior("RD", normal(-0.1, 0.1), scale="identity"),
        benefit="lower",
        baseline=0.05,
        per_1000=[50, 51],
    )
    assert all_saved["prob_50"].item() == pytest.approx(ndtr(0.5), abs=1e-12)
    assert all_saved["prob_51"].item() == 0


# --- RR past 1 ----------------------------------------------------------------------------


def test_the_clipped_share_by_hand():
    # At 1/4 a ratio above 4 passes 1: log 4 = 1.386; P(Z > 2) = 0.02275.
    trials = QUARTER
    main = posterior("RR", normal(0, math.log(4) / 2), normal(0, math.log(4)), trials)
    found = absolute_part(main, trials, "lower")["clipped"]
    assert found["mu"] == pytest.approx(0.0227501, abs=1e-7)
    assert found["theta_new"] == pytest.approx(0.1586553, abs=1e-7)
    alone = absolute_part(main, trials, "lower")
    assert alone["measure"] == "RR"
    assert "2.3 % of the posterior of the mean effect and 16 %" in alone["reason"]
    assert "held at 1" in alone["reason"]
    odds = posterior("OR", normal(0, 1), normal(0, 2), trials)
    part = absolute_part(main, trials, "lower", other=odds)
    assert part["measure"] == "OR"
    assert part["clipped"] == found
    assert part["rows"] == absolute_part(odds, trials, "lower")["rows"]
    assert part["prob_benefit"]["mu"] == pytest.approx(float(odds["mu"].cdf(0.0)), abs=1e-12)
    assert part["prob_benefit"]["mu"] > part["prob"]["mu"]["10"]
    assert "prob_benefit" not in alone
    assert "prob_benefit" not in absolute_part(main, trials, None, other=odds)
    with pytest.raises(bp.UsageError, match="posterior of the OR, not of RD"):
        absolute_part(main, trials, "lower", other=posterior("RD", normal(0, 1)))


def test_where_the_median_is_0_the_model_gives_the_baseline():
    none = counts([(0, 40), (0, 20), (5, 100)])
    main = posterior("RR", normal(0, 2), trials=none)
    by_hand = ndtr(math.log(baselines(none)["model"]) / 2)  # P(log RR > -log p0)
    assert absolute_part(main, none, "lower")["clipped"] == {
        "mu": pytest.approx(by_hand, abs=1e-12)
    }


def test_below_one_per_cent_the_ratio_stays():
    main = posterior("RR", normal(0, math.log(4) / 2.4), trials=QUARTER)  # P(Z > 2.4) = 0.0082
    part = absolute_part(main, QUARTER, "lower", other=posterior("OR", normal(0, 1)))
    assert part["clipped"] == {"mu": pytest.approx(0.0082, abs=1e-5)}
    assert (part["measure"], part["reason"]) == ("RR", "")


def test_a_difference_that_leaves_the_risks_says_so():
    main = posterior("RD", normal(-0.2, 0.1), trials=QUARTER, scale="identity")
    part = absolute_part(main, QUARTER, "lower")
    assert part["clipped"]["mu"] == pytest.approx(ndtr(-0.5), abs=1e-9)
    assert "below 0 or above 1" in part["reason"]
    assert part["measure"] == "RD"


def test_clinical_improvement_needs_the_odds_ratio():
    """Many new trials' ratios would take a risk of 42 % past 1; by a plain sum of the density."""
    trials = bp.read_trials(DATA / "clinical_improvement.csv")
    ratio = bp.surface(trials, "RR").posterior(bp.priors("RR"))
    part = absolute_part(ratio, trials, "higher")
    shares = part["clipped"]
    theta = np.linspace(-math.log(5 / 12), 12, 20_001)
    for quantity, share in shares.items():
        assert share == pytest.approx(np.trapezoid(ratio[quantity].pdf(theta), theta), rel=1e-4)
    assert shares["theta_new"] == pytest.approx(0.115, abs=2e-3)
    rows = absolute_effects(ratio).set_index(["quantity", "baseline"])
    assert rows.loc[("theta_new", "crude"), "clipped"] == pytest.approx(0.174, abs=2e-3)
    odds = bp.surface(trials, "OR").posterior(bp.priors("OR"))
    assert part == absolute_part(ratio, trials, "higher", other=odds)
    assert part["measure"] == "OR"
    assert all(row["risk_treatment"]["upper"] < 1 for row in part["rows"])
    # Whoever asks the posterior itself has the report's answer, at any baseline too.
    told = absolute_effects(ratio, benefit="higher").set_index(["quantity", "baseline"])
    assert set(told["measure"]) == {"OR"}
    assert told.loc[("mu", "median"), "prob_30"] == part["prob"]["mu"]["30"]
    given = absolute_effects(ratio, benefit="higher", baseline=0.6)
    assert set(given["measure"]) == {"OR"}
    assert set(absolute_effects(ratio, baseline=0.01)["measure"]) == {"RR"}
    # A prior that says nothing about the odds ratio keeps the ratio, held at 1.
    own = bp.surface(trials, "RR").posterior(bp.priors("RR", mu="Normal(0, 0.8)"))
    assert set(absolute_effects(own, benefit="higher")["measure"]) == {"RR"}
    assert absolute_part(own, trials, "higher")["reason"].endswith("held at 1.")


# --- numbers needed to treat --------------------------------------------------------------


@pytest.mark.parametrize(
    ("median", "lower", "upper", "text"),
    [
        (-0.0940, -0.180, -0.0251, "NNTB 11 (NNTB 6 to 40)"),
        (-0.0940, -0.180, 0.00112, "NNTB 11 (NNTB 6 to ∞ to NNTH 893)"),
        (0.05, -0.01, 0.2, "NNTH 20 (NNTH 5 to ∞ to NNTB 100)"),
        (0.05, 0.01, 0.2, "NNTH 20 (NNTH 5 to 100)"),
        (0.0, -0.1, 0.2, "∞ (NNTB 10 to ∞ to NNTH 5)"),
        (0.0, 0.0, 0.0, "∞"),
        (-0.1, -0.2, 0.0, "NNTB 10 (NNTB 5 to ∞)"),
        (0.0, -0.2, 0.0, "∞ (NNTB 5 to ∞)"),
        (0.0, 0.0, 0.2, "∞ (∞ to NNTH 5)"),
        (-1.0, -1.0, -0.3, "NNTB 1 (NNTB 1 to 4)"),
        (-0.001, -0.1, 0.0000625, "NNTB 1,000 (NNTB 10 to ∞ to NNTH 16,000)"),
    ],
)
def test_the_number_needed_to_treat_in_words(median, lower, upper, text):
    assert nnt_text(median, lower, upper, "lower") == text
    assert nnt_text(-median, -upper, -lower, "higher") == text


def test_whole_patients_are_rounded_up_but_not_by_the_last_digit():
    assert nnt_text(0.3 - 0.2, 0.3 - 0.2, 0.3 - 0.2, "higher").startswith("NNTB 10 ")
    assert nnt_text(0.0999, 0.0999, 0.0999, "higher").startswith("NNTB 11 ")


def test_no_benefit_declared_no_number_needed_to_treat():
    main = posterior("RR", normal(-0.3, 0.2), trials=QUARTER)
    part = absolute_part(main, QUARTER, None)
    assert "prob" not in part
    assert {row["nnt"] for row in part["rows"]} == {None}
    table = absolute_effects(main)
    assert table["nnt"].isna().all()
    assert not [name for name in table.columns if name.startswith("prob")]


# --- the record's part --------------------------------------------------------------------


def test_the_part_is_json_and_says_what_the_table_says(exact, mortality):
    part = absolute_part(exact, mortality, "lower", important=40)
    assert json.loads(json.dumps(part, allow_nan=False)) == part
    assert list(part) == [
        "measure", "reason", "clipped", "important", "headline", "baselines", "rows", "prob",
    ]  # fmt: skip
    assert list(part["baselines"]) == ["median", "low", "high", "crude", "model"]
    assert list(part["prob"]["mu"]) == ["10", "30", "40", "50", "100"]
    table = absolute_effects(exact, mortality, "lower")
    assert [row["nnt"] for row in part["rows"]] == list(table["nnt"])
    assert [row["per_1000"]["upper"] for row in part["rows"]] == list(table["per_1000_upper"])
    at_median = table[table["baseline"] == "median"].set_index("quantity")
    assert part["prob"]["theta_new"]["30"] == at_median.loc["theta_new", "prob_30"]
    # 250 of 1,000 die; the ratio's median, 0.7057, leaves 176.4.
    assert part["rows"][0]["risk_control"] == 0.25
    assert part["rows"][0]["per_1000"]["median"] == pytest.approx(-73.6, abs=0.1)
    saved = float(exact["mu"].cdf(math.log(0.22 / 0.25)))
    assert part["prob"]["mu"]["30"] == pytest.approx(saved, abs=1e-9)


def test_a_common_effect_has_the_mean_alone(mortality):
    found = bp.surface(mortality, "RR", effects="common").posterior(bp.priors("RR"))
    part = absolute_part(found, mortality, "lower")
    assert {row["quantity"] for row in part["rows"]} == {"mu"}
    assert list(part["prob"]) == list(part["clipped"]) == ["mu"]


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_normal_likelihoods_have_absolute_effects_too(mortality, measure):
    found = bp.surface(mortality, measure, likelihood="normal").posterior(bp.priors(measure))
    table = absolute_effects(found, benefit="lower")
    assert np.isfinite(table.filter(like="per_1000").to_numpy()).all()
    natural = found["mu"].quantile(0.5)
    want = treated(measure, found.scale, 0.25, natural) - 0.25
    assert table["per_1000_median"].iloc[0] == pytest.approx(1000 * want, abs=1e-9)


def test_draws_are_taken_as_they_come(mortality):
    rng = np.random.default_rng(4)
    mu = rng.normal(-0.35, 0.2, (4, 1000))
    fit = xr.DataTree.from_dict({"posterior": xr.Dataset({"mu": (("chain", "draw"), mu)})})
    fit.attrs = {"measure": "RR", "scale": "log", "likelihood": "binomial", "effects": "common"}
    table = absolute_effects(fit, mortality, "lower").set_index("baseline")
    direct = 250 * (np.exp(np.quantile(mu, 0.975)) - 1)
    assert table.loc["median", "per_1000_upper"] == pytest.approx(direct, abs=1e-9)
    assert table.loc["median", "prob_30"] == np.mean(np.exp(mu) <= 0.88)
    smooth = absolute_effects(posterior("RR", normal(-0.35, 0.2), trials=mortality))
    assert table.loc["spread", "per_1000_lower"] == pytest.approx(
        smooth["per_1000_lower"].iloc[-1], abs=10
    )
    with pytest.raises(bp.UsageError, match="trials="):
        absolute_effects(fit)


# --- nothing crashes ----------------------------------------------------------------------


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize("events", [0, 20])
def test_control_arms_without_events_or_with_events_only(measure, events):
    trials = counts([(events, 20), (events, 20)], [(3, 20), (2, 10)])
    found = bp.surface(trials, measure).posterior(bp.priors(measure))
    part = absolute_part(found, trials, "lower")
    assert part["baselines"]["median"] == events / 20
    json.dumps(part, allow_nan=False)
    row = part["rows"][0]
    if events == 0 and measure != "RD":  # a ratio makes nothing of nothing
        assert row["per_1000"] == {"median": 0, "lower": 0, "upper": 0}
        assert row["nnt"] == "∞"
        assert part["headline"] == "model"
        assert part["prob"]["mu"]["10"] < 0.05


arm = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    arms=st.lists(arm, min_size=1, max_size=4),
    measure=st.sampled_from(["OR", "RR", "RD"]),
    mean=st.floats(-30, 30),
    sd=st.floats(0.01, 10),
    benefit=st.sampled_from(["lower", "higher"]),
    sampled=st.booleans(),
)
def test_any_counts_and_any_posterior_give_finite_ordered_answers(
    arms, measure, mean, sd, benefit, sampled
):
    values = np.random.default_rng(5).normal(mean, sd, (2, 50))
    mu = Draws(values) if sampled else normal(mean, sd)
    table = absolute_effects(posterior(measure, mu, trials=counts(arms)), benefit=benefit)
    for what, low, high in (("risk_treatment", 0, 1), ("per_1000", -1000, 1000)):
        ends = table[[f"{what}_{word}" for word in ("lower", "median", "upper")]].to_numpy()
        assert np.isfinite(ends).all()
        assert (np.diff(ends, axis=1) >= -1e-6).all()
        assert (ends >= low - 1e-6).all()
        assert (ends <= high + 1e-6).all()
    p = table.filter(like="prob_").to_numpy()
    assert ((p >= 0) & (p <= 1 + 1e-12)).all()
    assert (np.diff(p, axis=1) <= 1e-12).all()
    assert table["nnt"].str.match(r"∞$|(NNT[BH] [\d,]+|∞)").all()


def test_a_given_baseline_needs_no_counts():
    trials = bp.read_trials(pd.DataFrame({"trial": ["a"], "estimate": [-0.2], "se": [0.2]}))
    found = bp.surface(trials, "RR", effects="common").posterior(
        bp.Priors("Flat()", "HalfNormal(1)")
    )
    with pytest.raises(bp.UsageError, match=r"no control risks.*baseline="):
        absolute_effects(found)
    table = absolute_effects(found, baseline=0.2)
    assert list(table["baseline"]) == ["given"]
    assert table["per_1000_median"].item() == pytest.approx(200 * math.expm1(-0.2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baseline": 0}, "between 0 and 1, not 0"),
        ({"baseline": 1.0}, "between 0 and 1"),
        ({"baseline": float("nan")}, "between 0 and 1"),
        ({"baseline": "many"}, "between 0 and 1, not 'many'"),
        ({"benefit": "down"}, "lower or higher"),
        ({"benefit": "lower", "per_1000": [0]}, "above 0"),
        ({"benefit": "lower", "per_1000": [1001]}, "at most 1000"),
    ],
)
def test_the_impossible_is_refused(options, message):
    with pytest.raises(bp.UsageError, match=message):
        absolute_effects(posterior("RR", normal(0, 1), trials=QUARTER), **options)


@pytest.mark.parametrize("measure", ["MD", "SMD", "ROM", "HR", "generic"])
def test_measures_without_risks_are_refused(measure):
    with pytest.raises(bp.UsageError, match=f"{measure} says nothing about risks"):
        absolute_effects(posterior(measure, normal(0, 1), scale="identity"), baseline=0.2)


@pytest.mark.parametrize("events", [0, 20])
def test_a_median_risk_of_0_or_1_does_not_head_the_answer(events):
    size = 20
    other = size - 1 if events else 1
    trials = counts([(events, size), (events, size), (other, size)])
    posterior = bp.surface(trials, "OR").posterior(bp.priors("OR"))
    part = absolute_part(posterior, trials, "lower", 30)
    assert part["headline"] == "model"
    assert 0 < part["baselines"]["model"] < 1
    row = next(r for r in part["rows"] if (r["quantity"], r["baseline"]) == ("mu", "model"))
    assert row["per_1000"]["upper"] > row["per_1000"]["lower"] + 1
    assert 0 < part["prob"]["mu"]["10"] < 1
