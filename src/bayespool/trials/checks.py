"""What the numbers of a trial must satisfy: faults, each with its row."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayespool.trials.cells import (
    INVISIBLE,
    LARGEST,
    MISSING,
    SMALLEST,
    Numbers,
    is_missing,
    numbers_of,
    texts_of,
)
from bayespool.trials.columns import LAYOUTS, Layout
from bayespool.trials.notes import sums_of_the_others
from bayespool.trials.table import CONTROL, Faults

__all__ = ["check_names", "check_numbers", "check_optional"]

LARGEST_COUNT = 1e12
RISKS_OF_BIAS = ("low", "some", "high")
# Quantities of a posterior, which is asked for a trial's effect by the trial's name.
RESERVED = ("mu", "tau", "theta_new")
TOTAL = re.compile(r"(sub|grand )?totals?\b.*|(overall|pooled)\b.*|sum", re.IGNORECASE)
ORDER = ("min", "q1", "median", "q3", "max")


class Place:
    """Where faults of this table go: its lines and the names of its trials."""

    def __init__(self, faults: Faults, lines: Sequence[int], names: Sequence[str]) -> None:
        self.faults, self.lines, self.names = faults, lines, names

    def add(self, i: int, text: str) -> None:
        """Add a fault of row `i`."""
        self.faults.add(text, self.lines[i], self.names[i])

    def not_read(self, i: int, name: str, column: Numbers, what: str) -> None:
        """Add the fault of a cell that is no number, unless a control character is why."""
        if not CONTROL.search(column.shown(i)):
            self.add(i, f'{name} = "{column.shown(i)}" {what}')

    def each(self, bad: np.ndarray, text: str, **columns: Numbers) -> None:
        """Add a fault for every row of a mask; ``{a}`` in `text` is the cell of ``a=column``."""
        for i in np.flatnonzero(bad):
            self.add(int(i), text.format(**{key: c.shown(int(i)) for key, c in columns.items()}))


def check_names(names: list[str], place: Place) -> None:
    """Every trial has a name of its own, whatever its case and spacing."""
    if _plainly_different(names):
        return
    seen: dict[str, int] = {}
    for i, name in enumerate(names):
        key = name.casefold() if name.isascii() else _folded(name)
        if " " in key:
            key = " ".join(key.split())
        if is_missing(name):
            place.faults.add("the trial has no name. Give it one.", place.lines[i])
        elif found := INVISIBLE.search(name):
            place.add(
                i,
                f"the name holds the invisible character U+{ord(found[0]):04X}, so equal names "
                "may differ. Type it anew.",
            )
        elif name in RESERVED:
            place.add(i, f'"{name}" is the name of a quantity of the model. Rename the trial.')
        elif key in seen:
            place.add(
                i,
                f"this trial already stands in row {place.lines[seen[key]]}. Give each trial its "
                "own name, or delete the copy.",
            )
        else:
            seen[key] = i


def _plainly_different(names: list[str]) -> bool:
    """Whether nothing can be the matter with these names, seen at a glance."""
    if not "".join(names).isascii():
        return False
    keys = {" ".join(name.split()) if " " in name else name for name in map(str.casefold, names)}
    return len(keys) == len(names) and not (keys & MISSING or keys & {*RESERVED})


def check_numbers(
    frame: pd.DataFrame, layout: Layout, meant: dict[str, str], place: Place
) -> dict[str, np.ndarray]:
    """Read and check a layout's columns, as far as they are there; return their values."""
    read = {name: numbers_of(frame[meant[name]]) for name in LAYOUTS[layout] if name in meant}
    again = _header_again(frame, layout, meant, place)
    _empty_cells(read, layout, place, again)
    for name, column in read.items():
        if name.startswith(("events_", "n_")):
            _count(name, column, place)
        else:
            _size(name, column, place)
        if name == "se" or name.startswith("sd_"):
            _spread(name, column, place)
    for arm in ("treatment", "control"):
        _arm(read, layout, arm, place)
    if layout == "binary" and len(read) == len(LAYOUTS[layout]):
        _total(read, place)
    return {name: column.floats for name, column in read.items()}


def check_optional(
    frame: pd.DataFrame, meant: dict[str, str], place: Place
) -> dict[str, np.ndarray | list[str]]:
    """Year (a whole number or empty), risk of bias (low, some, high or empty), subgroup."""
    found: dict[str, np.ndarray | list[str]] = {}
    if "year" in meant:
        year = numbers_of(frame[meant["year"]])
        for i, what in year.wrong.items():
            if what:
                place.not_read(
                    i,
                    "year",
                    year,
                    "is not a year. Write its four digits, or leave the cell empty.",
                )
        place.each(
            (year.floats % 1 != 0) & np.isfinite(year.floats),
            "year = {a} is not a whole number. Give the year of publication.",
            a=year,
        )
        found["year"] = year.floats
    if "risk_of_bias" in meant:
        given = texts_of(frame[meant["risk_of_bias"]])
        levels = ["" if is_missing(text) else text.casefold() for text in given]
        levels = ["some" if level == "some concerns" else level for level in levels]  # as in RoB 2
        for i, level in enumerate(levels):
            if level and level not in RISKS_OF_BIAS:
                said = "is none of low, some (or some concerns), high. Write one."
                place.add(i, f'risk_of_bias = "{given[i]}" {said}')
        found["risk_of_bias"] = levels
    if "subgroup" in meant:
        found["subgroup"] = texts_of(frame[meant["subgroup"]])
    return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _header_again(
    frame: pd.DataFrame, layout: Layout, meant: dict[str, str], place: Place
) -> set[int]:
    """Rows that repeat the header, as where files were put together: one fault each."""
    names = [name for name in LAYOUTS[layout] if name in meant]
    repeats = np.ones(len(frame), dtype=bool)
    for name in names:
        repeats &= frame[meant[name]].astype(object).eq(meant[name]).to_numpy(dtype=bool)
    for i in np.flatnonzero(repeats):
        place.faults.add("the header stands here again. Delete this row.", place.lines[int(i)])
    return {int(i) for i in np.flatnonzero(repeats)}


