"""The exact engine against brms (Stan) and JAGS, on the binomial model with their baseline prior.

The peers put Normal(0, 10) on the control arm's logit alpha, we on the mean of both arms' logits,
phi = alpha + theta / 2. Theirs is ours with phi | theta ~ Normal(theta / 2, 10) in place of
Normal(0, 10): each trial's likelihood gains a factor near exp(phi theta / 200), which is not lost
in the peers' Monte Carlo error. So our engine is run with their prior, and compared with them.
"""

from collections import Counter

import numpy as np
import pytest
from peer_mcmc import (
    counts_of,
    mcmc_comparisons,
    mcmc_fits,
    mcmc_priors,
    our_surface,
    plain_sum,
    their_surface,
)
from peers import reference

BRMS = reference("brms")
DATASETS = [d["id"] for d in BRMS["datasets"]]


@pytest.mark.parametrize("engine", ["brms", "jags"])
def test_equals_the_mcmc_of_the_same_model_within_its_error(engine):
    """No number is 4 Monte Carlo standard errors away, and together they are one away."""
    found = [c for fit in mcmc_fits(engine) for c in mcmc_comparisons(fit, their_surface)]
    assert [c for c in found if not abs(c.gap) < 4] == []
    spread = np.sqrt(np.mean([c.gap**2 for c in found]))
    # Their numbers hang together in groups of some ten: about 20 independent ones an engine.
    assert 0.6 < spread < 1.4


@pytest.mark.parametrize("name", DATASETS)
def test_their_model_by_plain_sums_gives_our_engines_numbers(name):
    found = their_surface(name).posterior(mcmc_priors("halfnormal_0.5"))
    for what, value in plain_sum(counts_of(name)[1], alpha_sd=10, mu_sd=2).items():
        quantity, moment = what.split()
        assert getattr(found[quantity], moment) == pytest.approx(value, abs=1e-5), what


def test_the_baseline_prior_makes_a_difference_that_the_comparison_sees():
    """At most 0.0025 in mean and SD, which is 4.8 of JAGS' standard errors of mu for BCG."""
    shifts = {}
    for name in DATASETS:
        for prior in BRMS["priors"]:
            theirs, ours = (
                made(name).posterior(mcmc_priors(prior)) for made in (their_surface, our_surface)
            )
            for quantity in ("mu", "tau"):
                for moment in ("mean", "sd"):
                    gap = getattr(ours[quantity], moment) - getattr(theirs[quantity], moment)
                    shifts[name, prior, quantity, moment] = gap
    assert max(map(abs, shifts.values())) == pytest.approx(0.0025, abs=2e-4)
    assert shifts["dat.bcg", "halfnormal_0.5", "mu", "mean"] == pytest.approx(0.0023, abs=5e-5)
    (fit,) = [f for f in mcmc_fits("jags") if (f["dataset"], f["tau_prior"]) == BCG]
    (mean,) = [c for c in mcmc_comparisons(fit, our_surface) if c.kind == "mu: mean"]
    assert mean.gap > 4


BCG = ("dat.bcg", "halfnormal_0.5")


def test_no_case_of_brms_or_jags_is_lost():
    fits = BRMS["fits"]
    assert Counter(fit["engine"] for fit in fits) == {"brms": 4, "jags": 4}
    assert {(f["dataset"], f["tau_prior"]) for f in fits} == {
        (name, prior) for name in DATASETS for prior in ("halfnormal_0.5", "halfcauchy_0.5")
    }
    assert len(DATASETS) == 2
    for engine in ("brms", "jags"):
        found = [c for fit in mcmc_fits(engine) for c in mcmc_comparisons(fit, their_surface)]
        assert Counter(c.kind.partition(":")[0] for c in found) == {
            "mu": 48, "tau": 44, "theta_new": 48, "trials' own effects": 38,
        }  # fmt: skip


def test_the_peers_chains_had_converged():
    for fit in BRMS["fits"]:
        for quantity in ("mu", "tau", "theta_new"):
            assert fit[quantity]["rhat"] < 1.001
            assert fit[quantity]["ess_bulk"] > 12_000
    assert sum(fit.get("divergences") or 0 for fit in BRMS["fits"]) == 5
