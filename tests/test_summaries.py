import numpy as np
import pytest
import xarray as xr

import bayespool as bp
from bayespool.posterior import Draws, NormalMixture
from bayespool.summaries import (
    described,
    in_natural_units,
    number,
    posterior_of,
    probability,
    summarise,
)


def normal(mean: float, sd: float) -> NormalMixture:
    return NormalMixture(np.ones(1), np.array([mean]), np.array([sd]))


def test_a_normal_is_described_by_its_textbook_numbers():
    row = described(normal(-0.5, 0.2))
    assert row["mean"] == pytest.approx(-0.5, abs=1e-12)
    assert row["sd"] == pytest.approx(0.2, abs=1e-12)
    reach = 0.2 * 1.959963984540054
    for pair in (("lower", "upper"), ("lower_hdi", "upper_hdi")):
        ends = [row[word] for word in pair]
        assert ends == pytest.approx([-0.5 - reach, -0.5 + reach], abs=1e-5)


def test_moments_that_do_not_exist_are_none():
    found = bp.surface(bp.read_trials(one_trial()), "RR").posterior(
        bp.Priors("Normal(0, 1)", "HalfCauchy(1)")
    )
    row = described(found["tau"])
    assert row["sd"] is None
    assert row["median"] > 0


def one_trial():
    import pandas as pd

    return pd.DataFrame(
        {
            "trial": ["a"],
            "events_treatment": [3],
            "n_treatment": [10],
            "events_control": [5],
            "n_control": [10],
        }
    )


def test_natural_units_are_the_exponentials_of_the_ends():
    marginal = normal(-0.5, 0.2)
    row = in_natural_units(marginal, "log")
    assert row == in_natural_units(described(marginal), "log")
    assert row["median"] == pytest.approx(np.exp(-0.5))
    assert row["lower"] == pytest.approx(np.exp(-0.5 - 0.2 * 1.959963984540054))
    assert in_natural_units(marginal, "atanh")["median"] == pytest.approx(np.tanh(-0.5))


def test_the_flagship_has_the_answer_of_independent_quadratures(exact):
    table = summarise(exact).set_index("quantity")
    row = table.loc["mu"]
    ends = [row["natural_median"], row["natural_lower"], row["natural_upper"]]
    assert ends == pytest.approx([0.706, 0.453, 1.001], abs=5e-4)
    assert list(table.index[:3]) == ["mu", "theta_new", "tau"]
    assert len(table) == 13
    assert np.isnan(table.loc["tau", "natural_median"])
    assert (table["mcse_mean"] == 0).all()


def test_a_common_effect_has_one_row(mortality):
    found = bp.surface(mortality, "RR", effects="common").posterior(bp.priors("RR"))
    assert list(summarise(found)["quantity"]) == ["mu"]


def test_draws_and_grid_tell_the_same_story(both):
    exact, nuts = summarise(both.exact), summarise(both.fit)
    assert list(exact.columns) == list(nuts.columns)
    assert list(exact["quantity"]) == list(nuts["quantity"])
    gap = (nuts["mean"] - exact["mean"]).abs() / nuts["mcse_mean"]
    # 13 means: the chance that one of them is beyond 5 standard errors is 1 in 100,000.
    assert gap.max() < 5


def test_a_fit_says_what_it_is_of(both):
    found = bp.as_posterior(both.fit)
    assert (found.measure, found.scale, found.likelihood, found.effects) == (
        "RR", "log", "binomial", "random",
    )  # fmt: skip
    assert found.priors.mu.text == "Normal(0, 1)"
    assert found.priors.phi.text == "Normal(0, 10)"
    assert set(found.names) == {"mu", "tau", "theta_new", *both.trials.names}
    np.testing.assert_array_equal(
        found["shu_2020"].values, both.fit["posterior"]["theta"].sel(trial="shu_2020").values
    )


def test_a_fit_of_another_model_is_refused_with_words():
    stranger = xr.DataTree.from_dict(
        {"posterior": xr.Dataset({"mu": (("chain", "draw"), [[0.0]])})}
    )
    with pytest.raises(bp.UsageError, match="does not say its measure or scale"):
        bp.as_posterior(stranger)
    with pytest.raises(bp.UsageError, match="not list"):
        posterior_of([1.0])


@pytest.mark.parametrize(
    ("p", "mcse", "text"),
    [
        (0.97484, 0, "0.975"),
        (0.97484, 0.004, "0.975"),
        (0.97484, 0.02, "0.97"),
        (0.99951, 0, ">0.999"),
        (0.0004, 0, "<0.001"),
        (1.0, 0, ">0.999"),
        (None, 0, "–"),
    ],
)
def test_probabilities_as_printed(p, mcse, text):
    assert probability(p, mcse) == text


@pytest.mark.parametrize(
    ("x", "mcse", "text"),
    [
        (0.70572, 0, "0.706"),
        (0.70572, 0.012, "0.71"),
        (12.345, 0, "12.3"),
        (12.345, 0.3, "12.3"),
        (12.345, 3, "12"),
        (-32.49, 0, "-32.5"),
        (0.0, 0, "0"),
        (float("inf"), 0, "∞"),
        (float("nan"), 0, "–"),
    ],
)
def test_numbers_as_printed(x, mcse, text):
    assert number(x, mcse) == text


def test_draws_have_a_monte_carlo_error():
    draws = Draws(np.random.default_rng(1).normal(size=(4, 500)))
    assert draws.mcse("mean") == pytest.approx(1 / 2000**0.5, rel=0.3)
