"""How well the other trials foretell each one, and how far it moves the posterior."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayespool.figures.plain import (
    FAINT,
    HARM,
    INK,
    LINE,
    LINE_HEIGHT,
    MARGIN,
    OWN,
    PAGE,
    PREDICTION,
    SMALL,
    SOFT,
    caption,
    drawing,
    even_axis,
    panel,
    said,
    say,
    sheet,
    short,
    swatch,
    text_width,
)
from bayespool.figures.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["loo"]

ROW = 0.2
TOP = MARGIN + 0.52
ENDS = (0.025, 0.975)
HEADS = ("log density", "moves P by")


def loo(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    """Draw each trial's PIT and its influence, in the order of the table.

    Parameters
    ----------
    table : DataFrame
        By `bayespool.leave_trial_out`.
    record : dict
        Of the analysis: ``likelihood`` and ``benefit``.

    Returns
    -------
    matplotlib.figure.Figure
        Two columns wide. Dots: the probability that the others give to data no higher than the
        trial's own. Bars: the divergence of the posterior with the trial from that without.
    """
    with drawing():
        return _draw(table, record)


def _draw(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    names = [short(str(name)) for name in table["trial"]]
    cells = [(number(row["elpd"]), _signed(row["shift"])) for row in table.to_dict("records")]
    widths = [text_width([h, *(c[i] for c in cells)]) for i, h in enumerate(HEADS)]
    left = MARGIN + text_width(names) + 0.14
    rights = [PAGE - MARGIN - widths[1] - 0.16, PAGE - MARGIN]
    space = rights[0] - widths[0] - 0.2 - left - 0.3
    height = ROW * len(table) + 0.06
    notes = caption(_words(table, record), PAGE)
    y_notes = TOP + height + 0.56
    figure, page = sheet(PAGE, y_notes + LINE_HEIGHT * len(notes) + MARGIN - 0.08)
    ys = TOP + 0.03 + ROW * (np.arange(len(table)) + 0.5)
    for y, name, cell in zip(ys, names, cells, strict=True):
        say(page, left - 0.12, y, name, ha="right", size=SMALL)
        for right, text in zip(rights, cell, strict=True):
            say(page, right, y, text, ha="right", size=SMALL)
    for right, head in zip(rights, HEADS, strict=True):
        say(page, right, TOP - 0.12, head, ha="right", size=SMALL, color=LINE)
    wide = 0.5 * space
    ax = panel(figure, left, TOP, wide, height)
    _pits(ax, table, ys, height)
    say(page, left, MARGIN + 0.06, "Foretold by the others", weight="bold")
    say(page, left + wide / 2, TOP + height + 0.33, "PIT", ha="center")
    second = left + wide + 0.3
    ax = panel(figure, second, TOP, wide, height)
    _bars(ax, table, ys, height)
    say(page, second, MARGIN + 0.06, "Influence on the posterior", weight="bold")
    x = swatch(page, second, MARGIN + 0.27, PREDICTION, "of (mu, tau)") + 0.12
    swatch(page, x, MARGIN + 0.27, OWN, "of mu")
    label = "Kullback–Leibler divergence, nats"
    say(page, second + wide / 2, TOP + height + 0.33, label, ha="center")
    said(page, y_notes, notes)
    return figure


def _pits(ax: Axes, table: pd.DataFrame, ys: np.ndarray, height: float) -> None:
    even_axis(ax, 0.0, 1.0)
    ax.set_ylim(TOP + height, TOP)
    for low, high in ((0.0, ENDS[0]), (ENDS[1], 1.0)):
        ax.axvspan(low, high, color=HARM, lw=0)
    ax.axvline(0.5, color=LINE, lw=0.8)
    ax.hlines(ys, 0.0, 1.0, color=FAINT, lw=0.5, zorder=0.5)
    for y, pit, extreme in zip(ys, table["pit"], table["extreme"], strict=True):
        color = SOFT if extreme else OWN
        ax.plot(pit, y, "o", color=color, ms=4.6, mec="white", mew=0.5, clip_on=False, zorder=3)


def _bars(ax: Axes, table: pd.DataFrame, ys: np.ndarray, height: float) -> None:
    top = float(table["kl"].max())
    even_axis(ax, 0.0, 1.05 * top if top > 0 else 1.0)
    ax.set_ylim(TOP + height, TOP)
    ax.axvline(0.0, color=LINE, lw=0.9)
    ax.barh(ys, table["kl"].fillna(0.0), height=0.62 * ROW, color=PREDICTION, lw=0)
    ax.barh(ys, table["kl_mu"].fillna(0.0), height=0.28 * ROW, color=OWN, lw=0)
    for y, value in zip(ys, table["kl"], strict=True):
        if not np.isfinite(value):
            ax.text(0.01, y, "no proper posterior without it", size=SMALL, color=INK, va="center")


def _words(table: pd.DataFrame, record: dict[str, Any]) -> list[str]:
    terms = table["elpd"].to_numpy(dtype=float)
    words = []
    if record["likelihood"] == "binomial":
        words.append(
            "PIT: the probability that the other trials give to no more treated events than there "
            "were, given the control arm (half of ties)."
        )
    elif record["likelihood"] == "normal":
        words.append(
            "PIT: the probability that the other trials give to an estimate no higher than this."
        )
    else:
        words.append("The arms likelihood has no PIT.")
    words.append("Shaded: beyond 2.5 and 97.5 %.")
    words.append("Log density: of the trial's data, foretold by the others")
    if len(terms) > 1 and np.isfinite(terms).all():
        error = np.sqrt(len(terms)) * terms.std(ddof=1)
        words[-1] += f"; their sum is {number(terms.sum(), 1)}, standard error {number(error, 1)}"
    words[-1] += "."
    what = "benefit" if record["benefit"] else "an effect below none"
    words.append(f"P: the probability of {what}, with the trial minus without.")
    return words


def _signed(value: float) -> str:
    text = number(value, 3)
    return f"+{text}" if value > 0 and float(text) else text
