"""The prior atlas: P(benefit) over the plane of the two priors' widths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayespool.figures.axis import Axis
from bayespool.figures.labels import Box, beside
from bayespool.figures.plain import (
    COLUMN,
    FAINT,
    INK,
    LINE,
    LINE_HEIGHT,
    MARGIN,
    OWN,
    SMALL,
    caption,
    drawing,
    in_inches,
    panel,
    ratio_axis,
    said,
    say,
    sheet,
    short,
    swatch,
    swatch_width,
    tick_text,
)
from bayespool.figures.words import brief
from bayespool.measures import from_natural, symbol
from bayespool.prior import parse_prior
from bayespool.prior_sensitivity.families import TauFamily, equivalent_sd, tau_family

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["prior_atlas"]

LEVELS = (0.8, 0.9, 0.95, 0.975)  # at which panels decide, and their mirror images
EDGES = (0.0, *(1 - level for level in LEVELS[::-1]), 0.5, *LEVELS, 1.0)
COLORS = (
    "#b35a0c", "#d07f35", "#e3a468", "#f0c79b", "#f7e5d0",
    "#e6edf4", "#c3d6e8", "#98badb", "#6797c4", "#35699f",
)  # fmt: skip
LEFT, HIGH = 0.5, 2.45
STRIP = 0.17
LONGEST_LABEL = 24  # letters beside a dot
Mark = tuple[float, float, str, bool]  # tau's scale, mu's SD, names, whether of the atlas's family


def prior_atlas(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    """Draw the answers of `prior_atlas` as bands between the thresholds of decision.

    Parameters
    ----------
    table : DataFrame
        By `bayespool.prior_atlas`.
    record : dict
        Of the analysis; named priors centred as the atlas is are marked, the main one largest.

    Returns
    -------
    matplotlib.figure.Figure
        One column wide; for a common effect, which has no tau, a curve over mu's prior SD.
    """
    with drawing():
        return _draw(table, record)


def _draw(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    word = table.columns[2]
    sd = np.unique(table["mu_sd"].to_numpy(dtype=float))
    scale = np.unique(table["tau_scale"].dropna().to_numpy(dtype=float))
    common = len(scale) == 0
    p = table[word].to_numpy(dtype=float)
    marks, elsewhere = _named(table, record, common)
    keys = [] if common else _strips(p)
    notes = caption(_words(table, record, marks, elsewhere, common), COLUMN)
    top = MARGIN + 0.3 + STRIP * len(keys)
    y_notes = top + HIGH + 0.58
    figure, page = sheet(COLUMN, y_notes + LINE_HEIGHT * len(notes) + MARGIN - 0.08)
    say(page, MARGIN, MARGIN + 0.06, _title(table, record, word), weight="bold")
    for i, strip in enumerate(keys):
        x = MARGIN
        for color, text in strip:
            x = swatch(page, x, MARGIN + 0.27 + STRIP * i, color, text) + 0.12
    wide = COLUMN - LEFT - MARGIN
    ax = panel(figure, LEFT, top, wide, HIGH)
    unit = "log scale" if record["scale"] == "log" else f"{record['scale']} scale"
    if common:
        _curve(ax, page, sd, p, marks, (LEFT, top, LEFT + wide, top + HIGH))
        say(
            page, LEFT + wide / 2, top + HIGH + 0.34, f"SD of the prior on mu ({unit})", ha="center"
        )
    else:
        taken = _plane(ax, scale, sd, p.reshape(len(sd), len(scale)))
        name = f"{table.attrs['tau_family']} {table.attrs['tau_scale_is']}"
        say(page, LEFT + wide / 2, top + HIGH + 0.34, f"Prior on tau: {name}", ha="center")
        middle = top + HIGH / 2
        text = f"SD of the prior on mu ({unit})"
        say(page, MARGIN, middle, text, ha="center", rotation=90, rotation_mode="anchor")
        _mark(ax, page, marks, (LEFT, top, LEFT + wide, top + HIGH), taken)
    said(page, y_notes, notes)
    return figure


def _plane(ax: Axes, scale: np.ndarray, sd: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The bands and their lines; return where the lines' labels lie, in inches."""
    ratio_axis(ax, float(scale[0]), float(scale[-1]))
    _log_y(ax, float(sd[0]), float(sd[-1]))
    ax.contourf(scale, sd, p, levels=EDGES, colors=COLORS, zorder=0.2)
    lines = [edge for edge in EDGES[1:-1] if p.min() < edge < p.max()]
    taken = np.empty((0, 2))
    if lines:
        drawn = ax.contour(scale, sd, p, levels=lines, colors="white", linewidths=1.0, zorder=0.3)
        labels = {line: f"{line:g}" for line in lines}
        dark = ["white" if abs(line - 0.5) > 0.46 else INK for line in lines]
        texts = ax.clabel(drawn, fmt=labels, fontsize=SMALL - 0.5, colors=dark, inline=True)
        right = float(in_inches(ax, scale[-1], sd[0])[0, 0])
        for text in texts:
            at = in_inches(ax, *text.get_position())
            if at[0, 0] > right - 0.2 or at[0, 0] < LEFT + 0.2:  # cut by the frame, 0.975 reads 0.9
                text.remove()
                continue
            taken = np.vstack([taken, at + np.linspace(-0.15, 0.15, 7)[:, None] * [1, 0]])
    return taken


