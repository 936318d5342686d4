"""P(effect beyond a threshold) under any priors of mu and of tau, on one grid.

With L the likelihood of all trials at the nodes and Q the probability asked for there, a prior
of mu (row a of masses A) and one of tau (row b of masses B) have the answer

    P[a, b] = A (L Q) B' / A L B',

so a table of priors is a pair of matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import logsumexp

from bayespool.axes import Array, log_weights
from bayespool.decisions import Question, question_of
from bayespool.errors import UsageError
from bayespool.exact import Surface
from bayespool.exact.closed import log_mass_at_zero
from bayespool.exact.sums import Sums
from bayespool.prior import Prior, Priors

__all__ = ["Line", "Plane", "checked_question"]

HALVED = 3e-3  # of the evidence by half the nodes of mu: all of them then err by its square
PEAKS = 8  # places of mu that may be added to a grid
_LEAST = 1e-200  # a sum of products below this has lost its digits


def checked_question(
    surface: Surface,
    priors: Priors | None,
    benefit: str | None,
    threshold: float | str | None,
    new: bool = False,
) -> Question:
    """Read a question, and whether it can be asked under these priors.

    Raises
    ------
    PriorError
        ``priors.phi`` differs from the surface's.
    UsageError
        See `question_of`; or a new trial under a common effect.
    """
    question = question_of(surface, benefit, threshold, new)
    if priors is not None:
        surface.check_phi(priors)
    if new and surface.effects == "common":
        raise UsageError("a common effect is the same in a new trial: leave out new=True.")
    return question


@dataclass(frozen=True, eq=False)
class Line:
    """Answers along one parameter, the other one's prior fixed: no digit is lost to underflow.

    ``log_l`` (n,) is the log likelihood at its nodes, ``share`` (n,) the answer at each.
    """

    log_l: Array
    share: Array

    def __call__(self, log_prior: Array) -> Array:
        """Answers for log prior masses of shape (..., n)."""
        log_p = self.log_l + log_prior
        p = np.exp(log_p - log_p.max(axis=-1, keepdims=True))
        return np.asarray(p @ self.share / p.sum(axis=-1))


@dataclass(frozen=True, eq=False)
class Plane:
    """A grid, the likelihood of all trials and the probability asked for at its nodes."""

    sums: Sums
    log_l: Array
    asked: Array

    @classmethod
    def of(
        cls,
        surface: Surface,
        asked: Question,
        widest: Priors,
        mu: Sequence[Prior],
        tau: Sequence[Prior],
        peaks: Sequence[tuple[float, float]] = (),
    ) -> Plane:
        """Lay out a grid on which every one of these priors is resolved.

        ``widest`` reaches as far as any of them. Where half the nodes would not do for a prior
        of mu, its posterior becomes a further peak of the axis.
        """
        peaks = list(peaks)
        while True:
            sums = surface.sums(widest, peaks)
            log_l = np.tensordot(surface.weights, sums.grid.log_l, axes=1)
            at = np.array([asked.at])
            below = (sums.new_below(at) if asked.new else sums.below(at))[0]
            plane = cls(sums, log_l - log_l.max(), asked.better(below))
            log_mu, log_tau = plane.log_mu(mu), plane.log_tau(tau)
            worst = [plane._unresolved(log_mu, row) for row in log_tau[[0, -1]]]
            halved, centre, width = max(worst)
            if halved < HALVED or len(peaks) == PEAKS:
                return plane
            peaks.append((centre, width))

    def log_mu(self, priors: Sequence[Prior]) -> Array:
        """Log masses of priors of mu at the nodes, shape (priors, m)."""
        return np.array([prior.logpdf(self.sums.mu) for prior in priors]) + self._weights_mu

    def log_tau(self, priors: Sequence[Prior]) -> Array:
        """Log masses of priors of tau at the nodes, shape (priors, 1 + t)."""
        tau, weights = self.sums.tau, self._weights_tau
        if weights is None:
            return np.zeros((1, 1))
        zero = np.array([log_mass_at_zero(prior, tau[1]) for prior in priors])
        rest = np.array([prior.logpdf(tau[1:]) for prior in priors]) + weights
        return np.hstack([zero.reshape(-1, 1), rest])

    def answers(self, log_mu: Array, log_tau: Array) -> Array:
        """Answers under every pair of priors, shape (priors of mu, priors of tau)."""
        a = np.exp(log_mu - log_mu.max(axis=1, keepdims=True))
        b = np.exp(log_tau - log_tau.max(axis=1, keepdims=True)).T
        likelihood = np.exp(self.log_l)
        total = a @ likelihood @ b
        with np.errstate(invalid="ignore", divide="ignore"):
            found = a @ (likelihood * self.asked) @ b / total
        for j in np.flatnonzero((total < _LEAST).any(axis=0)):  # a prior far from all data
            found[:, j] = self.along_mu(log_tau[j])(log_mu)
        return np.clip(found, 0.0, 1.0)

    def along_mu(self, log_tau: Array) -> Line:
        """Answers for priors of mu, under one prior of tau: log masses (1 + t,)."""
        return _line(self.log_l + log_tau, self.asked, 1)

    def along_tau(self, log_mu: Array) -> Line:
        """Answers for priors of tau, under one prior of mu: log masses (m,)."""
        return _line(self.log_l + log_mu[:, None], self.asked, 0)

    @cached_property
    def _weights_mu(self) -> Array:
        return log_weights(self.sums.grid.mu)

    @cached_property
    def _weights_tau(self) -> Array | None:
        if self.sums.grid.tau is None:
            return None
        weights = log_weights(self.sums.grid.tau)
        weights[0] -= np.log(2.0)  # the first node, beside the mass below it
        return weights

    def _unresolved(self, log_mu: Array, log_tau: Array) -> tuple[float, float, float]:
        """How far the worst prior of mu is from resolved, and where its posterior lies."""
        log_p = log_mu + logsumexp(self.log_l + log_tau, axis=1)
        p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        halved = np.abs(2 * p[:, ::2].sum(axis=1) - 1)
        worst = int(np.argmax(halved))
        mu, row = self.sums.mu, p[worst]
        centre = float(mu @ row)
        sd = float(np.sqrt((mu - centre) ** 2 @ row))
        gap = float(self.sums.grid.mu.spacing(np.array([centre]))[0])
        return float(halved[worst]), centre, min(max(sd, gap / 10), gap)


def _line(log_p: Array, asked: Array, axis: int) -> Line:
    """Sum one parameter out: log masses (m, 1 + t) with the answers there."""
    total = logsumexp(log_p, axis=axis, keepdims=True)
    share = (np.exp(log_p - total) * asked).sum(axis=axis)
    return Line(np.squeeze(total, axis=axis), share)
