"""What leaving two trials out does to the answer."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayespool.prose.leave_one_out import chance_word, chance_words
from bayespool.summaries import probability

__all__ = ["leave_two_out"]


def leave_two_out(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say within which limits P(benefit) stays, and which pair lowers it most.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.leave_two_out`.
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
    low, high = (rows.iloc[int(where)] for where in (rows[word].argmin(), rows[word].argmax()))
    pairs = [f"(without {row['without_1']} and {row['without_2']})" for row in (low, high)]
    return (
        f"Whichever two trials are left out, {chance_words(record)} lies between "
        f"{probability(low[word])} {pairs[0]} and {probability(high[word])} {pairs[1]}."
    )
