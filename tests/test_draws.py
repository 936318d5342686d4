"""Draws on request: against the exact marginals, sums on the grid, brute force and NUTS."""

import subprocess
import sys

import arviz as az
import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr
from scipy.stats import kstest, norm, t

import bayespool as bp
from bayespool.errors import PriorError, UsageError
from bayespool.exact.draws import _effects, draws, inverse
from bayespool.measures import risks
from bayespool.predictive import predictive_check, with_predictive

WEAK = bp.Priors("Normal(0, 1)", "HalfNormal(0.5)")
VAGUE = bp.Priors("Normal(0, 10)", "HalfCauchy(1)")
COLUMNS = ("events_treatment", "n_treatment", "events_control", "n_control")

ZERO_ARMS = [(0, 20, 5, 20), (3, 30, 0, 28)]
DOUBLE_ZERO = [(0, 20, 0, 30), (4, 30, 9, 31)]
SEPARATED = [(20, 20, 0, 18), (5, 10, 12, 12)]
UNEQUAL = [(100_000, 10_000_000, 101_000, 10_000_000), (3, 5, 2, 5)]


def counts(rows):
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return bp.read_trials(frame.assign(trial=[f"t{i}" for i in range(len(rows))]))


def estimates(rows):
    frame = pd.DataFrame(rows, columns=["estimate", "se"])
    return bp.read_trials(frame.assign(trial=[f"t{i}" for i in range(len(rows))]))


OUTLIER = estimates([(0.0, 0.05), (0.1, 0.05), (2.0, 0.1), (0.05, 0.5)])


def drawn(tree, name):
    posterior = tree["posterior"]
    found = posterior[name] if name in posterior else posterior["theta"].sel(trial=name)
    return found.to_numpy().ravel()


def assert_same_distribution(tree, exact):
    """Kolmogorov-Smirnov, for mu, tau, theta_new and every trial's effect."""
    for name in exact.names:
        found = kstest(drawn(tree, name), exact[name].cdf)
        assert found.pvalue > 1e-4, (name, found.statistic, found.pvalue)


@pytest.fixture(scope="module")
def many(mortality):
    return draws(bp.surface(mortality, "RR"), WEAK, draws=10_000)


def test_an_inverse_cdf_on_a_grid_is_that_of_a_normal():
    z = np.linspace(-6.5, 6.5, 50)
    u = np.linspace(0.0005, 0.9995, 500)
    place = inverse(np.tile(-0.5 * z**2, (500, 1)), u)
    assert ndtr(z[0] + place * (z[1] - z[0])) == pytest.approx(u, abs=6e-4)
    fine = np.linspace(-6.5, 6.5, 200)
    place = inverse(np.tile(-0.5 * fine**2, (500, 1)), u)
    assert ndtr(fine[0] + place * (fine[1] - fine[0])) == pytest.approx(u, abs=1e-5)


def test_an_inverse_cdf_needs_no_density_that_dies_out():
    u = np.linspace(0.001, 0.999, 99)
    rate = 3.0
    place = inverse(np.tile(-rate * np.linspace(0, 1, 30), (99, 1)), u)
    assert -np.expm1(-rate * place / 29) / -np.expm1(-rate) == pytest.approx(u, abs=1e-6)


def test_draws_of_mortality_have_the_exact_marginals(many, exact):
    assert many["posterior"].sizes == {"chain": 4, "draw": 10_000, "trial": 10}
    assert_same_distribution(many, exact)


def test_draws_are_correlated_as_sums_on_the_grid_say(many, mortality, exact):
    surface = bp.surface(mortality, "RR")
    sums = surface.sums(WEAK)
    of_mu, of_tau = sums.log_prior(WEAK)
    log_p = sums.grid.log_l.sum(axis=0) + of_mu[:, None] + of_tau
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    mu, tau = np.broadcast_arrays(sums.mu[:, None], sums.tau)

    def mean(values):
        return np.sum(p * values)

    sd = {name: exact[name].sd for name in exact.names}
    expected = (mean(mu * tau) - mean(mu) * mean(tau)) / sd["mu"] / sd["tau"]
    seen = np.corrcoef(drawn(many, "mu"), drawn(many, "tau"))[0, 1]
    assert seen == pytest.approx(expected, abs=0.025)
    for i, name in enumerate(surface.kept):
        # Tweedie's formula: E(theta | mu, tau) = mu + tau^2 d log L / d mu.
        theta = mu + tau**2 * np.gradient(sums.grid.log_l[i], sums.mu, axis=0)
        for other, values in (("mu", mu), ("tau", tau)):
            covariance = mean(theta * values) - mean(theta) * mean(values)
            seen = np.corrcoef(drawn(many, name), drawn(many, other))[0, 1]
            assert seen == pytest.approx(covariance / sd[name] / sd[other], abs=0.025)


