"""NUTS: a ``pm.Model`` in, a checked ArviZ DataTree out, or an error that says what went wrong."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import arviz as az
import numpy as np
import nutpie
import pymc as pm
import pytensor
import xarray as xr
from pymc.backends.arviz import coords_and_dims_for_inferencedata, find_observations
from threadpoolctl import threadpool_limits

from bayespool.errors import BayespoolError, ConvergenceError, UsageError

__all__ = ["diagnose", "sample", "sampled", "versions"]

MAX_R_HAT = 1.01  # Vehtari et al. (2021), Bayesian Analysis 16:667, who also say 400
MIN_ESS = 400.0
MIN_BFMI = 0.3  # Betancourt (2016), arXiv:1604.00695
# The second attempt: a wall in phi (a trial without events) or in theta and phi (an arm with
# nothing but events) costs one divergence in some 10,000 draws at 0.95, and none at 0.995.
PATIENT_ACCEPT, MORE_DRAWS, MORE_TUNE = 0.995, 4, 2


def sample(
    model: pm.Model,
    seed: int = 2026,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    target_accept: float = 0.95,
    cores: int | None = None,
    progress: bool = False,
) -> xr.DataTree:
    """Sample a model with nutpie's NUTS and let nothing pass that has not converged.

    If the first attempt fails `diagnose`, a second one follows with four times the draws, twice
    the tuning and smaller steps (target_accept 0.995).

    Parameters
    ----------
    model : pm.Model
        Any; `binomial` and `normal` write the ones of this package.
    seed : int
        The same seed gives the same draws, whatever the number of cores.
    draws, tune : int
        Of each chain, kept and before them.
    chains, cores : int
        Chains, and how many run at once (default: as many as the machine has cores).
    target_accept : float
        Between 0 and 1; nearer to 1 means smaller steps.
    progress : bool
        Show nutpie's progress bar.

    Returns
    -------
    xr.DataTree
        Groups posterior (without the helpers z and z_new), sample_stats and observed_data, dims
        chain x draw x trial. The attributes at its root say how it was made. All but
        ``sampling_seconds`` are equal in every run.

    Raises
    ------
    ConvergenceError
        Neither attempt converged; it carries the second one as ``.fit``.
    UsageError
        An impossible seed, count or target_accept.
    KeyboardInterrupt
        After Ctrl-C; the draws made so far are thrown away.
    """
    _check(seed, draws, tune, chains, target_accept, cores)
    with pytensor.config.change_flags(numba__fastmath=False):
        # With fast-math, code fresh from the compiler and code from its cache round differently,
        # and the second run would not repeat the first. Frozen shapes halve the compile time.
        compiled = nutpie.compile_pymc_model(model, freeze_model=True)
    return sampled(
        compiled,
        lambda fit, how: _annotate(fit, model, how),
        "z" in model.named_vars,
        seed, draws, tune, chains, target_accept, cores, progress,
    )  # fmt: skip


def sampled(
    compiled: Any,
    finish: Callable[[xr.DataTree, dict[str, Any]], None],
    non_centred: bool,
    seed: int,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    target_accept: float = 0.95,
    cores: int | None = None,
    progress: bool = False,
) -> xr.DataTree:
    """Sample a compiled model as `sample` does, and raise as it does.

    ``finish`` makes the fit what it is to be, given how it was made, before it is judged.
    """
    first = {"draws": draws, "tune": tune, "target_accept": target_accept}
    second = {
        "draws": MORE_DRAWS * draws,
        "tune": MORE_TUNE * tune,
        "target_accept": max(PATIENT_ACCEPT, target_accept),
    }
    for attempt, settings in enumerate((first, second), start=1):
        began = time.perf_counter()
        with threadpool_limits(limits=1):
            at_once = cores or min(chains, os.cpu_count() or 1)
            fit = _run(compiled, seed, chains, at_once, progress, settings)
        seconds = time.perf_counter() - began
        how = {"seed": seed, "chains": chains, "attempts": attempt, "sampling_seconds": seconds}
        how |= settings
        finish(fit, how)
        faults = _faults(_tables(fit))
        if not faults:
            return fit
    raise ConvergenceError(_message(faults, how, non_centred), fit)


def diagnose(fit: xr.DataTree) -> dict[str, Any]:
    """Summarise the diagnostics of every stored quantity, theta_new among them.

    Parameters
    ----------
    fit : xr.DataTree
        With posterior and sample_stats.

    Returns
    -------
    dict
        ``divergences`` (count), ``max_r_hat`` (split, rank-normalised), ``min_ess`` (the smaller
        of bulk and tail), ``min_bfmi``, and ``ok``: no divergence, R-hat below 1.01, ESS above
        400, BFMI above 0.3. NaN is never ok.
    """
    tables = _tables(fit)
    return {
        "divergences": tables["divergences"],
        "max_r_hat": float(np.max(list(tables["r_hat"].values()))),
        "min_ess": float(np.min([*tables["bulk"].values(), *tables["tail"].values()])),
        "min_bfmi": float(np.min(tables["bfmi"])),
        "ok": not _faults(tables),
    }


def versions() -> dict[str, str]:
    """Versions of everything that decides what the draws are."""
    packages = ["bayespool", "pymc", "pytensor", "nutpie", "numba", "arviz", "numpy"]
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def _check(
    seed: int, draws: int, tune: int, chains: int, target_accept: float, cores: int | None
) -> None:
    if not 0 <= seed < 2**63:
        raise UsageError(f"seed is a whole number from 0 to 2^63 - 1, not {seed}.")
    counts = {
        "draws": draws,
        "tune": tune,
        "chains": chains,
        "cores": 1 if cores is None else cores,
    }
    for name, count in counts.items():
        if count < 1:
            raise UsageError(f"{name} is at least 1, not {count}.")
    if not 0 < target_accept < 1:
        raise UsageError(f"target_accept lies between 0 and 1, not {target_accept}.")


def _run(
    compiled: Any, seed: int, chains: int, cores: int, progress: bool, settings: dict[str, Any]
) -> xr.DataTree:
    """Every draw that was asked for, or an error.

    nutpie's own blocking call answers Ctrl-C with the draws made so far, as if they were all.
    """
    sampler = nutpie.sample(
        compiled,
        seed=seed,
        chains=chains,
        cores=cores,
        save_warmup=False,
        progress_bar=progress,
        blocking=False,
        **settings,
    )
    try:
        fit: xr.DataTree = sampler.wait()
    except BaseException:
        sampler.cancel()
        raise
    sizes = fit["posterior"].sizes
    if (sizes["chain"], sizes["draw"]) != (chains, settings["draws"]):
        raise BayespoolError(
            f"the sampler stopped early: {sizes['chain']} chains of {sizes['draw']} draws instead "
            f"of {chains} of {settings['draws']}. Run it again."
        )
    return fit


def _annotate(fit: xr.DataTree, model: pm.Model, how: dict[str, Any]) -> None:
    """Say how the fit was made, drop what differs from run to run, and add the data.

    z and z_new go too: theta and theta_new say the same in the effect's units.
    """
    for group in fit.subtree:
        group.attrs.pop("created_at", None)
    draws = fit["posterior"].to_dataset()
    fit["posterior"] = xr.DataTree(draws.drop_vars(["z", "z_new"], errors="ignore"))
    about = getattr(model, "about", {})  # what `binomial` and `normal` say they analyse
    fit.attrs = {f"version_{name}": number for name, number in versions().items()} | how | about
    coords, dims = coords_and_dims_for_inferencedata(model)
    data = az.dict_to_dataset(find_observations(model), coords=coords, dims=dims, sample_dims=[])
    data.attrs = {}
    fit["observed_data"] = xr.DataTree(data)


def _tables(fit: xr.DataTree) -> dict[str, Any]:
    """R-hat and both ESS by quantity ("theta[shu_2020]"), BFMI by chain, divergences."""
    return {
        "r_hat": _by_name(az.rhat(fit)),
        "bulk": _by_name(az.ess(fit, method="bulk")),
        "tail": _by_name(az.ess(fit, method="tail")),
        "bfmi": np.ravel(az.bfmi(fit)["energy"]),
        "divergences": int(fit["sample_stats"]["diverging"].sum()),
    }


def _by_name(table: xr.DataTree | xr.Dataset) -> dict[str, float]:
    values = {}
    for name, array in table.data_vars.items():
        for where in np.ndindex(array.shape):
            cell = array[where]
            labels = ", ".join(str(cell[dim].item()) for dim in array.dims)
            values[f"{name}[{labels}]" if labels else str(name)] = float(cell)
    return values


def _faults(tables: dict[str, Any]) -> list[str]:
    """Say what falls short, the worst of each kind first; written so that NaN falls short."""
    faults = []
    if tables["divergences"]:
        faults.append(f"{tables['divergences']} divergent transitions; there should be none")
    bad = {name: r for name, r in tables["r_hat"].items() if not r < MAX_R_HAT}
    for name, r in sorted(bad.items(), key=lambda item: -item[1]):
        faults.append(f"{name}: R-hat {r:.3f}; it should be below {MAX_R_HAT}")
    for kind in ("bulk", "tail"):
        few = {name: n for name, n in tables[kind].items() if not n > MIN_ESS}
        for name, n in sorted(few.items(), key=lambda item: item[1]):
            faults.append(f"{name}: {n:.0f} effective draws ({kind}); there should be over 400")
    for chain, energy in enumerate(tables["bfmi"]):
        if not energy > MIN_BFMI:
            faults.append(f"chain {chain}: BFMI {energy:.2f}; it should be above {MIN_BFMI}")
    return faults


def _message(faults: list[str], how: dict[str, Any], non_centred: bool) -> str:
    shown, rest = faults[:6], len(faults) - 6
    other = "centred=True" if non_centred else "centred=False"
    head = (
        f"the chains did not converge in two attempts (seed {how['seed']}; the second with "
        f"{how['chains']} chains of {how['draws']} draws, target_accept {how['target_accept']}):"
    )
    advice = (
        f"Try {other}, a longer tune, or priors on tau and phi that are less vague; the exact "
        "engine needs no chains and says what the answer is."
    )
    more = [f"  and {rest} more"] if rest > 0 else []
    return "\n".join([head, *(f"  {fault}" for fault in shown), *more, advice])
