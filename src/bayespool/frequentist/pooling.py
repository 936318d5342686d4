"""Pooled effects by every classical method, a row a method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr, ndtri, stdtr, stdtrit

from bayespool.errors import DataError, UsageError
from bayespool.frequentist.counts import mantel_haenszel, peto_effects
from bayespool.frequentist.heterogeneity import (
    TAU2_METHODS,
    check_level,
    cochran_q,
    tau2_estimate,
    typical_variance,
)
from bayespool.measures import effect_sizes, no_contrast
from bayespool.trials import Trials

Array = NDArray[np.float64]
METHODS = (
    "common-IV",
    "MH",
    "Peto",
    *(f"{tau2}{test}" for tau2 in TAU2_METHODS for test in ("", "-HK", "-mHK")),
)
FEW = 5

_INFINITE = {
    "OR": "infinite: an arm has no event in any trial, or no non-event",
    "RR": "infinite: an arm has no event in any trial",
}


def pool(
    trials: Trials,
    measure: str,
    methods: Sequence[str] | None = None,
    double_zero: str = "drop",
    level: float = 0.95,
) -> pd.DataFrame:
    """Pool the trials by classical methods.

    Parameters
    ----------
    trials, measure, double_zero
        As for `effect_sizes`. Mantel–Haenszel and Peto never need a correction;
        Mantel–Haenszel's RR also uses trials with events only, whatever `double_zero` says.
    methods : sequence of str, optional
        Some of `METHODS`, in the order wanted; by default all that exist for these data
        (Mantel–Haenszel first for RD, Peto for OR alone). ``-HK`` is the Hartung–Knapp interval,
        ``-mHK`` the same never narrower than Wald's.
    level : float
        Of the confidence and prediction intervals.

    Returns
    -------
    DataFrame
        ``method, k, estimate, se, lower, upper, p, tau2, i2, h2, q, q_p, prediction_lower,
        prediction_upper, prediction_df, note``: analysis scale (RD as the difference), ``i2`` in
        percent, ``p`` two-sided. NaN where undefined. Prediction intervals have k - 2 degrees of
        freedom (Higgins, Thompson & Spiegelhalter 2009). ``i2`` is 100 tau2/(tau2 + typical
        sampling variance), which for DL and the common effect is 100 (Q - df)/Q.

    Raises
    ------
    DataError
        No trial is left.
    UsageError
        An unknown method, or one that these data do not have.
    """
    check_level(level)
    possible = methods_for(trials, measure)
    for name in methods or ():
        if name not in METHODS:
            raise UsageError(f"there is no method {name!r}. Choose from {', '.join(METHODS)}.")
        if name not in possible:
            raise UsageError(
                f"{trials.path}: {name} does not exist for {measure} of the {trials.layout} layout."
            )
    effects = effect_sizes(trials, measure, double_zero)
    used = effects["used"].to_numpy()
    if not used.any():
        raise DataError(
            f"{trials.path}: no trial tells the arms apart: all are without events, or with events "
            f'only, in both. {measure} cannot be estimated; use RD, or double_zero="keep".'
        )
    y = effects["estimate"].to_numpy()[used]
    v = effects["se"].to_numpy()[used] ** 2
    share = double_zero_weight(trials) if measure == "RD" and trials.layout == "binary" else 0.0
    tau2: dict[str, float] = {}
    rows = []
    for name in possible if methods is None else methods:
        if name == "MH":
            row = _mantel_haenszel(trials, measure, level)
        elif name == "Peto":
            row = inverse_variance("common-IV", *_informative(*peto_effects(trials)), level)
        else:
            row = inverse_variance(name, y, v, level, tau2)
            if share > 0:
                row["note"] = "; ".join(filter(None, [row["note"], _share(trials, share)]))
        rows.append({**row, "method": name})
    return pd.DataFrame(rows)


def methods_for(trials: Trials, measure: str) -> tuple[str, ...]:
    """List the methods that exist for this measure and layout, in the order of the tables."""
    counts = {"OR": ("MH", "Peto"), "RR": ("MH",), "RD": ("MH",)}.get(measure, ())
    if trials.layout != "binary":
        counts = ()
    chosen = [m for m in METHODS if m not in ("MH", "Peto") or m in counts]
    if measure == "RD" and "MH" in counts:
        chosen.sort(key=lambda m: m != "MH")
    return tuple(chosen)


def double_zero_weight(trials: Trials) -> float:
    """Share of the inverse-variance weight of RD that trials without any contrast take, 0 to 1.

    Such a trial has the same risk, 0 or 1, in both arms: its variance comes from the added halves
    alone, and the smaller the truth behind it, the more it weighs.
    """
    weight = effect_sizes(trials, "RD", "keep")["se"].to_numpy() ** -2
    return float(weight[no_contrast(trials)].sum() / weight.sum())


def pool_rd(
    trials: Trials, methods: Sequence[str] | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Risk differences with and without the trials that have no contrast.

    `pool` twice, with a column ``double_zero`` ("kept" or "dropped") and the share of weight they
    take in ``double_zero_weight``; the second half is absent where nothing is dropped or left.
    """
    share = double_zero_weight(trials)
    blank = no_contrast(trials)
    parts = [pool(trials, "RD", methods, level=level).assign(double_zero="kept")]
    if blank.any() and not blank.all():
        rest = pool(trials.take(~blank), "RD", methods, level=level)
        parts.append(rest.assign(double_zero="dropped"))
    return pd.concat(parts, ignore_index=True).assign(double_zero_weight=share)


