"""Power scaling in a sentence."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayespool.summaries import probability

__all__ = ["power_scaling"]

SMALL = 0.0005  # a change of a probability below this is none


def power_scaling(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say which trial and which prior the answer leans on most.

    Parameters
    ----------
    table : DataFrame
        By `bayespool.power_scaling`.
    record : dict
        Of the analysis.
    """
    known = table[table["per_doubling"].notna()]
    main = probability(table.attrs["main"])
    trials, priors = (known[known["kind"] == kind] for kind in ("trial", "prior"))
    said, p = [], float(table.attrs["main"])
    if len(trials):
        top = trials.iloc[int(trials["per_doubling"].abs().argmax())]
        # Of one row nothing can be said by comparison.
        leans = f"Of the trials the answer leans most on {top['component']}"
        if len(trials) == 1:
            leans = f"The answer rests on {top['component']} alone"
        said.append(
            f"{leans}: counting it twice would "
            f"{_moves(top['at_double'], main, table.attrs['main'])}, counting it half "
            f"{_to(top['at_half'], table.attrs['main'])}."
        )
    for row in priors.to_dict("records"):
        said.append(
            f"The {row['component']} to the power of 2 would {_moves(row['at_double'], main, p)}, "
            f"to the power of a half {_to(row['at_half'], p)}."
        )
    whole = known[known["kind"] == "data"]
    if len(whole) and len(priors):
        data = abs(float(whole["per_doubling"].iloc[0]))
        most = float(priors["per_doubling"].abs().max())
        if data > SMALL and most < data:
            both = whole.iloc[0]
            if len(trials) != 1:
                said.append(
                    f"All trials counted twice would {_moves(both['at_double'], main, p)}, counted "
                    f"half {_to(both['at_half'], p)}."
                )
        elif most > SMALL:
            said.append(
                "The priors say more to this answer than the trials do: treat it as theirs."
            )
    for row in table[table["per_doubling"].isna()].to_dict("records"):
        said.append(f"The {row['component']} is not scaled: {row['note']}.")
    return " ".join(said)


def _moves(change: float, main: str, p: float) -> str:
    if abs(change) < SMALL:
        return f"leave the probability at {main}"
    return f"take the probability from {main} to {probability(p + change)}"


def _to(change: float, p: float) -> str:
    return f"to {probability(p + change)}"
