"""Predictive densities, comparison of models and model averaging, against other routes."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import bdtr, logsumexp
from scipy.stats import halfnorm, norm

import bayespool as bp
from bayespool.comparison import (
    compare_effects,
    compare_models,
    elpd,
    inclusion_factors,
    leave_trial_out,
    model_average,
    side_by_side,
)
from bayespool.comparison.measures import kolmogorov
from bayespool.errors import PriorError, UsageError
from bayespool.exact.surface import rough_effects
from bayespool.exact.trial import conditional_likelihoods, counts_likelihoods
from bayespool.figures.averaging import averaging as averaging_figure
from bayespool.figures.loo import loo as loo_figure
from bayespool.figures.models import models as models_figure
from bayespool.measures import risks
from bayespool.prior import parse_prior
from bayespool.prose.averaging import averaging as averaging_sentence
from bayespool.prose.loo import loo as loo_sentence
from bayespool.prose.models import measures_beside
from bayespool.prose.models import models as models_sentence

Y, S = np.array([-0.6, 0.1, -0.9]), np.array([0.35, 0.25, 0.5])
WEAK = bp.Priors("Normal(0, 1)", "HalfNormal(0.5)")
COUNTS = ["events_treatment", "n_treatment", "events_control", "n_control"]
RECORD = {"measure": "RR", "benefit": "lower", "likelihood": "binomial", "scale": "log"}


def estimates(y, s) -> bp.Trials:
    names = [f"t{i}" for i in range(len(y))]
    return bp.read_trials(pd.DataFrame({"trial": names, "estimate": y, "se": s}))


def counts(rows) -> bp.Trials:
    frame = pd.DataFrame(rows, columns=COUNTS)
    return bp.read_trials(frame.assign(trial=[f"t{i}" for i in range(len(rows))]))


@pytest.fixture(scope="module")
def three() -> bp.Surface:
    return bp.surface(estimates(Y, S), "MD")


@pytest.fixture(scope="module")
def deaths(mortality) -> bp.Surface:
    return bp.surface(mortality, "RR")


@pytest.fixture(scope="module")
def loo(deaths) -> pd.DataFrame:
    return leave_trial_out(deaths, bp.priors("RR"), "lower")


@pytest.fixture(scope="module")
def averaged(deaths) -> pd.DataFrame:
    return model_average(deaths, bp.priors("RR"), "lower")


def legendre(low, high, count) -> tuple[np.ndarray, np.ndarray]:
    x, w = np.polynomial.legendre.leggauss(count)
    return 0.5 * (high + low) + 0.5 * (high - low) * x, 0.5 * (high - low) * w


M, M_W = legendre(-6, 6, 300)
T, T_W = legendre(0, 4.5, 200)
M_W, T_W = M_W * norm.pdf(M), T_W * halfnorm.pdf(T, scale=0.5)


def log_like(y, s, mu, tau) -> np.ndarray:
    """log p(y_i | mu, tau), shape (trials, mu, tau)."""
    y, s = (np.asarray(values)[:, None, None] for values in (y, s))
    return norm.logpdf(y, mu[:, None], np.hypot(s, tau))


def evidence(y, s, effect=True, varies=True) -> float:
    """Log marginal likelihood under WEAK by Gauss-Legendre quadrature in mu and tau."""
    mu, mu_w = (M, M_W) if effect else (np.zeros(1), np.ones(1))
    tau, tau_w = (T, T_W) if varies else (np.zeros(1), np.ones(1))
    return math.log(mu_w @ np.exp(log_like(y, s, mu, tau).sum(axis=0)) @ tau_w)


def conditional(measure, arms, theta, phi) -> tuple[np.ndarray, np.ndarray]:
    """The control arm's likelihood times phi's prior, and P(no more treated events), mid-p."""
    r1, n1, r0, n0 = (int(value) for value in arms)
    p0, q0, p1, _ = risks(measure, theta, phi)
    p1 = np.minimum(p1, 1.0)
    control = r0 * np.log(np.maximum(p0, 1e-300)) + (n0 - r0) * np.log(np.maximum(q0, 1e-300))
    control = np.exp(control - control.max())
    below = 0.5 * (bdtr(r1, n1, p1) + (bdtr(r1 - 1, n1, p1) if r1 else 0.0))
    return control * norm.pdf(phi, 0, 10), below


# --- leaving a trial out ---------------------------------------------------------------------


def test_elpd_of_estimates_is_the_ratio_of_evidences_by_quadrature(three):
    table = leave_trial_out(three, WEAK)
    rest = [np.arange(3) != i for i in range(3)]
    want = [evidence(Y, S) - evidence(Y[keep], S[keep]) for keep in rest]
    assert table["elpd"].to_numpy() == pytest.approx(want, abs=1e-6)
    total, error = elpd(table)
    assert total == pytest.approx(sum(want), abs=1e-6)
    assert error == pytest.approx(math.sqrt(3) * np.std(want, ddof=1), abs=1e-6)


@pytest.mark.parametrize("measure", ["OR", "RD"])
def test_elpd_of_counts_is_the_ratio_of_two_surfaces_evidences(mortality, measure):
    priors = bp.priors(measure)
    whole = bp.surface(mortality, measure)
    table = leave_trial_out(whole, priors)
    for i in (0, 9):
        rest = bp.surface(mortality.take([j for j in range(10) if j != i]), measure)
        want = (
            whole.posterior(priors).log_marginal_likelihood
            - rest.posterior(priors).log_marginal_likelihood
        )
        assert table["elpd"][i] == pytest.approx(want, abs=2e-5)


def test_probabilities_and_shifts_are_those_of_posteriors(deaths, loo, exact):
    priors = bp.priors("RR")
    p = exact["mu"].cdf(0.0)
    assert loo.attrs["main"] == pytest.approx(p, abs=1e-5)
    for i in (0, 3, 8):
        without = deaths.posterior(priors, {deaths.kept[i]: 0})["mu"].cdf(0.0)
        assert loo["prob_benefit"][i] == pytest.approx(without, abs=1e-5)
        assert loo["shift"][i] == pytest.approx(p - without, abs=2e-5)


def test_a_threshold_and_the_other_side_are_taken(deaths):
    priors = bp.priors("RR")
    table = leave_trial_out(deaths, priors, "higher", 0.8)
    want = deaths.posterior(priors, {"bowdish_2023": 0})["mu"].sf(math.log(0.8))
    assert table["prob_benefit"][0] == pytest.approx(want, abs=1e-5)


def test_pit_of_an_estimate_is_the_predictive_cdf_without_it(three):
    table = leave_trial_out(three, WEAK)
    for i in range(3):
        new = three.posterior(WEAK, {f"t{i}": 0})["theta_new"]
        foretold = np.sum(new.weight * norm.cdf(Y[i], new.location, np.hypot(new.scale, S[i])))
        assert table["pit"][i] == pytest.approx(foretold, abs=1e-6)


def test_pit_under_t_effects_is_the_cdf_by_simulation():
    surface = bp.surface(estimates(Y, S), "MD", effects="t")
    pit = leave_trial_out(surface, WEAK)["pit"]
    new = surface.posterior(WEAK, {"t2": 0})["theta_new"]
    theta = new.quantile((np.arange(4000) + 0.5) / 4000)
    assert pit[2] == pytest.approx(norm.cdf(Y[2], theta, S[2]).mean(), abs=2e-4)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_pit_of_counts_is_the_conditional_cdf_over_the_posterior_without_them(mortality, measure):
    surface, priors = bp.surface(mortality, measure), bp.priors(measure)
    pit = leave_trial_out(surface, priors)["pit"]
    phi = np.linspace(-60, 60, 501)
    arms = mortality.frame[COUNTS].to_numpy(dtype=int)
    for i in (0, 6, 9):
        new = surface.posterior(priors, {surface.kept[i]: 0})["theta_new"]
        theta = np.linspace(*new.quantile(np.array([1e-7, 1 - 1e-7])), 801)
        control, below = conditional(measure, arms[i], theta[:, None], phi)
        weight = new.pdf(theta)[:, None] * control
        assert pit[i] == pytest.approx((weight * below).sum() / weight.sum(), abs=3e-4)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_all_outcomes_of_the_treatment_arm_sum_to_the_control_arm_alone(measure):
    r1, n1, r0, n0 = 2, 6, 3, 9
    every = np.array([[r, n1, r0, n0] for r in range(n1 + 1)], dtype=float)
    phi = parse_prior("Normal(0, 10)", "phi")
    rows = counts_likelihoods(measure, every, *rough_effects(measure, every), phi)
    theta = np.array([-1.7, -0.4, 0.02, 0.9])
    parts = np.array([row.log(theta) for row in rows])
    mine = every[r1 : r1 + 1]
    control, upto = conditional_likelihoods(measure, mine, *rough_effects(measure, mine), phi)
    assert control[0].log(theta) == pytest.approx(logsumexp(parts, axis=0), abs=1e-5)
    half = np.concatenate([parts[:r1], parts[r1 : r1 + 1] + math.log(0.5)])
    assert upto[0].log(theta) == pytest.approx(logsumexp(half, axis=0), abs=1e-5)


def test_very_unequal_arms_keep_their_conditional_likelihood():
    arms = np.array([[3.0, 5000, 1, 20], [505, 88391, 499, 88391], [0, 8, 40, 400]])
    prior = parse_prior("Normal(0, 10)", "phi")
    centre, width = rough_effects("OR", arms)
    control, upto = conditional_likelihoods("OR", arms, centre, width, prior)
    phi = np.linspace(-60, 60, 60_001)
    for i, row in enumerate(arms.astype(int)):
        for theta in centre[i] + width[i] * np.array([-1.5, 0.0, 1.0]):
            weight, below = conditional("OR", row, theta, phi)
            at = np.array([theta])
            ratio = np.exp(upto[i].log(at) - control[i].log(at))
            assert ratio == pytest.approx((weight * below).sum() / weight.sum(), abs=1e-5)


def test_extreme_marks_the_trial_the_others_did_not_foretell():
    table = leave_trial_out(bp.surface(estimates([0, 0.1, -0.1, 3.0], [0.2] * 4), "MD"), WEAK)
    assert table["extreme"].tolist() == [False, False, False, True]
    assert table["pit"][3] > 0.975


def test_divergence_of_a_normal_common_effect_is_the_closed_form():
    surface = bp.surface(estimates(Y, S), "MD", effects="common")
    table = leave_trial_out(surface, WEAK)
    for i in range(3):
        rest = np.arange(3) != i
        v1, v0 = (1 / (1 + np.sum(1 / S[keep] ** 2)) for keep in (slice(None), rest))
        m1, m0 = v1 * np.sum(Y / S**2), v0 * np.sum(Y[rest] / S[rest] ** 2)
        want = 0.5 * (math.log(v0 / v1) + v1 / v0 + (m1 - m0) ** 2 / v0 - 1)
        assert table["kl"][i] == pytest.approx(want, abs=1e-7)
        assert table["kl_mu"][i] == pytest.approx(want, abs=1e-7)


def test_divergence_of_mu_and_tau_is_that_by_quadrature(three):
    table = leave_trial_out(three, WEAK)
    rest = np.arange(3) != 1
    log_l = log_like(Y, S, M, T)
    p = np.exp(log_l.sum(axis=0) - evidence(Y, S)) * M_W[:, None] * T_W
    want = (p * log_l[1]).sum() - evidence(Y, S) + evidence(Y[rest], S[rest])
    assert table["kl"][1] == pytest.approx(want, abs=1e-6)
    assert (table["kl_mu"] < table["kl"]).all()


def test_a_double_zero_trial_has_no_influence_on_the_or_and_some_on_the_rd(mortality):
    last = {
        m: leave_trial_out(bp.surface(mortality, m), bp.priors(m)).iloc[-1] for m in ("OR", "RD")
    }
    assert last["OR"]["trial"] == "shi_2021"
    assert last["OR"]["kl"] < 1e-4
    assert abs(last["OR"]["shift"]) < 3e-4
    assert last["RD"]["kl"] > 0.1


def test_order_of_the_trials_changes_nothing(mortality, loo):
    turned = leave_trial_out(
        bp.surface(mortality.take(range(9, -1, -1)), "RR"), bp.priors("RR"), "lower"
    )
    columns = ["elpd", "pit", "kl", "kl_mu", "prob_benefit", "shift"]
    assert turned[columns].to_numpy()[::-1] == pytest.approx(loo[columns].to_numpy(), abs=1e-6)


def test_a_finer_surface_gives_the_same(deaths, loo):
    fine = leave_trial_out(deaths.refined(), bp.priors("RR"), "lower")
    columns = ["elpd", "pit", "kl", "kl_mu", "shift"]
    assert fine[columns].to_numpy() == pytest.approx(loo[columns].to_numpy(), abs=2e-5)


def test_a_single_trial_is_foretold_by_the_prior_alone():
    table = leave_trial_out(bp.surface(estimates([0.4], [0.3]), "MD"), WEAK)
    assert table["elpd"][0] == pytest.approx(evidence(np.array([0.4]), np.array([0.3])), abs=1e-6)
    assert math.isnan(elpd(table)[1])


def test_without_a_proper_posterior_a_row_is_empty_not_wrong():
    flat = bp.Priors("Flat()", "HalfNormal(0.5)")
    table = leave_trial_out(bp.surface(estimates([0.4], [0.3]), "MD"), flat)
    assert table[["elpd", "pit", "kl", "shift"]].isna().all(axis=None)
    assert not table["extreme"].any()
    pair = leave_trial_out(bp.surface(estimates(Y[:2], S[:2]), "MD"), flat)
    assert pair["elpd"].notna().all()  # one trial is enough under a flat mu


def test_discounted_trials_have_no_predictive_density(three):
    with pytest.raises(UsageError, match="discounts some"):
        leave_trial_out(three.weighted({"t0": 0.5}), WEAK)
    assert len(leave_trial_out(three.weighted({"t0": 0}), WEAK)) == 2


# --- models ----------------------------------------------------------------------------------


def test_models_are_weighed_by_their_own_posteriors_evidence(deaths, mortality):
    priors = bp.priors("RR")
    table = compare_effects(deaths, priors, "lower")
    assert table["effects"].tolist() == ["common", "random", "t"]
    own = [
        bp.surface(mortality, "RR", effects=e).posterior(priors) for e in ("common", "random", "t")
    ]
    log_z = np.array([p.log_marginal_likelihood for p in own])
    assert table["log_marginal_likelihood"].to_numpy() == pytest.approx(log_z, abs=2e-5)
    assert table["probability"].to_numpy() == pytest.approx(
        np.exp(log_z - logsumexp(log_z)), abs=1e-5
    )
    assert table["prob_benefit"].to_numpy() == pytest.approx(
        [p["mu"].cdf(0.0) for p in own], abs=1e-5
    )
    assert table["natural_upper"].to_numpy() == pytest.approx(
        [math.exp(p["mu"].quantile(0.975)) for p in own], abs=1e-4
    )
    assert "1.41" in table["tau_is"][2]


def test_differences_in_elpd_have_the_paired_standard_error(three):
    table = compare_effects(three, WEAK)
    terms = {
        e: leave_trial_out(bp.surface(estimates(Y, S), "MD", effects=e), WEAK)["elpd"]
        for e in table["effects"]
    }
    best = table["effects"][table["elpd"].idxmax()]
    for row in table.to_dict("records"):
        apart = terms[row["effects"]] - terms[best]
        assert row["elpd_difference"] == pytest.approx(apart.sum(), abs=1e-6)
        if row["effects"] != best:
            assert row["difference_se"] == pytest.approx(math.sqrt(3) * apart.std(), abs=1e-6)


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("measure", lambda m: bp.surface(m, "OR", effects="common")),
        ("likelihood", lambda m: bp.surface(m.take(range(9)), "RR", "normal", "common")),
        ("prior on phi", lambda m: bp.surface(m, "RR", effects="common", phi="Normal(0, 2)")),
        ("trials", lambda m: bp.surface(m.take(range(8)), "RR", effects="common")),
    ],
)
def test_what_no_bayes_factor_compares_is_refused(mortality, deaths, word, other):
    with pytest.raises(UsageError, match=word):
        compare_models([deaths, other(mortality)], bp.priors("RR"))


def test_other_data_under_the_same_names_are_refused():
    pair = [
        bp.surface(estimates(y, S), "MD", effects=e)
        for y, e in ((Y, "random"), (Y + 0.1, "common"))
    ]
    with pytest.raises(UsageError, match="other data"):
        compare_models(pair, WEAK)
    with pytest.raises(UsageError, match="once"):
        compare_models([pair[0], pair[0]], WEAK)
    with pytest.raises(UsageError, match="two surfaces"):
        compare_models(pair[:1], WEAK)


def test_a_flat_prior_has_no_marginal_likelihood_and_the_error_says_what_to_write(three):
    with pytest.raises(PriorError, match=r"mu ~ Flat\(\).*such as Normal\(0, 1\)"):
        compare_effects(three, bp.Priors("Flat()", "HalfNormal(0.5)"))
    with pytest.raises(PriorError, match=r"tau ~ Flat\(\).*such as HalfNormal\(0.5\)"):
        model_average(three, bp.Priors("Normal(0, 1)", "Flat()"))


# --- averaging -------------------------------------------------------------------------------


def test_four_evidences_are_those_by_quadrature(three):
    table = model_average(three, WEAK, "lower")
    want = np.array([evidence(Y, S, e, v) for e in (False, True) for v in (False, True)])
    found = table["log_marginal_likelihood"][:4].to_numpy()
    assert found == pytest.approx(want, abs=1e-6)
    p = np.exp(want - logsumexp(want))
    rows = table.set_index("model")
    assert table["probability"][:4].to_numpy() == pytest.approx(p, abs=1e-6)
    assert rows.loc["effect", "inclusion_bf"] == pytest.approx(p[2:].sum() / p[:2].sum(), rel=1e-5)
    varies = p[1] + p[3]
    assert rows.loc["heterogeneity", "inclusion_bf"] == pytest.approx(
        varies / (1 - varies), rel=1e-5
    )


def test_the_bayes_factor_of_an_effect_rests_on_how_wide_its_prior_is(mortality):
    table = bp.surface(mortality, "RR")
    sets = [bp.Priors(f"Normal(0, {sd})", "HalfNormal(0.5)", None, f"{sd}") for sd in (10, 1, 0.5)]
    flat = bp.Priors("Flat()", "HalfNormal(0.5)", None, "flat")
    found = inclusion_factors(table, [*sets, flat])
    assert found["model"].tolist() == ["10", "1", "0.5"]
    # By a plain sum over (phi, theta, mu, tau), written apart from the engine.
    assert found["inclusion_bf"].to_numpy() == pytest.approx([0.23, 2.18, 3.62], abs=0.005)
    own = model_average(table, sets[1], "lower").set_index("model").loc["effect"]
    assert found["inclusion_bf"][1] == pytest.approx(own["inclusion_bf"], rel=1e-9)
    assert found["probability"][1] == pytest.approx(own["probability"], rel=1e-9)


def test_rows_of_an_effect_are_the_posteriors_of_their_own_surfaces(mortality, averaged, exact):
    rows = averaged.set_index("model")
    fixed = bp.surface(mortality, "RR", effects="common").posterior(bp.priors("RR"))
    for name, own in (("effect, tau > 0", exact), ("effect, tau = 0", fixed)):
        assert rows.loc[name, "prob_benefit"] == pytest.approx(own["mu"].cdf(0.0), abs=1e-5)
        ends = np.exp(own["mu"].quantile(np.array([0.5, 0.025, 0.975])))
        found = rows.loc[name, ["natural_median", "natural_lower", "natural_upper"]]
        assert found.to_numpy(dtype=float) == pytest.approx(ends, abs=1e-4)
    assert rows.loc["effect, tau > 0", "tau_median"] == pytest.approx(
        exact["tau"].quantile(0.5), abs=1e-4
    )


def test_binomial_averaging_agrees_with_the_published_bridge_sampling():
    """RoBMA's BiBMA: adverse events of honey, 5/35 v 0/39 and 2/40 v 0/40 (Bartoš et al. 2023)."""
    honey = counts([(5, 35, 0, 39), (2, 40, 0, 40)])
    surface = bp.surface(honey, "OR", phi="Logistic(0, 1)")  # Beta(1, 1) of the midpoint risk
    priors = bp.Priors("StudentT(3, 0, 0.48)", "InverseGamma(1.67, 0.45)")
    rows = model_average(surface, priors).set_index("model")
    assert rows.loc["effect", "inclusion_bf"] == pytest.approx(2.630, rel=0.01)
    assert rows.loc["heterogeneity", "inclusion_bf"] == pytest.approx(1.296, rel=0.01)
    assert rows.loc["effect", "inclusion_bf"] == pytest.approx(2.620, abs=1e-3)
    assert rows.loc["heterogeneity", "inclusion_bf"] == pytest.approx(1.307, abs=1e-3)
    assert rows.loc["all models", "natural_median"] == pytest.approx(1.642, rel=0.01)
    assert rows.loc["effect", "natural_median"] == pytest.approx(2.261, rel=0.02)
    assert rows.loc["heterogeneity", "tau_median"] == pytest.approx(0.426, rel=0.02)
    assert rows.loc["all models", "tau_median"] == pytest.approx(0.158, rel=0.04)


