"""What the data say about whether there is an effect and whether it varies, in sentences."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import pandas as pd

from bayespool.figures.words import brief, decimals_for, spread
from bayespool.measures import measure
from bayespool.prose.phrases import signed
from bayespool.summaries import number, probability

__all__ = ["averaging"]

# Grades of the Bayes factor by Jeffreys 1961, Theory of Probability, appendix B. Below the last
# it is "not worth more than a bare mention".
BANDS = (
    (100.0, "decisive"),
    (10.0**1.5, "very strong"),
    (10.0, "strong"),
    (10.0**0.5, "substantial"),
)
EVEN = 1.1  # a Bayes factor nobody would act on


def averaging(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say the inclusion Bayes factors, the answer over all models and that given an effect.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.model_average`.
    record : dict
        Of the analysis: ``measure``, ``benefit`` and ``priors``, on which the Bayes factors rest.

    Returns
    -------
    str
        Plain text, not escaped.
    """
    rows = {row["model"]: row for row in table.to_dict("records")}
    kind = measure(record["measure"])
    averaged, effect = rows["all models"], rows["effect"]
    ends = [
        [float(rows[name][f"natural_{end}"]) for end in ("median", "lower", "upper")]
        for name in ("effect", "all models")
    ]
    decimals = decimals_for(kind.ratio, [(e[1], e[2]) for e in ends])
    given, over_all = (spread(e, decimals, ratio=kind.ratio) for e in ends)
    priors = record.get("priors") or {}
    alone = _evidence(effect, "a mean effect", "mu", priors.get("mu"))
    varied = _evidence(rows["heterogeneity"], "heterogeneity", "tau", priors.get("tau"))
    text = (
        f"The data give {alone} and {varied}, in the words of Jeffreys (1961). Given an effect the "
        f"{kind.long} is {given}; over all models, a mean effect of exactly none among them, "
        f"{over_all}"
    )
    beside = _beside(table[table["kind"] == "prior"])
    if not record["benefit"]:
        return signed(text + "." + beside)
    at = table.attrs.get("threshold", kind.null)
    beyond = "" if at == kind.null else f" beyond {at:g}"
    return signed(
        f"{text}, with probability {probability(averaged['prob_benefit'])} of benefit{beyond}, "
        f"{probability(averaged['prob_none'])} of a mean effect of exactly none, which is no "
        f"benefit, and "
        f"{probability(effect['prob_benefit'])} of benefit{beyond} if there is an effect.{beside}"
    )


def _beside(others: pd.DataFrame) -> str:
    """How far the Bayes factor of an effect goes under the other named priors."""
    if others.empty:
        return ""
    given = [*zip(others["model"], others["inclusion_bf"], strict=True)]
    low, high = (choose(given, key=lambda pair: pair[1]) for choose in (min, max))
    said = " The Bayes factor of an effect rests on its prior: under "
    if len(given) == 1:
        return f"{said}the {low[0]} one it is {number(low[1])}."
    return (
        f"{said}the other named ones it runs from {number(low[1])} ({low[0]}) to "
        f"{number(high[1])} ({high[0]})."
    )


def _evidence(row: dict[Hashable, Any], one: str, of: str, prior: str | None) -> str:
    """Name a Bayes factor's strength and side, and the prior that it rests on."""
    bf = float(row["inclusion_bf"])
    against = math.inf if bf == 0 else 1 / bf
    size, side = (bf, f"for {one}") if bf >= 1 else (against, f"against {one}")
    strength = next((word for least, word in BANDS if size >= least), "")
    said = f"{strength} evidence {side}"
    if size < EVEN:
        said = f"no evidence for or against {one}"
    elif not strength:
        said = f"evidence {side} that is not worth more than a bare mention"
    under = f" under {of} ~ {brief(prior)} as the alternative" if prior else ""
    was, is_ = probability(row["prior"]), probability(row["probability"])
    return (
        f"{said} (inclusion Bayes factor {number(bf)}{under}: probability {was} before the data, "
        f"{is_} after)"
    )
