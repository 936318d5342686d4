"""One vocabulary for every posterior, exact or sampled.

``posterior["mu"]``, ``["tau"]``, ``["theta_new"]`` (the effect in a new trial) and
``posterior[trial]`` are marginals with ``mean``, ``sd``, ``quantile``, ``hdi``, ``cdf``,
``sf`` and ``mcse``. Rooms below this one know nothing else of an engine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.special import ndtr, ndtri

from bayespool.axes import Array, Axis, step
from bayespool.errors import UsageError

_GAUSS_X, _GAUSS_W = np.polynomial.legendre.leggauss(5)
_FLOOR = -90.0  # e^-90 of the peak is nothing, and a spline must not swing towards less
CLIFF = 20.0  # a fall of e^20 from one node to the next
_CLOSEST = 1e-14  # relative width at which a root is a root


class Marginal(ABC):
    """The posterior of one quantity, on the analysis scale.

    ``mean`` and ``sd`` are None where the moment does not exist (the SD of tau at one
    trial under a half-Cauchy prior). ``cdf`` and ``sf`` keep relative accuracy in their
    own tails: ask ``sf`` for a small upper tail, never ``1 - cdf``.
    """

    mean: float | None
    sd: float | None

    @abstractmethod
    def cdf(self, x: float | Array) -> Any:
        """Probability at or below ``x``; same shape as ``x``."""

    @abstractmethod
    def sf(self, x: float | Array) -> Any:
        """Probability above ``x``; same shape as ``x``."""

    @abstractmethod
    def pdf(self, x: float | Array) -> Any:
        """Density at ``x`` per unit of the analysis scale; same shape as ``x``."""

    @abstractmethod
    def quantile(self, p: float | Array) -> Any:
        """The value with probability ``p`` below it; same shape as ``p``."""

    def hdi(self, p: float = 0.95) -> tuple[float, float]:
        """Shortest interval that holds probability ``p`` (one interval, also if bimodal)."""
        if not 0 < p < 1:
            raise UsageError(f"The probability of an interval lies between 0 and 1; found {p}.")
        low, high = 0.0, 1.0 - p
        for _ in range(7):  # each round cuts the search to an eighth: 1e-6 of the probability
            start = np.linspace(low, high, 17)
            bounds = self.quantile(np.concatenate([start, np.minimum(start + p, 1.0)]))
            width = bounds[17:] - bounds[:17]
            best = int(np.nanargmin(width))
            low, high = start[max(best - 1, 0)], start[min(best + 1, 16)]
        return float(bounds[best]), float(bounds[17 + best])

    def mcse(self, what: str = "mean", at: float | None = None) -> float:
        """Monte Carlo standard error of 'mean', 'sd' or 'quantile' (``at`` = p): 0 if exact."""
        return 0.0


def _invert(
    cdf: Callable[[Array], Array],
    sf: Callable[[Array], Array],
    pdf: Callable[[Array], Array],
    p: Array,
    low: Array,
    high: Array,
    x: Array,
) -> Array:
    """Solve cdf(x) = p between the brackets: Newton on the log of the smaller tail, from x."""
    upper = p > 0.5
    target = np.log(np.where(upper, 1.0 - p, p))
    low, high = low.copy(), high.copy()
    x = np.clip(x, low, high)
    for turn in range(200):
        tail = np.where(upper, sf(x), cdf(x))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            gap = np.log(tail) - target
            gap = np.where(upper, -gap, gap)
            newton = x - gap * tail / pdf(x)
        low, high = np.where(gap < 0, x, low), np.where(gap < 0, high, x)
        inside = (newton > low) & (newton < high) & (turn % 8 != 7)  # Newton alone can cycle
        moved = np.where(inside, newton, 0.5 * (low + high))
        near = _CLOSEST * (np.abs(low) + np.abs(high))
        still = np.abs(moved - x) <= _CLOSEST * np.abs(x)
        done = (np.abs(gap) < 1e-14) | (high - low <= near) | still
        x = np.where(np.abs(gap) < 1e-14, x, moved)
        if done.all():
            break
    return x


def over_cliffs(smooth: Array, x: Array, edges: Array, log_f: Array, cliff: Any) -> Array:
    """The spline's values, replaced by straight lines in cells where f falls off a cliff.

    There, far from any peak, a spline would swing above both of the cell's ends.
    """
    if not cliff.any():
        return smooth
    cell = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(edges) - 2)
    return np.where(cliff[cell], np.interp(x, edges, log_f), smooth)


def _checked_p(p: float | Array) -> Array:
    values = np.atleast_1d(np.asarray(p, dtype=float))
    if not ((values >= 0) & (values <= 1)).all():
        raise UsageError(f"A probability lies between 0 and 1; found {p}.")
    return values


def _like(values: Array, template: float | Array) -> Any:
    return values.reshape(np.shape(template)) if np.ndim(template) else float(values.item())


@dataclass(frozen=True, eq=False)
class NormalMixture(Marginal):
    """A mixture of normals: the exact marginal when mu integrates out in closed form.

    Roever 2020 (J Stat Softw 93(6), section 2.5). Arrays of one length: ``weight`` (sums
    to 1), ``location`` and ``scale`` of the components.
    """

    weight: Array
    location: Array
    scale: Array
    has_mean: bool = True
    has_sd: bool = True

    @cached_property
    def mean(self) -> float | None:  # type: ignore[override]  # a cached property serves
        return float(self.weight @ self.location) if self.has_mean else None

    @cached_property
    def sd(self) -> float | None:  # type: ignore[override]  # the same
        if not self.has_sd or self.mean is None:
            return None
        spread = self.scale**2 + (self.location - self.mean) ** 2
        return float(np.sqrt(np.sum(self.weight * spread)))

    def _standard(self, x: float | Array) -> Array:
        return (np.atleast_1d(np.asarray(x, dtype=float))[..., None] - self.location) / self.scale

    def cdf(self, x: float | Array) -> Any:
        return _like(np.sum(self.weight * ndtr(self._standard(x)), axis=-1), x)

    def sf(self, x: float | Array) -> Any:
        return _like(np.sum(self.weight * ndtr(-self._standard(x)), axis=-1), x)

    def pdf(self, x: float | Array) -> Any:
        bell = np.exp(-0.5 * self._standard(x) ** 2) / (np.sqrt(2 * np.pi) * self.scale)
        return _like(np.sum(self.weight * bell, axis=-1), x)

    def quantile(self, p: float | Array) -> Any:
        values = _checked_p(p)
        found = np.where(values == 0, -np.inf, np.where(values == 1, np.inf, np.nan))
        open_ = np.isnan(found)
        if open_.any():
            # Within 40 scales of every component, every probability above 1e-300 is bracketed.
            low = np.full(open_.sum(), np.min(self.location - 40 * self.scale))
            high = np.full(open_.sum(), np.max(self.location + 40 * self.scale))
            # A few wide components must not carry the start away: the middle one's scale.
            order = np.argsort(self.scale)
            middle = order[np.searchsorted(np.cumsum(self.weight[order]), 0.5)]
            start = self.location[middle] + self.scale[middle] * ndtri(values[open_])
            found[open_] = _invert(self.cdf, self.sf, self.pdf, values[open_], low, high, start)
        return _like(found, p)


class Tabulated(Marginal):
    """A density known at the nodes of an axis.

    Moments are trapezoid sums; between nodes the log density is a quintic spline in the
    axis's own coordinate, integrated by five-point Gauss in each cell and summed from
    both ends, so that both tails keep their relative accuracy.

    Parameters
    ----------
    axis : Axis
    log_density : array of shape (n,)
        Log density per unit of the quantity, up to a constant; -inf is allowed.
    atom : float
        Mass between ``floor`` and the first node, relative to the sum over the nodes
        (tau has it: the prior's mass below the first node).
    floor : float
        Lower end of the support (0 for tau, -inf otherwise).
    """

    def __init__(
        self,
        axis: Axis,
        log_density: Array,
        *,
        atom: float = 0.0,
        floor: float = -np.inf,
        has_mean: bool = True,
        has_sd: bool = True,
    ) -> None:
        log_f = log_density + axis.log_slope(axis.x)
        top = log_f.max()
        log_f = np.maximum(log_f - top, _FLOOR)
        keep = log_f > _FLOOR
        first, last = int(np.argmax(keep)), len(keep) - int(np.argmax(keep[::-1]))
        first, last = max(0, min(first, len(keep) - 6)), max(last, min(6, len(keep)))
        self._axis, self._floor = axis, floor
        self._edges = axis.x[first:last]
        self._log_f = log_f[first:last]
        self._spline = make_interp_spline(self._edges, self._log_f, k=min(5, len(self._edges) - 1))
        self._cliff = np.abs(np.diff(self._log_f)) > CLIFF
        self._values = axis.value(self._edges)
        cells = self._integrate(self._edges[:-1], self._edges[1:])
        weight = np.exp(self._log_f)
        mass = weight.sum() * step(axis)
        below = atom * mass
        total = cells.sum() + below
        self._below = below / total
        self._total = total
        self._left = np.concatenate([[0.0], np.cumsum(cells)]) / total + self._below
        self._right = np.concatenate([np.cumsum(cells[::-1])[::-1], [0.0]]) / total
        share = np.append(weight * step(axis), below) / (mass + below)
        points = np.append(self._values, self._values[0] / 2 if below else 0.0)
        mean = float(np.sum(share * points))
        self.mean = mean if has_mean else None
        self.sd = (
            float(np.sqrt(np.sum(share * (points - mean) ** 2))) if has_mean and has_sd else None
        )

    def _integrate(self, low: Array, high: Array) -> Array:
        half = 0.5 * (high - low)
        points = 0.5 * (high + low)[..., None] + half[..., None] * _GAUSS_X
        return half * np.sum(_GAUSS_W * np.exp(self._log_at(points)), axis=-1)

    def _log_at(self, x: Array) -> Array:
        return over_cliffs(self._spline(x), x, self._edges, self._log_f, self._cliff)

    def _cell(self, value: Array) -> tuple[Array, NDArrayInt]:
        x = np.clip(self._axis.to_x(value), self._edges[0], self._edges[-1])
        cell = np.clip(np.searchsorted(self._edges, x, side="right") - 1, 0, len(self._edges) - 2)
        return x, cell

    def cdf(self, x: float | Array) -> Any:
        value = np.atleast_1d(np.asarray(x, dtype=float))
        at, cell = self._cell(np.maximum(value, self._values[0]))
        found = self._left[cell] + self._integrate(self._edges[cell], at) / self._total
        under = value < self._values[0]
        if under.any():
            # Below the first node lies the atom, spread evenly down to the floor.
            reach = self._values[0] - self._floor
            part = np.clip((value - self._floor) / reach, 0, 1) if np.isfinite(reach) else 0.0
            found = np.where(under, self._below * part, found)
        return _like(np.minimum(found, 1.0), x)

    def sf(self, x: float | Array) -> Any:
        value = np.atleast_1d(np.asarray(x, dtype=float))
        at, cell = self._cell(np.maximum(value, self._values[0]))
        found = self._right[cell + 1] + self._integrate(at, self._edges[cell + 1]) / self._total
        under = value < self._values[0]
        if under.any():
            found = np.where(under, 1.0 - np.atleast_1d(self.cdf(value)), found)
        return _like(np.minimum(found, 1.0), x)

    def pdf(self, x: float | Array) -> Any:
        value = np.atleast_1d(np.asarray(x, dtype=float))
        inside = (value >= self._values[0]) & (value <= self._values[-1])
        at, _ = self._cell(np.clip(value, self._values[0], self._values[-1]))
        density = np.exp(self._log_at(at) - self._axis.log_slope(at)) / self._total
        found = np.where(inside, density, 0.0)
        if self._below and np.isfinite(self._floor):
            under = (value >= self._floor) & (value < self._values[0])
            found = np.where(under, self._below / (self._values[0] - self._floor), found)
        return _like(found, x)

    def quantile(self, p: float | Array) -> Any:
        values = _checked_p(p)
        found = np.where(values == 1, np.inf, self._floor)
        under = (values <= self._below) & (values > 0)
        if under.any():
            finite = np.isfinite(self._floor)
            start = self._floor if finite else self._values[0]
            reach = self._values[0] - start
            found[under] = start + reach * values[under] / (self._below or 1.0)
        rest = (values > self._below) & (values < 1)
        if rest.any():
            want = values[rest]
            by_left = np.searchsorted(self._left, want, side="right") - 1
            by_right = len(self._right) - 1 - np.searchsorted(self._right[::-1], 1 - want, "left")
            cell = np.clip(np.where(want > 0.5, by_right, by_left), 0, len(self._edges) - 2)
            low, high = self._edges[cell], self._edges[cell + 1]

            def cdf(x: Array) -> Array:
                return self._left[cell] + self._integrate(low, x) / self._total

            def sf(x: Array) -> Array:
                return self._right[cell + 1] + self._integrate(x, high) / self._total

            def pdf(x: Array) -> Array:
                return np.exp(self._log_at(x)) / self._total

            middle = 0.5 * (low + high)
            found[rest] = self._axis.value(_invert(cdf, sf, pdf, want, low, high, middle))
        return _like(found, p)


@dataclass(frozen=True, eq=False)
class Draws(Marginal):
    """Posterior draws of one quantity, shape (chains, draws)."""

    values: Array

    @cached_property
    def _sorted(self) -> Array:
        return np.sort(self.values, axis=None)

    @cached_property
    def mean(self) -> float | None:  # type: ignore[override]  # a cached property serves
        return float(self.values.mean())

    @cached_property
    def sd(self) -> float | None:  # type: ignore[override]  # the same
        return float(self.values.std(ddof=1))

    def cdf(self, x: float | Array) -> Any:
        return _like(self._below(x), x)

    def sf(self, x: float | Array) -> Any:
        return _like(1.0 - self._below(x), x)

    def _below(self, x: float | Array) -> Array:
        at = np.atleast_1d(np.asarray(x, dtype=float))
        return np.searchsorted(self._sorted, at, side="right") / self._sorted.size

    def pdf(self, x: float | Array) -> Any:
        from arviz_stats.base import array_stats

        grid, density, _ = array_stats.kde(self.values.ravel())
        return _like(np.interp(np.atleast_1d(x), grid, density, left=0.0, right=0.0), x)

    def quantile(self, p: float | Array) -> Any:
        return _like(np.quantile(self._sorted, _checked_p(p)), p)

    def mcse(self, what: str = "mean", at: float | None = None) -> float:
        from arviz_stats.base import array_stats

        extra = {"prob": at} if what == "quantile" else {}
        return float(array_stats.mcse(self.values, chain_axis=0, draw_axis=1, method=what, **extra))


@dataclass(frozen=True, eq=False)
class Posterior:
    """The posterior of a review under one prior set.

    Attributes
    ----------
    trials, measure, likelihood, effects, priors
        What was analysed; see ``surface`` and ``binomial``.
    scale : "log", "identity" or "atanh"
        The analysis scale on which every number here is expressed.
    engine : "exact" or "nuts"
    names : tuple of str
        What ``posterior[name]`` answers to.
    log_marginal_likelihood : float or None
        Log of the prior predictive density of the data (None under an improper prior,
        and for draws).
    """

    trials: Any
    measure: str
    scale: str
    likelihood: str
    effects: str
    priors: Any
    engine: str
    makers: Mapping[str, Callable[[], Marginal]] = field(repr=False)
    log_marginal_likelihood: float | None = None
    grid_error: float | None = None
    _made: dict[str, Marginal] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.makers)

    def __contains__(self, name: object) -> bool:
        return name in self.makers

    def __getitem__(self, name: str) -> Marginal:
        if name not in self.makers:
            common = self.effects == "common"
            why = " A common effect has neither tau nor theta." if common else ""
            raise UsageError(
                f"This posterior has no {name!r}; it has {', '.join(self.names)}.{why}"
            )
        if name not in self._made:
            self._made[name] = self.makers[name]()
        return self._made[name]


NDArrayInt = np.ndarray[Any, np.dtype[np.intp]]
__all__ = ["Draws", "Marginal", "NormalMixture", "Posterior", "Tabulated"]