def test_normal_averaging_agrees_with_the_published_quadrature():
    """Dentine hypersensitivity, five trials (Bartoš et al. 2021, Stat Med 40:6743, section 5)."""
    teeth = estimates(
        [0.9073050, 0.7207589, 1.3305829, 1.7688872, 1.3286828],
        [0.2720456, 0.1977769, 0.2721648, 0.2656483, 0.3582617],
    )
    priors = bp.Priors("StudentT(5, 0, 0.51)", "InverseGamma(1.79, 0.28)")
    rows = model_average(bp.surface(teeth, "SMD"), priors, "higher").set_index("model")
    assert rows.loc["effect", "inclusion_bf"] == pytest.approx(218.53, abs=0.01)
    assert rows.loc["heterogeneity", "inclusion_bf"] == pytest.approx(3.52, abs=0.005)
    assert rows.loc["effect", "natural_median"] == pytest.approx(1.090, abs=0.005)
    assert rows.loc["effect, tau > 0", "probability"] == pytest.approx(0.77, abs=0.005)


def test_no_effect_exactly_is_neither_benefit_nor_harm(averaged):
    row = averaged.set_index("model").loc["all models"]
    assert row["prob_benefit"] + row["prob_harm"] + row["prob_none"] == pytest.approx(1)
    effect = averaged.set_index("model").loc["effect"]
    assert row["prob_benefit"] == pytest.approx(effect["probability"] * effect["prob_benefit"])
    assert row["natural_lower"] < row["natural_median"] < row["natural_upper"] == 1.0


