"""Axes on which an integral is a plain sum.

The trapezoid rule converges geometrically for a smooth integrand that dies out at
both ends of a uniform grid (Trefethen & Weideman 2014, SIAM Review 56:385). So every
quantity here gets a map from the whole real line, uniform steps in ``x``, and the map's
derivative as the quadrature weight. No step of this package interpolates where it can sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, lambertw, logit

Array = NDArray[np.float64]


class Axis(Protocol):
    """A uniform grid in ``x`` and the increasing map from ``x`` to the quantity."""

    @property
    def x(self) -> Array: ...

    def value(self, x: Array) -> Array: ...
    def log_slope(self, x: Array) -> Array: ...
    def to_x(self, value: Array) -> Array: ...


@dataclass(frozen=True)
class SinhAxis:
    """x = sum of asinh((value - centre) / width): fine at each centre, coarse far from all.

    With one centre, value = centre + width sinh(x). Near a centre the nodes are ``width``
    times the step apart, elsewhere in proportion to the distance from it, so a grid holds
    peaks of very different widths at the cost of a logarithm each.
    """

    centres: tuple[float, ...]
    widths: tuple[float, ...]
    x: Array

    def value(self, x: Array) -> Array:
        x = np.asarray(x, dtype=float)
        if len(self.centres) == 1:
            return self.centres[0] + self.widths[0] * np.sinh(x)
        # Newton, held between brackets, in the coordinate u of the sharpest peak, where x rises
        # at least as fast as u.
        sharpest = int(np.argmin(self.widths))
        centre, width = self.centres[sharpest], self.widths[sharpest]
        start = self.to_x(np.array(centre))
        low, high = np.minimum(x - start, 0.0), np.maximum(x - start, 0.0)
        table = np.linspace(low.min(), high.max(), 257)
        u = np.clip(np.interp(x, self.to_x(centre + width * np.sinh(table)), table), low, high)
        for turn in range(150):
            value = centre + width * np.sinh(u)
            gap = self.to_x(value) - x
            settled = np.abs(gap) < 1e-12 * (1 + np.abs(x))
            if settled.all():
                break
            low, high = np.where(gap > 0, low, u), np.where(gap > 0, u, high)
            newton = u - gap * self.slope(value) / (width * np.cosh(u))
            inside = (newton > low) & (newton < high) & (turn % 3 != 2)  # Newton alone can cycle
            u = np.where(settled, u, np.where(inside, newton, 0.5 * (low + high)))
        return centre + width * np.sinh(u)

    def to_x(self, value: Array) -> Array:
        value = np.asarray(value, dtype=float)
        total = np.arcsinh((value - self.centres[0]) / self.widths[0])
        for centre, width in zip(self.centres[1:], self.widths[1:], strict=True):
            total = total + np.arcsinh((value - centre) / width)
        return total

    def slope(self, value: Array) -> Array:
        """d value / d x."""
        return self.bent(value)[0]

    def bent(self, value: Array) -> tuple[Array, Array]:
        """The slope d value / d x, and its own derivative d slope / d value."""
        rate, pull = np.zeros(np.shape(value)), np.zeros(np.shape(value))
        for centre, width in zip(self.centres, self.widths, strict=True):
            z = (value - centre) / width
            root = np.sqrt(1 + z**2)  # np.hypot takes ten times as long
            near = 1 / (width * root)
            rate, pull = rate + near, pull + z / root * near**2
        slope = 1 / rate
        return slope, slope**2 * pull

    @cached_property
    def points(self) -> Array:
        """The quantity at the nodes."""
        return self.value(self.x)

    def log_slope(self, x: Array) -> Array:
        return np.log(self.slope(self.points if x is self.x else self.value(x)))

    def spacing(self, value: Array) -> Array:
        """Local distance between nodes, in units of the value."""
        return step(self) * self.slope(value)


@dataclass(frozen=True)
class ScaleAxis:
    """value = scale * exp(x - exp(-x)): reaches 0 at double-exponential speed.

    The map of Takahasi & Mori (1974) for the half-line: a prior on tau that is finite,
    vanishing or singular at 0, or heavy in its tail, is smooth in ``x``.
    """

    scale: float
    x: Array

    def value(self, x: Array) -> Array:
        return self.scale * np.exp(x - np.exp(-x))

    def log_slope(self, x: Array) -> Array:
        return np.log(self.scale) + x - np.exp(-x) + np.log1p(np.exp(-x))

    def to_x(self, value: Array) -> Array:
        with np.errstate(divide="ignore"):
            log_ratio = np.log(np.asarray(value, dtype=float) / self.scale)
        ratio = np.exp(np.minimum(-log_ratio, 700.0))
        # SciPy's own signature leaves out arrays without an order k.
        return log_ratio + np.real(lambertw(ratio, np.zeros(ratio.shape, dtype=int)))


@dataclass(frozen=True)
class CutAxis:
    """Part of another axis, between two bounds that a density may reach without dying out.

    The other axis's coordinate runs from ``low`` to ``high`` by the tanh-sinh map of Takahasi
    & Mori (1974), so the ends cost nothing: a uniform prior stays exact.
    """

    inner: SinhAxis | ScaleAxis
    low: float
    high: float
    x: Array

    @property
    def centres(self) -> tuple[float, ...]:
        return self.inner.centres if isinstance(self.inner, SinhAxis) else ()

    @property
    def widths(self) -> tuple[float, ...]:
        return self.inner.widths if isinstance(self.inner, SinhAxis) else ()

    def _inner_x(self, x: Array) -> Array:
        return self.low + (self.high - self.low) * expit(np.pi * np.sinh(x))

    def _rate(self, x: Array) -> Array:
        """d inner x / d x."""
        share = expit(np.pi * np.sinh(x))
        rest = expit(-np.pi * np.sinh(x))
        return (self.high - self.low) * share * rest * np.pi * np.cosh(x)

    def value(self, x: Array) -> Array:
        return self.inner.value(self._inner_x(np.asarray(x, dtype=float)))

    def log_slope(self, x: Array) -> Array:
        return self.inner.log_slope(self._inner_x(x)) + np.log(self._rate(x))

    def to_x(self, value: Array) -> Array:
        share = (self.inner.to_x(value) - self.low) / (self.high - self.low)
        return np.arcsinh(logit(np.clip(share, 1e-15, 1 - 1e-15)) / np.pi)

    def slope(self, value: Array) -> Array:
        """d value / d x."""
        return np.exp(self.log_slope(self.to_x(value)))

    def bent(self, value: Array) -> tuple[Array, Array]:
        """The slope and d slope / d value, the latter by a central difference in x."""
        x = self.to_x(value)
        bend = (self.log_slope(x + 1e-4) - self.log_slope(x - 1e-4)) / 2e-4
        return np.exp(self.log_slope(x)), bend

    def spacing(self, value: Array) -> Array:
        """Local distance between nodes, in units of the value."""
        return step(self) * self.slope(value)


def cut(axis: SinhAxis | ScaleAxis, low: float, high: float, step_size: float) -> CutAxis:
    """Nodes of ``axis`` between two of its coordinates, about ``step_size`` apart in them."""
    own = min(0.12, 4 * step_size / (np.pi * (high - low)))
    return CutAxis(axis, low, high, uniform(-2.8, 2.8, own))


def step(axis: Axis) -> float:
    """Uniform distance between neighbouring nodes in ``x``."""
    return float(axis.x[1] - axis.x[0])


def nodes(axis: Axis) -> Array:
    """The quantity at the nodes."""
    return axis.points if isinstance(axis, SinhAxis) else axis.value(axis.x)


def log_weights(axis: Axis) -> Array:
    """Log trapezoid weights: the integral of f is sum(exp(log_weights + log f))."""
    return np.log(step(axis)) + axis.log_slope(axis.x)


def uniform(low: float, high: float, step_size: float) -> Array:
    """Nodes at multiples of ``step_size`` that cover [low, high], an odd number of them."""
    first, last = np.floor(low / step_size), np.ceil(high / step_size)
    count = int(last - first)
    return (first + np.arange(count + count % 2 + 1)) * step_size
