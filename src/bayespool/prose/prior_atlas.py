"""The prior atlas in a sentence."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayespool.measures import MEASURES, symbol
from bayespool.prose.phrases import signed
from bayespool.summaries import number, probability

__all__ = ["asked", "prior_atlas"]

DECISION = 0.95  # the threshold of decision that a sentence names


def prior_atlas(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say over which range of priors the answer goes how far, and where the main prior lies.

    Parameters
    ----------
    table : DataFrame
        By `bayespool.prior_atlas`.
    record : dict
        Of the analysis.
    """
    p = table[table.columns[2]]
    low, high = (table.iloc[int(place)] for place in (p.argmin(), p.argmax()))
    least, most = probability(p.min()), probability(p.max())
    attrs = table.attrs
    centre = signed(f"{symbol(str(record['measure']))} {attrs['centre']:.3g}")
    what = asked(table, record)
    if least == most:
        said = f"{what[:1].upper()}{what[1:]} is {least} under every one of "
        said += f"{len(table):,} priors on mu centred on {centre}, {_ranges(table)}."
    else:
        said = (
            f"Over {len(table):,} priors on mu centred on {centre}, {_ranges(table)}, {what} runs "
            f"from {least} ({_place(low)}) to {most} ({_place(high)})."
        )
        share = float((p >= DECISION).mean())
        said += f" It reaches {DECISION:g} under {_percent(share)} of them."
    if attrs.get("main") is None:
        return said
    where = [f"SD {_width(attrs['main_mu_sd'])}"] if "main_mu_sd" in attrs else []
    if "main_tau_scale" in attrs:
        where.append(f"tau {attrs['tau_scale_is']} {_width(attrs['main_tau_scale'])}")
    place = f" ({', '.join(where)})" if where else ""
    said += f" The main prior{place} gives {probability(attrs['main'])}"
    rank = float((p < attrs["main"]).mean())
    if least != most:
        said += f", a higher probability than {_percent(rank)} of these priors do"
    return f"{said}."


def asked(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Name the probability that a table is about."""
    attrs, kind = table.attrs, MEASURES[record["measure"]]
    new = " in a new trial" if str(table.columns[2]).endswith("_new") else ""
    null = float(attrs["threshold"]) == kind.null
    if attrs.get("benefit") and null:
        return f"the probability of benefit{new}"
    side = "above" if attrs.get("benefit") == "higher" else "below"
    at = signed(str(attrs["threshold"]))
    return f"the probability that the {kind.long}{new} is {side} {at}"


def _ranges(table: pd.DataFrame) -> str:
    sd = table["mu_sd"]
    said = f"with SDs from {_width(sd.min())} to {_width(sd.max())}"
    scale = table["tau_scale"].dropna()
    if scale.empty:
        return said
    attrs = table.attrs
    name = f"{attrs['tau_family']} priors on tau with {attrs['tau_scale_is']}s"
    return f"{said}, and {name} from {_width(scale.min())} to {_width(scale.max())}"


def _place(row: Any) -> str:
    said = f"SD {_width(row['mu_sd'])}"
    if row["tau_scale"] == row["tau_scale"]:
        said += f", tau {_width(row['tau_scale'])}"
    return said


def _width(x: float) -> str:
    return number(float(x), digits=2)


def _percent(share: float) -> str:
    """A share of a finite number of priors: all and none are said as such."""
    if share in (0.0, 1.0):
        return "none" if share == 0 else "all"
    return "<1 %" if share < 0.01 else ">99 %" if share > 0.99 else f"{100 * share:.0f} %"