def test_at_another_threshold_no_effect_counts_on_the_side_where_it_lies(deaths):
    worse, better = (
        model_average(deaths, bp.priors("RR"), "lower", t).set_index("model") for t in (1.2, 0.8)
    )
    none = worse.loc["all models", "prob_none"]
    for rows, mass in ((worse, none), (better, 0.0)):
        inside = rows.loc["effect", "probability"] * rows.loc["effect", "prob_benefit"]
        assert rows.loc["all models", "prob_benefit"] == pytest.approx(inside + mass)


def test_data_at_no_effect_average_to_no_effect():
    table = model_average(bp.surface(estimates([0.0] * 4, [0.1] * 4), "MD"), WEAK, "lower")
    rows = table.set_index("model")
    assert rows.loc["all models", "natural_median"] == 0.0
    assert rows.loc["all models", "tau_median"] == 0.0
    assert rows.loc["effect", "inclusion_bf"] < 0.2
    assert rows.loc["all models", "prob_benefit"] == pytest.approx(
        rows.loc["all models", "prob_harm"], abs=1e-6
    )


def test_prior_odds_move_the_probability_and_leave_the_bayes_factor(three):
    even, odd = (
        model_average(three, WEAK, odds=odds).set_index("model") for odds in ((1, 1), (0.25, 1))
    )
    bf = even.loc["effect", "inclusion_bf"]
    assert odd.loc["effect", "inclusion_bf"] == pytest.approx(bf, rel=1e-9)
    assert odd.loc["effect", "prior"] == pytest.approx(0.2)
    assert odd.loc["effect", "probability"] == pytest.approx(bf / 4 / (1 + bf / 4))
    with pytest.raises(UsageError, match="positive"):
        model_average(three, WEAK, odds=(0, 1))


