"""The first screen: each answer in a sentence, why it is not surer, GRADE's summary of findings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from bayespool.errors import BayespoolError
from bayespool.figures.words import number
from bayespool.measures import MEASURES, symbol
from bayespool.prose import words
from bayespool.prose.phrases import conjugated, signed, subject, target
from bayespool.prose.words import Findings, chance_mcse, ends, places, three
from bayespool.studies import flag_of
from bayespool.subsets import flagged
from bayespool.summaries import count_of, probability

__all__ = [
    "LEVELS", "Row", "answer", "bands", "bands_note", "imprecision", "row_of", "unit_of",
    "why_not_surer",
]  # fmt: skip

LEVELS = ("no concern", "serious", "very serious", "extremely serious")
_known: WeakKeyDictionary[Any, str] = WeakKeyDictionary()  # while the analysis is there
FEW = 5  # trials, below which the data say little about tau
SIZES = ("trivial", "small", "moderate", "large")


@dataclass(frozen=True)
class Row:
    """One outcome in the summary of findings; "" where it has no such number."""

    trials: str
    participants: str
    effect: str
    without: str
    with_treatment: str
    difference: str
    benefit: str
    important: str
    important_is: str
    levels: int | None
    imprecision: str
    holds: str
    comments: list[str]


def answer(analysis: Any) -> str:
    """Give effect, probability of benefit and absolute effect in one sentence."""
    found = Findings(analysis.record)
    kind = MEASURES[found.measure]
    middle, lower, upper = _effect(found)
    unit = f" {unit}" if (unit := unit_of(analysis)) else ""
    said = [
        f"the {kind.long} is {middle}{unit} (95 % interval {lower} to {upper})",
        _chance_of(found),
    ]
    if per := _per_1000(found):
        risk, event, (middle, lower, upper) = per
        other = analysis.record["absolute"]["measure"]
        by = "" if other == found.measure else f"by the {MEASURES[other].long}, "
        said.append(
            f"{by}at a control risk of {risk} per 1,000 there would be {middle} {event} per 1,000 "
            f"({lower} to {upper})"
        )
    sentence = ", and ".join([", ".join(said[:-1]), said[-1]])
    return f"{sentence[:1].upper()}{sentence[1:]}."


def why_not_surer(analysis: Any) -> list[str]:
    """Say what limits the answer: imprecision, a new trial, some of the trials, the prior."""
    record = analysis.record
    found = Findings(record)
    moved = [text for text in (_by_trial(found), _by_doubt(analysis), _by_prior(found)) if text]
    # The first says what it is that moves.
    moved[:1] = [text.replace(" it is ", " the probability is ") for text in moved[:1]]
    return [text for text in (_imprecise(found), _anew(found), *moved) if text]


def row_of(analysis: Any) -> Row:
    """Gather one outcome's row of the summary of findings."""
    record = analysis.record
    found = Findings(record, analysis.tables)
    middle, lower, upper = _effect(found)
    per = _per_1000(found)
    without = with_treatment = difference = ""
    row = _headline(record)
    if per and row:
        without = f"{per[0]} per 1,000"
        risk = row["risk_treatment"]
        risks = [_of_1000(risk[word]) for word in ("median", "lower", "upper")]
        with_treatment = f"{risks[0]} per 1,000 ({risks[1]} to {risks[2]})"
        difference = f"{per[2][0]} per 1,000 ({per[2][1]} to {per[2][2]})"
    p, what = _important(found)
    level = _levels(found)
    pooled = "trials_pooled" in analysis.trials.frame
    people = record["participants"]
    return Row(
        trials=f"{record['trials']} pooled" if pooled else str(record["trials"]),
        participants="" if people is None else f"{people:,}",
        effect=" ".join(
            part
            for part in (symbol(found.measure), middle, unit_of(analysis), f"({lower} to {upper})")
            if part
        ),
        without=without,
        with_treatment=with_treatment,
        difference=difference,
        benefit=words.chance(analysis, "") if found.benefit else _side(found),
        important=p,
        important_is=what,
        levels=None if level is None else level[0],
        imprecision="" if level is None else LEVELS[level[0]],
        holds="" if level is None else level[1],
        comments=_comments(found, _by_doubt(analysis)),
    )


