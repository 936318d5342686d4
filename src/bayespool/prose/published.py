"""Published reviews beside this report, in two steps: other trials, then another model."""

from __future__ import annotations

from typing import Any

from bayespool.measures import MEASURES, symbol
from bayespool.measures import measure as measure_named
from bayespool.prose.cells import digits, is_known, numeral, reach, said, whole
from bayespool.prose.markdown import EMPTY, escape, section, sourced, table
from bayespool.prose.phrases import signed
from bayespool.prose.words import Findings, interval

__all__ = ["published"]

THEIRS = ("estimate", "lower", "upper")
OURS = ("our_estimate", "our_lower", "our_upper")
MEDIAN = ("our_median", "our_median_lower", "our_median_upper")
SAME = {"WMD": "MD"}  # a weighted mean difference is a pooled mean difference
METHODS = {"common-IV": "the common effect", "DL": "DerSimonian–Laird"}
HEADS = (
    "Review", "Outcome", "Trials", "Patients", "Effect [95 %]", "Model", "Ours, same method",
    "Theirs to ours", "Width", "Source",
)  # fmt: skip


def published(found: Findings) -> list[str]:
    """Beside the published reviews, and why they differ."""
    rows = found.record.get("published") or []
    if not rows:
        return []
    lines = [_own(found), *(_line(row) for row in rows)]
    pooled = _pooled(found)
    return section(
        "Beside published reviews",
        table(HEADS, lines, "llrrrlrrrl"),
        _first_step(rows, pooled),
        "" if pooled else _second_step(found, rows),
        _reasons(rows),
    )


def _own(found: Findings) -> list[str]:
    decimals = digits(_ratio(found.measure), [found.part["natural"]["mu"]],
                      ("median", "lower", "upper"))  # fmt: skip
    effect = f"{symbol(found.measure)} {interval(found, found.engine, 'mu', decimals)}"
    pooled = _pooled(found)
    k = f"{', '.join(pooled)}, pooled" if pooled else str(found.record["trials"])
    name = escape(found.record["analysis"].replace("_", " "))
    people = whole(found.record["participants"])
    return ["**this report**", name, k, people, effect, "Bayesian", *[EMPTY] * 4]


def _pooled(found: Findings) -> list[str]:
    """How many trials each published pooled row holds; none where trials are analysed."""
    trials = found.tables.get("trials", {})
    return [whole(n) for n in trials["trials_pooled"]] if "trials_pooled" in trials else []


def _line(row: dict[str, Any]) -> list[str]:
    ratio = _ratio(row["measure"])
    ours = gap = width = EMPTY
    if _compared(row):
        decimals = digits(ratio, [row], OURS)
        ours = f"{reach(row, decimals, ratio, OURS)} {_short(row['our_method'])}"
        gap, width = _against(row, "theirs_to_ours", "width_to_ours")
    return [
        escape(row["review"]),
        escape(str(row.get("outcome") or "").replace("_", " ")),
        whole(row.get("k")),
        whole(row.get("n")),
        f"{escape(row['measure'])} {reach(row, digits(ratio, [row], THEIRS), ratio, THEIRS)}",
        said(row.get("model")),
        ours,
        gap,
        width,
        sourced(str(row.get("source") or ""), str(row.get("locator") or "")),
    ]


def _first_step(rows: list[dict[str, Any]], pooled: list[str]) -> str:
    compared = [row for row in rows if _compared(row)]
    if not compared:
        return ""
    ratios = {_ratio(row["measure"]) for row in compared}
    gaps = {True: "the quotient", False: "the difference"}
    gap = " (for ratios) or ".join(gaps[ratio] for ratio in sorted(ratios, reverse=True))
    logs = ", on the log scale for ratios" if True in ratios else ""
    against = (
        f"Theirs to ours is {gap} of the estimates, and width that of their interval over that of "
        f"ours{logs}."
    )
    if len(pooled) == 1:
        return f"Ours is one published row, which every method leaves as it is. {against}"
    used = sorted({row["our_k"] for row in compared if is_known(row.get("our_k"))})
    known = f" {', '.join(map(str, used))}" if used else ""
    return (
        f"Step 1, other trials: ours by the same kind of method is from our{known} trials that "
        "have an estimate, by DerSimonian–Laird (DL) where the review says random effects and by "
        f"the common effect (CE) where it does not. {against}"
    )


def _second_step(found: Findings, rows: list[dict[str, Any]]) -> str:
    """Say once a measure and method how our posterior differs from our own pooling."""
    each: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if _compared(row) and is_known(row.get("posterior_to_ours")):
            each.setdefault((SAME.get(row["measure"], row["measure"]), row["our_method"]), row)
    lines = []
    for name in dict.fromkeys(name for name, _ in each):
        by = {method: row for (of, method), row in each.items() if of == name}
        row = next(iter(by.values()))
        ratio = _ratio(name)
        against = []
        for method, one in by.items():
            gap, width = _against(one, "posterior_to_ours", "posterior_width")
            apart = f"{gap} times" if ratio else f"{gap} to"
            against.append(
                f"{apart} that by {METHODS.get(method, escape(method))}, {width} times as wide"
            )
        lines.append(
            f"{escape(name)} {reach(row, digits(ratio, [row], MEDIAN), ratio, MEDIAN)}, "
            f"{' and '.join(against)}"
        )
    if not lines:
        return ""
    effects = found.record["effects"]
    what = f"{found.record['likelihood']} likelihood, {effects} effect"
    what += "" if effects == "common" else "s"
    return (
        f"Step 2, another model of the same trials: our posterior ({what}) is {'; '.join(lines)}."
    )


def _reasons(rows: list[dict[str, Any]]) -> str:
    """Give each reason once, with the reviews that it is for."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        if is_known(row.get("why")):
            reason = signed(str(row["why"])).rstrip(". ")
            groups.setdefault(reason, []).append(row["review"].split(" (")[0])
    lines = [
        f"- {escape('; '.join(dict.fromkeys(names)))}: {escape(reason)}."
        for reason, names in groups.items()
    ]
    return "\n".join(["What else sets them apart:\n", *lines]) if lines else ""


def _compared(row: dict[str, Any]) -> bool:
    return is_known(row.get(OURS[0])) and is_known(row["estimate"])


def _short(method: str) -> str:
    return {"common-IV": "CE"}.get(method, escape(method))


def _ratio(name: str) -> bool:
    name = SAME.get(name, name)
    return measure_named(name).ratio if name in MEASURES else True


def _against(row: dict[str, Any], gap: str, width: str) -> tuple[str, str]:
    """Write how far one estimate lies from another, and how much wider its interval is."""
    apart, wider = row.get(gap), row.get(width)
    said = EMPTY if wider is None or not is_known(wider) else f"{wider:.2f}"
    if apart is None or not is_known(apart):
        return EMPTY, said
    if _ratio(row["measure"]):
        return f"{apart:.2f}", said
    return f"{'+' if apart > 0 else ''}{numeral(apart, digits=2)}", said
