"""How much each prior and each trial says to the answer, a bar a component."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from bayespool.figures.plain import (
    INK,
    LINE,
    LINE_HEIGHT,
    MARGIN,
    OWN,
    PREDICTION,
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
    swatch,
    text_width,
)
from bayespool.measures import symbol
from bayespool.summaries import probability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["power_scaling"]

WIDTH = 5.2
ROW = 0.19
COLORS = {"prior": SOFT, "trial": OWN, "data": PREDICTION}
WORDS = {"prior": "a prior", "trial": "a trial", "data": "all trials together"}


def power_scaling(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    """Draw the change of P(benefit) for each doubling of a component's power, largest first.

    Parameters
    ----------
    table : DataFrame
        By `bayespool.power_scaling`.
    record : dict
        Of the analysis.

    Returns
    -------
    matplotlib.figure.Figure
        Bars are derivatives; the dots on them are the finite changes at half and double the power.
    """
    with drawing():
        return _draw(table, record)


def _draw(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    rows = table[table["per_doubling"].notna()]
    order = rows["per_doubling"].abs().sort_values(ascending=False, kind="stable").index
    rows = rows.loc[order]
    names = [short(str(name), 34) for name in rows["component"]]
    texts = [f"{value:+.4f}".replace("-", "−") for value in rows["per_doubling"]]
    left = MARGIN + text_width(names) + 0.12
    right = WIDTH - MARGIN - text_width(texts)
    top, height = MARGIN + 0.5, ROW * len(rows) + 0.06
    notes = caption(_words(table, record), WIDTH)
    y_notes = top + height + 0.58
    figure, page = sheet(WIDTH, y_notes + LINE_HEIGHT * len(notes) + MARGIN - 0.08)
    name = symbol(str(record["measure"]))
    sign = ">" if table.attrs.get("benefit") == "higher" else "<"
    at = str(table.attrs["threshold"]).replace("-", "−")
    title = f"Slope of P({name} {sign} {at}) per doubling of the power"
    say(page, MARGIN, MARGIN + 0.06, title, weight="bold")
    x = MARGIN
    for kind in COLORS:
        if (rows["kind"] == kind).any():
            x = swatch(page, x, MARGIN + 0.29, COLORS[kind], WORDS[kind]) + 0.15
    ax = panel(figure, left, top, right - left - 0.12, height)
    values = rows[["per_doubling", "at_half", "at_double"]].to_numpy(dtype=float)
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    slack = 0.04 * (high - low) or 0.01
    even_axis(ax, low - slack, high + slack)
    ax.set_ylim(top + height, top)
    ax.axvline(0.0, color=LINE, lw=0.9)
    for i, (kind, (slope, half, double), name, text) in enumerate(
        zip(rows["kind"], values, names, texts, strict=True)
    ):
        y = top + 0.03 + ROW * (i + 0.5)
        ax.barh(y, slope, height=0.6 * ROW, color=COLORS[kind], lw=0)
        ax.plot([half, double], [y, y], color=INK, lw=0.7)
        ax.plot(half, y, "o", mfc="white", mec=INK, ms=3.6, mew=0.7)
        ax.plot(double, y, "o", mfc=INK, mec=INK, ms=3.6, mew=0.7)
        say(page, left - 0.1, y, name, ha="right", size=SMALL)
        say(page, WIDTH - MARGIN, y, text, ha="right", size=SMALL)
    middle = left + (right - left - 0.12) / 2
    say(page, middle, top + height + 0.34, "Change of the probability", ha="center")
    said(page, y_notes, notes)
    return figure


def _words(table: pd.DataFrame, record: dict[str, Any]) -> list[str]:
    words = [
        f"The probability itself is {probability(table.attrs['main'])}.",
        "Bars: its derivative by log2 of the power, at power 1.",
        "Open dots: its change at half the power, full ones: at double.",
    ]
    for row in table[table["per_doubling"].isna()].to_dict("records"):
        words.append(f"Without a bar: {row['component']} ({row['note']}).")
    return words
