import numpy as np
import pandas as pd
import pytest

import bayespool as bp
from bayespool.agreement import DisagreementError, agreement, compare, explain, worst_of
from bayespool.posterior import Draws, NormalMixture, Posterior


def posterior_of(marginals: dict, **about) -> Posterior:
    options = {
        "trials": None,
        "measure": "MD",
        "scale": "identity",
        "likelihood": "normal",
        "effects": "random",
        "priors": None,
        "engine": "exact",
    }
    makers = {name: lambda m=m: m for name, m in marginals.items()}
    return Posterior(**(options | about), makers=makers)


def normal(mean: float, sd: float) -> NormalMixture:
    return NormalMixture(np.ones(1), np.array([mean]), np.array([sd]))


def test_nuts_and_exact_agree_on_the_flagship(both):
    verdict = both.record["agreement"]
    assert verdict["ok"] is True
    assert verdict["exact_nuts"]["worst_z"] < 4
    assert verdict["exact_nuts"]["max_cdf_distance"] < 0.05
    assert set(both.comparisons["quantity"]) == {"mu", "tau"}
    assert len(both.comparisons) == 13  # 5 of mu, 5 of tau, 3 thresholds


def test_a_planted_disagreement_is_caught(both):
    """The exact posterior under another prior against the draws under the analysis's own."""
    other = both.surface.posterior(bp.Priors("Normal(0, 0.2)", "HalfNormal(0.5)"))
    table = compare(other, both.nuts, both.thresholds)
    verdict = agreement(other, both.nuts, table, [])
    assert verdict["ok"] is False
    assert verdict["exact_nuts"]["worst_z"] > 10
    assert verdict["exact_nuts"]["worst"].startswith("mu")


@pytest.mark.parametrize(
    ("mean", "sd", "what"), [(0.3, 1.0, "mean"), (0.0, 1.2, "sd"), (0.0, 1.0, None)]
)
def test_mean_and_spread_are_both_watched(mean, sd, what):
    draws = np.random.default_rng(3).normal(mean, sd, size=(4, 1000))
    exact = posterior_of({"mu": normal(0.0, 1.0)})
    nuts = posterior_of({"mu": Draws(draws)})
    table = compare(exact, nuts, {"0": 0.0})
    z = table.set_index("what")["z"].abs()
    if what is None:
        assert z.max() < 4
    else:
        assert z[what] > 4
        assert not agreement(exact, nuts, table, [])["ok"]


def test_z_scores_of_right_draws_are_standard_normal():
    """Over 200 replicates: the MCSE is neither too small nor too large."""
    rng = np.random.default_rng(4)
    exact = posterior_of({"mu": normal(0.0, 1.0)})
    tables = [
        compare(exact, posterior_of({"mu": Draws(rng.normal(size=(4, 250)))}), {"1": 1.0})["z"]
        for _ in range(200)
    ]
    spread = np.std(tables, axis=0)
    # The SD of 200 standard normals lies in 0.81 to 1.21 but once in 30,000. The errors of mean
    # and SD take the larger of two estimates, which makes those z a little smaller.
    assert spread.min() > 0.75
    assert spread.max() < 1.25


def test_a_certain_probability_is_no_alarm():
    exact = posterior_of({"mu": normal(-9.0, 1.0)})
    draws = np.random.default_rng(5).normal(-9.0, 1.0, size=(4, 1000))
    table = compare(exact, posterior_of({"mu": Draws(draws)}), {"0": 0.0})
    assert abs(table.set_index("what").loc["P(below 0)", "z"]) < 0.01


def test_a_moment_that_does_not_exist_is_not_gated():
    draws = np.random.default_rng(6).standard_t(2, size=(4, 1000))
    heavy = NormalMixture(np.ones(1), np.zeros(1), np.ones(1), has_mean=True, has_sd=False)
    table = compare(posterior_of({"mu": heavy}), posterior_of({"mu": Draws(draws)}), {})
    assert list(table["what"]) == ["lower quartile", "median", "upper quartile"]


def test_nan_is_no_agreement():
    table = pd.DataFrame(
        {"quantity": ["mu", "mu"], "what": ["mean", "sd"], "z": [1.0, float("nan")]}
    )
    exact, nuts = posterior_of({"mu": normal(0, 1)}), posterior_of({"mu": normal(0, 1)})
    assert agreement(exact, nuts, table, [])["ok"] is False
    assert worst_of(table)["what"] == "sd"


def test_one_engine_alone_has_no_verdict(exact):
    assert agreement(exact, None, pd.DataFrame(), []) == {
        "exact_nuts": None, "frequentist": [], "ok": None,
    }  # fmt: skip


def test_reasons_add_up_to_the_difference(exact, mortality):
    table = bp.pool(mortality, "RR")
    median = float(exact["mu"].quantile(0.5))
    for row, estimate in zip(explain(exact, mortality, table), table["estimate"], strict=True):
        assert row["difference"] == pytest.approx(estimate - median, abs=1e-12)
        steps = [float(part.rsplit(" ", 1)[1]) for part in row["reason"].split("; ")]
        assert sum(steps) == pytest.approx(row["difference"], abs=0.0016)  # printed to 3 decimals
    assert "shi_2021 left out" in row["reason"]


def test_the_same_model_leaves_nothing_to_explain():
    """Common effect, normal likelihood, flat prior: the posterior is the common-IV estimate."""
    trials = bp.read_trials(
        pd.DataFrame({"trial": ["a", "b"], "estimate": [-0.2, 0.1], "se": [0.2, 0.3]})
    )
    found = bp.surface(trials, "HR", effects="common").posterior(
        bp.Priors("Flat()", "HalfNormal(1)")
    )
    row = explain(found, trials, bp.pool(trials, "HR", ["common-IV"]))[0]
    assert row["difference"] == pytest.approx(0, abs=1e-12)
    assert row["reason"] == "same weights: +0.000"


def test_a_risk_difference_is_compared_as_a_difference(mortality):
    found = bp.surface(mortality, "RD").posterior(bp.priors("RD"))
    table = bp.pool(mortality, "RD", ["MH"])
    row = explain(found, mortality, table)[0]
    natural = np.tanh(found["mu"].quantile(0.5))
    assert row["difference"] == pytest.approx(table["estimate"].item() - natural, abs=1e-12)


def test_an_infinite_estimate_has_its_reason():
    trials = bp.read_trials(
        pd.DataFrame(
            {
                "trial": ["a", "b"],
                "events_treatment": [0, 0],
                "n_treatment": [10, 20],
                "events_control": [5, 4],
                "n_control": [10, 21],
            }
        )
    )
    found = bp.surface(trials, "OR").posterior(bp.priors("OR"))
    row = explain(found, trials, bp.pool(trials, "OR", ["MH"]))[0]
    assert row["difference"] is None
    assert "infinite" in row["reason"]


def test_the_error_keeps_its_table():
    import pickle

    error = DisagreementError("no", pd.DataFrame({"z": [9.0]}))
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == "no"
    assert again.comparisons["z"].item() == 9.0
