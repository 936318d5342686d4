"""The classical answer beside the exact one, of many reviews at once."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from bayespool.axes import Array
from bayespool.frequentist.heterogeneity import tau2_estimate

__all__ = ["reml"]


def reml(y: Array, se: Array) -> dict[str, Array]:
    """REML with the interval of Hartung and Knapp, as `bayespool.pool` has it.

    Parameters
    ----------
    y, se : arrays of shape (reviews, trials)
        NaN where a review has fewer trials.
    """
    there = np.isfinite(y)
    k = there.sum(axis=1)
    tau2 = np.nan_to_num(tau2_estimate("REML", y, se**2))
    w = np.where(there, 1 / (se**2 + tau2[:, None]), 0.0)
    first = np.take_along_axis(y, w.argmax(axis=1)[:, None], 1)
    apart = np.where(there, y - first, 0.0)
    shift = (w * apart).sum(axis=1) / w.sum(axis=1)
    q = (w * (apart - shift[:, None]) ** 2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(q / (k - 1) / w.sum(axis=1))
        reach = stdtrit(k - 1.0, 0.975) * error
    estimate = first[:, 0] + shift
    one = k == 1
    return {
        "reml_estimate": estimate,
        "reml_lower": np.where(one, np.nan, estimate - reach),
        "reml_upper": np.where(one, np.nan, estimate + reach),
        "reml_tau": np.where(one, np.nan, np.sqrt(tau2)),
    }