def unit_of(analysis: Any) -> str:
    """The unit that the file gives to a difference of means, without what it says in brackets."""
    frame = analysis.trials.frame
    if analysis.measure != "MD" or "unit" not in frame:
        return ""
    units = {str(unit).split("(")[0].strip() for unit in frame["unit"].dropna()}
    return units.pop() if len(units) == 1 else ""


def _side(found: Findings) -> str:
    null = f"{MEASURES[found.measure].null:g}"
    p = found.part["prob_below"][null]
    return f"P({symbol(found.measure)} < {null}) {_said(found, p)}"


def bands(record: dict[str, Any]) -> list[float] | None:
    """Thresholds between a trivial, small, moderate and large effect; None without a scale.

    Per 1,000 patients for counts, else in natural units. What is below the smallest important
    effect is trivial; a moderate effect begins at twice it and a large one at four times, on the
    analysis scale.
    """
    if absolute := record.get("absolute"):
        m = float(absolute["important"])
        return [m, 2 * m, 4 * m]
    m = record["important"]
    if m is None:
        return None
    return [m, m**2, m**4] if MEASURES[record["measure"]].ratio else [m, 2 * m, 4 * m]


def bands_note(record: dict[str, Any], unit: str = "") -> str:
    """List an outcome's bands, and say where they come from if not from the analyst."""
    edges = bands(record)
    if edges is None:
        return "none, as no important effect is declared, until you set them"
    absolute = record.get("absolute")
    if absolute:
        unit = f"{record.get('event') or 'events'} per 1,000"
    name = "" if absolute else f"{symbol(record['measure'])} "
    *first, last = (signed(f"{edge:.3g}") for edge in edges)
    said = " ".join(filter(None, (f"{name}{', '.join(first)} and {last}", unit)))
    if absolute and not absolute.get("declared", True):
        return f"{said}; no absolute effect was declared, so {edges[0]:g} is supposed"
    return said


def imprecision(
    lower: float, upper: float, thresholds: list[float], ratio: bool, benefit: str | None
) -> tuple[int, str]:
    """Levels down for imprecision, and which effects the 95 % interval holds.

    One level for each edge of a band that lies inside the interval, at most three (after
    Schünemann et al. 2022, J Clin Epidemiol 150:225).

    Parameters
    ----------
    lower, upper : float
        The interval, in the unit of `thresholds`.
    thresholds : list of float
        As `bands` gives them, on one side of no effect; the other side mirrors them.
    ratio : bool
        No effect is 1 and its mirror the reciprocal, else 0 and the negative.
    """
    edges = sorted([*thresholds, *(1 / b if ratio else -b for b in thresholds)])
    crossed = sum(lower < edge < upper for edge in edges)
    # An end that lies on an edge belongs to the side on which the interval is.
    places = (sum(edge <= lower for edge in edges) - 3, sum(edge < upper for edge in edges) - 3)
    first, last = (_band(place, benefit) for place in places)
    return min(crossed, 3), first if first == last else f"{first} to {last}"


def _band(place: int, benefit: str | None) -> str:
    if place == 0:
        return "trivial effect"
    side = "lower" if place < 0 else "higher"
    if benefit is None:
        return f"{SIZES[abs(place)]} {'decrease' if place < 0 else 'increase'}"
    return f"{SIZES[abs(place)]} {'benefit' if side == benefit else 'harm'}"


def _levels(found: Findings) -> tuple[int, str] | None:
    record = found.record
    thresholds = bands(record)
    row = _headline(record)
    where = row["per_1000"] if row else found.part["natural"]["mu"]
    if thresholds is None or where["lower"] is None or where["upper"] is None:
        return None
    ratio = MEASURES[found.measure].ratio and row is None
    return imprecision(where["lower"], where["upper"], thresholds, ratio, found.benefit)


