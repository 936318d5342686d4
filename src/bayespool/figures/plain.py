"""Sheets and panels in inches, axes with round ticks, and text measured before it is drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from bayespool.figures.axis import Axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLUMN",
    "PAGE",
    "caption",
    "drawing",
    "effect_axis",
    "even_axis",
    "favours",
    "fitted",
    "in_inches",
    "panel",
    "ratio_axis",
    "said",
    "say",
    "sheet",
    "short",
    "swatch",
    "swatch_width",
    "text_width",
    "tick_text",
    "wrapped",
]

FAMILY = "DejaVu Sans"  # comes with matplotlib
TEXT = 8.0  # points
SMALL = 7.5
LINE_HEIGHT = 0.15  # inches, of SMALL text
MARGIN = 0.12
COLUMN, PAGE = 3.5, 7.2  # inches: one and two columns of a journal (89 and 183 mm)
LONGEST = 40  # letters of a trial's name; the tables have it whole
BETWEEN = 0.1  # inches between the labels of two ticks
INK, OWN, SOFT, LINE, FAINT = "#1f2933", "#1d4e79", "#c8782a", "#6b7680", "#d5dbe1"
PREDICTION = "#7fa3c4"
BENEFIT, IMPORTANT, HARM = "#b9d0e5", "#6f9fc8", "#efc79c"


@contextmanager
def drawing() -> Iterator[None]:
    """Matplotlib's own settings: a picture depends on the data alone, not on a matplotlibrc."""
    import matplotlib as mpl

    with mpl.rc_context({**mpl.rcParamsDefault, "font.family": FAMILY}):
        yield


def sheet(width: float, height: float) -> tuple[Figure, Axes]:
    """Make a white figure, and an Axes over all of it in inches from its top left corner."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white")
    ax = figure.add_axes((0, 0, 1, 1), zorder=2)  # its words lie over the panels
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.axis("off")
    return figure, ax


def panel(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add an Axes at these inches from the top left corner, with nothing but a lower line."""
    full_width, full_height = figure.get_size_inches()
    below = 1 - (top + height) / full_height
    ax = figure.add_axes((left / full_width, below, width / full_width, height / full_height))
    ax.set_facecolor("none")
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set(color=LINE, linewidth=0.8)
    ax.set_yticks([])
    return ax


def say(ax: Axes, x: float, y: float, text: str, ha: str = "left", **style: Any) -> None:
    """Write text as it stands: a dollar is a dollar."""
    style = {"size": TEXT, "color": INK, "va": "center", **style}
    ax.text(x, y, text, ha=ha, parse_math=False, **style)


def favours(
    page: Axes, benefit: str | None, left: float, right: float, y: float, size: float = SMALL
) -> None:
    """Say whom the sides favour, where a benefit was declared; in short where room is short."""
    if benefit is None:
        return
    sides = ("treatment", "control") if benefit == "lower" else ("control", "treatment")
    words = (f"← favours {sides[0]}", f"favours {sides[1]} →")
    if sum(text_width([word], size) for word in words) + 0.1 <= right - left:
        say(page, left, y, words[0], size=size)
        say(page, right, y, words[1], ha="right", size=size)
    else:
        in_short = f"favours: ← {sides[0]}, {sides[1]} →"
        say(page, (left + right) / 2, y, in_short, ha="center", size=size)


def ratio_axis(ax: Axes, low: float, high: float) -> None:
    """Make x a log axis from `low` to `high`, ticked at round ratios such as 0.25, 0.5, 1, 2."""
    _x_axis(ax, Axis(low, high, True))


def even_axis(ax: Axes, low: float, high: float) -> None:
    """Make x an even axis from `low` to `high` with round ticks."""
    _x_axis(ax, Axis(low, high, False))


def effect_axis(ax: Axes, ratio: bool, low: float, high: float) -> None:
    """Make x a log axis for a ratio, an even one for a difference."""
    (ratio_axis if ratio else even_axis)(ax, low, high)


def _x_axis(ax: Axes, axis: Axis) -> None:
    ax.set_xscale("log" if axis.log else "linear")
    ax.set_xlim(axis.lower, axis.upper)
    figure = ax.get_figure(root=True)
    assert figure is not None
    width = float(ax.get_position().width * figure.get_size_inches()[0])
    ticks = _ratios(axis, width) if axis.log else _even(axis, width)
    ax.minorticks_off()
    ax.set_xticks(ticks, [tick_text(tick) for tick in ticks])
    ax.tick_params(axis="x", color=LINE, labelcolor=INK, labelsize=SMALL, length=3, pad=2.5)


def _ratios(axis: Axis, width: float) -> list[float]:
    """Round ratios without those whose labels would meet, going outward from no effect."""
    ticks = [tick for tick in axis.ticks() if _inside(axis, tick, width)]
    start = ticks.index(1.0) if 1.0 in ticks else len(ticks) // 2
    kept = ticks[start : start + 1]
    for tick in [*ticks[start + 1 :], *reversed(ticks[:start])]:
        beside = kept[-1] if tick > kept[-1] else kept[0]
        if _apart(axis, tick, beside, width):
            kept = sorted([*kept, tick])
    return kept


