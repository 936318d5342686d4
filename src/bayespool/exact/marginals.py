"""From a surface and a prior to the marginals of mu, tau, a new trial and each trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import logsumexp

from bayespool.axes import Array, CutAxis, SinhAxis, log_weights, nodes, uniform
from bayespool.exact.closed import log_mass_at_zero
from bayespool.exact.grid import moments_of_mu, moments_of_tau, support
from bayespool.exact.trial import T_NU, TrialLikelihood, gamma_mixture, log_sum, smeared
from bayespool.posterior import Posterior, Tabulated
from bayespool.prior import Priors

if TYPE_CHECKING:
    from bayespool.exact.build import Grid
    from bayespool.exact.surface import Surface

SPREAD = 1e-5  # of an effect's mass may go astray before its grid is made finer
EDGE = -30.0  # a posterior that is e^-30 of its peak at the grid's edge ends inside the grid


def grid_posterior(
    grid: Grid,
    table: Surface,
    priors: Priors,
    about: dict[str, Any],
    finer: Callable[[], Posterior | None] = lambda: None,
) -> tuple[Posterior, bool]:
    """Sum the rows, add the log prior, normalise; and whether the posterior ends in the grid.

    ``finer`` gives the same posterior on a finer grid, for an effect that this one cannot spread.
    """
    terms, data = table.terms, table.frame
    mu, tau = nodes(grid.mu), None if grid.tau is None else nodes(grid.tau)
    log_prior_mu = priors.mu.logpdf(mu)
    log_f = np.tensordot(table.weights, grid.log_l, axes=1) + log_prior_mu[:, None]
    w_mu = log_weights(grid.mu)
    if tau is None or grid.tau is None:
        log_tau, w_tau = np.zeros(1), np.zeros(1)
    else:
        log_tau = np.concatenate([log_mass_at_zero(priors.tau, tau[0]), priors.tau.logpdf(tau)])
        w_tau = np.concatenate([[0.0], log_weights(grid.tau)])
        w_tau[1] -= np.log(2.0)
    log_f = log_f + log_tau
    log_p = log_f + w_mu[:, None] + w_tau
    inside = _inside(log_p, priors, grid)
    total = float(logsumexp(log_p))
    log_p -= total

    of_mu, of_tau = 2, 2
    if tau is not None:
        of_mu, of_tau = moments_of_mu(priors, data.k), moments_of_tau(priors, data.k)
    density = log_p - w_mu[:, None]  # of mu, joint with each column's mass

    def of_mean() -> Tabulated:
        return Tabulated(
            grid.mu, logsumexp(density, axis=1), has_mean=of_mu >= 1, has_sd=of_mu >= 2
        )

    makers: dict[str, Any] = {"mu": of_mean}
    if tau is not None and grid.tau is not None:
        axis = grid.tau
        columns = logsumexp(log_p, axis=0)
        all_tau = np.concatenate([[0.0], tau])

        def of_scale() -> Tabulated:
            below = float(np.exp(columns[0] - logsumexp(columns[1:])))
            log_density = logsumexp(log_f + w_mu[:, None], axis=0)[1:]
            return Tabulated(
                axis,
                log_density,
                atom=below,
                floor=0.0,
                has_mean=of_tau >= 1,
                has_sd=of_tau >= 2,
            )

        def of_effect(i: int | None) -> Tabulated:
            """The new trial's effect (i None) or trial i's own."""
            log_own = density if i is None else density - grid.log_l[i]
            out = _effect_axis(grid.mu, log_p, all_tau, None if i is None else terms[i])
            log_h = _mix(grid.mu, log_own, all_tau, columns, nodes(out), about["effects"])
            if i is not None:
                log_h = log_h + terms[i].log(nodes(out))
            # No mass is lost or made when the effects are spread.
            gap = abs(np.expm1(logsumexp(log_h + log_weights(out))))
            if not gap <= SPREAD and (better := finer()) is not None:
                found = better["theta_new" if i is None else table.kept[i]]
                assert isinstance(found, Tabulated)
                return found
            least = min(of_mu, of_tau)
            has = {"has_mean": least >= 1, "has_sd": least >= 2} if i is None else {}
            return Tabulated(out, log_h, **has)

        makers |= {"tau": of_scale, "theta_new": lambda: of_effect(None)}
        for i in np.flatnonzero(table.weights == 1):
            makers[table.kept[i]] = lambda i=i: of_effect(i)

    proper = priors.mu.proper and (tau is None or priors.tau.proper)
    proper &= bool((table.weights == 1).all())  # a discounted likelihood is no density of data
    posterior = Posterior(
        **about,
        makers=makers,
        log_marginal_likelihood=total if proper else None,
        grid_error=_halved_error(grid, log_f, w_mu, w_tau),
    )
    return posterior, inside


def _inside(log_p: Array, priors: Priors, grid: Grid) -> bool:
    """Whether the posterior has died out at the grid's edges, or the grid ends where it does."""
    edges = []
    if np.isfinite(priors.mu.support).all():
        if not isinstance(grid.mu, CutAxis):
            return False
    else:
        edges += [log_p[0].max(), log_p[-1].max()]
    if grid.tau is not None and np.isfinite(priors.tau.support[1]):
        if not isinstance(grid.tau, CutAxis):
            return False
    elif grid.tau is not None:
        edges.append(log_p[:, -1].max())
    return bool(max(edges, default=-np.inf) - log_p.max() < EDGE)