def test_averaged_density_integrates_to_the_probability_of_an_effect(averaged):
    density = averaged.attrs["density"]
    area = np.trapezoid(density["posterior"], np.log(density["x"]))
    effect = averaged.set_index("model").loc["effect", "probability"]
    assert area == pytest.approx(effect, abs=2e-3)


def test_a_common_effect_cannot_be_averaged_over_tau(mortality):
    with pytest.raises(UsageError, match='effects="random"'):
        model_average(bp.surface(mortality, "RR", effects="common"), bp.priors("RR"))


# --- measures side by side -------------------------------------------------------------------


@pytest.fixture(scope="module")
def beside(mortality) -> pd.DataFrame:
    return side_by_side(mortality, {name: bp.priors(name) for name in ("OR", "RD")}, "lower")


def test_measures_stand_in_the_order_given_and_are_never_ranked(mortality, beside):
    assert beside["measure"].tolist() == ["OR", "OR", "RD", "RD"]
    assert beside["likelihood"].tolist() == ["binomial", "normal"] * 2
    assert beside["trials"].tolist() == [10, 9, 10, 10]
    own = bp.surface(mortality, "RD").posterior(bp.priors("RD"))
    assert beside["prob_benefit"][2] == own["mu"].cdf(0.0)
    assert beside["prob_benefit_new"][2] == own["theta_new"].cdf(0.0)
    assert beside["natural_median"][2] == pytest.approx(math.tanh(own["mu"].quantile(0.5)))
    words = " ".join(beside.columns)
    assert not any(word in words for word in ("rank", "bayes", "elpd", "likelihood_ratio", "evid"))


