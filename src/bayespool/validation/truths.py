"""Draw (mu, tau, phi) from the prior, the trials' effects from them, and the trials' data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayespool.axes import Array
from bayespool.exact.trial import T_NU
from bayespool.measures import risks
from bayespool.prior import DEFAULT_PHI, Prior, Priors, parse_prior

__all__ = ["Truth", "data_of", "draw", "sizes"]

PILOT = 6.0  # degrees of freedom of what is known of an arm's sigma before the trial
SIGMA = {"MD": 1.0, "ROM": 2.0}
MIDDLE = np.log([10.0, 40.0])  # where the geometric mean of both means lies (ROM)
NARROW, WIDE = 0.1, 1.0  # standard errors of estimates


@dataclass(frozen=True, eq=False)
class Truth:
    """One draw from the prior; ``tau`` is 0 for a common effect; ``phi`` is None without counts."""

    mu: float
    tau: float
    theta: Array
    theta_new: float
    phi: Array | None


def draw(priors: Priors, effects: str, k: int, counts: bool, rng: np.random.Generator) -> Truth:
    """Draw mu, tau, each trial's effect and baseline, and a new trial's effect."""
    mu = _one(priors.mu, rng)
    tau = 0.0 if effects == "common" else _one(priors.tau, rng)
    z = rng.standard_t(T_NU, k + 1) if effects == "t" else rng.normal(size=k + 1)
    phi = None
    if counts:
        phi = (priors.phi or parse_prior(DEFAULT_PHI, "phi")).ppf(rng.uniform(size=k))
    return Truth(mu, tau, mu + tau * z[:k], float(mu + tau * z[k]), phi)


def _one(prior: Prior, rng: np.random.Generator) -> float:
    return float(prior.ppf(rng.uniform(size=1))[0])


def sizes(likelihood: str, k: int, rng: np.random.Generator) -> Array:
    """What a trial has whatever its truth: patients (k, 2), treatment first, or errors (k,)."""
    if likelihood == "normal":
        return np.exp(rng.uniform(np.log(NARROW), np.log(WIDE), k))
    low, high = (8, 40) if likelihood == "arms" else (15, 300)
    return np.round(np.exp(rng.uniform(np.log(low), np.log(high), (k, 2))))


def data_of(
    truth: Truth, measure: str, likelihood: str, size: Array, rng: np.random.Generator
) -> pd.DataFrame:
    """Simulate the trials: a table that `read_trials` takes."""
    names = {"trial": [f"trial {i + 1}" for i in range(len(truth.theta))]}
    if likelihood == "normal":
        y = rng.normal(truth.theta, size)
        return pd.DataFrame(names | {"estimate": y, "se": size})
    if likelihood == "arms":
        return pd.DataFrame(names | _means(truth.theta, measure, size, rng))
    p0, _, p1, _ = risks(measure, truth.theta, truth.phi)
    n1, n0 = size.astype(int).T
    treatment = {"events_treatment": rng.binomial(n1, np.clip(p1, 0, 1)), "n_treatment": n1}
    control = {"events_control": rng.binomial(n0, np.clip(p0, 0, 1)), "n_control": n0}
    return pd.DataFrame(names | treatment | control)


def _means(theta: Array, measure: str, size: Array, rng: np.random.Generator) -> dict[str, Any]:
    """Means and SDs of both arms.

    The model's priors on means and sigmas are flat, and nothing can be drawn from them. SMD: its
    likelihood is that of Cohen's d, which depends on neither. MD: on the means only through their
    difference; sigma comes from a scaled inverse chi-square, which is a flat prior on its log
    after a pilot of 6 degrees of freedom, and the pilot goes into the SD that is analysed: exact.
    ROM: sigma likewise; the middle of both log means has the model's density, e^(2 x), between 10
    and 40, where the model knows no such ends: next to them alone it is not exact.
    """
    k, n = len(theta), size
    if measure == "SMD":
        m = np.column_stack([theta, np.zeros(k)])
        sigma, pilot = np.ones((k, 2)), 0.0
        scale = 1.0
    else:
        pilot, scale = PILOT, SIGMA[measure]
        sigma = scale * np.sqrt(pilot / rng.chisquare(pilot, (k, 2)))
        if measure == "MD":
            m = np.column_stack([theta, np.zeros(k)])
        else:
            low, high = np.exp(2 * MIDDLE)
            middle = 0.5 * np.log(rng.uniform(low, high, k))
            m = np.exp(np.column_stack([middle + theta / 2, middle - theta / 2]))
    mean = rng.normal(m, sigma / np.sqrt(n))
    squares = sigma**2 * rng.chisquare(n - 1) + pilot * scale**2
    # A mean's error is s / sqrt(n) with n - 1 degrees of freedom: n and s that say both.
    known = n + pilot
    sd = np.sqrt(squares / (known - 1) * known / n)
    columns: dict[str, Any] = {}
    for i, arm in enumerate(("treatment", "control")):
        columns |= {f"mean_{arm}": mean[:, i], f"sd_{arm}": sd[:, i]}
        columns |= {f"n_{arm}": known[:, i].astype(int)}
    return columns