def inverse_variance(
    method: str, y: Array, v: Array, level: float = 0.95, known: dict[str, float] | None = None
) -> dict[str, Any]:
    """One row of `pool` for estimates `y` with variances `v`, shape (k,).

    `known` keeps each estimator's tau2 from one row to the next.
    """
    common = method.startswith("common-IV")
    base, _, test = method.removeprefix("common-IV").partition("-")
    k = len(y)
    known = {} if known is None else known
    if base not in known:
        known[base] = 0.0 if common else float(tau2_estimate(base, y, v))
    tau2 = known[base]
    q = float(cochran_q(y, v))
    typical = float(typical_variance(v))
    estimate, se = average(y, v, 0.0 if np.isnan(tau2) else tau2, test)
    row = interval(estimate, se, np.inf if test == "" else k - 1, level)
    h2 = np.nan
    if common and k > 1:
        h2 = q / (k - 1)
    elif typical > 0:  # one trial has no typical variance of several
        h2 = (tau2 + typical) / typical
    row |= {
        "k": k,
        "tau2": tau2,
        "i2": 100 * max(0.0, 1 - 1 / h2) if h2 > 0 else h2 * 0.0,
        "h2": h2,
        "q": q,
        "q_p": float(chdtrc(k - 1, q)) if k > 1 else np.nan,
    }
    df = k - 2
    if not common and df > 0:
        reach = float(stdtrit(df, 0.5 + level / 2)) * np.sqrt(tau2 + se**2)
        row |= {"prediction_lower": estimate - reach, "prediction_upper": estimate + reach}
        row["prediction_df"] = float(df)
    if not common:
        row["note"] = _few(k)
    return _ordered(row)


def average(y: Array, v: Array, tau2: float, test: str = "") -> tuple[float, float]:
    """Weighted mean and standard error at a given tau2.

    `test` is "" for Wald's standard error; "HK" for that of Hartung & Knapp (2001) and Sidik &
    Jonkman (2002), whose factor is the square root of Q(tau2)/(k - 1); "mHK" for the same with a
    factor of at least 1 (Röver, Knapp & Friede 2015). NaN for a single trial with the last two.
    """
    w = 1 / (v + tau2)
    centre = y[np.argmax(w)]
    estimate = centre + (w * (y - centre)).sum() / w.sum()
    se = 1 / np.sqrt(w.sum())
    if test == "":
        return float(estimate), float(se)
    if len(y) == 1:
        return float(estimate), np.nan
    factor = np.sqrt((w * (y - estimate) ** 2).sum() / (len(y) - 1))
    return float(estimate), float(se * (max(1.0, factor) if test == "mHK" else factor))