def test_predictive_checks_are_those_of_the_pits(mortality, beside):
    pit = leave_trial_out(bp.surface(mortality, "RD"), bp.priors("RD"))["pit"].to_numpy()
    assert beside["outside"][2] == ((pit < 0.025) | (pit > 0.975)).sum() == 1
    assert beside["distance"][2] == kolmogorov(pit)


def test_kolmogorov_distance_is_scipys():
    from scipy.stats import kstest

    pit = np.array([0.03, 0.2, 0.21, 0.5, 0.9])
    assert kolmogorov(pit) == pytest.approx(kstest(pit, "uniform").statistic)
    assert math.isnan(kolmogorov(np.array([np.nan])))


def test_side_by_side_takes_counts_and_their_measures_alone(mortality):
    with pytest.raises(UsageError, match="counts alone"):
        side_by_side(estimates(Y, S), {"OR": bp.priors("OR")})
    with pytest.raises(UsageError, match="found HR"):
        side_by_side(mortality, {"HR": WEAK})


def test_a_measure_without_estimates_says_so():
    table = side_by_side(counts([(0, 20, 0, 22)]), {"OR": bp.priors("OR")})
    assert table["prob_below"].notna().tolist() == [True, False]
    assert "no trial informs" in table["reason"][1]


# --- figures and sentences -------------------------------------------------------------------