def _log_y(ax: Axes, low: float, high: float) -> None:
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    ax.minorticks_off()
    ticks = Axis(low, high, True).ticks()
    ax.set_yticks(ticks, [tick_text(tick) for tick in ticks])
    ax.tick_params(axis="y", color=LINE, labelcolor=INK, labelsize=SMALL, length=3, pad=2.5)


def _curve(
    ax: Axes, page: Axes, sd: np.ndarray, p: np.ndarray, marks: list[Mark], frame: Box
) -> None:
    """The answer over mu's prior SD, where there is no tau."""
    ratio_axis(ax, float(sd[0]), float(sd[-1]))
    low = min(float(p.min()) - 0.02, 0.78)
    ax.set_ylim(low, 1.01)
    levels = [level for level in LEVELS if level > low]
    ax.set_yticks(levels, [f"{level:g}" for level in levels])
    ax.tick_params(axis="y", color=LINE, labelcolor=INK, labelsize=SMALL, length=0, pad=2.5)
    for level in levels:
        ax.axhline(level, color=FAINT, lw=0.8, zorder=0.5)
    ax.plot(sd, p, color=OWN, lw=1.5)
    at = np.geomspace(sd[0], sd[-1], 200)
    avoid = in_inches(ax, at, np.interp(np.log(at), np.log(sd), p))
    placed = [
        (x, float(np.interp(np.log(x), np.log(sd), p)), names, own) for _, x, names, own in marks
    ]
    _mark(ax, page, placed, frame, avoid)


# --- the named priors --------------------------------------------------------------------


def _named(
    table: pd.DataFrame, record: dict[str, Any], common: bool
) -> tuple[list[Mark], list[str]]:
    """Named priors on the plane, those at one place together; names of those that are not."""
    centre = float(from_natural(table.attrs["centre"], record["scale"]))
    spread = float(table["mu_sd"].min())
    found: dict[tuple[float, float], tuple[list[str], bool]] = {}
    elsewhere = []
    rows = record.get("other_priors") or [{"prior": "main", **record["priors"]}]
    for row in rows:
        mu = parse_prior(str(row["mu"]), "mu")
        tau = None if common or not row.get("tau") else parse_prior(str(row["tau"]), "tau")
        apart = not mu.proper or abs(float(mu.ppf(0.5)) - centre) > 0.01 * spread
        if apart or (not common and (tau is None or not tau.proper)):
            elsewhere.append(str(row["prior"]))
            continue
        x, own = 1.0, mu.family == "Normal"
        if tau is not None:
            like = _family(table, rows, record)
            same = like.holds(tau)
            own &= same
            times = float(tau.ppf(0.5)) / float(like.like.ppf(0.5))
            x = TauFamily(tau).scale if same else like.scale * times
        place = (x, equivalent_sd(mu))
        inside = table["mu_sd"].min() * 0.99 <= place[1] <= table["mu_sd"].max() * 1.01
        if not common:
            inside &= table["tau_scale"].min() * 0.99 <= x <= table["tau_scale"].max() * 1.01
        if not inside:
            elsewhere.append(str(row["prior"]))
            continue
        names, all_own = found.get(place, ([], True))
        found[place] = ([*names, str(row["prior"])], all_own and own)
    return [(x, y, _label(names), own) for (x, y), (names, own) in found.items()], elsewhere


