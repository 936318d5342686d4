"""Normal likelihood, normal effects, normal or flat mu: mu and theta integrate out by hand.

Given tau everything is normal (Roever 2020, J Stat Softw 93(6), sections 2.3 to 2.5), so
each marginal is a mixture of normals over the nodes of tau.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import logsumexp

from bayespool.axes import Array, log_weights, nodes
from bayespool.exact.grid import moments_of_mu, moments_of_tau, tau_axis
from bayespool.posterior import NormalMixture, Posterior, Tabulated
from bayespool.prior import Prior, Priors

if TYPE_CHECKING:
    from bayespool.exact.surface import Surface


TOLERANCE = 1e-4  # of the sum: beyond it the nodes are doubled
HALVINGS = 6


def covers(prior: Prior) -> bool:
    """Whether mu integrates out in closed form under this prior."""
    return prior.family in ("Normal", "Flat")


def posterior(table: Surface, priors: Priors, about: dict[str, Any]) -> Posterior:
    """The posterior as mixtures over tau; ``about`` goes into it as it is."""
    y = np.array([term.centre for term in table.terms])
    s = np.array([term.width for term in table.terms])
    w = table.weights
    whole = bool((w == 1).all())  # a discounted likelihood is no density of data
    if about["effects"] == "common":
        return _common(y, s, w, priors, about)
    k = table.frame.k
    step_size = min(0.06, 0.3 / np.sqrt(max(len(y), 1))) / table.fineness
    for _ in range(HALVINGS):
        axis = tau_axis(table.frame, priors, step_size)
        tau = np.concatenate([[0.0], nodes(axis)])
        mean, variance, log_evidence = given_tau(y, s, w, tau, priors.mu)
        at_zero = log_mass_at_zero(priors.tau, tau[1])
        log_prior = np.concatenate([at_zero, priors.tau.logpdf(tau[1:])])
        log_w = np.concatenate([[0.0], log_weights(axis)])
        log_w[1] -= np.log(2.0)  # the trapezoid's first node, beside the mass below it
        log_p = log_evidence + log_prior + log_w
        total = float(logsumexp(log_p))
        weight = np.exp(log_p - total)
        # The sum over tau is the only sum: half of its nodes, doubled, bound what all of them miss.
        error = float(abs(2 * weight[1::2].sum() - weight[1:].sum()))
        if error < TOLERANCE:
            break
        step_size /= 2
    seen = weight > 0
    weight, tau_seen = weight[seen], tau[seen]
    mean, variance = mean[seen], variance[seen]
    of_tau, of_mu = moments_of_tau(priors, k), moments_of_mu(priors, k)
    has = {"has_mean": of_mu >= 1, "has_sd": of_mu >= 2}

    def shrunken(i: int) -> NormalMixture:
        share = s[i] ** 2 / (s[i] ** 2 + tau_seen**2)  # of mu in the trial's own effect
        spread = np.sqrt(share * tau_seen**2 + share**2 * variance)
        return NormalMixture(weight, share * mean + (1 - share) * y[i], spread)

    def new() -> NormalMixture:
        both = {"has_mean": min(of_mu, of_tau) >= 1, "has_sd": min(of_mu, of_tau) >= 2}
        return NormalMixture(weight, mean, np.sqrt(variance + tau_seen**2), **both)

    def of_scale() -> Tabulated:
        below = float(np.exp(log_p[0] - logsumexp(log_p[1:])))
        return Tabulated(
            axis,
            (log_evidence + log_prior)[1:],
            atom=below,
            floor=0.0,
            has_mean=of_tau >= 1,
            has_sd=of_tau >= 2,
        )

    makers: dict[str, Any] = {
        "mu": lambda: NormalMixture(weight, mean, np.sqrt(variance), **has),
        "tau": of_scale,
        "theta_new": new,
    }
    for i in np.flatnonzero(w == 1):
        makers[table.kept[i]] = lambda i=i: shrunken(i)
    proper = priors.mu.proper and priors.tau.proper and whole
    return Posterior(
        **about,
        makers=makers,
        log_marginal_likelihood=total if proper else None,
        grid_error=error,
    )


def log_mass_at_zero(prior: Prior, first: float) -> Array:
    """Log prior mass below the first node of tau, as an array of one."""
    at = np.array([first])
    if prior.proper:
        return np.log(np.maximum(prior.cdf(at), 1e-300))
    return prior.logpdf(at) + np.log(first)


def given_tau(y: Array, s: Array, w: Array, tau: Array, prior: Prior) -> tuple[Array, Array, Array]:
    """Mean and variance of mu given tau, and log p(y | tau), at every tau (Roever eq 8-12).

    Each trial's likelihood is raised to its weight w.
    """
    each = 1 / (s**2 + tau[:, None] ** 2)
    inverse = w * each
    total = inverse.sum(axis=1)
    weighted = (inverse * y).sum(axis=1)
    log_evidence = 0.5 * (w * np.log(each / (2 * np.pi))).sum(axis=1)
    if prior.proper:
        m, v = prior.params["mu"], prior.params["sigma"] ** 2
        precision = total + 1 / v
        mean = (weighted + m / v) / precision
        log_evidence = log_evidence - 0.5 * np.log(v * precision) - 0.5 * (m - mean) ** 2 / v
    else:
        precision, mean = total, weighted / total
        log_evidence = log_evidence - 0.5 * np.log(precision / (2 * np.pi))
    residual = (inverse * (y - mean[:, None]) ** 2).sum(axis=1)
    return mean, 1 / precision, log_evidence - 0.5 * residual


def _common(y: Array, s: Array, w: Array, priors: Priors, about: dict[str, Any]) -> Posterior:
    mean, variance, log_evidence = given_tau(y, s, w, np.zeros(1), priors.mu)
    proper = priors.mu.proper and bool((w == 1).all())
    return Posterior(
        **about,
        makers={"mu": lambda: NormalMixture(np.ones(1), mean, np.sqrt(variance))},
        log_marginal_likelihood=float(log_evidence[0]) if proper else None,
        grid_error=0.0,
    )
