"""Words about an analysis, for the page, the terminal and the report."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bayespool.figures.words import decimals_for, number
from bayespool.measures import MEASURES, symbol

__all__ = [
    "USUAL",
    "Findings",
    "answer",
    "beyond",
    "by_other",
    "chance",
    "chance_mcse",
    "ends",
    "interval",
    "is_other",
    "not_beyond",
    "notes_on",
    "null_mcse",
    "places",
    "tau_mcse",
    "three",
    "title",
    "verdict",
]

# What is shown of the classical methods; tables/engines.csv has them all.
USUAL = ("exact", "nuts", "MH", "Peto", "common-IV", "DL", "REML", "REML-mHK")


@dataclass(frozen=True)
class Findings:
    """A record with its tables, for every function here that takes an analysis."""

    record: dict[str, Any]
    tables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def measure(self) -> str:
        return str(self.record["measure"])

    @property
    def scale(self) -> str:
        return str(self.record["scale"])

    @property
    def benefit(self) -> str | None:
        found: str | None = self.record["benefit"]
        return found

    @property
    def engine(self) -> str:
        """The engine whose numbers head the report."""
        return "exact" if "exact" in self.record else "nuts"

    @property
    def part(self) -> dict[str, Any]:
        """What that engine found."""
        found: dict[str, Any] = self.record[self.engine]
        return found


def ends(row: dict[str, Any]) -> tuple[float, float, float]:
    """Median, lower and upper end of a part of the record; NaN where undefined."""
    median, lower, upper = (row[word] for word in ("median", "lower", "upper"))
    return _number(median), _number(lower), _number(upper)


def beyond(analysis: Any, threshold: str) -> str:
    """Write the event whose probability is given: ``RR < 0.9``."""
    sign = ">" if analysis.benefit == "higher" else "<"
    return f"{symbol(analysis.measure)} {sign} {threshold}"


def not_beyond(analysis: Any, threshold: str) -> str:
    """Write the other side of the same threshold, whose probability is `prob_harm`'s."""
    sign = "<" if analysis.benefit == "higher" else ">"
    return f"{symbol(analysis.measure)} {sign} {threshold}"


def is_other(found: Findings) -> bool:
    """Whether the absolute effects are by another measure than the answer."""
    part = found.record.get("absolute") or {}
    return part.get("measure") not in (None, found.measure)


def by_other(found: Findings) -> tuple[str, dict[str, float]] | None:
    """The event and the probability of any benefit by the measure of the absolute effects.

    None where that is the measure of the answer, or the record does not have it.
    """
    part = found.record.get("absolute") or {}
    none = part.get("prob_benefit") or {}
    if not is_other(found) or none.get("mu") is None:
        return None
    sign = ">" if found.benefit == "higher" else "<"
    return f"{part['measure']} {sign} {MEASURES[part['measure']].null:g}", none


def notes_on(found: Findings, part: str) -> list[str]:
    """Notes that stand where they belong: about the "trials", the "classical" methods or "nuts"."""
    said: list[str] = (found.record.get("notes_on") or {}).get(part, [])
    return said


def chance(analysis: Any, word: str) -> str:
    """P(benefit) at no effect from the record, as text; "" where there is none."""
    from bayespool.summaries import probability

    part = analysis.record[analysis.engine]
    key = ("prob_benefit" if analysis.benefit else "prob_below") + word
    if key not in part:
        return ""
    p = part[key][f"{MEASURES[analysis.measure].null:g}"]
    of = "theta_new" if word else "mu"
    return probability(p, chance_mcse(analysis, analysis.engine, p, of))


def chance_mcse(analysis: Any, engine: str, p: float | None, of: str = "mu") -> float:
    """Monte Carlo standard error of a probability that NUTS gave; 0 for the others."""
    counts = analysis.record.get(engine, {}).get("ess_bulk", {})
    if p is None or not counts.get(of):
        return 0.0
    return math.sqrt(p * (1 - p) / counts[of])


def tau_mcse(analysis: Any, engine: str) -> float:
    """Monte Carlo standard error of tau's median as NUTS gave it; 0 for the others."""
    errors = analysis.record.get(engine, {}).get("mcse", {})
    return float(errors.get("tau", {}).get("median") or 0.0)


def interval(
    analysis: Any, engine: str, name: str, decimals: int, minus: str = "−", natural: bool = True
) -> str:
    """Write an engine's median and 95 % interval: ``0.71 [0.45, 1.00]``."""
    middle, lower, upper = three(analysis, engine, name, decimals, minus, natural)
    return f"{middle} [{lower}, {upper}]"


