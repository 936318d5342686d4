"""What a header under other names means: the header that this package would read.

A guess that swapped the arms, or took one thing for another, would be worse than none. So every
word has to be known but one: the arms may have names of their own, and then the reader is asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

__all__ = ["Guess", "as_trial", "computed", "renamed"]

# Words of other programs and of spreadsheets, in lower case, by what they mean here.
STEMS = {
    "events": "event events death deaths died dead case cases responder responders",
    "n": "n total totals size patients participants subjects randomised randomized",
    "mean": "mean means average avg",
    "sd": "sd sds stdev std",
    "median": "median med",
    "q1": "q1 p25",
    "q3": "q3 p75",
    "min": "min minimum lowest",
    "max": "max maximum highest",
}
ARMS = {
    "treatment": "treatment treat treated trt tx experimental intervention t e exp int",
    "control": "control controls ctrl ctl placebo comparator c con",
}
PLAIN = frozenset(["treatment", "treated", "experimental", "intervention", "control", "placebo"])
FILLERS = frozenset(["in", "of", "the", "group", "arm"])
# They turn a meaning round ("no events", "no treatment") or name neither arm.
TURNING = frozenset(["no", "non", "not", "without", "none", "free", "un", "nonevents"])
NEITHER = frozenset(
    ["all", "overall", "pooled", "combined", "both", "difference", "diff", "change", "baseline"]
)
# Exports of metafor (escalc) and meta: read as these only where all of a set are there.
SETS = (
    {"ai": "events_treatment", "n1i": "n_treatment", "ci": "events_control", "n2i": "n_control"},
    {
        "m1i": "mean_treatment",
        "sd1i": "sd_treatment",
        "n1i": "n_treatment",
        "m2i": "mean_control",
        "sd2i": "sd_control",
        "n2i": "n_control",
    },
    {"yi": "estimate", "sei": "se"},
    {"TE": "estimate", "seTE": "se"},
)
# Sets of metafor's that no renaming makes a layout.
COMPUTED = (
    (
        {"ai", "bi", "ci", "di"},
        (
            "They look like the four cells of a two by two table: write events_treatment = ai, "
            "n_treatment = ai + bi, events_control = ci and n_control = ci + di."
        ),
    ),
    (
        {"yi", "vi"},
        (
            "They look like estimates and their variances: write estimate = yi and se = the square "
            "root of vi."
        ),
    ),
)
TRIALS = (
    "study", "studies", "studlab", "slab", "studyid", "trialid", "author", "label", "name", "id",
)  # fmt: skip
OTHERS = {"rob": "risk_of_bias", "riskofbias": "risk_of_bias", "yr": "year"}

_STEM = {word: stem for stem, words in STEMS.items() for word in words.split()}
_ARM = {word: arm for arm, words in ARMS.items() for word in words.split()}


@dataclass(frozen=True)
class Guess:
    """A header to write, and the two arms where only the reader knows which is which."""

    header: tuple[str, ...]
    arms: tuple[str, str] | None


def as_trial(columns: Sequence[str]) -> str | None:
    """The column that most likely holds the trials' names."""
    plain = {"".join(_words(name)): name for name in reversed(columns)}
    return next((plain[word] for word in TRIALS if word in plain), None)


def renamed(columns: Sequence[str], known: Collection[str]) -> Guess | None:
    """Read names that fit no layout as another program's.

    Parameters
    ----------
    columns : sequence of str
    known : collection of str
        The names that stand for what they are.

    Returns
    -------
    Guess or None
        None where nothing is renamed, or two columns would get one name. Whether the header is a
        layout's is for the caller to see.
    """
    arms = _arms_of(columns)
    meant = dict(next((s for s in SETS if s.keys() <= set(columns)), {}))
    trial = None if "trial" in columns else as_trial(columns)
    if trial is not None:
        meant[trial] = "trial"
    for name in columns:
        if name in known or name in meant:
            continue
        words = _words(name)
        if TURNING & {*words}:
            return None
        if (one := OTHERS.get("".join(words))) is not None:
            meant[name] = one
        elif (both := _stem_and_arm(words, arms)) is not None:
            meant[name] = "_".join(both)
    found = tuple(meant.get(name, name) for name in columns)
    if not meant or len(set(found)) < len(found):
        return None
    own = [word for word in arms if word not in _ARM]
    pair = (_of(arms, "treatment"), _of(arms, "control")) if own else None
    return Guess(found, pair)


def computed(columns: Sequence[str]) -> str | None:
    """What to compute from columns that another program would, if they are its."""
    return next((said for names, said in COMPUTED if names <= set(columns)), None)


def _of(arms: dict[str, str], which: str) -> str:
    return next(word for word, arm in arms.items() if arm == which)


def _words(name: str) -> list[str]:
    """Its words in lower case; a capital after a small letter begins a new one."""
    parts = re.split(r"[^A-Za-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
    return [part.casefold() for part in parts if part and part.casefold() not in FILLERS]


def _stem_and_arm(words: list[str], arms: dict[str, str]) -> tuple[str, str] | None:
    """Read two words as a stem and an arm, in either order."""
    if len(words) == 2:
        for stem, arm in (words, words[::-1]):
            if stem in _STEM and arm in arms:
                return _STEM[stem], arms[arm]
    return None


def _arms_of(columns: Sequence[str]) -> dict[str, str]:
    """Say which of the two words beside the stems is which arm; empty where there are not two."""
    seen: list[str] = []
    for name in columns:
        words = _words(name)
        beside = [word for word in words if word not in _STEM]
        if len(words) == 2 and len(beside) == 1 and beside[0] not in NEITHER:
            seen += [word for word in beside if word not in seen]
    if len({_ARM.get(word, word) for word in seen}) != 2:
        return {}
    if all(word in _ARM for word in seen):
        return {word: _ARM[word] for word in seen}
    plain = [word for word in seen if word in PLAIN]
    if len(seen) != 2 or len(plain) > 1:
        return {}
    first, second = seen
    if plain and _ARM[plain[0]] == ("control" if plain[0] == first else "treatment"):
        first, second = second, first
    return {first: "treatment", second: "control"}
