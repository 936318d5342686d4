"""What published reviews found for the same outcomes, and why it is not the same number."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayespool.agreement import rows_of
from bayespool.errors import BayespoolError, DataError
from bayespool.frequentist import pool
from bayespool.measures import MEASURES, to_natural
from bayespool.posterior import Posterior
from bayespool.summaries import in_natural_units, number
from bayespool.trials import Trials

COLUMNS = (
    "review", "outcome", "k", "n", "measure", "estimate", "ci_low", "ci_high", "model", "source",
    "source_locator",
)  # fmt: skip
NUMBERS = ("k", "n", "estimate", "ci_low", "ci_high")
ENDS = ("estimate", "lower", "upper")
SAME = {"WMD": "MD"}  # a weighted mean difference is a pooled mean difference
METHODS = ["common-IV", "DL"]
MEDIANS = ("quartiles", "range", "five")
DESIGN = re.compile(r"RCT|randomi|observational|comparative|designs", re.IGNORECASE)
BRACKETS = re.compile(r"\((.*)\)")


def published_rows(
    path: str | os.PathLike[str],
    outcomes: Sequence[str],
    posterior: Posterior,
    measures: Sequence[dict[str, Any]] = (),
    double_zero: str = "drop",
) -> list[dict[str, Any]]:
    """Put published results beside ours, as the record's ``published``.

    Parameters
    ----------
    path : str or PathLike
        CSV with ``review, outcome, k, n, measure, estimate, ci_low, ci_high, model, source,
        source_locator``; a cell that the review does not print is empty.
    outcomes : sequence of str
        What the file calls this outcome.
    posterior : Posterior
        Our main analysis.
    measures : sequence of dict
        Its ``other_measures``, for reviews on another measure.
    double_zero : {"drop", "keep"}
        As for `pool`.

    Returns
    -------
    list of dict
        Rows in the file's order: ``review, outcome, k, n, measure, estimate, lower, upper,
        model, source, locator``; ours on that measure as ``our_k``, ``our_method``,
        ``our_estimate, our_lower, our_upper`` (a classical method) and ``our_median,
        our_median_lower, our_median_upper`` (the posterior). They differ in two steps: other
        trials by the same kind of method, then another model of the same trials; ``why`` is what
        the numbers do not show. ``theirs_to_ours`` and ``posterior_to_ours`` are the quotients of
        the estimates to our classical one (differences where the measure is none of ratios),
        ``width_to_ours`` and ``posterior_width`` those of the intervals, logs for ratios. Of the
        published row that is analysed itself, ours are None.

    Raises
    ------
    DataError
        The file cannot be read, lacks a column or one of the outcomes, or has an impossible
        number. All faults at once.
    """
    file = _read(Path(path), outcomes)
    file = file[file["outcome"].isin(list(outcomes))]
    classical: dict[str, dict[str, dict[str, Any]]] = {}
    rows = []
    for cells in rows_of(file):
        row = _of_file(cells)
        measure = SAME.get(row["measure"], row["measure"])
        if measure not in classical:
            classical[measure] = _classical(posterior, measure, double_zero)
        method = "DL" if row["model"].startswith("random") else "common-IV"
        answer = _answer(posterior, measure, measures)
        base = classical[measure].get(method, {})
        if is_own(row, posterior.trials):  # nothing to compare it with
            answer, base = [None, None, None], {}
        ours: dict[str, Any] = {
            "our_k": base.get("k"),
            "our_method": method if base else None,
        }
        ours |= {f"our_{end}": base.get(end) for end in ENDS}
        ours |= dict(
            zip(("our_median", "our_median_lower", "our_median_upper"), answer, strict=True)
        )
        of = measure in MEASURES and MEASURES[measure].ratio
        theirs, own = [row[end] for end in ENDS], [ours[f"our_{end}"] for end in ENDS]
        ours["theirs_to_ours"], ours["width_to_ours"] = _against(theirs, own, of)
        ours["posterior_to_ours"], ours["posterior_width"] = _against(answer, own, of)
        why = _why(row, measure, posterior, classical[measure], answer)
        rows.append(row | ours | {"why": why})
    return rows


def _read(path: Path, outcomes: Sequence[str]) -> pd.DataFrame:
    try:
        file = pd.read_csv(Path(path), dtype="str", keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    if missing := [name for name in COLUMNS if name not in file]:
        raise DataError(f"{path}: there is no column {' or '.join(missing)}.")
    there = list(dict.fromkeys(file["outcome"]))
    faults = [
        f"{path}: no row has the outcome {name!r}. It has {', '.join(there)}."
        for name in outcomes
        if name not in there
    ]
    for number_of, cells in enumerate(rows_of(file), start=2):
        where = f"{path}, row {number_of} ({cells['review']})"
        faults += [f"{where}: {fault}" for fault in _faults(cells)]
    if faults:
        raise DataError(faults)
    return file


def _faults(cells: dict[str, str]) -> list[str]:
    found, values = [], {}
    for name in NUMBERS:
        try:
            values[name] = float(cells[name] or "nan")
            if cells[name] and not math.isfinite(values[name]):
                raise ValueError(cells[name])
        except ValueError:
            found.append(f"{name} = {cells[name]!r} is not a number. Leave it empty if unknown.")
            values[name] = math.nan
    low, middle, high = (values[name] for name in ("ci_low", "estimate", "ci_high"))
    if not math.isnan(middle) and not cells["measure"]:
        found.append("there is an estimate and no measure.")
    if math.isnan(low) != math.isnan(high) or low > middle or middle > high:
        found.append(f"the interval {low:g} to {high:g} does not hold the estimate {middle:g}.")
    measure = MEASURES.get(cells["measure"])
    if measure is not None and measure.ratio and min(low, middle) <= 0:
        found.append(f"{cells['measure']} is a ratio, above 0; found {min(low, middle):g}.")
    return found


def _of_file(cells: dict[str, str]) -> dict[str, Any]:
    numbers = {name: float(cells[name]) if cells[name] else None for name in NUMBERS}
    k, n = (round(float(cells[word])) if cells[word] else None for word in ("k", "n"))
    return {
        "review": cells["review"],
        "outcome": cells["outcome"],
        "k": k,
        "n": n,
        "measure": cells["measure"],
        "estimate": numbers["estimate"],
        "lower": numbers["ci_low"],
        "upper": numbers["ci_high"],
        "model": cells["model"],
        "source": cells["source"],
        "locator": cells["source_locator"],
    }


def _classical(posterior: Posterior, measure: str, double_zero: str) -> dict[str, dict[str, Any]]:
    """Natural-unit estimates of our trials by method; empty where they have none."""
    trials = posterior.trials
    if measure not in MEASURES or (trials.layout == "generic" and measure != posterior.measure):
        return {}
    try:
        table = pool(trials, measure, METHODS, double_zero)
    except BayespoolError:  # another layout, or no trial has an estimate
        return {}
    scale = "log" if MEASURES[measure].ratio else "identity"
    return {
        row["method"]: {"k": row["k"]} | {end: float(to_natural(row[end], scale)) for end in ENDS}
        for row in table.to_dict("records")
    }


def _answer(
    posterior: Posterior, measure: str, measures: Sequence[dict[str, Any]]
) -> list[float | None]:
    """Our median and interval on a measure, natural units; None where there is none."""
    words = ("median", "lower", "upper")
    if measure == posterior.measure:
        natural = in_natural_units(posterior["mu"], posterior.scale)
        return [natural[word] for word in words]
    for row in measures:
        if row["measure"] == measure:
            return [row[f"natural_{word}"] for word in words]
    return [None] * 3


def _why(
    row: dict[str, Any],
    measure: str,
    posterior: Posterior,
    classical: dict[str, dict[str, Any]],
    answer: Sequence[float | None],
) -> str:
    """Say what the numbers do not: the reasons beside other trials and another model."""
    if is_own(row, posterior.trials):
        return "This is the row that is analysed here."
    found = _design(row)
    if row["estimate"] is None:
        return " ".join([*found, "The file gives no estimate."])
    if measure != posterior.measure:
        found.append(f"It is on {row['measure']}, our main analysis on {posterior.measure}.")
    if not classical:
        return " ".join([*found, f"Our data give no {row['measure']} to compare."])
    if posterior.trials.layout in MEDIANS:
        found.append("Ours is from medians.")
    if answer[0] is None:
        found.append(f"We have no posterior on {measure}.")
    return " ".join(found)


def is_own(row: dict[str, Any], trials: Trials) -> bool:
    """Whether the row is the published pooled one that is analysed itself."""
    frame = trials.frame
    if len(trials) != 1 or "trials_pooled" not in frame or "source" not in frame:
        return False
    if not str(row["source"]).startswith(str(frame["source"].iloc[0])):
        return False
    return row["estimate"] is not None and row["estimate"] == float(frame["estimate"].iloc[0])


def _against(
    a: Sequence[float | None], b: Sequence[float | None], ratio: bool
) -> tuple[float | None, float | None]:
    """How far one estimate lies from another, and its interval's width over the other's.

    The quotient of ratios, else the difference, 0 where both are printed alike.
    """
    (x, *first), (y, *second) = a, b
    if x is None or y is None:
        return None, None
    gap = x / y if ratio else x - y
    if not ratio and number(x) == number(y):
        gap = 0.0
    ends = [end for end in (*first, *second) if end is not None]
    if len(ends) < 4:
        return gap, None
    low, high, other_low, other_high = np.log(ends) if ratio else ends
    return gap, float((high - low) / (other_high - other_low))


def _design(row: dict[str, Any]) -> list[str]:
    """Say where neither the review's name nor the outcome nor the place says a design."""
    said = [match[1] for word in ("review", "outcome") if (match := BRACKETS.search(row[word]))]
    known = any(DESIGN.search(text) for text in [*said, row["locator"]])
    return [] if known else ["Design: not stated."]
