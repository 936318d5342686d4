"""Quantiles of the effect in a new trial, of many posteriors at once: against each one's own."""

import numpy as np
import pandas as pd
import pytest

import bayespool as bp
from bayespool.errors import PriorError
from bayespool.exact.quantiles import inverted

P = np.array([0.001, 0.025, 0.25, 0.5, 0.8, 0.975, 0.999])


def estimates(y, se) -> bp.Trials:
    frame = pd.DataFrame({"estimate": y, "se": se})
    return bp.read_trials(frame.assign(trial=[f"t{i}" for i in range(len(y))]))


@pytest.mark.parametrize(
    ("measure", "likelihood", "mu", "tau"),
    [
        ("RR", "binomial", "Normal(0, 1)", "HalfNormal(0.5)"),
        ("OR", "normal", "Flat()", "HalfCauchy(1)"),
        ("OR", "normal", "Normal(0, 2)", "HalfNormal(0.001)"),  # all but a common effect
        ("OR", "normal", "Uniform(-1, 0.5)", "HalfNormal(0.5)"),
    ],
)
def test_those_of_a_new_trial_are_those_of_each_posterior(mortality, measure, likelihood, mu, tau):
    table, priors = bp.surface(mortality, measure, likelihood), bp.Priors(mu, tau)
    k = len(table.kept)
    weights = np.vstack([np.ones(k), 1 - np.eye(k)[[0, 4]], np.full(k, 0.5)])
    found = table.batch(priors, weights).quantile("theta_new", P)
    assert found.shape == (len(weights), len(P))
    for row, w in zip(found, weights, strict=True):
        new = table.posterior(priors, w)["theta_new"]
        assert new.cdf(row) == pytest.approx(P, rel=1e-3, abs=1e-5)
        assert row == pytest.approx(new.quantile(P), rel=2e-3, abs=1e-4)


def test_trials_far_apart_leave_a_wide_new_trial():
    table = bp.surface(estimates([-3, 0, 4], [0.1, 0.2, 0.1]), "generic")
    priors = bp.Priors("Normal(0, 10)", "HalfCauchy(1)")
    found = table.batch(priors, np.ones((1, 3))).quantile("theta_new", P)[0]
    assert table.posterior(priors)["theta_new"].cdf(found) == pytest.approx(P, abs=2e-5)


def test_effects_of_student_t_keep_the_cdf_of_all_nodes():
    table = bp.surface(estimates([-0.5, 0.0, 0.3], [0.2, 0.3, 0.2]), "MD", effects="t")
    priors = bp.Priors("Normal(0, 1)", "HalfNormal(0.3)")
    batch = table.batch(priors, np.ones((1, 3)))
    p = [0.1, 0.5, 0.9]
    assert batch.cdf("theta_new", batch.quantile("theta_new", p)[0])[0] == pytest.approx(
        p, abs=1e-4
    )


def test_a_cdf_is_inverted_where_it_passes():
    x = np.linspace(-6, 6, 241)
    place, slope = inverted(x, np.array([1 / (1 + np.exp(-x)), 1 / (1 + np.exp(-2 * x))]), P[1:-1])
    logit = np.log(P[1:-1] / (1 - P[1:-1]))
    assert place == pytest.approx(np.array([logit, logit / 2]), abs=1e-6)
    assert slope[0] == pytest.approx(P[1:-1] * (1 - P[1:-1]), abs=1e-5)


# --- which sets have a posterior at all ------------------------------------------------------


def test_a_set_is_proper_as_its_own_posterior_is():
    """Flat mu and tau need three whole trials; a discounted trial is a part of one."""
    table = bp.surface(estimates([0.1, 0.2, 0.3, 0.4], [0.2, 0.2, 0.3, 0.3]), "MD")
    flat = bp.Priors("Flat()", "Flat()")
    weights = np.array(
        [[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 0.5, 0.5], [1, 1, 0.5, 0.4], [0, 0, 0, 0]]
    )
    assert table.proper_sets(flat, weights).tolist() == [True, True, False, True, False, False]
    for w, proper in zip(weights[:5], table.proper_sets(flat, weights), strict=False):
        if proper:
            table.posterior(flat, w)
        else:
            with pytest.raises(PriorError, match="three informative trials"):
                table.posterior(flat, w)
    common = bp.surface(table.trials, "MD", effects="common")
    assert common.proper_sets(flat, weights).tolist() == [True] * 5 + [False]
    assert table.proper_sets(bp.Priors("Normal(0, 1)", "HalfNormal(1)"), weights).all()
    half = table.weighted([1, 1, 1, 0.5])  # its own weights count too
    assert half.proper_sets(flat, weights).tolist() == [True, True, False, False, False, False]


def test_parts_of_trials_add_up_to_whole_ones():
    table = bp.surface(estimates(np.zeros(10), np.ones(10)), "MD")
    flat = bp.Priors("Flat()", "Flat()")
    assert table.proper_sets(flat, np.full((1, 10), 0.3)).all()  # their sum is 2.9999999999999996


def test_another_prior_on_the_baselines_than_the_surface_has_is_refused(mortality):
    table = bp.surface(mortality, "RR")
    table.check_phi(bp.Priors("Normal(0, 1)", "HalfNormal(1)"))
    with pytest.raises(PriorError, match="needs its own surface"):
        table.check_phi(bp.Priors("Normal(0, 1)", "HalfNormal(1)", "Normal(0, 3)"))