def texts(figure) -> str:
    return " ".join(t.get_text() for ax in figure.axes for t in ax.texts)


def test_loo_is_drawn_and_said(loo):
    figure = loo_figure(loo, RECORD)
    pits, bars = figure.axes[1], figure.axes[2]
    drawn = [float(line.get_xdata()[0]) for line in pits.lines if line.get_marker() == "o"]
    assert drawn == pytest.approx(loo["pit"].tolist())
    assert [bar.get_width() for bar in bars.patches[:10]] == pytest.approx(loo["kl"].tolist())
    assert "standard error 7.6" in texts(figure)
    said = loo_sentence(loo, RECORD)
    assert said.startswith("None of the 10 trials lies outside")
    assert "bowdish_2023 shapes the posterior most" in said
    assert "dilogo_2021 brings the probability of benefit from 0.938 to 0.975" in said
    far = leave_trial_out(bp.surface(estimates([0, 0.1, 3.0], [0.2] * 3), "MD"), WEAK)
    assert "t2 (PIT" in loo_sentence(far, RECORD | {"benefit": None, "measure": "MD"})
    # A name of several words, of the trial that moves both the most.
    spaced = far.assign(trial=[f"Bélanger & Roy {i}" for i in range(3)])
    of_three = loo_sentence(spaced, RECORD | {"benefit": None, "measure": "MD"})
    assert "nats): it brings the probability that the mean difference is below 0 from" in of_three


