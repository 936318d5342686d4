"""Sampling: right answers, the same draws every time, and a gate that holds."""

import os
import signal
import subprocess
import sys
import threading

import arviz as az
import numpy as np
import nutpie
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

from bayespool import sampling
from bayespool.errors import ConvergenceError, UsageError
from bayespool.exact import surface
from bayespool.nuts_models import binomial, normal
from bayespool.prior import Priors
from bayespool.sampling import diagnose, sample, versions
from bayespool.trials import read_trials

WEAK = Priors("Normal(0, 1)", "HalfNormal(0.5)")
MORTALITY = "data/mortality.csv"


def counts(rows):
    columns = ["events_treatment", "n_treatment", "events_control", "n_control"]
    frame = pd.DataFrame(rows, columns=columns)
    return read_trials(frame.assign(trial=[f"trial {i}" for i in range(len(rows))]))


def draws_of(fit, name):
    return fit["posterior"][name].to_numpy().ravel()


def assert_agree(fit, name, exact):
    """Mean, SD and quartiles within 4 Monte Carlo standard errors of the exact marginal's."""
    draws = draws_of(fit, name)
    array = fit["posterior"][name]
    ess = float(az.ess(array.to_numpy(), method="bulk"))
    assert abs(draws.mean() - exact.mean) < 4 * exact.sd / np.sqrt(ess)
    assert abs(draws.std() - exact.sd) < 4 * float(az.mcse(array.to_numpy(), method="sd"))
    for p in (0.25, 0.5, 0.75):
        below = (array <= exact.quantile(p)).astype(float)
        ess_p = float(az.ess(below.to_numpy(), method="mean"))
        assert abs(float(below.mean()) - p) < 4 * np.sqrt(p * (1 - p) / ess_p), (name, p)


@pytest.fixture(scope="module")
def mortality():
    return sample(binomial(read_trials(MORTALITY), "RR", WEAK), seed=2026)


def test_mortality_is_what_independent_quadratures_say(mortality):
    mu = draws_of(mortality, "mu")
    ess = float(az.ess(mortality, var_names=["mu"])["mu"])
    for value, p in ((0.453, 0.025), (0.706, 0.5), (1.001, 0.975), (1.0, 0.975)):
        assert abs(np.mean(mu < np.log(value)) - p) < 4 * np.sqrt(p * (1 - p) / ess) + 0.001


def test_mortality_agrees_with_the_exact_engine(mortality):
    exact = surface(read_trials(MORTALITY), "RR").posterior(WEAK)
    for name in ("mu", "tau"):
        assert_agree(mortality, name, exact[name])
    inner = mortality["posterior"]["theta"].sel(trial="shu_2020").to_numpy()
    marginal = exact["shu_2020"]
    assert abs(inner.mean() - marginal.mean) < 4 * marginal.sd / np.sqrt(float(az.ess(inner)))


def test_a_fit_says_how_it_was_made_and_nothing_that_changes(mortality):
    how = dict(mortality.attrs)
    assert how.pop("sampling_seconds") > 0
    assert how["seed"] == 2026
    assert (how["draws"], how["tune"], how["chains"], how["target_accept"]) == (1000, 1000, 4, 0.95)
    assert how["attempts"] == 1
    for name, number in versions().items():
        assert how[f"version_{name}"] == number
    for group in mortality.subtree:
        assert not [key for key in group.attrs if "created" in key or "time" in key]
    assert {"mu", "tau", "theta", "theta_new", "phi"} == set(mortality["posterior"].data_vars)
    events = pd.read_csv(MORTALITY)["events_control"]
    assert mortality["observed_data"]["events_control"].to_numpy().tolist() == events.to_list()


