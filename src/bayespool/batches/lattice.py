"""Nodes of (mu, tau) and theta that many reviews share, and the sums over them as matrices.

Every review has a centre and a width of its own (what all of its trials together say of the
effect, by normal approximation). Counted from the one in units of the other, reviews alike in
precision can have the same nodes, and then what turns g(theta) into L(mu, tau), and a posterior of
(mu, tau) into that of a new trial's effect, is the same for all: a matrix, made once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import ndtr

from bayespool.axes import Array, ScaleAxis, SinhAxis, log_weights, nodes, step, uniform
from bayespool.exact.sums import integrals_below

__all__ = ["Lattice", "lattice"]

WIDE = 1.3  # nodes that tau spans where a sum over them is as good as the integral
POINTS = ((0.02, 1), (0.15, 3), (0.6, 7), (np.inf, 11))  # of Gauss-Hermite, up to so many nodes
STENCIL = np.arange(-2, 4)  # nodes about a point, through which log g goes
STEP_MU = 0.15


@dataclass(frozen=True, eq=False)
class Narrow:
    """Where effects spread less than the nodes of theta lie apart: columns of a few taus.

    ``pairs`` are places in the flat (mu, 1 + tau); log g at the Gauss-Hermite points of all pairs
    is ``points`` (pairs x order, thetas) times log g at the nodes.
    """

    pairs: NDArray[np.intp]
    points: Any
    log_w: Array


@dataclass(frozen=True, eq=False)
class Lattice:
    """Shared nodes, in each review's own centre and width, and what is summed over them.

    Attributes
    ----------
    mu, theta, new : SinhAxis
        Of the mean effect, of the trials' and of a new trial's.
    tau : ScaleAxis or None
        None for a common effect.
    wide, half : places of the flat (mu, 1 + tau) that are sums over all nodes of theta, and those
        of them that every second node serves
    kernel, half_kernel : arrays of shape (thetas, wide) and (thetas / 2, half)
        Density of theta given (mu, tau) times the nodes' weights.
    spread : array of shape (mu x (1 + tau), new)
        Turns posterior mass into the density of a new trial's effect.
    """

    mu: SinhAxis
    tau: ScaleAxis | None
    theta: SinhAxis
    new: SinhAxis
    wide: NDArray[np.intp]
    half: NDArray[np.intp]
    kernel: Array
    half_kernel: Array
    narrow: tuple[Narrow, ...]
    spread: Array

    @cached_property
    def below(self) -> dict[str, tuple[Array, Array]]:
        """Integrals up to each node of mu, tau and new: of all nodes, of every second one."""
        axes: dict[str, SinhAxis | ScaleAxis] = {"mu": self.mu}
        if self.tau is not None:
            axes |= {"tau": self.tau, "theta_new": self.new}
        return {
            name: (
                integrals_below(axis, nodes(axis)),
                2 * integrals_below(replace(axis, x=axis.x[::2]), nodes(axis)),
            )
            for name, axis in axes.items()
        }

    @property
    def taus(self) -> Array:
        """0 and the nodes of tau."""
        return np.concatenate([[0.0], [] if self.tau is None else nodes(self.tau)])


def lattice(mu: SinhAxis, tau: ScaleAxis | None, theta: SinhAxis) -> Lattice:
    """Lay out the matrices for these nodes."""
    at, points = nodes(mu), nodes(theta)
    taus = np.concatenate([[0.0], [] if tau is None else nodes(tau)])
    gap = theta.spacing(at)[:, None]
    share = np.broadcast_to(taus / gap, (len(at), len(taus)))
    is_wide = share >= WIDE
    is_half = share >= 2 * WIDE
    wide, half = np.flatnonzero(is_wide), np.flatnonzero(is_half)
    low, narrow = -1.0, []
    for high, order in POINTS:
        pairs = np.flatnonzero(~is_wide & (share > low) & (share <= high))
        low = high
        if len(pairs):
            narrow.append(_narrow(theta, at, taus, pairs, order))
    new, spread = mu, np.empty((0, 0))
    if tau is not None:
        ends = mu.to_x(np.array([at[0] - 8 * taus[-1], at[-1] + 8 * taus[-1]]))
        new = SinhAxis(mu.centres, mu.widths, uniform(ends[0], ends[1], step(mu)))
        spread = _spread(mu, taus, new)
    return Lattice(
        mu, tau, theta, new, wide, half,
        _kernel(points, log_weights(theta), at, taus, wide),
        _kernel(points[::2], log_weights(theta)[::2] + np.log(2.0), at, taus, half),
        tuple(narrow), spread,
    )  # fmt: skip


def _kernel(points: Array, log_w: Array, mu: Array, tau: Array, pairs: NDArray[np.intp]) -> Array:
    """Weights of g at the nodes in its average over Normal(mu, tau): (nodes, pairs).

    Beyond the last nodes g is what it is there.
    """
    mean, sd = mu[pairs // len(tau)], tau[pairs % len(tau)]
    found = (points[:, None] - mean) / sd
    ends = ndtr(found[0]), ndtr(-found[-1])
    np.square(found, out=found)
    found *= -0.5
    found += log_w[:, None]
    np.maximum(found, -700.0, out=found)
    np.exp(found, out=found)
    found /= np.sqrt(2 * np.pi) * sd
    for end, beyond in zip((0, -1), ends, strict=True):
        found[end] = 0.5 * found[end] + beyond
    return found


def _narrow(theta: SinhAxis, mu: Array, tau: Array, pairs: NDArray[np.intp], order: int) -> Narrow:
    z, w = np.polynomial.hermite_e.hermegauss(order)
    value = mu[pairs // len(tau), None] + tau[pairs % len(tau), None] * z
    place = (theta.to_x(value.ravel()) - theta.x[0]) / step(theta)
    last = len(theta.x) - 1
    place = np.clip(place, 0.0, float(last))
    first = np.clip(place.astype(np.intp) + STENCIL[0], 0, last + 1 - len(STENCIL))
    t = place - first
    columns = first[:, None] + np.arange(len(STENCIL))
    weights = np.ones(columns.shape)
    for i in range(len(STENCIL)):
        for j in range(len(STENCIL)):
            if i != j:
                weights[:, i] *= (t - j) / (i - j)
    starts = np.arange(0, columns.size + 1, len(STENCIL))
    matrix = csr_array((weights.ravel(), columns.ravel(), starts), shape=(len(t), last + 1))
    return Narrow(pairs, matrix, np.log(w / w.sum()))


def _spread(mu: SinhAxis, tau: Array, new: SinhAxis) -> Array:
    """From posterior mass at (mu, tau) to the density of a new trial's effect.

    Where tau is wide against the nodes around a point, a sum of normals; where it is narrow, the
    density of mu given tau, interpolated by sinc functions and averaged around the point.
    """
    at, points = nodes(mu), nodes(new)
    gap = new.spacing(points)[:, None]
    share = tau / gap
    found = np.empty((len(at), len(tau), len(points)))
    low = -1.0
    for high, order in ((0.02, 1), (0.5, 5), (1.1, 11)):
        z, w = np.polynomial.hermite_e.hermegauss(order)
        where, which = np.nonzero((share > low) & (share <= high))
        low = high
        value = points[where, None] + tau[which, None] * z
        x = mu.to_x(value)
        distance = (x[..., None] - mu.x) / step(mu)
        parts = np.sinc(distance) / (mu.slope(value)[..., None] * step(mu))
        found[:, which, where] = np.einsum("pzm,z->mp", parts, w / w.sum())
    where, which = np.nonzero(share > 1.1)
    unit = (points[where] - at[:, None]) / tau[which]
    bell = np.exp(np.maximum(-0.5 * unit**2, -700.0)) / (np.sqrt(2 * np.pi) * tau[which])
    found[:, which, where] = bell
    return found.reshape(len(at) * len(tau), len(points))
