"""The PyMC models: what they hold, their likelihood and its gradient, and their priors."""

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytest
from scipy import special, stats

from bayespool.errors import DataError, PriorError, UsageError
from bayespool.exact import surface
from bayespool.measures import risks
from bayespool.nuts_models import binomial, normal
from bayespool.prior import Priors
from bayespool.sampling import sample
from bayespool.trials import read_trials

WEAK = Priors("Normal(0, 1)", "HalfNormal(0.5)")


def counts(rows):
    columns = ["events_treatment", "n_treatment", "events_control", "n_control"]
    frame = pd.DataFrame(rows, columns=columns)
    return read_trials(frame.assign(trial=[f"trial {i}" for i in range(len(rows))]))


def estimates(rows):
    frame = pd.DataFrame(rows, columns=["estimate", "se"])
    return read_trials(frame.assign(trial=[f"trial {i}" for i in range(len(rows))]))


SOME = counts([(2, 5, 3, 7), (0, 9, 0, 8), (4, 4, 1, 6)])


@pytest.mark.parametrize(
    ("effects", "centred", "free", "derived"),
    [
        ("random", False, {"mu", "tau", "z", "z_new", "phi"}, {"theta", "theta_new"}),
        ("t", False, {"mu", "tau", "z", "z_new", "phi"}, {"theta", "theta_new"}),
        ("random", True, {"mu", "tau", "theta", "z_new", "phi"}, {"theta_new"}),
        ("t", True, {"mu", "tau", "theta", "z_new", "phi"}, {"theta_new"}),
        ("common", False, {"mu", "phi"}, set()),
        ("common", True, {"mu", "phi"}, set()),
    ],
)
def test_each_model_holds_the_quantities_it_promises(effects, centred, free, derived):
    for model, without in (
        (binomial(SOME, "RR", WEAK, effects, centred), set()),
        (normal(SOME, "RR", WEAK, effects, centred), {"phi"}),
    ):
        assert {v.name for v in model.free_RVs} == free - without
        assert {v.name for v in model.deterministics} == derived
        assert all(model.named_vars_to_dims[name] == ("trial",) for name in free & {"theta", "z"})


def test_the_binomial_model_keeps_a_trial_without_events_and_the_normal_one_does_as_told():
    assert binomial(SOME, "RR", WEAK).coords["trial"] == ("trial 0", "trial 1", "trial 2")
    assert normal(SOME, "RR", WEAK).coords["trial"] == ("trial 0", "trial 2")
    assert len(normal(SOME, "RR", WEAK, double_zero="keep").coords["trial"]) == 3
    assert len(normal(SOME, "RD", WEAK).coords["trial"]) == 3


def closed_form(measure, theta, phi, arms):
    """Log-likelihood of both arms, and its derivatives by theta and phi, from the two logits.

    The logits' derivatives follow from logit p0 + logit p1 = 2 phi and the measure's own
    definition, so none of `risks` but its values is used.
    """
    p0, q0, p1, q1 = risks(measure, theta, phi)
    r0, n0, r1, n1 = arms
    value = (
        special.xlogy(r0, p0) + special.xlogy(n0 - r0, q0) + np.log(special.comb(n0, r0))
        + special.xlogy(r1, p1) + special.xlogy(n1 - r1, q1) + np.log(special.comb(n1, r1))
    )  # fmt: skip
    # d theta = a1 d logit p1 - a0 d logit p0
    a0, a1 = {
        "OR": (1.0, 1.0),
        "RR": (q0, q1),
        "RD": (p0 * q0 * np.cosh(theta) ** 2, p1 * q1 * np.cosh(theta) ** 2),
    }[measure]
    score0, score1 = r0 * q0 - (n0 - r0) * p0, r1 * q1 - (n1 - r1) * p1
    by_theta = (score1 - score0) / (a0 + a1)
    by_phi = 2 * (score1 * a0 + score0 * a1) / (a0 + a1)
    return value, by_theta, by_phi


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_likelihood_and_gradient_are_right_out_to_the_ends(measure):
    events = [(3, 2), (0, 0), (7, 5), (0, 5)]  # of 7 and of 5
    trials = counts([(r1, 5, r0, 7) for r0, r1 in events])
    model = binomial(trials, measure, WEAK, centred=True)
    likelihood = sum(model.logp(vars=model.observed_RVs, sum=False))  # a trial each
    at = [model.rvs_to_values[model[name]] for name in ("theta", "phi")]
    with pytensor.config.change_flags(numba__fastmath=False):
        compiled = pytensor.function(at, [likelihood, *pytensor.grad(likelihood.sum(), at)])
    for theta in (-30.0, -6.0, -1e-9, 0.0, 1e-9, 0.4, 6.0, 30.0):
        for phi in (-60.0, -20.0, -3.0, 0.0, 1e-9, 0.5, 5.0, 20.0, 60.0):
            if abs(theta) < 1e-6 and abs(phi) > 30:
                continue  # RR and RD bend at 0 over a width of exp(-|phi|), less than a rounding
            here = [np.full(len(events), x) for x in (theta, phi)]
            value, by_theta, by_phi = compiled(*here)
            for i, (r0, r1) in enumerate(events):
                expected = closed_form(measure, theta, phi, (r0, 7, r1, 5))
                found = (value[i], by_theta[i], by_phi[i])
                # log p of a p next to 1 carries 1e-16, not 16 digits: where the data are certain
                # the density is flat, and its slope is known to that much of a step of 1e-9.
                slack = 1e-10 if abs(expected[0]) > 1e-6 else 1e-6
                np.testing.assert_allclose(found, expected, rtol=1e-10, atol=slack)