@pytest.mark.parametrize(
    ("measure", "rows", "priors"),
    [
        ("RR", ZERO_ARMS, WEAK),
        ("OR", DOUBLE_ZERO, VAGUE),
        ("RR", [(4, 30, 9, 31)], VAGUE),
        ("RR", SEPARATED, VAGUE),
        ("RD", SEPARATED, WEAK),
        ("OR", UNEQUAL, bp.Priors("Normal(0, 1)", "HalfNormal(0.001)")),
        ("OR", ZERO_ARMS, bp.Priors("Uniform(-1, 1)", "Uniform(0.1, 0.5)")),
    ],
)
def test_extreme_counts_keep_their_marginals(measure, rows, priors):
    surface = bp.surface(counts(rows), measure)
    tree = draws(surface, priors, draws=2000)
    assert_same_distribution(tree, surface.posterior(priors))
    assert np.isfinite(tree["posterior"]["phi"]).all()


@pytest.mark.parametrize("effects", ["random", "t"])
@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_effects_given_mu_and_tau_are_those_of_brute_force(measure, effects):
    surface = bp.surface(
        counts([*ZERO_ARMS, *SEPARATED, (30, 90, 9, 80)]), measure, effects=effects
    )
    n, random = 4000, np.random.default_rng(1)
    for tau in (1e-6, 0.02, 0.4, 5.0):
        theta = 0.3 + tau * np.sinh(np.linspace(-12, 12, 20_001))
        theta = theta[np.abs(theta) < 150]
        units = (theta - 0.3) / tau
        bell = norm.logpdf(units) if effects == "random" else t.logpdf(units, 4)
        for i, term in enumerate(surface.terms):
            seen = _effects(surface, i, np.full(n, 0.3), np.full(n, tau), random)
            f = term.log(theta) + bell
            f = np.exp(f - f.max())
            below = np.append(0.0, np.cumsum(0.5 * (f[1:] + f[:-1]) * np.diff(units)))
            cdf = below / below[-1]
            found = kstest((seen - 0.3) / tau, lambda z, x=units, p=cdf: np.interp(z, x, p))
            assert found.pvalue > 1e-4, (surface.kept[i], tau, found.statistic)


@pytest.mark.parametrize("effects", ["random", "common"])
@pytest.mark.parametrize("mu", ["Normal(0, 1)", "Flat()"])
def test_the_normal_likelihood_keeps_its_marginals(mu, effects):
    priors = bp.Priors(mu, "HalfCauchy(0.2)")
    surface = bp.surface(OUTLIER, "generic", effects=effects)
    tree = draws(surface, priors, draws=2500)
    assert_same_distribution(tree, surface.posterior(priors))
    assert "phi" not in tree["posterior"]


@pytest.mark.parametrize("effects", ["random", "t"])
def test_the_normal_likelihood_shrinks_effects_as_sums_on_the_grid_say(effects):
    priors = bp.Priors("StudentT(3, 0, 1)", "HalfNormal(0.5)")
    surface = bp.surface(OUTLIER, "generic", effects=effects)
    tree = draws(surface, priors, draws=10_000)
    sums = surface.sums(priors)
    of_mu, of_tau = sums.log_prior(priors)
    log_p = sums.grid.log_l.sum(axis=0) + of_mu[:, None] + of_tau
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    for term, name, log_l in zip(surface.terms, surface.kept, sums.grid.log_l, strict=True):
        # Tweedie's formula: E(theta | y) = y + s^2 d log p(y) / dy, whatever the effects.
        slope = np.sum(p * np.gradient(log_l, sums.mu, axis=0))
        values = drawn(tree, name)
        error = values.std() / np.sqrt(len(values))
        assert values.mean() == pytest.approx(
            term.centre - term.width**2 * slope, abs=5 * error + 1e-3 * term.width
        )
    at = np.array([-0.5, 0.0, 0.1, 0.3, 1.0])
    batch = surface.batch(priors, np.ones((1, 4)))
    for name in ("mu", "tau", "theta_new"):
        seen = (drawn(tree, name)[:, None] < at).mean(axis=0)
        assert seen == pytest.approx(batch.cdf(name, at)[0], abs=0.012)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize(
    "row", [(0, 20, 0, 30), (20, 20, 0, 18), (5, 10, 10, 10), (2, 4000, 9, 31)]
)
def test_baselines_given_an_effect_are_those_of_brute_force(measure, row):
    """A prior that pins a common effect leaves phi a density in one dimension."""
    theta = 0.3
    surface = bp.surface(counts([row]), measure, effects="common")
    tree = draws(surface, bp.Priors(f"Normal({theta}, 0.000001)", "HalfNormal(1)"), draws=5000)
    assert list(tree["posterior"]) == ["mu", "phi"]
    phi = np.linspace(-80, 80, 100_001)
    p0, q0, p1, q1 = risks(measure, theta, phi)
    r1, n1, r0, n0 = row
    log_f = r1 * np.log(p1) + (n1 - r1) * np.log(q1) + r0 * np.log(p0) + (n0 - r0) * np.log(q0)
    log_f = log_f - 0.5 * (phi / 10) ** 2
    f = np.exp(log_f - log_f.max())
    below = np.concatenate([[0.0], np.cumsum(0.5 * (f[1:] + f[:-1]))])
    found = kstest(drawn(tree, "phi"), lambda x: np.interp(x, phi, below / below[-1]))
    assert found.pvalue > 1e-4


