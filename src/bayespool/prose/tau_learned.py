"""What the data taught about the spread between trials, in sentences that do not overclaim."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayespool.summaries import number, probability

__all__ = ["tau_learned"]

FEW = 10  # trials: below this the prior shapes the upper end of tau, whatever the overlap
MOSTLY, PARTLY = 0.75, 0.4  # overlaps from which the answer is mostly, or partly, the prior's


def tau_learned(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say how far the posterior of tau is from its prior, and whose answer it is.

    Parameters
    ----------
    table : DataFrame
        By `bayespool.tau_learned`.
    record : dict
        Of the analysis.
    """
    rows = table.set_index("what")
    value = rows["value"]
    trials, overlap = int(table.attrs["trials"]), float(value["overlap"])
    k = f"{trials} trial{'' if trials == 1 else 's'}"
    median = rows.loc["median"]
    said = (
        f"What {k} say about their spread: posterior and prior of tau overlap by "
        f"{100 * overlap:.0f} %, the median goes from {_two(median['prior'])} to "
        f"{_two(median['posterior'])} and the 95 % interval is {_times(value['width_ratio'])} as "
        f"wide as before."
    )
    if trials == 1:
        said += " One trial cannot show a spread between trials: this is the prior's answer."
    elif overlap >= MOSTLY:
        said += " The answer about heterogeneity is still mostly the prior's."
        said += " (Data that confirm a prior also leave it where it was.)"
    elif trials < FEW:
        said += " The data moved it, yet with so few trials the prior still shapes its upper end."
    elif overlap >= PARTLY:
        said += " The answer about heterogeneity is partly the data's and partly the prior's."
    else:
        said += " The answer about heterogeneity is mostly the data's."
    chances = rows.loc[["P(tau > x)"]]
    middle = chances.iloc[len(chances) // 2]
    said += (
        f" P(tau > {_two(middle['at'])}) goes from {probability(middle['prior'])} to "
        f"{probability(middle['posterior'])}."
    )
    return said


def _two(x: Any) -> str:
    return number(float(x), digits=2)


def _times(ratio: float) -> str:
    return f"{100 * ratio:.0f} %" if ratio >= 0.1 else f"{100 * ratio:.1g} %"
