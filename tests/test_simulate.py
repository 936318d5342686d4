"""Simulated reviews: the truth is found again, whatever the number of workers."""

import numpy as np
import pandas as pd
import pytest

import bayespool as bp
from bayespool.parallel import each, seeds
from bayespool.prose import report


def square(x: int, add: int) -> int:
    return x * x + add


def drawn(seed) -> float:
    return float(np.random.default_rng(seed).normal())


def test_results_come_in_the_order_of_the_jobs_on_any_number_of_workers():
    told = []
    jobs = [(i, 1) for i in range(7)]
    found = each(square, jobs, workers=2, progress=lambda done, of: told.append((done, of)))
    assert found == [i * i + 1 for i in range(7)] == each(square, jobs, workers=1)
    assert told == [(i, 7) for i in range(1, 8)]


def test_seeds_belong_to_jobs_not_to_workers():
    jobs = [(seed,) for seed in seeds(1, 6)]
    assert each(drawn, jobs, workers=1) == each(drawn, jobs, workers=3)
    assert len(set(each(drawn, jobs, workers=1))) == 6


@pytest.fixture(scope="module")
def estimates() -> bp.Trials:
    return bp.read_trials(
        pd.DataFrame({"trial": list("abcde"), "estimate": [-0.3] * 5, "se": [0.2] * 5})
    )


def test_a_normal_review_behaves_as_theory_says(estimates):
    # tau = 0 in truth and (nearly) in the prior: mu's posterior is that of one normal mean.
    priors = bp.Priors("Normal(0, 10)", "HalfNormal(0.0001)")
    found = bp.operating_characteristics(
        estimates, "generic", priors, "lower", effect=[0, -0.2], tau=0, reviews=1000, workers=1
    )
    se = 0.2 / np.sqrt(5)
    assert found["coverage"].to_numpy() == pytest.approx([0.95, 0.95], abs=0.025)
    assert found["bias"].to_numpy() == pytest.approx([0, 0], abs=4 * se / np.sqrt(1000))
    assert found["rmse"].to_numpy() == pytest.approx([se, se], rel=0.08)
    assert found["width"].to_numpy() == pytest.approx([3.92 * se] * 2, rel=0.005)
    from scipy.stats import norm

    expected = norm.sf(norm.ppf(0.95) - np.array([0, 0.2]) / se)
    assert found["passes"].to_numpy() == pytest.approx(expected, abs=0.05)


def test_the_same_numbers_on_one_worker_and_two(mortality):
    # Small trials have few outcomes; more reviews than one job takes.
    small = mortality.take([1, 2, 4, 6])
    options = {"benefit": "lower", "effect": 0.7, "tau": 0.3, "reviews": 300}
    one = bp.operating_characteristics(small, "RR", workers=1, **options)
    two = bp.operating_characteristics(small, "RR", workers=2, **options)
    pd.testing.assert_frame_equal(one, two, check_exact=True)


@pytest.mark.parametrize(("measure", "mu"), [("OR", 0.9), ("RR", -0.4), ("RD", 0.1)])
def test_control_risks_are_those_of_the_review_whatever_the_effect(mortality, measure, mu):
    from bayespool.measures import risks
    from bayespool.simulate import Plan

    plan = Plan.of(bp.surface(mortality, measure), bp.priors(measure), "lower", 0.0)
    frame = mortality.frame
    observed = (frame["events_control"] + 0.5) / (frame["n_control"] + 1)
    p0 = risks(measure, np.full(len(observed), mu), plan.phi(mu))[0]
    np.testing.assert_allclose(p0, observed, rtol=1e-9)


def test_a_ratio_that_no_risk_can_have_lowers_the_control_risk(mortality):
    from bayespool.measures import risks
    from bayespool.simulate import Plan

    plan = Plan.of(bp.surface(mortality, "RR"), bp.priors("RR"), "lower", 0.0)
    p0, _, p1, _ = risks("RR", np.full(len(plan.control), 2.0), plan.phi(2.0))
    too_high = plan.control * np.exp(2.0) > 1
    assert 0 < too_high.sum() < len(too_high)
    assert (p0[too_high] < plan.control[too_high]).all()
    assert (p1 < 1).all()


