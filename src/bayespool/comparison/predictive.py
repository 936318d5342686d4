"""Each trial foretold by the others: predictive density, PIT, and influence, exactly.

The posterior without a trial is the sum of the other rows of the surface, so nothing is
approximated by importance sampling and no trial is too influential for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import logsumexp, ndtr

from bayespool.axes import Array, nodes
from bayespool.decisions import question_of
from bayespool.errors import PriorError, UsageError
from bayespool.exact import Surface
from bayespool.exact.build import Evidence, Grid, log_l
from bayespool.exact.sums import Batch, Sums
from bayespool.exact.trial import T_NU, TrialLikelihood, conditional_likelihoods, gamma_mixture
from bayespool.prior import Priors

__all__ = ["EXTREME", "elpd", "leave_trial_out"]

EXTREME = (0.025, 0.975)  # of a PIT: beyond it the others hardly foretold the trial
COUNTS = ["events_treatment", "n_treatment", "events_control", "n_control"]


def leave_trial_out(
    surface: Surface,
    priors: Priors,
    benefit: str | None = None,
    threshold: float | str | None = None,
) -> pd.DataFrame:
    """Foretell each trial from the others, and say how far it moves the posterior.

    Parameters
    ----------
    surface : Surface
        Of whole trials: all weights 1.
    priors : Priors
    benefit : {"lower", "higher"}, optional
        Which side is better.
    threshold : float, optional
        Natural units; no effect by default.

    Returns
    -------
    DataFrame
        A row a trial of ``surface.kept``: ``trial``; ``elpd``, the log density that the others
        give its data, ``log p(y_i | y_-i)`` (of both arms' counts, or of the estimate);
        ``pit``, the probability of data no higher than its own; ``extreme``, a PIT outside 0.025
        to 0.975; ``kl`` and ``kl_mu``, the Kullback-Leibler divergence of the posterior without
        the trial from that with it, of (mu, tau) and of mu alone, in nats; ``prob_benefit``
        (without `benefit` ``prob_below``), the probability without the trial, and ``shift``, what
        the trial adds to it (``attrs["main"]`` has that of all trials). NaN where the posterior
        without a trial would be improper.

    Raises
    ------
    UsageError
        A surface with weights other than 1, or an impossible threshold.
    PriorError
        See ``Surface.posterior``.

    Notes
    -----
    The PIT of an estimate is ``P(y_rep <= y_i | y_-i)``. That of counts is
    ``P(r1_rep < r1 | r0, y_-i) + P(r1_rep = r1 | r0, y_-i) / 2``: the treated events given the
    control arm's, mid-p. Discrete counts keep it off the ends: a trial with hardly any event is
    never extreme. Predictive densities of counts hold the prior of the baseline, so they compare
    under one only. The arms likelihood has no PIT (NaN).
    Leave-one-out predictive density: Vehtari, Gelman & Gabry 2017, Stat Comput 27:1413.
    """
    asked = question_of(surface, benefit, threshold)
    found, log_p = left_out(surface, priors)
    chance = asked.better(found.cdf("mu", [asked.at])[:, 0])
    log_rows = found.sums.grid.log_l
    p = np.exp(log_p[0])
    density = found.log_evidence[0] - found.log_evidence[1:]
    pit = _pits(surface, found.sums, np.exp(log_p[1:]))
    table = pd.DataFrame(
        {
            "trial": surface.kept,
            "elpd": density,
            "pit": pit,
            "extreme": (pit < EXTREME[0]) | (pit > EXTREME[1]),
            # p(mu, tau | y) / p(mu, tau | y_-i) is L_i over its mean.
            "kl": np.maximum(np.einsum("imt,mt->i", log_rows, p) - density, 0.0),
            "kl_mu": _divergence(logsumexp(log_p, axis=2)),
            asked.word: chance[1:],
            "shift": chance[0] - chance[1:],
        }
    )
    table.attrs = {"main": float(chance[0])}
    return table


def elpd(table: pd.DataFrame) -> tuple[float, float]:
    """Sum the log predictive densities of `leave_trial_out`, with the standard error of the sum.

    The error is that of a sum of k independent terms, sqrt(k) times their SD: rough where k is
    small (Sivula, Magnusson & Vehtari, arXiv:2008.10296), NaN for one trial.
    """
    return total(table["elpd"].to_numpy(dtype=float))


def total(terms: Array) -> tuple[float, float]:
    """Sum, and its standard error from the spread of the terms."""
    k = len(terms)
    spread = math.sqrt(k) * float(terms.std(ddof=1)) if k > 1 else math.nan
    return float(terms.sum()), spread


def left_out(surface: Surface, priors: Priors) -> tuple[Batch, Array]:
    """Posteriors of all trials and without each in turn, and their log masses at the nodes.

    The masses have shape (1 + k, mu, 1 + tau), the first of all trials, NaN where improper.
    """
    whole(surface)
    k = len(surface.kept)
    weights = np.vstack([np.ones(k), 1 - np.eye(k)])
    found = surface.batch(priors, weights)
    if not np.isfinite(found.log_evidence[0]):
        surface.posterior(priors)  # says why
    mu, tau = found.sums.log_prior(priors)
    log_p = np.tensordot(weights, found.sums.grid.log_l, axes=1) + mu[:, None] + tau
    return found, log_p - found.log_evidence[:, None, None]


def whole(surface: Surface) -> None:
    """Refuse a surface of discounted trials: a power of a density is no density."""
    if not (surface.weights == 1).all():
        raise UsageError(
            "predictive densities and marginal likelihoods need whole trials, and this surface "
            "discounts some. Use weights of 0 and 1 only."
        )


def proper(priors: Priors, random: bool = True) -> None:
    """Refuse priors under which a marginal likelihood means nothing."""
    flat = [p for p in (priors.mu, priors.tau)[: 1 + random] if not p.proper]
    if flat:
        write = " and ".join(
            "a proper prior on mu, such as Normal(0, 1)"
            if prior.role == "mu"
            else "a proper prior on tau, such as HalfNormal(0.5)"
            for prior in flat
        )
        raise PriorError(
            f"{' and '.join(f'{p.role} ~ {p.text}' for p in flat)} leaves the marginal likelihood "
            f"undefined, and so every Bayes factor and model probability. Write {write} (for a "
            "measure with a unit, in that unit)."
        )


def on_grid(grid: Grid, terms: Sequence[TrialLikelihood], surface: Surface) -> Array:
    """log of each term averaged over the effects at the nodes: shape (terms, mu, 1 + tau)."""
    held = Evidence(terms, np.ones(len(terms)), surface.frame, surface.effects)
    return log_l(held, nodes(grid.mu), grid.tau)


def _pits(surface: Surface, sums: Sums, p: Array) -> Array:
    """Shape (k,), from the posterior without each trial, p of shape (k, mu, 1 + tau)."""
    if surface.likelihood == "arms":
        return np.full(len(p), np.nan)  # what a replication of two SDs is, the model leaves open
    if surface.likelihood == "normal":
        return np.einsum("imt,imt->i", _estimates_below(surface, sums), p)
    order = [surface.trials.names.index(name) for name in surface.kept]
    arms = surface.trials.frame[COUNTS].to_numpy(dtype=float)[order]
    centre, width = (np.array([getattr(t, w) for t in surface.terms]) for w in ("centre", "width"))
    control, upto = conditional_likelihoods(
        surface.measure, arms, centre, width, surface.phi, surface.fineness
    )
    rows = on_grid(sums.grid, [*control, *upto], surface)
    top = rows.max(axis=(1, 2), keepdims=True)
    likely = np.exp(rows - np.concatenate([top[: len(control)]] * 2))
    masses = np.einsum("jimt,imt->ji", likely.reshape(2, len(control), *p.shape[1:]), p)
    return np.minimum(masses[1] / masses[0], 1.0)


def _estimates_below(surface: Surface, sums: Sums) -> Array:
    """P(y_rep < y_i | mu, tau) of every trial: shape (k, mu, 1 + tau)."""
    y, s = (np.array([getattr(t, word) for t in surface.terms]) for word in ("centre", "width"))
    gap, tau = y[:, None, None] - sums.mu[:, None], sums.tau
    error = s[:, None, None]
    if surface.effects != "t":
        return ndtr(gap / np.hypot(error, tau))
    found = np.zeros(gap.shape[:2] + tau.shape)
    for log_g, log_w in zip(*gamma_mixture(T_NU), strict=True):
        found += np.exp(log_w) * ndtr(gap / np.hypot(error, tau * np.exp(-0.5 * log_g)))
    return found


def _divergence(log_mu: Array) -> Array:
    """KL of the posterior of mu with each trial from that without, from log masses at the nodes."""
    return np.maximum(np.sum(np.exp(log_mu[0]) * (log_mu[0] - log_mu[1:]), axis=1), 0.0)
