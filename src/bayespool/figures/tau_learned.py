"""What was believed of the spread between trials, and what the data made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayespool.figures.plain import (
    BENEFIT,
    COLUMN,
    INK,
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
    swatch,
)
from bayespool.figures.words import brief

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["tau_learned"]

HIGH = 1.7
DASHED = (0, (4, 2.5))


def tau_learned(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    """Draw the prior and the posterior density of tau, what they share shaded.

    Parameters
    ----------
    table : DataFrame
        By `bayespool.tau_learned`, with its ``attrs``.
    record : dict
        Of the analysis.

    Returns
    -------
    matplotlib.figure.Figure
        One column wide.
    """
    with drawing():
        return _draw(table, record)


def _draw(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    value = table.set_index("what")["value"]
    density = table.attrs["density"]
    tau, prior, posterior = (np.array(density[word]) for word in ("tau", "prior", "posterior"))
    both = table.set_index("what").loc["width"]
    words = [
        f"The shaded area is {100 * value['overlap']:.0f} % of that under either curve.",
        f"The 95 % interval: {both['prior']:.2g} wide before the data,",
        f"{both['posterior']:.2g} after.",
    ]
    notes = caption(words, COLUMN)
    top = MARGIN + 0.85
    y_notes = top + HIGH + 0.58
    figure, page = sheet(COLUMN, y_notes + LINE_HEIGHT * len(notes) + MARGIN - 0.08)
    say(page, MARGIN, MARGIN + 0.06, "Spread between trials, tau", weight="bold")
    lines = (
        (OWN, "-", f"posterior, from {table.attrs['trials']} trials"),
        (SOFT, DASHED, f"prior {brief(table.attrs['prior'])}"),
    )
    for i, (color, style, text) in enumerate(lines):
        y = MARGIN + 0.27 + 0.18 * i
        page.plot([MARGIN, MARGIN + 0.28], [y, y], color=color, lw=1.3, ls=style)
        say(page, MARGIN + 0.34, y, text, size=SMALL, color=INK)
    swatch(page, MARGIN + 0.2, MARGIN + 0.63, BENEFIT, "common to both")
    ax = panel(figure, MARGIN, top, COLUMN - 2 * MARGIN, HIGH)
    even_axis(ax, 0.0, float(tau[-1]))
    ax.fill_between(tau, np.minimum(prior, posterior), color=BENEFIT, lw=0)
    ax.plot(tau, posterior, color=OWN, lw=1.4)
    ax.plot(tau, prior, color=SOFT, lw=1.2, ls=DASHED)
    # A density that is infinite at 0 must not flatten the other one.
    peak = max(
        float(posterior[3:].max()), min(float(prior[3:].max()), 1.8 * float(posterior[3:].max()))
    )
    ax.set_ylim(0, 1.08 * peak)
    scale = {"log": " on the log scale", "atanh": " on the atanh scale"}.get(record["scale"], "")
    say(page, COLUMN / 2, top + HIGH + 0.34, f"Standard deviation{scale}", ha="center")
    said(page, y_notes, notes)
    return figure