def _effect(found: Findings) -> tuple[str, str, str]:
    natural = found.part["natural"]
    rows = [ends(natural[name]) for name in ("mu", "theta_new") if name in natural]
    return three(found, found.engine, "mu", places(MEASURES[found.measure].ratio, rows))


def _chance_of(found: Findings) -> str:
    kind = MEASURES[found.measure]
    null = f"{kind.null:g}"
    if not found.benefit:
        p = found.part["prob_below"][null]
        return f"the probability that it is below {null} is {_said(found, p)}"
    name, singular = subject(found.record)
    verb, what = target(found.record)
    p = found.part["prob_benefit"][null]
    return f"the probability that {name} {conjugated(verb, singular)} {what} is {_said(found, p)}"


def _said(found: Findings, p: float | None, of: str = "mu") -> str:
    return probability(p, chance_mcse(found, found.engine, p, of))


def _headline(record: dict[str, Any], quantity: str = "mu") -> dict[str, Any] | None:
    part = record.get("absolute") or {}
    at = part.get("headline", "median")
    for row in part.get("rows", []):
        if (row["quantity"], row["baseline"]) == (quantity, at):
            return None if row["per_1000"]["median"] is None else row
    return None


def _per_1000(found: Findings) -> tuple[str, str, list[str]] | None:
    row = _headline(found.record)
    if row is None:
        return None
    event = found.record.get("event") or "events"
    said = [_difference(row["per_1000"][word]) for word in ("median", "lower", "upper")]
    return _of_1000(row["risk_control"]), str(event), said


def _of_1000(risk: float) -> str:
    return f"{math.floor(1000 * risk + 0.5)}" if risk >= 0.01 else f"{1000 * risk:.2g}"


def _difference(per_1000: float | None) -> str:
    if per_1000 is None:
        return "–"
    return f"{math.floor(abs(per_1000) + 0.5):,} {'more' if per_1000 > 0 else 'fewer'}"


def _important(found: Findings) -> tuple[str, str]:
    """P(important benefit), and what is important."""
    record = found.record
    absolute = record.get("absolute") or {}
    asked = f"{absolute.get('important') or 0:g}"
    if absolute.get("declared", True) and asked in (absolute.get("prob") or {}).get("mu", {}):
        way = "more" if found.benefit == "higher" else "fewer"
        p = absolute["prob"]["mu"][asked]
        return _said(found, p), f"at least {asked} {way} per 1,000{_by_other(found)}"
    first: dict[str, Any] = next(iter(record.get("other_priors") or []), {})
    if first.get("prob_important") is None or record["important"] is None:
        return "", ""
    what = signed(words.beyond(found, f"{record['important']:.3g}"))
    return _said(found, first["prob_important"]), what


def _by_other(found: Findings) -> str:
    """Whose the probabilities per 1,000 are where not the effect's; and that of any benefit by it.

    By the effect itself a benefit of any size may be less probable than an important one.
    """
    absolute = found.record["absolute"]
    other = absolute["measure"]
    if other == found.measure:
        return ""
    said = f", by the {MEASURES[other].long}"
    p = (absolute.get("prob_benefit") or {}).get("mu")
    if p is None:
        return said
    sign = ">" if found.benefit == "higher" else "<"
    return f"{said}; P({symbol(other)} {sign} {MEASURES[other].null:g}) is {_said(found, p)}"


def _imprecise(found: Findings) -> str:
    level = _levels(found)
    natural = found.part["natural"]["mu"]
    lower, upper = natural["lower"], natural["upper"]
    null = MEASURES[found.measure].null
    both = lower is not None and upper is not None and lower < null < upper
    holds = f"from a {level[1].replace(' to ', ' to a ')}" if level and level[0] else ""
    if both and found.benefit and not (level and "harm" not in level[1]):
        return "the interval spans benefit and harm" + (f", {holds}" if holds else "")
    if holds:
        return f"the interval reaches {holds}"
    if not both:
        return ""
    _, low, high = _effect(found)
    size = ", all of them trivial by the bands of effect" if level else ""
    return f"the interval, {low} to {high}, includes effects on both sides of none{size}"