def interval(estimate: float, se: float, df: float, level: float) -> dict[str, Any]:
    """Estimate, se, lower, upper and two-sided p, by Student's t or (df infinite) the normal."""
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = float(-np.abs(np.divide(estimate, se)))
    quantile = p = np.nan
    if np.isinf(df):
        quantile, p = float(ndtri(0.5 + level / 2)), 2 * float(ndtr(statistic))
    elif df > 0:
        quantile, p = float(stdtrit(df, 0.5 + level / 2)), 2 * float(stdtr(df, statistic))
    return {
        "estimate": estimate,
        "se": se,
        "lower": estimate - quantile * se,
        "upper": estimate + quantile * se,
        "p": p,
    }


def _mantel_haenszel(trials: Trials, measure: str, level: float) -> dict[str, Any]:
    estimate, se = mantel_haenszel(trials, measure)
    note = ""
    if np.isnan(estimate):
        note = _INFINITE[measure]
    elif np.isnan(se):
        note = "no standard error: every arm has events only, or none"
    row = interval(estimate, se, np.inf, level)
    # Heterogeneity about the pooled value needs an estimate of each trial, hence the correction.
    y, v = _informative(*_corrected(trials, measure))
    k = len(y)
    q = float(((y - estimate) ** 2 / v).sum()) if k else np.nan
    contributing = _contributing(trials, measure)
    if measure == "RR" and contributing > k:
        full = contributing - k
        what = f"{full} trial{'s' if full > 1 else ''} with events only in both arms"
        note = "; ".join(filter(None, [note, f"{what} counted; Q and I2 leave out such trials"]))
    row |= {
        "k": contributing,
        "q": q,
        "q_p": float(chdtrc(k - 1, q)) if k > 1 else np.nan,
        "h2": q / (k - 1) if k > 1 else np.nan,
        "i2": 100 * max(0.0, 1 - (k - 1) / q) if k > 1 and q > 0 else (0.0 if k > 1 else np.nan),
        "note": note,
    }
    return _ordered(row)


def _contributing(trials: Trials, measure: str) -> int:
    """How many trials the Mantel–Haenszel estimate uses."""
    if measure == "RD":
        return len(trials)
    if measure == "OR":
        return int((~no_contrast(trials)).sum())
    events = trials.frame["events_treatment"] + trials.frame["events_control"]
    return int((events > 0).sum())


def _corrected(trials: Trials, measure: str) -> tuple[Array, Array]:
    effects = effect_sizes(trials, measure)
    y = np.where(no_contrast(trials), np.nan, effects["estimate"].to_numpy())
    return y, effects["se"].to_numpy() ** 2


def _informative(y: Array, v: Array) -> tuple[Array, Array]:
    there = np.isfinite(y) & np.isfinite(v)
    return y[there], v[there]


def _few(k: int) -> str:
    if k == 1:
        return "one trial: no heterogeneity can be estimated, the interval is the trial's own"
    if k < FEW:
        return f"{k} trials: random-effects intervals are unreliable below {FEW}"
    return ""


def _share(trials: Trials, share: float) -> str:
    count = int(no_contrast(trials).sum())
    what = "trial without events" if count == 1 else "trials without events"
    return f"{count} {what} (or with events only) in either arm: {100 * share:.0f} % of the weight"


def _ordered(row: dict[str, Any]) -> dict[str, Any]:
    columns = (
        "method", "k", "estimate", "se", "lower", "upper", "p", "tau2", "i2", "h2", "q", "q_p",
        "prediction_lower", "prediction_upper", "prediction_df", "note",
    )  # fmt: skip
    empty: dict[str, Any] = {"method": "", "note": ""}
    return {name: row.get(name, empty.get(name, np.nan)) for name in columns}