def test_a_fit_survives_a_netcdf_file(mortality, tmp_path):
    mortality.to_netcdf(tmp_path / "fit.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as read:
        xr.testing.assert_equal(read["posterior"].to_dataset(), mortality["posterior"].to_dataset())
        assert diagnose(read.load()) == diagnose(mortality)


def test_the_same_seed_gives_the_same_draws_with_one_core_or_two():
    trials = read_trials("data/serious_adverse_events.csv")
    fits = [sample(binomial(trials, "RR", WEAK), seed=7, draws=500, cores=n) for n in (1, 2)]
    one, two = (fit["posterior"].to_dataset() for fit in fits)
    assert two.identical(one)
    first, again = (
        {key: value for key, value in fit.attrs.items() if key != "sampling_seconds"}
        for fit in fits
    )
    assert first == again
    other = sample(binomial(trials, "RR", WEAK), seed=8, draws=500)
    assert not np.array_equal(draws_of(other, "mu"), draws_of(fits[0], "mu"))


SCRIPT = """
from bayespool.nuts_models import binomial
from bayespool.prior import Priors
from bayespool.sampling import sample
from bayespool.trials import read_trials
trials = read_trials("data/mortality.csv").take([0, 3, 5])
fit = sample(binomial(trials, "RR", Priors("Normal(0, 1)", "HalfNormal(0.5)")), draws=500)
print(fit["posterior"]["mu"].to_numpy().tobytes().hex())
"""


@pytest.mark.long
def test_code_from_the_compiler_and_code_from_its_cache_give_the_same_draws(tmp_path):
    """They did not under PyTensor's default, fast-math."""
    flags = {"PYTENSOR_FLAGS": f"base_compiledir={tmp_path}"}
    runs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=os.environ | flags,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert any(tmp_path.rglob("*.nbi"))
    assert len(runs[0]) > 1000
    assert runs[0] == runs[1]


def test_too_few_draws_are_followed_by_a_longer_second_attempt():
    trials = read_trials(MORTALITY)
    fit = sample(normal(trials, "RR", WEAK), seed=3, draws=250)
    assert fit.attrs["attempts"] == 2
    assert (fit.attrs["draws"], fit.attrs["tune"]) == (1000, 2000)
    assert fit.attrs["target_accept"] == 0.995
    assert fit["posterior"].sizes["draw"] == 1000
    assert diagnose(fit)["ok"]
    assert_agree(fit, "mu", surface(trials, "RR", "normal").posterior(WEAK)["mu"])


def test_chains_in_two_places_are_an_error_that_carries_the_fit():
    with pm.Model() as model:
        x = pm.Flat("x")
        left, right = pm.Normal.dist(-9, 1), pm.Normal.dist(9, 1)
        pm.Potential("two", pm.math.logaddexp(pm.logp(left, x), pm.logp(right, x)))
    with pytest.raises(ConvergenceError) as caught:
        sample(model, seed=1, draws=200, tune=200)
    message, fit = str(caught.value), caught.value.fit
    assert "did not converge in two attempts (seed 1; the second with 4 chains of 800" in message
    assert "x: R-hat" in message
    assert "Try centred=False" in message
    assert fit.attrs["attempts"] == 2
    assert not diagnose(fit)["ok"]
    assert diagnose(fit)["max_r_hat"] > 1.5


def made_up(change=lambda x, energy, diverging: None):
    """Four chains of independent draws of two effects, with one thing spoiled."""
    rng = np.random.default_rng(5)
    x, energy = rng.normal(size=(4, 1000, 2)), rng.normal(size=(4, 1000))
    diverging = np.zeros((4, 1000), dtype=bool)
    change(x, energy, diverging)
    return az.from_dict(
        {"posterior": {"theta": x}, "sample_stats": {"energy": energy, "diverging": diverging}},
        dims={"theta": ["trial"]},
        coords={"trial": ["a", "b"]},
    )


def shift_one_chain(x, energy, diverging):
    x[2, :, 1] += 1


def walk(x, energy, diverging):
    x[:, :, 0] = np.cumsum(x[:, :, 0], axis=1) / 10


def slow_energy(x, energy, diverging):
    energy[1] = np.cumsum(energy[1])


def one_divergence(x, energy, diverging):
    diverging[3, 17] = True


def not_a_number(x, energy, diverging):
    x[0, 0, 0] = np.nan


def test_independent_draws_pass_the_gate():
    found = diagnose(made_up())
    assert found["ok"]
    assert found["divergences"] == 0
    assert found["max_r_hat"] < 1.01
    assert found["min_ess"] > 3000
    assert found["min_bfmi"] > 1.5


@pytest.mark.parametrize(
    ("change", "key", "falls_short"),
    [
        (shift_one_chain, "max_r_hat", lambda v: v > 1.05),
        (walk, "min_ess", lambda v: v < 400),
        (slow_energy, "min_bfmi", lambda v: v < 0.3),
        (one_divergence, "divergences", lambda v: v == 1),
        (not_a_number, "max_r_hat", np.isnan),
    ],
)
def test_each_diagnostic_alone_can_close_the_gate(change, key, falls_short):
    found = diagnose(made_up(change))
    assert falls_short(found[key])
    assert not found["ok"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"draws": 0}, "draws is at least 1"),
        ({"chains": 0}, "chains"),
        ({"cores": 0}, "cores"),
        ({"target_accept": 1.0}, "target_accept"),
        ({"target_accept": float("nan")}, "target_accept"),
    ],
)
def test_impossible_settings_are_refused_before_anything_is_compiled(options, words):
    with pytest.raises(UsageError, match=words):
        sample(pm.Model(), **options)


def test_trials_with_nothing_but_zeros_or_events_and_tiny_ones_are_sampled_rightly():
    trials = counts(
        [(0, 2, 1, 2), (0, 50, 0, 50), (50, 50, 50, 50), (50, 50, 20, 50), (3, 40, 9, 41)]
    )
    fit = sample(binomial(trials, "OR", WEAK, centred=True), seed=4)
    assert_agree(fit, "mu", surface(trials, "OR").posterior(WEAK)["mu"])


def test_one_trial_alone_gives_its_posterior():
    trials = counts([(3, 10, 5, 10)])
    fit = sample(binomial(trials, "RR", WEAK), seed=5)
    exact = surface(trials, "RR").posterior(WEAK)
    assert_agree(fit, "mu", exact["mu"])
    assert_agree(fit, "tau", exact["tau"])


def test_ctrl_c_ends_the_sampling():
    with pm.Model() as model:
        pm.Normal("mu")
    compiled = nutpie.compile_pymc_model(model)
    settings = {"draws": 400_000, "tune": 100, "target_accept": 0.8}
    timer = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        sampling._run(compiled, 1, 1, 1, False, settings)
    timer.join()
