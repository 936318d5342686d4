"""The priors at which the conclusion tips, in a sentence each."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayespool.summaries import probability

__all__ = ["tipping"]


def tipping(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say which priors bring the answer to the level nearest below it, or nearest above.

    Parameters
    ----------
    table : DataFrame
        By `bayespool.tipping_prior`.
    record : dict
        Of the analysis.
    """
    main = table.attrs["main"]
    falls = sorted(table.loc[table["direction"] == "falls", "level"].unique())
    level = falls[-1] if falls else min(table["level"])
    rows = table[table["level"] == level]
    kind = "falls" if falls else "rises"
    said = f"The probability is {probability(main)} under the main prior; what would make it "
    said += f"{kind[:-1]} to {level:g}?"
    # Families with a root first: they are the answer.
    ordered = pd.concat([rows[rows["root"].notna()], rows[rows["root"].isna()]])
    return " ".join([said, *ordered["says"]])
