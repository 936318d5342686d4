"""How likely a benefit of at least so much is, for every "so much"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayespool.decisions import chances, mcse_of
from bayespool.figures.labels import spread_out
from bayespool.figures.plain import (
    COLUMN,
    FAINT,
    INK,
    LINE,
    LINE_HEIGHT,
    MARGIN,
    OWN,
    PREDICTION,
    SMALL,
    caption,
    drawing,
    effect_axis,
    favours,
    in_inches,
    panel,
    said,
    say,
    sheet,
    text_width,
)
from bayespool.figures.table import Table, curves_of, table_of
from bayespool.measures import from_natural, symbol
from bayespool.summaries import probability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["benefit_curve"]

LEFT = 0.42
TOP, HIGH = 0.86, 1.75
STRIP = 0.38  # inches from the top to the declared thresholds
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


def benefit_curve(analysis: Any) -> Figure:
    """Draw the probability of an effect beyond each threshold, for the mean and a new trial.

    Parameters
    ----------
    analysis : Analysis

    Returns
    -------
    matplotlib.figure.Figure
        One column wide; the declared thresholds are marked with their probabilities. Without a
        declared benefit, the probability of an effect below each threshold.
    """
    table = table_of(analysis)
    curve = curves_of(analysis)["benefit"]
    declared = analysis.tables["prob_benefit"]
    declared = _with_important(analysis, declared[declared["engine"] == analysis.engine])
    with drawing():
        return _draw(table, curve, declared)


def _draw(table: Table, curve: pd.DataFrame, declared: pd.DataFrame) -> Figure:
    word = "prob_benefit" if table.benefit else "prob_below"
    new = f"{word}_new" if f"{word}_new" in curve else None
    notes = caption(_words(table, declared, word, new), COLUMN)
    y_notes = TOP + HIGH + (0.8 if table.benefit else 0.6)
    height = y_notes + LINE_HEIGHT * len(notes) + MARGIN - 0.08
    figure, page = sheet(COLUMN, height)
    wide = COLUMN - LEFT - MARGIN
    ax = panel(figure, LEFT, TOP, wide, HIGH)
    x = curve["threshold"].to_numpy()
    marks = declared["threshold"].astype(float).to_numpy()
    p = declared[word].astype(float).to_numpy()
    effect_axis(ax, table.ratio, *_span(table, curve, word, marks))
    ax.set_ylim(-0.02, 1.02)
    ax.set_yticks(QUARTERS, [f"{q:g}" for q in QUARTERS])
    ax.tick_params(axis="y", length=0, labelcolor=INK, labelsize=SMALL, pad=3)
    for q in QUARTERS:
        ax.axhline(q, color=FAINT, lw=0.6, zorder=0.5)
    ax.axvline(table.null, color=LINE, lw=0.9, zorder=0.8)
    ax.plot(x, curve[word], color=OWN, lw=1.5)
    if new:
        ax.plot(x, curve[new], color=PREDICTION, lw=1.4, ls=(0, (5, 1.5)))
    ax.plot(marks, p, "o", color=OWN, ms=4.2, mec="white", mew=0.6, clip_on=False, zorder=3)
    _mark(page, in_inches(ax, marks, p), _labels(declared, word), (LEFT, LEFT + wide))
    _around(page, table, wide)
    said(page, y_notes, notes)
    return figure


def _with_important(analysis: Any, declared: pd.DataFrame) -> pd.DataFrame:
    """The declared thresholds and, where it is none of them, the smallest important effect."""
    if analysis.important is None or analysis.benefit is None:
        return declared
    label = f"{analysis.important:.4g}"
    if np.isclose(declared["threshold"].astype(float), analysis.important, rtol=1e-3).any():
        return declared
    posterior = analysis.posterior
    at = float(from_natural(analysis.important, posterior.scale))
    found = chances(posterior, analysis.benefit, {label: at})
    row = {"threshold": label, "mcse": mcse_of(posterior["mu"], at)}
    row |= {word: values[label] for word, values in found.items()}
    return pd.concat([declared, pd.DataFrame([row])], ignore_index=True)


def _around(page: Any, table: Table, wide: float) -> None:
    name = symbol(table.measure)
    sign = ">" if table.benefit == "higher" else "<"
    what = "benefit: " if table.benefit else ""
    say(page, MARGIN, MARGIN + 0.06, f"Probability of {what}{name} {sign} threshold", weight="bold")
    label = f"Threshold, {table.label[0].lower()}{table.label[1:]}"
    label += " (log axis)" if table.ratio else ""
    say(page, LEFT + wide / 2, TOP + HIGH + 0.32, label, ha="center")
    favours(page, table.benefit, LEFT, LEFT + wide, TOP + HIGH + 0.52)


def _words(table: Table, declared: pd.DataFrame, word: str, new: str | None) -> list[str]:
    words = ["Solid: the mean effect." + (" Dashed: the effect in a new trial." if new else "")]
    sign = ">" if table.benefit == "higher" else "<"
    for row in declared.to_dict("records"):
        at = f"{symbol(table.measure)} {sign} {row['threshold']}".replace("-", "−")
        text = f"{at}: {probability(row[word], row['mcse'])}"
        if new and new in row:
            text += f" (new trial {probability(row[new], row['mcse'])})"
        words.append(text.replace(" ", "\u00a0") + ";")
    words[-1] = words[-1][:-1] + "."
    return words


def _span(table: Table, curve: pd.DataFrame, word: str, marks: np.ndarray) -> tuple[float, float]:
    """From where the mean's probability is hardly above 0 to hardly below 1, and every mark."""
    inside = curve[word].between(0.004, 0.996)
    ends = [*curve.loc[inside, "threshold"].iloc[[0, -1]], table.null, *marks]
    if table.predicted:
        ends += [table.predicted[0]]
    change = np.log if table.ratio else np.asarray
    low, high = float(change(min(ends))), float(change(max(ends)))
    slack = 0.06 * (high - low)
    if table.ratio:
        slack = max(slack, 0.5 * (float(np.log(1.5)) - (high - low)))
        return float(np.exp(low - slack)), float(np.exp(high + slack))
    return low - slack, high + slack


def _labels(declared: pd.DataFrame, word: str) -> list[str]:
    return [
        f"{row['threshold']}\n{probability(row[word], row['mcse'])}".replace("-", "−")
        for row in declared.to_dict("records")
    ]


def _mark(page: Any, points: np.ndarray, texts: list[str], ends: tuple[float, float]) -> None:
    """Write each threshold and its probability above the panel, with a line to its point."""
    widths = [text_width(text.split("\n")) for text in texts]
    places = spread_out(points[:, 0], widths, ends)
    if places is None:
        return  # too many; the caption has them all
    for (x, y), place, text in zip(points, places, texts, strict=True):
        say(page, place, STRIP, text, ha="center", size=SMALL, color=OWN, linespacing=1.2)
        path = ([place, x, x], [STRIP + 0.17, TOP - 0.06, y])
        page.plot(*path, color=OWN, lw=0.6, ls=(0, (1.5, 1.5)))
