"""Which model of the effects the trials favour, and how the measures answer side by side."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayespool.prose.leave_one_out import chance_word, chance_words
from bayespool.prose.phrases import signed
from bayespool.summaries import number, probability

__all__ = ["measures_beside", "models"]

NAMES = {"common": "one common effect", "random": "normal effects", "t": "t effects"}
CLEAR = 2.0  # standard errors beyond which a difference in elpd is called one
LEAST = 4.0  # and below which it means little, whatever its error (Sivula et al., arXiv:2008.10296)


def models(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say how the models share the probability, and whether their predictions differ.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.compare_effects`.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.

    Returns
    -------
    str
        Plain text, not escaped.
    """
    rows = table.sort_values("probability", ascending=False, kind="stable")
    shares = [
        f"{NAMES[effects]} {probability(p)}"
        for effects, p in zip(rows["effects"], rows["probability"], strict=True)
    ]
    best = str(table["effects"].iloc[int(table["elpd"].to_numpy().argmax())])
    worst = int(table["elpd_difference"].to_numpy().argmin())
    gap = -float(table["elpd_difference"].iloc[worst])
    error = float(table["difference_se"].iloc[worst])
    clear = [
        str(row["effects"])
        for row in table.to_dict("records")
        if row["effects"] != best
        and -row["elpd_difference"] > max(CLEAR * row["difference_se"], LEAST)
    ]
    verdict = "they foretell the trials about equally well"
    if len(clear) == len(table) - 1:
        verdict = f"{NAMES[best]} foretell{'s' if best == 'common' else ''} the trials better"
    elif clear:
        named = " and ".join(NAMES[effects] for effects in clear)
        verdict = f"{named} foretell{'s' if clear == ['common'] else ''} the trials worse"
    size = f"largest difference {number(gap, digits=2)}"
    if gap < LEAST:  # what decides is its size, and not how many standard errors it is
        size += f", and differences below {LEAST:g} mean little: Sivula et al. 2020"
    else:
        size += f", standard error {number(error, digits=2)}"
    word = chance_word(table)
    low, high = probability(table[word].min()), probability(table[word].max())
    spread = f"is {low} under each" if low == high else f"runs from {low} to {high} over them"
    return signed(
        f"With equal prior odds, the probability of the models is: {', '.join(shares)}. By elpd "
        f"{verdict} ({size}). {_capital(chance_words(record))} {spread}."
    )


def measures_beside(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say how far the measures' answers go together, and whose predictions miss trials.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.side_by_side`.
    record : dict
        Of the analysis: ``benefit``.

    Returns
    -------
    str
        Plain text, not escaped; "" where nothing has an answer.
    """
    word = chance_word(table)
    rows = table[table[word].notna()]
    if rows.empty:
        return ""
    ordered = sorted(rows.to_dict("records"), key=lambda row: float(row[word]))
    low, high = ordered[0], ordered[-1]
    what = "benefit" if record["benefit"] else "an effect below none"
    texts = probability(low[word]), probability(high[word])
    first = (
        f"The probability of {what} runs from {texts[0]} ({_model(low)}) to {texts[1]} "
        f"({_model(high)}) over {len(rows)} models"
    )
    if texts[0] == texts[1]:
        first = f"The probability of {what} is {texts[0]} under each of {len(rows)} models"
    missed = [
        f"{_model(row)}, {row['outside']} of {row['trials']}"
        for row in rows.to_dict("records")
        if row["outside"]
    ]
    fit = "in none of them does a trial lie outside the central 95 % of what the others foretell"
    if missed:
        fit = f"trials outside the central 95 % of what the others foretell: {'; '.join(missed)}"
    return signed(
        f"{first}; {fit}. These are other models of other quantities: none is ranked above another."
    )


def _model(row: Any) -> str:
    return f"{row['measure']}, {row['likelihood']}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
