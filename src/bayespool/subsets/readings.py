"""Other readings of the data: every combination of them, and which of them matters."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayespool.decisions import question_of
from bayespool.errors import DataError
from bayespool.exact import Surface
from bayespool.exact import surface as surface_of
from bayespool.prior import DEFAULT_PHI, Priors
from bayespool.subsets.answers import answers
from bayespool.trials import Trials, read_trials

__all__ = ["Scenario", "changed", "main_effects", "readings", "scenarios"]

CHANGES = ("replace", "add", "drop")
COLUMNS = ("outcome", "scenario", "change", "trial")
MOST = 64  # combinations; where there are more, scenarios are taken alone and in pairs
APPLIED = "applied: "  # before a scenario's name: a column of `readings`


@dataclass(frozen=True)
class Scenario:
    """One other reading: rows with ``change`` (replace, add, drop), ``trial`` and new cells."""

    name: str
    changes: tuple[Mapping[str, str], ...]

    @property
    def touches(self) -> frozenset[str]:
        """Trials that it changes; two scenarios that share one cannot be combined."""
        return frozenset(change["trial"] for change in self.changes)


def scenarios(path: str | os.PathLike[str], outcome: str) -> list[Scenario]:
    """Read an outcome's scenarios from a CSV file, in the file's order.

    Parameters
    ----------
    path : str or PathLike
        Columns ``outcome, scenario, change (replace, add, drop), trial`` and the layout's; an
        empty cell leaves a replaced number as it is.
    outcome : str

    Raises
    ------
    DataError
        The file cannot be read, or lacks one of these columns.
    """
    try:
        file = pd.read_csv(Path(path), dtype="str", keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    if missing := [name for name in COLUMNS if name not in file]:
        raise DataError(f"{path}: there is no column {' or '.join(missing)}.")
    groups = file[file["outcome"] == outcome].groupby("scenario", sort=False)
    return [
        Scenario(
            str(name),
            tuple({str(key): cell for key, cell in row.items()} for row in rows.to_dict("records")),
        )
        for name, rows in groups
    ]


def changed(trials: Trials, changes: Sequence[Mapping[str, str]], where: str) -> Trials:
    """Apply the changes of one scenario, or of several that touch different trials.

    Raises
    ------
    DataError
        A trial to drop or replace is not there, one to add is, or an unknown change. `where`
        says in the message whose changes they are.
    """
    return read_trials(pd.DataFrame(list(_applied(trials, changes, where).values())))


def readings(
    surface: Surface,
    priors: Priors,
    others: Sequence[Scenario],
    benefit: str | None = None,
    threshold: float | str | None = None,
    double_zero: str = "drop",
) -> pd.DataFrame:
    """Give the posterior under every combination of other readings of the data.

    Parameters
    ----------
    surface : Surface
        Of the primary reading; its model holds for every other.
    priors : Priors
    others : sequence of Scenario
        See `scenarios`. Those that touch the same trial exclude each other.
    benefit : {"lower", "higher"}, optional
        Which side is better.
    threshold : float, optional
        Natural units; no effect by default.
    double_zero : "drop" or "keep"
        As the surface was made with.

    Returns
    -------
    DataFrame
        A row a combination, the primary reading first: ``reading`` (the scenarios' names joined
        by " + "; "" for the primary one), ``changes`` (how many are applied), ``k`` (trials),
        the columns of `leave_one_out` but for ``change``, then ``applied: NAME``, a truth value
        for each scenario. All compatible combinations, or where there are more than 64 the
        single scenarios and the compatible pairs. NaN where no trial is left or the posterior
        would be improper.

    Raises
    ------
    DataError
        See `changed`; a new row that cannot be read.
    UsageError
        Another word for `benefit`, or an impossible threshold.
    """
    question = question_of(surface, benefit, threshold)
    # One surface has the primary rows and every changed one; a reading is a choice of rows.
    rows, removed, added = _every_row(surface.trials, others)
    table = surface_of(
        read_trials(pd.DataFrame(list(rows.values()))),
        surface.measure,
        surface.likelihood,
        surface.effects,
        phi=surface.phi or DEFAULT_PHI,
        double_zero=double_zero,
    )
    chosen = _combinations(others)
    known = dict(zip(surface.kept, surface.weights, strict=True))
    weights = np.zeros((len(chosen), len(table.kept)))
    for i, applied in enumerate(chosen):
        names = set(surface.trials.names).difference(*(removed[j] for j in applied))
        names = names.union(*(added[j] for j in applied))
        weights[i] = [known.get(name, 1.0) * (name in names) for name in table.kept]
    found = pd.DataFrame(
        {
            "reading": [" + ".join(others[j].name for j in applied) for applied in chosen],
            "changes": [len(applied) for applied in chosen],
            "k": (weights > 0).sum(axis=1),
        }
    ).join(answers(table, priors, weights, question))
    has = {APPLIED + s.name: [j in applied for applied in chosen] for j, s in enumerate(others)}
    return found.join(pd.DataFrame(has, index=found.index))


def main_effects(table: pd.DataFrame) -> pd.DataFrame:
    """Say how far each scenario moves P(benefit), the one that matters most first.

    Parameters
    ----------
    table : DataFrame
        Of `readings`.

    Returns
    -------
    DataFrame
        ``scenario``; ``change`` (mean over the pairs of readings that differ in this scenario
        alone: P with it minus P without), ``lowest`` and ``highest`` of these changes, ``alone``
        (from the primary reading), ``pairs`` (how many).
    """
    names = [name for name in table.columns if name.startswith(APPLIED)]
    p = table["prob_benefit" if "prob_benefit" in table else "prob_below"].to_numpy()
    sets = [frozenset(np.flatnonzero(row).tolist()) for row in table[names].to_numpy(dtype=bool)]
    place = {applied: i for i, applied in enumerate(sets)}
    rows = []
    for j, name in enumerate(names):
        without = [a for a in sets if j not in a and a | {j} in place]
        moved = np.array([p[place[a | {j}]] - p[place[a]] for a in without])
        moved = moved[~np.isnan(moved)]
        mean, lowest, highest = (
            (moved.mean(), moved.min(), moved.max()) if len(moved) else (np.nan,) * 3
        )
        alone = p[place[frozenset({j})]] - p[place[frozenset()]]
        rows.append((name.removeprefix(APPLIED), mean, lowest, highest, alone, len(moved)))
    columns = ["scenario", "change", "lowest", "highest", "alone", "pairs"]
    found = pd.DataFrame(rows, columns=columns)
    order = found["change"].abs().sort_values(ascending=False, kind="stable").index
    return found.loc[order].reset_index(drop=True)


# --- within ----------------------------------------------------------------------------------


def _combinations(others: Sequence[Scenario]) -> list[tuple[int, ...]]:
    """Compatible combinations by position, the smaller first."""
    count = len(others)
    clash = [[bool(a.touches & b.touches) for b in others] for a in others]
    found: list[tuple[int, ...]] = [()]
    for size in range(1, count + 1):
        more = [
            (*smaller, j)
            for smaller in found
            if len(smaller) == size - 1
            for j in range(smaller[-1] + 1 if smaller else 0, count)
            if not any(clash[i][j] for i in smaller)
        ]
        if size > 2 and len(found) + len(more) > MOST:
            return [applied for applied in found if len(applied) <= 2]
        found += more
    return found


def _every_row(
    trials: Trials, others: Sequence[Scenario]
) -> tuple[dict[str, dict[str, Any]], list[set[str]], list[set[str]]]:
    """The primary rows and the changed ones by name; what each scenario removes and adds."""
    rows = _rows(trials)
    removed, added = [], []
    faults: list[str] = []
    for scenario in others:
        try:
            own = _applied(trials, scenario.changes, scenario.name)
        except DataError as error:
            faults += error.faults
            continue
        touched = scenario.touches
        removed.append({name for name in trials.names if name in touched})
        new = {f"{name} ({scenario.name})": row for name, row in own.items() if name in touched}
        rows |= {name: {**row, "trial": name} for name, row in new.items()}
        added.append(set(new))
    if faults:
        raise DataError(faults)
    return rows, removed, added


def _applied(
    trials: Trials, changes: Sequence[Mapping[str, str]], where: str
) -> dict[str, dict[str, Any]]:
    """Rows by name after the changes."""
    rows = _rows(trials)
    faults = []
    for change in changes:
        what, name = change["change"], change["trial"]
        new = {key: value for key, value in change.items() if value and key in trials.frame}
        if what not in CHANGES:
            faults.append(f"{where}: change is {', '.join(CHANGES)}, not {what!r}.")
        elif (name in rows) == (what == "add"):
            found = "is there already" if what == "add" else f"is not in {trials.path}"
            faults.append(f"{where}: {name} {found}.")
        elif what == "drop":
            del rows[name]
        else:
            rows[name] = {**rows.get(name, dict.fromkeys(trials.frame.columns, "")), **new}
    if faults:
        raise DataError(faults)
    return rows


def _rows(trials: Trials) -> dict[str, dict[str, Any]]:
    rows = trials.frame.to_dict("records")
    return {str(row["trial"]): {str(key): cell for key, cell in row.items()} for row in rows}
