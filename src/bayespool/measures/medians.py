"""Means and standard deviations from medians, quartiles and extremes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]

SMALLEST = 5
"""The fewest patients in an arm for which the formulas below were derived."""


def moments(
    n: Array,
    median: Array,
    quartiles: tuple[Array, Array] | None = None,
    extremes: tuple[Array, Array] | None = None,
) -> tuple[Array, Array]:
    """Mean and SD of a symmetric sample from its quantiles.

    Parameters
    ----------
    n, median : arrays
        Patients and median of each arm.
    quartiles, extremes : pair of arrays, optional
        First and third quartile; minimum and maximum. One of the pairs, or both.

    Returns
    -------
    mean, sd : arrays

    Notes
    -----
    Means: Luo et al. (2018), Stat Methods Med Res 27:1785, equations 7 (extremes), 11
    (quartiles) and 15 (both). SDs: Wan et al. (2014), BMC Med Res Methodol 14:135, equations 9
    and 16; with both, Shi et al. (2020), Res Synth Methods 11:641, equation 10. Given logarithms
    they return the mean and SD of the logarithms, which suits a lognormal sample.
    """
    if quartiles is None and extremes is None:
        raise ValueError("quartiles or extremes are needed beside the median")
    by_quartiles = by_range = np.empty(0)
    if quartiles is not None:
        by_quartiles = (quartiles[1] - quartiles[0]) / (2 * ndtri((0.75 * n - 0.125) / (n + 0.25)))
    if extremes is not None:
        by_range = (extremes[1] - extremes[0]) / (2 * ndtri((n - 0.375) / (n + 0.25)))
    if extremes is None:
        assert quartiles is not None
        w = 0.7 + 0.39 / n
        return w * _middle(quartiles) + (1 - w) * median, by_quartiles
    if quartiles is None:
        w = 4 / (4 + n**0.75)
        return w * _middle(extremes) + (1 - w) * median, by_range
    w1 = 2.2 / (2.2 + n**0.75)
    w2 = 0.7 - 0.72 / n**0.55
    mean = w1 * _middle(extremes) + w2 * _middle(quartiles) + (1 - w1 - w2) * median
    w = 1 / (1 + 0.07 * n**0.6)
    return mean, w * by_range + (1 - w) * by_quartiles


def skewed(
    n: Array,
    median: Array,
    quartiles: tuple[Array, Array] | None = None,
    extremes: tuple[Array, Array] | None = None,
) -> NDArray[np.bool_]:
    """Whether symmetry is rejected at 5 %, so that `moments` should not be trusted.

    Same arguments as `moments`. Shi et al. (2023), Stat Methods Med Res 32:1338: tests for
    extremes, quartiles and five numbers.
    """
    if quartiles is not None and extremes is not None:
        scaled = 2.65 * np.log(0.6 * n) / np.sqrt(n) * _asymmetry(median, extremes)
        statistic = np.maximum(scaled, _asymmetry(median, quartiles))
        return statistic >= 3 / np.sqrt(n) - 40 / n**3
    if quartiles is not None:
        return _asymmetry(median, quartiles) >= 2.65 / np.sqrt(n) - 6 / n**2
    if extremes is not None:
        return _asymmetry(median, extremes) >= 1 / np.log(n + 9) + 2.5 / (n + 1)
    raise ValueError("quartiles or extremes are needed beside the median")


def _middle(pair: tuple[Array, Array]) -> Array:
    return (pair[0] + pair[1]) / 2


def _asymmetry(median: Array, pair: tuple[Array, Array]) -> Array:
    low, high = pair
    return np.abs(low + high - 2 * median) / (high - low)