def _even(axis: Axis, width: float) -> list[float]:
    """As many evenly spaced round values as have room for their labels."""
    from matplotlib.ticker import MaxNLocator

    ticks: list[float] = []
    for most in range(6, 0, -1):
        found = MaxNLocator(nbins=most, steps=[1, 2, 5, 10]).tick_values(axis.lower, axis.upper)
        ticks = [
            float(tick)
            for tick in found
            if axis.lower <= tick <= axis.upper and _inside(axis, float(tick), width)
        ]
        if all(_apart(axis, a, b, width) for a, b in pairwise(ticks)):
            break
    return ticks


def _inside(axis: Axis, tick: float, width: float) -> bool:
    """Whether a tick's label stays on the sheet, a margin beyond the panel at most."""
    inches = axis.place(tick) * width
    half = 0.5 * text_width([tick_text(tick)])
    return inches - half > -MARGIN and inches + half < width + MARGIN


def _apart(axis: Axis, a: float, b: float, width: float) -> bool:
    need = 0.5 * sum(text_width([tick_text(tick)]) for tick in (a, b)) + BETWEEN
    return abs(axis.place(a) - axis.place(b)) * width >= need


def tick_text(tick: float) -> str:
    """Write a tick or a threshold with a true minus: four digits say what 1/0.7 is."""
    return f"{tick:.4g}".replace("-", "−")


def in_inches(ax: Axes, x: Any, y: Any) -> np.ndarray:
    """Where data points of a panel lie on the sheet: shape (n, 2), from the top left corner."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    points = ax.transData.transform(np.column_stack([np.atleast_1d(x), np.atleast_1d(y)]))
    inches = figure.dpi_scale_trans.inverted().transform(points)
    inches[:, 1] = figure.get_size_inches()[1] - inches[:, 1]
    return np.asarray(inches)


def swatch(ax: Axes, x: float, y: float, color: str, text: str) -> float:
    """Draw a coloured square with words beside it; return where they end."""
    from matplotlib.patches import Rectangle

    side = 0.09
    edge: dict[str, Any] = {"ec": LINE, "lw": 0.4}
    ax.add_patch(Rectangle((x, y - side / 2), side, side, fc=color, **edge))
    say(ax, x + side + 0.05, y, text, size=SMALL)
    return x + swatch_width(text)


def swatch_width(text: str) -> float:
    """Inches that `swatch` takes."""
    return 0.14 + text_width([text])


def caption(words: Sequence[str], width: float) -> list[str]:
    """Break the sentences below a figure of this width into lines."""
    return wrapped(words, width - 2 * MARGIN)


def said(ax: Axes, y: float, lines: Sequence[str]) -> None:
    """Write a figure's caption from this height down."""
    for i, line in enumerate(lines):
        say(ax, MARGIN, y + LINE_HEIGHT * i, line, size=SMALL, color=LINE)


def short(name: str, longest: int = LONGEST) -> str:
    """Cut a name that is too long for a figure."""
    return name if len(name) <= longest else name[: longest - 1].rstrip() + "…"


def fitted(text: str, width: float, bold: bool = False) -> str:
    """Cut a text that is wider than this many inches."""
    if text_width([text], bold=bold) <= width:
        return text
    room = width - text_width(["…"], bold=bold)
    return text[: _letters(f"{text}…", room, SMALL, bold)].rstrip() + "…"


def text_width(texts: Sequence[str], size: float = SMALL, bold: bool = False) -> float:
    """Width in inches of the longest of these texts."""
    return max((_width(text, size, bold) for text in texts), default=0.0)


@lru_cache(maxsize=10000)
def _width(text: str, size: float, bold: bool) -> float:
    font, known = _font(bold)
    font.set_size(size, 72)
    # A letter the font lacks comes from the reader's fonts: nothing is wider than W.
    font.set_text("".join(c if ord(c) in known else "W" for c in text), 0.0)
    return float(font.get_width_height()[0] / 64 / 72)


@lru_cache(maxsize=2)
def _font(bold: bool) -> tuple[Any, frozenset[int]]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(family=FAMILY, weight="bold" if bold else "normal")))
    return font, frozenset(font.get_charmap())


def wrapped(
    sentences: Sequence[str], width: float, size: float = SMALL, bold: bool = False
) -> list[str]:
    """Break sentences into lines no wider than this many inches."""
    lines: list[str] = []
    line = ""
    # A prior such as Normal(0, 1) and "95 %" are not torn apart.
    whole = re.sub(r"(?<=,) (?=[-\d.]+\))| (?=%)", "\u00a0", " ".join(sentences))
    for word in whole.split(" "):
        longer = f"{line} {word}".strip()
        if line and text_width([longer], size, bold) > width:
            lines.append(line)
            longer = word
        while len(longer) > 1 and text_width([longer], size, bold) > width:
            fits = _letters(longer, width, size, bold)
            lines.append(longer[:fits])
            longer = longer[fits:]
        line = longer
    return [*lines, line]


def _letters(word: str, width: float, size: float, bold: bool) -> int:
    """How many letters of a word that is too long fit on a line."""
    for n in range(len(word) - 1, 1, -1):
        if text_width([word[:n]], size, bold) <= width:
            return n
    return 1
