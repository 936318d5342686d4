"""Posteriors of many reviews of counts at once, on nodes that they share.

Reviews are sorted by how precise a trial is against the whole review, and by how fine the nodes of
theta have to be; some tens of them then share a `Lattice`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import sici

from bayespool.axes import Array, Axis, ScaleAxis, SinhAxis, log_weights, nodes, step, uniform
from bayespool.batches.counts import Likelihoods
from bayespool.batches.lattice import STEP_MU, Lattice, lattice
from bayespool.batches.normal import tau_nodes
from bayespool.exact.quantiles import inverted
from bayespool.exact.trial import THETA_LIMIT, log_sum
from bayespool.prior import Priors

__all__ = ["Joint", "Library", "joint", "plans"]

REVIEWS, TRIALS = 32, 512  # at most so many of them share nodes
RESOLVED = 0.3  # nodes of theta lie at most so many standard errors of a trial apart
MOST = 1500  # nodes of theta; a review that needs more goes alone
EDGE = 1e-10  # of a posterior's mass may lie at the last nodes
LOST = 1e-5  # of an effect's mass may go astray
DEEPEST = 600.0  # log likelihood below the trials' own peaks that floats can hold


@dataclass(frozen=True, eq=False)
class Library:
    """Trials of many reviews, those of review i from ``starts[i]`` on.

    Attributes
    ----------
    trials : Likelihoods
    starts, sizes : arrays of shape (reviews,)
    informing : array of bool, shape (trials,)
    """

    trials: Likelihoods
    starts: NDArray[np.intp]
    sizes: NDArray[np.intp]
    informing: NDArray[np.bool_]

    def rows(self, reviews: NDArray[np.intp]) -> NDArray[np.intp]:
        """Trials of these reviews, one review after another."""
        parts = [np.arange(self.starts[i], self.starts[i] + self.sizes[i]) for i in reviews]
        return np.concatenate(parts)

    def informing_of(self, reviews: NDArray[np.intp]) -> NDArray[np.intp]:
        """How many trials bound the effect in each of these reviews."""
        return np.add.reduceat(self.informing, self.starts, dtype=np.intp)[reviews]

    def padded(self, values: Array, reviews: NDArray[np.intp]) -> Array:
        """What each trial has as a table (reviews, trials), NaN where there is none."""
        found = np.full((len(reviews), int(self.sizes[reviews].max())), np.nan)
        for row, i in zip(found, reviews, strict=True):
            row[: self.sizes[i]] = values[self.starts[i] : self.starts[i] + self.sizes[i]]
        return found


@dataclass(frozen=True, eq=False)
class Plan:
    """Reviews to be taken together, their centres and widths, and the nodes they share."""

    reviews: NDArray[np.intp]
    centre: Array
    width: Array
    lattice: Lattice
    seconds: float  # of processor time that laying it out took


@dataclass(frozen=True, eq=False)
class Joint:
    """Posteriors of some reviews under one prior set, on the nodes of one lattice.

    Attributes
    ----------
    mass : array of shape (reviews, mu, 1 + tau)
    log_marginal_likelihood, grid_error : arrays of shape (reviews,)
        The error is infinite where the posterior does not fit the nodes.
    """

    plan: Plan
    mass: Array
    log_marginal_likelihood: Array
    grid_error: Array

    def cdf(self, name: str, at: Array, above: bool = False) -> Array:
        """P(mu or theta_new < at), or > at: shape (reviews, len(at))."""
        axis, mass = self._marginal(name)
        x = axis.to_x((at - self.plan.centre[:, None]) / self.plan.width[:, None])
        sums = sici(np.pi * (x[..., None] - axis.x) / step(axis))[0] / np.pi
        return np.einsum("rpn,rn->rp", 0.5 - sums if above else 0.5 + sums, mass)

    def quantile(self, name: str, p: Array) -> Array:
        """Quantiles of mu, tau or theta_new, shape (reviews, len(p))."""
        axis, mass = self._marginal(name)
        atom = self.mass[:, :, 0].sum(axis=1)[:, None] if name == "tau" else 0.0
        x, slope = inverted(axis.x, atom + mass @ self.plan.lattice.below[name][0].T, p)
        # One Newton step on the cdf itself, not on its spline.
        sums = 0.5 + sici(np.pi * (x[..., None] - axis.x) / step(axis))[0] / np.pi
        gap = atom + np.einsum("rpn,rn->rp", sums, mass) - p
        x = x - np.where(slope > 0, gap / np.where(slope > 0, slope, 1.0), 0.0)
        value = axis.value(x) * self.plan.width[:, None]
        return value if name == "tau" else value + self.plan.centre[:, None]

    def moments(self) -> tuple[Array, Array]:
        """Mean and standard deviation of mu, where they exist."""
        axis, mass = self._marginal("mu")
        value = nodes(axis)
        mean = mass @ value
        sd = np.sqrt(np.einsum("rm,rm->r", mass, (value - mean[:, None]) ** 2))
        return self.plan.centre + self.plan.width * mean, self.plan.width * sd

    def _marginal(self, name: str) -> tuple[Axis, Array]:
        """The axis of a quantity, and its mass at the nodes."""
        own = self.plan.lattice
        if name == "mu":
            return own.mu, self.mass.sum(axis=2)
        if name == "tau":
            assert own.tau is not None  # asked of random effects alone
            return own.tau, self.mass.sum(axis=1)[:, 1:]
        density = self.mass.reshape(len(self.mass), -1) @ own.spread
        return own.new, density * np.exp(log_weights(own.new))


def plans(
    library: Library,
    reviews: NDArray[np.intp],
    priors: Priors,
    effects: str,
    fineness: float = 1.0,
) -> Iterator[Plan]:
    """Sort reviews into those that share nodes; those that no nodes suit are left out.

    Parameters
    ----------
    library : Library
    reviews : array of int
        Which of its reviews.
    priors : Priors
        Proper and unbounded.
    effects : "random" or "common"
    fineness : float
        2 doubles the nodes of mu and tau.
    """
    trials, random = library.trials, effects == "random"
    middle, spread = _middle(priors)
    c, s = (library.padded(of, reviews) for of in (trials.centre, trials.width))
    precision = np.nan_to_num(1 / s**2)
    total = precision.sum(axis=1) + 1 / spread**2
    centre = (np.nansum(precision * np.nan_to_num(c), axis=1) + middle / spread**2) / total
    width = 1 / np.sqrt(total)
    bottom, top = _reach(priors)
    far = 7 * np.hypot(spread, float(priors.tau.ppf(0.9999)) if random else 0.0)
    low, high = (library.padded(of, reviews) for of in (trials.low, trials.high))
    low = np.where(np.isneginf(low), np.minimum(middle - far, c - 8 * s), low)
    high = np.where(np.isposinf(high), np.maximum(middle + far, c + 8 * s), high)
    ends = np.stack([np.nanmin(low, axis=1), np.nanmax(high, axis=1)])
    ends = (np.clip(ends, -THETA_LIMIT, THETA_LIMIT) - centre) / width
    s = s / width[:, None]
    away = np.abs(c - centre[:, None]) / width[:, None] + s
    typical = np.nanmedian(s, axis=1)
    # Width of the core of theta's axis and number of nodes, were each review by itself.
    alone = [_nodes(s[i : i + 1], away[i : i + 1], ends[:, i : i + 1]) for i in range(len(s))]
    core, _, need = np.array(alone).T
    kind = np.round(2 * np.log2(typical)) * 100 + np.round(np.log2(core))
    for some in _alike(kind, need, library.sizes[reviews]):
        began = time.process_time()
        own = centre[some], width[some]
        x = np.arcsinh((np.array([bottom, top])[:, None] - own[0]) / own[1])
        mu = SinhAxis((0.0,), (1.0,), uniform(x[0].min(), x[1].max(), STEP_MU / fineness))
        tau, theta = None, mu
        if random:
            tau = _tau(library, reviews[some], priors, own[1], fineness)
            unit, size, _ = _nodes(s[some], away[some], ends[:, some])
            x = np.arcsinh(ends[:, some] / unit)
            theta = SinhAxis((0.0,), (unit,), uniform(x[0].min(), x[1].max(), size))
        if len(theta.x) <= MOST:
            shared = lattice(mu, tau, theta)
            yield Plan(reviews[some], *own, shared, time.process_time() - began)


def _alike(kind: Array, need: Array, sizes: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Places of reviews of one kind, alike in their need of nodes, some tens at a time."""
    waiting: list[int] = []
    for i in np.lexsort((need, kind)).tolist():
        full = len(waiting) == REVIEWS or sizes[[*waiting, i]].sum() > TRIALS
        if waiting and (full or kind[i] != kind[waiting[0]]):
            yield np.array(waiting)
            waiting = []
        waiting.append(i)
    yield np.array(waiting)


