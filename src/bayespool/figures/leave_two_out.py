"""The answer without each pair of trials, as a triangle of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayespool.figures.plain import (
    INK,
    LINE,
    MARGIN,
    PAGE,
    SMALL,
    caption,
    drawing,
    said,
    say,
    sheet,
    short,
    text_width,
)
from bayespool.summaries import probability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["leave_two_out"]

WIDEST = 0.52  # inches of a cell
FLAT = 0.62
LEAST = 0.4  # a narrower cell has no room for its number
TOP = 0.12


def leave_two_out(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    """Draw P(benefit) without each pair of trials; on the diagonal nothing.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.leave_two_out`.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.

    Returns
    -------
    matplotlib.figure.Figure
        Two columns wide; a darker cell is a higher probability. The lowest is framed.
    """
    with drawing():
        return _draw(table, record)


def _draw(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    word = "prob_benefit" if "prob_benefit" in table else "prob_below"
    pairs = table.iloc[1:]
    names = list(dict.fromkeys([*pairs["without_1"], *pairs["without_2"]]))
    k = len(names)
    labels = [short(str(name)) for name in names]
    left = MARGIN + text_width(labels) + 0.12
    cell = min(WIDEST, (PAGE - left - MARGIN) / max(k - 1, 1))
    height = FLAT * cell
    place = {name: i for i, name in enumerate(names)}
    low, high = pairs[word].min(), pairs[word].max()
    what = "benefit" if record["benefit"] else "an effect below none"
    words = (
        f"Probability of {what} without the trial of the row and that of the column, from "
        f"{probability(low)} to {probability(high)} (framed: the lowest); "
        f"{probability(table[word].iloc[0])} with all {k} trials."
    )
    notes = caption([words], PAGE)
    bottom = TOP + height * (k - 1) + text_width(labels) + 0.3
    figure, ax = sheet(PAGE, bottom + 0.16 * len(notes) + MARGIN)
    shades = colormaps["Blues"]
    reach = max(float(high - low), 1e-9)
    for row in pairs.to_dict("records"):
        i, j = sorted((place[row["without_1"]], place[row["without_2"]]))
        x, y = left + i * cell, TOP + (j - 1) * height
        p = row[word]
        if np.isnan(p):
            continue
        share = 0.08 + 0.72 * float(p - low) / reach
        ax.add_patch(Rectangle((x, y), cell, height, fc=shades(share), ec="white", lw=1.0))
        if p == low:
            edge: dict[str, Any] = {"fc": "none", "ec": "#c8782a", "lw": 1.6}
            ax.add_patch(Rectangle((x, y), cell, height, zorder=3, **edge))
        if cell >= LEAST:
            color = "white" if share > 0.55 else INK
            text = probability(p)
            say(ax, x + cell / 2, y + height / 2, text, ha="center", size=SMALL - 0.5, color=color)
    for j in range(1, k):
        say(ax, left - 0.08, TOP + (j - 0.5) * height, labels[j], ha="right", size=SMALL)
    for i in range(k - 1):
        x, y = left + (i + 0.5) * cell, TOP + (k - 1) * height + 0.08
        say(ax, x, y, labels[i], ha="center", va="top", rotation=90, size=SMALL, color=LINE)
    said(ax, bottom, notes)
    return figure
