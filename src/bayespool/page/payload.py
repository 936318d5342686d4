"""What the page's scripts start from: surfaces, trials, priors and limits, as JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from bayespool.errors import DataError, PriorError, UsageError
from bayespool.exact import Surface
from bayespool.exact import surface as surface_of
from bayespool.exact.portable import pack, reach_of
from bayespool.measures import MEASURES, axis_label, symbol
from bayespool.page.summary import unit_of
from bayespool.prior import Prior, parse_prior, priors
from bayespool.prior.sets import GENERAL
from bayespool.prose.words import title
from bayespool.studies import flag_of
from bayespool.subsets import flagged

__all__ = ["payload"]

SIDE = 32  # priors along each side of the atlas
# The page's own names of places; an outcome's id is another.
TAKEN = (
    "answers", "bands", "bands-title", "findings", "glossary", "main", "notice", "outcomes",
    "reviews", "rule", "settings", "theme", "top",
)  # fmt: skip


def payload(analyses: Sequence[Any]) -> dict[str, Any]:
    """Gather what the reader's settings are computed from.

    Returns
    -------
    dict
        ``outcomes``: for each analysis its words, trials, packed surface (null where the exact
        engine did not run, and then nothing is live), priors by name, the sliders' limits, and
        what absolute effects need. Numbers of priors are on the analysis scale, thresholds and
        estimates in natural units.
    """
    taken = set(TAKEN)
    return {"outcomes": [_outcome(each, taken) for each in analyses]}


def _outcome(analysis: Any, taken: set[str]) -> dict[str, Any]:
    record, measure = analysis.record, MEASURES[analysis.measure]
    surface = analysis.surface
    unit = unit_of(analysis)
    found = {
        "id": _id(analysis.name, taken),
        "name": analysis.name,
        "title": title(analysis.name) or "Outcome",
        "question": analysis.question,
        "treatment": record.get("treatment", ""),
        "event": record.get("event", ""),
        "digest": record["data_sha256"][:8],
        "measure": analysis.measure,
        "scale": analysis.scale,
        "ratio": measure.ratio,
        "no_effect": measure.null,
        "effect_name": measure.long,
        "symbol": symbol(analysis.measure),
        "axis": axis_label(analysis.measure) + (f" ({unit})" if unit else ""),
        "unit": unit,
        "likelihood": analysis.likelihood,
        "effects": analysis.effects,
        "benefit": analysis.benefit,
        "important": analysis.important,
        "thresholds": [float(label) for label in analysis.thresholds],
        "trials": _trials(analysis),
        "doubted": _doubt(analysis),
        "small": _small(analysis),
        "priors": _priors(analysis),
    }
    if surface is None:
        return found | {"surface": None, "limits": None, "atlas": None, "absolute": None}
    important = analysis.important if analysis.scale == "identity" else None
    reach = reach_of(surface, important)
    common = analysis.effects == "common"
    named = found["priors"]["named"]
    return found | {
        "surface": pack(surface, important),
        "limits": {
            "mean": _wide(reach.mean, [centre for each in named for centre in _centre(each["mu"])]),
            "sd": _wide(reach.sd, [sd for each in named for sd in _spread(each["mu"])]),
            "scale": None if common else list(reach.scale),
        },
        "atlas": None
        if common
        else {"centre": 0.0, "sds": _even(*reach.sd), "scales": _even(*reach.scale)},
        "absolute": _absolute(analysis),
    }


def _id(name: str, taken: set[str]) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "outcome"
    found, count = slug, 2
    while found in taken:
        found, count = f"{slug}-{count}", count + 1
    taken.add(found)
    return found


def _wide(ends: tuple[float, float], values: Sequence[float]) -> list[float]:
    """The ends, further apart where a named prior lies beyond them."""
    return [min(ends[0], *values), max(ends[1], *values)] if values else list(ends)


def _centre(spec: Sequence[Any]) -> list[float]:
    at = {"Normal": 1, "Cauchy": 1, "Logistic": 1, "StudentT": 2}.get(spec[0])
    return [] if at is None else [spec[at]]


def _spread(spec: Sequence[Any]) -> list[float]:
    at = {"Normal": 2, "Cauchy": 2, "Logistic": 2, "StudentT": 3}.get(spec[0])
    return [] if at is None else [spec[at]]


def _even(low: float, high: float) -> list[float]:
    """Even on a log scale."""
    return [float(v) for v in np.geomspace(low, high, SIDE)]


def _trials(analysis: Any) -> list[dict[str, Any]]:
    kept = [] if analysis.surface is None else list(analysis.surface.kept)
    doubted = _mask(analysis)
    rows = []
    for i, row in enumerate(analysis.tables["trials"].to_dict("records")):
        estimate = [_number(row[f"natural_{w}"]) for w in ("estimate", "lower", "upper")]
        name = str(row["trial"])
        counts = None
        if "events_treatment" in row:
            counts = {
                arm: f"{row[f'events_{arm}']:.0f}/{row[f'n_{arm}']:.0f}"
                for arm in ("treatment", "control")
            }
        year = _number(row.get("year"))
        rows.append(
            {
                "name": name,
                "year": None if year is None else int(year),
                "counts": counts,
                "estimate": None if None in estimate else estimate,
                "weight": _number(row["weight"]),
                "doubted": doubted[i],
                "row": kept.index(name) if name in kept else -1,
            }
        )
    return rows


def _mask(analysis: Any) -> list[bool]:
    flag = flag_of(analysis)
    if not flag or analysis.surface is None:
        return [False] * len(analysis.trials)
    try:
        names = set(flagged(analysis.surface, flag))
    except UsageError:  # those meant have no estimate
        names = set()
    return [name in names for name in analysis.trials.names]


def _doubt(analysis: Any) -> str:
    """Say which trials the trust dial acts on; "" where there are none, or no others."""
    mask = _mask(analysis)
    if not any(mask) or all(mask):
        return ""
    return "; ".join(
        f"{column.replace('_', ' ')} {' or '.join(str(v) for v in values)}"
        for column, values in flag_of(analysis).items()
    )


def _priors(analysis: Any) -> dict[str, Any]:
    """The main prior set and those beside it, as a family and its arguments."""
    record = analysis.record
    own = record["priors"]["name"]
    rows = record.get("other_priors") or [record["priors"] | {"prior": own}]
    random = analysis.effects != "common"
    named = []
    for i, row in enumerate(rows):
        if row.get("reason"):
            continue  # it has no posterior here
        named.append(
            _pair(row["mu"], row["tau"] if random else None)
            | {"name": row["prior"], "says": row.get("says", "")}
            | {"odds": _of_odds(analysis, row["prior"] if i else own)}
        )
    return {"main": named[0]["name"], "named": named}


def _of_odds(analysis: Any, name: str) -> dict[str, Any] | None:
    """What the set of this name says about the OR beside an RR; None where it says nothing."""
    if analysis.measure != "RR" or name not in GENERAL:
        return None
    found = priors("OR", name)
    return _pair(found.mu.text, None if analysis.effects == "common" else found.tau.text)


def _pair(mu: str, tau: str | None) -> dict[str, Any]:
    of_tau = None if tau is None else _spec(parse_prior(tau, "tau"))
    return {"mu": _spec(parse_prior(mu, "mu")), "tau": of_tau}


def _spec(prior: Prior) -> list[Any]:
    return [prior.family, *prior.values]


def _absolute(analysis: Any) -> dict[str, Any] | None:
    part = analysis.record.get("absolute")
    if part is None:
        return None
    other = _odds(analysis) if analysis.measure == "RR" else None
    return {
        "declared": part.get("declared", True),
        "baselines": part["baselines"],
        "headline": part["headline"],
        "important": part["important"],
        "surface": None if other is None else pack(other),
    }


def _odds(analysis: Any) -> Surface | None:
    """The OR's surface: where RR would carry risks past 1 it takes over, under a set of its own."""
    phi = {} if analysis.surface.phi is None else {"phi": analysis.surface.phi}
    try:
        return surface_of(
            analysis.trials, "OR", analysis.likelihood, analysis.effects,
            double_zero=analysis.double_zero, **phi,
        )  # fmt: skip
    except (DataError, PriorError):
        return None


def _small(analysis: Any) -> dict[str, Any]:
    """The main analysis as the Python engine has it."""
    part = analysis.record[analysis.engine]
    natural = part["natural"]["mu"]
    absolute = analysis.record.get("absolute")
    per_1000 = None
    if absolute:
        rows = [
            row["per_1000"]
            for row in absolute["rows"]
            if row["quantity"] == "mu" and row["baseline"] == absolute["headline"]
        ]
        per_1000 = [rows[0][word] for word in ("median", "lower", "upper")]
    return {
        "mu": [natural[word] for word in ("median", "lower", "upper")],
        "per_1000": per_1000,
    }


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