def _nodes(s: Array, away: Array, ends: Array) -> tuple[float, float, float]:
    """Width of the core of the axis of theta, its step, and how many nodes it has.

    Each trial's own width has to be resolved where the trial is; of the axes that do, the one with
    the fewest nodes.
    """
    low, high = float(ends[0].min()), float(ends[1].max())
    unit = max(-low, high) * 2.0 ** -np.arange(10)
    steps = RESOLVED * np.nanmin(s / np.sqrt(unit[:, None, None] ** 2 + away**2), axis=(1, 2))
    steps = np.minimum(steps, 0.2)
    number = (np.arcsinh(high / unit) - np.arcsinh(low / unit)) / steps
    best = int(number.argmin())
    return float(unit[best]), float(steps[best]), float(number[best])


def _middle(priors: Priors) -> tuple[float, float]:
    low, middle, high = (float(x) for x in priors.mu.ppf(np.array([0.16, 0.5, 0.84])))
    return middle, (high - low) / 2


def _reach(priors: Priors) -> tuple[float, float]:
    low, middle, high = (float(x) for x in priors.mu.ppf(np.array([1e-16, 0.5, 1 - 1e-16])))
    return middle - 1.2 * (middle - low), middle + 1.2 * (high - middle)


def _tau(
    library: Library, reviews: NDArray[np.intp], priors: Priors, width: Array, fineness: float
) -> ScaleAxis:
    """Nodes of tau in units of each review's width, to where the last of them ends."""
    trials = library.trials
    bounded = library.padded(np.where(library.informing, trials.centre, np.nan), reviews)
    there = np.isfinite(bounded)
    y, se = (
        np.where(there, library.padded(of, reviews), np.nan) for of in (trials.centre, trials.width)
    )
    x, scale, _ = tau_nodes(y, np.where(there, se, 1.0), there, priors, "random")
    scale = scale / width
    shared = ScaleAxis(float(np.median(scale)), x)
    last = shared.to_x(shared.value(x[-1:]) / shared.scale * scale.max())[0]
    size = min(0.1, 0.42 / np.sqrt(float(library.sizes[reviews].max()))) / fineness
    return replace(shared, x=uniform(-2.5, float(last), size))


