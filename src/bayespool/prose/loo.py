"""Whether the trials foretell each other, and which one carries the answer, in sentences."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import pandas as pd

from bayespool.figures.words import number
from bayespool.prose.leave_one_out import chance_word, chance_words
from bayespool.prose.phrases import signed
from bayespool.summaries import probability

__all__ = ["loo"]


def loo(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say which trials the others did not foretell, and which one moves the posterior most.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.leave_trial_out`.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.

    Returns
    -------
    str
        Plain text, not escaped; "" where no trial can be left out.
    """
    rows = [row for row in table.to_dict("records") if not math.isnan(row["kl"])]
    if not rows:
        return ""
    word = chance_word(table)
    most = max(rows, key=lambda row: row["kl"])
    mover = max(rows, key=lambda row: abs(row["shift"]))
    moved = [
        f"brings {chance_words(record) if row is mover else 'it'} from "
        f"{probability(row[word])} to {probability(row[word] + row['shift'])}"
        for row in (mover, most)
    ]
    far = f"Kullback–Leibler divergence {number(most['kl'], 2)} nats"
    first = f"{most['trial']} shapes the posterior most ({far})"
    if mover is most:
        return signed(f"{_foretold(rows)}{first}: it {moved[0]}.")
    return signed(
        f"{_foretold(rows)}{first}, but {mover['trial']} {moved[0]}, the largest change, and "
        f"{most['trial']} {moved[1]}."
    )


def _foretold(rows: list[dict[Hashable, Any]]) -> str:
    known = [row for row in rows if not math.isnan(row["pit"])]
    if not known:
        return ""
    k, far = len(known), [row for row in known if row["extreme"]]
    if not far:
        edge = max(known, key=lambda row: abs(row["pit"] - 0.5))
        return (
            f"None of the {k} trials lies outside the central 95 % of what the others foretell; "
            f"{edge['trial']} comes closest to its ends (PIT {number(edge['pit'], 3)}). "
        )
    names = " and ".join(f"{row['trial']} (PIT {number(row['pit'], 3)})" for row in far)
    verb = "lie" if len(far) > 1 else "lies"
    return (
        f"{names} {verb} outside the central 95 % of what the other trials foretell; chance alone "
        f"would put about {number(0.05 * k, 1)} of {k} there. "
    )
