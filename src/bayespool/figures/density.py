"""Densities: what the trials say of the mean effect, and what was believed before."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayespool.decisions import SIDES, chances, mcse_of
from bayespool.figures.plain import (
    BENEFIT,
    COLUMN,
    FAINT,
    HARM,
    IMPORTANT,
    INK,
    LINE,
    LINE_HEIGHT,
    MARGIN,
    OWN,
    PAGE,
    PREDICTION,
    SMALL,
    SOFT,
    TEXT,
    caption,
    drawing,
    effect_axis,
    even_axis,
    favours,
    panel,
    said,
    say,
    sheet,
    swatch,
    swatch_width,
    tick_text,
)
from bayespool.figures.table import Interval, Table, curves_of, table_of
from bayespool.figures.words import brief, decimals_for, spread
from bayespool.measures import from_natural, symbol
from bayespool.summaries import probability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["effect_density", "prior_posterior"]

SEEN = 0.004  # of its peak: where a density is lower it is not worth the paper
STRIP = 0.17  # inches, a line of words above a panel
DASHED = (0, (4, 2.5))


@dataclass(frozen=True)
class Area:
    """A side of a threshold: where it lies, its colour, and its probability in words."""

    low: float
    high: float
    color: str
    text: str


def effect_density(analysis: Any) -> Figure:
    """Draw the posterior of the mean effect, its areas of benefit and harm shaded.

    Parameters
    ----------
    analysis : Analysis

    Returns
    -------
    matplotlib.figure.Figure
        One column wide. Areas on the drawn axis are probabilities, printed above the panel; the
        dashed line is the prior, the light one a new trial, the bars hold 95 %.
    """
    table = table_of(analysis)
    density = curves_of(analysis)["density"]
    with drawing():
        return _effect(analysis, table, density)


def _effect(analysis: Any, table: Table, density: pd.DataFrame) -> Figure:
    areas = _areas(analysis, table)
    strips = _strips(areas)
    notes = caption(_effect_words(analysis, table), COLUMN)
    top = MARGIN + STRIP * len(strips) + 0.06
    high, below = 1.75, 0.42 + (0.2 if table.benefit else 0.0)
    y_notes = top + high + below + 0.2
    height = y_notes + LINE_HEIGHT * len(notes) + MARGIN - 0.08
    figure, page = sheet(COLUMN, height)
    ax = panel(figure, MARGIN, top, COLUMN - 2 * MARGIN, high)
    effect_axis(ax, table.ratio, *_span(density, table, [analysis.important]))
    _effect_curves(ax, table, density, areas)
    for i, strip in enumerate(strips):
        for j, area in enumerate(strip):
            x = COLUMN - MARGIN - swatch_width(area.text) if j else MARGIN
            swatch(page, x, MARGIN + 0.04 + STRIP * i, area.color, area.text)
    _under(page, table, top + high)
    said(page, y_notes, notes)
    return figure


def _effect_curves(ax: Axes, table: Table, density: pd.DataFrame, areas: list[Area]) -> None:
    x, y, prior = _curve(density, "mu")
    peak = y.max()
    for area in areas:
        inside = (x >= area.low) & (x <= area.high)
        at = np.concatenate([[max(area.low, x[0])], x[inside], [min(area.high, x[-1])]])
        ax.fill_between(at, _between(at, x, y, table.ratio), color=area.color, lw=0)
    ax.plot(x, y, color=OWN, lw=1.3)
    ax.plot(x, prior, color=SOFT, lw=1.0, ls=DASHED)
    if table.predicted:
        x_new, y_new, _ = _curve(density, "theta_new")
        ax.plot(x_new, y_new, color="white", lw=2.6)  # or it would drown in the shaded areas
        ax.plot(x_new, y_new, color=PREDICTION, lw=1.3)
    ceiling = max(peak, min(_largest(prior, x, ax.get_xlim()), 1.6 * peak))
    bars: list[tuple[Interval, str, float]] = [(table.pooled, OWN, 1.6)]
    if table.predicted:
        bars.append((table.predicted, PREDICTION, 3.0))
    step = 0.085 * ceiling
    ax.set_ylim(-step * (len(bars) + 0.6), 1.06 * ceiling)
    ax.plot([0, 1], [0, 0], transform=ax.get_yaxis_transform(), color=LINE, lw=0.6)
    ax.axvline(table.null, color=LINE, lw=0.9, zorder=1.5)
    for i, (interval, color, width) in enumerate(bars):
        _bar(ax, interval, -step * (i + 0.8), color, width)


def _bar(ax: Axes, interval: Interval, y: float, color: str, width: float) -> None:
    """An interval with its median; an arrow where it goes on beyond the axis."""
    left, right = ax.get_xlim()
    low, high = max(interval[1], left), min(interval[2], right)
    ax.plot([low, high], [y, y], color=color, lw=width, solid_capstyle="butt")
    ax.plot(interval[0], y, "o", color=OWN, ms=3.6, mew=0)
    if interval[1] < left:
        ax.plot(left, y, "<", color=color, ms=4.5, mew=0, clip_on=False)
    if interval[2] > right:
        ax.plot(right, y, ">", color=color, ms=4.5, mew=0, clip_on=False)


def _areas(analysis: Any, table: Table) -> list[Area]:
    """Both sides of no effect, then what lies beyond the smallest important effect."""
    name, null = symbol(table.measure), f"{table.null:g}"
    better = SIDES[table.benefit] if table.benefit else "below"
    worse = "above" if better == "below" else "below"
    colors = {better: BENEFIT, worse: HARM if table.benefit else FAINT}
    ends = {"below": (-math.inf, table.null), "above": (table.null, math.inf)}
    words = {"below": f"{name} < {null}", "above": f"{name} > {null}"}
    if table.benefit:
        words = {
            side: ("Benefit, " if side == better else "Harm, ") + text
            for side, text in words.items()
        }
    found = [
        Area(*ends[side], colors[side], f"{words[side]}: {_chance(analysis, table.null, side)}")
        for side in ("below", "above")
    ]
    if analysis.important is not None and table.benefit:
        at = float(analysis.important)
        low, high = (-math.inf, at) if better == "below" else (at, math.inf)
        sign = "<" if better == "below" else ">"
        text = f"Important, {name} {sign} {tick_text(at)}: {_chance(analysis, at, better)}"
        found.append(Area(low, high, IMPORTANT, text))
    return found


def _chance(analysis: Any, threshold: float, side: str) -> str:
    """The probability of the mean effect on one side of a threshold in natural units."""
    posterior = analysis.posterior
    at = float(from_natural(threshold, posterior.scale))
    p = chances(posterior, None, {"": at}, new=False)[f"prob_{side}"][""]
    return probability(p, mcse_of(posterior["mu"], at))


def _effect_words(analysis: Any, table: Table) -> list[str]:
    decimals = decimals_for(table.ratio, [table.pooled[1:]])
    pooled = spread(table.pooled, decimals, ratio=table.ratio)
    prior = analysis.record["priors"]["mu"]
    words = [f"Solid: posterior of the mean effect, {pooled}."]
    if "Flat" in str(prior):
        words.append("The prior is flat.")
    else:
        words.append(f"Dashed: prior, {brief(str(prior))}.")
    if table.predicted:
        predicted = spread(table.predicted, decimals, ratio=table.ratio)
        words.append(f"Light: a new trial, {predicted}.")
    words = [re.sub(r" (?=\[)|(?<=,) (?=\S+\])", "\u00a0", text) for text in words]
    return [*words, "Bars hold 95 %, dots are medians; areas are probabilities."]


def _under(page: Axes, table: Table, y: float) -> None:
    """Name the axis of the effect, and whom its sides favour."""
    label = table.label + (" (log axis)" if table.ratio else "")
    say(page, COLUMN / 2, y + 0.32, label, ha="center")
    favours(page, table.benefit, MARGIN, COLUMN - MARGIN, y + 0.52)


def prior_posterior(analysis: Any) -> Figure:
    """Draw prior (dashed) and posterior (solid) of mu and, beside it, of tau.

    Two columns wide; for a common effect, which has no tau, one.
    """
    table = table_of(analysis)
    density = curves_of(analysis)["density"]
    with drawing():
        return _prior_posterior(analysis, table, density)


def _prior_posterior(analysis: Any, table: Table, density: pd.DataFrame) -> Figure:
    names = [name for name in ("mu", "tau") if (density["quantity"] == name).any()]
    width = PAGE if len(names) == 2 else COLUMN
    wide = COLUMN - 2 * MARGIN
    top, high = MARGIN + 0.62, 1.5
    figure, page = sheet(width, top + high + 0.5)
    titles = {"mu": "Mean effect, mu", "tau": "Spread between trials, tau"}
    label = table.label + (" (log axis)" if table.ratio else "")
    unit = "Standard deviation" + (" on the log scale" if table.ratio else "")
    if analysis.scale == "atanh":
        unit = "Standard deviation on the atanh scale"
    for i, name in enumerate(names):
        left = MARGIN + i * (width - 2 * MARGIN - wide)
        ax = panel(figure, left, top, wide, high)
        x, y, prior = _curve(density, name)
        if name == "mu":
            effect_axis(ax, table.ratio, *_span(density, table, [], new=False))
            ax.axvline(table.null, color=LINE, lw=0.9)
        else:
            even_axis(ax, 0.0, float(x[y > SEEN * y.max()][-1]))
        ax.fill_between(x, y, color=BENEFIT, lw=0, alpha=0.6)
        ax.plot(x, y, color=OWN, lw=1.3)
        ax.plot(x, prior, color=SOFT, lw=1.1, ls=DASHED)
        ax.set_ylim(0, 1.06 * max(y.max(), min(_largest(prior, x, ax.get_xlim()), 1.6 * y.max())))
        said_prior = brief(str(analysis.record["priors"][name]))
        say(page, left, MARGIN + 0.06, titles[name], weight="bold")
        _key(page, left, MARGIN + 0.27, OWN, "-", _posterior_words(table, name))
        flat = " (no density to draw)" if said_prior.startswith("Flat") else ""
        _key(page, left, MARGIN + 0.45, SOFT, DASHED, f"prior {said_prior}{flat}")
        axis_words = label if name == "mu" else unit
        say(page, left + wide / 2, top + high + 0.32, axis_words, ha="center", size=TEXT)
    return figure


def _posterior_words(table: Table, name: str) -> str:
    interval = table.pooled if name == "mu" else table.tau
    if interval is None:
        return "posterior"
    ratio = table.ratio and name == "mu"
    # tau is shown as on the forest plot.
    decimals = decimals_for(ratio, [interval[1:]]) if name == "mu" else 2
    return f"posterior {spread(interval, decimals, ratio=ratio)}"


def _key(page: Axes, x: float, y: float, color: str, style: Any, text: str) -> None:
    page.plot([x, x + 0.28], [y, y], color=color, lw=1.3, ls=style)
    say(page, x + 0.34, y, text, size=SMALL, color=INK)


def _curve(density: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    part = density[density["quantity"] == name]
    x, y, prior = (part[word].to_numpy(dtype=float) for word in ("x", "posterior", "prior"))
    return x, y, prior


def _span(
    density: pd.DataFrame, table: Table, also: list[float | None], new: bool = True
) -> tuple[float, float]:
    """Ends of the effect's axis: where the posterior is seen, no effect, most of a new trial."""
    x, y, _ = _curve(density, "mu")
    seen = x[y > SEEN * y.max()]
    points = [*seen[[0, -1]], table.null, *(value for value in also if value is not None)]
    change = np.log if table.ratio else np.asarray
    low, high = float(change(min(points))), float(change(max(points)))
    if new and table.predicted:
        reach = 0.4 * (high - low)
        ends = change(np.array(table.predicted[1:]))
        low, high = min(low, max(ends[0], low - reach)), max(high, min(ends[1], high + reach))
    slack = 0.02 * (high - low)
    if table.ratio:
        # At least two round ticks.
        slack = max(slack, 0.5 * (math.log(1.5) - (high - low)))
        return math.exp(low - slack), math.exp(high + slack)
    return low - slack, high + slack


def _between(at: np.ndarray, x: np.ndarray, y: np.ndarray, ratio: bool) -> np.ndarray:
    return np.interp(np.log(at), np.log(x), y) if ratio else np.interp(at, x, y)


def _largest(prior: np.ndarray, x: np.ndarray, ends: tuple[float, float]) -> float:
    """The prior's largest density within the axis; 0 where it has none."""
    shown = prior[(x >= ends[0]) & (x <= ends[1]) & np.isfinite(prior)]
    return float(shown.max(initial=0.0))


def _strips(areas: list[Area]) -> list[list[Area]]:
    """Lines of words above the panel: the two sides share one where they fit."""
    first = areas[:2]
    if sum(swatch_width(area.text) for area in first) + 0.15 > COLUMN - 2 * MARGIN:
        return [[area] for area in areas]
    return [first, *([area] for area in areas[2:])]
