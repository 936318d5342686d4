"""Predictive draws and likelihoods against PyMC and SciPy; power scaling against quadrature."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytest
import xarray as xr
from scipy import stats

import bayespool as bp
from bayespool.errors import UsageError
from bayespool.nuts_models import binomial
from bayespool.predictive import predictive_check, psense, with_predictive

WEAK = bp.Priors("Normal(0, 1)", "HalfNormal(0.5)")
ARMS = ("events_control", "events_treatment")


def made_up(trials, measure, likelihood, effects="random", priors=WEAK, draws=200, **posterior):
    """A fit whose draws are chosen, not sampled; scalars are repeated for every draw."""
    k, shape = len(trials), (2, draws)
    arrays = {}
    for name, value in posterior.items():
        size = (*shape, k) if name in ("theta", "phi") else shape
        arrays[name] = (("chain", "draw", "trial")[: len(size)], np.broadcast_to(value, size))
    coords = {"chain": range(2), "draw": range(draws), "trial": trials.names}
    columns = ARMS if likelihood == "binomial" else ("estimate",)
    if trials.layout == "binary" and likelihood == "normal":
        observed = {"estimate": bp.effect_sizes(trials, measure)["estimate"].to_numpy()}
    else:
        observed = {name: trials.frame[name].to_numpy() for name in columns}
    tree = xr.DataTree(xr.Dataset(attrs={
        "measure": measure, "likelihood": likelihood, "effects": effects,
        "prior_mu": priors.mu.text, "prior_tau": priors.tau.text,
    }))  # fmt: skip
    tree["posterior"] = xr.DataTree(xr.Dataset(arrays, coords))
    data = {name: ("trial", values) for name, values in observed.items()}
    tree["observed_data"] = xr.DataTree(xr.Dataset(data, {"trial": trials.names}))
    return tree


def estimates(rows):
    frame = pd.DataFrame(rows, columns=["estimate", "se"])
    return bp.read_trials(frame.assign(trial=[f"trial {i}" for i in range(len(rows))]))


TWO = estimates([(0.3, 0.2), (-1.0, 0.5)])


@pytest.fixture(scope="module")
def tree(both, mortality):
    return with_predictive(both.fit, mortality)


@pytest.fixture(scope="module")
def in_pymc(both, mortality):
    """The model and the first 50 draws in the words of its centred form, which theta suits."""
    model = binomial(
        mortality, "RR", both.priors if hasattr(both, "priors") else WEAK, centred=True
    )
    few = both.fit["posterior"].to_dataset().isel(chain=[0], draw=slice(0, 50))
    few = few.assign(z_new=(few["theta_new"] - few["mu"]) / few["tau"])
    # Fifty draws are evaluated sooner than they are compiled.
    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        yield model, xr.DataTree.from_dict({"posterior": few})


def test_log_likelihood_is_pymcs(tree, in_pymc):
    model, few = in_pymc
    theirs = pm.compute_log_likelihood(
        few, model=model, extend_inferencedata=False, progressbar=False
    )
    for arm in ARMS:
        ours = tree["log_likelihood"][arm].isel(chain=[0], draw=slice(0, 50))
        np.testing.assert_allclose(ours, theirs[arm], rtol=0, atol=1e-10)


def test_predictive_means_are_pymcs_within_monte_carlo_error(tree, in_pymc):
    model, few = in_pymc
    theirs = pm.sample_posterior_predictive(
        few, model=model, var_names=list(ARMS), random_seed=1, progressbar=False
    )["posterior_predictive"]
    for arm in ARMS:
        ours = tree["posterior_predictive"][arm].to_numpy()[0, :50]
        other = theirs[arm].to_numpy()[0]
        error = np.sqrt((ours.var(axis=0) + other.var(axis=0)) / 50)
        assert (np.abs(ours.mean(axis=0) - other.mean(axis=0)) <= 4.5 * error).all()


def test_log_prior_is_scipys_and_holds_mu_and_tau_only(tree):
    posterior, log_prior = tree["posterior"], tree["log_prior"]
    assert set(log_prior.data_vars) == {"mu", "tau"}
    np.testing.assert_allclose(log_prior["mu"], stats.norm(0, 1).logpdf(posterior["mu"]))
    np.testing.assert_allclose(log_prior["tau"], stats.halfnorm(0, 0.5).logpdf(posterior["tau"]))


def test_prior_draws_follow_the_priors(tree):
    prior = tree["prior"]
    assert stats.kstest(prior["mu"].to_numpy().ravel(), stats.norm(0, 1).cdf).pvalue > 1e-3
    assert stats.kstest(prior["tau"].to_numpy().ravel(), stats.halfnorm(0, 0.5).cdf).pvalue > 1e-3


def test_log_likelihood_by_or_is_scipys_binomial_at_the_two_logits(mortality):
    fit = made_up(mortality, "OR", "binomial", mu=0.1, tau=0.2, theta=-0.7, phi=-1.0)
    found = with_predictive(fit, mortality)["log_likelihood"]
    for arm, logit in (("control", -1.0 + 0.35), ("treatment", -1.0 - 0.35)):
        r, n = mortality.frame[f"events_{arm}"], mortality.frame[f"n_{arm}"]
        expected = stats.binom.logpmf(r, n, 1 / (1 + np.exp(-logit)))
        np.testing.assert_allclose(found[f"events_{arm}"][0, 0], expected, rtol=1e-10)


def test_normal_groups_are_the_normal_distributions():
    fit = made_up(TWO, "MD", "normal", draws=5000, mu=0.1, tau=0.2, theta=[0.2, -0.4])
    tree = with_predictive(fit, TWO)
    expected = stats.norm([0.2, -0.4], [0.2, 0.5]).logpdf([0.3, -1.0])
    np.testing.assert_allclose(tree["log_likelihood"]["estimate"][1, 3], expected)
    drawn = tree["posterior_predictive"]["estimate"].to_numpy().reshape(-1, 2)
    for i, (mean, sd) in enumerate([(0.2, 0.2), (-0.4, 0.5)]):
        assert stats.kstest(drawn[:, i], stats.norm(mean, sd).cdf).pvalue > 1e-3
    assert list(tree["constant_data"]["se"]) == [0.2, 0.5]


def test_prior_predictive_adds_up_the_variances_of_mu_tau_and_error():
    priors = bp.Priors("Normal(2, 1)", "Uniform(3, 3.0001)")
    fit = made_up(TWO, "MD", "normal", priors=priors, draws=5000, mu=0, tau=3, theta=0)
    drawn = with_predictive(fit, TWO)["prior_predictive"]["estimate"].to_numpy().reshape(-1, 2)
    for i, se in enumerate([0.2, 0.5]):
        sd = np.sqrt(1 + 9 + se**2)
        assert stats.kstest(drawn[:, i], stats.norm(2, sd).cdf).pvalue > 1e-3


def test_a_common_effect_has_no_tau_and_a_flat_prior_no_draws():
    flat = bp.Priors("Flat()", "HalfNormal(1)")
    common = with_predictive(made_up(TWO, "MD", "normal", "common", flat, mu=0.5), TWO)
    assert "log_prior" not in common.children
    assert "prior" not in common.children
    assert "prior_predictive" not in common.children
    assert common["log_likelihood"]["estimate"].sizes["trial"] == 2
    random = with_predictive(
        made_up(TWO, "MD", "normal", "random", flat, mu=0, tau=1, theta=0), TWO
    )
    assert list(random["log_prior"].data_vars) == ["tau"]
    assert list(random["prior"].data_vars) == ["tau"]
    assert "prior_predictive" not in random.children


def test_a_trial_left_out_of_the_fit_stays_out():
    rows = [(2, 50, 3, 70), (0, 9, 0, 8), (4, 40, 1, 60)]
    columns = ["events_treatment", "n_treatment", "events_control", "n_control"]
    frame = pd.DataFrame(rows, columns=columns).assign(trial=["a", "b", "c"])
    trials, kept = bp.read_trials(frame), bp.read_trials(frame.iloc[[0, 2]])
    fit = made_up(kept, "RR", "normal", mu=0, tau=1, theta=0)
    assert list(with_predictive(fit, trials)["log_likelihood"]["trial"].to_numpy()) == ["a", "c"]


def test_the_same_seed_gives_the_same_bytes_and_the_fit_is_untouched(both, mortality, tree):
    before = set(both.fit.children)
    again = with_predictive(both.fit, mortality)
    other = with_predictive(both.fit, mortality, seed=7)
    assert again.identical(tree)
    assert not other["posterior_predictive"].equals(tree["posterior_predictive"])
    assert set(both.fit.children) == before
    pd.testing.assert_frame_equal(
        predictive_check(both.fit, mortality), predictive_check(tree, mortality)
    )


def test_other_trials_or_priors_are_refused(both, mortality):
    with pytest.raises(UsageError, match="not the trials"):
        with_predictive(both.fit, mortality.take([0, 1]))
    changed = mortality.frame.assign(events_control=mortality.frame["events_control"] + 1.0)
    with pytest.raises(UsageError, match="not the trials"):
        predictive_check(both.fit, bp.read_trials(changed))
    with pytest.raises(UsageError, match=r"Normal\(0, 1\) on mu, not Normal\(0, 2\)"):
        with_predictive(both.fit, mortality, bp.Priors("Normal(0, 2)", "HalfNormal(0.5)"))
    with pytest.raises(UsageError, match="with_predictive first"):
        psense(both.fit)


@pytest.mark.parametrize(("effects", "z"), [("random", stats.norm), ("t", stats.t(4))])
def test_the_check_draws_effects_anew_from_between_the_trials(effects, z):
    trials = estimates([(1.7, 1e-6), (0.2, 1e-6)])
    fit = made_up(trials, "MD", "normal", effects, draws=50_000, mu=0.2, tau=0.5, theta=9)
    table = predictive_check(fit, trials)
    assert table["arm"].tolist() == ["estimate", "estimate"]
    np.testing.assert_allclose(table["p"], z.cdf([3.0, 0.0]), atol=0.006)
    np.testing.assert_allclose(table["upper"], 0.2 + 0.5 * z.ppf(0.975), atol=0.03)
    assert table["n"].isna().all()


def test_the_checks_mid_p_and_whole_numbers_are_the_binomials_when_effects_are_common(mortality):
    fit = made_up(mortality, "OR", "binomial", "common", draws=20_000, mu=-0.7, phi=-1.0)
    table = predictive_check(fit, mortality)
    assert table["arm"].tolist() == ["treatment", "control"] * len(mortality)
    assert table["trial"].tolist() == [name for name in mortality.names for _ in range(2)]
    logit = np.where(table["arm"] == "control", -1.0 + 0.35, -1.0 - 0.35)
    law = stats.binom(table["n"], 1 / (1 + np.exp(-logit)))
    expected = law.cdf(table["observed"] - 1) + law.pmf(table["observed"]) / 2
    np.testing.assert_allclose(table["p"], expected, atol=0.012)
    np.testing.assert_allclose(table["lower"], law.ppf(0.025), atol=1)
    np.testing.assert_allclose(table["median"], law.ppf(0.5), atol=1)
    assert (table[["lower", "median", "upper"]] % 1 == 0).all(axis=None)


def sensitivity(posterior_at, name, grid):
    """The value of Kallioinen et al. by quadrature of the exact distribution functions."""
    base = posterior_at(1.0)[name].cdf(grid)

    def distance(p, q):
        def both_ways(a, b):
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.where(a > 0, a * np.log2(2 * a / (a + b)), 0.0)

        # The two linear terms of the symmetric sum cancel.
        area = np.trapezoid(both_ways(p, q) + both_ways(q, p), grid)
        return np.sqrt(area / np.trapezoid(p + q, grid))

    slopes = []
    for alpha in (0.99, 1.01):
        q = posterior_at(alpha)[name].cdf(grid)
        slopes.append(max(distance(base, q), distance(1 - base, 1 - q)) / abs(np.log2(alpha)))
    return np.mean(slopes)


def test_each_prior_is_scaled_alone_as_the_exact_engine_does_it(tree, mortality):
    surface = bp.surface(mortality, "RR")
    found = psense(tree).set_index(["quantity", "scaled"])["value"]
    draws = tree["posterior"]
    for quantity in ("mu", "tau"):
        values = draws[quantity].to_numpy()
        grid = np.linspace(values.min(), values.max(), 4001)
        for scaled in ("mu", "tau"):

            def at(alpha, scaled=scaled):
                sd = {"mu": 1.0, "tau": 0.5}
                sd[scaled] /= np.sqrt(alpha)
                return surface.posterior(
                    bp.Priors(f"Normal(0, {sd['mu']})", f"HalfNormal({sd['tau']})")
                )

            expected = sensitivity(at, quantity, grid)
            assert found[quantity, f"prior on {scaled}"] == pytest.approx(
                expected, rel=0.35, abs=0.006
            ), (quantity, scaled)


def conjugate(prior_sd, prior_mean=0.0):
    """Independent draws of mu when one estimate of 0.3 with standard error 0.2 is all there is."""
    one = estimates([(0.3, 0.2)])
    precision = 1 / 0.2**2 + 1 / prior_sd**2
    mean = (0.3 / 0.2**2 + prior_mean / prior_sd**2) / precision
    mu = np.random.default_rng(3).normal(mean, precision**-0.5, (2, 2000))
    priors = bp.Priors(f"Normal({prior_mean}, {prior_sd})", "HalfNormal(1)")
    fit = made_up(one, "MD", "normal", "common", priors, draws=2000, mu=mu)
    return psense(with_predictive(fit, one)).set_index("scaled")


def test_a_vague_prior_moves_nothing_and_a_far_one_is_in_conflict():
    vague = conjugate(100.0)
    assert np.isfinite(vague["value"]).all()
    assert vague["value"]["likelihood"] > 0.05 > 0.005 > vague["value"]["prior on mu"]
    assert (vague["diagnosis"] == "").all()
    far = conjugate(0.2, prior_mean=3.0)
    assert far["diagnosis"]["prior on mu"] == "potential prior-data conflict"
    strong = conjugate(0.005)
    assert strong["diagnosis"]["prior on mu"] == "potential strong prior / weak likelihood"
    assert (pd.concat([far, strong]).loc["likelihood", "diagnosis"] == "").all()


def test_predictions_and_power_scaling_load_neither_pymc_nor_arviz_plots():
    code = (
        "import sys, bayespool.predictive;"
        "print([m for m in ('pymc', 'arviz', 'arviz_stats', 'matplotlib') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
