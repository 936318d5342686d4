"""The record: one JSON object that says everything an analysis found (record.schema.json)."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayespool.decisions import chances
from bayespool.names import printable
from bayespool.posterior import Draws, Posterior
from bayespool.prior import Priors
from bayespool.summaries import convergence, described, in_natural_units
from bayespool.trials import Trials

__all__ = [
    "SAMPLING",
    "SCHEMA",
    "data_name",
    "engine_part",
    "frequentist_part",
    "record",
    "versions",
]

SCHEMA = "bayespool-record-1"
FREQUENTIST = (
    "method", "estimate", "se", "lower", "upper", "p", "tau2", "i2", "q", "q_p",
    "prediction_lower", "prediction_upper", "prediction_df", "k", "note",
)  # fmt: skip
SAMPLING = ("seed", "draws", "tune", "chains", "target_accept", "attempts")


def record(
    *,
    name: str,
    question: str,
    trials: Trials,
    measure: str,
    scale: str,
    likelihood: str,
    effects: str,
    benefit: str | None,
    thresholds: dict[str, float],
    important: float | None,
    seed: int,
    priors: Priors,
    exact: Posterior | None,
    nuts: Posterior | None,
    grid_error: float | None,
    sampling: dict[str, Any] | None,
    double_zero: str,
    frequentist: pd.DataFrame,
    diagnostics: dict[str, Any] | None,
    agreement: dict[str, Any],
    wall_seconds: dict[str, float],
    notes: Sequence[str],
    more: dict[str, Any],
) -> dict[str, Any]:
    """Put the parts together in the contract's order; undefined and infinite numbers are None.

    Parameters
    ----------
    sampling : dict or None
        `SAMPLING` of the fit that was kept; None where NUTS did not run.
    more : dict
        Further keys, such as ``phi_sensitivity``.
    """
    parts: dict[str, Any] = {
        "schema": SCHEMA,
        "analysis": name,
        "question": question,
        "data": data_name(trials),
        "measure": measure,
        "scale": scale,
        "likelihood": likelihood,
        "effects": effects,
        "double_zero": double_zero,
        "benefit": benefit,
        "important": important,
        "trials": len(trials),
        "participants": trials.participants,
        "data_sha256": trials.sha256,
        "seed": seed,
        "versions": versions(nuts is not None),
        "priors": {
            "mu": priors.mu.text,
            "tau": None if effects == "common" else priors.tau.text,
            "phi": priors.phi.text if priors.phi else None,
            "name": priors.name,
        },
    }
    if exact is not None:
        parts["exact"] = engine_part(exact, benefit, thresholds) | {
            "log_marginal_likelihood": exact.log_marginal_likelihood,
            "grid_error": grid_error,
        }
    if nuts is not None:
        parts["nuts"] = engine_part(nuts, benefit, thresholds) | _of_draws(nuts)
        parts["nuts"]["sampling"] = sampling
    parts |= {
        "frequentist": frequentist_part(frequentist),
        "diagnostics": diagnostics,
        "agreement": agreement,
        "notes": list(notes),
        **more,
        "wall_seconds": wall_seconds,
    }
    found: dict[str, Any] = _finite(parts)
    return found


def engine_part(
    posterior: Posterior, benefit: str | None, thresholds: dict[str, float]
) -> dict[str, Any]:
    """Gather what one engine found."""
    named = [name for name in ("mu", "tau", "theta_new") if name in posterior]
    of_trials = [name for name in posterior.names if name not in named]
    part: dict[str, Any] = {name: described(posterior[name]) for name in named}
    if of_trials:
        part["theta"] = {name: described(posterior[name]) for name in of_trials}
    part |= chances(posterior, benefit, thresholds)
    natural: dict[str, Any] = {
        name: in_natural_units(part[name], posterior.scale) for name in named if name != "tau"
    }
    if of_trials:
        natural["theta"] = {
            name: in_natural_units(row, posterior.scale) for name, row in part["theta"].items()
        }
    return part | {"natural": natural}


def frequentist_part(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of `pool`, in the contract's words."""
    return [{word: row[word] for word in FREQUENTIST} for row in table.to_dict("records")]


def versions(sampled: bool) -> dict[str, str]:
    """Versions of what made the numbers; the sampler's only where it ran."""
    found = {name: version(name) for name in ("bayespool", "numpy", "scipy")}
    if sampled:
        from bayespool import sampling

        found |= sampling.versions()
    return {"python": platform.python_version()} | found


def data_name(trials: Trials) -> str:
    """Name the data file without naming a folder of one machine."""
    path = Path(trials.path)
    return printable(path.name if path.is_absolute() else path.as_posix())


def _of_draws(posterior: Posterior) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {"mcse": {}, "ess_bulk": {}, "ess_tail": {}, "r_hat": {}}
    for name in posterior.names:
        marginal = posterior[name]
        assert isinstance(marginal, Draws)
        place = found
        if name not in ("mu", "tau", "theta_new"):
            place = {word: part.setdefault("theta", {}) for word, part in found.items()}
        place["mcse"][name] = {
            "mean": marginal.mcse("mean"),
            "sd": marginal.mcse("sd"),
            "median": marginal.mcse("quantile", 0.5),
            "lower": marginal.mcse("quantile", 0.025),
            "upper": marginal.mcse("quantile", 0.975),
        }
        for word, value in convergence(marginal).items():
            place[word][name] = value
    return found


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
