"""Other readings of the data: the same analysis with trials replaced, added or dropped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd

from bayespool.agreement import rows_of
from bayespool.analysis.checks import NO_ANSWER, unanswered
from bayespool.decisions import chances
from bayespool.errors import DataError
from bayespool.exact import surface
from bayespool.measures import MEASURES
from bayespool.posterior import Posterior
from bayespool.prior import DEFAULT_PHI
from bayespool.summaries import in_natural_units
from bayespool.trials import Trials, read_trials

CHANGES = ("replace", "add", "drop")
COLUMNS = ("outcome", "scenario", "change", "trial")


def alternatives(
    path: str | os.PathLike[str],
    outcome: str,
    posterior: Posterior,
    benefit: str | None,
    double_zero: str,
) -> pd.DataFrame:
    """Analyse every scenario that a file has for an outcome, with the exact engine.

    Parameters
    ----------
    path : str or PathLike
        CSV with ``outcome, scenario, change (replace, add, drop), trial``, the layout's columns
        and ``reason``. Rows of one scenario are applied together; an empty cell leaves a
        replaced number as it is.
    outcome : str
    posterior : Posterior
        The primary analysis: its model and priors hold for every scenario.

    Returns
    -------
    DataFrame
        ``scenario, trials, natural_median, natural_lower, natural_upper``, P(benefit) and P(harm)
        at no effect, ``reason``. Empty where the file has none. A scenario that has no posterior
        has no numbers, and its ``reason`` ends with why.

    Raises
    ------
    DataError
        A trial to drop or replace is not there, one to add is, or an unknown change.
    """
    try:
        file = pd.read_csv(Path(path), dtype="str", keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    if missing := [name for name in COLUMNS if name not in file]:
        raise DataError(f"{path}: there is no column {' or '.join(missing)}.")
    rows = []
    label = f"{MEASURES[posterior.measure].null:g}"
    for scenario, group in file[file["outcome"] == outcome].groupby("scenario", sort=False):
        trials = changed(posterior.trials, rows_of(group), f"{path} ({scenario})")
        phi = posterior.priors.phi or DEFAULT_PHI
        row: dict[str, Any] = {"scenario": scenario, "trials": len(trials)}
        reasons = [text for text in dict.fromkeys(group.get("reason", ())) if text]
        try:
            table = surface(
                trials, posterior.measure, posterior.likelihood, posterior.effects, phi, double_zero
            )
            found = table.posterior(posterior.priors)
        except NO_ANSWER as error:
            row |= unanswered(benefit, error)
            rows.append(row | {"reason": "; ".join([*reasons, str(error)])})
            continue
        natural = in_natural_units(found["mu"], found.scale)
        row |= {f"natural_{word}": value for word, value in natural.items()}
        for word, values in chances(found, benefit, {label: 0.0}, new=False).items():
            row[word] = values[label]
        rows.append(row | {"reason": "; ".join(reasons)})
    return pd.DataFrame(rows)


def changed(trials: Trials, changes: list[dict[str, str]], where: str) -> Trials:
    """Apply the changes of one scenario."""
    rows = {row["trial"]: row for row in rows_of(trials.frame)}
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
    return read_trials(pd.DataFrame(list(rows.values())))
