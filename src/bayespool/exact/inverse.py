"""Many densities at once, each drawn from by its inverse cdf on a grid of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayespool.axes import Array

DEEP = 20.0  # a conditional density ends at e^-20 of its peak: 1e-9 of it lies beyond
ROWS = 4096  # draws at a time: their local grids stay in the processor's cache


@dataclass(frozen=True)
class Window:
    """Where each of many densities lies: a grid fine at ``centre``, from ``low`` to ``high``."""

    centre: Array
    width: Array
    low: Array
    high: Array

    def grid(self, count: int) -> tuple[Array, Array]:
        """Even coordinates x of centre + width sinh(x), shape (densities, count), and values."""
        first = np.arcsinh((self.low - self.centre) / self.width)
        last = np.arcsinh((self.high - self.centre) / self.width)
        x = first[:, None] + ((last - first) / (count - 1))[:, None] * np.arange(count)
        return x, self.value(x)

    def value(self, x: Array) -> Array:
        shape = (...,) + (None,) * (x.ndim - 1)
        return np.asarray(self.centre[shape] + self.width[shape] * np.sinh(x))

    def between(self, known: Array, x: Array) -> Window:
        """Windows at x, linear between those at ``known``."""
        centre, low, high = (np.interp(x, known, a) for a in (self.centre, self.low, self.high))
        return Window(centre, np.exp(np.interp(x, known, np.log(self.width))), low, high)


def narrowed(log_f: Callable[[Array], Array], window: Window, count: int) -> Window:
    """The same densities seen closer: centred at their peaks, as wide as their mass says."""
    x, value = window.grid(count)
    height = log_f(value)
    best = height.argmax(axis=1)[:, None]
    height = height - np.take_along_axis(height, best, 1)
    seen = height > -DEEP
    first = np.maximum(seen.argmax(axis=1) - 1, 0)[:, None]
    last = np.minimum(count - seen[:, ::-1].argmax(axis=1), count - 1)[:, None]
    mass = (np.exp(height) * np.cosh(x)).sum(axis=1) * (x[:, 1] - x[:, 0]) * window.width
    centre, low, high = (np.take_along_axis(value, at, 1)[:, 0] for at in (best, first, last))
    return Window(centre, mass / np.sqrt(2 * np.pi), low, high)


def inverse_draws(log_f: Callable[[Array], Array], window: Window, count: int, u: Array) -> Array:
    """The values below which each density has the share u of its mass."""
    x, value = window.grid(count)
    place = inverse(log_f(value) + np.log(np.cosh(x)), u)
    return window.value(x[:, 0] + place * (x[:, 1] - x[:, 0]))


def inverse(log_f: Array, u: Array) -> Array:
    """Where the cdf of each row reaches u, in steps from its first node.

    ``log_f`` (rows, n) are log densities at even steps. A cell's mass is that of the cubic
    through four nodes; within it the log density is a straight line.
    """
    log_f = log_f - log_f.max(axis=1, keepdims=True)
    f = np.exp(log_f)
    rise = np.diff(log_f, axis=1)
    mass = (f[:, 1:] + f[:, :-1]) * (13 / 24)
    mass[:, 1:-1] -= (f[:, :-3] + f[:, 3:]) / 24
    for cell, side in ((0, f[:, :4]), (-1, f[:, :-5:-1])):
        mass[:, cell] = side @ np.array([9.0, 19.0, -5.0, 1.0]) / 24
    # Where it falls or rises steeply, far from the peak, no polynomial follows it.
    steep = np.abs(rise) > 1.5
    mass[steep] = np.diff(f, axis=1)[steep] / rise[steep]
    below = np.maximum(mass, 0.0, out=mass).cumsum(axis=1)
    wanted = u * below[:, -1]
    cell = np.minimum((below < wanted[:, None]).sum(axis=1), mass.shape[1] - 1)
    row = np.arange(len(u))
    here = np.maximum(mass[row, cell], 1e-300)
    share = np.clip(1 - (below[row, cell] - wanted) / here, 0.0, 1.0)
    slope = np.clip(rise[row, cell], -30.0, 30.0)
    slope = np.where(np.abs(slope) < 1e-6, 1e-6, slope)
    return np.asarray(cell + np.log1p(share * np.expm1(slope)) / slope)


def by_rows(drawn: Callable[[slice], Array], n: int) -> Array:
    """Draw for ``n`` densities, some at a time."""
    return np.concatenate([drawn(slice(i, min(i + ROWS, n))) for i in range(0, n, ROWS)])
