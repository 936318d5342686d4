"""The exact engine against published values, R, brute force and itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln, logsumexp, ndtr

from bayespool.errors import PriorError, UsageError
from bayespool.exact import closed, surface
from bayespool.measures import risks
from bayespool.prior import Priors
from bayespool.trials import Trials, read_trials

HERE = Path(__file__).parent
MIDDLE = np.array([0.025, 0.5, 0.975])
WEAK = Priors("Normal(0, 1)", "HalfNormal(0.5)")

EIGHT_SCHOOLS = (
    [28.39, 7.94, -2.75, 6.82, -0.64, 0.63, 18.01, 12.16],
    [14.9, 10.2, 16.3, 11.0, 9.4, 11.4, 10.4, 17.6],
)
CRINS = [(14, 61, 15, 20), (16, 28, 19, 28), (3, 18, 8, 12), (9, 54, 29, 54), (4, 36, 11, 36)]
GRAS = (0, 50, 3, 34)
BCG = [
    (4, 123, 11, 139),
    (6, 306, 29, 303),
    (3, 231, 11, 220),
    (62, 13598, 248, 12867),
    (33, 5069, 47, 5808),
    (180, 1541, 372, 1451),
    (8, 2545, 10, 629),
    (505, 88391, 499, 88391),
    (29, 7499, 45, 7277),
    (17, 1716, 65, 1665),
    (186, 50634, 141, 27338),
    (5, 2498, 3, 2341),
    (27, 16913, 29, 17854),
]
NIELWEISE = [
    (0, 116, 3, 117),
    (1, 44, 3, 35),
    (2, 208, 9, 195),
    (0, 130, 7, 136),
    (5, 151, 6, 157),
    (1, 98, 4, 139),
    (1, 174, 3, 177),
    (1, 74, 2, 39),
    (1, 97, 19, 103),
    (1, 113, 2, 122),
    (0, 66, 7, 64),
    (0, 70, 1, 58),
    (3, 188, 5, 175),
    (6, 187, 11, 180),
    (0, 118, 0, 105),
    (0, 252, 1, 262),
    (1, 345, 3, 362),
    (4, 64, 1, 69),
]


def counts(rows: list[tuple[int, ...]]) -> Trials:
    columns = ["events_treatment", "n_treatment", "events_control", "n_control"]
    frame = pd.DataFrame(rows, columns=columns)
    return read_trials(frame.assign(trial=[f"t{i}" for i in range(len(frame))]))


def estimates(y: list[float], se: list[float]) -> Trials:
    names = [f"t{i}" for i in range(len(y))]
    return read_trials(pd.DataFrame({"trial": names, "estimate": y, "se": se}))


# --- published examples -------------------------------------------------------------------


def test_eight_schools() -> None:
    """Published example 1: bayesmeta's vignette, recomputed by adaptive quadrature."""
    found = surface(estimates(*EIGHT_SCHOOLS), "MD").posterior(
        Priors("Normal(0, 50)", "HalfCauchy(25)")
    )
    mu, tau, new = found["mu"], found["tau"], found["theta_new"]
    assert mu.quantile(0.5) == pytest.approx(7.963499, abs=1e-4)
    assert mu.mean == pytest.approx(7.986042, abs=1e-4)
    assert mu.sd == pytest.approx(4.995598, abs=1e-4)
    assert mu.hdi(0.95) == pytest.approx((-1.82075, 17.82218), abs=1e-4)
    assert mu.sf(0.0) == pytest.approx(0.94876908, abs=1e-7)
    assert tau.quantile(0.5) == pytest.approx(4.758539, abs=1e-5)
    assert tau.mean == pytest.approx(5.884511, abs=1e-5)
    assert tau.sd == pytest.approx(4.869904, abs=1e-5)
    assert tau.quantile(MIDDLE[[0, 2]]) == pytest.approx([0.2199559, 18.0531718], abs=1e-5)
    assert tau.hdi(0.95) == pytest.approx((0.0, 15.165894), abs=1e-4)
    # bayesmeta prints 9.126767 at its default grid, known to be 0.14 % coarse at worst.
    assert new.sd == pytest.approx(9.126767, rel=2e-5)


