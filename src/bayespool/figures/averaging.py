"""The posterior over all four models: a spike at no effect and a density elsewhere."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayespool.figures.plain import (
    BENEFIT,
    COLUMN,
    LINE_HEIGHT,
    MARGIN,
    OWN,
    SMALL,
    SOFT,
    caption,
    drawing,
    effect_axis,
    panel,
    said,
    say,
    sheet,
)
from bayespool.figures.words import decimals_for, spread
from bayespool.measures import axis_label, measure, symbol
from bayespool.summaries import number, probability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["averaging"]

HIGH = 1.75
SEEN = 0.004  # of its peak: where a density is lower it is not worth the paper
DASHED = (0, (4, 2.5))


def averaging(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    """Draw the model-averaged prior and posterior of the mean effect.

    Parameters
    ----------
    table : DataFrame
        By `bayespool.model_average`, with its ``attrs``.
    record : dict
        Of the analysis: ``measure``.

    Returns
    -------
    matplotlib.figure.Figure
        One column wide. The area under a curve is the probability of an effect; the height of
        the stem at no effect is, on a scale from 0 to 1 of its own, the probability of none.
    """
    with drawing():
        return _draw(table, record)


def _draw(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    kind = measure(str(record["measure"]))
    lines = _evidence(table)
    notes = caption(_words(table, kind.name, kind.ratio), COLUMN)
    top = MARGIN + 0.17 * len(lines) + 0.1
    y_notes = top + HIGH + 0.58
    figure, page = sheet(COLUMN, y_notes + LINE_HEIGHT * len(notes) + MARGIN - 0.08)
    for i, text in enumerate(lines):
        weight = "normal" if i else "bold"
        say(page, MARGIN, MARGIN + 0.05 + 0.17 * i, text, weight=weight, size=SMALL)
    ax = panel(figure, MARGIN, top, COLUMN - 2 * MARGIN, HIGH)
    density = {name: np.array(values) for name, values in table.attrs["density"].items()}
    effect_axis(ax, kind.ratio, *_span(density, kind.ratio, kind.null))
    _curves(ax, density)
    _stems(ax, table, kind.null)
    label = axis_label(kind.name) + (" (log axis)" if kind.ratio else "")
    say(page, COLUMN / 2, top + HIGH + 0.34, label, ha="center")
    said(page, y_notes, notes)
    return figure


def _curves(ax: Axes, density: dict[str, np.ndarray]) -> None:
    x, prior, posterior = density["x"], density["prior"], density["posterior"]
    ax.fill_between(x, posterior, color=BENEFIT, lw=0, alpha=0.6)
    ax.plot(x, posterior, color=OWN, lw=1.3)
    ax.plot(x, prior, color=SOFT, lw=1.1, ls=DASHED)
    peak = max(posterior.max(), min(prior[np.isfinite(prior)].max(), 1.6 * posterior.max()))
    ax.set_ylim(0, 1.06 * peak)


def _stems(ax: Axes, table: pd.DataFrame, null: float) -> None:
    """The mass at exactly no effect, before and after, as shares of the panel's height."""
    found = _by_model(table)
    after = 1 - found["effect"]["probability"]
    before = 1 - found["effect"]["prior"]
    place = ax.get_xaxis_transform()
    peak = table.attrs["density"]["x"][int(np.argmax(table.attrs["density"]["posterior"]))]
    ha, pad = ("right", -5) if peak > null else ("left", 5)
    for p, color, style, width in ((before, SOFT, DASHED, 1.1), (after, OWN, "-", 2.2)):
        ax.plot([null, null], [0, p], transform=place, color=color, lw=width, ls=style)
        ax.plot(null, p, "o", transform=place, color=color, ms=4.5, mec="white", mew=0.5)
    note: dict[str, Any] = {"textcoords": "offset points", "va": "center", "size": SMALL}
    close = abs(after - before) < 0.08
    for p, color, rise in ((before, SOFT, 0), (after, OWN, -9 if close else 0)):
        ax.annotate(
            probability(p), (null, p), (pad, rise), xycoords=place, color=color, ha=ha, **note
        )


def _evidence(table: pd.DataFrame) -> list[str]:
    rows = _by_model(table)
    lines = ["Averaged over {no effect, effect} × {tau = 0, tau > 0}"]
    for name, words in (("effect", "an effect"), ("heterogeneity", "heterogeneity")):
        row = rows[name]
        bf = number(float(row["inclusion_bf"]))
        was, is_ = probability(row["prior"]), probability(row["probability"])
        lines.append(f"P({words}) {was} → {is_}, inclusion Bayes factor {bf}")
    return lines


def _by_model(table: pd.DataFrame) -> dict[str, dict[Hashable, Any]]:
    return {str(row["model"]): row for row in table.to_dict("records")}


def _words(table: pd.DataFrame, name: str, ratio: bool) -> list[str]:
    rows = _by_model(table)
    ends = [[rows[m][f"natural_{e}"] for e in ("median", "lower", "upper")]
            for m in ("effect", "all models")]  # fmt: skip
    decimals = decimals_for(ratio, [(e[1], e[2]) for e in ends])
    given, averaged = (spread(e, decimals, ratio=ratio) for e in ends)
    return [
        "Solid: posterior; dashed: prior.",
        "Stems: the probability of a mean effect of exactly none, 0 to the panel's height at 1.",
        f"{symbol(name)} given an effect {given}; over all models {averaged}.",
    ]


def _span(density: dict[str, np.ndarray], ratio: bool, null: float) -> tuple[float, float]:
    x, y = density["x"], density["posterior"]
    seen = x[y > SEEN * y.max()]
    ends = np.array([min(seen[0], null), max(seen[-1], null)])
    ends = np.log(ends) if ratio else ends
    slack = 0.04 * (ends[1] - ends[0])
    if ratio:
        slack = max(slack, 0.5 * (math.log(1.5) - (ends[1] - ends[0])))
    low, high = float(ends[0] - slack), float(ends[1] + slack)
    # Room for the stems' numbers, on the side where the density is not.
    at, share = (math.log(null) if ratio else null), 0.14
    if x[y.argmax()] > null:
        low = min(low, (at - share * high) / (1 - share))
    else:
        high = max(high, (at - share * low) / (1 - share))
    return (math.exp(low), math.exp(high)) if ratio else (low, high)
