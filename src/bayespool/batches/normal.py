"""The normal model of many reviews at once: no loop over reviews, but over quantiles' steps.

The formulas and the axis are those of `bayespool.exact.closed`: given tau everything is normal
(Roever 2020, J Stat Softw 93(6), sections 2.3 to 2.5), so each marginal is a mixture of normals
over the nodes of tau. All reviews of a block share the coordinate x; tau is a multiple of each
one's own scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, sici

from bayespool.axes import Array, ScaleAxis, nodes, uniform
from bayespool.exact.closed import covers as integrates_mu
from bayespool.exact.grid import DEPTH, conflict, strain
from bayespool.exact.quantiles import inverted
from bayespool.exact.sums import integrals_below
from bayespool.prior import Priors

__all__ = ["Many", "blocks", "covers", "many", "tau_nodes"]

BLOCK = 1_000_000  # numbers in an array over reviews, nodes and trials: 8 MB, which a cache holds
_SCOUT = np.arange(-3.0, 90.0, 0.25)
_STEPS = 200  # of Halley's method, held between brackets; two or three are usual
_THIN = 3  # every third node already has a quantile to within a thousandth of an SD
# A step of Halley's, in least SDs, after which another would be lost: its error is of the order of
# the step's cube. The first is for every third node.
_LAST = (1e-2, 1e-5)
_UNSEEN = 1e-20  # of a tail: nodes with less mass do not move its quantile
_FAR = 40.0  # standard deviations: beyond, a normal has no mass that a float can hold


def covers(priors: Priors, effects: str) -> bool:
    """Whether these priors and effects have a closed form over an unbounded tau."""
    bounded = effects == "random" and np.isfinite(priors.tau.support[1])
    return effects in ("random", "common") and integrates_mu(priors.mu) and not bounded


def blocks(sizes: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Rows of reviews to be taken together, by their numbers of trials: alike in size."""
    order = np.argsort(sizes, kind="stable")
    found: list[NDArray[np.intp]] = []
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * sizes[order[stop]] * 128 <= BLOCK:
            stop += 1
        found.append(order[start:stop])
        start = stop
    return found


@dataclass(frozen=True, eq=False)
class Many:
    """Posteriors of many reviews under one prior set, each a mixture over the nodes of tau.

    Attributes
    ----------
    x : array of shape (nodes,)
        The axis' coordinate; the node of tau = 0 is not among them.
    tau, weight, mean, variance : arrays of shape (reviews, 1 + nodes)
        tau, its posterior mass, and mean and variance of mu given tau.
    log_marginal_likelihood : array of shape (reviews,)
        NaN under an improper prior.
    grid_error : array of shape (reviews,)
        What half of the nodes, doubled, would change.
    """

    effects: str
    scale: Array
    x: Array
    tau: Array
    weight: Array
    mean: Array
    variance: Array
    log_marginal_likelihood: Array
    grid_error: Array

    def _parts(self, name: str) -> tuple[Array, Array]:
        """Location and scale of the components of mu or theta_new."""
        variance = self.variance if name == "mu" else self.variance + self.tau**2
        return self.mean, np.sqrt(variance)

    def cdf(self, name: str, at: Array | Sequence[float], above: bool = False) -> Array:
        """P(mu or theta_new < at), or > at: shape (reviews, len(at))."""
        location, scale = self._parts(name)
        z = (np.asarray(at, dtype=float)[None, :, None] - location[:, None]) / scale[:, None]
        z = -z if above else z
        return np.asarray(np.einsum("rn,rpn->rp", self.weight, ndtr(z)))

    def quantile(self, name: str, p: Array | Sequence[float]) -> Array:
        """Quantiles of mu, tau or theta_new, shape (reviews, len(p)); 0 < p < 1."""
        wanted = np.asarray(p, dtype=float)
        if name == "tau":
            return self._tau_quantile(wanted)
        location, scale = self._parts(name)
        return mixture_quantiles(self.weight, location, scale, wanted)

    def mean_of(self, name: str) -> Array:
        """Posterior mean, where it exists (see `bayespool.exact.grid.moments_of_mu`)."""
        return np.asarray((self.weight * (self.tau if name == "tau" else self.mean)).sum(axis=1))

    def sd_of(self, name: str) -> Array:
        """Posterior standard deviation, where it exists."""
        middle = self.mean_of(name)[:, None]
        if name == "tau":
            spread = (self.tau - middle) ** 2
        else:
            location, scale = self._parts(name)
            spread = scale**2 + (location - middle) ** 2
        return np.asarray(np.sqrt((self.weight * spread).sum(axis=1)))

    def _tau_quantile(self, p: Array) -> Array:
        axis = ScaleAxis(1.0, self.x)
        atom, mass = self.weight[:, :1], self.weight[:, 1:]
        below = atom + mass @ integrals_below(axis, nodes(axis)).T
        x, slope = inverted(self.x, below, p)
        # One Newton step on the cdf itself, not on its spline.
        step = self.x[1] - self.x[0]
        sums = 0.5 + sici(np.pi * (x[..., None] - self.x) / step)[0] / np.pi
        gap = atom + np.einsum("rpn,rn->rp", sums, mass) - p
        x = x - np.where(slope > 0, gap / np.where(slope > 0, slope, 1.0), 0.0)
        return np.asarray(axis.value(x) * self.scale[:, None])