def joint(library: Library, plan: Plan, priors: Priors) -> Joint:
    """Posteriors of the reviews of a plan under a prior set."""
    own, reviews = plan.lattice, plan.reviews
    sizes = library.sizes[reviews]
    rows = library.rows(reviews)
    starts = np.cumsum(sizes) - sizes
    whose = np.repeat(np.arange(len(reviews)), sizes)
    theta = plan.centre[whose, None] + plan.width[whose, None] * nodes(own.theta)
    log_g = library.trials.at(theta, rows)
    taus, mu = own.taus, nodes(own.mu)
    log_l = np.empty((len(reviews), len(mu) * len(taus)))
    for part in own.narrow:
        values = (part.points @ log_g.T).reshape(len(part.pairs), -1, len(rows))
        values += part.log_w[:, None]
        log_l[:, part.pairs] = np.add.reduceat(log_sum(values.swapaxes(1, 2)), starts, axis=1).T
    top = log_g.max(axis=1)
    g = np.exp(log_g - top[:, None])
    tops = np.add.reduceat(top, starts)
    missed = np.empty((len(reviews), 0))
    if len(own.wide):
        log_l[:, own.wide] = _summed(g, own.kernel, starts) + tops[:, None]
        half = _summed(g[:, ::2], own.half_kernel, starts) + tops[:, None]
        missed = np.abs(half - log_l[:, own.half])
    at = plan.centre[:, None] + plan.width[:, None] * mu
    log_p = log_l.reshape(len(reviews), len(mu), len(taus))
    log_p += (priors.mu.logpdf(at) + log_weights(own.mu) + np.log(plan.width)[:, None])[..., None]
    if own.tau is not None:
        log_p += _log_prior_tau(own.tau, plan.width, priors)[:, None, :]
    peak = log_p.max(axis=(1, 2), keepdims=True)
    mass = np.exp(log_p - peak)
    total = mass.sum(axis=(1, 2), keepdims=True)
    mass /= total
    error = _halved(mass[:, :, 0].sum(axis=1) if own.tau is not None else None, mass, own)
    error += np.add.reduceat(library.trials.error[rows], starts)
    error += (mass.reshape(len(mass), -1)[:, own.half] * np.minimum(missed, 1.0)).sum(axis=1)
    edge = mass[:, [0, -1]].sum(axis=(1, 2))
    if own.tau is not None:
        edge += mass[:, :, -1].sum(axis=1)
        new = mass.reshape(len(mass), -1) @ own.spread @ np.exp(log_weights(own.new))
        error[np.abs(new - 1) > LOST] = np.inf
    evidence = (peak + np.log(total)).ravel()
    error[(edge > EDGE) | (peak.ravel() - tops < -DEEPEST)] = np.inf
    return Joint(plan, mass, evidence, error)


def _summed(g: Array, kernel: Array, starts: NDArray[np.intp]) -> Array:
    """log likelihood of each review where theta is summed over its nodes."""
    found = g @ kernel
    np.maximum(found, 1e-300, out=found)
    np.log(found, out=found)
    return np.add.reduceat(found, starts, axis=0)


def _log_prior_tau(axis: ScaleAxis, width: Array, priors: Priors) -> Array:
    """Log prior mass at tau = 0 and at the nodes, quadrature weights included."""
    tau = width[:, None] * nodes(axis)
    at_zero = np.log(np.maximum(priors.tau.cdf(tau[:, :1]), 1e-300))
    rest = priors.tau.logpdf(tau) + np.log(width)[:, None] + log_weights(axis)
    rest[:, 0] -= np.log(2.0)  # the first node, beside the mass below it
    return np.concatenate([at_zero, rest], axis=1)


def _halved(atom: Array | None, mass: Array, own: Lattice) -> Array:
    """Largest change of the cdf of mu or tau when every second node is left out."""
    of_mu = mass.sum(axis=2)
    whole, half = own.below["mu"]
    found = np.abs(of_mu @ whole.T - of_mu[:, ::2] @ half.T).max(axis=1)
    if atom is not None:
        of_tau = mass.sum(axis=1)[:, 1:]
        whole, half = own.below["tau"]
        rest = of_tau @ whole.T
        change = np.abs(rest - of_tau[:, ::2] @ half.T).max(axis=1)
        found = np.maximum(found, change)
    return found
