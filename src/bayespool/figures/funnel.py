"""The funnel plot: small trials against large ones, with contours of significance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayespool.figures.labels import Box, beside
from bayespool.figures.plain import (
    COLUMN,
    INK,
    LINE,
    LINE_HEIGHT,
    MARGIN,
    OWN,
    SMALL,
    caption,
    drawing,
    effect_axis,
    favours,
    in_inches,
    panel,
    said,
    say,
    sheet,
    short,
    swatch,
    swatch_width,
    tick_text,
)
from bayespool.figures.table import Table, table_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["funnel"]

LEFT, TOP, HIGH = 0.52, 0.5, 2.1
LETTERS = 18  # of a name beside its point
FEW = 12  # trials, up to which each has its name
NAMED = 6  # trials without an estimate, of which so many are named
# Standard normal quantiles of 0.95, 0.975 and 0.995: two-sided p of 0.10, 0.05 and 0.01.
Z_10, Z_05, Z_01 = 1.6448536269514722, 1.959963984540054, 2.5758293035489004
BANDS = (
    ("p > 0.10", "#ffffff"),
    ("0.05–0.10", "#b4bcc4"),
    ("0.01–0.05", "#d3d9de"),
    ("< 0.01", "#eceff2"),
)


def funnel(analysis: Any) -> Figure:
    """Draw the trials' own estimates against their standard errors.

    Parameters
    ----------
    analysis : Analysis

    Returns
    -------
    matplotlib.figure.Figure
        One column wide. Greys are two-sided p values about no effect (Peters et al. 2008, J Clin
        Epidemiol 61:991), the dashed triangle is where 95 % of trials would lie about the pooled
        effect if nothing but chance set them apart. Up to 12 trials are named; those without an
        estimate of their own are listed below.
    """
    table = table_of(analysis)
    trials = analysis.tables["trials"]
    with drawing():
        return _draw(table, trials)


def _draw(table: Table, trials: pd.DataFrame) -> Figure:
    used = trials[trials["natural_estimate"].notna() & trials["se"].notna()]
    x, se = used["natural_estimate"].to_numpy(dtype=float), used["se"].to_numpy(dtype=float)
    names = [short(str(name), LETTERS) for name in used["trial"]]
    left_out = [str(name) for name in trials["trial"][~trials.index.isin(used.index)]]
    deepest = 1.08 * float(se.max())
    low, high = _span(table, x, se, deepest)
    words = _words(left_out)
    wide = COLUMN - LEFT - MARGIN
    places: list[Box | None] = []
    if len(names) <= FEW:
        # Where the names go depends on the panel alone, so ask before the height is fixed.
        places = _places(table, x, se, names, deepest, (low, high), wide)
        words += _unnamed(names, places)
    notes = caption(words, COLUMN)
    y_notes = TOP + HIGH + (0.8 if table.benefit else 0.6)
    figure, page = sheet(COLUMN, y_notes + LINE_HEIGHT * len(notes) + MARGIN - 0.08)
    ax = _panel(figure, table, deepest, (low, high), wide)
    _bands(ax, table, deepest)
    ax.plot(x, se, "o", color=OWN, ms=4.4, mec="white", mew=0.6, zorder=3)
    for name, box, point in zip(names, places, in_inches(ax, x, se), strict=False):
        if box:
            _name(page, name, box, point)
    _around(page, table, wide)
    said(page, y_notes, notes)
    return figure


def _panel(
    figure: Figure, table: Table, deepest: float, ends: tuple[float, float], wide: float
) -> Axes:
    from matplotlib.ticker import MaxNLocator

    ax = panel(figure, LEFT, TOP, wide, HIGH)
    effect_axis(ax, table.ratio, *ends)
    ax.set_ylim(deepest, 0)
    ticks = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]).tick_values(0, deepest)
    ticks = [float(t) for t in ticks if 0 <= t <= deepest]
    ax.set_yticks(ticks, [tick_text(t) for t in ticks])
    ax.tick_params(axis="y", color=LINE, labelcolor=INK, labelsize=SMALL, length=3, pad=2.5)
    ax.spines["left"].set(color=LINE, linewidth=0.8, visible=True)
    return ax


def _bands(ax: Axes, table: Table, deepest: float) -> None:
    """Greys by p value, then the pooled effect with its triangle."""

    def at(centre: float, z: float) -> list[float]:
        if table.ratio:
            return [centre, float(centre * np.exp(z * deepest))]
        return [centre, centre + z * deepest]

    depth = [0.0, deepest]
    ax.set_facecolor(BANDS[3][1])
    for z, color in ((Z_01, BANDS[2][1]), (Z_05, BANDS[1][1]), (Z_10, BANDS[0][1])):
        # A straight edge of the analysis scale is straight on the drawn axis.
        edges = [
            (at(table.null, -z)[1], deepest),
            (table.null, 0.0),
            (at(table.null, z)[1], deepest),
        ]
        ax.fill(*zip(*edges, strict=True), color=color, lw=0, zorder=0.5)
    ax.plot([table.null, table.null], depth, color=LINE, lw=0.9, zorder=1)
    middle = table.pooled[0]
    ax.plot([middle, middle], depth, color=OWN, lw=1.1, zorder=1.5)
    for z in (-Z_05, Z_05):
        ax.plot(at(middle, z), depth, color=OWN, lw=0.9, ls=(0, (4, 2.5)), zorder=1.5)


def _places(
    table: Table,
    x: np.ndarray,
    se: np.ndarray,
    names: list[str],
    deepest: float,
    ends: tuple[float, float],
    wide: float,
) -> list[Box | None]:
    """A box for each name, on a sheet like the one that will be drawn."""
    figure, _ = sheet(COLUMN, TOP + HIGH + 1)
    ax = _panel(figure, table, deepest, ends, wide)
    points = in_inches(ax, x, se)
    line = in_inches(ax, np.full(120, table.pooled[0]), np.linspace(0, deepest, 120))
    frame = (LEFT + 0.03, TOP, LEFT + wide, TOP + HIGH)
    return beside(points, names, frame, np.concatenate([points, line]))


def _name(page: Axes, name: str, box: Box, point: np.ndarray) -> None:
    """Write a trial's name, with a line to its point where another might be nearer."""
    x = min(max(point[0], box[0]), box[2])
    y = min(max(point[1], box[1] + 0.03), box[3] - 0.03)
    if np.hypot(x - point[0], y - point[1]) > 0.1:
        page.plot([point[0], x], [point[1], y], color=INK, lw=0.5)
    # Not an outline about the letters: that would make shapes of them, and a letter that the font
    # lacks would be lost.
    veil = {"facecolor": "white", "edgecolor": "none", "alpha": 0.65, "pad": 0.3}
    say(page, box[0], (box[1] + box[3]) / 2, name, size=SMALL, bbox=veil)


