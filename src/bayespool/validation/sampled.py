"""NUTS, compiled once for trials of one shape and run on one review after another."""

from __future__ import annotations

from typing import Any, cast

import arviz as az
import numpy as np
import nutpie
import pymc as pm
import pytensor
import xarray as xr

from bayespool.nuts_models import Effects, binomial, normal
from bayespool.trials import Trials
from bayespool.validation.cells import DRAWS, Answers, Cell, ranks
from bayespool.validation.truths import Truth

__all__ = ["Sampler", "with_data_free"]

FIRST = {"chains": 2, "tune": 1000, "draws": 1000, "target_accept": 0.95}
# As `sample`: smaller steps and more draws where the first attempt leaves a doubt.
SECOND = {"chains": 2, "tune": 2000, "draws": 4000, "target_accept": 0.995}
ENOUGH = 120.0  # effective draws of mu and tau: 99 thinned ones are then nearly independent


class Sampler:
    """Analyses reviews of one shape with the model that `binomial` or `normal` writes."""

    def __init__(self, cell: Cell):
        self.compiled: Any = None
        self.cell = cell

    def __call__(self, trials: Trials, truth: Truth, cell: Cell, i: int) -> Answers:
        if self.compiled is None:
            self.compiled = _compiled(trials, cell)
        columns = {name: trials.frame[name].to_numpy() for name in _observed(cell)}
        ready = self.compiled.with_data(**columns)
        fit, attempts = _run(ready, FIRST, i), 1
        if _doubtful(fit):
            fit, attempts = _run(ready, SECOND, i), 2
        draws = fit["posterior"].to_dataset()
        flat = {
            str(name): draws[name].to_numpy().reshape(-1, *draws[name].shape[2:])
            for name in draws.data_vars
        }
        n = len(flat["mu"])
        thinned = np.linspace(0, n - 1, DRAWS).round().astype(int)
        some = {name: values[thinned] for name, values in flat.items()}
        rng = np.random.default_rng([i, cell.k, 2])
        found = {f"cdf_{name}": p for name, p in ranks(some, truth, trials, cell, rng).items()}
        return found | {
            "prob_below": float((flat["mu"] < 0).mean()),
            "attempts": attempts,
            "divergences": int(fit["sample_stats"]["diverging"].sum()),
        }


def _observed(cell: Cell) -> tuple[str, ...]:
    counts = cell.likelihood == "binomial"
    return ("events_control", "events_treatment") if counts else ("estimate",)


def _compiled(trials: Trials, cell: Cell) -> Any:
    write = binomial if cell.likelihood == "binomial" else normal
    effects = cast(Effects, cell.effects)  # a cell holds it as a string
    model = with_data_free(write(trials, cell.measure, cell.priors, effects=effects))
    with pytensor.config.change_flags(numba__fastmath=False):
        return nutpie.compile_pymc_model(model)


def with_data_free(model: pm.Model) -> pm.Model:
    """Let the observed data be changed after compiling: constants become shared variables."""
    for observed in model.observed_RVs:
        fixed = model.rvs_to_values[observed]
        free = pytensor.shared(np.asarray(fixed.data), name=observed.name)
        model.rvs_to_values[observed] = free
        del model.values_to_rvs[fixed]
        model.values_to_rvs[free] = observed
    return model


def _run(compiled: Any, settings: dict[str, Any], seed: int) -> xr.DataTree:
    fit: xr.DataTree = nutpie.sample(
        compiled, seed=seed, cores=1, save_warmup=False, progress_bar=False, **settings
    )
    return fit


def _doubtful(fit: xr.DataTree) -> bool:
    names = [name for name in ("mu", "tau") if name in fit["posterior"]]
    few = min(float(az.ess(fit["posterior"][name].to_numpy())) for name in names)
    return bool(fit["sample_stats"]["diverging"].any()) or not few >= ENOUGH