def test_crins_six_trials() -> None:
    """Published example 2, exact values; the zero cell gets 1/2 in the normal approximation."""
    found = surface(counts([*CRINS, GRAS]), "OR", likelihood="normal").posterior(
        Priors("Normal(0, 4)", "HalfNormal(0.5)")
    )
    mu, tau, new = found["mu"], found["tau"], found["theta_new"]
    assert mu.quantile(0.5) == pytest.approx(-1.573495, abs=1e-4)
    assert mu.mean == pytest.approx(-1.576425, abs=1e-4)
    assert mu.sd == pytest.approx(0.329368, abs=1e-4)
    assert mu.hdi(0.95) == pytest.approx((-2.23074, -0.92663), abs=1e-4)
    assert mu.sf(0.0) == pytest.approx(6.01269e-05, rel=1e-5)
    assert tau.quantile(0.5) == pytest.approx(0.3445023, abs=1e-5)
    assert tau.sf(1.0) == pytest.approx(0.02097488, abs=1e-6)
    assert new.sd == pytest.approx(0.566532, abs=1e-4)
    assert new.hdi(0.95) == pytest.approx((-2.76442, -0.40888), abs=1e-4)
    assert new.cdf(0.0) == pytest.approx(0.991329, abs=1e-5)
    assert found["t0"].mean == pytest.approx(-1.77810, abs=1e-4)
    assert found["t0"].sd == pytest.approx(0.42274, abs=1e-4)
    assert found["t1"].mean == pytest.approx(-1.23363, abs=1e-4)
    assert found["t1"].sd == pytest.approx(0.44834, abs=1e-4)


def test_crins_two_trials() -> None:
    """Published example 3."""
    found = surface(counts([CRINS[0], CRINS[4]]), "OR", likelihood="normal").posterior(
        Priors("Normal(0, 4)", "HalfNormal(0.5)")
    )
    assert found["mu"].cdf(0.0) == pytest.approx(0.99753190, abs=1e-6)
    assert found["mu"].mean == pytest.approx(-1.776258, abs=1e-4)
    assert found["mu"].sd == pytest.approx(0.549558, abs=1e-4)
    assert found["mu"].hdi(0.95) == pytest.approx((-2.86067, -0.68707), abs=1e-4)


@pytest.mark.parametrize(
    ("tau", "exact"),
    [("HalfNormal(0.5)", 1.090974), ("HalfNormal(1)", 2.181949), ("HalfCauchy(0.5)", 5.047007)],
)
def test_prior_predictive_of_theta(tau: str, exact: float) -> None:
    """Published example 5: 97.5 % quantile of theta ~ Normal(0, tau), tau from its prior.

    A trial that says nothing about an effect known to be 0 on average leaves the prior.
    """
    found = surface(estimates([0.0], [1e6]), "generic").posterior(Priors("Normal(0, 1e-6)", tau))
    assert found["theta_new"].quantile(0.975) == pytest.approx(exact, abs=1e-4)


def test_bcg_is_nice_tsd_3() -> None:
    """Published example 9: NICE TSD 3 prints -0.762 (0.22) [-1.21, -0.34]; exact values beside."""
    found = surface(counts(BCG), "OR", phi="Normal(0, 100)").posterior(
        Priors("Normal(0, 100)", "HalfNormal(5)")
    )
    assert found["mu"].mean == pytest.approx(-0.7616, abs=1e-4)
    assert found["mu"].sd == pytest.approx(0.2186, abs=2e-4)
    assert found["mu"].quantile(MIDDLE) == pytest.approx([-1.2061, -0.7584, -0.3344], abs=1e-3)
    assert found["tau"].quantile(MIDDLE) == pytest.approx([0.3896, 0.6478, 1.1655], abs=5e-4)
    assert found["theta_new"].quantile(MIDDLE[[0, 2]]) == pytest.approx([-2.262, 0.719], abs=1e-3)


