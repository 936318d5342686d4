"""What each subgroup says alone."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayespool.measures import symbol
from bayespool.prose.leave_one_out import chance_word, chance_words
from bayespool.prose.phrases import signed
from bayespool.summaries import number, probability

__all__ = ["by_subgroup"]


def by_subgroup(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say P(benefit) in each subgroup alone.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.by_subgroup`.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.

    Returns
    -------
    str
        Plain text, not escaped; "" where no subgroup has an answer.
    """
    word = chance_word(table)
    rows = table[table[word].notna()]
    if rows.empty:
        return ""
    name = symbol(record["measure"])
    each = "; ".join(
        f"{row['subgroup']} ({row['k']} trial{'s'[: row['k'] != 1]}) {probability(row[word])}, "
        f"{name} {number(row['natural_median'])} [{number(row['natural_lower'])}, "
        f"{number(row['natural_upper'])}]"
        for row in rows.to_dict("records")
    )
    what = chance_words(record)
    return signed(
        f"Alone, and under the same prior, the subgroups give {what} as: {each}. That one is high "
        "and another is not does not show that they differ."
    )
