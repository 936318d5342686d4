"""NUTS on many reviews with one compiled model: compiling takes longer than sampling."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

import arviz as az
import numpy as np
import nutpie
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr

from bayespool.errors import UsageError
from bayespool.measures import default_likelihood, effect_sizes, risks
from bayespool.nuts_models import Effects, _counts, _trial_effects, binomial, normal
from bayespool.prior import DEFAULT_PHI, Priors, parse_prior
from bayespool.sampling import sampled, versions
from bayespool.trials import Trials

__all__ = ["refit"]

LEAST = 4  # trials that the smallest model has room for; each next one has twice as many
COMPILED = 16  # models that are kept
NOTHING = 1e8  # times the largest standard error: an estimate that says nothing
COUNTS = ("events_treatment", "n_treatment", "events_control", "n_control")


def refit(
    trials: Trials,
    measure: str,
    priors: Priors,
    likelihood: str | None = None,
    effects: str = "random",
    double_zero: str = "drop",
    seed: int = 2026,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    target_accept: float = 0.95,
    cores: int | None = None,
) -> xr.DataTree:
    """Sample the model of `binomial` or `normal` with one that was compiled for reviews alike.

    The compiled model has room for 4, 8, 16, ... trials; those that a review has not are empty
    (nobody in either arm, or an estimate that says nothing), and their effects are not returned. It
    is kept for the next review with the same measure, likelihood, effects and priors.

    Parameters
    ----------
    trials : Trials
    measure : str
    priors : Priors
    likelihood : {"binomial", "normal"}, optional
        Binomial for counts, else normal.
    effects : {"random", "common", "t"}
    double_zero : {"drop", "keep"}
        See `effect_sizes`.
    seed, draws, tune, chains, target_accept, cores
        As `sample`.

    Returns
    -------
    xr.DataTree
        As of `sample`: mu, tau, theta[trial], theta_new and, for counts, phi[trial].

    Raises
    ------
    ConvergenceError
        See `sample`.
    DataError, PriorError, UsageError
        See `binomial` and `normal`.
    """
    likelihood = likelihood or default_likelihood(trials, measure)
    kind = cast(Effects, effects)  # any text; the models refuse another word
    if likelihood == "binomial":
        model = binomial(trials, measure, priors, kind)
        names, given = trials.names, dict(zip(COUNTS, _counts(trials, measure), strict=True))
        filled: dict[str, float] = dict.fromkeys(COUNTS, 0)
    elif likelihood == "normal":
        model = normal(trials, measure, priors, kind, double_zero=double_zero)
        sizes = effect_sizes(trials, measure, double_zero=double_zero)
        used = sizes[sizes["used"]]
        names = used["trial"].to_list()
        given = {name: used[name].to_numpy(dtype=float) for name in ("estimate", "se")}
        filled = {"estimate": 0.0, "se": NOTHING * float(given["se"].max())}
    else:
        raise UsageError(f"one compiled model serves binomial and normal, not {likelihood!r}.")
    room = LEAST
    while room < len(names):
        room *= 2
    phi = (priors.phi or parse_prior(DEFAULT_PHI, "phi")).text if likelihood == "binomial" else ""
    compiled = _compiled(
        room, measure, likelihood, effects, priors.mu.text, priors.tau.text, phi
    ).with_data(
        **{
            name: np.concatenate(
                [values, np.full(room - len(names), filled[name], dtype=values.dtype)]
            )
            for name, values in given.items()
        }
    )

    def finish(fit: xr.DataTree, how: dict[str, Any]) -> None:
        for group in fit.subtree:
            group.attrs.pop("created_at", None)
        posterior = fit["posterior"].to_dataset().drop_vars(["z", "z_new"], errors="ignore")
        if "trial" in posterior.dims:
            posterior = posterior.isel(trial=slice(len(names))).assign_coords(trial=names)
        fit["posterior"] = xr.DataTree(posterior)
        observed = {name: given[name] for name in given if name not in ("se", *COUNTS[1::2])}
        dims = {name: ["trial"] for name in observed}
        data = az.dict_to_dataset(observed, coords={"trial": names}, dims=dims, sample_dims=[])
        data.attrs = {}
        fit["observed_data"] = xr.DataTree(data)
        fit.attrs = {f"version_{name}": number for name, number in versions().items()} | how
        fit.attrs |= model.about

    return sampled(
        compiled, finish, effects != "common", seed, draws, tune, chains, target_accept, cores
    )


@lru_cache(maxsize=COMPILED)
def _compiled(
    room: int, measure: str, likelihood: str, effects: str, mu: str, tau: str, phi: str
) -> Any:
    """The model with room for so many trials, whose data can be changed."""
    priors = Priors(mu, tau, phi or None)
    with pm.Model(coords={"trial": range(room)}) as model:
        theta = _trial_effects(priors, effects, centred=False)
        if likelihood == "binomial":
            r1, n1, r0, n0 = (
                pm.Data(name, np.full(room, fill), dims="trial")
                for name, fill in zip(COUNTS, (1, 2, 1, 2), strict=True)
            )
            assert priors.phi is not None  # the caller gives one
            phis = priors.phi.to_pymc("phi", dims="trial")
            p0, q0, p1, q1 = risks(measure, theta, phis, xp=pt)
            pm.Binomial("control", n0, logit_p=pt.log(p0 / q0), observed=r0, dims="trial")
            pm.Binomial("treatment", n1, logit_p=pt.log(p1 / q1), observed=r1, dims="trial")
        else:
            y, se = (pm.Data(name, np.ones(room), dims="trial") for name in ("estimate", "se"))
            pm.Normal("y", theta, se, observed=y, dims="trial")
    with pytensor.config.change_flags(numba__fastmath=False):
        return nutpie.compile_pymc_model(model)