def many(y: Array, se: Array, priors: Priors, effects: str = "random") -> Many:
    """Posteriors of many reviews under one prior set.

    Parameters
    ----------
    y, se : arrays of shape (reviews, trials)
        Estimates on the analysis scale and their standard errors; NaN where a review has fewer
        trials. Each review has at least one, and two where mu's prior is flat.
    priors : Priors
    effects : "random" or "common"
    """
    there = np.isfinite(y)
    w = there.astype(float)
    # Where no trial is there stands the smallest SE, as `_log_product` has it; its weight is 0.
    v = np.where(there, se, np.where(there, se, np.inf).min(axis=1, keepdims=True)) ** 2
    inverse = w / v
    # Everything is measured from where the posterior would be without tau: no digits are lost
    # where prior and data lie far apart.
    prior = priors.mu
    firm = 1 / prior.params["sigma"] ** 2 if prior.proper else 0.0
    pull = firm * prior.params["mu"] if prior.proper else 0.0
    centre = (inverse * np.where(there, y, 0.0)).sum(axis=1) + pull
    centre = centre / (inverse.sum(axis=1) + firm)
    apart = np.where(there, y - centre[:, None], 0.0)
    x, scale, tau = tau_nodes(y, np.sqrt(v), there, priors, effects)
    each = 1 / (v[:, :, None] + tau[:, None, :] ** 2)  # (reviews, trials, nodes)
    sums = np.stack([w, w * apart, w * apart**2], axis=1) @ each
    total, weighted, squares = sums[:, 0], sums[:, 1], sums[:, 2]
    log_evidence = 0.5 * _log_product(each, there.sum(axis=1)[:, None])
    if prior.proper:
        m = (prior.params["mu"] - centre)[:, None]
        precision = total + firm
        mean = (weighted + firm * m) / precision
        log_evidence = log_evidence - 0.5 * np.log(precision / firm)
        log_evidence = log_evidence - 0.5 * firm * (m - mean) ** 2
    else:
        precision, mean = total, weighted / total
        log_evidence = log_evidence - 0.5 * np.log(precision / (2 * np.pi))
    residual = squares - 2 * mean * weighted + mean**2 * total
    log_p = log_evidence - 0.5 * np.maximum(residual, 0.0)
    if effects == "random":
        log_p = log_p + _log_prior_mass(x, scale, tau, priors)
    top = log_p.max(axis=1, keepdims=True)
    weight = np.exp(log_p - top)
    sum_of = weight.sum(axis=1, keepdims=True)
    weight = weight / sum_of
    proper = prior.proper and (effects == "common" or priors.tau.proper)
    log_ml = (top + np.log(sum_of))[:, 0]
    error = np.zeros(len(y))
    if effects == "random":
        error = np.abs(2 * weight[:, 1::2].sum(axis=1) - weight[:, 1:].sum(axis=1))
    return Many(
        effects,
        scale,
        x,
        tau,
        weight,
        mean + centre[:, None],
        1 / precision,
        log_ml if proper else np.full(len(y), np.nan),
        error,
    )