def _anew(found: Findings) -> str:
    """The effect in a new trial, where it could be on either side; and what tau rests on."""
    natural = found.part["natural"]
    new = natural.get("theta_new")
    if not new or new["lower"] is None or new["upper"] is None:
        return ""
    null = MEASURES[found.measure].null
    if not new["lower"] < null < new["upper"]:
        return ""
    rows = [ends(natural[name]) for name in ("mu", "theta_new")]
    decimals = places(MEASURES[found.measure].ratio, rows)
    _, lower, upper = three(found, found.engine, "theta_new", decimals)
    k = found.record["trials"]
    rests = f" (with {'one trial' if k == 1 else f'{k} trials'} tau rests on its prior)"
    return f"in a new trial the effect could be {lower} to {upper}{rests if k < FEW else ''}"


def _by_doubt(analysis: Any) -> str:
    """The answer without the trials that the file flags: a sentence and a row ask for it."""
    if analysis not in _known:
        _known[analysis] = _without_doubted(analysis)
    return _known[analysis]


def _without_doubted(analysis: Any) -> str:
    found = Findings(analysis.record)
    flag = flag_of(analysis)
    if not flag or analysis.surface is None or analysis.exact is None:
        return ""
    try:
        names = flagged(analysis.surface, flag)
        if len(names) == len(analysis.surface.kept):
            return ""
        left = analysis.surface.posterior(analysis.priors, dict.fromkeys(names, 0.0))
    except BayespoolError:  # none of them has an estimate, or what is left says too little
        return ""
    mu = left["mu"]
    p = float(mu.sf(0.0) if found.benefit == "higher" else mu.cdf(0.0))
    said = " and ".join(
        f"{column.replace('_', ' ')} {' or '.join(str(v) for v in values)}"
        for column, values in flag.items()
    )
    one = len(names) == 1
    those = "one trial" if one else f"{len(names)} trials"
    return f"without the {those} with {said} it is {probability(p)}"


def _by_prior(found: Findings) -> str:
    for row in found.record.get("other_priors") or []:
        p = row.get("prob_benefit")
        if row["prior"] == "sceptical" and p is not None and not math.isnan(p):
            every = "all trials and " if found.record["trials"] > 1 else ""
            return f"with {every}the sceptical prior it is {_said(found, p)}"
    return ""


def _by_trial(found: Findings) -> str:
    word = "prob_benefit" if found.benefit else "prob_below"
    whole = found.part[word][f"{MEASURES[found.measure].null:g}"]
    rows = [r for r in found.record.get("leave_one_out") or [] if r.get(word) is not None]
    if not rows or whole is None:
        return ""
    most = max(rows, key=lambda row: abs(row[word] - whole))
    return (
        f"without {most['without']}, the trial that moves it most, the probability is "
        f"{_said(found, most[word])}"
    )


def _comments(found: Findings, doubt: str) -> list[str]:
    """What does not fit in a cell: the new trial, tau, flagged trials, the engines."""
    record = found.record
    said = [f"{note[:1].upper()}{note[1:]}." for note in (_anew(found),) if note]
    tau = found.part.get("tau")
    if tau and tau["median"] is not None:
        said.append(f"Tau {number(tau['median'], 2)}.")
    if doubt:
        said.append(f"{doubt[:1].upper()}{doubt[1:].replace(' it is ', ' P is ')}.")
    table = found.tables.get("trials")
    if table is not None and "trials_pooled" in table:
        counts = [count_of(cell) for cell in table["trials_pooled"]]
        known = [count for count in counts if count is not None]
        source = f", pooled from {sum(known):.0f} trials" if len(known) == len(counts) else ""
        said.append(f"A published estimate{source}.")
    elif record["trials"] == 1:
        said.append("One trial.")
    if (record.get("absolute") or {}).get("measure", found.measure) != found.measure:
        said.append(f"Absolute effects by the {record['absolute']['measure']}.")
    if record["agreement"]["ok"] is False:
        said.append("The engines disagree.")
    return said
