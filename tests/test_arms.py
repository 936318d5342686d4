"""Means whose SDs are not taken as known, against quadrature, the normal likelihood and NUTS."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from bayespool.agreement import compare
from bayespool.errors import DataError, PriorError, UsageError
from bayespool.exact import surface
from bayespool.exact.arms import arms_likelihoods
from bayespool.nuts_models import continuous
from bayespool.prior import Priors
from bayespool.sampling import sample
from bayespool.summaries import as_posterior
from bayespool.trials import read_trials

COLUMNS = ["mean_treatment", "sd_treatment", "n_treatment", "mean_control", "sd_control"]
COLUMNS += ["n_control"]
FOUR = [
    (8.1, 2.9, 10, 10.2, 3.4, 10),
    (9.0, 2.2, 10, 10.1, 2.6, 10),
    (7.2, 3.1, 10, 10.4, 2.4, 10),
    (9.6, 3.0, 10, 10.0, 3.6, 10),
]
PRIORS = {
    "MD": Priors("Normal(0, 5)", "HalfNormal(1)"),
    "ROM": Priors("Normal(0, 1)", "HalfNormal(0.5)"),
    "SMD": Priors("Normal(0, 1)", "HalfNormal(0.5)"),
}
MIDDLE = np.array([0.025, 0.25, 0.5, 0.75, 0.975])


def means(rows, columns=COLUMNS):
    frame = pd.DataFrame(rows, columns=columns)
    return read_trials(frame.assign(trial=[f"t{i}" for i in range(len(frame))]))


def swapped(rows):
    return [(*row[3:], *row[:3]) for row in rows]


def t_density(mean, sd, n):
    """Density of an arm's mean, written out: SciPy's own takes 50 microseconds a call."""
    df, error = n - 1, sd / math.sqrt(n)
    peak = math.gamma(n / 2) / math.gamma(df / 2) / math.sqrt(df * math.pi) / error
    return lambda m: peak * (1 + ((m - mean) / error) ** 2 / df) ** (-n / 2)


def log_g(measure, row, theta):
    """The marginal likelihood of one effect, by adaptive quadrature and SciPy's densities."""
    m1, s1, n1, m0, s0, n0 = row
    if measure == "SMD":  # over sigma: a normal difference and a chi-squared sum of squares
        df = n1 + n0 - 2
        pooled = np.sqrt(((n1 - 1) * s1**2 + (n0 - 1) * s0**2) / df)
        d, error = (m1 - m0) / pooled, np.sqrt(1 / n1 + 1 / n0)

        def of_ratio(u):  # pooled SD over sigma
            log_chi = (df - 1) * math.log(u) + df / 2 * math.log(df / 2) - math.lgamma(df / 2)
            log_normal = -0.5 * ((d * u - theta) / error) ** 2 - math.log(error)
            return u * 2 * math.exp(log_chi - df * u**2 / 2 + log_normal) / math.sqrt(2 * math.pi)

        ends = np.append(np.linspace(1e-9, 4, 17), 12.0)
        parts = [
            integrate.quad(of_ratio, a, b, epsabs=0, epsrel=1e-10)[0] for a, b in pairwise(ends)
        ]
        return math.log(sum(parts))
    treatment, control = t_density(m1, s1, n1), t_density(m0, s0, n0)
    if measure == "MD":
        ends = np.concatenate(
            [
                [-np.inf, np.inf],
                m0 + s0 * np.array([-300, -10, -1, 0, 1, 10, 300]),
                m1 - theta + s1 * np.array([-300, -10, -1, 0, 1, 10, 300]),
            ]
        )

        def f(m):
            return treatment(m + theta) * control(m)

    else:  # over the control mean: (m0, m1) -> (m0, theta) has the Jacobian m1 = m0 e^theta
        ends = np.concatenate(
            [
                [0.0, np.inf],
                m0 + s0 * np.array([-10, -1, 0, 1, 10, 300]),
                (m1 + s1 * np.array([-10, -1, 0, 1, 10, 300])) * np.exp(-theta),
            ]
        )
        ends, ratio = ends[ends >= 0], math.exp(theta)

        def f(m):
            return treatment(m * ratio) * control(m) * m * ratio

    ends = np.unique(ends)
    parts = [
        integrate.quad(f, a, b, epsabs=0, epsrel=1e-10, limit=500)[0] for a, b in pairwise(ends)
    ]
    return np.log(sum(parts))