def three(
    analysis: Any, engine: str, name: str, decimals: int, minus: str = "−", natural: bool = True
) -> tuple[str, str, str]:
    """Write an engine's median and the ends of its 95 % interval.

    Each has `decimals`, or as many as its Monte Carlo standard error leaves.
    """
    from bayespool.summaries import decimals_left

    part = analysis.record[engine]
    row = ends(part["natural"][name] if natural else part[name])
    errors = ends(part["mcse"][name]) if "mcse" in part else (0.0, 0.0, 0.0)
    said: list[str] = []
    for value, error in zip(row, errors, strict=True):
        if natural and analysis.scale == "log":
            error *= abs(value)
        elif natural and analysis.scale == "atanh":
            error *= 1 - value**2
        ratio = natural and MEASURES[analysis.measure].ratio
        said.append(number(value, decimals_left(error, decimals), minus, ratio))
    return said[0], said[1], said[2]


def places(ratio: bool, rows: Iterable[tuple[float, float, float]]) -> int:
    """Decimals that suit (median, lower, upper) in running text.

    Those of `decimals_for`, and one more where differences would keep a single digit.
    """
    known = [row for row in rows if not any(math.isnan(x) for x in row)]
    decimals = decimals_for(ratio, [row[1:] for row in known])
    largest = max((abs(row[0]) for row in known), default=0.0)
    if not ratio and 0 < largest < 10 * 10.0**-decimals:
        decimals = min(decimals + 1, 4)
    return decimals


def null_mcse(analysis: Any, engine: str) -> float:
    """Monte Carlo standard error of an engine's probability at no effect; 0 for the others."""
    table = analysis.tables["prob_benefit"]
    null = f"{MEASURES[analysis.measure].null:g}"
    found = table.loc[(table["engine"] == engine) & (table["threshold"] == null), "mcse"]
    return float(found.iloc[0]) if len(found) else 0.0


def effects(analysis: Any) -> tuple[str, str]:
    """Write the mean effect and that in a new trial ("" for a common effect)."""
    natural = analysis.record[analysis.engine]["natural"]
    names = [name for name in ("mu", "theta_new") if name in natural]
    ratio = MEASURES[analysis.measure].ratio
    decimals = decimals_for(ratio, [ends(natural[name])[1:] for name in names])
    texts = [interval(analysis, analysis.engine, name, decimals) for name in names]
    return texts[0], texts[1] if len(texts) > 1 else ""


def answer(analysis: Any) -> str:
    """Give the answer in two or three sentences."""
    mean, new = effects(analysis)
    kind = MEASURES[analysis.measure]
    null = f"{kind.null:g}"
    of = f"P({beyond(analysis, null)})"
    what = f"probability of benefit, {of}," if analysis.benefit else of
    first = (
        f"The {kind.long} is {mean} (posterior median and 95 % interval), and the {what} is "
        f"{chance(analysis, '')}."
    )
    other = _other_readings(analysis, of)
    if not new:
        return first + other
    return (
        f"{first} In a new trial like these the effect would be {new}, with {of} = "
        f"{chance(analysis, '_new')}.{other}"
    )


def _other_readings(analysis: Any, of: str) -> str:
    """Give the probability `of` benefit under each other reading of the data that was tried."""
    from bayespool.summaries import probability

    table = analysis.tables.get("alternatives")
    if table is None or "prob_benefit" not in table:
        return ""
    said = [
        f"{row['scenario']}, {probability(row['prob_benefit'])}" for row in table.to_dict("records")
    ]
    return f" {of}, of the mean effect, under other readings of the data: {'; '.join(said)}."


def verdict(analysis: Any) -> str:
    """Say in a sentence whether the engines agree."""
    from bayespool.agreement import LIMIT

    found = analysis.record["agreement"]
    if found["ok"] is None:
        only = {"exact": "the exact engine", "nuts": "NUTS"}[analysis.engine]
        return f"Only {only} ran: nothing to compare it with."
    worst = found["exact_nuts"]
    return (
        f"Exact and NUTS {'agree' if found['ok'] else 'DISAGREE'}: the largest difference is "
        f"{worst['worst_z']:.1f} Monte Carlo standard errors ({worst['worst']}), the limit "
        f"{LIMIT:g}."
    )


def sampled(analysis: Any) -> str:
    """Give the diagnostics of NUTS in a sentence; "" where it did not run."""
    found = analysis.record["diagnostics"]
    if not found:
        return ""
    return (
        f"NUTS: {found['divergences']} divergences, R-hat at most {found['max_r_hat']:.4f}, "
        f"effective draws at least {found['min_ess']:.0f}, BFMI at least {found['min_bfmi']:.2f}."
    )


def _number(x: float | None) -> float:
    return math.nan if x is None else float(x)


def title(name: str) -> str:
    """An outcome's name as a heading: "Clinical improvement", "CRP"."""
    said = re.sub(r"[_\s]+", " ", name).strip()
    return said.upper() if len(said) <= 3 and said.isalnum() else said[:1].upper() + said[1:]
