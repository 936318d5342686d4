"""What the data say about whether there is an effect and whether it varies, in sentences."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import pandas as pd

from bayespool.figures.words import decimals_for, spread
from bayespool.measures import measure
from bayespool.prose.phrases import signed
from bayespool.summaries import number, probability

__all__ = ["averaging"]

# Bands of the Bayes factor after Jeffreys 1961, Theory of Probability, appendix B.
BANDS = ((100.0, "very strong"), (10.0, "strong"), (3.0, "moderate"), (1.0, "weak"))
EVEN = 1.1  # a Bayes factor nobody would act on


def averaging(table: pd.DataFrame, record: dict[str, Any]) -> str:
    """Say the inclusion Bayes factors, the answer over all models and that given an effect.

    Parameters
    ----------
    table : DataFrame
        Of `bayespool.model_average`.
    record : dict
        Of the analysis: ``measure`` and ``benefit``.

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
    text = (
        f"The data give {_evidence(effect, 'an effect')} and "
        f"{_evidence(rows['heterogeneity'], 'heterogeneity')}. Given an effect the "
        f"{kind.long} is {given}; over all models, exactly no effect among them, {over_all}"
    )
    if not record["benefit"]:
        return signed(text + ".")
    at = table.attrs.get("threshold", kind.null)
    beyond = "" if at == kind.null else f" beyond {at:g}"
    return signed(
        f"{text}, with probability {probability(averaged['prob_benefit'])} of benefit{beyond}, "
        f"{probability(averaged['prob_none'])} of exactly no effect, which is no benefit, and "
        f"{probability(effect['prob_benefit'])} of benefit{beyond} if there is an effect."
    )


def _evidence(row: dict[Hashable, Any], one: str) -> str:
    """Name a Bayes factor's strength and side."""
    bf = float(row["inclusion_bf"])
    against = math.inf if bf == 0 else 1 / bf
    size, side = (bf, f"for {one}") if bf >= 1 else (against, f"against {one}")
    strength = next(word for least, word in BANDS if size >= least)
    if size < EVEN:
        strength, side = "no", f"for or against {one}"
    was, is_ = probability(row["prior"]), probability(row["probability"])
    return (
        f"{strength} evidence {side} (inclusion Bayes factor {number(bf)}: probability {was} "
        f"before the data, {is_} after)"
    )
