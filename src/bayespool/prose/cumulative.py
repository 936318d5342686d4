"""How the answer came about as the trials came in, in a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayespool.prose.leave_one_out import chance_word, chance_words
from bayespool.summaries import probability

__all__ = ["cumulative"]

LEVEL = 0.95


def cumulative(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say where P(benefit) stood at the end of the first and the last year, and its extremes.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.cumulative`.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.

    Returns
    -------
    str
        Plain text, not escaped; "" where there are fewer than two posteriors.
    """
    word = chance_word(table)
    rows = table[table[word].notna()]
    if len(rows) < 2:
        return ""
    ends = rows.groupby("year", sort=True).tail(1)
    steps = [
        f"{probability(row[word])} at the end of {row['year']:d} ({_trials(row['k'])})"
        for row in ends.to_dict("records")
    ]
    if len(steps) == 1:
        first, last = rows.iloc[0], rows.iloc[-1]
        steps = [
            f"{probability(first[word])} after {first['trial']}",
            f"{probability(last[word])} after all {last['k']} trials of {last['year']}",
        ]
    elif len(steps) > 4:
        steps = [*steps[:1], *steps[-2:]]
    what = chance_words(record)
    text = f"As the trials came in, {what} was {', then '.join(steps)}."
    return text + _since(rows, word)


def _since(rows: pd.DataFrame, word: str) -> str:
    """Say from which trial on the probability has stayed above the usual level."""
    above = rows[word].to_numpy() > LEVEL
    if not above[-1]:
        if not above.any():
            return f" It never passed {LEVEL:g}."
        last = rows.iloc[int(np.flatnonzero(above)[-1])]
        return f" It was above {LEVEL:g} last after {last['trial']} ({last['year']:d})."
    since = int(np.flatnonzero(~above)[-1]) + 1 if not above.all() else 0
    row = rows.iloc[since]
    if since == 0:
        return f" It was above {LEVEL:g} throughout."
    return f" It has been above {LEVEL:g} since {row['trial']} ({row['year']:d})."


def _trials(k: int) -> str:
    return f"{k} trial{'s' if k != 1 else ''}"
