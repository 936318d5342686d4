"""The absolute effect per 1,000 patients, and the number needed to treat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayespool.measures import MEASURES
from bayespool.prose.cells import chance, is_known, percent, reach, said
from bayespool.prose.markdown import EMPTY, escape, section, table
from bayespool.prose.words import Findings, by_other, chance_mcse

__all__ = ["absolute", "per_1000", "rows_at"]

LEAST_SHARE = 1e-4  # clipped shares below it are not worth a word

BASELINES = {
    "median": "median of the trials",
    "low": "lower quartile",
    "high": "upper quartile",
    "crude": "all control arms together",
    "model": "by the model",
    "spread": "spread over the trials",
}


def absolute(found: Findings) -> list[str]:
    """Absolute effects per 1,000 and NNT by baseline."""
    part = found.record.get("absolute") or {}
    if not part.get("rows"):
        return []
    rows = []
    for row in part["rows"]:
        where = "mean effect" if row["quantity"] == "mu" else "new trial"
        risk = row["risk_control"]
        treated = reach(row["risk_treatment"], 3, False, ("median", "lower", "upper"))
        rows.append(
            [
                where,
                BASELINES.get(row["baseline"], escape(row["baseline"])),
                EMPTY if risk is None else f"{risk:.3f}",
                treated,
                per_1000(row),
                said(row.get("nnt")),
            ]
        )
    event = escape(str(found.record.get("event") or "events"))
    heads = [
        "Effect", "Baseline", "Control risk", "Risk with treatment [95 %]",
        "Difference per 1,000 [95 %]", "NNT",
    ]  # fmt: skip
    says = (
        f"Differences are {event} per 1,000 patients, treatment minus control. Baseline and effect "
        "are taken as independent: a trial's control risk is assumed to say nothing about its "
        "effect. The spread of the baselines is that between trials, not a standard error. An NNT "
        "that passes through ∞ is one whose interval holds both benefit and harm."
    )
    if is_known(part.get("reason")):
        says += f" {escape(part['reason']).rstrip('. ')}."
    elif part.get("measure") not in (None, found.measure):
        says += f" They come from the posterior of the {MEASURES[part['measure']].long}."
    clipped = part.get("clipped") or {}
    shares = " and ".join(
        f"{percent(share)} of the posterior of "
        f"{'the mean effect' if name == 'mu' else 'the effect in a new trial'}"
        for name, share in clipped.items()
        if is_known(share) and share > LEAST_SHARE
    )
    if shares and not is_known(part.get("reason")):
        says += (
            f" At the {part.get('headline', 'median')} baseline the "
            f"{MEASURES[found.measure].long} would bring the treated risk "
            f"{'below 0 or ' if found.measure == 'RD' else ''}above 1 in {shares}."
        )
    return section(
        "Absolute effect",
        table(heads, rows, "llrrrl"),
        says,
        _by_size(found, part.get("prob") or {}),
    )


def _by_size(found: Findings, prob: dict[str, dict[str, float]]) -> str:
    """Probability of at least so many per 1,000, at the median baseline."""
    rows = []
    more = "more" if found.benefit == "higher" else "fewer"
    event = escape(str(found.record.get("event") or "events"))
    sizes: dict[str, Mapping[str, float | None]] = {
        f"At least {float(size):g} {more} {event} per 1,000": {
            of: (prob.get(of) or {}).get(size) for of in ("mu", "theta_new")
        }
        for size in prob.get("mu") or {}
    }
    if any_benefit := by_other(found):
        what, none = any_benefit
        sizes = {f"Any {more} ({what})": none} | sizes
    new = prob.get("theta_new") or {}
    for label, of in sizes.items():
        line = [label, chance(of["mu"], chance_mcse(found, found.engine, of["mu"]))]
        if new:
            q = of.get("theta_new")
            line.append(chance(q, chance_mcse(found, found.engine, q, "theta_new")))
        rows.append(line)
    at = (found.record.get("absolute") or {}).get("headline", "median")
    heads = [
        f"At the {'median' if at == 'median' else 'model’s'} baseline",
        "Probability",
        *(["In a new trial"] if new else []),
    ]
    return table(heads, rows)


def rows_at(found: Findings, baseline: str) -> list[dict[str, Any]]:
    """Rows of the absolute effects at one baseline."""
    rows = (found.record.get("absolute") or {}).get("rows") or []
    return [row for row in rows if row["baseline"] == baseline]


def per_1000(row: dict[str, Any]) -> str:
    """Write the difference per 1,000 with its interval."""
    return reach(row["per_1000"], 0, False, ("median", "lower", "upper"))
