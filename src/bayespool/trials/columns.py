"""The contract's column names: which layout a header is, and which names are typing errors."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bayespool.trials.guesses import Guess, as_trial, computed, renamed

__all__ = ["LAYOUTS", "NAMES", "Header", "Layout", "read_header"]

Layout = Literal["binary", "continuous", "quartiles", "range", "five", "generic"]


def _both_arms(*stems: str) -> tuple[str, ...]:
    return tuple(f"{stem}_{arm}" for arm in ("treatment", "control") for stem in stems)


LAYOUTS: dict[Layout, tuple[str, ...]] = {
    "binary": _both_arms("events", "n"),
    "continuous": _both_arms("mean", "sd", "n"),
    "quartiles": _both_arms("median", "q1", "q3", "n"),
    "range": _both_arms("median", "min", "max", "n"),
    "five": _both_arms("min", "q1", "median", "q3", "max", "n"),
    "generic": ("estimate", "se"),
}
OPTIONAL = ("year", "subgroup", "risk_of_bias", "source", "confidence")
NAMES = tuple(dict.fromkeys(["trial", *sum(LAYOUTS.values(), ()), *OPTIONAL]))


MOST_SHOWN = 12


@dataclass(frozen=True)
class Header:
    """What the column names say.

    Attributes
    ----------
    layout : Layout or None
        The layout, or the nearest one when `faults` says why it is not complete; None when the
        columns match nothing or two layouts at once.
    meant : dict of str to str
        Contract name → the column that holds it, typing errors included.
    faults : tuple of str
    """

    layout: Layout | None
    meant: dict[str, str]
    faults: tuple[str, ...]


def read_header(columns: Sequence[str]) -> Header:
    """Find the layout of these column names (unique, stripped) and every fault in them."""
    meant = {name: name for name in columns if name in NAMES}
    faults: list[str] = []
    for name in columns:
        if name in NAMES:
            continue
        candidates = _meant_by(name, columns)
        if not candidates:
            continue
        faults.append(_typo(name, candidates, columns))
        for candidate in candidates:
            if candidate not in meant:
                meant[candidate] = name
                break
    guess = None if _whole(meant) else renamed(columns, NAMES)
    if guess is not None:
        again = read_header(guess.header)
        if again.layout is not None and not again.faults:
            return Header(None, meant, (_header_of(columns, again.layout, guess),))
    if "trial" not in meant:
        likely = as_trial(columns)
        advice = (
            "Name the column that holds the trials' names trial."
            if likely is None
            else f'Rename "{likely}" to trial.'
        )
        faults.append(f'there is no column "trial". {advice}')
    layout, fault = _layout(meant, columns)
    if fault:
        faults.append(fault)
    return Header(layout, meant, tuple(faults))


def _meant_by(name: str, columns: Sequence[str]) -> list[str]:
    """Contract names that `name` is one edit, one swap or another spelling away from."""
    plain = _plain(name)
    if plain in NAMES:
        return [plain]
    found = [known for known in NAMES if within_one_edit(plain, known)]
    if "se" in found and ("se" in columns or "estimate" not in columns):
        # Two letters are one edit from many words (sex, set, use): a typing error only where
        # a standard error is wanted and not there.
        found.remove("se")
    return found


def _plain(name: str) -> str:
    return name.casefold().replace(" ", "_").replace("-", "_")


def within_one_edit(a: str, b: str) -> bool:
    """Whether one insertion, deletion, substitution or swap of neighbours turns `a` into `b`."""
    if abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    x, y = a[start:], b[start:]
    return (
        x[1:] == y[1:]
        or x[1:] == y
        or x == y[1:]
        or (len(x) > 1 and x[:2] == y[1::-1] and x[2:] == y[2:])
    )


def _typo(name: str, candidates: list[str], columns: Sequence[str]) -> str:
    stem, _, arm = name.partition("_")
    if stem.casefold() == "se" and arm in ("treatment", "control"):
        return (
            f'column "{name}" is too like sd_{arm}. If it holds standard errors, turn them into '
            "standard deviations: sd = se x sqrt(n)."
        )
    other = "if it means something else, give it a name less alike."
    if candidates == [_plain(name)]:
        if candidates[0] in columns:
            return (
                f'columns "{name}" and "{candidates[0]}" are too alike. Give one another name, or '
                "delete it."
            )
        return f'column "{name}" has to be written {candidates[0]}; {other}'
    meant = " or ".join(candidates)
    return f'column "{name}" looks like {meant} misspelt. Write {meant}; {other}'


def _whole(meant: dict[str, str]) -> list[Layout]:
    complete = [name for name, needed in LAYOUTS.items() if all(c in meant for c in needed)]
    if "five" in complete:
        complete = [name for name in complete if name not in ("quartiles", "range")]
    return complete


def _layout(meant: dict[str, str], columns: Sequence[str]) -> tuple[Layout | None, str]:
    complete = _whole(meant)
    if len(complete) == 1:
        return complete[0], ""
    if complete:
        described = " and ".join(f"{name} ({', '.join(LAYOUTS[name])})" for name in complete)
        return None, f"the columns hold {len(complete)} layouts: {described}. Keep one of them."

    def share(name: Layout) -> float:
        # n_* alone tells no layout from another, and counts half as much as the rest.
        weights = {c: 0.5 if c.startswith("n_") else 1.0 for c in LAYOUTS[name]}
        return sum(w for c, w in weights.items() if c in meant) / sum(weights.values())

    nearest = max(LAYOUTS, key=share)
    if all(c.startswith("n_") for c in LAYOUTS[nearest] if c in meant):
        listed = "; ".join(f"{name}: trial, {', '.join(_stems(name))}" for name in LAYOUTS)
        advice = computed(columns) or (
            "Name them as in one of these, with each * once as treatment and once as control: "
            f"{listed}."
        )
        return None, f"the columns ({_listed(columns)}) match no layout. {advice}"
    missing = [c for c in LAYOUTS[nearest] if c not in meant]
    absent = _one_of(missing)
    for arm in ("treatment", "control"):
        if missing == [c for c in LAYOUTS[nearest] if c.endswith(arm)]:
            return nearest, (
                f"the {arm} arm is missing: there is no column {absent}. Add its columns."
            )
    advice = (
        " From a 95 % interval, se = (upper - lower) / 3.92, on the log scale for a ratio."
        if missing == ["se"]
        else ""
    )
    return nearest, (
        f"there is no column {absent}, which the {nearest} layout needs "
        f"({', '.join(LAYOUTS[nearest])}).{advice}"
    )


def _header_of(columns: Sequence[str], layout: Layout, guess: Guess) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(guess.header)
    said = (
        f"the columns ({_listed(columns)}) match no layout. They look like the {layout} one under "
        f"other names. Write as header: {line.getvalue()}"
    )
    if guess.arms is None:
        return said
    first, second = guess.arms
    return f"{said}, if {first} is the treatment; if {second} is, the other way round."


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(columns[:MOST_SHOWN]) + (", ..." if len(columns) > MOST_SHOWN else "")


def _stems(layout: Layout) -> list[str]:
    stems = [name.replace("_treatment", "_*").replace("_control", "_*") for name in LAYOUTS[layout]]
    return list(dict.fromkeys(stems))


def _one_of(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