def test_a_simulated_review_is_answered_as_its_surface_answers(mortality):
    from bayespool.simulate import Plan, simulated

    table, priors = bp.surface(mortality, "RR"), bp.priors("RR")
    plan = Plan.of(table, priors, "lower", 0.0)
    found = simulated(plan, -0.3, 0.2, 5, 11)
    # The same draws, made into tables and analysed one by one.
    rng = np.random.default_rng(11)
    theta = rng.normal(-0.3, 0.2, (5, 10))
    from bayespool.measures import risks

    p0, _, p1, _ = risks("RR", theta, np.broadcast_to(plan.phi(-0.3), theta.shape))
    size = plan.arms.astype(int)
    treated, control = rng.binomial(size[:, 0], p1), rng.binomial(size[:, 1], p0)
    for i in range(5):
        frame = mortality.frame[["trial", "n_treatment", "n_control"]].assign(
            events_treatment=treated[i], events_control=control[i]
        )
        own = bp.surface(bp.read_trials(frame), "RR").posterior(priors)["mu"]
        expected = [own.cdf(0.0), *own.quantile(np.array([0.025, 0.5, 0.975]))]
        assert found[i] == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"benefit": None}, "benefit says"),
        ({"decision": 1.5}, "decision is a probability"),
        ({"reviews": 0}, "1 or more"),
        ({"tau": -0.1}, "tau is a standard deviation"),
        ({"effect": -1}, "not a ratio"),
    ],
)
def test_impossible_settings_are_refused(mortality, options, said):
    with pytest.raises(bp.UsageError, match=said):
        bp.operating_characteristics(mortality, "RR", **({"benefit": "lower"} | options))


def test_a_truth_far_from_the_prior_gets_a_grid_of_its_own():
    from bayespool.simulate import Plan, simulated

    frame = pd.DataFrame({"trial": list("abc"), "estimate": [-1.0, 0, 1], "se": [1.0] * 3})
    table = bp.surface(bp.read_trials(frame), "MD")
    priors = bp.Priors("Normal(0, 5)", "HalfNormal(1)")
    plan = Plan.of(table, priors, "lower", 0.0)
    found = simulated(plan, -200.0, 0.5, 2, 7)
    rng = np.random.default_rng(7)
    y = rng.normal(rng.normal(-200.0, 0.5, (2, 3)), plan.se)
    for row, estimates in zip(found, y, strict=True):
        own = bp.surface(bp.read_trials(frame.assign(estimate=estimates)), "MD")
        ends = own.posterior(priors)["mu"].quantile(np.array([0.025, 0.5, 0.975]))
        assert row[1:] == pytest.approx(ends, abs=0.05)


def test_a_report_says_how_often_reviews_like_it_pass(estimates, tmp_path):
    found = bp.operating_characteristics(
        estimates, "HR", None, "lower", effect=[1, 0.7], tau=[0, 0.2], reviews=40, workers=1
    )
    found.loc[found["effect"] == 1, "passes"] = [0.0125, 0.03]
    found.loc[found["effect"] != 1, "passes"] = 0.4
    path = tmp_path / "simulated.csv"
    found.assign(outcome="this").to_csv(path, index=False)
    asked = {"benefit": "lower", "engine": "exact", "beside": (), "name": "this"}
    analysis = bp.analyse(estimates, "HR", characteristics=path, **asked)
    table = analysis.tables["operating_characteristics"]
    pd.testing.assert_frame_equal(table, found, check_exact=False)
    said = report(analysis.record, analysis.tables)
    assert "## How often would reviews like this one say so?" in said
    assert "40 reviews were simulated at each truth" in said
    assert "exceeded 0.95 in 1.2 % to 3.0 % of them where there is no effect" in said
    assert "in 40.0 % where the hazard ratio is 0.7" in said
    other = bp.analyse(estimates, "HR", characteristics=path, **asked | {"name": "another"})
    assert "operating_characteristics" not in other.tables
    with pytest.raises(bp.UsageError, match="has no column coverage, decision"):
        bp.analyse(estimates, "HR", characteristics=found[["effect", "tau", "passes"]], **asked)
    with pytest.raises(bp.UsageError, match="cannot be read"):
        bp.analyse(estimates, "HR", characteristics=tmp_path / "none.csv", **asked)
