"""Trials left out, added one by one, or taken by subgroup: whole posteriors, not only points."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from bayespool.decisions import question_of
from bayespool.errors import DataError, UsageError
from bayespool.exact import Surface
from bayespool.prior import Priors
from bayespool.subsets.answers import answers

__all__ = ["by_subgroup", "cumulative", "leave_one_out", "leave_two_out"]


def leave_one_out(
    surface: Surface,
    priors: Priors,
    benefit: str | None = None,
    threshold: float | str | None = None,
    new: bool = True,
) -> pd.DataFrame:
    """Give the posterior without each trial in turn.

    Parameters
    ----------
    surface : Surface
    priors : Priors
    benefit : {"lower", "higher"}, optional
        Which side is better.
    threshold : float, optional
        Natural units; no effect by default.
    new : bool
        Also the effect in a new trial, which takes most of the time.

    Returns
    -------
    DataFrame
        ``without`` ("" first: all trials), ``k`` (trials left), ``natural_median,
        natural_lower, natural_upper``, ``prob_benefit, prob_harm`` (``prob_below, prob_above``
        without `benefit`), ``prob_benefit_new, natural_new_lower, natural_new_upper`` (the
        effect in a new trial), ``tau_median, tau_lower, tau_upper`` (analysis scale) and
        ``change`` of P(benefit) against all trials. No columns of a new trial or of tau for a
        common effect. NaN where no trial is left or the posterior would be improper. Trials
        that have no row in the surface are not left out.

    Raises
    ------
    UsageError
        Another word for `benefit`, or an impossible threshold.
    PriorError
        See ``Surface.posterior``.
    """
    k = len(surface.kept)
    weights = np.vstack([np.ones(k), 1 - np.eye(k)])
    names = pd.DataFrame({"without": ["", *surface.kept]})
    return _compared(surface, priors, names, weights, benefit, threshold, new)


def leave_two_out(
    surface: Surface,
    priors: Priors,
    benefit: str | None = None,
    threshold: float | str | None = None,
    new: bool = True,
) -> pd.DataFrame:
    """Give the posterior without each pair of trials.

    As `leave_one_out`, with ``without_1`` and ``without_2`` in the place of ``without``.
    """
    k = len(surface.kept)
    pairs = list(combinations(range(k), 2))
    weights = np.ones((1 + len(pairs), k))
    for row, pair in enumerate(pairs, start=1):
        weights[row, list(pair)] = 0
    kept = np.array(surface.kept, dtype=object)
    first, second = np.array(pairs, dtype=int).reshape(-1, 2).T
    names = pd.DataFrame({"without_1": ["", *kept[first]], "without_2": ["", *kept[second]]})
    return _compared(surface, priors, names, weights, benefit, threshold, new)


def cumulative(
    surface: Surface,
    priors: Priors,
    benefit: str | None = None,
    threshold: float | str | None = None,
    new: bool = True,
) -> pd.DataFrame:
    """Give the posterior as it stood after each trial, by year.

    Trials enter one at a time; within a year in the order of the file, since it says no more.

    Returns
    -------
    DataFrame
        ``trial`` (the one that enters), ``year``, ``k`` (trials so far), then the columns of
        `leave_one_out` but for ``change``.

    Raises
    ------
    DataError
        There is no column ``year``, or a trial has none.
    """
    frame = surface.trials.frame.set_index("trial")
    path = surface.trials.path
    if "year" not in frame:
        raise DataError(
            f"{path}: there is no column year, by which trials accumulate. "
            f"The columns are {', '.join(map(str, frame.columns))}."
        )
    years = frame.loc[surface.kept, "year"].to_numpy(dtype=float)
    if np.isnan(years).any():
        missing = [name for name, y in zip(surface.kept, years, strict=True) if np.isnan(y)]
        raise DataError(f"{path}: no year for {', '.join(missing)}. Fill in the column year.")
    order = np.argsort(years, kind="stable")
    k = len(order)
    weights = np.zeros((k, k))
    weights[:, order] = np.tri(k)
    head = {"trial": [surface.kept[i] for i in order], "year": years[order].astype(int)}
    question = question_of(surface, benefit, threshold)
    table = pd.DataFrame(head | {"k": range(1, k + 1)})
    return table.join(answers(surface, priors, weights, question, new))


def by_subgroup(
    surface: Surface,
    priors: Priors,
    column: str = "subgroup",
    benefit: str | None = None,
    threshold: float | str | None = None,
    new: bool = True,
) -> pd.DataFrame:
    """Give each subgroup's own posterior, under the same priors.

    Parameters
    ----------
    column : str
        Of the trials' table. Trials with an empty cell are a subgroup of their own, "not
        stated".

    Returns
    -------
    DataFrame
        ``subgroup`` (in the file's order), ``k``, then the columns of `leave_one_out` but for
        ``change``.

    Raises
    ------
    UsageError
        The column is not there.
    """
    groups = np.array(stated(surface, column), dtype=object)
    names = list(dict.fromkeys(groups))
    weights = np.array([groups == name for name in names], dtype=float)
    question = question_of(surface, benefit, threshold)
    table = pd.DataFrame({"subgroup": names, "k": weights.sum(axis=1).astype(int)})
    return table.join(answers(surface, priors, weights, question, new))


def stated(surface: Surface, column: str) -> list[str]:
    """What each kept trial has in a column of the trials' table, as text."""
    frame = surface.trials.frame.set_index("trial")
    if column not in frame:
        raise UsageError(
            f"{surface.trials.path} has no column {column}. "
            f"It has {', '.join(map(str, frame.columns))}."
        )
    cells = frame.loc[surface.kept, column]
    texts = ["" if pd.isna(cell) else _text(cell) for cell in cells]
    return [text or "not stated" for text in texts]


def _text(cell: object) -> str:
    """A cell as its reader would write it: the year 2022, not 2022.0."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _compared(
    surface: Surface,
    priors: Priors,
    names: pd.DataFrame,
    weights: np.ndarray,
    benefit: str | None,
    threshold: float | str | None,
    new: bool,
) -> pd.DataFrame:
    """Answers with how many trials are left, and how far P(benefit) is from the first row's."""
    question = question_of(surface, benefit, threshold)
    found = answers(surface, priors, weights, question, new)
    table = names.assign(k=weights.sum(axis=1).astype(int)).join(found)
    table["change"] = table[question.word] - table[question.word].iloc[0]
    return table
