"""What all subsets of the trials say, in a sentence or two."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayespool.prose.leave_one_out import chance_word, chance_words
from bayespool.subsets import presence
from bayespool.summaries import number, probability

__all__ = ["gosh"]

LEVELS = (0.95, 0.5)


def gosh(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say in how many subsets P(benefit) is high, and whose presence moves it most.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.gosh`, with its ``attrs``.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.

    Returns
    -------
    str
        Plain text, not escaped; "" for a single trial.
    """
    word, names = chance_word(table), list(table.attrs["trials"])
    p = table[word].dropna()
    if len(names) < 2 or p.empty:
        return ""
    what = chance_words(record)
    every = table.attrs.get("seed") is None
    head = f"Of all {len(table):,} subsets of the trials" if every else (
        f"Of {len(table):,} subsets of the trials, drawn at random"
    )  # fmt: skip
    if len(p) < len(table):
        head += f", {len(p):,} have a posterior; of these"
    high, some = LEVELS
    text = (
        f"{head}, {_share((p > high).mean())} put {what} above {high:g} and "
        f"{_share((p < some).mean())} put it below {some:g}"
    )
    if len(half := p[table.loc[p.index, "size"] >= len(names) / 2]):
        ends = probability(half.min()), probability(half.max())
        runs = f"is {ends[0]}" if ends[0] == ends[1] else f"runs from {ends[0]} to {ends[1]}"
        text += f"; among those with at least half of the trials it {runs}"
    most = presence(table, names).iloc[0]
    return (
        f"{text}. The trial whose presence matters most is {most['trial']}: on average "
        f"{probability(most['with'])} with it and {probability(most['without'])} without it"
        + _heterogeneity(table)
    )


def _heterogeneity(table: pd.DataFrame) -> str:
    if "tau_mean" not in table or table["tau_mean"].notna().sum() == 0:
        return "."
    low, high = number(table["tau_mean"].min(), digits=2), number(table["tau_mean"].max(), digits=2)
    if table["tau_mean"].notna().sum() == 1:
        return f". The posterior mean of tau exists for one of them: {low}."
    return f". The posterior mean of tau runs from {low} to {high}."


def _share(share: float) -> str:
    if share in (0.0, 1.0):
        return "none" if share == 0 else "all"
    if share < 0.001 or share > 0.999:
        return "fewer than 0.1 %" if share < 0.5 else "more than 99.9 %"
    return f"{100 * share:.{0 if 0.0995 <= share <= 0.9905 else 1}f} %"
