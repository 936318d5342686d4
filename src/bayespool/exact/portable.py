"""A surface small enough to send: one grid for every prior and subset that a reader may ask for.

`Surface.posterior` lays its nodes out for the prior at hand; a page of results cannot. Its grid
is laid out once, for priors within `Reach`, and carries each trial's log likelihood in steps of
2^-14, as differences that compress well.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayespool.axes import Array, ScaleAxis, SinhAxis, nodes, step, uniform
from bayespool.exact.build import Grid, log_l

if TYPE_CHECKING:
    from bayespool.exact.surface import Surface

__all__ = ["Reach", "pack", "portable", "reach_of"]

STEP_MU, STEP_TAU = 0.12, 0.1
TAU_MAX = 300.0  # units of the outcome's spread: a HalfCauchy prior and two trials end there
LEVELS = 2**14  # steps of a log likelihood to 1
DEPTH = 3000.0  # a log likelihood so far below its best is as good as any lower one


@dataclass(frozen=True)
class Reach:
    """Priors that the grid is laid out for, on the analysis scale."""

    unit: float  # the outcome's natural spread: 1 for a log ratio
    mean: tuple[float, float]  # of the prior on mu
    sd: tuple[float, float]
    scale: tuple[float, float]  # of the prior on tau


def reach_of(surface: Surface, important: float | None = None) -> Reach:
    """The priors that make sense on this surface's scale.

    A log ratio and a standardised difference have the unit 1, atanh of a risk difference 0.3;
    another difference the largest of the pooled estimate, a trial's error and the ``important``
    effect.
    """
    if surface.scale == "log" or surface.measure == "SMD":
        unit = 1.0
    elif surface.scale == "atanh" or surface.measure == "RD":
        unit = 0.3
    else:
        pulls = (surface.frame.centre, surface.frame.typical, important or 0.0)
        unit = float(np.abs(pulls).max())
    fine = min(unit, 3 * surface.frame.typical)
    return Reach(unit, (-1.4 * unit, 1.4 * unit), (0.1 * unit, 10 * unit), (0.05 * fine, 2 * unit))


def portable(surface: Surface, important: float | None = None) -> Grid:
    """Lay out and fill one grid for all priors within `reach_of` and any trials left out."""
    unit, data = reach_of(surface, important).unit, surface.frame
    furthest = 4 * TAU_MAX * unit
    tau = None
    if surface.effects != "common":
        empty = ScaleAxis(min(data.typical, 0.3 * unit), np.zeros(2))
        last = float(empty.to_x(np.array([TAU_MAX * unit]))[0])
        size = min(STEP_TAU, 0.5 / np.sqrt(max(data.k, 1.0)))
        tau = replace(empty, x=uniform(-2.5, last, size))
    # Even about no effect, where a reader's prior is, and fine at the pooled estimate.
    mu = SinhAxis((0.0, data.centre), (0.7 * unit, data.width), np.zeros(2))
    ends = [-furthest, furthest]
    ends[0] = min(ends[0], data.low) if np.isfinite(data.low) else ends[0]
    ends[1] = max(ends[1], data.high) if np.isfinite(data.high) else ends[1]
    first, last = mu.to_x(np.array(ends))
    mu = replace(mu, x=uniform(first, last, STEP_MU))
    return Grid(mu, tau, log_l(surface.evidence, nodes(mu), tau))


def pack(surface: Surface, important: float | None = None) -> dict[str, Any]:
    """Write the portable grid of a surface as JSON.

    Returns
    -------
    dict
        ``mu``: ``nodes``, ``centres``, ``widths``, ``first`` and ``step`` of the axis (see
        `SinhAxis`); ``tau``: ``scale``, ``first``, ``step``, ``count`` (see `ScaleAxis`), or null;
        ``effects``; ``informing``, by trial; ``levels``; ``log_l``: base64 of zlib of the third
        differences (second along mu, first along tau) of round(levels × log L) relative to each
        trial's best, in zigzag code, low bytes first, each byte of all numbers together.
    """
    grid = portable(surface, important)
    assert isinstance(grid.mu, SinhAxis)
    tau = None
    if isinstance(grid.tau, ScaleAxis):
        tau = {
            "scale": grid.tau.scale,
            "first": float(grid.tau.x[0]),
            "step": step(grid.tau),
            "count": len(grid.tau.x),
        }
    return {
        "mu": {
            "nodes": [float(v) for v in nodes(grid.mu)],
            "centres": list(grid.mu.centres),
            "widths": list(grid.mu.widths),
            "first": float(grid.mu.x[0]),
            "step": step(grid.mu),
        },
        "tau": tau,
        "effects": surface.effects,
        "informing": [bool(each) for each in surface.informing],
        "levels": LEVELS,
        "log_l": _packed(grid.log_l),
    }


def _packed(rows: Array) -> str:
    best = rows.max(axis=(1, 2), keepdims=True)
    whole = np.round(np.maximum(rows - best, -DEPTH) * LEVELS).astype(np.int32)
    for _ in range(2):
        whole = np.diff(whole, axis=1, prepend=0)
    if whole.shape[2] > 1:
        whole = np.diff(whole, axis=2, prepend=0)
    zigzag = ((whole << 1) ^ (whole >> 31)).astype("<u4")
    planes = zigzag.ravel().view(np.uint8).reshape(-1, 4).T
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode("ascii")
