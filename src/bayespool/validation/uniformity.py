"""Are these numbers uniform? Envelopes that the whole empirical cdf stays in, and chi-square.

What a correct posterior says of the truth, its cdf at the drawn parameter, is uniform on (0, 1)
(Talts et al. 2018, arXiv:1804.06788). An empirical cdf at evenly spaced points has binomial
counts, which are dependent; the envelope here holds all of them at once (Säilynoja, Bürkner &
Vehtari 2022, Stat Comput 32:32), and its probability is exact, not simulated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, chisquare, poisson

from bayespool.axes import Array

__all__ = ["POINTS", "Uniformity", "envelope", "uniformity"]

POINTS = 50  # the cdf is looked at in 1/50, 2/50 and so on
BINS = 20  # of the chi-square, and of the histograms


@dataclass(frozen=True)
class Uniformity:
    """What a sample of numbers on (0, 1) says.

    ``p`` is the probability that uniform numbers leave a band of this shape somewhere, as these
    do; ``p_chi_square`` that their histogram is as uneven; ``distance`` the largest between the
    empirical cdf and the diagonal, ``at`` where that is.
    """

    n: int
    p: float
    p_chi_square: float
    distance: float
    at: float


def uniformity(values: Array) -> Uniformity:
    """Compare numbers in [0, 1] with the uniform distribution.

    Parameters
    ----------
    values : array of shape (n,)
        NaN is not left out: it makes both p 0, because an engine that has no answer is wrong.
    """
    values = np.asarray(values, dtype=float)
    n = len(values)
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        return Uniformity(n, 0.0, 0.0, float("nan"), float("nan"))
    z = _points()
    count = (values[:, None] <= z).sum(axis=0)
    extreme = 2 * np.minimum(binom.cdf(count, n, z), binom.sf(count - 1, n, z)).min()
    bins = int(min(BINS, max(2, n // 5)))
    observed = np.histogram(values, bins, (0.0, 1.0))[0]
    away = np.abs(count / n - z)
    worst = int(away.argmax())
    return Uniformity(
        n,
        float(np.clip(1 - _coverage(n, *_band(n, extreme)), 0, 1)),
        float(chisquare(observed).pvalue),
        float(away[worst]),
        float(z[worst]),
    )


def envelope(n: int, alpha: float = 0.05) -> tuple[Array, Array, Array]:
    """Band that the empirical cdf of n uniform numbers leaves anywhere with probability alpha.

    Parameters
    ----------
    n : int
    alpha : float
        At most: the counts are whole numbers.

    Returns
    -------
    points, lower, upper : arrays of shape (49,)
        Shares of the numbers at or below each point.
    """
    low, high = 1e-3 * alpha, 1.0
    for _ in range(40):
        middle = float(np.sqrt(low * high))
        if 1 - _coverage(n, *_band(n, middle)) <= alpha:
            low = middle
        else:
            high = middle
    lower, upper = _band(n, low)
    return _points(), lower / n, upper / n


def _points() -> Array:
    return np.arange(1, POINTS) / POINTS


def _band(n: int, gamma: float) -> tuple[Array, Array]:
    """Counts at every point whose two-sided probability exceeds gamma."""
    z = _points()
    gamma = min(gamma * (1 + 1e-9), 1.0)  # a count as extreme as gamma itself is outside
    lower = np.asarray(binom.ppf(gamma / 2, n, z))
    lower = lower + (binom.cdf(lower, n, z) <= gamma / 2)
    upper = np.asarray(binom.isf(gamma / 2, n, z))
    upper = upper - (binom.sf(upper - 1, n, z) <= gamma / 2)
    return lower, upper


def _coverage(n: int, lower: Array, upper: Array) -> float:
    """Probability that the counts stay in the band.

    Uniform numbers are a Poisson process that has n points in all, and its counts between the
    points of the grid are independent: each step is a convolution.
    """
    if (lower > upper).any():
        return 0.0
    step = poisson.pmf(np.arange(n + 1), n / POINTS)
    step = step[: int(np.max(np.nonzero(step > 1e-30)[0])) + 1]
    p = np.zeros(n + 1)
    p[0] = 1.0
    for low, high in zip(lower.astype(int), upper.astype(int), strict=True):
        p = np.convolve(p, step)[: n + 1]
        p[:low] = 0.0
        p[high + 1 :] = 0.0
    return float(np.convolve(p, step)[n] / poisson.pmf(n, n))
