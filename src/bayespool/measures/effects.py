"""A trial's estimate and standard error on each measure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaln

from bayespool.errors import DataError, UsageError
from bayespool.measures.medians import SMALLEST, moments, skewed
from bayespool.measures.words import check_layout
from bayespool.trials import Trials

Array = NDArray[np.float64]
ARMS = ("treatment", "control")


def effect_sizes(trials: Trials, measure: str, double_zero: str = "drop") -> pd.DataFrame:
    """Every trial's estimate and standard error on the analysis scale.

    Parameters
    ----------
    trials : Trials
    measure : str
        One of `MEASURES`. A generic estimate is taken as it stands: a ratio measure as its
        natural log.
    double_zero : {"drop", "keep"}
        Trials with no event, or with events only, in both arms: leave them out for OR and RR, or
        keep them with the correction. They stay for RD either way.

    Returns
    -------
    DataFrame
        A row a trial, in their order: ``trial, estimate, se, used, corrected, note``. RD is the
        plain difference. ``corrected`` says that 1/2 was added to the four cells, which happens
        to trials with an empty cell alone. Estimate and SE are NaN where not ``used``.

    Raises
    ------
    DataError
        A mean that has no logarithm (ROM), medians that give no SD, arms too small for the
        measure. All of them at once.
    UsageError
        The layout does not give this measure.

    Notes
    -----
    MD: separate variances. SMD: Hedges' g with the exact correction and its large-sample
    variance (Hedges 1981, J Educ Stat 6:107; Hedges & Olkin 1985, ch. 5). ROM from means and SDs:
    log ratio with the second-order correction of Lajeunesse (2015), Ecology 96:2056, equation 8,
    and the first-order variance of Hedges et al. (1999). MD and SMD from medians go through
    `moments`. ROM from medians takes each arm as lognormal: `moments` of the logarithms of the
    quantiles, and the ratio of the *geometric* means, with variance SD²/n an arm (Higgins, White
    & Anzures-Cabrera 2008, Stat Med 27:6072). It is the ratio of medians, and of arithmetic means
    where the arms' log SDs are equal.
    """
    if double_zero not in ("drop", "keep"):
        raise UsageError(f'double_zero is "drop" or "keep", not {double_zero!r}.')
    check_layout(trials, measure)
    with np.errstate(all="ignore"):
        effects = _of_layout(trials, measure, double_zero)
    estimate, se = effects["estimate"].to_numpy(), effects["se"].to_numpy()
    # Fourth powers of a standard error have to stay within the range of a float.
    fit = (np.abs(estimate) < 1e50) & (se > 1e-50) & (se < 1e50)
    text = "{} = {:g} with standard error {:g} is out of reach. Use another unit."
    _refuse(
        trials,
        [
            (i, text.format(measure, estimate[i], se[i]))
            for i in _at(effects["used"].to_numpy() & ~fit)
        ],
    )
    return effects


def _of_layout(trials: Trials, measure: str, double_zero: str) -> pd.DataFrame:
    k = len(trials)
    used = np.ones(k, dtype=bool)
    corrected = np.zeros(k, dtype=bool)
    notes = [""] * k
    if trials.layout == "generic":
        estimate = trials.frame["estimate"].to_numpy(dtype=float, copy=True)
        se = trials.frame["se"].to_numpy(dtype=float, copy=True)
    elif trials.layout == "binary":
        estimate, se, used, corrected, notes = _counts(trials, measure, double_zero)
    elif trials.layout == "continuous":
        estimate, se = _means(trials, measure, *_arms(trials, "mean", "sd"))
    else:
        estimate, se, notes = _medians(trials, measure)
    return pd.DataFrame(
        {
            "trial": trials.names,
            "estimate": np.where(used, estimate, np.nan),
            "se": np.where(used, se, np.nan),
            "used": used,
            "corrected": corrected & used,
            "note": notes,
        }
    )


def control_risks(trials: Trials) -> Array:
    """Events over patients of every control arm; UsageError where there are no counts."""
    if trials.layout != "binary":
        raise UsageError(f"{trials.path}: the {trials.layout} layout has no risks in it.")
    events = trials.frame["events_control"].to_numpy(dtype=float)
    return np.asarray(events / trials.frame["n_control"].to_numpy(dtype=float))


def no_contrast(trials: Trials) -> NDArray[np.bool_]:
    """Mark the trials without events, or with events only, in both arms; none without counts."""
    if trials.layout != "binary":
        return np.zeros(len(trials), dtype=bool)
    (r1, r0), (n1, n0) = _arms(trials, "events", "n")
    return np.asarray((r1 + r0 == 0) | (r1 + r0 == n1 + n0))


def informative(measure: str, arms: Array) -> NDArray[np.bool_]:
    """Mark the trials whose binomial likelihood bounds the effect on both sides.

    Not those where every patient of one arm and none of the other has the event, nor, for
    ratios, those without any event or without any patient free of it.

    Parameters
    ----------
    measure : {"OR", "RR", "RD"}
    arms : array, shape (trials, 4)
        Events and patients of the treatment arm, then of the control arm.
    """
    r1, n1, r0, n0 = np.asarray(arms, dtype=float).T
    separated = ((r1 == n1) & (r0 == 0)) | ((r1 == 0) & (r0 == n0))
    events, size = r1 + r0, n1 + n0
    return np.asarray(~separated & ((measure == "RD") | ((events > 0) & (events < size))))


def _arms(trials: Trials, *stems: str) -> list[tuple[Array, Array]]:
    """(treatment, control) of each column pair."""
    frame = trials.frame
    return [
        (
            frame[f"{stem}_treatment"].to_numpy(dtype=float),
            frame[f"{stem}_control"].to_numpy(dtype=float),
        )
        for stem in stems
    ]


def _counts(
    trials: Trials, measure: str, double_zero: str
) -> tuple[Array, Array, NDArray[np.bool_], NDArray[np.bool_], list[str]]:
    events, n = _arms(trials, "events", "n")
    r1, r0 = events
    f1, f0 = n[0] - r1, n[1] - r0
    corrected = (r1 == 0) | (r0 == 0) | (f1 == 0) | (f0 == 0)
    double = no_contrast(trials)
    used = ~double if measure != "RD" and double_zero == "drop" else np.ones(len(r1), dtype=bool)
    half = np.where(corrected, 0.5, 0.0)
    r1, r0, f1, f0 = r1 + half, r0 + half, f1 + half, f0 + half
    n1, n0 = r1 + f1, r0 + f0
    if measure == "OR":
        estimate = np.log(r1 * f0 / (f1 * r0))
        variance = 1 / r1 + 1 / f1 + 1 / r0 + 1 / f0
    elif measure == "RR":
        estimate = np.log(r1 * n0 / (n1 * r0))
        variance = f1 / (r1 * n1) + f0 / (r0 * n0)
    else:
        estimate = r1 / n1 - r0 / n0
        variance = r1 * f1 / n1**3 + r0 * f0 / n0**3
    notes = []
    for i in range(len(r1)):
        if not corrected[i]:
            notes.append("")
            continue
        what = "no event in either arm" if events[0][i] == 0 else "events only, in both arms"
        if not used[i]:
            notes.append(f"{what}: left out, it cannot inform {measure}")
        elif double[i]:
            notes.append(f"{what}: its standard error comes from the 1/2 added to each cell")
        else:
            notes.append("1/2 added to each cell")
    return estimate, np.sqrt(variance), used, corrected, notes


def _means(
    trials: Trials, measure: str, mean: tuple[Array, Array], sd: tuple[Array, Array]
) -> tuple[Array, Array]:
    (m1, m0), (s1, s0) = mean, sd
    ((n1, n0),) = _arms(trials, "n")
    if measure == "MD":
        return m1 - m0, np.sqrt(s1**2 / n1 + s0**2 / n0)
    if measure == "SMD":
        df = n1 + n0 - 2
        _refuse(
            trials,
            [(i, "SMD needs at least 4 patients in both arms together.") for i in _at(df < 2)],
        )
        pooled = np.sqrt(((n1 - 1) * s1**2 + (n0 - 1) * s0**2) / df)
        exact = np.exp(gammaln(df / 2) - gammaln((df - 1) / 2) - 0.5 * np.log(df / 2))
        g = exact * (m1 - m0) / pooled
        return g, np.sqrt(1 / n1 + 1 / n0 + g**2 / (2 * (n1 + n0)))
    _refuse(
        trials,
        [
            (i, f"mean_{arm} = {m[i]:g} has no logarithm. ROM needs positive means; use MD or SMD.")
            for arm, m in zip(ARMS, mean, strict=True)
            for i in _at(m <= 0)
        ],
    )
    v1, v0 = (s1 / m1) ** 2 / n1, (s0 / m0) ** 2 / n0
    return np.log(m1 / m0) + (v1 - v0) / 2, np.sqrt(v1 + v0)


def _medians(trials: Trials, measure: str) -> tuple[Array, Array, list[str]]:
    logs = measure == "ROM"
    spread = {
        "quartiles": ("q1", "q3"),
        "range": ("min", "max"),
        "five": ("q1", "q3", "min", "max"),
    }[trials.layout]
    faults: list[tuple[int, str]] = []
    means, sds, skew = [], [], []
    for arm in ARMS:
        columns = {
            stem: trials.frame[f"{stem}_{arm}"].to_numpy(dtype=float)
            for stem in ("n", "median", *spread)
        }
        n = columns.pop("n")
        faults += [
            (i, f"n_{arm} = {n[i]:g}. Turning medians into means needs {SMALLEST} patients an arm.")
            for i in _at(n < SMALLEST)
        ]
        for low, high in zip(spread[::2], spread[1::2], strict=True):
            faults += [
                (i, f"{low}_{arm} and {high}_{arm} are both {columns[low][i]:g}: no SD follows.")
                for i in _at(columns[low] == columns[high])
            ]
        if logs:
            faults += [
                (
                    i,
                    f"{stem}_{arm} = {values[i]:g} has no logarithm, which ROM takes; use MD.",
                )
                for stem, values in columns.items()
                for i in _at(values <= 0)
            ]
        if faults:
            continue
        columns = {stem: np.log(v) if logs else v for stem, v in columns.items()}
        quartiles = (columns["q1"], columns["q3"]) if "q1" in columns else None
        extremes = (columns["min"], columns["max"]) if "min" in columns else None
        mean, sd = moments(n, columns["median"], quartiles, extremes)
        means.append(mean)
        sds.append(sd)
        skew.append(skewed(n, columns["median"], quartiles, extremes))
    _refuse(trials, faults)
    if logs:
        ((n1, n0),) = _arms(trials, "n")
        estimate = means[0] - means[1]
        se = np.sqrt(sds[0] ** 2 / n1 + sds[1] ** 2 / n0)
    else:
        estimate, se = _means(trials, measure, (means[0], means[1]), (sds[0], sds[1]))
    return estimate, se, [_converted(trials.layout, logs, skew, i) for i in range(len(trials))]


def _converted(layout: str, logs: bool, skew: list[NDArray[np.bool_]], i: int) -> str:
    source = {
        "quartiles": "median and quartiles",
        "range": "median and range",
        "five": "the five-number summary",
    }[layout]
    kind = "ratio of geometric means, lognormal, from" if logs else "mean and SD from"
    failed = [arm for arm, flags in zip(ARMS, skew, strict=True) if flags[i]]
    if not failed:
        return f"{kind} {source}"
    arms = f"the {failed[0]} arm" if len(failed) == 1 else "both arms"
    scale = " on the log scale" if logs else ""
    return f"{kind} {source}; {arms} failed the skewness check{scale}"


def _at(mask: NDArray[np.bool_]) -> list[int]:
    return [int(i) for i in np.flatnonzero(mask)]


def _refuse(trials: Trials, faults: list[tuple[int, str]]) -> None:
    if faults:
        in_order = sorted(faults, key=lambda fault: fault[0])
        raise DataError([f"{trials.where(i)}: {text}" for i, text in in_order])