def _span(table: Table, x: np.ndarray, se: np.ndarray, deepest: float) -> tuple[float, float]:
    """Hold every point, no effect, and the triangle about the pooled effect."""
    change = np.log if table.ratio else np.asarray
    middle = float(change(table.pooled[0]))
    points = np.concatenate([change(x), [float(change(table.null)), middle]])
    low = min(points.min(), middle - Z_05 * deepest)
    high = max(points.max(), middle + Z_05 * deepest)
    slack = 0.04 * (high - low)
    if table.ratio:
        slack = max(slack, 0.5 * (float(np.log(1.5)) - (high - low)))
        return float(np.exp(low - slack)), float(np.exp(high + slack))
    return low - slack, high + slack


def _around(page: Axes, table: Table, wide: float) -> None:
    say(page, MARGIN, MARGIN + 0.02, "Two-sided p about no effect:", size=SMALL)
    gap = (COLUMN - 2 * MARGIN - sum(swatch_width(text) for text, _ in BANDS)) / 3
    x = MARGIN
    for text, color in BANDS:
        x = swatch(page, x, MARGIN + 0.2, color, text) + gap
    label = table.label + (" (log axis)" if table.ratio else "")
    say(page, LEFT + wide / 2, TOP + HIGH + 0.32, label, ha="center")
    favours(page, table.benefit, LEFT, LEFT + wide, TOP + HIGH + 0.52)
    say(page, MARGIN + 0.02, TOP + HIGH / 2, "Standard error", ha="center", rotation=90)


def _words(left_out: list[str]) -> list[str]:
    words = ["Line: the pooled effect; dashed: 95 % of trials if only chance set them apart."]
    if left_out:
        words.append(f"No estimate of its own: {_listed(left_out)}.")
    return words


def _unnamed(names: list[str], places: list[Box | None]) -> list[str]:
    without = [name for name, box in zip(names, places, strict=True) if box is None]
    return [f"Not labelled for want of room: {_listed(without)}."] if without else []


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(short(name) for name in names[:NAMED]) + (
        f" and {more} more" if more > 0 else ""
    )
