"""Many posteriors at once: subsets, weights and priors are sums over one grid.

A question about a posterior (P(mu < t), the mean of tau) is a fixed array over the grid's
nodes; its answer is the weighted sum of that array by the posterior. So the array is made
once, and a thousand subsets or priors are a matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, sici, stdtr

from bayespool.axes import Array, Axis, log_weights, nodes, step
from bayespool.exact.closed import log_mass_at_zero
from bayespool.exact.quantiles import inverted, of_new_effect
from bayespool.exact.trial import T_NU, gamma_mixture
from bayespool.prior import Priors

if TYPE_CHECKING:
    from bayespool.exact.build import Grid

_Z, _W = np.polynomial.hermite_e.hermegauss(7)
_W = _W / _W.sum()
_NONE = 0.02
_RESOLVED = 1.5  # a normal whose SD spans this many nodes is summed without loss


def integrals_below(axis: Axis, at: Array) -> Array:
    """Weights that turn a density's values at the nodes into its integrals up to ``at``.

    Sinc indefinite integration (Haber 1993, Math Comp 60:279): like the trapezoid rule it
    converges geometrically, for any upper limit. Relative to the trapezoid weight, so that
    far above ``at`` a node counts 0 and far below 1.

    Returns
    -------
    array of shape (len(at), nodes)
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.clip(np.nan_to_num(axis.to_x(at), nan=-1e6), -1e6, 1e6)
    distance = (x[:, None] - axis.x) / step(axis)
    return 0.5 + sici(np.pi * distance)[0] / np.pi


@dataclass(frozen=True, eq=False)
class Sums:
    """A grid, and the questions that can be asked of any posterior on it."""

    grid: Grid
    effects: str

    @cached_property
    def mu(self) -> Array:
        """Nodes of mu, shape (m,)."""
        return nodes(self.grid.mu)

    @cached_property
    def tau(self) -> Array:
        """0 and the nodes of tau, shape (1 + t,); 0 alone for a common effect."""
        return np.concatenate([[0.0], [] if self.grid.tau is None else nodes(self.grid.tau)])

    def log_prior(self, priors: Priors) -> tuple[Array, Array]:
        """Log prior mass at the nodes of mu and of tau, quadrature weights included."""
        mu = priors.mu.logpdf(self.mu) + log_weights(self.grid.mu)
        if self.grid.tau is None:
            return mu, np.zeros(1)
        tau = priors.tau.logpdf(self.tau[1:]) + log_weights(self.grid.tau)
        tau[0] -= np.log(2.0)  # the first node, beside the mass below it
        return mu, np.concatenate([log_mass_at_zero(priors.tau, self.tau[1]), tau])

    def below(self, at: Array) -> Array:
        """The question P(mu < at): shape (len(at), m, 1 + t)."""
        found = integrals_below(self.grid.mu, at)[:, :, None]
        return np.broadcast_to(found, (len(at), len(self.mu), len(self.tau)))

    def new_below(self, at: Array) -> Array:
        """The question P(theta_new < at): shape (len(at), m, 1 + t)."""
        axis, tau = self.grid.mu, self.tau
        z, w = _Z, _W
        if self.effects == "t":
            log_g, log_w = gamma_mixture(T_NU, step=0.55)
            z = (_Z[:, None] * np.exp(-0.5 * log_g)).ravel()
            w = (_W[:, None] * np.exp(log_w)).ravel()
        found = np.empty((len(at), len(self.mu), len(tau)))
        spacing = axis.spacing(np.clip(at, self.mu[0], self.mu[-1]))
        for i, (value, gap) in enumerate(zip(at, spacing, strict=True)):
            # Where the effects' spread is narrower than the nodes, the integral up to a limit
            # is averaged over the limit; where it is wider, the nodes resolve it.
            # A spread of a fiftieth of the nodes' distance moves nothing by more than 1e-6.
            wide = tau >= _RESOLVED * gap
            none = tau < _NONE * gap
            narrow = ~wide & ~none
            found[i][:, none] = integrals_below(axis, np.array([value]))[0][:, None]
            if narrow.any():
                limits = value - tau[narrow, None] * z
                part = integrals_below(axis, limits.ravel()).reshape(*limits.shape, -1)
                found[i][:, narrow] = np.einsum("bjm,j->mb", part, w)
            units = (value - self.mu[:, None]) / tau[wide]
            found[i][:, wide] = ndtr(units) if self.effects == "random" else stdtr(T_NU, units)
        return found


