"""The words that carry the numbers: who does what, to how many."""

from __future__ import annotations

import re
from typing import Any

__all__ = [
    "are_people",
    "article",
    "change",
    "conjugated",
    "freedom",
    "signed",
    "subject",
    "target",
]

# Verbs that name the better side; a question with another verb ("cause") is not turned round.
VERBS = {
    "lower": ("lower", "reduce", "shorten", "decrease", "prevent", "avert", "avoid", "cut"),
    "higher": ("raise", "increase", "improve", "help", "lengthen", "prolong", "extend"),
}
PEOPLE = ("patients", "people", "participants", "persons", "women", "men", "children", "adults")


def subject(record: dict[str, Any]) -> tuple[str, bool]:
    """Name the treatment, and say whether it takes a singular verb."""
    name = str(record.get("treatment") or "the treatment")
    asked = re.match(rf"does {re.escape(name)}\s", str(record["question"]), re.IGNORECASE)
    return name, name == "the treatment" or asked is not None


def target(record: dict[str, Any]) -> tuple[str, str]:
    """Say in a verb and its object what a benefit is: ("lower", "deaths").

    Taken from the question ("Do mesenchymal stem cells lower mortality?") where its verb points
    to the declared better side, else from what is counted, else from the outcome's name.
    """
    name, _ = subject(record)
    better = record["benefit"]
    asked = re.fullmatch(
        rf"do(?:es)? {re.escape(name)} (\w+) ([^?]+)\?", str(record["question"]), re.IGNORECASE
    )
    if asked and asked[1].lower() in VERBS[better] and not re.search(r"\b(and|or)\b", asked[2]):
        return asked[1].lower(), asked[2]
    verb = "lower" if better == "lower" else "raise"
    event = str(record.get("event") or "")
    if not event:
        return verb, str(record["analysis"]).replace("_", " ")
    return verb, f"the share of {event}" if are_people(event) else event


def change(record: dict[str, Any], per: float) -> tuple[str, str]:
    """Say in a verb and its object what `per` patients per 1,000 on the better side are."""
    event = str(record.get("event") or "events")
    if record["benefit"] == "higher":
        return "bring", f"at least {per:g} more {event} per 1,000"
    if are_people(event):
        return "leave", f"at least {per:g} fewer {event} per 1,000"
    return "avert", f"at least {per:g} {event} per 1,000"


def signed(text: str) -> str:
    """Set a true minus before a number."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", text)


def are_people(event: str) -> bool:
    """Whether what counts count are people, who cannot be averted."""
    return event.split(" ")[0].lower() in PEOPLE


def conjugated(verb: str, singular: bool) -> str:
    """Give a verb the number of its subject."""
    return f"{verb}s" if singular else verb


def freedom(df: float) -> str:
    """Count degrees of freedom: "1 degree of freedom"."""
    return f"{df:g} degree{'' if df == 1 else 's'} of freedom"


def article(noun: str) -> str:
    """Choose a or an."""
    return "an" if noun[:1].lower() in "aeiou" else "a"
