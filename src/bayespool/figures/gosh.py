"""Every subset of the trials: its effect, its heterogeneity, and its probability of benefit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

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
    even_axis,
    panel,
    said,
    say,
    sheet,
    short,
    swatch,
    swatch_width,
)
from bayespool.measures import axis_label, measure, symbol
from bayespool.subsets import by_size, members, presence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["gosh"]

DPI = 220  # of the clouds of points, which are pixels within the drawing
DRAWN = 20_000  # points of a cloud; more would not be seen
TOP, HIGH, SIDE = 1.0, 2.55, 0.42
LEFT, WIDE = 0.5, 2.75
LEFT_2 = 4.65
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)
EDGE = 0.0005  # of the subsets, left out at each end of an axis


def gosh(table: pd.DataFrame, record: dict[str, Any], trial: str | None = None) -> Figure:
    """Draw the posteriors of all subsets.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.gosh`, with its ``attrs``.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.
    trial : str, optional
        Whose presence is coloured; by default the one that moves P(benefit) most.

    Returns
    -------
    matplotlib.figure.Figure
        Two columns wide. Left, heterogeneity against the effect, a point a subset, with the
        distribution of each; right, P(benefit) by the number of trials, the bars holding the
        middle half of the subsets. For a common effect P(benefit) takes the place of the
        heterogeneity. Up to 20,000 points are drawn, at random.
    """
    names = list(table.attrs["trials"])
    shown = table[table["natural_mean"].notna()]
    if "tau_mean" in table:
        shown = shown[shown["tau_mean"].notna()]
    if trial is None:
        trial = str(presence(table, names).loc[0, "trial"])
    rng = np.random.default_rng(2026)
    if len(shown) > DRAWN:
        shown = shown.iloc[rng.permutation(len(shown))[:DRAWN]]
    else:
        shown = shown.iloc[rng.permutation(len(shown))]  # neither colour always on top
    with drawing():
        return _draw(table, shown, names, trial, record)


def _draw(
    table: pd.DataFrame, shown: pd.DataFrame, names: list[str], trial: str, record: dict[str, Any]
) -> Figure:
    kind = measure(record["measure"])
    held = members(shown, names)[trial].to_numpy()
    colors = np.where(held, SOFT, OWN)
    words = caption([_words(table, shown)], PAGE)
    y_notes = TOP + HIGH + 0.62
    figure, page = sheet(PAGE, y_notes + LINE_HEIGHT * len(words) + MARGIN - 0.08)
    figure.set_dpi(DPI)
    word = "prob_benefit" if "prob_benefit" in table else "prob_below"
    upright = "tau_mean" if "tau_mean" in table else word
    main = panel(figure, LEFT, TOP, WIDE, HIGH)
    x, y = shown["natural_mean"].to_numpy(), shown[upright].to_numpy()
    low, high = _ends(x, kind.ratio)
    effect_axis(main, kind.ratio, low, high)
    _y_axis(main, *((0.0, 1.02) if upright == word else _spread_ends(y)))
    main.axvline(kind.null, color=LINE, lw=0.9, zorder=0.8)
    size = float(np.clip(2500 / max(len(x), 1), 0.8, 16.0))
    main.scatter(x, y, s=size, c=colors, alpha=0.5, lw=0, rasterized=True)
    _margins(figure, main, x, y, held, kind.ratio)
    _sizes(figure, table, shown, colors, word, size)
    what = "Heterogeneity: posterior mean of tau" if upright == "tau_mean" else _chance(record)
    say(page, MARGIN, TOP - SIDE - 0.1, what, size=SMALL, weight="bold")
    label = f"{axis_label(kind.name)}, posterior mean" + (" (log axis)" if kind.ratio else "")
    say(page, LEFT + WIDE / 2, TOP + HIGH + 0.36, label, ha="center", size=SMALL)
    say(page, LEFT_2 - 0.38, TOP - SIDE - 0.1, _chance(record), size=SMALL, weight="bold")
    middle = (LEFT_2 + PAGE - MARGIN) / 2
    say(page, middle, TOP + HIGH + 0.36, "Trials in the subset", ha="center", size=SMALL)
    _key(page, trial)
    said(page, y_notes, words)
    return figure


def _key(page: Axes, trial: str) -> None:
    held, not_held = f"with {short(trial)}", "without it"
    swatch(page, MARGIN, MARGIN + 0.04, SOFT, held)
    swatch(page, MARGIN + swatch_width(held) + 0.2, MARGIN + 0.04, OWN, not_held)


def _chance(record: dict[str, Any]) -> str:
    sign = ">" if record["benefit"] == "higher" else "<"
    null = f"{measure(record['measure']).null:g}"
    what = "benefit, " if record["benefit"] else ""
    return f"Probability of {what}{symbol(record['measure'])} {sign} {null}"


def _ends(x: np.ndarray, ratio: bool) -> tuple[float, float]:
    low, high = np.quantile(x, [EDGE, 1 - EDGE])
    if not ratio:
        slack = 0.04 * (high - low) or 1.0
        return float(low - slack), float(high + slack)
    slack = max(0.04 * np.log(high / low), 0.5 * (np.log(1.5) - np.log(high / low)))
    return float(low * np.exp(-slack)), float(high * np.exp(slack))


def _spread_ends(y: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(y, [EDGE, 1 - EDGE])
    slack = 0.06 * (high - low) or 0.1
    return float(low - slack if low > 0.3 * high else 0.0), float(high + slack)


def _y_axis(ax: Axes, low: float, high: float) -> None:
    from matplotlib.ticker import MaxNLocator

    ticks = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    ax.set_yticks(ticks, [f"{tick:.6g}".replace("-", "−") for tick in ticks])
    ax.set_ylim(low, high)
    ax.tick_params(axis="y", length=0, labelcolor=INK, labelsize=SMALL, pad=3)
    ax.grid(axis="y", color=FAINT, lw=0.6)
    ax.set_axisbelow(True)


def _margins(
    figure: Figure, main: Axes, x: np.ndarray, y: np.ndarray, held: np.ndarray, ratio: bool
) -> None:
    """How many subsets lie where, along each axis and by whether they hold the trial."""
    above = panel(figure, LEFT, TOP - SIDE + 0.04, WIDE, SIDE - 0.08)
    beside = panel(figure, LEFT + WIDE + 0.04, TOP, SIDE - 0.08, HIGH)
    low, high = main.get_xlim()
    edges = np.geomspace(low, high, 61) if ratio else np.linspace(low, high, 61)
    above.set_xscale("log" if ratio else "linear")
    above.set_xlim(low, high)
    beside.set_ylim(main.get_ylim())
    rungs = np.linspace(*main.get_ylim(), 61)
    for ax in (above, beside):
        for spine in ax.spines.values():
            spine.set_visible(False)
        ax.minorticks_off()
        ax.set_xticks([])
        ax.set_yticks([])
    for mask, color in ((held, SOFT), (~held, OWN)):
        heights, _ = np.histogram(x[mask], edges)
        above.stairs(heights, edges, color=color, lw=0.9)
        heights, _ = np.histogram(y[mask], rungs)
        beside.stairs(heights, rungs, color=color, lw=0.9, orientation="horizontal")


def _sizes(
    figure: Figure,
    table: pd.DataFrame,
    shown: pd.DataFrame,
    colors: np.ndarray,
    word: str,
    size: float,
) -> None:
    """P(benefit) by the number of trials: each subset a point, and the middle half a bar."""
    ax = panel(figure, LEFT_2, TOP, PAGE - MARGIN - LEFT_2, HIGH)
    groups = by_size(table)
    k = int(groups["size"].max())
    even_axis(ax, 0.4, k + 0.6)
    step = 1 if k <= 12 else 2 if k <= 24 else 5
    ticks = [i for i in range(1, k + 1) if i % step == k % step or step == 1]
    ax.set_xticks(ticks, [f"{tick}" for tick in ticks])
    ax.set_ylim(-0.02, 1.02)
    ax.set_yticks(QUARTERS, [f"{q:g}" for q in QUARTERS])
    ax.tick_params(axis="y", length=0, labelcolor=INK, labelsize=SMALL, pad=3)
    for q in QUARTERS:
        ax.axhline(q, color=FAINT, lw=0.6, zorder=0.5)
    rng = np.random.default_rng(1)
    at = shown["size"].to_numpy() + rng.uniform(-0.34, 0.34, len(shown))
    ax.scatter(at, shown[word], s=size, c=colors, alpha=0.5, lw=0, rasterized=True, clip_on=False)
    x = groups["size"].to_numpy()
    ax.vlines(x, groups["lower"], groups["upper"], color=INK, lw=1.8)
    ax.plot(x, groups["median"], color=INK, lw=0.8)
    ax.plot(x, groups["median"], "o", color="white", mec=INK, ms=3.6, mew=0.9)


def _words(table: pd.DataFrame, shown: pd.DataFrame) -> str:
    count, of = len(table), int(table.attrs["of"])
    if table.attrs.get("seed") is None:
        text = f"All {count:,} subsets of the trials, each with its own posterior."
    else:
        text = f"{count:,} of the {of:,.3g} subsets of the trials, at random, each with its own "
        text += "posterior."
    if len(shown) < count:
        text += f" {len(shown):,} of them are drawn."
    return text + " Right: circles are medians over the subsets of a size, bars their middle half."
