"""Other readings of the data: the same analysis with trials replaced, added or dropped."""

from __future__ import annotations

import os
from typing import Any

import pandas as pd

from bayespool.analysis.checks import NO_ANSWER, unanswered
from bayespool.decisions import chances
from bayespool.exact import surface
from bayespool.measures import MEASURES
from bayespool.posterior import Posterior
from bayespool.prior import DEFAULT_PHI
from bayespool.subsets import changed, scenarios
from bayespool.summaries import in_natural_units


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
    rows = []
    label = f"{MEASURES[posterior.measure].null:g}"
    for scenario in scenarios(path, outcome):
        trials = changed(posterior.trials, scenario.changes, f"{path} ({scenario.name})")
        phi = posterior.priors.phi or DEFAULT_PHI
        row: dict[str, Any] = {"scenario": scenario.name, "trials": len(trials)}
        reasons = list(dict.fromkeys(why for c in scenario.changes if (why := c.get("reason"))))
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
