"""What the other readings of the data do to the answer, in a sentence or two."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayespool.figures.leave_one_out import points
from bayespool.prose.leave_one_out import chance_word, chance_words
from bayespool.subsets import main_effects
from bayespool.summaries import probability

__all__ = ["readings"]

SMALL = 0.005  # a change of a probability that is none


def readings(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say within which limits P(benefit) stays over all readings, and which of them matters.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.readings`.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.

    Returns
    -------
    str
        Plain text, not escaped; "" where there is no other reading.
    """
    word = chance_word(table)
    rows = table[table[word].notna()]
    others = rows[rows["changes"] > 0]
    if others.empty:
        return ""
    what = chance_words(record)
    p = float(table[word].iloc[0])
    if len(others) == 1:
        row = others.iloc[0]
        return (
            f"Under the other reading of the data ({row['reading']}) {what} is "
            f"{probability(row[word])}, not {probability(p)}."
        )
    low, high = (others.iloc[int(i)] for i in (others[word].argmin(), others[word].argmax()))
    ends = probability(low[word]), probability(high[word])
    every = f"{len(others)} other readings of the data, alone and combined"
    if ends[0] == ends[1]:
        same = ", as for the primary one" if probability(p) == ends[0] else (
            f"; it is {probability(p)} for the primary one"
        )  # fmt: skip
        return f"Under each of {every}, {what} is {ends[0]}{same}."
    text = (
        f"Over {every}, {what} runs from {ends[0]} ({_listed(low['reading'])}) to {ends[1]} "
        f"({_listed(high['reading'])}); it is {probability(p)} for the primary one."
    )
    effects = main_effects(table)
    effects = effects[effects["change"].notna()]
    if effects.empty:
        return text
    most = effects.iloc[0]
    if abs(most["change"]) < SMALL:
        return f"{text} None of them moves it by half a percentage point on average."
    text += (
        f" The reading that matters most is “{most['scenario']}”: "
        f"{points(most['change'])} percentage points on average"
    )
    if len(effects) > 1:
        second = effects.iloc[1]
        text += f", followed by “{second['scenario']}” ({points(second['change'])})"
    return text + "."


def _listed(reading: str) -> str:
    """Name one or two readings; count more."""
    names = reading.split(" + ")
    return " and ".join(f"“{name}”" for name in names) if len(names) < 3 else (
        f"{len(names)} of them together"
    )  # fmt: skip
