"""Answers to one question for many sets of trials: the columns that every study here has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayespool.axes import Array
from bayespool.decisions import Question
from bayespool.exact import Surface
from bayespool.exact.sums import Batch
from bayespool.measures import to_natural
from bayespool.prior import Priors

__all__ = ["answerable", "answers", "chance_of"]

CHUNK = 500  # sets a batch: its posteriors stay within some tens of megabytes
ENDS = (0.025, 0.5, 0.975)


def answerable(surface: Surface, priors: Priors, weights: Array) -> NDArray[np.bool_]:
    """Which rows of weights hold a trial and have a proper posterior.

    Raises
    ------
    PriorError
        None has one.
    """
    proper = surface.proper_sets(priors, weights)
    if not proper.any():
        most = np.argmax(weights @ (surface.weights * surface.informing))
        surface.posterior(priors, weights[most])  # says why
    return proper & (weights > 0).any(axis=1)


def chance_of(surface: Surface, priors: Priors, weights: Array, question: Question) -> Array:
    """P(benefit) of each row of weights; NaN where there is no proper posterior."""
    found = np.full(len(weights), np.nan)
    rows = np.flatnonzero(answerable(surface, priors, weights))
    for some in _chunks(rows):
        below = surface.batch(priors, weights[some]).cdf("mu", [question.at])[:, 0]
        found[some] = question.better(below)
    return found


def answers(
    surface: Surface, priors: Priors, weights: Array, question: Question, new: bool = True
) -> pd.DataFrame:
    """Answer the question for each row of weights.

    Parameters
    ----------
    surface : Surface
    priors : Priors
    weights : array of shape (sets, len(surface.kept))
        Between 0 and 1.
    question : Question
    new : bool
        Also the effect in a new trial.

    Returns
    -------
    DataFrame
        A row a set: ``natural_median, natural_lower, natural_upper`` (natural units),
        ``prob_benefit, prob_harm`` (or ``prob_below, prob_above``), ``prob_benefit_new,
        natural_new_lower, natural_new_upper`` (the effect in a new trial), ``tau_median,
        tau_lower, tau_upper`` (analysis scale). Without those of a new trial and of tau for a
        common effect. NaN where a set has no trial or no proper posterior.
    """
    rows = np.flatnonzero(answerable(surface, priors, weights))
    parts = [
        _of_batch(surface.batch(priors, weights[some]), surface, question, new)
        for some in _chunks(rows)
    ]
    columns = {}
    for name in parts[0] if parts else ():
        columns[name] = np.full(len(weights), np.nan)
        columns[name][rows] = np.concatenate([part[name] for part in parts])
    return pd.DataFrame(columns, index=range(len(weights)))


def _of_batch(batch: Batch, surface: Surface, question: Question, new: bool) -> dict[str, Array]:
    def natural(x: Array) -> Array:
        return np.asarray(to_natural(x, surface.scale))

    lower, median, upper = batch.quantile("mu", ENDS).T
    better = question.better(batch.cdf("mu", [question.at])[:, 0])
    found: dict[str, Any] = {
        "natural_median": natural(median),
        "natural_lower": natural(lower),
        "natural_upper": natural(upper),
        question.word: better,
        question.other: 1 - better,
    }
    if surface.effects == "common":
        return found
    if new:
        ends = batch.quantile("theta_new", [ENDS[0], ENDS[2]])
        below = batch.cdf("theta_new", [question.at])[:, 0]
        found[f"{question.word}_new"] = question.better(below)
        found["natural_new_lower"], found["natural_new_upper"] = natural(ends).T
    lower, median, upper = batch.quantile("tau", ENDS).T
    return found | {"tau_median": median, "tau_lower": lower, "tau_upper": upper}


def _chunks(rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    return [rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK)]
