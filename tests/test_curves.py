"""Curves of a posterior: areas are probabilities, whatever the scale."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from bayespool.curves import benefit_table, density_table
from bayespool.errors import UsageError
from bayespool.exact import surface
from bayespool.measures import from_natural
from bayespool.posterior import Draws, Posterior
from bayespool.prior import Priors, priors
from bayespool.trials import read_trials

MODELS = {
    "RR": ("data/mortality.csv", "RR", {}),
    "OR": ("data/mortality.csv", "OR", {}),
    "RD": ("data/mortality.csv", "RD", {}),
    "RD normal": ("data/mortality.csv", "RD", {"likelihood": "normal"}),
    "three trials": ("data/clinical_improvement.csv", "RR", {}),
    "one row": ("data/crp.csv", "MD", {"effects": "common"}),
}


@pytest.fixture(scope="module")
def found():
    made = {}
    for name, (path, measure, options) in MODELS.items():
        if measure == "MD":
            prior = Priors("Flat()", "HalfNormal(1)")
        else:
            prior = priors(measure, likelihood=options.get("likelihood"))
        made[name] = surface(read_trials(path), measure, **options).posterior(prior)
    return made


def axis_of(x, measure):
    return np.log(x) if measure in ("RR", "OR") else x


@pytest.mark.parametrize("name", MODELS)
def test_every_area_is_one_on_the_axis_that_is_drawn(found, name):
    table = density_table(found[name])
    quantities = ["mu"] if name == "one row" else ["mu", "theta_new", "tau"]
    assert list(table["quantity"].unique()) == quantities
    for quantity, part in table.groupby("quantity"):
        x = part["x"].to_numpy()
        at = x if quantity == "tau" else axis_of(x, found[name].measure)
        assert (np.diff(x) > 0).all()
        assert 300 <= len(x) <= 420
        assert np.trapezoid(part["posterior"], at) == pytest.approx(1, abs=1e-3), quantity


@pytest.mark.parametrize("name", MODELS)
def test_the_area_below_any_point_is_the_cdf(found, name):
    part = density_table(found[name]).query("quantity == 'mu'")
    at = axis_of(part["x"].to_numpy(), found[name].measure)
    y = part["posterior"].to_numpy()
    area = np.concatenate([[0], np.cumsum(np.diff(at) * (y[1:] + y[:-1]) / 2)])
    on_scale = from_natural(part["x"], found[name].scale)
    np.testing.assert_allclose(area, found[name]["mu"].cdf(on_scale), atol=1e-3)


def test_no_effect_is_a_node_and_tau_starts_at_zero(found):
    table = density_table(found["RR"])
    for quantity, start in (("mu", 1.0), ("theta_new", 1.0), ("tau", 0.0)):
        assert start in table.loc[table["quantity"] == quantity, "x"].to_numpy()
    assert table.loc[table["quantity"] == "tau", "x"].min() == 0


def test_a_risk_differences_density_has_the_jacobian_of_atanh(found):
    part = density_table(found["RD"]).query("quantity == 'mu'")
    d, step = part["x"].to_numpy()[5:-5], 1e-5
    cdf = found["RD"]["mu"].cdf
    slope = (cdf(np.arctanh(d + step)) - cdf(np.arctanh(d - step))) / (2 * step)
    np.testing.assert_allclose(part["posterior"].to_numpy()[5:-5], slope, rtol=1e-5, atol=1e-6)
    theta = np.arctanh(part["x"])
    prior = norm.pdf(theta, 0, 0.3) / (1 - part["x"] ** 2)
    np.testing.assert_allclose(part["prior"], prior, rtol=1e-9)


def test_the_prior_is_per_log_unit_and_missing_where_there_is_none(found):
    table = density_table(found["RR"]).set_index("quantity")
    np.testing.assert_allclose(table.loc["mu", "prior"], norm.pdf(np.log(table.loc["mu", "x"])))
    half = 2 * norm.pdf(table.loc["tau", "x"], 0, 0.5)
    np.testing.assert_allclose(table.loc["tau", "prior"], half)
    assert table.loc["theta_new", "prior"].isna().all()
    assert density_table(found["one row"])["prior"].isna().all()
    other = density_table(found["RR"], Priors("Normal(0, 2)", "HalfCauchy(1)"))
    assert other["prior"].max() == pytest.approx(2 / np.pi)


def test_a_prior_that_is_infinite_at_zero_is_missing_there():
    trials = read_trials("data/mortality.csv")
    prior = Priors("Normal(0, 1)", "LogStudentT(5, -3.4, 2.6)")
    part = density_table(surface(trials, "RR").posterior(prior)).query("quantity == 'tau'")
    assert np.isnan(part["prior"].iloc[0])
    assert np.isfinite(part["prior"].iloc[1:]).all()
    assert np.isfinite(part["posterior"]).all()


@pytest.mark.parametrize("benefit", ["lower", "higher"])
@pytest.mark.parametrize("name", MODELS)
def test_probabilities_run_from_one_end_to_the_other(found, name, benefit):
    table = benefit_table(found[name], benefit)
    words = ["prob_benefit"] + ["prob_benefit_new"] * (name != "one row")
    assert list(table.columns) == ["threshold", *words]
    turned = 1 if benefit == "lower" else -1
    assert (np.diff(table["threshold"]) > 0).all()
    for word in words:
        assert (turned * np.diff(table[word]) >= 0).all()
    assert table["prob_benefit"].min() <= 0.00101
    assert table["prob_benefit"].max() >= 0.99899


@pytest.mark.parametrize("name", MODELS)
def test_at_no_effect_they_are_the_posteriors_own(found, name):
    null = 1.0 if found[name].scale == "log" else 0.0
    row = benefit_table(found[name], "lower").set_index("threshold").loc[null]
    assert row["prob_benefit"] == found[name]["mu"].cdf(0.0)
    better = benefit_table(found[name], "higher").set_index("threshold").loc[null]
    assert better["prob_benefit"] == found[name]["mu"].sf(0.0)
    if name != "one row":
        assert row["prob_benefit_new"] == found[name]["theta_new"].cdf(0.0)


def test_thresholds_are_natural_units(found):
    table = benefit_table(found["RD"], "lower")
    assert table["threshold"].between(-1, 1).all()
    expected = found["RD"]["mu"].cdf(np.arctanh(table["threshold"].to_numpy()))
    np.testing.assert_allclose(table["prob_benefit"], expected, atol=1e-12)


def test_without_a_side_they_are_below(found):
    table = benefit_table(found["RR"])
    assert list(table.columns) == ["threshold", "prob_below", "prob_below_new"]
    assert table["prob_below"].is_monotonic_increasing
    with pytest.raises(UsageError, match="lower or higher"):
        benefit_table(found["RR"], "better")


def test_draws_give_the_same_curves_as_the_closed_form():
    rng = np.random.default_rng(7)
    draws = Draws(rng.normal(-0.3, 0.2, (4, 5000)))
    prior = Priors("Normal(0, 1)", "HalfNormal(0.5)")
    posterior = Posterior(
        None, "RR", "log", "binomial", "common", prior, "nuts", {"mu": lambda: draws}
    )
    table = density_table(posterior)
    x = np.log(table["x"].to_numpy())
    assert np.trapezoid(table["posterior"], x) == pytest.approx(1, abs=5e-3)
    np.testing.assert_allclose(table["posterior"], norm.pdf(x, -0.3, 0.2), atol=0.12)
    curve = benefit_table(posterior, "lower")
    expected = norm.cdf(np.log(curve["threshold"]), -0.3, 0.2)
    np.testing.assert_allclose(curve["prob_benefit"], expected, atol=0.015)


def test_tails_beyond_any_number_leave_finite_tables():
    data = pd.DataFrame({"trial": ["a"], "estimate": [-0.5], "se": [0.4]})
    prior = Priors("Normal(0, 1)", "HalfCauchy(1)")
    for measure in ("HR", "RD"):
        posterior = surface(read_trials(data), measure).posterior(prior)
        table = density_table(posterior)
        assert np.isfinite(table[["x", "posterior"]]).all(axis=None)
        assert np.isfinite(benefit_table(posterior, "lower")).all(axis=None)