def _log_product(each: Array, k: Array) -> Array:
    """Log of the product over a review's trials of each / 2 pi; beyond ``k`` all are its largest.

    One logarithm a node in place of one a trial, where the product is a number.
    """
    most = each.max(axis=1)
    product = (each / most[:, None]).prod(axis=1)
    if product.min() > 1e-290:
        logs = np.log(product)
    else:
        logs = np.log(each).sum(axis=1) - each.shape[1] * np.log(most)
    return np.asarray(logs + k * np.log(most / (2 * np.pi)))


def tau_nodes(
    y: Array, se: Array, there: Array, priors: Priors, effects: str
) -> tuple[Array, Array, Array]:
    """Coordinate, scales and tau (reviews, 1 + nodes): 0, and the nodes of one axis for all."""
    rows = len(y)
    if effects == "common":
        return np.empty(0), np.ones(rows), np.zeros((rows, 1))
    typical = np.nanmedian(np.where(there, se, np.nan), axis=1)
    prior, k = priors.tau, there.sum(axis=1)
    middle = float(prior.ppf(np.array([0.5]))[0]) if prior.proper else np.inf
    scale = np.minimum(typical, middle)
    reach = np.nanmax(np.where(there, y + 9.5 * se, np.nan), axis=1)
    reach = reach - np.nanmin(np.where(there, y - 9.5 * se, np.nan), axis=1)
    if priors.mu.proper:
        low, high = priors.mu.ppf(np.array([0.16, 0.84]))
        reach = np.maximum(reach, (high - low) / 2)
    power = k - (not priors.mu.proper)
    left = prior.tail + k - (priors.mu.tail == 0) - 1
    kept = (left > 1).astype(int) + (left > 2)  # moments of tau
    unit = ScaleAxis(1.0, _SCOUT)
    scout = nodes(unit) * scale[:, None]
    log_f = prior.logpdf(scout) + unit.log_slope(_SCOUT)
    log_f = log_f - (power - kept)[:, None] * np.log(np.maximum(scout / reach[:, None], 1.0))
    weight = np.where(there, 1 / se**2, 0.0)
    centre = (weight * np.where(there, y, 0.0)).sum(axis=1) / weight.sum(axis=1)
    q = (weight * (np.where(there, y, centre[:, None]) - centre[:, None]) ** 2).sum(axis=1)
    depth = DEPTH + strain(q, k) + conflict(priors.mu, centre)
    seen = log_f > np.max(log_f, axis=1, keepdims=True) - depth[:, None]
    some = np.nonzero(seen.any(axis=0))[0]
    first = max(_SCOUT[max(some[0] - 1, 0)], -2.5)
    last = _SCOUT[min(some[-1] + 1, len(_SCOUT) - 1)]
    step_size = min(0.06, 0.3 / np.sqrt(float(k.max())))
    axis = replace(unit, x=uniform(first, last, step_size))
    tau = np.concatenate([np.zeros((rows, 1)), nodes(axis) * scale[:, None]], axis=1)
    return axis.x, scale, tau


def _log_prior_mass(x: Array, scale: Array, tau: Array, priors: Priors) -> Array:
    """Log prior mass at the nodes of tau, quadrature weights included; column 0 is tau = 0."""
    prior, first = priors.tau, tau[:, 1]
    if prior.proper:
        at_zero = np.log(np.maximum(prior.cdf(first), 1e-300))
    else:
        at_zero = prior.logpdf(first) + np.log(first)
    unit = ScaleAxis(1.0, x)
    rest = prior.logpdf(tau[:, 1:]) + np.log(scale)[:, None] + unit.log_slope(x)
    rest = rest + np.log(x[1] - x[0])
    rest[:, 0] -= np.log(2.0)  # the trapezoid's first node, beside the mass below it
    return np.concatenate([at_zero[:, None], rest], axis=1)


