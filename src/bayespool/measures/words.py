"""The measures' names, their scales, and how they are written on an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bayespool.errors import UsageError
from bayespool.trials import Trials

Likelihood = Literal["binomial", "normal", "arms"]
Scale = Literal["log", "identity", "atanh"]

_MEANS = ("continuous", "quartiles", "range", "five", "generic")


@dataclass(frozen=True)
class Measure:
    """An effect measure, treatment against control.

    Attributes
    ----------
    name : str
        As the command line takes it: ``"RR"``.
    long : str
        In words: ``"risk ratio"``.
    ratio : bool
        Whether it lives on the natural log scale.
    null : float
        No effect, in natural units: 1 for a ratio, 0 for a difference.
    layouts : tuple of str
        The layouts it can be computed from.
    """

    name: str
    long: str
    ratio: bool
    layouts: tuple[str, ...]

    @property
    def null(self) -> float:
        return 1.0 if self.ratio else 0.0


MEASURES: dict[str, Measure] = {
    m.name: m
    for m in (
        Measure("OR", "odds ratio", True, ("binary", "generic")),
        Measure("RR", "risk ratio", True, ("binary", "generic")),
        Measure("RD", "risk difference", False, ("binary", "generic")),
        Measure("MD", "mean difference", False, _MEANS),
        Measure("SMD", "standardised mean difference", False, _MEANS),
        Measure("ROM", "ratio of means", True, _MEANS),
        Measure("HR", "hazard ratio", True, ("generic",)),
        Measure("generic", "effect", False, ("generic",)),
    )
}


def measure(name: str) -> Measure:
    """Return the measure called `name`; UsageError that lists them all if there is none."""
    found = MEASURES.get(name)
    if found is None:
        raise UsageError(f"there is no measure {name!r}. Choose one of {', '.join(MEASURES)}.")
    return found


_find = measure  # where an argument is called `measure`


def check_layout(trials: Trials, measure: str) -> Measure:
    """Return the measure; UsageError if these trials' layout cannot give it."""
    found = _find(measure)
    if trials.layout not in found.layouts:
        possible = [m.name for m in MEASURES.values() if trials.layout in m.layouts]
        raise UsageError(
            f"{trials.path}: {measure} ({found.long}) cannot be computed from the "
            f"{trials.layout} layout, which has {', '.join(possible)}; {measure} needs "
            f"{' or '.join(found.layouts)}."
        )
    return found


def default_likelihood(trials: Trials, measure: str) -> Likelihood:
    """``"binomial"`` for counts, else ``"normal"``; UsageError for an impossible measure."""
    check_layout(trials, measure)
    return "binomial" if trials.layout == "binary" else "normal"


def scale_of(measure: str, likelihood: str) -> Scale:
    """Name the analysis scale of mu: log for ratios, atanh for RD by the binomial model."""
    if _find(measure).ratio:
        return "log"
    if likelihood == "binomial":
        return "atanh"
    return "identity"


def to_natural(x: Any, scale: str) -> Any:
    """From the analysis scale to natural units: exp, tanh or nothing at all. Any shape."""
    x = np.asarray(x, dtype=float)
    if scale == "log":
        with np.errstate(over="ignore"):
            return np.exp(x)[()]
    return np.tanh(x)[()] if scale == "atanh" else x[()]


def from_natural(x: Any, scale: str) -> Any:
    """From natural units to the analysis scale. Any shape.

    Raises
    ------
    UsageError
        NaN or infinite, a ratio of 0 or below, a risk difference outside (-1, 1).
    """
    x = np.asarray(x, dtype=float)
    for value in x.ravel():
        if not math.isfinite(value):
            raise UsageError(f"{value} is not an effect: give a finite number.")
        if scale == "log" and value <= 0:
            raise UsageError(f"{value:g} is not a ratio: ratios are above 0, and 1 is no effect.")
        if scale == "atanh" and abs(value) >= 1:
            raise UsageError(f"{value:g} is not a risk difference: those lie between -1 and 1.")
    if scale == "log":
        return np.log(x)[()]
    return np.arctanh(x)[()] if scale == "atanh" else x[()]


def axis_label(measure: str) -> str:
    """Name the measure in words with a capital: ``"Risk ratio"``."""
    return _find(measure).long.capitalize()


def symbol(measure: str) -> str:
    """How a measure stands before < and >: RR, or "effect" where it has no name of its own."""
    return "effect" if measure == "generic" else measure


def ratio_ticks(lower: float, upper: float) -> list[float]:
    """At most six round ratios in [lower, upper] for a log axis, as 0.25, 0.5, 1, 2.

    Powers of 2 where there are three of them, else even steps on a short axis and 1, 2, 5 or 1, 3
    in each power of 10 on a long one; the ends themselves where nothing round lies between them.
    """
    if not 1e-300 < lower < upper < 1e300:
        raise UsageError(f"a log axis cannot run from {lower:g} to {upper:g}.")
    low, high = lower * (1 - 1e-9), upper * (1 + 1e-9)
    decades = range(math.floor(math.log10(lower)), math.ceil(math.log10(upper)) + 1)
    powers = [2.0**i for i in range(-5, 6) if low <= 2.0**i <= high]
    even = [_even(step, low, high) for step in (1, 2, 5, 10, 20, 50, 100, 250)]
    ladders = [powers, *even] if len(powers) > 2 else [*even, powers]
    if lower <= 1 / 32 or upper >= 32:
        ladders = even
    ladders += [
        [float(f"{m}e{i}") for i in decades for m in steps] for steps in ((1, 2, 5), (1, 3))
    ]
    ladders += [[float(f"1e{i}") for i in decades if i % step == 0] for step in range(1, 200)]
    for ladder in ladders:
        ticks = [tick for tick in ladder if low <= tick <= high]
        if 2 <= len(ticks) <= 6:
            return ticks
    return [lower, upper]


def _even(step: int, low: float, high: float) -> list[float]:
    """Multiples of `step` thousandths from `low` on, no more than are needed to see too many."""
    if low > 100:
        return []
    first = math.ceil(1000 * low / step)
    return [i * step / 1000 for i in range(first, first + 8)]
