"""The forest plot, drawn in inches so that no text can meet another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bayespool.figures.axis import Axis, axis_of
from bayespool.figures.table import Interval, Row, Table, table_of
from bayespool.figures.words import decimals_for, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "forest"]

FAMILY = "DejaVu Sans"  # comes with matplotlib
FONT = 9.0  # points
SMALL = 7.5
ROW = 0.27  # inches
GAP = 0.22
MARGIN = 0.18
PANEL = 3.5
LONGEST = 40  # letters of a trial's name; the tables have it whole
INK, OWN, SOFT, LINE, FAINT = "#1f2933", "#1d4e79", "#c8782a", "#6b7680", "#d5dbe1"
PREDICTION = "#7fa3c4"


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
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # A picture depends on the data alone, not on a reader's matplotlibrc.
    with mpl.rc_context({**mpl.rcParamsDefault, "font.family": FAMILY}):
        return _Sheet(table).figure(Figure)


class _Sheet:
    """The columns' places in inches, and everything drawn on them."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.axis: Axis = axis_of(table)
        own = [row.own for row in table.rows if row.own]
        self.decimals = decimals_for(
            table.ratio, [interval[1:] for interval in (*own, table.pooled)]
        )
        self.names = [_short(row.name) for row in table.rows]
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
        x += _width(["Trial", *self.names, *summary], bold=True) + GAP
        self.x_cells = []
        for j, head in enumerate(table.heads):
            cells = [row.cells[j] for row in table.rows]
            x += max(_width(head.split("\n"), bold=True), _width(cells))
            self.x_cells.append(x)  # right edge
            x += GAP
        self.x_panel = x
        x += PANEL + GAP
        pooled = [self._text(i) for i in (table.pooled, table.predicted) if i]
        x += max(_width(["Own estimate", "[95 % interval]"], bold=True), _width(self.own))
        if not self.has_shrunken:
            x = max(x, self.x_panel + PANEL + GAP + _width(pooled, bold=True))
        self.x_own = x
        self.x_shrunken = x
        if self.has_shrunken:
            wide = max(_width(["Posterior"], bold=True), _width(self.shrunken))
            self.x_shrunken = x = x + GAP + max(wide, _width(pooled, bold=True))
        self.width = x + MARGIN

    def _lines(self) -> None:
        """Heights from the top, in inches."""
        k = len(self.table.rows)
        self.y_head = MARGIN + 0.14
        self.y_rule = self.y_head + 0.28
        self.y_rows = [self.y_rule + 0.22 + i * ROW for i in range(k)]
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
        words.append("Diamond: mean effect." + (" Bar: a new trial." if table.predicted else ""))
        words.append("Intervals hold 95 %; an arrow means that one goes on.")
        return _wrapped(words, self.width - 2 * MARGIN)

    def _x(self, value: float) -> float:
        return self.x_panel + PANEL * self.axis.place(value)

    # --- drawing ---------------------------------------------------------------------

    def figure(self, make: type[Figure]) -> Figure:
        figure = make(figsize=(self.width, self.height), facecolor="white")
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set_xlim(0, self.width)
        ax.set_ylim(self.height, 0)
        ax.axis("off")
        self.ax: Axes = ax
        self._heads()
        self._panel()
        largest = max((row.weight for row in self.table.rows), default=0.0) or 1.0
        for i, row in enumerate(self.table.rows):
            self._row(i, row, row.weight / largest)
        self._summary()
        for i, line in enumerate(self.legend):
            self._say(MARGIN, self.y_legend + 0.16 * i, line, size=SMALL, color=LINE)
        return figure

    def _say(self, x: float, y: float, text: str, ha: str = "left", **style: Any) -> None:
        style = {"size": FONT, "color": INK, "va": "center", **style}
        self.ax.text(x, y, text, ha=ha, parse_math=False, **style)

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
        if table.benefit in ("lower", "higher"):
            sides = ("treatment", "control") if table.benefit == "lower" else (
                "control", "treatment")  # fmt: skip
            y = self.y_favours
            self._say(self.x_panel, y, f"← favours {sides[0]}", size=SMALL + 0.5)
            self._say(right, y, f"favours {sides[1]} →", ha="right", size=SMALL + 0.5)

    def _row(self, i: int, row: Row, share: float) -> None:
        y = self.y_rows[i]
        self._say(self.x_name, y, self.names[i])
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
                style = {"ms": 3.6, "mfc": "white", "mec": SOFT, "mew": 1.0}
                self.ax.plot(x, y + 0.075, "o", **style)  # type: ignore[arg-type]

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

    def _summary(self) -> None:
        from matplotlib.patches import Polygon

        table = self.table
        self._rule(self.y_rule2)
        y, half = self.y_pooled, 0.075
        self._say(self.x_name, y, "Mean effect", weight="bold")
        x_text = self.x_shrunken
        self._say(x_text, y, self._text(table.pooled), ha="right", weight="bold")
        low, high = self._x(table.pooled[1]), self._x(table.pooled[2])
        middle = self._x(table.pooled[0])
        corners = [(low, y), (middle, y - half), (high, y), (middle, y + half)]
        self.ax.add_patch(Polygon(corners, closed=True, fc=OWN, ec=OWN, lw=0.5))
        self._interval(table.pooled, y, OWN, 1.1)
        if table.predicted:
            y = self.y_predicted
            self._say(self.x_name, y, "New trial", weight="bold")
            self._say(x_text, y, self._text(table.predicted), ha="right", weight="bold")
            self._interval(table.predicted, y, PREDICTION, 4.0)
            x = self._x(table.predicted[0])
            self.ax.plot([x, x], [y - 0.06, y + 0.06], color=OWN, lw=1.2)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1].rstrip() + "…"


def _width(texts: list[str], size: float = FONT, bold: bool = False) -> float:
    """Width in inches of the longest of these texts."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(family=FAMILY, weight="bold" if bold else "normal")))
    font.set_size(size, 72)
    known = font.get_charmap()
    widest = 0.0
    for text in dict.fromkeys(texts):
        # A letter the font lacks comes from the reader's fonts: nothing is wider than W.
        font.set_text("".join(c if ord(c) in known else "W" for c in text), 0.0)
        widest = max(widest, font.get_width_height()[0] / 64)
    return widest / 72


def _wrapped(sentences: list[str], width: float) -> list[str]:
    """Break sentences into lines no wider than this many inches."""
    lines: list[str] = []
    line = ""
    # A prior such as Normal(0, 1) and "95 %" are not torn apart.
    whole = re.sub(r"(?<=,) (?=[-\d.]+\))| (?=%)", "\u00a0", " ".join(sentences))
    for word in whole.split(" "):
        longer = f"{line} {word}".strip()
        if line and _width([longer], SMALL) > width:
            lines.append(line)
            longer = word
        line = longer
    return [*lines, line]
