"""The grid of a surface: where its nodes lie, and each trial's log likelihood there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicSpline

from bayespool.axes import Array, CutAxis, ScaleAxis, SinhAxis, log_weights, nodes, step
from bayespool.exact.grid import Frame, mu_axis, tau_axis, trimmed
from bayespool.exact.trial import T_NU, TrialLikelihood, blocks, gamma_mixture, log_sum
from bayespool.prior import Priors

_STRIDE = 4
_STEP_MU, _STEP_TAU = 0.15, 0.12


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


def row_of(term: TrialLikelihood, mu: Array, sd: Array) -> Array:
    """One trial's log likelihood with normal effects, shape (mu, 1 + sd): column 0 is tau = 0."""
    return np.column_stack([term.log(mu), term.averaged(mu, sd)])


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
    """Student-t effects as a scale mixture of normal ones: a sum along the tau axis.

    theta ~ t(nu) is Normal(mu, tau / sqrt(G)) with G ~ Gamma(nu/2, rate nu/2).
    """
    log_g, log_w = gamma_mixture(T_NU)
    base = tau.inner if isinstance(tau, CutAxis) else tau
    assert isinstance(base, ScaleAxis)  # tau_axis cuts nothing else
    low = base.to_x(nodes(tau)[:1] * np.exp(-0.5 * log_g[-1]))[0]
    high = base.to_x(nodes(tau)[-1:] * np.exp(-0.5 * log_g[0]))[0]
    h = min(step(tau), 0.12)
    wide = ScaleAxis(base.scale, np.arange(np.floor(low / h) - 1, np.ceil(high / h) + 2) * h)
    scales = wide.to_x(nodes(tau)[:, None] * np.exp(-0.5 * log_g))
    rows = [row_of(term, mu, nodes(wide)) for term in terms]
    return [np.column_stack([row[:, 0], _mixed(wide.x, row[:, 1:], scales, log_w)]) for row in rows]


def _mixed(x: Array, normal: Array, scales: Array, log_w: Array) -> Array:
    """log of the mixture over each row of ``scales`` of what is known at ``x``: (mu, scales)."""
    # A floor at e^-700 of the row's best: the spline must not swing where nothing is left.
    normal = np.maximum(normal, normal.max(axis=1, keepdims=True) - 700.0)
    spline = CubicSpline(x, normal, axis=1)
    found = np.empty((len(normal), len(scales)))
    for some in blocks(len(scales), len(normal) * len(log_w)):
        parts = spline(scales[some])  # (mu, some scales, G)
        parts += log_w
        found[:, some] = log_sum(parts)
    return found
