"""P(benefit) along families of priors, and where it tips."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayespool.figures.labels import spread_out
from bayespool.figures.plain import (
    FAINT,
    INK,
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
    in_inches,
    panel,
    said,
    say,
    sheet,
    text_width,
)
from bayespool.measures import MEASURES, symbol, to_natural
from bayespool.summaries import number, probability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["tipping"]

LEFT, GAP = 0.5, 0.28
TOP, HIGH = 0.86, 1.75
STRIP = 0.52  # inches from the top to the roots' labels
TITLES = {
    "sceptical prior": ("Sceptical prior: its SD", "SD of Normal(no effect, SD)"),
    "tau scale": ("Spread between trials", "Scale of the prior on tau"),
    "centre": ("Main prior moved", "Its centre, "),
}


def tipping(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    """Draw the answers along each family of `tipping_prior`, its levels and roots marked.

    Parameters
    ----------
    table : DataFrame
        By `bayespool.tipping_prior`, with its ``attrs``.
    record : dict
        Of the analysis.

    Returns
    -------
    matplotlib.figure.Figure
        Two columns wide, a panel a family; the vertical line is the main prior.
    """
    with drawing():
        return _draw(table, record)


def _draw(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    curves = table.attrs["curves"]
    levels = sorted(table["level"].unique())
    low, ticks = _scale(table, levels)
    notes = caption(_words(table, record), PAGE)
    y_notes = TOP + HIGH + 0.62
    figure, page = sheet(PAGE, y_notes + LINE_HEIGHT * len(notes) + MARGIN - 0.08)
    wide = (PAGE - LEFT - MARGIN - GAP * (len(curves) - 1)) / len(curves)
    for i, (what, curve) in enumerate(curves.items()):
        left = LEFT + i * (wide + GAP)
        ax = panel(figure, left, TOP, wide, HIGH)
        ax.set_ylim(low, 1.0 + 0.02 * (1 - low))
        ax.set_yticks(ticks, [f"{tick:g}" if i == 0 else "" for tick in ticks])
        ax.tick_params(axis="y", length=0, labelcolor=INK, labelsize=SMALL, pad=3)
        rows = table[(table["what"] == what) & table["root"].notna()]
        title, label = TITLES[what]
        say(page, left, MARGIN + 0.06, title, weight="bold")
        main = float(curve["main"])
        ends = (left, left + wide)
        _family(ax, page, what, _shown(table, what), main, rows, levels, record, ends)
        if what == "centre":
            label += symbol(str(record["measure"]))
        say(page, left + wide / 2, TOP + HIGH + 0.34, label, ha="center")
        if rows.empty:
            say(
                page,
                left + wide / 2,
                STRIP,
                "no prior here tips it",
                ha="center",
                size=SMALL,
                color=LINE,
            )
    said(page, y_notes, notes)
    return figure


def _scale(table: pd.DataFrame, levels: list[float]) -> tuple[float, list[float]]:
    """Where the height begins, below every curve that is drawn, and its ticks."""
    lowest = min(_shown(table, what)[1].min() for what in table.attrs["curves"])
    if lowest > levels[0] - 0.1:
        return levels[0] - 0.12, [*levels, 1.0]
    least = math.floor(10 * lowest) / 10
    between = [0.5] if least < 0.4 and levels[0] > 0.6 else []
    return max(least - 0.02, 0.0), [least, *between, *levels, 1.0]


def _shown(table: pd.DataFrame, what: str) -> tuple[np.ndarray, np.ndarray]:
    """What is drawn of a curve, analysis scale: of the centre's, what lies near the roots."""
    curve = table.attrs["curves"][what]
    x, p, main = np.array(curve["x"]), np.array(curve["p"]), float(curve["main"])
    if what != "centre":
        return x, p
    roots = table.loc[(table["what"] == what) & table["root"].notna(), "root"]
    ends = [main, *(float(root) for root in roots)]
    beyond = 0.25 * (max(ends) - min(ends)) or 0.5 * float(np.max(np.abs(x - main)))
    seen = (x >= min(ends) - beyond) & (x <= max(ends) + beyond)
    return x[seen], p[seen]


def _family(
    ax: Axes,
    page: Axes,
    what: str,
    drawn: tuple[np.ndarray, np.ndarray],
    main: float,
    rows: pd.DataFrame,
    levels: list[float],
    record: dict[str, Any],
    ends: tuple[float, float],
) -> None:
    x, p = drawn
    roots = rows["root"].to_numpy(dtype=float)
    ratio = what != "centre" or MEASURES[record["measure"]].ratio
    if what == "centre":
        x, roots = (np.asarray(to_natural(v, record["scale"])) for v in (x, roots))
        main = float(to_natural(main, record["scale"]))
    effect_axis(ax, ratio, float(x[0]), float(x[-1]))
    for level in levels:
        ax.axhline(level, color=FAINT, lw=0.8, zorder=0.5)
    if x[0] <= main <= x[-1]:
        ax.axvline(main, color=SOFT, lw=1.0, ls=(0, (4, 2.5)), zorder=0.8)
    ax.plot(x, p, color=OWN, lw=1.5)
    if not len(roots):
        return
    at = rows["level"].to_numpy(dtype=float)
    ax.plot(roots, at, "o", color=OWN, ms=4.4, mec="white", mew=0.6, zorder=3, clip_on=False)
    texts = [f"{number(float(root), digits=2)}".replace("-", "−") for root in roots]
    widths = [text_width([text]) for text in texts]
    points = in_inches(ax, roots, at)
    places = spread_out(points[:, 0], widths, ends)
    if places is None:
        return
    for (px, py), place, text in zip(points, places, texts, strict=True):
        say(page, place, STRIP, text, ha="center", size=SMALL, color=OWN)
        page.plot(
            [place, px, px], [STRIP + 0.09, TOP - 0.06, py], color=OWN, lw=0.6, ls=(0, (1.5, 1.5))
        )


def _words(table: pd.DataFrame, record: dict[str, Any]) -> list[str]:
    name = symbol(str(record["measure"]))
    sign = ">" if table.attrs.get("benefit") == "higher" else "<"
    at = str(table.attrs["threshold"]).replace("-", "−")
    main = probability(table.attrs["main"])
    # A flat prior lies on none of these axes.
    lines = [
        x[0] <= float(curve["main"]) <= x[-1]
        for what, curve in table.attrs["curves"].items()
        for x, _ in [_shown(table, what)]
    ]
    dashed = " (dashed line)" if any(lines) else ""
    return [
        f"Height: P({name} {sign} {at}), {main} under the main prior{dashed}.",
        "Numbers: the priors at which it equals the levels drawn.",
        "SDs and scales are on the analysis scale.",
    ]
