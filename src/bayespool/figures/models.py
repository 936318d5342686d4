"""Common, normal and t effects: how probable each is, and how well each foretells a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayespool.figures.plain import (
    LINE,
    LINE_HEIGHT,
    MARGIN,
    OWN,
    PAGE,
    SMALL,
    caption,
    drawing,
    even_axis,
    panel,
    said,
    say,
    sheet,
    text_width,
)
from bayespool.figures.words import decimals_for, number, spread
from bayespool.measures import measure
from bayespool.summaries import probability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["models"]

ROW = 0.26
TOP = MARGIN + 0.36
NAMES = {"common": "one common effect", "random": "normal effects", "t": "t effects (4 df)"}


def models(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    """Draw the models' posterior probabilities and their predictive densities.

    Parameters
    ----------
    table : DataFrame
        By `bayespool.compare_effects`.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.

    Returns
    -------
    matplotlib.figure.Figure
        Two columns wide: bars of the probability under equal prior odds; the difference in elpd
        from the best, with one and two standard errors of the paired difference; the answers.
    """
    with drawing():
        return _draw(table, record)


def _draw(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    kind = measure(str(record["measure"]))
    rows = table.to_dict("records")
    names = [NAMES[str(row["effects"])] for row in rows]
    intervals = [[row[f"natural_{end}"] for end in ("median", "lower", "upper")] for row in rows]
    decimals = decimals_for(kind.ratio, [(i[1], i[2]) for i in intervals])
    word = "prob_benefit" if "prob_benefit" in table else "prob_below"
    heads = (
        f"{'Effect' if kind.name == 'generic' else kind.name} [95 %]",
        "P(benefit)" if word == "prob_benefit" else "P(below)",
    )
    cells = [
        (spread(interval, decimals, ratio=kind.ratio), probability(row[word]))
        for interval, row in zip(intervals, rows, strict=True)
    ]
    widths = [text_width([h, *(c[i] for c in cells)]) for i, h in enumerate(heads)]
    left = MARGIN + text_width(names) + 0.14
    rights = [PAGE - MARGIN - widths[1] - 0.16, PAGE - MARGIN]
    wide = 0.5 * (rights[0] - widths[0] - 0.2 - left - 0.5)
    height = ROW * len(rows) + 0.06
    notes = caption(_words(table), PAGE)
    y_notes = TOP + height + 0.56
    figure, page = sheet(PAGE, y_notes + LINE_HEIGHT * len(notes) + MARGIN - 0.08)
    ys = TOP + 0.03 + ROW * (np.arange(len(rows)) + 0.5)
    for right, head in zip(rights, heads, strict=True):
        say(page, right, TOP - 0.12, head, ha="right", size=SMALL, color=LINE)
    for y, name, cell in zip(ys, names, cells, strict=True):
        say(page, left - 0.12, y, name, ha="right", size=SMALL)
        for right, text in zip(rights, cell, strict=True):
            say(page, right, y, text, ha="right", size=SMALL)
    ax = panel(figure, left, TOP, wide, height)
    even_axis(ax, 0.0, 1.0)
    ax.set_ylim(TOP + height, TOP)
    ax.axvline(0.0, color=LINE, lw=0.9)
    ax.barh(ys, table["probability"], height=0.6 * ROW, color=OWN, lw=0)
    for y, p in zip(ys, table["probability"], strict=True):
        inside = p > 0.7
        x = p - 0.03 if inside else p + 0.03
        ha, color = ("right", "white") if inside else ("left", OWN)
        ax.text(x, y, probability(p), ha=ha, va="center", size=SMALL, color=color)
    say(page, left, MARGIN + 0.06, "Posterior probability", weight="bold")
    say(page, left + wide / 2, TOP + height + 0.33, "Probability of the model", ha="center")
    _differences(figure, page, table, ys, left + wide + 0.3, wide, height)
    said(page, y_notes, notes)
    return figure


def _differences(
    figure: Figure,
    page: Any,
    table: pd.DataFrame,
    ys: np.ndarray,
    left: float,
    wide: float,
    height: float,
) -> None:
    ax = panel(figure, left, TOP, wide, height)
    gap = table["elpd_difference"].to_numpy(dtype=float)
    error = np.nan_to_num(table["difference_se"].to_numpy(dtype=float))
    low, high = (gap - 2 * error).min(), max((gap + 2 * error).max(), 0.0)
    slack = 0.05 * (high - low) or 1.0
    even_axis(ax, float(low - slack), float(high + slack))
    ax.set_ylim(TOP + height, TOP)
    ax.axvline(0.0, color=LINE, lw=0.9)
    for times, width in ((2, 0.8), (1, 2.2)):
        ax.hlines(ys, gap - times * error, gap + times * error, color=OWN, lw=width)
    ax.plot(gap, ys, "o", color=OWN, ms=5, mec="white", mew=0.6, zorder=3)
    say(page, left, MARGIN + 0.06, "Predictive density", weight="bold")
    label = "elpd, difference from the best"
    say(page, left + wide / 2, TOP + height + 0.33, label, ha="center")


def _words(table: pd.DataFrame) -> list[str]:
    words = [
        "Probabilities: under equal prior odds, by marginal likelihood.",
        "elpd: the sum of the log densities that the other trials give each trial.",
        "Bars: one and two standard errors of the paired difference.",
    ]
    if (table["effects"] == "t").any():
        words.append("The tau of t effects is a scale: their SD is 1.41 tau.")
    best = number(float(table["elpd"].max()), 1)
    return [*words, f"The highest elpd is {best}."]