def test_every_quantity_of_mortality_agrees_with_nuts(both, many):
    fit = both.fit
    for what in ("mean", "sd"):
        ours, theirs = (az.mcse(tree, method=what) for tree in (many, fit))
        for name in ("mu", "tau", "theta_new", "theta", "phi"):
            of = {"dim": ("chain", "draw")}
            here, there = (
                getattr(tree["posterior"][name], "mean" if what == "mean" else "std")(**of)
                for tree in (many, fit)
            )
            error = np.hypot(ours[name], theirs[name])
            assert (np.abs(here - there) < 5 * error).all(), (what, name)


def test_a_common_effect_has_neither_tau_nor_theta(mortality):
    tree = draws(bp.surface(mortality, "RR", effects="common"), WEAK, draws=50)
    assert set(tree["posterior"]) == {"mu", "phi"}


def test_discounted_trials_have_no_effect_of_their_own(mortality):
    few = mortality.take(np.arange(len(mortality)) < 3)
    first, *rest = few.names
    surface = bp.surface(few, "RR").weighted({first: 0.5, rest[0]: 0.0})
    tree = draws(surface, WEAK, draws=2500)
    assert tree["posterior"]["trial"].to_numpy().tolist() == rest[1:]
    assert tree.attrs["weights"] == f"{first} 0.5"
    assert_same_distribution(tree, surface.posterior(WEAK))


def test_without_any_trial_the_draws_are_the_priors(mortality):
    tree = draws(bp.surface(mortality, "RR").weighted(np.zeros(10)), WEAK, draws=2500)
    assert set(tree.children) == {"posterior"}
    for name, prior in (("mu", WEAK.mu), ("tau", WEAK.tau)):
        assert kstest(drawn(tree, name), prior.cdf).pvalue > 1e-4


@pytest.mark.parametrize("likelihood", ["binomial", "normal"])
def test_the_same_seed_gives_the_same_bytes(mortality, likelihood):
    trees = [
        draws(bp.surface(mortality, "RR", likelihood=likelihood), WEAK, 100, 2, seed)
        for seed in (1, 1, 2)
    ]
    bytes_ = [
        {name: a.to_numpy().tobytes() for name, a in tree["posterior"].data_vars.items()}
        for tree in trees
    ]
    assert bytes_[0] == bytes_[1]
    assert all(bytes_[0][name] != bytes_[2][name] for name in bytes_[0])


@pytest.mark.parametrize("effects", ["random", "t", "common"])
@pytest.mark.parametrize("likelihood", ["binomial", "normal"])
def test_predictions_are_made_from_the_draws_as_from_a_fit(mortality, likelihood, effects):
    tree = draws(bp.surface(mortality, "RR", likelihood=likelihood, effects=effects), WEAK, 100)
    full = with_predictive(tree, mortality, WEAK)
    for group in ("posterior_predictive", "log_likelihood", "log_prior", "prior_predictive"):
        for array in full[group].data_vars.values():
            assert np.isfinite(array).all()
    assert predictive_check(tree, mortality)["p"].between(0, 1).all()


def test_tables_are_made_from_the_draws_as_from_a_fit(many, mortality, exact):
    table = bp.summarise(many).set_index("quantity")
    assert list(table.index) == ["mu", "theta_new", "tau", *mortality.names]
    for name, row in table.iterrows():
        assert row["median"] == pytest.approx(exact[name].quantile(0.5), abs=7 * row["mcse_mean"])
    assert many.attrs["engine"] == "exact"
    assert {"measure", "scale", "likelihood", "effects", "prior_phi"} <= set(many.attrs)


def test_arviz_sees_independent_chains(many):
    few = many.isel(draw=slice(0, 1000))
    assert (az.rhat(few)["theta"] < 1.01).all()
    assert (az.ess(few)["phi"] > 3000).all()


def test_what_cannot_be_drawn_is_an_error(mortality):
    surface = bp.surface(mortality, "RR")
    for options in ({"draws": 0}, {"chains": 0}, {"seed": -1}):
        with pytest.raises(UsageError):
            draws(surface, WEAK, **options)
    with pytest.raises(PriorError):
        draws(surface, bp.Priors("Normal(0, 1)", "HalfNormal(0.5)", "Normal(0, 2)"))


def test_drawing_imports_neither_pymc_nor_arviz():
    code = (
        "import sys, bayespool.exact.draws;"
        "assert not {'pymc', 'arviz', 'arviz_stats', 'pytensor'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
