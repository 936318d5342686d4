"""From a posterior to curves: densities, and probabilities along the line of thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from xarray import DataTree

from bayespool.axes import Array
from bayespool.decisions import SIDES, check_benefit
from bayespool.measures import to_natural
from bayespool.posterior import Marginal, Posterior
from bayespool.prior import Prior, Priors
from bayespool.summaries import posterior_of

__all__ = ["benefit_table", "density_table"]

TAIL = 0.0002  # left out on each side of a density
ENDS = np.array([0.001, 0.999])  # of the mean effect, between which its thresholds run
NEW_ENDS = np.array([0.025, 0.975])  # of the effect in a new trial
NODES = 200
# Beyond these a ratio overflows, and a risk difference is 1 in double precision.
LIMITS = {"log": 700.0, "atanh": 17.0, "identity": 1e300}


def density_table(posterior: Posterior | DataTree, priors: Priors | None = None) -> pd.DataFrame:
    """Tabulate the densities of mu, theta_new and tau, prior beside posterior.

    Parameters
    ----------
    posterior : Posterior or DataTree
    priors : Priors, optional
        By default those of the posterior.

    Returns
    -------
    DataFrame
        ``quantity`` (mu, theta_new, tau; mu alone for a common effect), ``x``, ``prior``,
        ``posterior``; about 400 rows a quantity, ``x`` rising. ``x`` is in natural units, for tau
        on the analysis scale from 0. Densities are per unit of the axis on which ``x`` is drawn:
        per natural-log unit for ratios, per unit of the difference otherwise (d = tanh(mu) has
        the density of mu times 1 / (1 - d²)). The nodes hold 99.96 % of the posterior, and no
        effect. ``prior`` is NaN where it is Flat(), infinite, unknown or has no closed form
        (theta_new).
    """
    found = posterior_of(posterior)
    priors = found.priors if priors is None else priors
    parts = []
    for name in ("mu", "theta_new", "tau"):
        if name not in found:
            continue
        scale = "identity" if name == "tau" else found.scale
        at = _nodes(found[name], scale)
        prior = getattr(priors, name, None)
        own = {
            "x": to_natural(at, scale),
            "prior": _prior_density(prior, at) * _stretch(at, scale),
            "posterior": found[name].pdf(at) * _stretch(at, scale),
        }
        parts.append(pd.DataFrame({"quantity": name} | own))
    return pd.concat(parts, ignore_index=True)


def benefit_table(posterior: Posterior | DataTree, benefit: str | None = None) -> pd.DataFrame:
    """Tabulate the probability of an effect beyond each of about 400 thresholds.

    Parameters
    ----------
    posterior : Posterior or DataTree
    benefit : {"lower", "higher"}, optional
        Which side is better.

    Returns
    -------
    DataFrame
        ``threshold`` (natural units, rising, no effect among them), ``prob_benefit`` of the mean
        effect (from 0.001 to 0.999 at least) and ``prob_benefit_new`` of the effect in a new
        trial (absent for a common effect). Without `benefit`: ``prob_below``, ``prob_below_new``.

    Raises
    ------
    UsageError
        `benefit` is another word.
    """
    found = posterior_of(posterior)
    check_benefit(benefit)
    ends = [found["mu"].quantile(ENDS)]
    if "theta_new" in found:
        ends.append(found["theta_new"].quantile(NEW_ENDS))
    at = _between(np.concatenate([*ends, [0.0]]), found.scale, 2 * NODES)
    word = "prob_benefit" if benefit else "prob_below"
    table: dict[str, Any] = {"threshold": to_natural(at, found.scale)}
    for column, name in ((word, "mu"), (f"{word}_new", "theta_new")):
        if name in found:
            above = benefit is not None and SIDES[benefit] == "above"
            table[column] = found[name].sf(at) if above else found[name].cdf(at)
    return pd.DataFrame(table)


def _nodes(marginal: Marginal, scale: str) -> Array:
    """Even steps for the picture, and even steps in probability for the peaks."""
    by_mass = marginal.quantile(np.linspace(TAIL, 1 - TAIL, NODES))
    even = _between(np.append(by_mass, 0.0), scale, NODES)
    return np.union1d(even, by_mass[np.abs(by_mass) < LIMITS[scale]])


def _between(points: Array, scale: str, n: int) -> Array:
    """Even steps over all of these points, and 0."""
    limit = LIMITS[scale]
    low, high = np.clip([points.min(), points.max()], -limit, limit)
    return np.union1d(np.linspace(low, high, n), 0.0)


def _stretch(at: Array, scale: str) -> Array:
    """Analysis-scale units per unit of the drawn axis."""
    return np.cosh(at) ** 2 if scale == "atanh" else np.ones_like(at)


def _prior_density(prior: Prior | None, at: Array) -> Array:
    if prior is None or not prior.proper:
        return np.full(len(at), np.nan)
    with np.errstate(over="ignore"):
        density = np.exp(prior.logpdf(at))
    return np.where(np.isinf(density), np.nan, density)
