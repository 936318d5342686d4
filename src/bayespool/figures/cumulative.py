"""The answer as the trials came in, a row a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from bayespool.figures.leave_one_out import Line, draw_lines, heads_of, interval_of
from bayespool.figures.plain import short
from bayespool.figures.words import number
from bayespool.summaries import probability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["cumulative"]


def cumulative(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    """Draw the posterior as it stood after each trial.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.cumulative`.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.

    Returns
    -------
    matplotlib.figure.Figure
        Two columns wide, a row a trial in the order of the years; the last row has all trials,
        and its interval is the shaded band.
    """
    word = "prob_benefit" if "prob_benefit" in table else "prob_below"
    lines = []
    for i, row in enumerate(table.to_dict("records")):
        cells = [f"{row['k']:d}", probability(row[word])]
        if "tau_median" in table:
            cells.append(number(row["tau_median"]))
        sign = "" if i == 0 else "+ "
        name = f"{row['year']:d}  {sign}{short(str(row['trial']))}"
        lines.append(Line(name, interval_of(row), tuple(cells), bold=i == len(table) - 1))
    effect, chance = heads_of(record)
    heads = [effect, "Trials", chance]
    if "tau_median" in table:
        heads.append("tau\n(median)")
    note = (
        "Posterior medians and 95 % intervals of the mean effect after each trial, all under the "
        "same prior. Within a year trials enter in the order of the file."
    )
    return draw_lines(lines, heads, record, [note])
