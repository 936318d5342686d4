"""The validated trials of one review, and the one way to get them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bayespool.errors import DataError, UsageError
from bayespool.names import printable
from bayespool.trials.cells import numbers_of, texts_of
from bayespool.trials.checks import (
    LARGEST_COUNT,
    Place,
    check_names,
    check_numbers,
    check_optional,
)
from bayespool.trials.columns import Layout, read_header
from bayespool.trials.notes import notes_on
from bayespool.trials.table import Faults, path_text, table_of_file, table_of_frame

__all__ = ["Trials", "read_trials"]


@dataclass(frozen=True, eq=False)
class Trials:
    """Validated trials of one outcome.

    Attributes
    ----------
    frame : DataFrame
        One row a trial, RangeIndex. The layout's columns and ``year`` are float64 (counts are
        whole; an empty year is NaN), ``trial``, ``subgroup`` and ``risk_of_bias`` are stripped
        text; every other column is as read.
    layout : {"binary", "continuous", "quartiles", "range", "five", "generic"}
    path : str
        As given, or "<DataFrame>".
    rows : tuple of int
        The line of the file where each trial stands (the header is line 1). A DataFrame counts
        as its CSV would.
    sha256 : str
        Of the file's bytes, or of the DataFrame as CSV.
    notes : tuple of str
        Suspicious but possible values of the whole file.
    """

    frame: pd.DataFrame
    layout: Layout
    path: str
    rows: tuple[int, ...]
    sha256: str
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def names(self) -> list[str]:
        """Names of the trials, in the file's order."""
        return [str(name) for name in self.frame["trial"].astype(object).tolist()]

    @property
    def participants(self) -> int | None:
        """People in both arms of all trials; None where the file does not say."""
        if self.layout != "generic":
            # As Python's integers, which do not round.
            return sum(int(n) for arm in ("treatment", "control") for n in self.frame[f"n_{arm}"])
        if "participants" not in self.frame:
            return None
        people = numbers_of(self.frame["participants"])
        whole = (people.floats % 1 == 0) & (people.floats >= 0) & (people.floats < LARGEST_COUNT)
        if not whole.all():  # of no number it is False
            return None
        return sum(int(n) for n in people.floats)

    def take(self, keep: Sequence[int] | Sequence[bool] | np.ndarray) -> Trials:
        """Keep some of the trials, by position or by a mask of one truth value a trial.

        Raises
        ------
        UsageError
            No trial is left, a position is not there or repeated, or a mask has another length.
        """
        chosen = np.asarray(keep)
        if chosen.size == 0:
            raise UsageError(f"{self.path}: no trial is left.")
        if chosen.dtype == bool:
            if chosen.shape != (len(self),):
                raise UsageError(
                    f"{self.path}: a mask needs {len(self)} truth values, not {chosen.size}."
                )
            chosen = np.flatnonzero(chosen)
            if chosen.size == 0:
                raise UsageError(f"{self.path}: no trial is left.")
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise UsageError(f"{self.path}: trials are taken by whole numbers or a mask.")
        if chosen.min() < 0 or chosen.max() >= len(self) or np.unique(chosen).size < chosen.size:
            raise UsageError(
                f"{self.path}: positions run from 0 to {len(self) - 1}, each at most once."
            )
        return replace(
            self,
            frame=self.frame.iloc[chosen].reset_index(drop=True),
            rows=tuple(self.rows[i] for i in chosen),
        )

    def where(self, i: int) -> str:
        """Place of trial `i` for messages: ``data/mortality.csv, row 5 (shu_2020)``."""
        return printable(f"{self.path}, row {self.rows[i]} ({self.frame['trial'].iloc[i]})")


def read_trials(source: str | os.PathLike[str] | pd.DataFrame, hashed: bool = True) -> Trials:
    """Read and check a review: a CSV file in UTF-8, or a DataFrame with the same columns.

    The layout is detected from the columns; numbers are read strictly (``1,000`` and ``12%`` are
    faults). A DataFrame that is not to be ``hashed`` is read faster, and has no ``sha256``.

    Raises
    ------
    DataError
        With every fault of the file: its row and trial, what was found, what to do.
    """
    if isinstance(source, pd.DataFrame):
        faults = Faults("<DataFrame>")
        table = table_of_frame(source, faults, hashed)
    elif isinstance(source, str | os.PathLike):
        faults = Faults(path_text(source))
        table = table_of_file(faults.path, faults)
    else:
        raise DataError(
            f"read_trials takes the path of a CSV file or a DataFrame, not {type(source).__name__}."
        )
    header = read_header(list(table.frame.columns))
    for fault in header.faults:
        faults.add(fault, table.header_line)

    names = [""] * len(table.frame)
    if "trial" in header.meant:
        names = texts_of(table.frame[header.meant["trial"]])
    place = Place(faults, table.lines, names)
    if "trial" in header.meant:
        check_names(names, place)
    values: dict[str, np.ndarray] = {}
    if header.layout is not None:
        values = check_numbers(table.frame, header.layout, header.meant, place)
    optional = check_optional(table.frame, header.meant, place)
    if faults.found or header.layout is None:
        raise faults.stop()

    frame = table.frame.assign(trial=pd.Series(names, dtype="str"), **values)
    for name, column in optional.items():
        frame[name] = pd.Series(column, dtype=None if name == "year" else "str")
    return Trials(
        frame=frame,
        layout=header.layout,
        path=faults.path,
        rows=tuple(table.lines),
        sha256=table.sha256,
        notes=notes_on(frame, header.layout),
    )
