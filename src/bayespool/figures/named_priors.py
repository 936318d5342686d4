"""The answer under each named prior, a row a prior."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayespool.figures.plain import (
    FAINT,
    INK,
    LINE,
    MARGIN,
    OWN,
    PAGE,
    SMALL,
    drawing,
    effect_axis,
    favours,
    panel,
    say,
    sheet,
    text_width,
    tick_text,
    wrapped,
)
from bayespool.figures.table import Interval, Table, table_of
from bayespool.figures.words import brief, decimals_for, spread
from bayespool.measures import symbol
from bayespool.prior.words import percent
from bayespool.summaries import probability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["named_priors"]

GAP = 0.12
PANEL = 1.5
LEAST = 2.4  # inches, for what a prior says
FINE = 7.0  # points
STEP = 0.14  # inches, a line of words
PAD = 0.1
AUTHORS = {"bartos": "Bartoš"}  # names that a set's name cannot spell
WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}


@dataclass(frozen=True)
class Line:
    """One prior: its words in lines, its interval (None: no answer, and why), its cells."""

    name: list[str]
    says: list[str]
    interval: Interval | None
    cells: list[str]
    reason: str

    @property
    def height(self) -> float:
        return PAD + STEP * max(len(self.name) + len(self.says), 1) + 0.04


def named_priors(analysis: Any) -> Figure:
    """Draw the answers under every prior set in the record's ``other_priors``.

    Parameters
    ----------
    analysis : Analysis

    Returns
    -------
    matplotlib.figure.Figure
        Two columns wide, a row a prior: its name and what it says, the 95 % interval, the
        probability of benefit, of an important one and of benefit in a new trial. A prior that
        has no answer says why.
    """
    table = table_of(analysis)
    rows = analysis.record["other_priors"]
    with drawing():
        return _draw(table, rows, analysis.important)


def _draw(table: Table, rows: list[dict[str, Any]], important: float | None) -> Figure:
    heads = _heads(table, rows, important)
    intervals = [_interval_of(row) for row in rows]
    decimals = decimals_for(table.ratio, [i[1:] for i in intervals if i])
    cells = [
        [spread(i, decimals, ratio=table.ratio)] + [probability(row.get(key)) for key in heads]
        if i
        else []
        for row, i in zip(rows, intervals, strict=True)
    ]
    titles = ["Effect\n[95 %]", *heads.values()]
    widths = [
        max(
            text_width(title.split("\n"), bold=True),
            text_width([line[j] for line in cells if line] or [""]),
        )
        for j, title in enumerate(titles)
    ]
    rest = PAGE - 2 * MARGIN - sum(widths) - GAP * (len(widths) + 1)
    panel_width = max(min(PANEL, rest - LEAST), 1.2)
    text_space = rest - panel_width
    lines = [
        Line(
            wrapped([_title(str(row["prior"]))], text_space, bold=True),
            _says(row, table, important, text_space),
            interval,
            line_cells,
            str(row.get("reason") or "no answer"),
        )
        for row, interval, line_cells in zip(rows, intervals, cells, strict=True)
    ]
    top = MARGIN + 0.58
    height = sum(line.height for line in lines)
    below = 0.62 if table.benefit else 0.42
    figure, page = sheet(PAGE, top + height + 0.08 + below + MARGIN)
    left = MARGIN + text_space + GAP
    rights = list(left + panel_width + np.cumsum([GAP + width for width in widths]))
    bold: dict[str, Any] = {"weight": "bold", "size": SMALL}
    say(page, MARGIN, MARGIN + 0.31, "Prior, and what it says", **bold)
    for title, right in zip(titles, rights, strict=True):
        say(page, right, MARGIN + 0.31, title, ha="right", **bold)
    if heads:
        ends = (rights[0] + GAP, rights[-1])
        say(page, sum(ends) / 2, MARGIN + 0.03, "Probability of", ha="center", size=SMALL)
        page.plot(ends, [MARGIN + 0.12] * 2, color=LINE, lw=0.6)
    page.plot([MARGIN, PAGE - MARGIN], [top - 0.06] * 2, color=LINE, lw=0.8)
    ax = panel(figure, left, top, panel_width, height + 0.08)
    effect_axis(ax, table.ratio, *_span(table, [i for i in intervals if i], important))
    ax.set_ylim(top + height + 0.08, top)
    ax.axvline(table.null, color=LINE, lw=0.9, zorder=0.8)
    if important is not None:
        ax.axvline(important, color=OWN, lw=0.8, ls=(0, (2, 2)), zorder=0.8)
    _rows(page, ax, table, lines, top, left, rights)
    y = top + height + 0.08
    label = table.label + (" (log axis)" if table.ratio else "")
    say(page, left + panel_width / 2, y + 0.32, label, ha="center")
    words = ["In bold the main analysis."]
    if important is not None:
        at = tick_text(important)
        words.append(f"Dotted: {symbol(table.measure)} {at}, the smallest important effect.")
    for i, text in enumerate(wrapped(words, text_space - 0.25, FINE)):
        say(page, MARGIN, y + 0.14 + STEP * i, text, size=FINE, color=LINE)
    favours(page, table.benefit, left, left + panel_width, y + 0.52)
    return figure


def _rows(
    page: Axes,
    ax: Axes,
    table: Table,
    lines: list[Line],
    top: float,
    left: float,
    rights: list[float],
) -> None:
    y = top
    for i, line in enumerate(lines):
        if i:
            page.plot([MARGIN, PAGE - MARGIN], [y, y], color=FAINT, lw=0.6)
        first = y + PAD / 2 + STEP / 2 + 0.02
        for j, text in enumerate([*line.name, *line.says]):
            named = j < len(line.name)
            style: dict[str, Any] = {"size": FINE, "color": LINE}
            if named:
                style = {"size": SMALL, "weight": "bold"}
            say(page, MARGIN, first + STEP * j, text, **style)
        middle = y + line.height / 2
        if line.interval:
            _bar(ax, line.interval, middle, OWN if i == 0 else INK)
            for right, text in zip(rights, line.cells, strict=True):
                weight = "bold" if i == 0 else "normal"
                say(page, right, middle, text, ha="right", size=SMALL, weight=weight)
        y += line.height
    _reasons(page, lines, top, left, rights[-1])


def _reasons(page: Axes, lines: list[Line], top: float, left: float, right: float) -> None:
    """Why a prior has no answer, over the columns that it leaves empty."""
    y = top
    for line in lines:
        if line.interval is None:
            texts = wrapped([line.reason], right - left - 0.1)
            room = max(1, int((line.height - 0.04) / STEP))
            texts = texts if len(texts) <= room else [*texts[: room - 1], texts[room - 1] + " …"]
            first = y + line.height / 2 - STEP * (len(texts) - 1) / 2
            for j, text in enumerate(texts):
                say(
                    page,
                    left + 0.05,
                    first + STEP * j,
                    text,
                    size=SMALL,
                    style="italic",
                    bbox=WHITE,
                )
        y += line.height


def _bar(ax: Axes, interval: Interval, y: float, color: str) -> None:
    left, right = ax.get_xlim()
    ends = [max(interval[1], left), min(interval[2], right)]
    ax.plot(ends, [y, y], color=color, lw=1.3, solid_capstyle="butt")
    for end, marker, cut in (
        (left, "<", interval[1] < left),
        (right, ">", interval[2] > right),
    ):
        if cut:
            ax.plot(end, y, marker, color=color, ms=4.5, mew=0, clip_on=False)
    if left <= interval[0] <= right:
        ax.plot(interval[0], y, "s", color=color, ms=4.4, mew=0)


def _heads(table: Table, rows: list[dict[str, Any]], important: float | None) -> dict[str, str]:
    """Key in the record to the head of its column, for what any row has."""
    name, null = symbol(table.measure), f"{table.null:g}"
    sign = ">" if table.benefit == "higher" else "<"
    heads = {"prob_benefit": f"Benefit\n{name} {sign} {null}"}
    if table.benefit is None:
        heads = {"prob_below": f"Below\n{name} < {null}"}
    if important is not None:
        at = tick_text(important)
        heads["prob_important"] = f"Important\n{name} {sign} {at}"
    heads["prob_benefit_new"] = "Benefit in\na new trial"
    return {
        key: text for key, text in heads.items() if any(row.get(key) is not None for row in rows)
    }


def _says(row: dict[str, Any], table: Table, important: float | None, width: float) -> list[str]:
    """The prior's formulas, and what they give to a benefit before the data."""
    parts = [f"{name} ~ {brief(str(row[name]))}" for name in ("mu", "tau") if row.get(name)]
    lines = wrapped(["; ".join(part.replace(" ", "\u00a0") for part in parts)], width, FINE)
    name, sign = symbol(table.measure), ">" if table.benefit == "higher" else "<"
    given = []
    for key, at in (("before_benefit", table.null), ("before_important", important)):
        if at is not None and row.get(key) is not None:
            chance = f"P({name} {sign} {tick_text(at)}) {percent(row[key])}"
            given.append(chance.replace(" ", "\u00a0"))
    if given:
        lines += wrapped([f"before: {', '.join(given)}"], width, FINE)
    return [line.replace("-", "−") for line in lines]


