"""What the data taught about the spread between trials, beside what the prior said."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayespool.axes import Array
from bayespool.errors import PriorError, UsageError
from bayespool.exact import Surface
from bayespool.measures import measure
from bayespool.posterior import Marginal, Posterior
from bayespool.prior import Prior, Priors

__all__ = ["tau_learned"]

AT = (0.1, 0.5, 1.0)  # of tau, for ratio measures; in typical standard errors for others
POINTS = 4001
DRAWN = 300
_DEEP = 1e-9  # of either distribution that may lie beyond the points


def tau_learned(found: Surface | Posterior, priors: Priors | None = None) -> pd.DataFrame:
    """Compare the prior and the posterior of tau, the SD between trials.

    Parameters
    ----------
    found : Surface or Posterior
        A posterior brings its own priors.
    priors : Priors
        Needed with a surface.

    Returns
    -------
    DataFrame
        Rows of ``what, at, prior, posterior, value``. Of both distributions: ``median, lower,
        upper`` (95 %), ``sd`` (NaN where it does not exist), ``width`` (upper − lower) and
        ``P(tau > x)`` at x = ``at``: 0.1, 0.5 and 1 for ratio measures, these multiples of the
        trials' typical standard error for others (without a surface, of the posterior median).
        In ``value``: ``sd_ratio`` and ``width_ratio`` (posterior over prior), ``kl_bits`` (the
        Kullback-Leibler divergence of the prior from the posterior), ``overlap`` (the integral of
        the lower of the two densities, 1 where they are the same) and ``learned`` = 1 − overlap.
        ``attrs``: ``trials``, ``prior``, ``density`` (tau, prior, posterior: lists, for the
        figure).

    Raises
    ------
    PriorError
        The prior on tau is flat: there is nothing to compare with.
    UsageError
        A common effect, which has no tau, or a surface without priors.

    Notes
    -----
    1 − overlap is the total variation distance (Inman & Bradley 1989, Commun Stat Theory Methods
    18:3851). It says how far the data moved the prior, not how much they know: data that confirm
    a prior's centre move it little, and narrow it, which ``width_ratio`` shows.
    """
    if isinstance(found, Surface):
        if priors is None:
            raise UsageError("tau_learned(surface, priors): a surface needs the prior set.")
        unit: float | None = found.frame.typical
        trials = len(found.kept)
        common = found.effects == "common"
    else:
        priors = found.priors if priors is None else priors
        unit, trials = None, len(found.trials.names) if found.trials is not None else 0
        common = "tau" not in found
    if common:
        raise UsageError("a common effect has no spread between trials, so nothing to learn of it.")
    if priors is None or not priors.tau.proper:
        raise PriorError("a flat prior on tau has no probabilities to compare the posterior with.")
    posterior = found.posterior(priors) if isinstance(found, Surface) else found
    marginal, prior = posterior["tau"], priors.tau
    if measure(posterior.measure).ratio:
        unit = 1.0
    elif unit is None:
        unit = float(marginal.quantile(0.5))
    tau, before, after = _densities(prior, marginal)
    rows = _both(prior, marginal, tau, before, unit)
    by = {row[0]: row for row in rows}
    overlap = _overlap(prior, marginal, tau, before, after)
    rows += [
        ("sd_ratio", np.nan, np.nan, np.nan, by["sd"][3] / by["sd"][2]),
        ("width_ratio", np.nan, np.nan, np.nan, by["width"][3] / by["width"][2]),
        ("kl_bits", np.nan, np.nan, np.nan, _bits(tau, before, after)),
        ("overlap", np.nan, np.nan, np.nan, overlap),
        ("learned", np.nan, np.nan, np.nan, 1 - overlap),
    ]
    table = pd.DataFrame(rows, columns=["what", "at", "prior", "posterior", "value"])
    table.attrs |= {
        "trials": trials,
        "prior": prior.text,
        "density": _drawn(prior, marginal),
    }
    return table


def _densities(prior: Prior, marginal: Marginal) -> tuple[Array, Array, Array]:
    """Points of tau from near 0 to beyond both, evenly spaced in log tau, and both densities."""
    ends = np.array([1e-6, 1 - _DEEP])
    low, high = marginal.quantile(ends)
    bottom, top = prior.ppf(ends)
    smallest = max(1e-6 * min(low, float(bottom)), 1e-12 * max(high, float(bottom)))
    tau = np.geomspace(smallest, max(high, float(top)) * 1.0000001, POINTS)
    return tau, np.exp(prior.logpdf(tau)), np.asarray(marginal.pdf(tau))


def _integral(values: Array, tau: Array) -> float:
    """Integral over tau of values at points even in log tau."""
    return float(np.trapezoid(values * tau, np.log(tau)))


def _overlap(prior: Prior, marginal: Marginal, tau: Array, before: Array, after: Array) -> float:
    under = min(float(prior.cdf(tau[0])), float(marginal.cdf(tau[0])))
    return float(np.clip(under + _integral(np.minimum(before, after), tau), 0.0, 1.0))


def _bits(tau: Array, before: Array, after: Array) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where((after > 0) & (before > 0), after * np.log2(after / before), 0.0)
    return max(_integral(gain, tau), 0.0)


def _both(
    prior: Prior, marginal: Marginal, tau: Array, before: Array, unit: float
) -> list[tuple[str, float, float, float, float]]:
    p = np.array([0.5, 0.025, 0.975])
    own, found = prior.ppf(p), marginal.quantile(p)
    rows = [
        (word, np.nan, float(a), float(b), np.nan)
        for word, a, b in zip(("median", "lower", "upper"), own, found, strict=True)
    ]
    sd = np.nan
    if prior.tail > 3:
        mean = _integral(tau * before, tau)
        sd = float(
            np.sqrt(_integral((tau - mean) ** 2 * before, tau) + mean**2 * prior.cdf(tau[0]))
        )
    after = marginal.sd
    rows += [
        ("sd", np.nan, sd, np.nan if after is None else after, np.nan),
        ("width", np.nan, float(own[2] - own[1]), float(found[2] - found[1]), np.nan),
    ]
    rows += [
        ("P(tau > x)", at * unit, float(prior.sf(at * unit)), float(marginal.sf(at * unit)), np.nan)
        for at in AT
    ]
    return rows


def _drawn(prior: Prior, marginal: Marginal) -> dict[str, list[float]]:
    """Both densities from 0 to where neither is seen any more."""
    top = max(
        float(marginal.quantile(0.995)),
        min(float(prior.ppf(0.98)), 3 * float(marginal.quantile(0.995))),
    )
    tau = np.linspace(0.0, top, DRAWN + 1)
    tau[0] = tau[1] / 50  # some densities are infinite at 0
    before, after = np.exp(prior.logpdf(tau)), np.asarray(marginal.pdf(tau))
    return {"tau": tau.tolist(), "prior": before.tolist(), "posterior": after.tolist()}
