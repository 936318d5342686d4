"""How the answer came about as the trials came in, in a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayespool.prose.leave_one_out import chance_word, chance_words
from bayespool.summaries import probability

__all__ = ["cumulative"]

LEVEL = 0.95
SHOWN = 4  # years; of more the first and the last two are told, and what is beyond these


def cumulative(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say where P(benefit) stood by the ends of years, and since when it is high.

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
    # Within a year the trials stand in the order of the file, which says nothing.
    ends = rows.groupby("year", sort=True).tail(1)
    what = chance_words(record)
    if len(ends) == 1:
        last = ends.iloc[0]
        return (
            f"All trials are of {last['year']:d}, so no year comes before another: after its "
            f"{_trials(last['k'])} {what} is {probability(last[word])}."
        )
    steps = [
        f"{probability(row[word])} at the end of {row['year']:d} ({_trials(row['k'])})"
        for row in ends.to_dict("records")
    ]
    between = ""
    if len(steps) > SHOWN:
        steps = [*steps[:1], *steps[-2:]]
        between = _between(ends, word)
    text = f"As the trials came in, {what} was {', then '.join(steps)}."
    return text + between + _since(ends, word)


def _between(ends: pd.DataFrame, word: str) -> str:
    """Say where it stood in the years that are not told, if that was below or above all others."""
    p, years = ends[word].to_numpy(), ends["year"].to_numpy()
    told, untold = p[[0, -2, -1]], p[1:-2]
    lowest, highest = 1 + int(untold.argmin()), 1 + int(untold.argmax())
    said = []
    if p[lowest] < told.min():
        said.append(f"as low as {probability(p[lowest])} at the end of {years[lowest]}")
    if p[highest] > told.max():
        said.append(f"as high as {probability(p[highest])} at the end of {years[highest]}")
    return f" In between it was {' and '.join(said)}." if said else ""


def _since(ends: pd.DataFrame, word: str) -> str:
    """Say from the end of which year on the probability has stayed above the usual level."""
    above = ends[word].to_numpy() > LEVEL
    years = ends["year"].to_numpy()
    if not above.any():
        return f" It was above {LEVEL:g} at the end of none of these years."
    if not above[-1]:
        last = years[np.flatnonzero(above)[-1]]
        return f" It was above {LEVEL:g} last at the end of {last}."
    if above.all():
        return f" It was above {LEVEL:g} at the end of each of these years."
    since = years[np.flatnonzero(~above)[-1] + 1]
    return f" It has been above {LEVEL:g} at the end of every year since {since}."


def _trials(k: int) -> str:
    return f"{k} trial{'s' if k != 1 else ''}"
