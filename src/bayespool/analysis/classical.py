"""What the classical methods add to the record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayespool.axes import Array
from bayespool.errors import DataError
from bayespool.frequentist import egger, leave_one_out, pool, pool_rd, q_profile
from bayespool.measures import MEASURES, effect_sizes, to_natural
from bayespool.trials import Trials

ENOUGH = 10  # trials for a test of small-trial effects: Cochrane Handbook, chapter 13
LEFT_OUT_BY = "REML"


def pooled(trials: Trials, measure: str, likelihood: str, double_zero: str) -> pd.DataFrame:
    """Pool by every method; empty where no trial has an estimate of its own."""
    try:
        if measure == "RD" and trials.layout == "binary":
            return pool_rd(trials)
        return pool(trials, measure, double_zero=double_zero)
    except DataError:
        if likelihood == "binomial":
            return pd.DataFrame(columns=["method"])
        raise


def once(frequentist: pd.DataFrame) -> pd.DataFrame:
    """Leave each method once: the contract's rows keep the trials without contrast."""
    if "double_zero" not in frequentist:
        return frequentist
    return frequentist[frequentist["double_zero"] == "kept"]


def classical_parts(trials: Trials, measure: str, double_zero: str) -> dict[str, Any]:
    """Gather the record's ``small_trials``, ``tau_interval`` and ``classical_leave_one_out``.

    They rest on the trials' own estimates (RD of counts: the plain difference, tau too). The
    interval needs two of them, leaving one out three; without, they are absent.
    """
    sizes = effect_sizes(trials, measure, double_zero)
    sizes = sizes[sizes["used"]]
    y, se = (sizes[word].to_numpy(dtype=float) for word in ("estimate", "se"))
    if not len(y):
        return {}
    found: dict[str, Any] = {"small_trials": small_trials(y, se)}
    if len(y) > 1:
        lower, upper = (float(np.sqrt(end)) for end in q_profile(y, se**2))
        found["tau_interval"] = {"lower": lower, "upper": upper}
    if len(y) > 2:
        found["classical_leave_one_out"] = without_each(trials, measure, double_zero)
    return found


def small_trials(y: Array, se: Array) -> dict[str, Any]:
    """Test whether small trials show other effects (Egger et al. 1997), from ten trials on."""
    k = len(y)
    if k < ENOUGH:
        trials = f"trial{'s' if k != 1 else ''} with an estimate"
        return {
            "egger_p": None,
            "note": f"Too few trials to test whether small ones show other effects: {k} {trials}, "
            f"and the test needs {ENOUGH}.",
        }
    try:
        first = egger(y, se).to_dict("records")[0]  # the test as Egger et al. published it
    except DataError as error:
        return {"egger_p": None, "note": f"Small trials cannot be tested: {error}"}
    note = f"Egger's regression of {k} estimates on their standard errors."
    return {"egger_p": float(first["p"]), "note": note}


def without_each(trials: Trials, measure: str, double_zero: str) -> list[dict[str, Any]]:
    """Pool without each trial in turn by REML, natural units; ``tau`` on the analysis scale."""
    scale = "log" if MEASURES[measure].ratio else "identity"
    return [
        {
            "without": row["left_out"],
            **{
                f"natural_{end}": float(to_natural(row[end], scale))
                for end in ("estimate", "lower", "upper")
            },
            "tau": float(np.sqrt(row["tau2"])),
        }
        for row in leave_one_out(trials, measure, LEFT_OUT_BY, double_zero).to_dict("records")
    ]