def _total(read: dict[str, Numbers], place: Place) -> None:
    """A total is no trial: counted, its patients would be there twice."""
    values = np.stack([column.floats for column in read.values()])
    for i in np.flatnonzero(sums_of_the_others(values)):
        if TOTAL.fullmatch(place.names[int(i)]):
            said = "its counts are the sums of the other rows: a total, not a trial. Delete it."
            place.add(int(i), said)


def _empty_cells(read: dict[str, Numbers], layout: Layout, place: Place, skipped: set[int]) -> None:
    empty: dict[int, list[str]] = {}
    for name, column in read.items():
        for i, what in column.wrong.items():
            if i in skipped:
                continue
            if what:
                place.not_read(i, name, column, what)
            else:
                empty.setdefault(i, []).append(name)
    for i in sorted(empty):
        if len(empty[i]) == len(read) > 1 and not any(column.shown(i) for column in read.values()):
            what = "a total" if TOTAL.fullmatch(place.names[i]) else "a heading"
            place.add(i, f"the row holds no number. Is it {what}? Delete it, or give its numbers.")
            continue
        if TOTAL.fullmatch(place.names[i]):
            place.add(i, "this looks like a total, not a trial, with cells left empty. Delete it.")
            continue
        for arm in ("treatment", "control"):
            if layout != "generic" and empty[i] == [n for n in read if n.endswith(f"_{arm}")]:
                columns = " and ".join(", ".join(empty[i]).rsplit(", ", 1))
                place.add(
                    i,
                    f"the {arm} arm is missing: {columns} are empty. Give its numbers, or leave "
                    "the trial out.",
                )
                break
        else:
            for name in empty[i]:
                shown = read[name].shown(i)
                what = f'{name} = "{shown}" is missing' if shown else f"{name} is empty"
                place.add(i, f"{what}. Give the number, or leave the trial out.")


def _count(name: str, column: Numbers, place: Place) -> None:
    values = column.floats
    place.each(values < 0, f"{name} = {{a}} is negative. A count is 0 or more.", a=column)
    place.each(
        (values >= 0) & (values % 1 != 0),
        f"{name} = {{a}} is not a whole number. Give the number of people, not a rate.",
        a=column,
    )
    place.each(
        values >= LARGEST_COUNT,
        f"{name} = {{a}} is more than there are people (1e12 is the limit). Check the number.",
        a=column,
    )
    if name.startswith("n_"):
        place.each(
            values == 0,
            f"{name} = {{a}}, so the arm has nobody in it. Correct it, or leave the trial out.",
            a=column,
        )


def _size(name: str, column: Numbers, place: Place) -> None:
    place.each(
        np.abs(column.floats) > LARGEST,
        f"{name} = {{a}} is too large to compute with. Check the number or change the unit.",
        a=column,
    )


def _spread(name: str, column: Numbers, place: Place) -> None:
    what = "standard error" if name == "se" else "standard deviation"
    place.each(
        column.floats <= 0,
        f"{name} = {{a}} is not above 0, as a {what} must be. Correct it, or leave the trial out.",
        a=column,
    )
    place.each(
        (column.floats > 0) & (column.floats < SMALLEST),
        f"{name} = {{a}} is too small to compute with. Check the number or change the unit.",
        a=column,
    )


def _arm(read: dict[str, Numbers], layout: Layout, arm: str, place: Place) -> None:
    n = read.get(f"n_{arm}")
    events = read.get(f"events_{arm}")
    if n is not None and events is not None:
        place.each(
            (events.floats > n.floats) & (n.floats > 0),
            f"events_{arm} = {{e}} exceeds n_{arm} = {{n}}. Check the arms are not swapped.",
            e=events,
            n=n,
        )
    if n is not None and layout != "binary":
        place.each(
            n.floats == 1,
            f"n_{arm} = {{n}}, but one person has no spread. An arm needs at least 2.",
            n=n,
        )
    present = [name for name in ORDER if f"{name}_{arm}" in read]
    if len(present) < 2:
        return
    columns = {name: read[f"{name}_{arm}"] for name in present}
    listed = ", ".join(f"{name}_{arm} = {{{name}}}" for name in present)
    values = np.stack([column.floats for column in columns.values()])
    place.each(
        (values[1:] < values[:-1]).any(axis=0),
        f"{listed} are out of order: expected {' <= '.join(present)}.",
        **columns,
    )
    place.each(
        values[0] == values[-1],
        f"{listed} are equal, which leaves no spread. Give a standard deviation, or leave the "
        "trial out.",
        **columns,
    )
