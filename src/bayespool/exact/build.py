"""The grid of a surface: where its nodes lie, and each trial's log likelihood there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bayespool.axes import Array, CutAxis, ScaleAxis, SinhAxis, log_weights, nodes
from bayespool.exact.grid import Frame, mu_axis, tau_axis, trimmed
from bayespool.exact.trial import T_NU, TrialLikelihood, log_gamma
from bayespool.prior import Priors

_STRIDE = 4
_STEP_MU, _STEP_TAU = 0.15, 0.12
_OCTAVE = 4  # SDs of a mixture to a factor of 2: an integral over log G errs by 1e-10 at most
_NO_SPREAD = 1e-6  # of a trial's error


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes of mu and tau and each trial's log likelihood there.

    ``log_l`` has shape (trials, mu, 1 + tau): column 0 is tau = 0; a common effect has
    that column alone and ``tau`` None.
    """

    mu: SinhAxis | CutAxis
    tau: ScaleAxis | CutAxis | None
    log_l: Array


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a grid is laid out for: the trials, their weights, and how effects vary."""

    terms: Sequence[TrialLikelihood]
    weights: Array
    frame: Frame
    effects: str

    @property
    def corner(self) -> bool:
        return any(getattr(term, "corner", False) for term in self.terms)


def grid_for(
    evidence: Evidence,
    priors: Priors,
    fineness: float = 1.0,
    generous: bool = False,
    whole: bool = False,
    peaks: Sequence[tuple[float, float]] = (),
) -> Grid:
    """Lay the nodes out for a prior set and fill them in.

    ``generous`` lets mu lie where neither prior nor data would have it alone; ``whole`` keeps
    what these data rule out but fewer of them, or lighter ones, may not; ``peaks`` are further
    (centre, width) of mu to be resolved.
    """
    frame, terms = evidence.frame, evidence.terms
    size = _STEP_MU / fineness
    if evidence.effects == "common":
        mu = mu_axis(frame, priors.mu, 0.0, size, evidence.corner, generous, peaks)
        return Grid(mu, None, log_l(evidence, nodes(mu), None))
    # Many trials make a narrow peak in tau, which finer nodes resolve.
    tau = tau_axis(frame, priors, min(_STEP_TAU, 0.5 / np.sqrt(max(len(terms), 1))) / fineness)
    tau_max = float(nodes(tau)[-1]) * (1 if evidence.effects == "random" else 4)
    mu = mu_axis(frame, priors.mu, tau_max, size, evidence.corner, generous, peaks)
    if not whole:
        mu, tau = _trim(evidence, mu, tau, priors)
    return Grid(mu, tau, log_l(evidence, nodes(mu), tau))


def log_l(evidence: Evidence, mu: Array, tau: ScaleAxis | CutAxis | None) -> Array:
    """Each trial's log likelihood, shape (trials, mu, 1 + tau): column 0 is tau = 0.

    Without ``tau`` (a common effect) column 0 stands alone.
    """
    if tau is None:
        return np.array([term.log(mu) for term in evidence.terms]).reshape(-1, len(mu), 1)
    if evidence.effects == "random":
        sd = nodes(tau)
        rows = [row_of(term, mu, sd) for term in evidence.terms]
    else:
        rows = _t_rows(evidence.terms, mu, tau)
    return np.array(rows).reshape(len(evidence.terms), len(mu), 1 + len(tau.x))


def row_of(term: TrialLikelihood, mu: Array, sd: Array, halving: int = 0) -> Array:
    """One trial's log likelihood with normal effects, shape (mu, 1 + sd): column 0 is tau = 0."""
    return np.column_stack([term.log(mu), term.averaged(mu, sd, halving)])


def _trim(
    evidence: Evidence, mu: SinhAxis | CutAxis, tau: ScaleAxis | CutAxis, priors: Priors
) -> tuple[SinhAxis | CutAxis, ScaleAxis | CutAxis]:
    """Cut the box to where the posterior lives, seen on every fourth node."""
    coarse_mu = replace(mu, x=mu.x[::_STRIDE])
    coarse_tau = replace(tau, x=tau.x[::_STRIDE])
    rows = log_l(evidence, nodes(coarse_mu), coarse_tau)[:, :, 1:]
    log_p = np.tensordot(evidence.weights, rows, axes=1)
    log_p = log_p + (priors.mu.logpdf(nodes(coarse_mu)) + log_weights(coarse_mu))[:, None]
    log_p = log_p + priors.tau.logpdf(nodes(coarse_tau)) + log_weights(coarse_tau)
    # Moments weigh the far nodes, so they are kept as if they had them.
    log_p = log_p + 2 * np.log1p(nodes(coarse_tau) / evidence.frame.reach)
    log_p = np.where(np.isfinite(log_p), log_p, -np.inf)
    if isinstance(mu, SinhAxis):
        mu = replace(mu, x=mu.x[trimmed(mu, log_p.max(axis=1), _STRIDE)])
    if isinstance(tau, ScaleAxis):
        last = trimmed(tau, log_p.max(axis=0), _STRIDE).stop
        tau = replace(tau, x=tau.x[: last - 1 + last % 2])
    return mu, tau


def _t_rows(terms: Sequence[TrialLikelihood], mu: Array, tau: ScaleAxis | CutAxis) -> list[Array]:
    """Student-t effects as a scale mixture of normal ones, a sum over their SDs s.

    theta ~ t(nu) is Normal(mu, s), s = tau / sqrt(G), with G ~ Gamma(nu/2, rate nu/2). The s are
    equally apart in the logarithm and serve every tau: only their weights differ.
    """
    log_tau = np.log(nodes(tau))
    first, last = np.log2(np.exp([log_tau[0] - 1.6, log_tau[-1] + 12.5])) * _OCTAVE
    log_s = np.arange(np.floor(first), np.ceil(last) + 1) * (np.log(2) / _OCTAVE)
    weights = np.exp(log_gamma(T_NU, 2 * (log_tau - log_s[:, None])))
    weights /= weights.sum(axis=0)
    # Far below every trial's error s is as good as 0.
    none = log_s < np.log(_NO_SPREAD * min(term.width for term in terms))
    none[-_OCTAVE:] = False
    weights = np.vstack([weights[none].sum(axis=0), weights[~none]])
    rows = [row_of(term, mu, np.exp(log_s[~none]), _OCTAVE // 2) for term in terms]
    return [np.column_stack([row[:, 0], _mixed(row, weights)]) for row in rows]


def _mixed(row: Array, weights: Array) -> Array:
    """log of the sum over s of a likelihood times weights of shape (s, tau): shape (mu, tau).

    Weights fall like a power of s towards large s and likelihoods towards small ones, so no sum
    underflows, though single terms do.
    """
    top = row.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(np.maximum(row - top, -700.0)) @ weights) + top)