def _label(names: list[str]) -> str:
    """The sets at one place: all their names, or the first and how many more."""
    joined = ", ".join(names)
    if len(joined) <= LONGEST_LABEL or len(names) == 1:
        return short(joined, LONGEST_LABEL)
    return f"{short(names[0], LONGEST_LABEL)} + {len(names) - 1} more"


def _family(table: pd.DataFrame, rows: list[dict[str, Any]], record: dict[str, Any]) -> TauFamily:
    """The atlas's family of tau: the main prior's, or HalfNormal."""
    text = (record.get("priors") or rows[0]).get("tau")
    family = tau_family(parse_prior(str(text), "tau") if text else None)
    return family if family.name == table.attrs["tau_family"] else tau_family(None)


def _mark(ax: Axes, page: Axes, marks: list[Mark], frame: Box, avoid: np.ndarray) -> None:
    """Dots and, beside them, names that cover neither each other nor what is to be avoided."""
    if not marks:
        return
    x, y = (np.array([mark[i] for mark in marks], dtype=float) for i in (0, 1))
    for i, mark in enumerate(marks):
        face = INK if mark[3] else "white"
        size = 6.0 if i == 0 else 4.4
        ax.plot(x[i], y[i], "o", mfc=face, mec=INK if not mark[3] else "white", mew=0.8, ms=size,
                clip_on=False, zorder=4)  # fmt: skip
    points = in_inches(ax, x, y)
    boxes = beside(points, [mark[2] for mark in marks], frame, np.vstack([points, avoid]))
    for i, (box, mark) in enumerate(zip(boxes, marks, strict=True)):
        if box is None:
            continue
        weight = "bold" if i == 0 else "normal"
        white = {"facecolor": "white", "alpha": 0.65, "edgecolor": "none", "pad": 0.6}
        middle = (box[1] + box[3]) / 2
        say(page, box[0], middle, mark[2], size=SMALL, weight=weight, bbox=white, zorder=5)


# --- words -------------------------------------------------------------------------------


def _title(table: pd.DataFrame, record: dict[str, Any], word: str) -> str:
    name = symbol(str(record["measure"]))
    sign = ">" if table.attrs.get("benefit") == "higher" else "<"
    at = str(table.attrs["threshold"]).replace("-", "−")
    new = " in a new trial" if word.endswith("_new") else ""
    return f"P({name} {sign} {at}){new} under {len(table):,} priors"


def _strips(p: np.ndarray) -> list[list[tuple[str, str]]]:
    """The bands that are there, highest first, in lines that fit."""
    keys = []
    for i in reversed(range(len(COLORS))):
        low, high = EDGES[i], EDGES[i + 1]
        if ((p >= low) & (p <= high)).any():
            text = f"above {low:g}" if high == 1 else f"{round(low, 3):g} to {round(high, 3):g}"
            keys.append((COLORS[i], text if low > 0 else f"below {round(high, 3):g}"))
    strips: list[list[tuple[str, str]]] = [[]]
    for key in keys:
        width = sum(swatch_width(text) + 0.12 for _, text in [*strips[-1], key]) - 0.12
        if strips[-1] and width > COLUMN - 2 * MARGIN:
            strips.append([])
        strips[-1].append(key)
    return strips


def _words(
    table: pd.DataFrame,
    record: dict[str, Any],
    marks: list[Mark],
    elsewhere: list[str],
    common: bool,
) -> list[str]:
    name = symbol(str(record["measure"]))
    centre = f"{table.attrs['centre']:.3g}".replace("-", "−")
    words = [f"Each point is a posterior under mu ~ Normal centred on {name} {centre}."]
    if marks:
        words.append("Dots: named priors, in bold the main one.")
    if not common and any(not mark[3] for mark in marks):
        words.append("Open: of another family, placed by its SD and its median of tau.")
    if elsewhere:
        words.append(f"Not on this plane: {', '.join(map(brief, elsewhere))}.")
    return words
