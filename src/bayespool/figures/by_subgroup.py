"""Each subgroup's own posterior, a row a subgroup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from bayespool.figures.leave_one_out import Line, draw_lines, heads_of, interval_of
from bayespool.figures.plain import short
from bayespool.measures import measure
from bayespool.summaries import number, probability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["by_subgroup"]


def by_subgroup(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    """Draw the posterior of each subgroup under the same prior, and that of all trials.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.by_subgroup`.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.

    Returns
    -------
    matplotlib.figure.Figure
        Two columns wide; the shaded band is the interval of all trials.
    """
    word = "prob_benefit" if "prob_benefit" in table else "prob_below"
    tau = "tau_median" in table
    lines = []
    for row in table.to_dict("records"):
        cells = [str(row["k"]), probability(row[word])]
        cells += [number(row["tau_median"])] * tau
        lines.append(Line(short(str(row["subgroup"])), interval_of(row), tuple(cells)))
    part = record["exact"]
    whole = {f"natural_{end}": value for end, value in part["natural"]["mu"].items()}
    null = f"{measure(record['measure']).null:g}"
    cells = [str(int(table["k"].sum())), probability(part[word][null])]
    cells += [number(part["tau"]["median"])] * tau
    lines.append(Line("All trials", interval_of(whole), tuple(cells), bold=True))
    effect, chance = heads_of(record)
    heads = [effect, "Trials", chance] + ["tau\n(median)"] * ("tau_median" in table)
    note = (
        "Posterior medians and 95 % intervals of the mean effect in each subgroup alone, all under "
        "the same prior. Whether subgroups differ is another question than whether each has an "
        "effect."
    )
    return draw_lines(lines, heads, record, [note])