HARD = [
    (5.0, 2.0, 2, 7.0, 3.0, 2),
    (8.0, 0.5, 3, 10.0, 9.0, 200),
    (0.1, 2.0, 5, 4.0, 1.0, 8),
    (0.1, 2.0, 3, 0.2, 3.0, 2),
    (40.0, 1.0, 10, 10.0, 1.0, 10),
]


@pytest.mark.parametrize("measure", ["MD", "ROM", "SMD"])
@pytest.mark.parametrize("row", HARD)
@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
def test_a_trials_likelihood_is_the_integral_near_the_estimate_and_in_the_tails(measure, row):
    term = arms_likelihoods(means([row]), measure)[0]
    far = 4 if measure == "SMD" else 12
    theta = term.centre + term.width * np.array([-far, -2.5, 0.3, 1.0, far])
    if measure == "MD" and row[2] == 2:
        theta = np.append(theta, term.centre + 1e4 * term.width)
    expected = [log_g(measure, row, at) for at in theta]
    np.testing.assert_allclose(term.log(theta), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("measure", "row"), [("MD", HARD[0]), ("MD", FOUR[0]), ("ROM", HARD[2]), ("SMD", FOUR[0])]
)
def test_averages_over_effects_keep_the_core_and_the_heavy_tail(measure, row):
    """Far from the estimate, with a spread that reaches back to it, the product has two peaks."""
    term = arms_likelihoods(means([row]), measure)[0]
    for far, spread in ((0, 0.2), (3, 0.5), (10, 3.0), (30, 4.0), (60, 2.0), (60, 30.0)):
        if measure != "MD" and far > 10:
            continue
        mu, tau = term.centre + far * term.width, spread * term.width
        step = 0.02 * min(tau, term.width)
        reach = max(12 * tau, far * term.width + 30 * term.width)
        theta = np.arange(mu - reach, mu + reach, step)
        expected = np.log(step * np.sum(np.exp(term.log(theta)) * stats.norm.pdf(theta, mu, tau)))
        at = np.linspace(min(term.centre, mu) - tau, max(term.centre, mu), 9)
        found = term.averaged(at, np.array([0.1, 1.0, 3.0]) * tau)
        assert found.shape == (9, 3)
        assert found[-1, 1] == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("measure", ["MD", "ROM", "SMD"])
@pytest.mark.parametrize("effects", ["random", "common", "t"])
def test_many_patients_give_the_normal_likelihoods_answer(measure, effects):
    rows = [(9.0, 2.2, 100_000, 10.1, 2.6, 80_000), (9.02, 2.3, 60_000, 10.1, 2.5, 90_000)]
    exact, normal = (
        surface(means(rows), measure, likelihood, effects).posterior(PRIORS[measure])["mu"]
        for likelihood in ("arms", "normal")
    )
    assert exact.cdf(normal.quantile(MIDDLE)) == pytest.approx(MIDDLE, abs=1e-3)


