"""The trust dial: the answer as doubted trials count for less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayespool.figures.plain import (
    BENEFIT,
    COLUMN,
    FAINT,
    INK,
    LINE,
    LINE_HEIGHT,
    MARGIN,
    OWN,
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
)
from bayespool.measures import measure, symbol
from bayespool.summaries import probability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["trust"]

LEFT, TOP, HIGH, LOW = 0.5, 0.72, 1.75, 1.05
LEVELS = (0.9, 0.95)
NAMED = 6  # trials in the caption


def trust(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    """Draw P(benefit) and the effect against the weight of the discounted trials.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.trust_dial`.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.

    Returns
    -------
    matplotlib.figure.Figure
        One column wide. Above, P(benefit) with the trials' likelihood to the power of the
        weight (solid) and as smaller trials, their counts times the weight (open circles);
        weights at which a level is passed are marked. Below, the median and the 95 % interval
        of the first.
    """
    with drawing():
        return _draw(table, record)


def _draw(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    kind = measure(record["measure"])
    word = "prob_benefit" if "prob_benefit" in table else "prob_below"
    words = caption(_words(table, word), COLUMN)
    top_2 = TOP + HIGH + 0.62
    y_notes = top_2 + LOW + 0.62
    figure, page = sheet(COLUMN, y_notes + LINE_HEIGHT * len(words) + MARGIN - 0.08)
    wide = COLUMN - LEFT - MARGIN
    upper = panel(figure, LEFT, TOP, wide, HIGH)
    lower = panel(figure, LEFT, top_2, wide, LOW)
    _chances(upper, table, word)
    _effects(lower, table, kind.ratio, kind.null)
    sign = ">" if record["benefit"] == "higher" else "<"
    what = "benefit, " if record["benefit"] else ""
    name = symbol(kind.name)
    title = f"Probability of {what}{name} {sign} {kind.null:g}"
    say(page, MARGIN, MARGIN + 0.06, title, weight="bold")
    page.plot([MARGIN, MARGIN + 0.25], [0.4, 0.4], color=OWN, lw=1.5)
    say(page, MARGIN + 0.31, 0.4, "likelihood to this power", size=SMALL)
    page.plot(COLUMN / 2 + 0.28, 0.4, "o", mfc="white", mec=SOFT, ms=4.4, mew=1.1)
    say(page, COLUMN / 2 + 0.38, 0.4, "as smaller trials", size=SMALL)
    title = f"{name if name != 'effect' else 'Effect'}, median and 95 % interval"
    say(page, MARGIN, top_2 - 0.2, title, weight="bold")
    say(page, LEFT + wide / 2, top_2 + LOW + 0.32, "Weight of these trials", ha="center")
    said(page, y_notes, words)
    return figure


def _chances(ax: Axes, table: pd.DataFrame, word: str) -> None:
    x, p = table["weight"].to_numpy(), table[word].to_numpy()
    counts = table[f"{word}_counts"].to_numpy()
    every = np.concatenate([p, counts[np.isfinite(counts)]])
    every = every[np.isfinite(every)]
    # The levels are always in sight, or a change of a hair would look like a fall.
    slack = 0.03
    low, high = max(min(every.min(), LEVELS[0]) - slack, -0.01), 1.005
    even_axis(ax, -0.02, 1.02)
    _y_axis(ax, low, high, False)
    for level in LEVELS:
        if low < level < high:
            ax.axhline(level, color=LINE, lw=0.8, ls=(0, (4, 2.5)), zorder=0.7)
    ax.plot(x, p, color=OWN, lw=1.5)
    some = np.isfinite(counts)
    style: dict[str, Any] = {"mfc": "white", "mec": SOFT, "ms": 4.4, "mew": 1.1}
    ax.plot(x[some], counts[some], "o-", color=SOFT, lw=0.7, clip_on=False, **style)
    tips = table[table["tips"].notna()]
    ax.vlines(tips["weight"], low, tips["tips"], color=OWN, lw=0.7, ls=(0, (1.5, 1.5)))
    ax.plot(tips["weight"], tips["tips"], "o", color=OWN, ms=4.4, mec="white", mew=0.6, zorder=3)


def _effects(ax: Axes, table: pd.DataFrame, ratio: bool, null: float) -> None:
    x = table["weight"].to_numpy()
    lower, upper = table["natural_lower"].to_numpy(), table["natural_upper"].to_numpy()
    even_axis(ax, -0.02, 1.02)
    low, high = min(np.nanmin(lower), null), max(np.nanmax(upper), null)
    slack = 0.05 * (np.log(high / low) if ratio else high - low)
    if ratio:
        low, high = low * np.exp(-slack), high * np.exp(slack)
    else:
        low, high = low - slack, high + slack
    _y_axis(ax, float(low), float(high), ratio)
    ax.axhline(null, color=LINE, lw=0.9)
    ax.fill_between(x, lower, upper, color=BENEFIT, alpha=0.6, lw=0)
    ax.plot(x, table["natural_median"], color=OWN, lw=1.3)


def _y_axis(ax: Axes, low: float, high: float, ratio: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    from bayespool.measures import ratio_ticks

    ax.set_yscale("log" if ratio else "linear")
    ax.minorticks_off()
    ticks = [tick for tick in MaxNLocator(5).tick_values(low, high) if low <= tick <= high]
    if ratio:
        ticks = ratio_ticks(low, high)
    ax.set_yticks(ticks, [f"{tick:.6g}".replace("-", "−") for tick in ticks])
    ax.set_ylim(low, high)
    ax.tick_params(axis="y", length=0, labelcolor=INK, labelsize=SMALL, pad=3)
    for tick in ticks:
        ax.axhline(tick, color=FAINT, lw=0.6, zorder=0.5)


def _words(table: pd.DataFrame, word: str) -> list[str]:
    names = [short(name) for name in str(table["discounted"].iloc[0]).split("; ")]
    rest = len(names) - NAMED
    listed = ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
    first, last = table[word].iloc[[0, -1]]
    text = (
        f"Discounted: {listed}. Weight 1 is as they are ({probability(last)}), "
        f"0 without them ({probability(first)})."
    )
    tips = [
        f"At weight {row['weight']:.2f} the solid line passes {row['tips']:g}."
        for row in table[table["tips"].notna()].to_dict("records")
    ]
    return [text, *tips]
