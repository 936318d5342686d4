"""Subsets and weights: one grid against one surface each, and what must not matter."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scipy import special, stats

import bayespool as bp
from bayespool.axes import SinhAxis, nodes
from bayespool.exact.sums import integrals_below

AT = np.array([-0.4, 0.0, 0.2])
P = np.array([0.025, 0.5, 0.975])


def counts(rows) -> bp.Trials:
    names = ("events_treatment", "n_treatment", "events_control", "n_control")
    frame = pd.DataFrame(rows, columns=names)
    return bp.read_trials(frame.assign(trial=[f"t{i}" for i in range(len(rows))]))


@st.composite
def reviews(draw, least=2, most=4):
    """Two to four trials of up to 60 patients an arm, zeros included."""
    rows = []
    for _ in range(draw(st.integers(least, most))):
        n1, n0 = draw(st.integers(2, 60)), draw(st.integers(2, 60))
        rows.append((draw(st.integers(0, n1)), n1, draw(st.integers(0, n0)), n0))
    return rows


few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_the_integral_up_to_a_limit_is_that_of_a_normal():
    axis = SinhAxis((0.3,), (0.5,), np.arange(-60, 61) * 0.15)
    density = np.exp(-0.5 * ((nodes(axis) - 0.1) / 0.4) ** 2) / (0.4 * np.sqrt(2 * np.pi))
    weight = density * axis.slope(nodes(axis)) * 0.15
    from scipy.stats import norm

    at = np.array([-np.inf, -0.7, 0.0, 0.11, 1.4, np.inf])
    assert integrals_below(axis, at) @ weight == pytest.approx(norm.cdf(at, 0.1, 0.4), abs=1e-8)


@pytest.mark.parametrize("effects", ["random", "common", "t"])
@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_a_batch_gives_what_a_surface_of_each_subset_gives(mortality, measure, effects):
    table = bp.surface(mortality, measure, effects=effects)
    k = len(table.kept)
    masks = np.vstack([1 - np.eye(k)[:2], [1] + [0] * (k - 1), [0, 0, 0, 1, 1, 1, 0, 0, 0, 0]])
    priors = bp.priors(measure)
    batch = table.batch(priors, masks)
    for i, mask in enumerate(masks):
        own = bp.surface(mortality.take(mask.astype(bool)), measure, effects=effects)
        alone = own.posterior(priors)
        assert batch.cdf("mu", AT)[i] == pytest.approx(alone["mu"].cdf(AT), abs=2e-6)
        assert batch.quantile("mu", P)[i] == pytest.approx(alone["mu"].quantile(P), abs=1e-4)
        evidence = alone.log_marginal_likelihood
        assert batch.log_evidence[i] == pytest.approx(evidence, abs=1e-5)
        if effects != "common":
            assert batch.cdf("theta_new", AT)[i] == pytest.approx(
                alone["theta_new"].cdf(AT), abs=5e-6
            )
            assert batch.quantile("tau", P)[i] == pytest.approx(alone["tau"].quantile(P), abs=2e-4)


@pytest.mark.parametrize("likelihood", ["binomial", "normal"])
def test_weights_of_0_and_1_leave_out_and_keep(mortality, likelihood):
    table, priors = bp.surface(mortality, "OR", likelihood), bp.priors("OR")
    whole, same = table.posterior(priors), table.posterior(priors, np.ones(len(table.kept)))
    assert same["mu"].cdf(AT).tolist() == whole["mu"].cdf(AT).tolist()
    without = table.posterior(priors, {"bowdish_2023": 0, "shi_2021": 0})
    names = [name for name in mortality.names if name not in ("bowdish_2023", "shi_2021")]
    mask = [name in names for name in mortality.names]
    own = bp.surface(mortality.take(mask), "OR", likelihood).posterior(priors)
    assert without["mu"].cdf(AT) == pytest.approx(own["mu"].cdf(AT), abs=1e-9)
    assert without["tau"].quantile(P) == pytest.approx(own["tau"].quantile(P), abs=1e-8)
    assert set(without.names) == set(own.names)
    assert without.log_marginal_likelihood == pytest.approx(own.log_marginal_likelihood, abs=1e-8)


def test_all_weights_0_leave_the_prior(mortality):
    table, priors = bp.surface(mortality, "RR"), bp.priors("RR")
    found = table.posterior(priors, np.zeros(10))
    assert found["mu"].quantile(P) == pytest.approx(priors.mu.ppf(P), abs=1e-5)
    assert found["tau"].quantile(P) == pytest.approx(priors.tau.ppf(P), abs=1e-5)
    assert found.log_marginal_likelihood == pytest.approx(
        0, abs=2e-7
    )  # mass of tau below its first node


@pytest.mark.parametrize("likelihood", ["binomial", "normal"])
def test_a_weight_of_a_half_on_two_copies_is_one_trial(likelihood):
    rows = [(4, 60, 9, 58), (11, 120, 15, 118), (2, 45, 3, 44)]
    once, priors = counts(rows), bp.priors("OR")
    twice = bp.surface(counts(rows + rows), "OR", likelihood)
    half = twice.posterior(priors, np.full(6, 0.5))
    whole = bp.surface(once, "OR", likelihood).posterior(priors)
    assert half["mu"].cdf(AT) == pytest.approx(whole["mu"].cdf(AT), abs=1e-6)
    assert half["tau"].quantile(P) == pytest.approx(whole["tau"].quantile(P), abs=1e-5)
    assert half.log_marginal_likelihood is None
    assert "t0" not in half


def test_the_two_roads_of_a_normal_review_agree_at_fractional_weights(mortality):
    table, priors = bp.surface(mortality, "OR", "normal"), bp.priors("OR")
    weights = np.linspace(0.1, 1, len(table.kept))
    closed, summed = table.posterior(priors, weights), table.batch(priors, weights)
    assert summed.cdf("mu", AT)[0] == pytest.approx(closed["mu"].cdf(AT), abs=1e-6)
    assert summed.quantile("tau", P)[0] == pytest.approx(closed["tau"].quantile(P), abs=1e-4)
    assert summed.quantile("theta_new", P)[0] == pytest.approx(
        closed["theta_new"].quantile(P), abs=2e-4
    )


def test_two_far_clusters_are_both_resolved():
    frame = pd.DataFrame({"estimate": [-1, -1.01, 1, 1.01], "se": [0.01] * 4})
    trials = bp.read_trials(frame.assign(trial=list("abcd")))
    table, priors = bp.surface(trials, "generic"), bp.priors("OR")
    masks = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 0, 1], [1, 1, 1, 1]], dtype=float)
    batch = table.batch(priors, masks)
    for i, mask in enumerate(masks):
        alone = table.posterior(priors, mask)
        assert batch.cdf("mu", [-1.0, 0.99])[i] == pytest.approx(
            alone["mu"].cdf(np.array([-1.0, 0.99])), abs=2e-5
        )
        assert batch.log_evidence[i] == pytest.approx(alone.log_marginal_likelihood, abs=1e-4)


def test_a_set_without_a_proper_posterior_has_no_answer(mortality):
    table = bp.surface(mortality, "RR")
    flat = bp.Priors("Normal(0, 1)", "Flat()")
    weights = np.array([np.eye(10)[0], np.ones(10)])
    batch = table.batch(flat, weights)
    assert np.isnan(batch.cdf("mu", [0.0])[0]).all()
    assert batch.cdf("mu", [0.0])[1] == pytest.approx(
        table.posterior(flat)["mu"].cdf(np.array([0.0])), abs=1e-6
    )


@given(rows=reviews(), measure=st.sampled_from(["OR", "RR", "RD"]), seed=st.integers(0, 99))
@few
def test_the_order_of_trials_does_not_matter(rows, measure, seed):
    order = np.random.default_rng(seed).permutation(len(rows))
    priors = bp.priors(measure)
    a = bp.surface(counts(rows), measure).posterior(priors)
    b = bp.surface(counts([rows[i] for i in order]), measure).posterior(priors)
    assert a["mu"].cdf(AT) == pytest.approx(b["mu"].cdf(AT), abs=1e-7)


@given(rows=reviews(), measure=st.sampled_from(["OR", "RR", "RD"]))
@few
def test_swapping_the_arms_turns_the_sign(rows, measure):
    priors = bp.priors(measure)
    a = bp.surface(counts(rows), measure).posterior(priors)
    b = bp.surface(counts([(c, d, a, b) for a, b, c, d in rows]), measure).posterior(priors)
    assert a["mu"].cdf(AT) == pytest.approx(b["mu"].sf(-AT), abs=2e-5)
    assert a["tau"].quantile(P) == pytest.approx(b["tau"].quantile(P), rel=2e-4, abs=1e-4)


@given(rows=reviews(), measure=st.sampled_from(["OR", "RD"]))
@few
def test_swapping_events_with_non_events_turns_the_sign_of_or_and_rd(rows, measure):
    priors = bp.priors(measure)
    a = bp.surface(counts(rows), measure).posterior(priors)
    b = bp.surface(counts([(n - r, n, m - s, m) for r, n, s, m in rows]), measure)
    assert a["mu"].cdf(AT) == pytest.approx(b.posterior(priors)["mu"].sf(-AT), abs=2e-5)


def test_swapping_events_with_non_events_is_another_question_for_rr(mortality):
    frame = mortality.frame.copy()
    for arm in ("treatment", "control"):
        frame[f"events_{arm}"] = frame[f"n_{arm}"] - frame[f"events_{arm}"]
    a = bp.surface(mortality, "RR").posterior(bp.priors("RR"))
    b = bp.surface(bp.read_trials(frame), "RR").posterior(bp.priors("RR"))
    assert abs(a["mu"].cdf(0.0) - b["mu"].sf(0.0)) > 0.005


@given(rows=reviews(), measure=st.sampled_from(["OR", "RR", "RD"]))
@example(rows=[(7, 10, 0, 3)] + 3 * [(0, 2, 0, 2)], measure="RR")
@example(rows=[(37, 40, 0, 3), (36, 40, 0, 4)], measure="RR")
@few
def test_a_doubled_grid_changes_nothing_above_the_reported_bound(rows, measure):
    table, priors = bp.surface(counts(rows), measure), bp.priors(measure)
    a, b = table.posterior(priors), table.refined().posterior(priors)
    bound = max(a.grid_error, 1e-5)
    for name in ("mu", "tau"):
        at = a[name].quantile(np.array([0.05, 0.25, 0.5, 0.75, 0.95]))
        assert np.abs(a[name].cdf(at) - b[name].cdf(at)).max() <= bound


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"nobody": 0}, "no trial nobody"),
        ([1.0], "10 of them, not 1"),
        ([2.0] * 10, "between 0"),
        ([float("nan")] * 10, "between 0"),
    ],
)
def test_bad_weights_are_refused(mortality, weights, said):
    with pytest.raises(bp.UsageError, match=said):
        bp.surface(mortality, "RR").posterior(bp.priors("RR"), weights)


@pytest.mark.parametrize("kept", range(3))
def test_one_trial_with_a_far_tail_has_the_same_new_trial_by_both_roads(kept):
    # Beyond the last node of mu nothing lies, and its slope there must not be carried on.
    arms = [(11, 12, 15, 29), (19, 29, 12, 29), (9, 12, 5, 12)]
    table = bp.surface(counts(arms), "RD")
    priors = bp.Priors("Normal(-0.23, 2.6)", "LogNormal(-2.49, 0.7)")
    weights = np.eye(3)[[kept]]
    batch = table.batch(priors, weights)
    posterior = table.posterior(priors, weights[0])
    at = np.array([-1.0, -0.2, 0.0, 0.2, 0.5, 0.9])
    assert posterior["theta_new"].cdf(at) == pytest.approx(batch.cdf("theta_new", at)[0], abs=5e-6)


def test_an_effect_that_the_first_grid_cannot_spread_gets_a_finer_one():
    table = bp.surface(counts([(19, 29, 12, 29)]), "RD")
    priors = bp.Priors("Normal(-0.9456, 2.757)", "Exponential(8.129)")
    one, two = table.posterior(priors), table.refined().refined().posterior(priors)
    at = two["theta_new"].quantile(np.array([0.025, 0.2, 0.5, 0.8, 0.975]))
    assert one["theta_new"].cdf(at) == pytest.approx(two["theta_new"].cdf(at), abs=1e-6)


def test_a_common_effect_without_any_trial_gives_the_prior_back(mortality):
    table = bp.surface(mortality, "RR", effects="common")
    posterior = table.posterior(bp.priors("RR"), np.zeros(len(table.kept)))
    assert posterior["mu"].quantile(P) == pytest.approx(stats.norm.ppf(P), abs=1e-6)


@pytest.mark.parametrize(("measure", "arms"), [("RD", (24, 76, 0, 164)), ("RR", (57, 80, 2, 90))])
def test_a_trials_average_far_from_its_estimate_is_a_dense_sum(measure, arms):
    term = bp.surface(counts([arms]), measure).terms[0]
    theta, width = np.linspace(-9.0, 9.0, 180_001, retstep=True)
    log_g = term.log(theta)
    mu, tau = np.linspace(-3.0, 3.0, 25), np.array([0.02, 0.06, 0.2, 0.5, 1.1])
    found = term.averaged(mu, tau)
    for i, centre in enumerate(mu):
        for j, sd in enumerate(tau):
            terms = log_g - 0.5 * ((theta - centre) / sd) ** 2
            dense = special.logsumexp(terms) + np.log(width / (sd * np.sqrt(2 * np.pi)))
            if dense > log_g.max() - 60:
                assert found[i, j] == pytest.approx(dense, abs=2e-3), (centre, sd)