def test_mortality() -> None:
    """The flagship at the weak prior, from quadratures written independently of this engine."""
    trials = read_trials(HERE.parent / "data" / "mortality.csv")
    wide = surface(trials, "RR").posterior(WEAK)["mu"]
    assert np.exp(wide.quantile(MIDDLE)) == pytest.approx([0.453, 0.706, 1.001], abs=5e-4)
    assert wide.cdf(0.0) == pytest.approx(0.975, abs=5e-4)
    tight = surface(trials, "RR", phi="Normal(0, 2)").posterior(WEAK)["mu"]
    assert np.exp(tight.quantile(MIDDLE)) == pytest.approx([0.472, 0.713, 0.999], abs=5e-4)
    assert tight.cdf(0.0) == pytest.approx(0.9754, abs=5e-5)


# --- one engine, two roads ----------------------------------------------------------------


@pytest.fixture
def summed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the normal model take the two-dimensional road of the other models."""
    monkeypatch.setattr(closed, "covers", lambda prior: False)


@pytest.mark.usefixtures("summed")
def test_grid_equals_closed_form_into_the_tails() -> None:
    """Tail probabilities are right in relative terms down to 1e-12."""
    crins = surface(counts([*CRINS, GRAS]), "OR", likelihood="normal")
    priors = Priors("Normal(0, 4)", "HalfNormal(0.5)")
    grid = crins.posterior(priors)
    about = {
        "trials": crins.trials,
        "measure": "OR",
        "scale": "log",
        "likelihood": "normal",
        "effects": "random",
        "priors": priors,
        "engine": "exact",
    }
    form = closed.posterior(crins, priors, about)
    assert grid.log_marginal_likelihood == pytest.approx(form.log_marginal_likelihood, abs=1e-6)
    for quantity in ("mu", "theta_new", "t0", "t3"):
        for x in np.linspace(-1.5, 4, 12):
            for side in ("sf", "cdf"):
                at = x if side == "sf" else -3 - x
                exact = getattr(form[quantity], side)(at)
                if exact > 1e-12:
                    assert getattr(grid[quantity], side)(at) == pytest.approx(exact, rel=2e-4), (
                        quantity,
                        side,
                        at,
                    )
    assert grid["tau"].quantile(MIDDLE) == pytest.approx(form["tau"].quantile(MIDDLE), abs=1e-6)


def brute_log_l(measure: str, arms: tuple[int, ...], mu: float, tau: float, sd: float) -> float:
    """log L(mu, tau) by plain sums over a dense rectangle of theta and phi."""
    r1, n1, r0, n0 = arms
    theta = mu + tau * np.linspace(-9, 9, 601)[:, None] if tau else np.array([[mu]])
    phi = np.linspace(-9 * sd, 9 * sd, 3001)
    p0, q0, p1, q1 = risks(measure, theta, phi)
    with np.errstate(divide="ignore"):
        log_f = (
            sum(
                n * np.log(np.maximum(p, 1e-300))
                for n, p in ((r0, p0), (n0 - r0, q0), (r1, p1), (n1 - r1, q1))
            )
            - 0.5 * (phi / sd) ** 2
            - np.log(sd * np.sqrt(2 * np.pi))
        )
    for r, n in ((r0, n0), (r1, n1)):
        log_f = log_f + gammaln(n + 1) - gammaln(r + 1) - gammaln(n - r + 1)
    log_g = logsumexp(log_f, axis=1) + np.log(phi[1] - phi[0])
    if not tau:
        return float(log_g[0])
    z = np.linspace(-9, 9, 601)
    return float(logsumexp(log_g - 0.5 * z**2) + np.log((z[1] - z[0]) / np.sqrt(2 * np.pi)))


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize("arms", [(2, 12, 7, 12), (0, 12, 3, 29), (1, 1, 0, 1), (5, 11, 1, 6)])
def test_surface_equals_brute_force(measure: str, arms: tuple[int, ...]) -> None:
    made = surface(counts([arms]), measure, phi="Normal(0, 3)")
    term = made.terms[0]
    for mu in (-1.2, -0.1, 0.4):
        for tau in (0.0, 0.05, 0.6):
            found = (
                term.log(np.array([mu]))[0]
                if tau == 0
                else term.averaged(np.array([mu]), np.array([tau]))[0, 0]
            )
            assert found == pytest.approx(brute_log_l(measure, arms, mu, tau, 3.0), abs=3e-4), (
                mu,
                tau,
            )


def hypergeometric(rows: list[tuple[int, ...]], mu: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """log of prod_i L_i(mu, tau) from the noncentral hypergeometric likelihood (conditional)."""
    z, w = np.polynomial.hermite_e.hermegauss(35)
    log_w = np.log(w / w.sum())
    total = np.zeros((len(mu), len(tau)))
    for r1, n1, r0, n0 in rows:
        events = r1 + r0
        x = np.arange(max(0, events - n0), min(n1, events) + 1)
        log_c = (
            gammaln(n1 + 1)
            - gammaln(x + 1)
            - gammaln(n1 - x + 1)
            + gammaln(n0 + 1)
            - gammaln(events - x + 1)
            - gammaln(n0 - events + x + 1)
        )
        theta = mu[:, None, None] + tau[:, None] * z
        top = log_c[x == r1][0] + r1 * theta
        total += logsumexp(top - logsumexp(log_c + x * theta[..., None], axis=-1) + log_w, axis=-1)
    return total


def conditional(rows: list[tuple[int, ...]]) -> tuple[float, float, float, float]:
    """P(mu < 0), mean and SD of mu and mean of tau under the conditional likelihood, weak prior."""
    mu, tau = np.linspace(-4, 2, 151), np.linspace(0, 3, 76)
    log_p = hypergeometric(rows, mu, tau)
    log_p += -0.5 * mu[:, None] ** 2 - 0.5 * (tau / 0.5) ** 2
    weight = np.ones(len(tau))
    weight[[0, -1]] = 0.5
    p = np.exp(log_p - log_p.max()) * weight
    p /= p.sum()
    of_mu = p.sum(axis=1)
    mean = float(of_mu @ mu)
    return (
        float(of_mu[mu < -1e-9].sum() + 0.5 * of_mu[np.abs(mu) < 1e-9].sum()),
        mean,
        float(np.sqrt(of_mu @ (mu - mean) ** 2)),
        float(p.sum(axis=0) @ tau),
    )


@pytest.mark.long
def test_rare_events_equal_the_noncentral_hypergeometric() -> None:
    """With a flat phi the OR model is the conditional one as events become rare.

    Integrating phi out flat gives the noncentral hypergeometric likelihood exactly in the
    Poisson limit (both are (n1 a + n0/a)^-t exp(...)); at risks of up to 20 % they differ by a
    hundredth of log OR. So: the 18 catheter trials with every arm a hundred times larger must
    agree to 1e-3, and as they are to 1e-2.
    """
    for factor, tolerance in ((100, 1e-3), (1, 1e-2)):
        rows = [(a, b * factor, c, d * factor) for a, b, c, d in NIELWEISE]
        found = surface(counts(rows), "OR", phi="Normal(0, 100)").posterior(WEAK)
        below, mean, sd, tau = conditional(rows)
        assert found["mu"].cdf(0.0) == pytest.approx(below, abs=tolerance)
        assert found["mu"].mean == pytest.approx(mean, abs=tolerance)
        assert found["mu"].sd == pytest.approx(sd, abs=tolerance)
        assert found["tau"].mean == pytest.approx(tau, abs=2 * tolerance)


# --- hard data ----------------------------------------------------------------------------

HARD = {
    "one trial, no event in one arm": [(0, 12, 3, 29)],
    "two trials": [(0, 12, 3, 29), (1, 10, 1, 12)],
    "no event at all": [(0, 12, 0, 29), (0, 9, 0, 9)],
    "everyone has the event": [(12, 12, 29, 29), (3, 3, 1, 4)],
    "two patients": [(1, 1, 0, 1)],
    "ten million": [(5_000_000, 10_000_000, 5_010_000, 10_000_000), (1, 10, 2, 10)],
    "ten million, three events": [(3, 10_000_000, 9, 10_000_000), (0, 10_000_000, 0, 10_000_000)],
}
HEAVY = Priors("Normal(0, 10)", "HalfCauchy(1)")


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize("case", sorted(HARD))
def test_a_doubled_grid_changes_nothing(measure: str, case: str) -> None:
    doubled_grid_changes_nothing(measure, case, WEAK)


@pytest.mark.long
@pytest.mark.parametrize(
    ("measure", "case"),
    # Not RD of ten million: nine scales in one grid are in the test above.
    [
        (m, case)
        for m in ("OR", "RR", "RD")
        for case in sorted(HARD)
        if m != "RD" or "ten" not in case
    ],
)
def test_a_doubled_grid_changes_nothing_under_heavy_tails(measure: str, case: str) -> None:
    doubled_grid_changes_nothing(measure, case, HEAVY)


def doubled_grid_changes_nothing(measure: str, case: str, priors: Priors) -> None:
    """Finite answers, and the same within 2e-4 with twice the nodes in mu, tau, theta and phi."""
    at = np.array([0.001, 0.025, 0.25, 0.5, 0.75, 0.975, 0.999])
    made = surface(counts(HARD[case]), measure)
    one, two = made.posterior(priors), made.refined().posterior(priors)
    for name in one.names:
        values = one[name].quantile(at)
        assert np.isfinite(values).all(), name
        assert (np.diff(values) > 0).all(), name
        assert np.abs(two[name].cdf(values) - at).max() < 2e-4, name


@pytest.mark.parametrize("effects", ["common", "t"])
def test_other_effects_on_a_doubled_grid(effects: str) -> None:
    at = np.array([0.025, 0.25, 0.5, 0.75, 0.975])
    made = surface(read_trials(HERE.parent / "data" / "mortality.csv"), "RR", effects=effects)
    one, two = made.posterior(WEAK), made.refined().posterior(WEAK)
    assert ("tau" in one) == (effects == "t")
    for name in [n for n in ("mu", "tau", "theta_new", "shi_2021") if n in one]:
        assert np.abs(two[name].cdf(one[name].quantile(at)) - at).max() < 1e-5, name


def test_t_effects_equal_a_direct_integral() -> None:
    """Student-t effects of normal estimates: the scale mixture against plain quadrature."""
    y, s = [0.3, -0.2, 2.0], [0.2, 0.3, 0.25]
    made = surface(estimates(y, s), "generic", effects="t")
    log_l = made.log_likelihood
    z = np.sinh(np.linspace(-9, 9, 6001))
    dz = np.gradient(z)
    density = 3 / 8 * (1 + z**2 / 4) ** -2.5  # t with 4 degrees of freedom
    for i in range(3):
        for mu_at, tau_at in ((30, 20), (45, 35), (60, 50)):
            point = log_l[i, mu_at, tau_at]
            theta = float(point.mu) + float(point.tau) * z
            direct = np.sum(density * dz * np.exp(-0.5 * ((theta - y[i]) / s[i]) ** 2))
            expected = np.log(direct / (s[i] * np.sqrt(2 * np.pi)))
            assert float(point) == pytest.approx(expected, abs=2e-4)


def test_common_effect_of_estimates_is_the_inverse_variance_mean() -> None:
    y, s = np.array([0.3, -0.2, 0.1]), np.array([0.2, 0.3, 0.25])
    found = surface(estimates(list(y), list(s)), "generic", effects="common").posterior(
        Priors("Flat()", "HalfNormal(1)")
    )
    w = s**-2.0
    assert found["mu"].mean == pytest.approx(float(w @ y / w.sum()), rel=1e-12)
    assert found["mu"].sd == pytest.approx(float(w.sum() ** -0.5), rel=1e-12)
    assert found["mu"].cdf(0.0) == pytest.approx(
        float(ndtr(-(w @ y) / np.sqrt(w.sum()))), rel=1e-12
    )
    with pytest.raises(UsageError, match="common effect has neither tau"):
        found["tau"]


# --- invariances --------------------------------------------------------------------------


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_order_of_trials_and_swapped_arms(measure: str) -> None:
    rows = [(2, 12, 7, 12), (5, 21, 4, 24), (3, 19, 8, 24)]
    found = surface(counts(rows), measure).posterior(WEAK)
    back = surface(counts(rows[::-1]), measure).posterior(WEAK)
    mirror = surface(counts([(c, d, a, b) for a, b, c, d in rows]), measure).posterior(WEAK)
    q = found["mu"].quantile(MIDDLE)
    assert back["mu"].quantile(MIDDLE) == pytest.approx(q, abs=1e-6)
    assert -mirror["mu"].quantile(MIDDLE)[::-1] == pytest.approx(q, abs=1e-5)
    assert back["t2"].mean == pytest.approx(found["t0"].mean, abs=1e-5)


@pytest.mark.parametrize("measure", ["OR", "RD"])
def test_swapped_events(measure: str) -> None:
    rows = [(2, 12, 7, 12), (5, 21, 4, 24), (3, 19, 8, 24)]
    found = surface(counts(rows), measure).posterior(WEAK)
    swapped = surface(counts([(b - a, b, d - c, d) for a, b, c, d in rows]), measure)
    other = swapped.posterior(WEAK)
    assert -other["mu"].quantile(MIDDLE)[::-1] == pytest.approx(
        found["mu"].quantile(MIDDLE), abs=1e-5
    )


def test_moments_that_do_not_exist_are_none() -> None:
    one = surface(estimates([0.3], [0.2]), "generic").posterior(
        Priors("Normal(0, 1)", "HalfCauchy(1)")
    )
    assert one["tau"].mean is not None
    assert one["tau"].sd is None
    assert one["theta_new"].sd is None
    assert one["mu"].sd is not None
    two = surface(estimates([0.3, 0.1], [0.2, 0.2]), "generic").posterior(
        Priors("Flat()", "HalfCauchy(1)")
    )
    assert two["mu"].sd is None


def test_any_prior_of_the_list() -> None:
    made = surface(counts([*CRINS, GRAS]), "OR")
    for mu in ("Normal(0, 1)", "StudentT(3, 0, 1)", "Cauchy(0, 1)", "Logistic(0, 1)", "Flat()"):
        posterior = made.posterior(Priors(mu, "HalfNormal(0.5)"))
        assert -2.5 < posterior["mu"].quantile(0.5) < -1
    bounded = made.posterior(Priors("Uniform(-1, 1)", "HalfNormal(0.5)"))
    assert bounded["mu"].quantile(0.001) >= -1
    for tau in (
        "HalfCauchy(1)",
        "HalfStudentT(3, 0.5)",
        "Exponential(2)",
        "LogNormal(-2, 0.7)",
        "Gamma(0.5, 1)",
        "InverseGamma(1.77, 0.55)",
        "Uniform(0, 2)",
        "LogStudentT(5, -2.4, 2.6)",
        "Flat()",
    ):
        posterior = made.posterior(Priors("Normal(0, 1)", tau))
        assert posterior.grid_error < 1e-4, tau
        assert 0 < posterior["tau"].quantile(0.5) < 2, tau


def test_refusals() -> None:
    trials = counts([*CRINS, GRAS])
    made = surface(trials, "OR")
    with pytest.raises(PriorError, match="needs its own surface"):
        made.posterior(Priors("Normal(0, 1)", "HalfNormal(1)", "Normal(0, 2)"))
    with pytest.raises(PriorError, match="Leave phi out"):
        surface(trials, "OR", likelihood="normal").posterior(
            Priors("Normal(0, 1)", "HalfNormal(1)", "Normal(0, 10)")
        )
    with pytest.raises(UsageError, match="effects is one of"):
        surface(trials, "OR", effects="fixed")
    with pytest.raises(UsageError, match="binomial"):
        surface(estimates([0.1], [0.2]), "generic", likelihood="binomial")
    with pytest.raises(PriorError):
        surface(estimates([0.1, 0.3], [0.2, 0.2]), "generic").posterior(Priors("Flat()", "Flat()"))


@pytest.mark.parametrize("family", ["Normal", "Cauchy", "StudentT"])
def test_a_prior_on_mu_that_ends_at_zero_is_the_whole_one_cut_there(family):
    """The posterior under half of a prior is that under the whole prior, given mu > 0."""
    frame = pd.DataFrame(
        {"trial": list("abc"), "estimate": [-0.3, 0.1, -0.5], "se": [0.2, 0.3, 0.4]}
    )
    table = surface(read_trials(frame), "OR")
    whole, half = {
        "Normal": ("Normal(0, 1)", "HalfNormal(1)"),
        "Cauchy": ("Cauchy(0, 0.5)", "HalfCauchy(0.5)"),
        "StudentT": ("StudentT(3, 0, 1)", "HalfStudentT(3, 1)"),
    }[family]
    full = table.posterior(Priors(whole, "HalfNormal(0.5)"))["mu"]
    cut = table.posterior(Priors(half, "HalfNormal(0.5)"))
    at = np.array([0.001, 0.05, 0.2, 0.5, 1.0])
    np.testing.assert_allclose(cut["mu"].sf(at), full.sf(at) / full.sf(0.0), atol=1e-5)
    np.testing.assert_allclose(
        cut["mu"].quantile([0.025, 0.5]), full.quantile(1 - full.sf(0.0) * np.array([0.975, 0.5])),
        atol=1e-4 * full.sd,
    )  # fmt: skip
    assert cut.grid_error < 1e-4


@pytest.mark.parametrize(
    ("y", "se", "prior"),
    [
        ((100, 50, 0), (1, 1, 1), (0, 10, 20, 80)),
        ((-0.3, 0.1, -0.5), (0.2, 0.3, 0.4), (40, 0.5, 30, 45)),
    ],
)  # fmt: skip
def test_data_that_pull_tau_far_beyond_its_prior_are_followed(y, se, prior):
    """Against a plain sum over mu and tau; HalfNormal(0.5) ends at 5, the posterior of tau at 9."""
    middle, sd, low, high = prior
    mu, tau = np.linspace(low, high, 2001), np.linspace(1e-4, 25, 4001)
    log_p = -0.5 * ((mu - middle) / sd)[:, None] ** 2 - 0.5 * (tau / 0.5) ** 2
    for estimate, error in zip(y, se, strict=True):
        spread = np.hypot(error, tau)
        log_p = log_p - 0.5 * ((estimate - mu[:, None]) / spread) ** 2 - np.log(spread)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    table = surface(estimates(y, se), "generic")
    found = table.posterior(Priors(f"Normal({middle}, {sd})", "HalfNormal(0.5)"))
    assert found["mu"].mean == pytest.approx(p.sum(axis=1) @ mu, abs=1e-6 * sd)
    assert found["tau"].mean == pytest.approx(p.sum(axis=0) @ tau, rel=1e-6)
    assert found.grid_error < 1e-4