def mixture_quantiles(weight: Array, location: Array, scale: Array, p: Array) -> Array:
    """Quantiles of mixtures of normals, shape (rows, len(p)).

    Halley's method on the normal quantile of the cdf, which is nearly a line, held between
    brackets: from a component in the middle to the quantile of a third of the components, and from
    there to that of all. Arrays have shape (rows, components). An upper quantile is looked for
    from above, where its tail keeps its digits.
    """
    # Start from the component in the middle of the scales, as wide as most of the mass.
    order = np.argsort(scale, axis=1)
    below = np.take_along_axis(weight, order, 1).cumsum(axis=1)
    middle = np.take_along_axis(order, (below < 0.5).sum(axis=1)[:, None], 1)
    centre, unit = (np.take_along_axis(of, middle, 1) for of in (location, scale))
    sign = np.where(p > 0.5, -1.0, 1.0)
    tail = np.where(p > 0.5, 1 - p, p)
    x = sign * centre + unit * ndtri(tail)
    seen = np.flatnonzero(~(weight.max(axis=0) <= _UNSEEN * tail.min()))
    for some, last in zip((seen[::_THIN], seen), _LAST, strict=True):
        mass = weight[:, some] + 1e-300  # a third may have missed all of it
        mass = mass / mass.sum(axis=1, keepdims=True)
        # A step outwards is no shorter than what a thousandth of the way so far is.
        first = np.maximum(unit, 1e-3 * np.abs(x - sign * centre))
        x = _met(mass, location[:, some], scale[:, some], sign, tail, x, first, last)
    return x * sign


def _met(
    weight: Array,
    location: Array,
    scale: Array,
    sign: Array,
    tail: Array,
    start: Array,
    reach: Array,
    last: float,
) -> Array:
    """Where mixtures, each tail's mirrored by its sign, reach the tails: from ``start`` on.

    A step outwards has the length ``reach`` at first; one of Halley's of ``last`` least SDs or
    fewer is the last.
    """
    found = np.full(start.shape, np.nan)
    rows, which = (index.ravel() for index in np.indices(start.shape))
    x, reach = start.ravel(), reach.ravel()
    least, steepness = scale.min(axis=1), weight / scale
    low, high = np.full(x.shape, -np.inf), np.full(x.shape, np.inf)
    for turn in range(_STEPS):
        target, width = tail[which], scale[rows]
        z = (x[:, None] - sign[which][:, None] * location[rows]) / width
        z = np.clip(z, -_FAR, _FAR)
        f = np.einsum("rn,rn->r", weight[rows], ndtr(z))
        each = steepness[rows] * np.exp(-0.5 * z**2)
        density = each.sum(axis=1)  # times the root of 2 pi, as the next
        bend = -np.einsum("rn,rn->r", each, z / width)
        low, high = np.where(f < target, x, low), np.where(f < target, high, x)
        q = ndtri(np.clip(f, 1e-300, 1 - 1e-16))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            slope = density * np.exp(np.minimum(0.5 * q**2, 600.0))
            step = (q - ndtri(target)) / slope
            curve = 0.5 * step * (bend / density + q * slope)
            new = x - step / np.where(np.abs(curve) < 0.5, 1 - curve, 1.0)
        # A step may leap out of a gap between two peaks, or cycle.
        held = np.isfinite(low) & np.isfinite(high)
        between = 0.5 * (np.where(held, low, 0.0) + np.where(held, high, 0.0))
        away = np.where(held, between, x + np.sign(target - f) * reach)
        fit = (new > low) & (new < high) & (np.abs(new - x) < 8 * reach) & (turn % 8 != 7)
        fit |= new == x
        new, reach = np.where(fit, new, away), np.where(fit, reach, 2 * reach)
        # A step outwards settles nothing.
        gone = np.abs(new - x)
        near = np.where(held, 1e-13 * (np.abs(new) + least[rows]), -np.inf)
        settled = gone <= np.where(fit, last * least[rows], near)
        found[rows[settled], which[settled]] = new[settled]
        if settled.all():
            break
        left = ~settled
        rows, which, x = rows[left], which[left], new[left]
        low, high, reach = low[left], high[left], reach[left]
    return found