@dataclass(frozen=True, eq=False)
class Batch:
    """Posteriors of several sets of trials or weights under one prior set, on one grid.

    Attributes
    ----------
    log_evidence : array of shape (sets,)
        Log marginal likelihood; it means something where every weight is 0 or 1 and the priors
        are proper.
    halved : array of shape (sets,)
        How much of the evidence changes when every second node of mu is left out. All nodes
        together err by its square or so.
    """

    sums: Sums
    log_evidence: Array
    halved: Array
    _p: Array

    @property
    def edge(self) -> Array:
        """Posterior mass at the grid's last nodes, shape (sets,): beyond them nothing was seen."""
        beyond = self._p[:, [0, -1], :].sum(axis=(1, 2))
        if self.sums.grid.tau is not None:
            beyond = beyond + self._p[:, :, -1].sum(axis=1)
        return np.asarray(beyond)

    @classmethod
    def of(cls, sums: Sums, priors: Priors, log_l: Array, proper: NDArray[np.bool_]) -> Batch:
        """Make it from summed log likelihoods, shape (sets, m, 1 + t); NaN for improper sets."""
        mu, tau = sums.log_prior(priors)
        log_p = log_l + mu[:, None] + tau
        top = log_p.max(axis=(1, 2), keepdims=True)
        p = np.exp(log_p - top)
        total = p.sum(axis=(1, 2), keepdims=True)
        p /= total
        p[~proper] = np.nan
        halved = np.abs(2 * p[:, ::2].sum(axis=(1, 2)) - 1)
        return cls(sums, np.where(proper, (top + np.log(total)).ravel(), np.nan), halved, p)

    def ask(self, question: Array) -> Array:
        """Answers to questions of shape (n, m, 1 + t): shape (sets, n)."""
        return np.einsum("smt,nmt->sn", self._p, question, optimize=True)

    def cdf(self, name: str, at: Array | Sequence[float]) -> Array:
        """P(quantity < at), shape (sets, len(at)); quantity is mu, tau or theta_new."""
        points = np.asarray(at, dtype=float)
        if name == "mu":
            return np.clip(self._mu @ integrals_below(self.sums.grid.mu, points).T, 0, 1)
        if name == "tau":
            axis = self.sums.grid.tau
            assert axis is not None  # asked of random effects alone
            above = self._tau[:, 1:] @ integrals_below(axis, points).T
            return np.clip(self._tau[:, :1] + above, 0, 1)
        return np.clip(self.ask(self.sums.new_below(points)), 0, 1)

    def mean(self, name: str) -> Array:
        """Posterior means of mu or tau, shape (sets,)."""
        return self._mu @ self.sums.mu if name == "mu" else self._tau @ self.sums.tau

    def quantile(self, name: str, p: Array | Sequence[float]) -> Array:
        """Quantiles of mu, tau or theta_new, shape (sets, len(p))."""
        p = np.asarray(p, dtype=float)
        if name == "theta_new" and self.sums.effects == "random":
            return of_new_effect(self, p)
        axis: Axis = self.sums.grid.mu
        if name == "tau":
            assert self.sums.grid.tau is not None  # asked of random effects alone
            axis = self.sums.grid.tau
        x, values = axis.x, nodes(axis)
        if name == "theta_new":
            values = self._reach()
            x = np.asarray(axis.to_x(values))
        place, slope = inverted(x, self.cdf(name, values), p)
        if name != "theta_new":
            # One Newton step on the cdf itself, not on its spline.
            mass = self._mu if name == "mu" else self._tau[:, 1:]
            atom = 0.0 if name == "mu" else self._tau[:, :1]
            below = 0.5 + sici(np.pi * (place[..., None] - x) / step(axis))[0] / np.pi
            gap = np.einsum("spj,sj->sp", below, mass) + atom - p
            place = place - np.where(slope > 0, gap / np.where(slope > 0, slope, 1.0), 0.0)
        return np.maximum(axis.value(place), 0.0 if name == "tau" else -np.inf)

    @cached_property
    def _mu(self) -> Array:
        return self._p.sum(axis=2)

    @cached_property
    def _tau(self) -> Array:
        return self._p.sum(axis=1)

    def _reach(self) -> Array:
        """Points that hold every set's effect in a new trial, as dense as the nodes of mu."""
        tau = self.sums.tau
        column = self._tau.max(axis=0)
        reach = tau[column > 1e-9].max(initial=0.0)
        mu = self.sums.mu[self._mu.max(axis=0) > 1e-9]
        axis = self.sums.grid.mu
        low, high = axis.to_x(np.array([mu[0] - 5 * reach, mu[-1] + 5 * reach]))
        return np.asarray(axis.value(np.arange(low, high + step(axis), step(axis))))


__all__ = ["Batch", "Sums", "integrals_below"]
