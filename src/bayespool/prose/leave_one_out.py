"""What leaving a trial out does to the answer, in a sentence or two."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayespool.measures import measure
from bayespool.prose.phrases import signed
from bayespool.summaries import probability

__all__ = ["chance_word", "chance_words", "leave_one_out"]


def leave_one_out(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say within which limits P(benefit) stays, and which trial moves it most.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.leave_one_out`.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.

    Returns
    -------
    str
        Plain text, not escaped; "" where there is nothing to compare.
    """
    word = chance_word(table)
    rows = table.iloc[1:]
    rows = rows[rows[word].notna()]
    if rows.empty:
        return ""
    what = chance_words(record)
    p = float(table[word].iloc[0])
    if len(rows) == 1:
        row = rows.iloc[0]
        return f"Without {row['without']} {what} is {probability(row[word])}, not {probability(p)}."
    low, high = rows[word].min(), rows[word].max()
    most = rows.iloc[int(rows["change"].abs().argmax())]
    texts = probability(low), probability(high)
    if texts[0] == texts[1] == probability(p):
        return f"Whichever trial is left out, {what} stays at {probability(p)}."
    first = (
        f"Whichever trial is left out, {what} lies between {texts[0]} and {texts[1]} "
        f"({probability(p)} with all {table['k'].iloc[0]})"
    )
    return signed(
        f"{first}; {most['without']} moves it most, to {probability(most[word])} without it."
        + _sides(rows, record)
    )


def _sides(rows: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say how many of the intervals hold no effect."""
    null = measure(record["measure"]).null
    held = ((rows["natural_lower"] < null) & (rows["natural_upper"] > null)).sum()
    if held == 0:
        return " The line of no effect lies outside every one of these intervals (95 %)."
    if held == len(rows):
        return " The line of no effect lies within every one of these intervals (95 %)."
    return f" The line of no effect lies within {held} of these {len(rows)} intervals (95 %)."


def chance_word(table: pd.DataFrame) -> str:
    """Which column has the probability."""
    return "prob_benefit" if "prob_benefit" in table else "prob_below"


def chance_words(record: dict[str, Any]) -> str:
    """Name the probability within a sentence."""
    if record["benefit"]:
        return "the probability of benefit"
    kind = measure(record["measure"])
    return f"the probability that the {kind.long} is below {kind.null:g}"
