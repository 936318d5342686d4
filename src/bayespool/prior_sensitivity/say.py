"""A tipping prior in a sentence."""

from __future__ import annotations

import numpy as np

from bayespool.axes import Array
from bayespool.decisions import Question
from bayespool.exact import Surface
from bayespool.measures import symbol, to_natural
from bayespool.prior import Prior
from bayespool.prior.words import WORTH_IN, percent, short
from bayespool.summaries import probability

__all__ = ["event", "no_root", "of_important", "root"]

_WIDTH = {"sceptical prior": "an SD", "tau scale": "a scale"}


def event(measure: str, asked: Question) -> str:
    """Write what is asked: ``P(RR < 1)``."""
    sign = ">" if asked.benefit == "higher" else "<"
    return f"P({symbol(measure)} {sign} {minus(asked.label)})"


def root(
    surface: Surface,
    what: str,
    prior: Prior,
    asked: str,
    level: float,
    direction: str,
    natural: float,
    worth: float | None,
) -> str:
    """Say which prior brings the answer to the level, without a full stop."""
    ends = f"{asked} {direction} to {level:g}"
    if what == "tau scale":
        middle = short(float(prior.ppf(0.5)))
        return f"{ends} with {_text(prior)} on tau, which puts half of its mass above {middle}"
    low, high = (short(float(v)) for v in to_natural(prior.ppf([0.025, 0.975]), surface.scale))
    name = symbol(surface.measure)
    reach = f"95 % of it between {name} {minus(low)} and {minus(high)}"
    if worth is not None:
        reach += f", worth about {short(worth)} {WORTH_IN[surface.measure]}"
    if what == "centre":
        at = minus(f"{natural:.3g}")
        return f"{ends} with the main prior on mu centred on {name} {at} ({reach})"
    return f"{ends} with the sceptical prior {_text(prior)} ({reach})"


def no_root(
    name: str,
    what: str,
    family: str,
    ends: tuple[float, float],
    asked: str,
    level: float,
    direction: str,
    along: Array,
) -> str:
    """Say that no prior of a family tips the answer, how far was looked, and what was seen."""
    low, high = (minus(short(end)) for end in ends)
    looked = f"centred on {name}" if what == "centre" else f"with {_WIDTH[what]}"
    lowest, highest = probability(float(np.min(along))), probability(float(np.max(along)))
    way = "down" if direction == "falls" else "up"
    beyond = np.max(along) < level if direction == "falls" else np.min(along) > level
    if beyond:
        side = "below" if direction == "falls" else "above"
        return (
            f"Every {family}, {looked} from {low} to {high}, puts {asked} {side} {level:g}: the "
            f"main prior is not of this family (it runs from {lowest} to {highest})."
        )
    return (
        f"No {family}, {looked} from {low} to {high}, brings {asked} {way} to {level:g}: no prior "
        f"of this family tips it (it runs from {lowest} to {highest})."
    )


def of_important(measure: str, benefit: str | None, important: float, chance: float) -> str:
    """Say what a prior thinks of an effect that matters."""
    side = ">" if benefit == "higher" else "<"
    at = minus(f"{important:.3g}")
    return f"; it gives {percent(chance)} to an effect that matters ({symbol(measure)} {side} {at})"


def minus(text: str) -> str:
    """Set a true minus before a number."""
    return text.replace("e-", "e−").replace("-", "−")


def _text(prior: Prior) -> str:
    values = ", ".join(minus(short(value)) for value in prior.values)
    return f"{prior.family}({values})"
