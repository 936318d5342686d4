"""The trials in the report: their numbers, their sources and what the model makes of each."""

from __future__ import annotations

from typing import Any

from bayespool.measures import MEASURES
from bayespool.prose.cells import OWN, digits, effect_head, is_known, reach, records, said, whole
from bayespool.prose.markdown import EMPTY, escape, section, sourced, table
from bayespool.prose.words import Findings, notes_on

__all__ = ["trials"]

SHRUNKEN = ("shrunken_median", "shrunken_lower", "shrunken_upper")


def trials(found: Findings) -> list[str]:
    """The trials, their sources and what the model makes of each."""
    rows = records(found.tables.get("trials"))
    if not rows:
        return []
    ratio = MEASURES[found.measure].ratio
    decimals = max(digits(ratio, rows, OWN), digits(ratio, rows, SHRUNKEN))
    columns: list[tuple[str, str, list[str]]] = [
        ("Trial", "l", [escape(row["trial"]) for row in rows])
    ]

    def add(head: str, align: str, texts: list[str]) -> None:
        if any(text != EMPTY for text in texts):
            columns.append((head, align, texts))

    for name in ("year", "days", "trials_pooled", "participants"):
        add(name.replace("_", " ").capitalize(), "r", [whole(row.get(name)) for row in rows])
    for arm in ("treatment", "control"):
        add(arm.capitalize(), "r", [_arm(row, arm) for row in rows])
    add(effect_head(found.measure), "r", [reach(row, decimals, ratio, OWN) for row in rows])
    posteriors = [reach(row, decimals, ratio, SHRUNKEN) for row in rows]
    add("Posterior [95 %]", "r", posteriors)
    add("Weight", "r", [_weight(row) for row in rows])
    add("Confidence", "l", [said(row.get("confidence")) or EMPTY for row in rows])
    add("Source", "l", [_source(row) for row in rows])
    heads, align, texts = zip(*columns, strict=True)
    about = (
        f"{effect_head(found.measure).removesuffix(' [95 %]')} is the trial's own estimate by the "
        "normal approximation, and weight its inverse-variance share; neither enters the binomial "
        "model, which takes the counts."
        if found.record["likelihood"] == "binomial"
        else "Weight is the trial's inverse-variance share."
    )
    if any(text != EMPTY for text in posteriors):
        about += " Posterior is the trial's effect as the model sees it, drawn towards the others."
    about = " ".join([about, *(escape(note) for note in notes_on(found, "trials"))])
    set_rows = [list(row) for row in zip(*texts, strict=True)]
    return section("Trials and their sources", table(list(heads), set_rows, "".join(align)), about)


def _arm(row: dict[str, Any], arm: str) -> str:
    """Write the data of an arm: 42/112, or 20 (16 to 24), n = 12."""
    size = row.get(f"n_{arm}")
    if is_known(events := row.get(f"events_{arm}")):
        return f"{whole(events)}/{whole(size)}"
    said = ""
    if is_known(mean := row.get(f"mean_{arm}")):
        said = f"{whole(mean)} (SD {whole(row.get(f'sd_{arm}'))})"
    elif is_known(median := row.get(f"median_{arm}")):
        ends_of = ("q1", "q3") if is_known(row.get(f"q1_{arm}")) else ("min", "max")
        lower, upper = (whole(row.get(f"{word}_{arm}")) for word in ends_of)
        said = f"{whole(median)} ({lower} to {upper})"
    return f"{said}, n = {whole(size)}" if said else EMPTY


def _weight(row: dict[str, Any]) -> str:
    share = row.get("weight")
    return f"{share:.1f} %" if is_known(share) else "left out"


def _source(row: dict[str, Any]) -> str:
    source, where = (str(row[w]) if is_known(row.get(w)) else "" for w in ("source", "locator"))
    return sourced(source, where)
