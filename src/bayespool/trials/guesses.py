"""What a header under other names means: the header that this package would read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["as_trial", "renamed"]

# Words of other programs and of spreadsheets, in lower case, by what they mean here.
STEMS = {
    "events": "event events death deaths died dead case cases responder responders response",
    "n": "n total totals size patients participants subjects randomised randomized number",
    "mean": "mean means average avg",
    "sd": "sd sds stdev std",
    "median": "median med",
    "q1": "q1 p25",
    "q3": "q3 p75",
    "min": "min minimum lowest",
    "max": "max maximum highest",
}
ARMS = {
    "treatment": "treatment treat treated trt tx t e exp experimental intervention int active drug",
    "control": "control controls ctrl ctl con c placebo comparator standard soc usual",
}
WHOLE = {
    "trial": "trial study studies studlab author authors slab label name id trialid studyid",
    "events_treatment": "ai",
    "events_control": "ci",
    "n_treatment": "n1i",
    "n_control": "n2i",
    "mean_treatment": "m1i",
    "mean_control": "m2i",
    "sd_treatment": "sd1i",
    "sd_control": "sd2i",
    "estimate": "estimate yi te effect logor logrr loghr lnor lnrr lnhr",
    "se": "se sei sete stderr seyi",
    "risk_of_bias": "rob bias riskofbias",
    "year": "yr",
}
FILLERS = frozenset({"in", "of", "the", "group", "arm", "no", "with"})


def _table(words: Mapping[str, str]) -> dict[str, str]:
    return {word: name for name, those in words.items() for word in those.split()}


_STEM, _ARM, _WHOLE = _table(STEMS), _table(ARMS), _table(WHOLE)


def as_trial(columns: Sequence[str]) -> str | None:
    """The column that most likely holds the trials' names."""
    return next((name for name in columns if _WHOLE.get("".join(_words(name))) == "trial"), None)


def renamed(
    columns: Sequence[str], layouts: Mapping[Any, tuple[str, ...]]
) -> tuple[str, list[str], tuple[str, str] | None] | None:
    """Read names that fit no layout as another program's, if that makes one layout whole.

    Parameters
    ----------
    columns : sequence of str
    layouts : mapping of str to tuple of str
        The columns that each layout needs, beside the trial.

    Returns
    -------
    (str, list of str, pair of str or None) or None
        The layout, the header to write instead, and where the arms have names of their own
        ("early" and "late") the two of them: the first is taken as the treatment.
    """
    arms = _arms_of(columns)
    own = len(arms) == 2 and not set(arms) & set(_ARM)
    found: list[str] = []
    for name in columns:
        meant = _meant(name, arms or _ARM)
        found.append(name if meant is None or meant in found else meant)
    whole = [layout for layout, needed in layouts.items() if {"trial", *needed} <= set(found)]
    if not whole or list(columns) == found:
        return None
    largest = max(whole, key=lambda layout: len(layouts[layout]))
    first, second = tuple(arms) if own else ("", "")
    return largest, found, (first, second) if own else None


def _words(name: str) -> list[str]:
    """Its words in lower case; a capital after a small letter begins a new one."""
    parts = re.split(r"[^A-Za-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
    return [part.casefold() for part in parts if part and part.casefold() not in FILLERS]


def _meant(name: str, arms: Mapping[str, str]) -> str | None:
    words = _words(name)
    if (one := _WHOLE.get("".join(words))) is not None:
        return one
    stem, arm = _stem_and_arm(words, arms)
    return None if stem is None or arm is None else f"{stem}_{arm}"


def _stem_and_arm(words: list[str], arms: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Read two words as a stem and an arm, in either order; an arm of None is another word."""
    if len(words) != 2:
        return None, None
    for stem, arm in (words, words[::-1]):
        if stem in _STEM and arm in arms:
            return _STEM[stem], arms[arm]
    return next((_STEM[word] for word in words if word in _STEM), None), None


def _arms_of(columns: Sequence[str]) -> dict[str, str]:
    """Say which of two words beside the stems is which arm; empty where all words are known."""
    known: dict[str, str] = {}
    others: list[str] = []
    for name in columns:
        words = _words(name)
        stem, arm = _stem_and_arm(words, _ARM)
        if arm is not None:
            known |= {word: arm for word in words if _ARM.get(word) == arm}
        elif stem is not None:
            others += [word for word in words if _STEM.get(word) != stem and word not in others]
    if len(others) == 2 and not known:
        return {others[0]: "treatment", others[1]: "control"}
    if len(others) == 1 and len(arm_names := set(known.values())) == 1:
        return known | {others[0]: "control" if "treatment" in arm_names else "treatment"}
    return {}
