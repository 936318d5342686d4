"""Pooled effects straight from the counts: Mantel–Haenszel and Peto."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayespool.trials import Trials

Array = NDArray[np.float64]


def mantel_haenszel(trials: Trials, measure: str) -> tuple[float, float]:
    """Mantel–Haenszel log OR, log RR or risk difference, and its standard error.

    No correction is made. Standard errors: Robins, Breslow & Greenland (1986) for the OR,
    Greenland & Robins (1985) for the RR, Sato (1989) for the RD. NaN where the estimate is
    infinite: one arm has no event (or, for the OR, no non-event) in any trial. The standard error
    alone is NaN where it would be 0: no arm has both events and non-events.
    """
    a, b, c, d = _cells(trials)
    n1, n0 = a + b, c + d
    n = n1 + n0
    if measure == "OR":
        r, s, p, q = a * d / n, b * c / n, (a + d) / n, (b + c) / n
        top, bottom = r.sum(), s.sum()
        if top == 0 or bottom == 0:
            return np.nan, np.nan
        variance = (
            (p * r).sum() / top**2
            + (p * s + q * r).sum() / (top * bottom)
            + (q * s).sum() / bottom**2
        ) / 2
        return float(np.log(top / bottom)), float(np.sqrt(variance))
    if measure == "RR":
        top, bottom = (a * n0 / n).sum(), (c * n1 / n).sum()
        if top == 0 or bottom == 0:
            return np.nan, np.nan
        spread, both = ((n1 / n) * (n0 / n) * (a + c)).sum(), (a * c / n).sum()
        error = _root(spread - both, spread) / np.sqrt(top * bottom)
        return float(np.log(top / bottom)), float(error)
    weight = (n1 * n0 / n).sum()
    estimate = (a * n0 / n - c * n1 / n).sum() / weight
    first = (c * (n1 / n) ** 2 - a * (n0 / n) ** 2 + n1 * n0 * (n0 - n1) / (2 * n**2)).sum()
    second = ((a * d + c * b) / n).sum() / 2
    error = _root(estimate * first + second, abs(estimate * first) + second) / weight
    return float(estimate), float(error)


def peto_effects(trials: Trials) -> tuple[Array, Array]:
    """Peto's one-step log OR of each trial and its variance: Yusuf et al. (1985).

    Observed minus expected events over their hypergeometric variance, and 1 over that variance.
    NaN for trials without events, or with events only, in both arms.
    """
    a, b, c, d = _cells(trials)
    n1, n0 = a + b, c + d
    n = n1 + n0
    informative = ((a + c) > 0) & ((b + d) > 0)
    variance = np.where(
        informative, (n1 / n) * (n0 / n) * (a + c) * (b + d) / np.maximum(n - 1, 1), np.nan
    )
    return (a - n1 * (a + c) / n) / variance, 1 / variance


def _root(difference: float, size: float) -> float:
    """Square root of a difference of terms of that size; NaN if it is 0 but for rounding."""
    return float(np.sqrt(difference)) if difference > 1e-12 * size else np.nan


def _cells(trials: Trials) -> tuple[Array, Array, Array, Array]:
    """Events and non-events under treatment, then under control."""
    column = {
        name: trials.frame[name].to_numpy(dtype=float)
        for name in ("events_treatment", "n_treatment", "events_control", "n_control")
    }
    a, c = column["events_treatment"], column["events_control"]
    return a, column["n_treatment"] - a, c, column["n_control"] - c