def _title(name: str) -> str:
    """The name of a set for readers: "turner2015:a-b/c" is "Turner 2015: a b, c"."""
    collection, colon, row = name.partition(":")
    if not colon:
        return name
    author = collection.rstrip("0123456789")
    year = collection.removeprefix(author)
    author = AUTHORS.get(author, author.capitalize())
    return f"{author} {year}: {row.replace('-', ' ').replace('/', ', ')}"


def _interval_of(row: dict[str, Any]) -> Interval | None:
    ends = [row.get(f"natural_{word}") for word in ("median", "lower", "upper")]
    if any(end is None or math.isnan(end) for end in ends):
        return None
    value, lower, upper = (float(end) for end in ends if end is not None)
    return value, lower, upper


def _span(table: Table, intervals: list[Interval], important: float | None) -> tuple[float, float]:
    """Hold every median, no effect, and intervals up to three times the main one's width."""
    change = np.log if table.ratio else np.asarray
    main = change(np.array(intervals[0] if intervals else table.pooled))
    reach = 1.5 * float(main[2] - main[1])
    points = [float(change(table.null)), *map(float, main)]
    points += [float(change(important))] if important is not None else []
    points += [float(change(interval[0])) for interval in intervals]
    wide = [
        float(change(end))
        for interval in intervals
        for end in interval[1:]
        if end > 0 or not table.ratio
    ]
    low = min([*points, *(max(end, main[0] - reach) for end in wide)])
    high = max([*points, *(min(end, main[0] + reach) for end in wide)])
    slack = 0.05 * (high - low)
    if table.ratio:
        slack = max(slack, 0.5 * (math.log(1.5) - (high - low)))
        return math.exp(low - slack), math.exp(high + slack)
    return low - slack, high + slack