def test_models_are_drawn_and_said(deaths):
    table = compare_effects(deaths, bp.priors("RR"), "lower")
    figure = models_figure(table, RECORD)
    assert [bar.get_width() for bar in figure.axes[1].patches] == pytest.approx(
        table["probability"].tolist()
    )
    assert "1.41 tau" in texts(figure)
    said = models_sentence(table, RECORD)
    assert "one common effect 0.394, normal effects 0.321, t effects 0.285" in said
    assert (
        "about equally well (largest difference 0.29, and differences below 4 mean little" in said
    )


@pytest.mark.parametrize(
    ("gap", "error", "said"),
    [
        (1.3, 0.0058, "equally well (largest difference 1.3, and differences below 4 mean little"),
        (5.0, 3.0, "equally well (largest difference 5.0, standard error 3.0)"),
        (9.0, 1.5, "foretells the trials better (largest difference 9.0, standard error 1.5)"),
    ],
)
def test_a_difference_in_elpd_is_said_with_the_rule_that_judges_it(gap, error, said):
    table = pd.DataFrame(
        {
            "effects": ["common", "random"],
            "probability": [0.6, 0.4],
            "elpd": [-5.0, -5.0 - gap],
            "elpd_difference": [0.0, -gap],
            "difference_se": [0.0, error],
            "prob_benefit": [0.9, 0.8],
        }
    )
    text = models_sentence(table, RECORD)
    assert said in text
    assert (f"{error:g}" in text) == (gap > 4)


