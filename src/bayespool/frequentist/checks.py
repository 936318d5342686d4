"""What a pooled effect leans on: small trials, and single ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayespool.errors import DataError, UsageError
from bayespool.frequentist.heterogeneity import TAU2_METHODS, check_level, peak, tau2_estimate
from bayespool.frequentist.pooling import METHODS, interval, inverse_variance
from bayespool.measures import effect_sizes
from bayespool.trials import Trials

Array = NDArray[np.float64]


def egger(y: Array, se: Array, level: float = 0.95) -> pd.DataFrame:
    """Regress the estimates on their standard errors, to see whether small trials differ.

    Parameters
    ----------
    y, se : arrays of shape (k,)
        At least 3 trials whose standard errors are not all the same.

    Returns
    -------
    DataFrame
        Two rows. ``lm``: Egger et al. (1997), weighted least squares with a free dispersion, t
        with k - 2 degrees of freedom. ``rma``: Sterne & Egger (2005), a mixed-effects
        meta-regression with tau2 by REML, normal. Columns ``model, k, statistic, df, p,
        intercept, intercept_se, intercept_lower, intercept_upper, slope, slope_se, tau2``; the
        intercept is the effect that a trial without error would show.
    """
    check_level(level)
    y, se = np.asarray(y, dtype=float), np.asarray(se, dtype=float)
    k = len(y)
    if k < 3:
        raise DataError(f"the regression test for small trials needs 3 trials; there are {k}.")
    if np.ptp(se) <= 1e-12 * se.max():
        raise DataError(
            "the regression test for small trials needs standard errors that differ; all are "
            f"{se[0]:g}."
        )
    tau2 = _reml(y, se**2, np.column_stack([np.ones(k), se]))
    return pd.DataFrame([regress_on_se(y, se, None, level), regress_on_se(y, se, tau2, level)])


def regress_on_se(
    y: Array, se: Array, tau2: float | None, level: float = 0.95
) -> dict[str, float | str]:
    """One row of `egger`: a free dispersion where `tau2` is None, else that variance added."""
    k = len(y)
    x = np.column_stack([np.ones(k), se])
    w = 1 / (se**2 + (tau2 or 0.0))
    covariance = np.linalg.inv((x * w[:, None]).T @ x)
    beta = covariance @ (x.T @ (w * y))
    df = np.inf
    if tau2 is None:
        df = float(k - 2)
        covariance = covariance * (w * (y - x @ beta) ** 2).sum() / df
    intercept, slope = (
        interval(float(beta[i]), float(np.sqrt(covariance[i, i])), df, level) for i in (0, 1)
    )
    return {
        "model": "lm" if tau2 is None else "rma",
        "k": k,
        "statistic": slope["estimate"] / slope["se"] if slope["se"] > 0 else np.nan,
        "df": df,
        "p": slope["p"],
        "intercept": intercept["estimate"],
        "intercept_se": intercept["se"],
        "intercept_lower": intercept["lower"],
        "intercept_upper": intercept["upper"],
        "slope": slope["estimate"],
        "slope_se": slope["se"],
        "tau2": np.nan if tau2 is None else tau2,
    }


def leave_one_out(
    trials: Trials,
    measure: str,
    method: str = "REML",
    double_zero: str = "drop",
    level: float = 0.95,
) -> pd.DataFrame:
    """Pool again without each trial in turn.

    `method` is ``common-IV`` or one with a between-trial variance, as for `pool`. A row for each
    trial that `pool` uses: its name in ``left_out``, then the columns of `pool`.
    """
    check_level(level)
    if method not in METHODS:
        raise UsageError(f"there is no method {method!r}. Choose from {', '.join(METHODS)}.")
    if method in ("MH", "Peto"):
        raise UsageError(f"leave one out takes common-IV or a random-effects method, not {method}.")
    effects = effect_sizes(trials, measure, double_zero)
    effects = effects[effects["used"]]
    if len(effects) < 2:
        raise DataError(f"{trials.path}: leaving one out needs 2 trials; there are {len(effects)}.")
    y, v = effects["estimate"].to_numpy(), effects["se"].to_numpy() ** 2
    base = method.partition("-")[0]
    tau2 = np.zeros(len(y))
    if base in TAU2_METHODS:
        left = np.where(np.eye(len(y), dtype=bool), np.nan, y)
        tau2 = tau2_estimate(base, left, np.broadcast_to(v, left.shape))
    rows = []
    for i, name in enumerate(effects["trial"]):
        known = {base: float(tau2[i])} if base in TAU2_METHODS else None
        row = inverse_variance(method, np.delete(y, i), np.delete(v, i), level, known)
        rows.append({"left_out": name, **row, "method": method})
    return pd.DataFrame(rows)


def _reml(y: Array, v: Array, x: Array) -> float:
    """Between-trial variance of a meta-regression: the highest maximum by REML."""
    k, columns = x.shape

    def parts(t: Array) -> tuple[Array, Array, Array, Array]:
        w = 1 / (v + t[..., None])
        information = np.einsum("...i,ia,ib->...ab", w, x, x)
        covariance = np.linalg.inv(information)
        beta = np.einsum("...ab,ib,...i->...a", covariance, x, w * y)
        leverage = np.einsum("ia,...ab,ib->...i", x, covariance, x)
        return w, (y - np.einsum("ia,...a->...i", x, beta)) ** 2, leverage, information

    def loglik(t: Array) -> Array:
        w, square, _, information = parts(t)
        _, logdet = np.linalg.slogdet(information)
        return np.asarray(-0.5 * ((w * square - np.log(w)).sum(-1) + logdet))

    def score(t: Array) -> Array:
        w, square, leverage, _ = parts(t)
        return np.asarray(0.5 * (w**2 * square - w + w**2 * leverage).sum(-1))

    # Beyond the largest variance all weights are within a factor 2, and the score is negative
    # once t exceeds twice the crude residual variance.
    high = max(v.max(), 2 * ((y - y.mean()) ** 2).sum() / (k - columns))
    least = v.min()
    return float(peak(loglik, score, np.asarray(least), np.asarray(max(high, 2e-3 * least))))