def test_ten_patients_an_arm_widen_the_interval_by_the_tails_of_t():
    """Recomputed on a plain grid of (mu, tau, theta), from the densities alone."""
    found = {
        likelihood: surface(means(FOUR), "MD", likelihood).posterior(PRIORS["MD"])
        for likelihood in ("arms", "normal")
    }
    widths = {k: np.diff(p["mu"].quantile(MIDDLE[[0, -1]]))[0] for k, p in found.items()}
    assert 1.05 < widths["arms"] / widths["normal"] < 1.10
    assert found["arms"]["mu"].cdf(0.0) < found["normal"]["mu"].cdf(0.0) < 0.99

    mu, tau = np.linspace(-9, 6, 101), np.linspace(0.025, 4.975, 100)
    theta = np.linspace(-16, 12, 561)
    middle = np.linspace(-5, 25, 601)
    log_p = stats.norm.logpdf(mu, 0, 5)[:, None] + stats.halfnorm.logpdf(tau, 0, 1)
    for m1, s1, n1, m0, s0, n0 in FOUR:
        control = t_density(m0, s0, n0)(middle)
        g = t_density(m1, s1, n1)(middle + theta[:, None]) @ control * 0.05
        for j, sd in enumerate(tau):
            kernel = stats.norm.cdf((theta + 0.025 - mu[:, None]) / sd)
            kernel -= stats.norm.cdf((theta - 0.025 - mu[:, None]) / sd)
            log_p[:, j] += np.log(np.maximum(kernel @ g, 1e-300))
    p = np.exp(log_p - log_p.max()).sum(axis=1)
    mean = p @ mu / p.sum()
    assert found["arms"]["mu"].mean == pytest.approx(mean, abs=3e-3)
    assert found["arms"]["mu"].sd == pytest.approx(np.sqrt(p @ mu**2 / p.sum() - mean**2), abs=5e-3)


def test_the_unit_of_the_outcome_does_not_matter():
    rows = [(7 * m1, 7 * s1, n1, 7 * m0, 7 * s0, n0) for m1, s1, n1, m0, s0, n0 in FOUR]
    one = surface(means(FOUR), "MD", "arms").posterior(PRIORS["MD"])
    seven = surface(means(rows), "MD", "arms").posterior(Priors("Normal(0, 35)", "HalfNormal(7)"))
    for name in ("mu", "tau", "theta_new", "t1"):
        assert seven[name].quantile(MIDDLE) / 7 == pytest.approx(
            one[name].quantile(MIDDLE), abs=1e-5
        )
    # Each of the eight observed means is a density per unit; four flat baselines give four back.
    change = seven.log_marginal_likelihood - one.log_marginal_likelihood
    assert change == pytest.approx(-4 * np.log(7), abs=1e-6)
    for measure in ("ROM", "SMD"):
        one, seven = (
            surface(means(r), measure, "arms").posterior(PRIORS[measure]) for r in (FOUR, rows)
        )
        assert seven["mu"].quantile(MIDDLE) == pytest.approx(one["mu"].quantile(MIDDLE), abs=1e-7)
        assert seven.log_marginal_likelihood == pytest.approx(one.log_marginal_likelihood, abs=1e-6)


@pytest.mark.parametrize("measure", ["MD", "ROM", "SMD"])
def test_swapping_the_arms_turns_the_sign(measure):
    rows = [*FOUR[:2], (0.4, 2.0, 3, 4.0, 1.0, 30)]
    one, other = (
        surface(means(r), measure, "arms").posterior(PRIORS[measure]) for r in (rows, swapped(rows))
    )
    for name in ("mu", "t2"):
        assert other[name].quantile(MIDDLE) == pytest.approx(
            -one[name].quantile(1 - MIDDLE), abs=2e-6
        )
    assert other.log_marginal_likelihood == pytest.approx(one.log_marginal_likelihood, abs=1e-6)


def test_doubled_nodes_change_nothing_for_arms_of_two_and_means_near_zero():
    rows = [(8.1, 2.9, 2, 10.2, 3.4, 3), (0.3, 2.0, 4, 4.0, 1.0, 2), (9.6, 3.0, 2, 10.0, 3.6, 5)]
    for measure, priors in PRIORS.items():
        table = surface(means(rows), measure, "arms")
        mu, finer = table.posterior(priors)["mu"], table.refined().posterior(priors)["mu"]
        assert mu.cdf(finer.quantile(MIDDLE)) == pytest.approx(MIDDLE, abs=1e-5)


