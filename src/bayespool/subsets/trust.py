"""The trust dial: the answer as chosen trials count for less and less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq

from bayespool.axes import Array
from bayespool.decisions import Question, question_of
from bayespool.errors import UsageError
from bayespool.exact import Surface
from bayespool.exact import surface as surface_of
from bayespool.exact.trial import Estimate
from bayespool.prior import DEFAULT_PHI, Priors
from bayespool.subsets.answers import answers, chance_of
from bayespool.subsets.leaving import stated
from bayespool.trials import Trials, read_trials

__all__ = ["flagged", "trust_dial"]

LEVELS = (0.95, 0.9)
Which = Sequence[str] | Sequence[bool] | NDArray[np.bool_] | Mapping[str, str | Sequence[str]]


def trust_dial(
    surface: Surface,
    priors: Priors,
    which: Which,
    benefit: str | None = None,
    threshold: float | str | None = None,
    weights: Sequence[float] | Array | None = None,
    levels: Sequence[float] = LEVELS,
) -> pd.DataFrame:
    """Discount some of the trials, from as they are (weight 1) to left out (0).

    Parameters
    ----------
    surface : Surface
    priors : Priors
    which : see `flagged`
        ``{"confidence": ["low", "medium"]}``, names of trials, or a mask over the trials.
    benefit : {"lower", "higher"}, optional
        Which side is better.
    threshold : float, optional
        Natural units; no effect by default.
    weights : array, optional
        Between 0 and 1; 21 even steps by default.
    levels : sequence of float
        Probabilities at which the conclusion would tip.

    Returns
    -------
    DataFrame
        ``weight`` rising; ``prob_benefit`` (``prob_below`` without `benefit`) with each of these
        trials' likelihood to the power of the weight (a power prior on all that the trial says:
        Ibrahim & Chen 2000, Stat Sci 15:46); ``prob_benefit_counts`` with the trial's counts, or
        the inverse of its squared standard error, times the weight (a smaller trial, which has
        an effect of its own all the same), with the binomial likelihood at six of the
        weights, NaN at the others; ``natural_median, natural_lower, natural_upper`` of
        the first. ``tips`` is NaN, or the level that ``prob_benefit`` passes at this weight: one
        more row for each such weight. ``discounted`` names the trials.

    Raises
    ------
    UsageError
        See `flagged`; a weight outside [0, 1]; another word for `benefit`.
    PriorError
        See ``Surface.posterior``.
    """
    question = question_of(surface, benefit, threshold)
    names = flagged(surface, which)
    chosen = np.array([name in names for name in surface.kept])
    at = np.unique(np.linspace(0, 1, 21) if weights is None else np.asarray(weights, dtype=float))
    if not (at.size and (at >= 0).all() and (at <= 1).all()):
        outside = ", ".join(f"{w:g}" for w in at[~((at >= 0) & (at <= 1))]) or "none"
        raise UsageError(
            f"weights lie between 0 (left out) and 1 (kept as it is), not at {outside}."
        )
    roots = _tips(surface, priors, chosen, question, at, levels)
    every = np.concatenate([at, [root for root, _ in roots]])
    tips = np.concatenate([np.full(len(at), np.nan), [level for _, level in roots]])
    order = np.argsort(every, kind="stable")
    every, tips = every[order], tips[order]
    found = answers(surface, priors, _powers(chosen, every), question, new=False)
    table = pd.DataFrame({"weight": every, question.word: found[question.word]})
    # A weight costs an integral over phi for each of the trials, so not all of them are asked.
    few = at if surface.likelihood == "normal" else at[np.linspace(0, len(at) - 1, 6).astype(int)]
    few = np.unique(few)
    smaller: dict[float, float] = {}
    if surface.likelihood != "arms":  # an arm's mean and SD say nothing of a share of its patients
        smaller = dict(zip(few, _by_counts(surface, priors, chosen, question, few), strict=True))
    table[f"{question.word}_counts"] = [
        smaller.get(w, np.nan) if np.isnan(tip) else np.nan
        for w, tip in zip(every, tips, strict=True)
    ]
    for name in ("natural_median", "natural_lower", "natural_upper"):
        table[name] = found[name]
    return table.assign(tips=tips, discounted="; ".join(names))


def flagged(surface: Surface, which: Which) -> list[str]:
    """Name the trials of a surface that a flag picks out.

    Parameters
    ----------
    which : sequence of str, mask, or mapping
        Names; one truth value a trial of ``surface.trials``; or columns of the trials' table
        with the cells meant, ``{"risk_of_bias": "high"}`` (whole cells, capitals do not
        matter; a trial is taken if any column says so).

    Raises
    ------
    UsageError
        A column, a cell or a trial that is not there, a mask of another length, or no trial.
    """
    path = surface.trials.path
    found: set[str] = set()
    if isinstance(which, Mapping):
        for column, cells in which.items():
            wanted = {str(cell).strip().lower() for cell in _listed(cells)}
            has = stated(surface, column)
            names = [
                name for name, cell in zip(surface.kept, has, strict=True) if cell.lower() in wanted
            ]
            if not names:
                raise UsageError(
                    f"{path}: no trial has {column} = {' or '.join(sorted(wanted))}; "
                    f"there are {', '.join(sorted(set(has)))}."
                )
            found |= set(names)
    else:
        given: Any = np.asarray(which)
        if given.dtype == bool:
            found = set(surface.trials.take(given).names)
        else:
            found = {str(name) for name in given.ravel()}
    if unknown := sorted(found - set(surface.trials.names)):
        raise UsageError(f"{path} has no trial {' or '.join(unknown)} to discount.")
    names = [name for name in surface.kept if name in found]
    if not names:
        raise UsageError(f"{path}: name at least one trial with an estimate to discount.")
    return names


def _listed(cells: str | Sequence[str]) -> Sequence[str]:
    return [cells] if isinstance(cells, str) else cells


def _powers(chosen: NDArray[np.bool_], at: Array) -> Array:
    return np.where(chosen, np.asarray(at, dtype=float)[:, None], 1.0)


def _tips(
    surface: Surface,
    priors: Priors,
    chosen: NDArray[np.bool_],
    question: Question,
    at: Array,
    levels: Sequence[float],
) -> list[tuple[float, float]]:
    """Weights at which the probability passes a level, each with its level."""

    def gap(weight: float, level: float) -> float:
        p = chance_of(surface, priors, _powers(chosen, np.array([weight])), question)
        return float(p[0]) - level

    p = chance_of(surface, priors, _powers(chosen, at), question)
    found = []
    for level in levels:
        above = p - level
        for i in np.flatnonzero(above[:-1] * above[1:] < 0):
            root = brentq(gap, at[i], at[i + 1], args=(level,), xtol=1e-6)
            found.append((float(root), float(level)))
    return found


def _by_counts(
    surface: Surface,
    priors: Priors,
    chosen: NDArray[np.bool_],
    question: Question,
    at: Array,
) -> Array:
    """P(benefit) with the counts of the chosen trials, not their likelihoods, times the weight.

    One surface has the other trials and every shrunken copy of the chosen ones; a weight is
    then a choice of copies.
    """
    inner = np.setdiff1d(at, [0.0, 1.0])
    k, many = len(surface.kept), int(chosen.sum())
    copies = np.repeat(inner, many)
    trials, own = _shrunken(surface, np.flatnonzero(chosen), inner)
    table = surface_of(
        trials,
        surface.measure,
        surface.likelihood,
        surface.effects,
        phi=surface.phi or DEFAULT_PHI,
        double_zero="keep",  # these were kept
    )
    sets = np.zeros((len(at), k + len(copies)))
    sets[:, :k] = ~chosen | (at == 1)[:, None]
    for row, weight in enumerate(at):
        sets[row, k:] = copies == weight
    sets *= np.concatenate([surface.weights, surface.weights[own]])
    return chance_of(table, priors, sets, question)


def _shrunken(
    surface: Surface, chosen: NDArray[np.intp], at: Array
) -> tuple[Trials, NDArray[np.intp]]:
    """The kept trials, then for each weight a smaller copy of each chosen one; whose copy it is."""
    own = np.tile(chosen, len(at))
    factor = np.concatenate([np.ones(len(surface.kept)), np.repeat(at, len(chosen))])
    names = [*surface.kept, *(f"{surface.kept[i]} {j}" for j, i in enumerate(own))]
    if surface.likelihood == "normal":
        terms = [surface.terms[i] for i in [*range(len(surface.kept)), *own]]
        rows = [(t.centre, t.width) for t in terms if isinstance(t, Estimate)]
        frame = pd.DataFrame(rows, columns=["estimate", "se"])
        frame["se"] /= np.sqrt(factor)
        return read_trials(frame.assign(trial=names)), own
    place = {name: i for i, name in enumerate(surface.trials.names)}
    rows_of = [place[surface.kept[i]] for i in [*range(len(surface.kept)), *own]]
    frame = surface.trials.frame.iloc[rows_of].reset_index(drop=True)
    for column in ("events_treatment", "n_treatment", "events_control", "n_control"):
        frame[column] = frame[column] * factor
    # Not read again: a part of a patient is no count that a file may hold.
    return replace(surface.trials, frame=frame.assign(trial=names)), own