def test_averaging_is_drawn_and_said(averaged):
    figure = averaging_figure(averaged, RECORD)
    words = texts(figure)
    assert "inclusion Bayes factor 2.18" in words
    assert "0.315" in words
    record = RECORD | {"priors": {"mu": "Normal(0, 1)", "tau": "HalfNormal(0.5)"}}
    said = averaging_sentence(averaged, record)
    assert (
        "evidence for a mean effect that is not worth more than a bare mention (inclusion Bayes "
        "factor 2.18 under mu ~ Normal(0, 1) as the alternative:" in said
    )
    assert "no evidence for or against heterogeneity (inclusion" in said
    assert "under tau ~ HalfNormal(0.5) as the alternative" in said
    assert "0.315 of a mean effect of exactly none, which is no benefit" in said
    assert "exactly no effect" not in said + words


@pytest.mark.parametrize(
    ("factor", "word"),
    [
        (3.1, "evidence for a mean effect that is not worth more than a bare mention"),
        (3.2, "substantial evidence for"),
        (9.9, "substantial evidence for"),
        (10.1, "strong evidence for"),
        (31.7, "very strong evidence for"),
        (99.0, "very strong evidence for"),
        (101.0, "decisive evidence for"),
        (1 / 3.1, "evidence against a mean effect that is not worth more than a bare mention"),
        (1 / 12, "strong evidence against"),
    ],
)
def test_bayes_factors_have_the_grades_of_jeffreys(averaged, factor, word):
    table = averaged.copy()
    table.attrs = averaged.attrs
    table.loc[table["model"] == "effect", "inclusion_bf"] = factor
    assert averaging_sentence(table, RECORD).startswith(f"The data give {word}")


def test_measures_beside_each_other_are_said_without_a_winner(beside):
    said = measures_beside(beside, RECORD)
    assert "RD, binomial, 1 of 10" in said
    assert "none is ranked above another" in said


def test_models_that_are_all_but_impossible_are_averaged_all_the_same():
    frame = pd.DataFrame({"trial": list("abc"), "estimate": [0, 0.05, -0.03], "se": [0.1] * 3})
    table = bp.surface(bp.read_trials(frame), "MD")
    priors = bp.Priors("Normal(50, 0.5)", "HalfNormal(0.1)")
    found = model_average(table, priors, "lower").set_index("model")
    assert found["prob_none"]["all models"] == pytest.approx(1)
    assert found["inclusion_bf"]["effect"] < 1e-300
    assert averaging_sentence(model_average(table, priors, "lower"), {
        "measure": "MD", "benefit": "lower", "scale": "identity"})  # fmt: skip


def test_side_by_side_keeps_the_trials_that_the_analysis_keeps():
    trials = counts([(0, 40, 0, 38), (3, 50, 6, 52), (2, 30, 5, 31)])
    priors = {"RR": bp.priors("RR")}
    found = side_by_side(trials, priors, "lower", double_zero="keep").set_index("likelihood")
    kept = bp.surface(trials, "RR", "normal", double_zero="keep").posterior(priors["RR"])
    assert found["trials"]["normal"] == 3
    assert found["prob_benefit"]["normal"] == pytest.approx(kept["mu"].cdf(0.0), abs=1e-6)
