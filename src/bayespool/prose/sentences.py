"""The answer in plain words, made from the numbers of a record and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bayespool.figures.words import brief, number
from bayespool.measures import MEASURES
from bayespool.prose.phrases import article, change, conjugated, signed, subject, target
from bayespool.prose.words import (
    Findings,
    by_other,
    chance_mcse,
    ends,
    is_other,
    places,
    three,
    verdict,
)
from bayespool.summaries import probability

__all__ = ["over_readings", "sentences"]

LISTED = 8  # readings that are all named
CROSS = (
    ("REML-mHK", "REML with the modified Hartung–Knapp interval"),
    ("REML", "REML"),
    ("common-IV", "inverse variance, common effect"),
    ("MH", "Mantel–Haenszel"),
)


def sentences(record: dict[str, Any]) -> list[str]:
    """Say what a record found, the main sentence first.

    Parameters
    ----------
    record : dict
        As ``record.schema.json`` describes it.

    Returns
    -------
    list of str
        Plain text, not escaped. What the record has no part for is not said.
    """
    found = Findings(record)
    said = [
        _main(found),
        *[note for note in record["notes"][:1] if note.startswith("Too few trials")],
        _effect(found),
        _absolute(found),
        _matters(found),
        _prior(found),
        _over_priors(found),
        _left_out(found),
        _agreed(found),
    ]
    return [sentence for sentence in said if sentence]


def over_readings(record: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    """Say what P(benefit) is under the other readings of the data that were tried."""
    found = Findings(record)
    known = _answered(found, rows)
    if not known:
        return ""
    if len(known) == 1:
        ((name, p),) = known
        return f"Under another reading of the data ({name}) {_what(found)} is {probability(p)}."
    if len(known) <= LISTED and len({probability(p) for _, p in known}) > 1:
        each = ", ".join(f"{name} {probability(p)}" for name, p in known)
        return f"Under other readings of the data {_what(found)} is: {each}."
    (low, p), (high, q) = min(known, key=_second), max(known, key=_second)
    if probability(p) == probability(q):
        return (
            f"Under each of {len(known)} other readings of the data {_what(found)} is "
            f"{probability(p)}."
        )
    return (
        f"Under {len(known)} other readings of the data {_what(found)} runs from "
        f"{probability(p)} ({low}) to {probability(q)} ({high})."
    )


def _what(found: Findings) -> str:
    if found.benefit:
        return "the probability of benefit"
    kind = MEASURES[found.measure]
    return f"the probability that the {kind.long} is below {kind.null:g}"


def _side(found: Findings) -> str:
    return "above" if found.benefit == "higher" else "below"


def _chance(found: Findings, p: float | None, of: str = "mu") -> str:
    return probability(p, chance_mcse(found, found.engine, p, of))


def _main(found: Findings) -> str:
    if not found.benefit:
        return _undeclared(found)
    record, part = found.record, found.part
    kind = MEASURES[found.measure]
    null = f"{kind.null:g}"
    name, singular = subject(record)
    verb, what = target(record)
    sentence = (
        f"The probability that {name} {conjugated(verb, singular)} {what} is "
        f"{_chance(found, part['prob_benefit'][null])}"
    )
    new = part.get("prob_benefit_new", {})
    both = [new.get(null)]
    absolute = record.get("absolute") or {}
    asked = f"{absolute.get('important') or 0:g}"
    chances = absolute.get("prob") or {}
    if absolute.get("declared", True) and asked in chances.get("mu", {}):
        verb, what = change(record, float(asked))
        clause = f"that {'it' if singular else 'they'} {conjugated(verb, singular)} {what}"
        p = _chance(found, chances["mu"][asked])
        if any_benefit := by_other(found):
            event, none = any_benefit
            sentence += f"; by the {MEASURES[absolute['measure']].long}, P({event}) is "
            sentence += f"{_chance(found, none['mu'])} and the probability {clause}, {p}"
            both.append(none.get("theta_new"))
        else:
            sentence += f"; {clause}, {p}"
        both.append(chances.get("theta_new", {}).get(asked))
    elif threshold := _demanding(found):
        sentence += f"; that the {kind.long} is {_side(found)} {signed(threshold)}, "
        sentence += _chance(found, part["prob_benefit"][threshold])
        both.append(new.get(threshold))
    return sentence + _anew(found, both)


def _undeclared(found: Findings) -> str:
    """Give both sides of no effect where none was declared the better one."""
    kind, part = MEASURES[found.measure], found.part
    null = f"{kind.null:g}"
    said = [_chance(found, part[word][null]) for word in ("prob_below", "prob_above")]
    sentence = (
        f"The probability that the {kind.long} is below {null} is {said[0]}; that it is above, "
        f"{said[1]}"
    )
    new = [part.get(f"prob_{side}_new", {}).get(null) for side in ("below", "above")]
    return sentence + _anew(found, new)


def _anew(found: Findings, chances: Sequence[float | None]) -> str:
    """End a sentence with the same probabilities in a new trial."""
    said = [_chance(found, p, "theta_new") for p in chances if p is not None]
    if len(said) < len(chances) or not said:
        return "."
    if len(said) == 1:
        return f"; in a new trial like these, {said[0]}."
    count = {2: "two", 3: "three"}[len(said)]
    return f"; in a new trial like these the {count} are {', '.join(said[:-1])} and {said[-1]}."


def _demanding(found: Findings) -> str | None:
    """The threshold that matters, or the one furthest on the better side of no effect."""
    null = MEASURES[found.measure].null
    sign = 1 if found.benefit == "higher" else -1
    labels = [label for label in found.part["prob_benefit"] if sign * (float(label) - null) > 0]
    important = found.record["important"]
    same = [label for label in labels if important is not None and float(label) == important]
    return same[0] if same else max(labels, key=lambda label: sign * float(label), default=None)


def _effect(found: Findings) -> str:
    natural, kind = found.part["natural"], MEASURES[found.measure]
    names = [name for name in ("mu", "theta_new") if name in natural]
    decimals = places(kind.ratio, [ends(natural[name]) for name in names])
    pooled = "pooled " if found.record["trials"] > 1 else ""
    middle, lower, upper = three(found, found.engine, "mu", decimals)
    sentence = (
        f"The {pooled}{kind.long} is {middle} (posterior median) and lies between {lower} and "
        f"{upper} with 95 % probability"
    )
    if "theta_new" not in natural:
        return f"{sentence}."
    _, lower, upper = three(found, found.engine, "theta_new", decimals)
    return f"{sentence}; in a new trial like these it would lie between {lower} and {upper}."


def _absolute(found: Findings) -> str:
    part = found.record.get("absolute") or {}
    at = part.get("headline", "median")
    rows = [r for r in part.get("rows", []) if (r["quantity"], r["baseline"]) == ("mu", at)]
    if not rows or rows[0]["per_1000"]["median"] is None:
        return ""
    per = rows[0]["per_1000"]
    event = found.record.get("event") or "events"
    middle, lower, upper = (_difference(per[word]) for word in ("median", "lower", "upper"))
    where = "the median control risk of these trials"
    if at == "model":
        where = "a control risk taken from a model of these trials (their median is 0 or 1)"
    at, means = f"At {where}", "this means"
    if is_other(found):
        by = MEASURES[part["measure"]].long
        at = (
            f"By the {by}, since the {MEASURES[found.measure].long} would carry risks past 1, "
            f"at {where}"
        )
        means = "there would be"
    return (
        f"{at}, {1000 * rows[0]['risk_control']:.3g} per "
        f"1,000, {means} {middle} {event} per 1,000 (95 % interval: {lower} to {upper})."
    )


def _difference(per_1000: float | None) -> str:
    if per_1000 is None:
        return "–"
    return f"{abs(round(per_1000)):,} {'more' if per_1000 > 0 else 'fewer'}"


def _matters(found: Findings) -> str:
    """Give the probability of an effect that matters, unless the main sentence has it."""
    record = found.record
    first: dict[str, Any] = next(iter(record.get("other_priors") or []), {})
    p, important = first.get("prob_important"), record["important"]
    if p is None or important is None or not found.benefit:
        return ""
    absolute = record.get("absolute") or {}
    said = absolute.get("declared", True) and absolute.get("prob")
    main = None if said else _demanding(found)
    if main is not None and float(main) == important:
        return ""
    kind = MEASURES[found.measure]
    return (
        f"The probability of an effect that matters, {article(kind.long)} {kind.long} "
        f"{_side(found)} {signed(f'{important:.3g}')}, is {_chance(found, p)}."
    )


def _prior(found: Findings) -> str:
    record = found.record
    own = record["priors"]
    said = " and ".join(f"{part} ~ {brief(own[part])}" for part in ("mu", "tau") if own[part])
    sentence = f"It rests on the {own['name']} prior, {said}"
    rows = record.get("other_priors") or []
    if rows and rows[0].get("says"):
        says = signed(str(rows[0]["says"]).strip().rstrip("."))
        sentence += f". {says[:1].upper()}{says[1:]}"
    return f"{sentence}."


def _over_priors(found: Findings) -> str:
    rows = found.record.get("other_priors") or []
    known = _answered(found, rows, "prior")
    if len(known) < 2:
        return ""
    (low, p), (high, q) = min(known, key=_second), max(known, key=_second)
    if _chance(found, p) == _chance(found, q):
        return f"Under every named prior {_what(found)} is {_chance(found, p)}."
    return (
        f"Between the {low} and the {high} prior {_what(found)} runs from "
        f"{_chance(found, p)} to {_chance(found, q)}."
    )


def _left_out(found: Findings) -> str:
    known = _answered(found, found.record.get("leave_one_out") or [], "without")
    if not known:
        return ""
    null = f"{MEASURES[found.measure].null:g}"
    whole = found.part["prob_benefit" if found.benefit else "prob_below"][null]
    most = max(known, key=lambda pair: abs(pair[1] - whole))
    (low, p), (high, q) = min(known, key=_second), max(known, key=_second)
    if len(known) == 1:
        return (
            f"Without {low} {_what(found)} is {_chance(found, p)}; it is {_chance(found, whole)} "
            "with all trials."
        )
    return (
        f"Without any one of the trials {_what(found)} ranges from {_chance(found, p)} (without "
        f"{low}) to {_chance(found, q)} (without {high}); it is {_chance(found, whole)} with all "
        f"of them, and leaving out {most[0]} moves it most."
    )


def _agreed(found: Findings) -> str:
    sentence = signed(verdict(found))
    methods = {row["method"]: row for row in found.record["frequentist"]}
    kind = MEASURES[found.measure]
    common = found.record["effects"] == "common" or found.record["trials"] == 1
    for method, words in CROSS[2:] if common else CROSS:
        row = methods.get(method)
        if row is None or row["estimate"] is None or row["lower"] is None:
            continue
        # RD is always the difference here, so only a ratio needs turning back.
        back = math.exp if kind.ratio else float
        try:
            values = [back(row[word]) for word in ("estimate", "lower", "upper")]
        except OverflowError:  # beyond 1e308: no ratio that could be told
            return sentence
        decimals = places(kind.ratio, [(values[0], values[1], values[2])])
        middle, lower, upper = (number(value, decimals, ratio=kind.ratio) for value in values)
        return f"{sentence} The classical estimate ({words}) is {middle}, {lower} to {upper}."
    return sentence


def _answered(
    found: Findings, rows: Sequence[dict[str, Any]], name: str = "scenario"
) -> list[tuple[str, float]]:
    """(name, P(benefit)) of the rows that have an answer."""
    word = "prob_benefit" if found.benefit else "prob_below"
    known = [(str(row[name]), row.get(word)) for row in rows]
    return [(label, p) for label, p in known if p is not None and not math.isnan(p)]


def _second(pair: tuple[str, float]) -> float:
    return pair[1]
