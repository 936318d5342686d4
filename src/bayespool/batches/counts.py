"""The likelihood of many trials' counts at once: log g(theta), phi integrated out.

The integral is that of `bayespool.exact.trial`: a trapezoid sum over phi around its mode at each
theta. Here the mode and the reach of the integrand are found at a few thetas of a trial and
interpolated between, and all trials go through every step together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

from bayespool.axes import Array
from bayespool.exact.trial import CORE, THETA_LIMIT, log_of_phi, log_sum, log_ways, reach_of_phi
from bayespool.prior import Prior

__all__ = ["Likelihoods", "likelihoods"]

NODES = 48  # of phi
STEP = 0.045  # of a trial's own axis, whose unit is CORE standard errors
FLOOR = -90.0  # log g below its peak: no trial lives there
SCOUTS = 33  # thetas at which the integrand over phi is looked for
NOTHING = -50.0  # log g below its peak: it adds nothing to a sum
NEAR = 12.0  # log g below its peak, down to which its error is looked at
_AT = np.linspace(-1.0, 1.0, 49)
_TOGETHER = 4_000_000  # numbers in an array over trials, theta and phi: 32 MB


@dataclass(frozen=True, eq=False)
class Likelihoods:
    """log g of many trials, each a spline on an axis of its own.

    Attributes
    ----------
    centre, width : arrays of shape (trials,)
        A rough estimate and its standard error.
    first, last : arrays of shape (trials,)
        Ends of the axis, in its own coordinate; g is constant beyond.
    low, high : arrays of shape (trials,)
        Ends of where g is not negligible; infinite where it does not fall to nothing.
    error : array of shape (trials,)
        Largest relative error near the peak of g that the nodes of phi may leave.
    cells, offset : arrays of shape (trials,)
        Cells of each spline, and where its first one is in ``cubics``.
    powers : array of shape (6, all cells)
        Polynomials of degree 5, highest power first.
    """

    centre: Array
    width: Array
    first: Array
    last: Array
    low: Array
    high: Array
    error: Array
    cells: NDArray[np.intp]
    offset: NDArray[np.intp]
    powers: Array

    def at(self, theta: Array, rows: NDArray[np.intp]) -> Array:
        """log g of some trials, shape (rows, n), at ``theta`` of the same shape."""
        column = {
            name: getattr(self, name)[rows, None]
            for name in ("centre", "width", "first", "last", "cells", "offset")
        }
        x = np.arcsinh((theta - column["centre"]) / (CORE * column["width"]))
        x = np.clip(x, column["first"], column["last"]) - column["first"]
        x *= column["cells"] / (column["last"] - column["first"])
        cell = np.minimum(x.astype(np.intp), column["cells"] - 1)
        x -= cell
        cell += column["offset"]
        value = self.powers[0][cell]
        for power in self.powers[1:]:
            value *= x
            value += power[cell]
        return value


def likelihoods(measure: str, arms: Array, centre: Array, width: Array, phi: Prior) -> Likelihoods:
    """Integrate phi out of every trial's two binomials.

    Parameters
    ----------
    measure : "OR", "RR" or "RD"
    arms : array of shape (trials, 4)
        Events and size of the treatment arm, events and size of the control arm.
    centre, width : arrays of shape (trials,)
        A rough estimate of theta and its standard error: they only place the nodes.
    phi : Prior
    """
    parts = [
        _some(measure, arms[rows], centre[rows], width[rows], phi)
        for rows in _blocks(len(arms), SCOUTS * len(_AT))
    ]
    whole = {
        name: np.concatenate([part[name] for part in parts])
        for name in parts[0]
        if name != "powers"
    }
    cells = whole["cells"]
    powers = np.concatenate([own for part in parts for own in part["powers"]], axis=1)
    return Likelihoods(centre, width, offset=np.cumsum(cells) - cells, powers=powers, **whole)


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    size = max(_TOGETHER // (4 * columns), 1)
    return (slice(start, start + size) for start in range(0, rows, size))


def _some(measure: str, arms: Array, centre: Array, width: Array, phi: Prior) -> dict[str, Any]:
    """What `Likelihoods` has of some trials; ``powers`` as a list."""
    unit = CORE * width
    limits = np.arcsinh((THETA_LIMIT - np.abs(centre)) / unit)
    scout = limits[:, None] * np.linspace(-1.0, 1.0, SCOUTS)
    located = _located(measure, arms, centre[:, None] + unit[:, None] * np.sinh(scout), phi)
    height = located[-1]
    seen = height > height.max(axis=1, keepdims=True) + FLOOR
    rows = np.arange(len(arms))
    first = scout[rows, np.maximum(seen.argmax(axis=1) - 1, 0)]
    last = scout[rows, np.minimum(SCOUTS - seen[:, ::-1].argmax(axis=1), SCOUTS - 1)]
    cells = (np.ceil((last - first) / STEP / 16) * 16).astype(np.intp)
    low, high, error = (np.empty(len(arms)) for _ in range(3))
    powers: list[Array] = [np.empty(0)] * len(arms)
    for count in np.unique(cells).tolist():
        same = np.flatnonzero(cells == count)
        for block in _blocks(len(same), (count + 1) * NODES):
            own = same[block]
            x = first[own, None] + (last - first)[own, None] * np.linspace(0.0, 1.0, count + 1)
            theta = centre[own, None] + unit[own, None] * np.sinh(x)
            place = (x / limits[own, None] + 1) * (0.5 * (SCOUTS - 1))
            cell = np.minimum(place.astype(np.intp), SCOUTS - 2)
            part = place - cell
            between = [
                (1 - part) * of[own[:, None], cell] + part * of[own[:, None], cell + 1]
                for of in located[:-1]
            ]
            log_g, error[own] = _summed(measure, arms[own], theta, phi, *between)
            top = log_g.max(axis=1, keepdims=True)
            there = log_g > top + NOTHING
            begin, end = there.argmax(axis=1), count - there[:, ::-1].argmax(axis=1)
            at = np.arange(len(own))
            low[own] = np.where(begin > 0, theta[at, begin], -np.inf)
            high[own] = np.where(end < count, theta[at, end], np.inf)
            for i, cubic in zip(own, _powers(np.maximum(log_g, top + 1.5 * FLOOR)), strict=True):
                powers[i] = cubic
    return {
        "first": first, "last": last, "low": low, "high": high, "error": error, "cells": cells,
        "powers": powers,
    }  # fmt: skip


def _powers(values: Array) -> Array:
    """Polynomials of degree 5 through each row, highest power first: (rows, 6, cells)."""
    cells = values.shape[1] - 1
    spline = make_interp_spline(np.arange(cells + 1.0), values, k=5, axis=1)
    at, factor = np.arange(float(cells)), 1.0
    found = []
    for order in range(6):
        factor *= max(order, 1)
        found.append(spline(at, nu=order) / factor)
    return np.stack(found[::-1], axis=1)


def _log_density(measure: str, arms: Array, theta: Array, prior: Prior) -> Callable[[Array], Array]:
    """log of prior and likelihood at phi (trials, thetas, any)."""
    if measure != "OR":
        return log_of_phi(measure, arms, theta, prior)
    # log risks cost two logarithms, not four
    r1, n1, r0, n0 = (column[:, None, None] for column in arms.T)
    effect = theta[..., None]
    tilt, constant = np.exp(0.5 * effect), 0.5 * effect * (r1 - r0)

    def log_f(at: Array) -> Array:
        odds = np.exp(at)
        free = n0 * np.log(1 + odds / tilt) + n1 * np.log(1 + odds * tilt)
        return np.asarray(prior.logpdf(at) + (r1 + r0) * at + constant - free)

    return log_f


def _located(measure: str, arms: Array, theta: Array, prior: Prior) -> tuple[Array, ...]:
    """Mode and width of the integrand over phi, its ends in asinh widths, and its height.

    See `bayespool.exact.trial`: a scout over the whole prior, then Newton steps on the parabola
    through three points.
    """
    log_f = _log_density(measure, arms, theta, prior)
    guess, scale, span, low, high = reach_of_phi(arms, theta, prior)
    scouted = guess[..., None] + scale[..., None] * np.sinh(span[..., None] * _AT)
    scouted = np.clip(scouted, low, high)
    values = log_f(scouted)
    best = values.argmax(axis=-1)[..., None]
    height = np.take_along_axis(values, best, -1)
    seen = values > height - 45.0
    first = np.maximum(seen.argmax(axis=-1) - 1, 0)[..., None]
    last = np.minimum(len(_AT) - seen[..., ::-1].argmax(axis=-1), len(_AT) - 1)[..., None]
    ends = [np.take_along_axis(scouted, end, -1)[..., 0] for end in (first, last)]
    mode = np.take_along_axis(scouted, best, -1)[..., 0]
    width = np.maximum(scale, np.abs(mode - guess) * span * (_AT[1] - _AT[0]))
    best_mode, best_value, scale = mode, np.full(mode.shape, -np.inf), width
    for _ in range(5):
        delta = 0.3 * scale
        about = mode[..., None] + delta[..., None] * np.array([-1.0, 0.0, 1.0])
        left, middle, right = np.moveaxis(log_f(about), -1, 0)
        curvature = np.maximum((2 * middle - left - right) / delta**2, 1e-3 / scale**2)
        better = middle >= best_value
        width = np.where(better, 1 / np.sqrt(curvature), width)
        best_mode = np.where(better, mode, best_mode)
        best_value = np.where(better, middle, best_value)
        shift = np.clip((right - left) / (2 * delta) / curvature, -2 * scale, 2 * scale)
        mode = np.clip(np.where(better, mode + shift, 0.5 * (mode + best_mode)), low, high)
        scale = np.where(better, width, 0.5 * scale)
    start, stop = (np.arcsinh((end - best_mode) / width) for end in ends)
    return best_mode, width, start, stop, best_value + np.log(width)


def _summed(
    measure: str,
    arms: Array,
    theta: Array,
    prior: Prior,
    mode: Array,
    width: Array,
    start: Array,
    stop: Array,
) -> tuple[Array, Array]:
    """log g at theta (trials, m), and what half of the nodes of phi, or its ends, would miss."""
    h = (stop - start) / (NODES - 1)
    x = start[..., None] + h[..., None] * np.arange(NODES)
    grown = np.exp(x)
    terms = _log_density(measure, arms, theta, prior)(
        mode[..., None] + width[..., None] * (0.5 * (grown - 1 / grown))
    )
    terms += np.log(0.5 * (grown + 1 / grown))
    ends = np.maximum(terms[..., 0], terms[..., -1])
    half = log_sum(terms[..., ::2].copy()) + np.log(2.0)
    found = log_sum(terms)
    # The sum converges geometrically: all nodes miss the square of what half of them do.
    missed = np.expm1(half - found) ** 2 + np.exp(np.minimum(ends - found, 0.0))
    near = found > found.max(axis=1, keepdims=True) - NEAR
    found = found + np.log(width * h)
    return found + log_ways(arms), np.where(near, missed, 0.0).max(axis=1)
