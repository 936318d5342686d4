"""Simulation-based calibration: where truths lie in their posteriors, and stated probabilities."""

from __future__ import annotations

from collections.abc import Mapping
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
    even_axis,
    panel,
    said,
    say,
    sheet,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["rank_envelopes", "rank_histograms", "stated_and_true"]

NAMES = {
    "mu": "mean effect",
    "tau": "tau",
    "theta_new": "new trial",
    "theta_1": "first trial",
    "phi_1": "its baseline",
    "log_likelihood": "log likelihood",
}
CELL, GAP, NAME = 0.52, 0.12, 2.6  # inches
COARSE = 10  # bins of a histogram

Band = tuple[np.ndarray, np.ndarray, np.ndarray]


def rank_envelopes(counts: pd.DataFrame, bands: Mapping[int, Band]) -> Figure:
    """Draw empirical cdfs of the truths' places less the diagonal, a panel a model and quantity.

    Parameters
    ----------
    counts : DataFrame
        Of one engine: ``model, quantity, simulations, counts`` (of even bins).
    bands : mapping
        By number of simulations: points, lower and upper shares of the simultaneous envelope.
    """

    def one(ax: Any, row: pd.Series) -> None:
        own = _counts(row)
        z = np.arange(1, len(own)) / len(own)
        points, lower, upper = bands[int(row["simulations"])]
        ends = np.concatenate([[0.0], points, [1.0]])
        low, high = (np.concatenate([[0.0], edge - points, [0.0]]) for edge in (lower, upper))
        ax.fill_between(ends, low, high, color=FAINT, linewidth=0)
        away = np.cumsum(own)[:-1] / own.sum() - z
        ax.plot([0, *z, 1], [0, *away, 0], color=OWN, linewidth=0.9)
        ax.axhline(0, color=LINE, linewidth=0.4)
        ax.spines["bottom"].set_visible(False)
        reach = 1.5 * max(float(np.abs(np.concatenate([low, high])).max()), 1e-9)
        ax.set_ylim(-max(reach, np.abs(away).max()), max(reach, np.abs(away).max()))

    words = (
        "Each line: the empirical cdf of where the true value lay in its posterior, less the "
        "diagonal; all numbers of trials together. Grey: where 95 % of such lines of a correct "
        "engine lie as a whole. Heights differ: the fewer the simulations, the wider the band."
    )
    return _grid(counts, one, words)


def rank_histograms(counts: pd.DataFrame) -> Figure:
    """Draw histograms of where the truth lay in its posterior, a panel a model and quantity."""

    def one(ax: Any, row: pd.Series) -> None:
        own = _counts(row).reshape(COARSE, -1).sum(axis=1)
        expected = own.sum() / COARSE
        spread = 2.8 * np.sqrt(expected * (1 - 1 / COARSE))  # 99.5 % of one bar
        ax.axhspan(expected - spread, expected + spread, color=FAINT, linewidth=0)
        ax.bar((np.arange(COARSE) + 0.5) / COARSE, own, 0.08, color=OWN)
        ax.set_ylim(0, 1.6 * expected + spread)

    words = (
        "Each panel: how often the true value lay in each tenth of its posterior, all numbers of "
        "trials together. Grey: where 99.5 % of one bar of a correct engine lie."
    )
    return _grid(counts, one, words)


def stated_and_true(table: pd.DataFrame) -> Figure:
    """Draw how often the effect was below 0 against the probability that was stated.

    Parameters
    ----------
    table : DataFrame
        ``engine, stated, true, standard_error, simulations``: a row a bin.
    """
    side, top = 2.6, 0.62
    words = (
        "Points: stated probabilities of an effect below 0, in bins, and the share of "
        "simulated truths for which it was so; bars: two standard errors. Truths are drawn "
        "from the prior."
    )
    lines = caption([words], PAGE)
    with drawing():
        figure, page = sheet(PAGE, top + side + 0.55 + LINE_HEIGHT * len(lines))
        say(page, MARGIN, 0.2, "When the stated probability is p, how often is it so?", size=9.5)
        engines = sorted(set(table["engine"]), key=str.lower)  # the exact one first
        for i, engine in enumerate(engines):
            left = 0.6 + i * (side + 0.75)
            ax = panel(figure, left, top, side, side)
            own = table[table["engine"] == engine]
            ax.plot([0, 1], [0, 1], color=LINE, linewidth=0.6)
            ax.errorbar(
                own["stated"], own["true"], 2 * own["standard_error"], fmt="o", markersize=3,
                color=OWN if engine == "exact" else SOFT, linewidth=1.0,
            )  # fmt: skip
            even_axis(ax, -0.02, 1.02)
            ax.set_ylim(-0.02, 1.02)
            ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
            ax.tick_params(axis="y", color=LINE, labelcolor=INK, labelsize=SMALL, length=3, pad=2.5)
            total = int(own["simulations"].sum())
            said_by = f"{engine}: {total:,} simulated reviews"
            say(page, left, top - 0.14, said_by, size=SMALL)
            say(page, left + side / 2, top + side + 0.33, "stated", ha="center", size=SMALL)
            say(page, left - 0.42, top + side / 2, "true", ha="center", size=SMALL, rotation=90)
        said(page, top + side + 0.58, lines)
    return figure


def _counts(row: pd.Series) -> np.ndarray:
    return np.array([int(count) for count in str(row["counts"]).split()])


def _grid(counts: pd.DataFrame, draw: Any, words: str) -> Figure:
    """One row of panels a model, one column a quantity."""
    models = list(dict.fromkeys(counts["model"]))
    quantities = [name for name in NAMES if name in set(counts["quantity"])]
    top = 0.5
    width = (PAGE - NAME - 2 * MARGIN) / len(quantities) - GAP
    width = min(width, 1.4)
    lines = caption([words], PAGE)
    below = top + len(models) * (CELL + GAP)
    with drawing():
        figure, page = sheet(PAGE, below + 0.2 + LINE_HEIGHT * len(lines))
        for j, name in enumerate(quantities):
            left = NAME + j * (width + GAP)
            say(page, left + width / 2, 0.25, NAMES[name], ha="center", size=SMALL - 0.5)
        for i, model in enumerate(models):
            own = counts[counts["model"] == model].set_index("quantity", drop=False)
            height = top + i * (CELL + GAP)
            label = _label(model)
            for n, part in enumerate(label):
                middle = height + CELL / 2 + LINE_HEIGHT * (n - (len(label) - 1) / 2)
                say(page, MARGIN, middle, part, size=SMALL, color=INK if n == 0 else LINE)
            for j, name in enumerate(quantities):
                if name in own.index:
                    ax = panel(figure, NAME + j * (width + GAP), height, width, CELL)
                    draw(ax, own.loc[name])
                    ax.set_xlim(0, 1)
                    ax.set_xticks([])
        said(page, below + 0.12, lines)
    return figure


def _label(model: str) -> list[str]:
    head, _, rest = model.partition(": ")
    parts = rest.split(", phi ~ ")
    return [head, parts[0]] + ([f"phi ~ {parts[1]}"] if len(parts) > 1 else [])
