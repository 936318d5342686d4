"""The report's second half: does the answer survive other priors, data and measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bayespool.measures import MEASURES
from bayespool.prose.cells import (
    benefit_of,
    chance,
    chance_head,
    digits,
    effect_head,
    is_known,
    numeral,
    prior_text,
    reach,
    records,
    said,
    stated,
)
from bayespool.prose.markdown import EMPTY, escape, section, table
from bayespool.prose.phrases import signed
from bayespool.prose.sentences import over_readings
from bayespool.prose.words import Findings

__all__ = [
    "atlas",
    "baselines",
    "leave_one_out",
    "measures",
    "named_priors",
    "readings",
]

EXCERPT = 5  # rows and columns of the atlas that are printed


def named_priors(found: Findings) -> list[str]:
    """The answer under each named prior."""
    rows = found.record.get("other_priors") or []
    ratio = MEASURES[found.measure].ratio
    decimals = digits(ratio, rows)
    has = {word: any(is_known(row.get(word)) for row in rows) for word in (
        "tau", "prob_important", "prob_benefit_new", "tau_median")}  # fmt: skip
    heads = ["Prior", "mu", "tau", effect_head(found.measure), chance_head(found)]
    heads += ["In a new trial"] * has["prob_benefit_new"]
    important = found.record.get("important")
    if has["prob_important"] and is_known(important):
        heads.append(chance_head(found, f"{important:.3g}"))
    heads += ["Median of tau"] * has["tau_median"]
    lines = []
    for row in rows:
        line = [escape(row["prior"]), prior_text(row["mu"]), prior_text(row.get("tau"))]
        line += [reach(row, decimals, ratio), chance(benefit_of(found, row))]
        if has["prob_benefit_new"]:
            line.append(chance(row.get("prob_benefit_new")))
        if has["prob_important"] and is_known(important):
            line.append(chance(row.get("prob_important")))
        if has["tau_median"]:
            line.append(numeral(row.get("tau_median"), digits=2))
        lines.append(line)
    if not has["tau"]:
        heads.pop(2)
        lines = [[*line[:2], *line[3:]] for line in lines]
    about = [f"- {escape(row['prior'])}: {text}" for row in rows if (text := stated(row))]
    align = "lll"[: 3 if has["tau"] else 2]
    return section(
        "Under other priors",
        table(heads, lines, align + "r" * (len(heads) - len(align))),
        "\n".join(about),
    )


def atlas(found: Findings) -> list[str]:
    """An excerpt of the prior atlas."""
    part = found.record.get("prior_atlas") or {}
    values = np.array(part.get("prob_benefit") or [], dtype=float)
    if values.ndim != 2 or not values.size:
        return []
    across, down = (_some(len(part[word])) for word in ("tau_scale", "mu_sd"))
    heads = ["SD of the prior on mu", *(f"tau {numeral(part['tau_scale'][j], digits=2)}"
             for j in across)]  # fmt: skip
    rows = [
        [numeral(part["mu_sd"][i], digits=2), *(chance(values[i, j]) for j in across)] for i in down
    ]
    low, high = chance(float(np.nanmin(values))), chance(float(np.nanmax(values)))
    runs = f"{low} under each" if low == high else f"from {low} to {high}"
    return section(
        "Prior atlas",
        f"{chance_head(found, part.get('threshold'))} under {values.size:,} priors, by the SD of "
        f"the prior on mu and the scale of the prior on tau: {runs}. An excerpt:",
        table(heads, rows, "r" * len(heads)),
        escape(found.record.get("studies", {}).get("atlas", "")),
    )


def baselines(found: Findings) -> list[str]:
    """The answer under other priors on the baselines."""
    rows = found.record.get("phi_sensitivity") or []
    ratio = MEASURES[found.measure].ratio
    decimals = digits(ratio, rows)
    word = "prob_benefit" if found.benefit else "prob_below"
    labels = list(next((row[word] for row in rows if row.get(word)), {}))
    lines = [
        [
            escape(row["case"]),
            str(row["trials"]),
            reach(row, decimals, ratio),
            *(chance((row.get(word) or {}).get(label)) for label in labels),
            _small(row.get("largest_change")),
        ]
        for row in rows
    ]
    heads = ["Case", "Trials", effect_head(found.measure)]
    heads += [signed(chance_head(found, label)) for label in labels]
    return section(
        "Under other priors on the baselines",
        table([*heads, "Largest change"], lines),
        _reasons(rows, "case"),
    )


def measures(found: Findings) -> list[str]:
    """The same counts by OR, RR and RD, and by the RR of the complement."""
    rows = found.record.get("other_measures") or []
    lines = [
        [
            MEASURES[row["measure"]].long.capitalize(),
            _by_own_digits(row, row["measure"]),
            chance(benefit_of(found, row)),
        ]
        for row in rows
    ]
    says = ""
    other = found.record.get("complement")
    if other and found.benefit:
        turned = ">" if found.benefit == "lower" else "<"
        event = escape(str(found.record.get("event") or "the event"))
        says = (
            f"The risk ratio counts {event}. By the risk ratio of its complement, not having it, "
            f"RR is {reach(other['natural'], 2, True, ('median', 'lower', 'upper'))} and "
            f"P(RR {turned} 1) = {chance(other['prob_benefit']['1'])}."
        )
    head = "P(benefit)" if found.benefit else "P(below no effect)"
    return section(
        "By other measures",
        table(["Measure", "Effect [95 %]", head], lines),
        _reasons(rows, "measure"),
        says,
    )


def readings(found: Findings) -> list[str]:
    """The answer under other readings of the data."""
    rows = records(found.tables.get("alternatives"))
    ratio = MEASURES[found.measure].ratio
    own: dict[str, Any] = {"scenario": "the primary analysis", "trials": found.record["trials"]}
    natural = found.part["natural"]["mu"]
    own |= {f"natural_{word}": natural[word] for word in ("median", "lower", "upper")}
    decimals = digits(ratio, [own, *rows])
    word = "prob_benefit" if found.benefit else "prob_below"
    own[word] = found.part[word][f"{MEASURES[found.measure].null:g}"]
    lines = [
        [
            escape(row["scenario"]),
            str(row["trials"]),
            reach(row, decimals, ratio),
            chance(benefit_of(found, row)),
            said(row.get("reason")),
        ]
        for row in ([own, *rows] if rows else [])
    ]
    heads = ["Reading", "Trials", effect_head(found.measure), chance_head(found), "Why"]
    says = escape(over_readings(found.record, rows))
    return section("Under other readings of the data", says, table(heads, lines, "lrrrl"))


def leave_one_out(found: Findings) -> list[str]:
    """The answer without each trial in turn."""
    rows = found.record.get("leave_one_out") or []
    ratio = MEASURES[found.measure].ratio
    decimals = digits(ratio, rows)
    lines = [
        [
            escape(row["without"]),
            reach(row, decimals, ratio),
            chance(benefit_of(found, row)),
            numeral(row.get("tau_median"), digits=2),
        ]
        for row in rows
    ]
    heads = ["Without", effect_head(found.measure), chance_head(found), "Median of tau"]
    said = escape(found.record.get("studies", {}).get("leave-one-out", ""))
    return section("Leaving out one trial at a time", table(heads, lines), said)


def _small(x: float | None) -> str:
    """Write a change of a probability."""
    if x is None or x == 0:
        return EMPTY if x is None else "0"
    return "<0.001" if x < 0.001 else f"{x:.3f}"


def _some(count: int) -> list[int]:
    """Evenly spaced places of `count`, both ends among them."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, EXCERPT)).tolist()})


def _by_own_digits(row: dict[str, Any], measure: str) -> str:
    ratio = MEASURES[measure].ratio
    return reach(row, digits(ratio, [row]), ratio)


def _reasons(rows: Sequence[dict[str, Any]], name: str) -> str:
    """Say which rows have no answer, and why."""
    return "\n".join(
        f"- {escape(str(row[name]))}: no answer. {escape(str(row['reason'])).rstrip('. ')}."
        for row in rows
        if is_known(row.get("reason"))
    )