def _halved_error(grid: Grid, log_density: Array, w_mu: Array, w_tau: Array) -> float:
    """Largest change in the CDF of mu or tau when every second node is left out.

    The trapezoid rule converges geometrically in the number of nodes, so what half of them
    miss is a wide bound on what all of them do.
    """

    def tables(stride: int) -> list[Tabulated]:
        some = log_density[::stride]
        mu = replace(grid.mu, x=grid.mu.x[::stride])
        if grid.tau is None:
            return [Tabulated(mu, some[:, 0])]
        columns = np.concatenate([[0], np.arange(1, some.shape[1], stride)])
        some, w = some[:, columns], w_tau[columns]
        w = w + np.log(stride) * (np.arange(len(w)) > 0)
        tau = replace(grid.tau, x=grid.tau.x[::stride])
        of_tau = logsumexp(some + w_mu[::stride, None], axis=0)
        return [Tabulated(mu, logsumexp(some + w, axis=1)), Tabulated(tau, of_tau[1:])]

    at = np.linspace(0.01, 0.99, 25)
    return max(
        float(np.abs(half.cdf(full.quantile(at)) - at).max())
        for full, half in zip(tables(1), tables(2), strict=True)
    )


def _effect_axis(
    mu: SinhAxis | CutAxis, log_p: Array, tau: Array, term: TrialLikelihood | None
) -> SinhAxis:
    """Nodes for one trial's effect: peaks where mu has them, and where shrinkage puts the trial.

    Medians and quantiles, not moments, place them: a heavy tail may have no moments.
    """
    p = np.exp(log_p)
    column = p.sum(axis=0)
    seen = column > 1e-18
    points = nodes(mu)
    share_below = np.cumsum(p[:, seen], axis=0) / column[seen]
    low, middle, high = (points[(share_below < q).sum(axis=0)] for q in (0.16, 0.5, 0.84))
    tau, column = tau[seen], column[seen]
    spread = np.hypot((high - low) / 2, tau)
    ends = np.array([points[0] - 9.5 * tau.max(), points[-1] + 9.5 * tau.max()])
    if term is None:
        centre, width = _quantile(middle, column, 0.5), _quantile(spread, column, 0.3)
    else:
        share = term.width**2 / (term.width**2 + spread**2)
        centre = _quantile(share * middle + (1 - share) * term.centre, column, 0.5)
        width = _quantile(np.sqrt(share) * spread, column, 0.3)
        far, (low_end, high_end) = 60 * term.width, support(term)
        # A likelihood that dies out bounds its own effect; one that does not leaves the prior's.
        if np.isfinite(low_end):
            ends[0] = min(points[0], term.centre - far)
        if np.isfinite(high_end):
            ends[1] = max(points[-1], term.centre + far)
    axis = SinhAxis((*mu.centres, centre), (*mu.widths, width), np.zeros(2))
    first, last = axis.to_x(ends)
    return replace(axis, x=uniform(first, last, 0.2))


def _quantile(values: Array, weight: Array, p: float) -> float:
    order = np.argsort(values)
    share = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][np.searchsorted(share, p)])


def _mix(
    mu: SinhAxis | CutAxis,
    log_density: Array,
    tau: Array,
    columns: Array,
    at: Array,
    effects: str,
) -> Array:
    """log of sum over tau of the column's density of mu, smoothed by the effects' spread."""
    seen = columns > -DEEP
    log_g, log_w, halving = np.zeros(1), np.zeros(1), 0
    if effects == "t":
        # A density needs fewer nodes than the far tails of a likelihood: 1e-12 of the mass is
        # left out.
        log_g, log_w = gamma_mixture(T_NU, step=np.log(2) / 2)
        log_g, log_w, halving = log_g[::-1], log_w[::-1], 2
    spread = tau[seen, None] * np.exp(-0.5 * log_g)
    parts = smeared(mu, log_density[:, seen], at, spread, halving) + log_w
    return log_sum(parts.reshape(len(at), -1))


DEEP = 42.0
