"""The forest plot, drawn in inches so that no text can meet another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bayespool.figures.axis import Axis, axis_of
from bayespool.figures.plain import (
    FAINT,
    LINE,
    OWN,
    PREDICTION,
    SMALL,
    SOFT,
    drawing,
    favours,
    say,
    sheet,
    short,
    text_width,
    wrapped,
)
from bayespool.figures.table import Group, Interval, Row, Table, table_of
from bayespool.figures.words import decimals_for, spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw", "forest"]

FONT = 9.0  # points
ROW = 0.27  # inches
GAP = 0.22
MARGIN = 0.18
PANEL = 3.5
INDENT = 0.12  # of the trials under a subgroup's heading


def forest(analysis: Any) -> Figure:
    """Draw the forest plot of an analysis.

    Parameters
    ----------
    analysis : Analysis
        With the exact posterior or, without it, that of NUTS.

    Returns
    -------
    matplotlib.figure.Figure
        Squares are the trials' own estimates (area by weight), open circles the trials'
        posterior medians, the diamond is the mean effect and the bar a new trial, all with 95 %
        intervals; an arrow marks an interval that leaves the axis.
    """
    return draw(table_of(analysis))


def draw(table: Table) -> Figure:
    """Draw a gathered `Table`."""
    with drawing():
        return _Sheet(table).figure()


class _Sheet:
    """The columns' places in inches, and everything drawn on them."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.axis: Axis = axis_of(table)
        own = [row.own for row in table.rows if row.own]
        self.decimals = decimals_for(
            table.ratio, [interval[1:] for interval in (*own, table.pooled)]
        )
        self.names = [short(row.name) for row in table.rows]
        self.indent = INDENT if table.groups else 0.0
        self.own = [self._text(row.own) if row.own else "not estimable" for row in table.rows]
        self.shrunken = [self._text(row.shrunken) if row.shrunken else "" for row in table.rows]
        self.has_shrunken = any(self.shrunken)
        self._columns()
        self._lines()

    def _text(self, interval: Interval) -> str:
        return spread(interval, self.decimals, ratio=self.table.ratio)

    # --- places ----------------------------------------------------------------------

    def _columns(self) -> None:
        table = self.table
        summary = ["Mean effect", "New trial"]
        x = MARGIN
        self.x_name = x
        groups = [short(group.name) for group in table.groups]
        first = _inches(["Trial", *groups, *summary], bold=True)
        x += max(first, self.indent + _inches(self.names, bold=True)) + GAP
        self.x_cells = []
        for j, head in enumerate(table.heads):
            cells = [row.cells[j] for row in table.rows]
            x += max(_inches(head.split("\n"), bold=True), _inches(cells))
            self.x_cells.append(x)  # right edge
            x += GAP
        self.x_panel = x
        x += PANEL + GAP
        groups_own = [group.pooled for group in table.groups]
        pooled = [self._text(i) for i in (table.pooled, table.predicted, *groups_own) if i]
        x += max(_inches(["Own estimate", "[95 % interval]"], bold=True), _inches(self.own))
        if not self.has_shrunken:
            x = max(x, self.x_panel + PANEL + GAP + _inches(pooled, bold=True))
        self.x_own = x
        self.x_shrunken = x
        if self.has_shrunken:
            wide = max(_inches(["Posterior"], bold=True), _inches(self.shrunken))
            self.x_shrunken = x = x + GAP + max(wide, _inches(pooled, bold=True))
        self.width = x + MARGIN

    def _lines(self) -> None:
        """Heights from the top, in inches."""
        self.y_head = MARGIN + 0.14
        self.y_rule = self.y_head + 0.28
        y = self.y_rule + 0.22
        self.y_groups: list[float] = []
        self.y_rows: list[float] = []
        before = None
        for row in self.table.rows:
            if self.table.groups and row.group != before:
                self.y_groups.append(y)
                y, before = y + ROW, row.group
            self.y_rows.append(y)
            y += ROW
        self.y_rule2 = self.y_rows[-1] + 0.19
        self.y_pooled = self.y_rule2 + 0.2
        self.y_predicted = self.y_pooled + ROW
        last = self.y_predicted if self.table.predicted else self.y_pooled
        self.y_axis = last + 0.24
        self.y_ticks = self.y_axis + 0.15
        self.y_label = self.y_ticks + 0.2
        self.y_favours = self.y_label + 0.22
        self.legend = self._legend()
        below = self.y_favours if self.table.benefit else self.y_label
        self.y_legend = below + 0.3
        self.height = self.y_legend + 0.16 * len(self.legend) + MARGIN - 0.06

    def _legend(self) -> list[str]:
        table = self.table
        words = []
        if table.tau:
            unit = ", on the log scale" if table.ratio else ""
            words.append(f"Spread between trials{unit}: tau {spread(table.tau)}.")
        words.append(table.caption)
        words.append("Square: the trial's own estimate, area by weight.")
        if self.has_shrunken:
            words.append("Circle: its posterior, drawn towards the other trials.")
        if any(group.pooled for group in table.groups):
            words.append("Open diamond: mean effect of the subgroup.")
        words.append("Diamond: mean effect." + (" Bar: a new trial." if table.predicted else ""))
        words.append("Intervals hold 95 %; an arrow means that one goes on.")
        return wrapped(words, self.width - 2 * MARGIN)

    def _x(self, value: float) -> float:
        return self.x_panel + PANEL * self.axis.place(value)

    # --- drawing ---------------------------------------------------------------------

    def figure(self) -> Figure:
        figure, self.ax = sheet(self.width, self.height)
        self._heads()
        self._panel()
        largest = max((row.weight for row in self.table.rows), default=0.0) or 1.0
        for i, row in enumerate(self.table.rows):
            self._row(i, row, row.weight / largest)
        for y, group in zip(self.y_groups, self.table.groups, strict=True):
            self._group(y, group)
        self._summary()
        for i, line in enumerate(self.legend):
            self._say(MARGIN, self.y_legend + 0.16 * i, line, size=SMALL, color=LINE)
        return figure

    def _say(self, x: float, y: float, text: str, ha: str = "left", **style: Any) -> None:
        say(self.ax, x, y, text, ha, **{"size": FONT, **style})

    def _rule(self, y: float, color: str = FAINT) -> None:
        self.ax.plot([MARGIN, self.width - MARGIN], [y, y], color=color, lw=0.8)

    def _heads(self) -> None:
        bold: dict[str, Any] = {"weight": "bold", "linespacing": 1.25}
        self._say(self.x_name, self.y_head, "Trial", **bold)
        for x, head in zip(self.x_cells, self.table.heads, strict=True):
            self._say(x, self.y_head, head, ha="right", **bold)
        self._say(self.x_own, self.y_head, "Own estimate\n[95 % interval]", ha="right", **bold)
        if self.has_shrunken:
            self._say(self.x_shrunken, self.y_head, "Posterior\n[95 %]", ha="right", **bold)
        self._rule(self.y_rule, LINE)

    def _panel(self) -> None:
        ax, axis, table = self.ax, self.axis, self.table
        top, right = self.y_rule, self.x_panel + PANEL
        ax.plot([self.x_panel, right], [self.y_axis] * 2, color=LINE, lw=0.8)
        for tick in axis.ticks():
            x = self._x(tick)
            ax.plot([x, x], [self.y_axis, self.y_axis + 0.05], color=LINE, lw=0.8)
            text = f"{tick:.6g}".replace("-", "−")
            self._say(x, self.y_ticks, text, ha="center", size=SMALL + 0.5)
        null = self._x(table.null)
        ax.plot([null, null], [top, self.y_axis], color=LINE, lw=0.9, zorder=0.5)
        middle = self._x(table.pooled[0])
        ax.plot([middle] * 2, [top, self.y_axis], color=OWN, lw=0.7, ls=(0, (2, 2)), zorder=0.4)
        title = table.label + (" (log axis)" if table.ratio else "")
        self._say(self.x_panel + PANEL / 2, self.y_label, title, ha="center")
        favours(ax, table.benefit, self.x_panel, right, self.y_favours, SMALL + 0.5)

    def _row(self, i: int, row: Row, share: float) -> None:
        y = self.y_rows[i]
        self._say(self.x_name + self.indent, y, self.names[i])
        for x, cell in zip(self.x_cells, row.cells, strict=True):
            self._say(x, y, cell, ha="right")
        up = 0.045 if row.shrunken else 0.0
        if row.own:
            self._say(self.x_own, y, self.own[i], ha="right")
            self._interval(row.own, y - up, OWN, 1.1)
            if not self.axis.beyond(row.own[0]):
                side = 2.6 + 7.0 * share**0.5
                self.ax.plot(self._x(row.own[0]), y - up, "s", color=OWN, ms=side, mew=0)
        else:
            self._say(self.x_own, y, self.own[i], ha="right", color=LINE, style="italic")
        if row.shrunken:
            self._say(self.x_shrunken, y, self.shrunken[i], ha="right", color="#8a4f12")
            self._interval(row.shrunken, y + 0.075, SOFT, 0.8)
            if not self.axis.beyond(row.shrunken[0]):
                x = self._x(row.shrunken[0])
                style: dict[str, Any] = {"ms": 3.6, "mfc": "white", "mec": SOFT, "mew": 1.0}
                self.ax.plot(x, y + 0.075, "o", **style)

    def _interval(self, interval: Interval, y: float, color: str, width: float) -> None:
        lower, upper = interval[1:]
        ends = [self._x(lower), self._x(upper)]
        self.ax.plot(ends, [y, y], color=color, lw=width, solid_capstyle="butt")
        for end, marker, cut in (
            (ends[0], "<", lower < self.axis.lower),
            (ends[1], ">", upper > self.axis.upper),
        ):
            if cut:
                self.ax.plot(end, y, marker, color=color, ms=3 + width, mew=0)

    def _group(self, y: float, group: Group) -> None:
        self._say(self.x_name, y, short(group.name), weight="bold", color=OWN)
        if group.pooled:
            self._say(self.x_shrunken, y, self._text(group.pooled), ha="right", color=OWN)
            self._diamond(group.pooled, y, 0.055, fc="white", ec=OWN, lw=1.0)

    def _diamond(self, interval: Interval, y: float, half: float, **style: Any) -> None:
        from matplotlib.patches import Polygon

        middle, low, high = (self._x(value) for value in interval)
        corners = [(low, y), (middle, y - half), (high, y), (middle, y + half)]
        self.ax.add_patch(Polygon(corners, closed=True, **style))

    def _summary(self) -> None:
        table = self.table
        self._rule(self.y_rule2)
        y = self.y_pooled
        self._say(self.x_name, y, "Mean effect", weight="bold")
        x_text = self.x_shrunken
        self._say(x_text, y, self._text(table.pooled), ha="right", weight="bold")
        self._diamond(table.pooled, y, 0.075, fc=OWN, ec=OWN, lw=0.5)
        self._interval(table.pooled, y, OWN, 1.1)
        if table.predicted:
            y = self.y_predicted
            self._say(self.x_name, y, "New trial", weight="bold")
            self._say(x_text, y, self._text(table.predicted), ha="right", weight="bold")
            self._interval(table.predicted, y, PREDICTION, 4.0)
            x = self._x(table.predicted[0])
            self.ax.plot([x, x], [y - 0.06, y + 0.06], color=OWN, lw=1.2)


def _inches(texts: list[str], bold: bool = False) -> float:
    return text_width(texts, FONT, bold)
