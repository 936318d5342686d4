"""What stands in the cells of the report's tables: numbers to the digits they deserve."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from bayespool.figures.words import brief, spread
from bayespool.figures.words import number as number_of
from bayespool.measures import MEASURES, symbol
from bayespool.prose.markdown import EMPTY, escape
from bayespool.prose.phrases import signed
from bayespool.prose.words import Findings, beyond, not_beyond, places
from bayespool.summaries import number, probability

__all__ = [
    "OWN",
    "benefit_of",
    "chance",
    "chance_head",
    "count",
    "digits",
    "effect_head",
    "is_known",
    "numeral",
    "percent",
    "prior_text",
    "reach",
    "records",
    "said",
    "stated",
    "whole",
]

OWN = ("natural_estimate", "natural_lower", "natural_upper")
NATURAL = ("natural_median", "natural_lower", "natural_upper")


def is_known(x: Any) -> bool:
    """Whether a cell holds something: not None, NaN or ""."""
    return not (x is None or x == "" or (isinstance(x, float) and math.isnan(x)))


def records(table: Any) -> list[dict[str, Any]]:
    """Rows of a table, or of a part of the record, as dicts; none where it is absent."""
    if table is None:
        return []
    if isinstance(table, pd.DataFrame):
        return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
    return list(table)


def said(x: Any) -> str:
    """Write text from data; nothing where there is none."""
    return escape(str(x)) if is_known(x) else ""


def stated(row: dict[str, Any]) -> str:
    """Give what a prior set says, where it is from and why it has no answer."""
    heads = {"says": "", "source": "Source: ", "reason": "No answer: "}
    return " ".join(
        f"{head}{signed(said(row.get(word))).rstrip('. ')}."
        for word, head in heads.items()
        if is_known(row.get(word))
    )


def count(x: Any) -> str:
    """Write what was observed: a whole number as one, an estimate to three digits."""
    if not is_known(x):
        return EMPTY
    return f"{x:.0f}" if float(x).is_integer() else numeral(x)


def numeral(x: float | None, mcse: float = 0.0, digits: int = 3) -> str:
    """Write a number with a true minus; a dash where there is none."""
    return signed(number(None if x is None else float(x), mcse, digits))


def whole(x: Any) -> str:
    """Write a count without decimals, or the text as it is."""
    if not is_known(x):
        return EMPTY
    try:
        return signed(f"{float(x):g}") if abs(float(x)) < 1e6 else f"{float(x):,.0f}"
    except (TypeError, ValueError):
        return escape(str(x))


def percent(share: float) -> str:
    """Write a share as 17 %, 0.3 %, <0.1 %."""
    if 0 < share < 0.001:
        return "<0.1 %"
    return f"{100 * share:.{0 if share == 0 or share >= 0.0995 else 1}f} %"


def chance(p: float | None, mcse: float = 0.0) -> str:
    """Write a probability; never 1, never 0."""
    return probability(None if p is None else float(p), mcse)


def digits(ratio: bool, rows: Iterable[dict[str, Any]], keys: Sequence[str] = NATURAL) -> int:
    """Decimals that suit the intervals of these rows."""
    known = [row for row in rows if all(is_known(row.get(key)) for key in keys)]
    return places(ratio, [(row[keys[0]], row[keys[1]], row[keys[2]]) for row in known])


def reach(row: dict[str, Any], decimals: int, ratio: bool, keys: Sequence[str] = NATURAL) -> str:
    """Write an estimate with its interval: ``0.71 [0.45, 1.00]``; a dash where there is none."""
    values = [row.get(key) for key in keys]
    if not is_known(values[0]):
        return EMPTY
    if not all(is_known(value) for value in values):
        return number_of(values[0], decimals, ratio=ratio)
    return spread(values, decimals, ratio=ratio)


def benefit_of(found: Findings, row: dict[str, Any], new: str = "") -> float | None:
    """P(benefit) of a row; that of the effect below the threshold where no side is better."""
    p = row.get(("prob_benefit" if found.benefit else "prob_below") + new)
    return float(p) if p is not None and is_known(p) else None


def chance_head(found: Findings, threshold: str | None = None, other: bool = False) -> str:
    """Head a column of probabilities: ``P(RR < 1)``; by default beyond no effect."""
    label = f"{MEASURES[found.measure].null:g}" if threshold is None else threshold
    side = not_beyond if other else beyond
    return f"P({signed(side(found, label))})"


def effect_head(measure: str) -> str:
    """Head a column of effects: ``RR [95 %]``."""
    return f"{symbol(measure).capitalize() if measure == 'generic' else measure} [95 %]"


def prior_text(text: str | None) -> str:
    """Set the text of a prior; a dash where the parameter is not in the model."""
    return f"`{brief(text).replace('`', '')}`" if text else EMPTY
