"""What discounting doubted trials does to the answer, in a sentence or two."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayespool.prose.leave_one_out import chance_word, chance_words
from bayespool.summaries import probability

__all__ = ["trust"]

NAMED = 4
SMALL = 0.005  # a difference of probabilities that is none
LEVELS = (0.95, 0.9)


def trust(table: pd.DataFrame, record: dict[str, Any], flag: str = "") -> str:
    """Say how P(benefit) runs as the trials lose weight, and at which weight it tips.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.trust_dial`.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.
    flag : str
        What these trials are ("the trials at high risk of bias"); by default they are named.

    Returns
    -------
    str
        Plain text, not escaped; "" where a whole curve has no answer.
    """
    word = chance_word(table)
    curve = table[table[word].notna()]
    if len(curve) < 2:
        return ""
    names = str(table["discounted"].iloc[0]).split("; ")
    flag = flag or _named(names)
    if table.attrs.get("flag"):
        flag += f" ({table.attrs['flag']})"
    first, last = curve.iloc[0], curve.iloc[-1]
    what = chance_words(record)
    text = (
        f"If {flag} {'counts' if len(names) == 1 else 'count'} for less and less, {what} goes "
        f"from {probability(last[word])} at full weight to {probability(first[word])} "
        f"{'without' if first['weight'] == 0 else f'at weight {first["weight"]:g} of'} "
        f"{'it' if len(names) == 1 else 'them'}"
    )
    tips = table[table["tips"].notna()]
    if tips.empty:
        levels = [level for level in LEVELS if (curve[word] > level).all()]
        text += f"; no weight brings it to {levels[0]:g}." if levels else "."
    else:
        parts = [
            f"{row['tips']:g} at weight {row['weight']:.2f}"
            for row in tips.sort_values("weight", ascending=False).to_dict("records")
        ]
        text += f"; it passes {' and '.join(parts)}."
    return text + _by_counts(curve, word)


def _by_counts(curve: pd.DataFrame, word: str) -> str:
    """Say where discounting the counts instead of the likelihoods differs most."""
    known = curve[curve[f"{word}_counts"].notna()]
    if known.empty:
        return ""
    row = known.iloc[int((known[f"{word}_counts"] - known[word]).abs().argmax())]
    counts, p = row[f"{word}_counts"], row[word]
    if abs(counts - p) < SMALL:
        return (
            " Taken as smaller trials instead, the answer is the same to half a percentage point."
        )
    return (
        " Taken instead as smaller trials, with this share of their patients, they leave "
        f"{probability(counts)} at weight {row['weight']:g}, against {probability(p)}."
    )


def _named(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    if len(names) <= NAMED:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{len(names)} of the trials"
