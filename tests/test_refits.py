"""NUTS with one compiled model: the draws of each review by itself, whoever stands beside it."""

import numpy as np
import pandas as pd
import pytest
from test_batches import library

import bayespool as bp
from bayespool.batches import NUTS
from bayespool.batches.checked import seed_of
from bayespool.errors import ConvergenceError, UsageError
from bayespool.refits import _compiled, refit

OWN = {"mu": "Normal(0, 1)", "tau": "HalfNormal(0.5)"}


def estimates(reviews, seed=1):
    """Reviews of 2 to 6 trials."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 7, reviews)
    return pd.DataFrame(
        {
            "review": np.repeat([f"r{i}" for i in range(reviews)], sizes),
            "trial": [f"t{j}" for size in sizes for j in range(size)],
            "estimate": rng.normal(0.2, 0.4, sizes.sum()),
            "se": rng.uniform(0.1, 0.5, sizes.sum()),
        }
    )


def exact(fit, posterior):
    """Monte Carlo standard errors between a fit and the exact posterior."""
    drawn = bp.as_posterior(fit)
    gaps = []
    for name in (name for name in drawn.names if name in posterior):
        if posterior[name].mean is not None:
            gaps.append((drawn[name].mean - posterior[name].mean) / drawn[name].mcse())
    return np.abs(gaps)


def test_the_seed_of_a_review_is_its_own():
    seeds = {seed_of(s, r, p) for s in (1, 2) for r in ("a", "b") for p in ("weak", "vague")}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert seed_of(1, "a", "weak") == seed_of(1, "a", "weak")


def test_what_cannot_be_asked():
    trials = bp.read_trials(estimates(1).drop(columns="review"))
    with pytest.raises(UsageError, match="serves binomial and normal, not 'arms'"):
        refit(trials, "generic", bp.Priors(**OWN), "arms")
    for wrong, message in (({"engine": "nuts"}, "engine is one of"), ({"seed": -1}, "seed is a")):
        with pytest.raises(UsageError, match=message):
            bp.batch(estimates(1), measure="generic", **OWN, **wrong)


def test_an_exact_run_has_no_column_of_nuts():
    found = bp.batch(estimates(2), measure="generic", **OWN)
    assert not set(NUTS) & set(found)


@pytest.mark.long
@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize("likelihood", ["binomial", "normal"])
def test_one_model_serves_reviews_of_many_sizes(measure, likelihood):
    _compiled.cache_clear()
    frame = library("binary", measures=[measure]).drop(columns="measure")
    priors = bp.priors(measure, likelihood=likelihood)
    reviews = {}
    for name in ("dat.hine1989", "dat.bcg", "dat.cannon2006_ep3", "dat.dorn2007"):
        own = frame[frame["review"] == f"{name} {measure}"].drop(columns="review")
        reviews[name] = bp.read_trials(own)
    bcg = reviews["dat.bcg"]
    reviews["as large"] = bcg.take(range(1, len(bcg)))
    for trials in reviews.values():
        try:
            fit = refit(trials, measure, priors, likelihood, cores=2)
        except ConvergenceError as error:  # one divergence in 16,000 draws, say
            fit = error.fit
            assert int(fit["sample_stats"]["diverging"].sum()) <= 5
        assert list(fit["posterior"]["trial"].values) == trials.names
        posterior = bp.surface(trials, measure, likelihood).posterior(priors)
        assert exact(fit, posterior).max() < 4.5
    assert _compiled.cache_info()[:2] == (1, 4)  # hits, misses: the others differ in size


@pytest.mark.long
def test_a_common_effect_and_student_effects():
    trials = bp.read_trials(estimates(1).drop(columns="review"))
    for effects in ("common", "t"):
        fit = refit(trials, "generic", bp.Priors(**OWN), effects=effects, cores=2)
        posterior = bp.surface(trials, "generic", effects=effects).posterior(bp.Priors(**OWN))
        assert exact(fit, posterior).max() < 4.5


@pytest.mark.long
def test_the_same_numbers_in_any_order_and_on_any_number_of_workers():
    frame = estimates(4)
    asked = {"measure": "generic", **OWN, "engine": "both", "seed": 3, "size": 2}
    one = bp.batch(frame, **asked)
    assert one["nuts_agrees"].all()
    assert (one["nuts_error"] == "").all()
    assert (one["nuts_ess"] > 400).all()
    two = bp.batch(frame, **asked, workers=2)
    pd.testing.assert_frame_equal(*(t.drop(columns="seconds") for t in (one, two)))
    order = ["r2", "r0", "r3", "r1"]
    turned = pd.concat([frame[frame["review"] == name] for name in order])
    drawn = ["nuts_mu_mean", "nuts_mu_sd", "nuts_tau_median", "nuts_ess"]
    again = bp.batch(turned, **asked).set_index("review").loc[one["review"], drawn]
    pd.testing.assert_frame_equal(again.reset_index(), one[["review", *drawn]])