def test_t_effects_have_four_degrees_of_freedom_and_scale_tau():
    for centred in (False, True):
        model = normal(estimates([(0.3, 0.2), (-0.1, 0.4)]), "MD", WEAK, "t", centred)
        effect = model["theta" if centred else "z"]
        value = model.rvs_to_values[effect]
        tau = model.rvs_to_values[model["tau"]]
        mu = model.rvs_to_values[model["mu"]]
        density = pytensor.function(
            [mu, tau, value], model.logp(vars=[effect], sum=False), on_unused_input="ignore"
        )
        x = np.array([0.7, -2.0])
        where = {"df": 4, "loc": 0.1, "scale": 0.5} if centred else {"df": 4}
        found = density(0.1, np.log(0.5), x)[0]
        expected = stats.t.logpdf(x, **where)
        np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-12)
        # PyMC's normalising constant is off by 6e-10, at every x: no draw can notice.
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_with_estimates_that_say_nothing_the_posterior_is_the_stated_prior():
    priors = Priors("Normal(0.3, 0.8)", "HalfNormal(0.4)")
    fit = sample(normal(estimates([(0.0, 1e6), (1.0, 1e6)]), "MD", priors), seed=11, draws=3000)
    posterior = fit["posterior"].to_dataset()
    for name, prior in (("mu", priors.mu), ("tau", priors.tau)):
        draws = posterior[name].to_numpy().ravel()
        ess = effective_draws(fit, name)
        for p in (0.025, 0.25, 0.5, 0.75, 0.975):
            below = np.mean(draws <= prior.ppf(p))
            assert abs(below - p) < 4 * np.sqrt(p * (1 - p) / ess), (name, p)
    # Var(theta_new) = Var(mu) + E(tau^2); HalfNormal(s) has E(tau^2) = s^2.
    spread = posterior["theta_new"].to_numpy().std()
    slack = 4 / np.sqrt(2 * effective_draws(fit, "theta_new"))
    assert spread == pytest.approx(np.hypot(0.8, 0.4), rel=slack)


def effective_draws(fit, name):
    return float(az.ess(fit, var_names=[name])[name])


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: binomial(SOME, "MD", WEAK), UsageError, "OR, RR and RD, not 'MD'"),
        (lambda: binomial(estimates([(0, 1)]), "RR", WEAK), UsageError, "needs counts"),
        (lambda: binomial(SOME, "RR", WEAK, effects="fixed"), UsageError, "random, common, t"),
        (lambda: normal(SOME, "RR", WEAK, effects=""), UsageError, "random, common, t"),
        (lambda: normal(SOME, "MD", WEAK), UsageError, "cannot be computed"),
        (lambda: normal(SOME, "RR", WEAK, double_zero="maybe"), UsageError, "maybe"),
        (lambda: normal(counts([(0, 9, 0, 8)]), "RR", WEAK), DataError, "no trial has an estimate"),
    ],
)
def test_what_cannot_be_modelled_is_refused(build, error, words):
    with pytest.raises(error, match=words):
        build()


def test_a_flat_prior_needs_trials_that_inform():
    flat = Priors("Normal(0, 1)", "Flat()")
    with pytest.raises(PriorError, match="two informative trials"):
        binomial(counts([(2, 5, 3, 7), (0, 9, 0, 8)]), "OR", flat)
    assert isinstance(binomial(SOME, "OR", flat), pm.Model)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_flat_priors_need_trials_that_bound_the_effect_as_in_the_exact_engine(measure):
    separated = counts([(5, 5, 0, 7), (9, 9, 0, 8), (0, 6, 4, 4)])
    priors = Priors("Flat()", "HalfNormal(1)")
    with pytest.raises(PriorError) as sampled:
        binomial(separated, measure, priors)
    with pytest.raises(PriorError) as exact:
        surface(separated, measure).posterior(priors)
    assert str(sampled.value) == str(exact.value)
