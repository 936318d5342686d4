"""Every combination of other readings of the data, and which reading matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayespool.figures.leave_one_out import points
from bayespool.figures.plain import (
    FAINT,
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
    panel,
    said,
    say,
    sheet,
    short,
    text_width,
)
from bayespool.measures import measure, ratio_ticks, symbol
from bayespool.subsets import main_effects

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["readings"]

TOP, HIGH, GAP, ROW = 0.42, 1.25, 0.34, 0.2
APPLIED = "applied: "


def readings(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    """Draw the answer under every reading, the readings in order of P(benefit).

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.readings`.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.

    Returns
    -------
    matplotlib.figure.Figure
        Two columns wide: P(benefit), the 95 % interval of the effect, and which scenarios each
        reading applies (a dot), with the mean change that each of them makes at the right. The
        primary reading is marked throughout.
    """
    with drawing():
        return _draw(table, record)


def _draw(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    kind = measure(record["measure"])
    word = "prob_benefit" if "prob_benefit" in table else "prob_below"
    ordered = table[table[word].notna()].sort_values(word, kind="stable")
    effects = main_effects(table)
    names = [short(str(name)) for name in effects["scenario"]]
    primary = int(np.flatnonzero(ordered["changes"].to_numpy() == 0)[0])
    left = 2 * MARGIN + max(text_width(names, SMALL), 1.2)
    right = 0.72
    wide = PAGE - left - right - MARGIN
    top_2 = TOP + HIGH + GAP
    top_3 = top_2 + HIGH + GAP
    bottom = top_3 + ROW * len(names)
    words = caption([_words(table, len(ordered))], PAGE)
    y_notes = bottom + 0.22
    figure, page = sheet(PAGE, y_notes + LINE_HEIGHT * len(words) + MARGIN - 0.08)
    x = np.arange(len(ordered))
    chance = _panel(figure, left, TOP, wide, HIGH, len(x), primary)
    _chances(chance, x, ordered[word].to_numpy(), primary)
    effect = _panel(figure, left, top_2, wide, HIGH, len(x), primary)
    _effects(effect, x, ordered, primary, kind.ratio, kind.null)
    dots = _panel(figure, left, top_3, wide, ROW * len(names), len(x), primary)
    dots.set_ylim(len(names) - 0.5, -0.5)
    say(
        page,
        left + wide + right,
        top_3 - 0.12,
        "Mean change",
        ha="right",
        size=SMALL,
        weight="bold",
    )
    for i, row in enumerate(effects.to_dict("records")):
        applied = ordered[APPLIED + row["scenario"]].to_numpy(dtype=bool)
        dots.plot(
            x[applied], np.full(applied.sum(), i), "o", color=OWN, ms=_dot(len(x), wide), mew=0
        )
        dots.axhline(i, color=FAINT, lw=0.5, zorder=0.3)
        y = top_3 + ROW * (i + 0.5)
        weight = "bold" if i == 0 else "normal"
        say(page, left - 0.14, y, names[i], ha="right", size=SMALL, weight=weight)
        say(
            page,
            left + wide + right,
            y,
            points(row["change"]),
            ha="right",
            size=SMALL,
            weight=weight,
        )
    sign = ">" if record["benefit"] == "higher" else "<"
    what = "benefit, " if record["benefit"] else ""
    name = symbol(kind.name)
    title = f"Probability of {what}{name} {sign} {kind.null:g}"
    say(page, MARGIN, MARGIN + 0.06, title, weight="bold")
    title = f"{name if name != 'effect' else 'Effect'}, median and 95 % interval"
    say(page, MARGIN, top_2 - 0.16, title, weight="bold")
    say(page, MARGIN, top_3 - 0.12, "Readings applied", weight="bold")
    said(page, y_notes, words)
    return figure


def _panel(
    figure: Figure, left: float, top: float, wide: float, high: float, count: int, primary: int
) -> Axes:
    ax = panel(figure, left, top, wide, high)
    ax.set_xlim(-0.8, count - 0.2)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    ax.axvline(primary, color=SOFT, lw=6 if count < 30 else 3.5, alpha=0.25, zorder=0.2)
    return ax


def _dot(count: int, wide: float) -> float:
    """Points across, so that neighbours stay apart."""
    return float(np.clip(0.62 * 72 * wide / (count + 1), 1.2, 4.2))


def _chances(ax: Axes, x: np.ndarray, p: np.ndarray, primary: int) -> None:
    slack = max(0.1 * np.ptp(p), 0.025)  # or a change of a hair would look like a fall
    _y_axis(ax, max(p.min() - slack, -0.01), min(p.max() + slack, 1.005), False)
    ax.plot(x, p, "o", color=OWN, ms=3.4, mew=0)
    ax.plot(x[primary], p[primary], "D", color=SOFT, ms=5, mew=0, zorder=3)


def _effects(
    ax: Axes, x: np.ndarray, ordered: pd.DataFrame, primary: int, ratio: bool, null: float
) -> None:
    middle, lower, upper = (
        ordered[f"natural_{end}"].to_numpy() for end in ("median", "lower", "upper")
    )
    low, high = min(lower.min(), null), max(upper.max(), null)
    slack = 0.05 * (np.log(high / low) if ratio else high - low)
    ends = (low * np.exp(-slack), high * np.exp(slack)) if ratio else (low - slack, high + slack)
    _y_axis(ax, *ends, ratio)
    ax.axhline(null, color=LINE, lw=0.9, zorder=0.6)
    ax.vlines(x, lower, upper, color=PREDICTION, lw=1.2)
    ax.plot(x, middle, "s", color=OWN, ms=2.8, mew=0)
    ax.vlines(x[primary], lower[primary], upper[primary], color=SOFT, lw=1.6)
    ax.plot(x[primary], middle[primary], "D", color=SOFT, ms=5, mew=0, zorder=3)


def _y_axis(ax: Axes, low: float, high: float, ratio: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_yscale("log" if ratio else "linear")
    ax.minorticks_off()
    ticks = [tick for tick in MaxNLocator(4).tick_values(low, high) if low <= tick <= high]
    if ratio:
        ticks = ratio_ticks(low, high)
    ax.set_yticks(ticks, [f"{tick:.6g}".replace("-", "−") for tick in ticks])
    ax.set_ylim(low, high)
    ax.tick_params(axis="y", length=0, labelcolor=INK, labelsize=SMALL, pad=3)
    for tick in ticks:
        ax.axhline(tick, color=FAINT, lw=0.6, zorder=0.1)


def _words(table: pd.DataFrame, shown: int) -> str:
    text = (
        f"{shown} readings of the data in the order of the probability, a column each; the "
        "diamond is the primary one. A dot: the reading applies this change. Mean change of the "
        "probability, in percentage points, over the pairs of readings that differ in this "
        "change alone."
    )
    if lost := len(table) - shown:
        text += f" {lost} more leave too few trials for an answer."
    return text
