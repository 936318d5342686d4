"""Suspicious but possible values: a sentence each, never an error."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayespool.trials.cells import LARGEST
from bayespool.trials.columns import LAYOUTS, Layout

__all__ = ["notes_on"]

SHOWN = 5


def notes_on(frame: pd.DataFrame, layout: Layout) -> tuple[str, ...]:
    """Look for likely slips in a validated table."""
    notes: list[str] = []
    if layout == "continuous":
        notes += _too_small(frame, "sd_treatment", "n_treatment")
        notes += _too_small(frame, "sd_control", "n_control")
    if layout == "generic":
        notes += _too_small(frame, "se")
    if layout == "binary":
        notes += _all_or_nothing(frame)
        notes += _sums(frame)
    notes += _twins(frame, layout)
    if "year" in frame:
        year = frame["year"].to_numpy()
        odd = np.flatnonzero((year < 1900) | (year > 2100))
        if odd.size:
            notes.append(f"year is outside 1900 to 2100 for {_listed(frame['trial'], odd)}.")
    return tuple(notes)


def _too_small(frame: pd.DataFrame, name: str, n: str | None = None) -> list[str]:
    """Find SDs that look like standard errors, and standard errors like variances."""
    values = frame[name].to_numpy()
    others = _median_of_others(values)
    small = np.flatnonzero(values * 10 <= others)
    notes = []
    for i in small[:SHOWN]:
        if n is None:
            hint = f"If it is a variance, the standard error is {np.sqrt(values[i]):.4g}"
        else:
            sd = values[i] * np.sqrt(frame[n].iloc[i])
            hint = f"If it is a standard error, the standard deviation is {sd:.4g}"
        notes.append(
            f"{frame['trial'].iloc[i]}: {name} = {values[i]:g} is at most a tenth of the median of "
            f"the other trials' ({others[i]:g}). {hint}."
        )
    if small.size > SHOWN:
        notes.append(f"The same holds for {name} of {small.size - SHOWN} more trials.")
    return notes


def _median_of_others(values: np.ndarray) -> np.ndarray:
    """For each value the median of all others (NaN when there is none)."""
    m = len(values) - 1
    if m < 1:
        return np.full(len(values), np.nan)
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    rank = np.empty(len(values), dtype=int)
    rank[order] = np.arange(len(values))
    # Positions among the others, moved up by one from the value itself on.
    low, high = (m - 1) // 2, m // 2
    middle: np.ndarray = (ranked[low + (low >= rank)] + ranked[high + (high >= rank)]) / 2
    return middle


def _all_or_nothing(frame: pd.DataFrame) -> list[str]:
    events = frame["events_treatment"] + frame["events_control"]
    everyone = np.flatnonzero(events == frame["n_treatment"] + frame["n_control"])
    if everyone.size:
        names = _listed(frame["trial"], everyone)
        return [f"Everyone in both arms had the event: {names}. Is one column a copy of another?"]
    if not events.any():
        return ["No trial has an event in either arm. Was the outcome left out?"]
    return []


def sums_of_the_others(values: np.ndarray) -> np.ndarray:
    """Which trials' numbers (shape (columns, trials)) are each the sum of all the others'."""
    if values.shape[1] < 3 or not (np.abs(values) < LARGEST).all():  # nor of no number
        return np.zeros(values.shape[1], dtype=bool)
    found: np.ndarray = (2 * values == values.sum(axis=1, keepdims=True)).all(axis=0)
    return found


def _sums(frame: pd.DataFrame) -> list[str]:
    values = frame[list(LAYOUTS["binary"])].to_numpy(dtype=float).T
    return [
        f"{frame['trial'].iloc[i]}: its counts are the sums of all the others'. Is it a total?"
        for i in np.flatnonzero(sums_of_the_others(values))
    ]


def _twins(frame: pd.DataFrame, layout: Layout) -> list[str]:
    same = frame.duplicated(list(LAYOUTS[layout]), keep=False).to_numpy()
    if layout == "binary":
        # Small trials without events resemble each other by chance.
        same = same & (frame["events_treatment"] + frame["events_control"] > 0).to_numpy()
    if not same.any():
        return []
    groups = frame[same].groupby(list(LAYOUTS[layout]), sort=False)["trial"].agg(list)
    notes = [
        f"{' and '.join(names)} have the same numbers: the same patients twice?"
        for names in groups.iloc[:SHOWN]
    ]
    if len(groups) > SHOWN:
        notes.append(f"So have {len(groups) - SHOWN} more groups of trials.")
    return notes


def _listed(names: pd.Series, rows: np.ndarray) -> str:
    shown = ", ".join(names.iloc[rows[:SHOWN]])
    return shown if len(rows) <= SHOWN else f"{shown} and {len(rows) - SHOWN} more"
