"""The answer without each trial, a row a trial; and the rows that other studies share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayespool.figures.plain import (
    BENEFIT,
    FAINT,
    LINE,
    LINE_HEIGHT,
    MARGIN,
    OWN,
    PAGE,
    SMALL,
    SOFT,
    caption,
    drawing,
    effect_axis,
    favours,
    fitted,
    panel,
    said,
    say,
    sheet,
    short,
    text_width,
)
from bayespool.figures.table import Interval
from bayespool.figures.words import decimals_for, number, spread
from bayespool.measures import axis_label, measure, symbol
from bayespool.summaries import probability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Line", "draw_lines", "heads_of", "interval_of", "leave_one_out", "points"]

ROW = 0.21
GAP = 0.16
TOP = 0.5
LEAST = 1.6  # inches of the panel


@dataclass(frozen=True)
class Line:
    """One posterior: its name, its interval (None: no answer) and the cells beside it."""

    name: str
    interval: Interval | None
    cells: tuple[str, ...]
    marked: bool = False
    bold: bool = False


def leave_one_out(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    """Draw the posteriors that leave one trial out.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.leave_one_out`.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.

    Returns
    -------
    matplotlib.figure.Figure
        Two columns wide, a row a trial: the 95 % interval without it, P(benefit), how far that
        moves, and tau. The shaded band is the interval of all trials; the trial that moves
        P(benefit) most is marked.
    """
    word = "prob_benefit" if "prob_benefit" in table else "prob_below"
    moved = table["change"].abs().iloc[1:]
    most = moved.idxmax() if moved.notna().any() else None
    lines = []
    for i, row in enumerate(table.to_dict("records")):
        cells = [probability(row[word]), "" if i == 0 else points(row["change"])]
        if "tau_median" in table:
            cells.append(number(row["tau_median"]))
        name = f"All {row['k']:d} trials" if i == 0 else f"without {short(str(row['without']))}"
        lines.append(Line(name, interval_of(row), tuple(cells), i == most, i == 0))
    heads = [*heads_of(record), "Change,\npoints"]
    if "tau_median" in table:
        heads.append("tau\n(median)")
    note = (
        "Posterior medians and 95 % intervals of the mean effect; the band is that of all trials. "
        "Change: of the probability, in percentage points."
    )
    return draw_lines(lines, heads, record, [note])


def draw_lines(
    lines: Sequence[Line], heads: Sequence[str], record: dict[str, Any], notes: list[str]
) -> Figure:
    """Draw a row for each posterior, the band that of the bold one."""
    with drawing():
        return _draw(lines, heads, record, notes)


def heads_of(record: dict[str, Any]) -> list[str]:
    """Heads of the columns that every row has: the effect, and its probability."""
    name, null = symbol(record["measure"]), f"{measure(record['measure']).null:g}"
    sign = ">" if record["benefit"] == "higher" else "<"
    what = "Benefit" if record["benefit"] else "Below"
    return [f"{name if name != 'effect' else 'Effect'}\n[95 %]", f"{what}\n{name} {sign} {null}"]


def interval_of(row: Mapping[Any, Any]) -> Interval | None:
    """Median and ends in natural units; None where there are none."""
    values = [float(row[f"natural_{word}"]) for word in ("median", "lower", "upper")]
    return None if any(map(math.isnan, values)) else (values[0], values[1], values[2])


def points(change: float) -> str:
    """Write a change of a probability in percentage points: +1.2, −0.4."""
    if math.isnan(change):
        return "–"
    text = number(100 * change, 1)
    return text if text.startswith("−") or float(text) == 0 else f"+{text}"


def _draw(
    lines: Sequence[Line], heads: Sequence[str], record: dict[str, Any], notes: list[str]
) -> Figure:
    kind = measure(record["measure"])
    known = [line.interval for line in lines if line.interval]
    decimals = decimals_for(kind.ratio, [interval[1:] for interval in known])
    cells = [
        [spread(line.interval, decimals, ratio=kind.ratio), *line.cells] if line.interval else []
        for line in lines
    ]
    widths = [text_width(head.split("\n"), bold=True) for head in heads]
    for line, texts in zip(lines, cells, strict=True):
        for j, text in enumerate(texts):
            widths[j] = max(widths[j], text_width([text], bold=_is_bold(line, j)))
    rights = (PAGE - MARGIN - np.cumsum([0, *widths[:0:-1]]) - GAP * np.arange(len(widths)))[::-1]
    end = float(rights[0]) - widths[0] - GAP  # of the panel
    room = end - LEAST - 2 * MARGIN
    lines = [replace(line, name=fitted(line.name, room, line.bold)) for line in lines]
    left = 2 * MARGIN + max(text_width([line.name], bold=line.bold) for line in lines)
    wide = end - left
    bottom = TOP + ROW * len(lines) + 0.1
    words = caption(notes, PAGE)
    y_notes = bottom + (0.78 if record["benefit"] else 0.58)
    figure, page = sheet(PAGE, y_notes + LINE_HEIGHT * len(words) + MARGIN - 0.08)
    ax = panel(figure, left, TOP - 0.1, wide, bottom - TOP + 0.1)
    effect_axis(ax, kind.ratio, *_span(known, kind.ratio, kind.null))
    ax.set_ylim(bottom, TOP - 0.1)
    ax.axvline(kind.null, color=LINE, lw=0.9, zorder=0.6)
    for line in lines:
        if line.bold and line.interval:
            ax.axvspan(
                line.interval[1], line.interval[2], color=BENEFIT, alpha=0.35, lw=0, zorder=0.4
            )
            ax.axvline(line.interval[0], color=OWN, lw=0.7, ls=(0, (3, 2)), zorder=0.5)
    for right, head in zip(rights, heads, strict=True):
        say(page, right, TOP - 0.24, head, ha="right", size=SMALL, weight="bold", linespacing=1.15)
    for i, (line, texts) in enumerate(zip(lines, cells, strict=True)):
        _row(page, ax, line, texts, TOP + ROW * (i + 0.5), list(rights))
    label = axis_label(kind.name) + (" (log axis)" if kind.ratio else "")
    say(page, left + wide / 2, bottom + 0.34, label, ha="center")
    favours(page, record["benefit"], left, left + wide, bottom + 0.54)
    said(page, y_notes, words)
    return figure


def _row(page: Axes, ax: Axes, line: Line, texts: list[str], y: float, rights: list[float]) -> None:
    color = SOFT if line.marked else OWN
    say(page, MARGIN, y, line.name, size=SMALL, weight="bold" if line.bold else "normal")
    ax.axhline(y + ROW / 2, color=FAINT, lw=0.4, zorder=0.3)
    if line.interval is None:
        say(
            page, rights[-1], y, "no answer: too few trials", ha="right", size=SMALL, style="italic"
        )
        return
    value, lower, upper = line.interval
    low, high = ax.get_xlim()
    ax.plot([max(lower, low), min(upper, high)], [y, y], color=color, lw=1.4, solid_capstyle="butt")
    ax.plot(value, y, "D" if line.bold else "s", color=color, ms=4.6 if line.bold else 4.2, mew=0)
    for end, marker, cut in ((low, "<", lower < low), (high, ">", upper > high)):
        if cut:
            ax.plot(end, y, marker, color=color, ms=4.2, mew=0, clip_on=False)
    for j, (right, text) in enumerate(zip(rights, texts, strict=True)):
        weight = "bold" if _is_bold(line, j) else "normal"
        say(page, right, y, text, ha="right", size=SMALL, weight=weight)


def _is_bold(line: Line, j: int) -> bool:
    """Whether a cell is: of a marked row all but the effect."""
    return line.bold or (line.marked and j > 0)


def _span(intervals: Sequence[Interval], ratio: bool, null: float) -> tuple[float, float]:
    """Hold every median and no effect, and ends no further than 2.5 times the usual interval."""
    change = np.log if ratio else np.asarray
    values = change(np.array([*intervals] or [(null, null, null)], dtype=float))
    usual = float(np.median(values[:, 2] - values[:, 1]))
    low, high = float(values[:, 0].min()), float(values[:, 0].max())
    null_at = float(change(null))
    low = min(null_at, max(float(values[:, 1].min()), low - 1.25 * usual))
    high = max(null_at, min(float(values[:, 2].max()), high + 1.25 * usual))
    slack = 0.03 * (high - low) + (0.0 if high > low else 1.0)
    if ratio:
        slack = max(slack, 0.5 * (math.log(1.5) - (high - low)))
        return math.exp(low - slack), math.exp(high + slack)
    return low - slack, high + slack