@pytest.mark.parametrize("measure", ["MD", "ROM", "SMD"])
def test_nuts_gives_the_exact_answer(measure):
    rows = [*FOUR[:3], (9.6, 3.0, 4, 10.0, 3.6, 6)]
    exact = surface(means(rows), measure, "arms").posterior(PRIORS[measure])
    fit = sample(continuous(means(rows), measure, PRIORS[measure]), seed=5, draws=600, tune=600)
    nuts = as_posterior(fit)
    assert (nuts.likelihood, nuts.scale) == ("arms", exact.scale)
    assert compare(exact, nuts, {"0": 0.0})["z"].abs().max() < 4
    for name in ("t0", "t3", "theta_new"):
        z = (nuts[name].mean - exact[name].mean) / nuts[name].mcse()
        assert abs(z) < 5


@pytest.mark.parametrize("effects", ["random", "common", "t"])
@pytest.mark.parametrize("centred", [False, True])
def test_the_model_holds_the_quantities_it_promises(effects, centred):
    for measure, priors in PRIORS.items():
        model = continuous(means(FOUR), measure, priors, effects, centred)
        effect = {"theta"} if centred else {"z"}
        free = {"mu", "baseline"} | (set() if effects == "common" else {"tau", "z_new"} | effect)
        assert {v.name for v in model.free_RVs} == free
        assert model.about["likelihood"] == "arms"
        assert model.about["scale"] == ("log" if measure == "ROM" else "identity")


QUARTILES = [
    f"{stem}_{arm}" for arm in ("treatment", "control") for stem in ("n", "median", "q1", "q3")
]


@pytest.mark.parametrize("build", [
    lambda trials, measure: surface(trials, measure, "arms"),
    lambda trials, measure: continuous(trials, measure, PRIORS["SMD"]),
])  # fmt: skip
def test_other_layouts_are_refused_with_the_reason(build):
    with pytest.raises(UsageError, match="medians need the normal likelihood"):
        build(means([(20, 7, 5, 9, 20, 8, 6, 11)], QUARTILES), "MD")
    with pytest.raises(UsageError, match="needs the mean, SD and n of both arms"):
        build(means([(-1.0, 0.5)], ["estimate", "se"]), "MD")
    counts = ["events_treatment", "n_treatment", "events_control", "n_control"]
    with pytest.raises(UsageError, match="needs the mean, SD and n of both arms"):
        build(means([(3, 20, 5, 20)], counts), "RR")
    with pytest.raises(DataError, match=r"row 2 \(t0\): mean_treatment = -1 has no logarithm"):
        build(means([(-1.0, 2.0, 5, 4.0, 1.0, 8)]), "ROM")


def test_a_prior_on_phi_is_refused():
    with pytest.raises(PriorError, match="Leave phi out"):
        surface(means(FOUR), "MD", "arms", phi="Normal(0, 2)")
    with pytest.raises(PriorError, match=r"the arms one\. Leave phi out"):
        surface(means(FOUR), "MD", "arms").posterior(
            Priors("Normal(0, 5)", "HalfNormal(1)", phi="Normal(0, 10)")
        )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((8.0, 2.0, 1, 9.0, 2.0, 10), r"row 2 \(t0\): n_treatment = 1"),
        ((8.0, 2.0, 10, 9.0, 0.0, 10), r"row 2 \(t0\): sd_control = 0"),
    ],
)
def test_one_patient_or_no_spread_is_refused_with_row_and_trial(row, words):
    with pytest.raises(DataError, match=words):
        surface(means([row]), "MD", "arms")


def test_the_default_for_means_stays_normal():
    assert surface(means(FOUR), "MD").likelihood == "normal"
    with pytest.raises(UsageError, match="binomial, normal or arms"):
        surface(means(FOUR), "MD", "exact")
