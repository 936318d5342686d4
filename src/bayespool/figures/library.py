"""How the answer of each review of a library moves between priors and to the classical method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayespool.errors import UsageError
from bayespool.figures.plain import (
    FAINT,
    INK,
    LINE,
    MARGIN,
    OWN,
    PAGE,
    PREDICTION,
    SMALL,
    SOFT,
    caption,
    drawing,
    effect_axis,
    favours,
    panel,
    said,
    say,
    sheet,
    short,
    text_width,
)
from bayespool.measures import measure, scale_of, to_natural

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["library"]

COLOURS = (OWN, PREDICTION, SOFT, INK)
MARKS = ("o", "s", "D", "v")
LANE = 0.085  # inches between the intervals of one review
PAD = 0.13
CLASSICAL = "REML, Hartung–Knapp"


def library(table: pd.DataFrame, benefit: str | None = None) -> Figure:
    """Draw each review's mean effect under every prior set, and by REML.

    Parameters
    ----------
    table : DataFrame
        Results of `bayespool.batch`: one measure, at most four prior sets. Reviews without an
        answer are left out.
    benefit : {"lower", "higher"}, optional
        Says whom the sides favour.

    Returns
    -------
    matplotlib.figure.Figure
        Two columns wide, a row a review, sorted by the first prior set's median.

    Raises
    ------
    UsageError
        Several measures, more than four prior sets, or no answer at all.
    """
    known = table[table["mu_median"].notna()]
    sets = list(dict.fromkeys(known["priors"]))
    if known["measure"].nunique() != 1 or len(sets) > len(COLOURS):
        raise UsageError("a figure of a library shows one measure and one to four prior sets.")
    with drawing():
        return _draw(known, sets, benefit)


def _draw(table: pd.DataFrame, sets: list[str], benefit: str | None) -> Figure:
    its = measure(str(table["measure"].iloc[0]))
    first = table[table["priors"] == sets[0]].sort_values("natural_median", kind="stable")
    reviews = [str(name) for name in first["review"]]
    row = PAD + LANE * (len(sets) + 1)
    names = min(text_width([short(name) for name in reviews]) + 0.15, 0.45 * PAGE)
    left, top = MARGIN + names, MARGIN + 0.38
    width = PAGE - left - MARGIN
    words = caption(
        [
            (
                "Points are posterior medians, lines 95 % intervals; by REML the estimate and "
                "its 95 % "
                "confidence interval. An arrow says that an interval goes on beyond the axis."
            )
        ],
        PAGE,
    )
    height = row * len(reviews)
    below = 0.7 if benefit else 0.54
    figure, page = sheet(PAGE, top + height + below + 0.15 * len(words) + MARGIN)
    _legend(page, sets)
    ax = panel(figure, left, top, width, height)
    low, high = _ends(table, its.ratio)
    effect_axis(ax, its.ratio, low, high)
    ax.set_ylim(height, 0)
    ax.axvline(its.null, color=LINE, lw=0.9, zorder=0.8)
    for i, name in enumerate(reviews):
        if i % 2:
            ax.axhspan(row * i, row * (i + 1), color=FAINT, alpha=0.45, lw=0, zorder=0.5)
        say(page, MARGIN, top + row * (i + 0.5), short(name), size=SMALL)
        own = table[table["review"] == name].set_index("priors")
        at = row * i + PAD / 2 + LANE / 2
        for j, prior in enumerate(sets):
            if prior in own.index:
                ends = own.loc[prior, ["natural_median", "natural_lower", "natural_upper"]]
                _interval(ax, np.array(ends, dtype=float), at + LANE * j, COLOURS[j], MARKS[j])
        _interval(ax, _classical(own.iloc[0]), at + LANE * len(sets), LINE, "|")
    y = top + height
    label = its.long[0].upper() + its.long[1:] + (" (log axis)" if its.ratio else "")
    say(page, left + width / 2, y + 0.31, label, ha="center")
    favours(page, benefit, left, left + width, y + 0.48)
    said(page, y + below, words)
    return figure


def _classical(row: pd.Series) -> np.ndarray:
    ends = np.array([row["reml_estimate"], row["reml_lower"], row["reml_upper"]], dtype=float)
    return np.asarray(to_natural(ends, scale_of(str(row["measure"]), "normal")))


def _ends(table: pd.DataFrame, ratio: bool) -> tuple[float, float]:
    """Hold every median, and all but the widest tenth of the intervals."""
    low = min(table["natural_lower"].quantile(0.1), table["natural_median"].min())
    high = max(table["natural_upper"].quantile(0.9), table["natural_median"].max())
    if ratio:
        return float(min(low / 1.1, 0.8)), float(max(high * 1.1, 1.25))
    spare = 0.05 * (high - low)
    return float(min(low, 0) - spare), float(max(high, 0) + spare)


def _interval(ax: Axes, ends: np.ndarray, y: float, colour: str, mark: str) -> None:
    middle, lower, upper = ends
    left, right = ax.get_xlim()
    if lower < right and upper > left:  # not NaN, as with a single trial
        ax.plot([max(lower, left), min(upper, right)], [y, y], color=colour, lw=1.1, zorder=2)
    for end, edge, arrow in ((lower, left, "<"), (upper, right, ">")):
        if (end < edge) if arrow == "<" else (end > edge):
            ax.plot([edge], [y], arrow, color=colour, ms=3.2, mew=0, clip_on=False, zorder=2.5)
    if left <= middle <= right:
        size = 5.0 if mark == "|" else 3.4
        ax.plot([middle], [y], mark, color=colour, ms=size, mew=1.1 if mark == "|" else 0, zorder=3)


def _legend(page: Axes, sets: list[str]) -> None:
    x, y = MARGIN, MARGIN + 0.1
    texts = [*(f"{name} prior" for name in sets), CLASSICAL]
    marks = [*[*zip(COLOURS, MARKS, strict=True)][: len(sets)], (LINE, "|")]
    for text, (colour, mark) in zip(texts, marks, strict=True):
        page.plot([x, x + 0.22], [y, y], color=colour, lw=1.1)
        size = 5.0 if mark == "|" else 3.4
        page.plot([x + 0.11], [y], mark, color=colour, ms=size, mew=1.1 if mark == "|" else 0)
        say(page, x + 0.29, y, text, size=SMALL)
        x += 0.29 + text_width([text]) + 0.25
