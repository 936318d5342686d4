"""The number needed to treat, written from quantiles of the risk difference."""

from __future__ import annotations

import math

__all__ = ["nnt_text"]

SMALLEST = 1e-8  # a risk difference below this is none


def nnt_text(median: float, lower: float, upper: float, benefit: str) -> str:
    """Write the number needed to treat for one to benefit (NNTB) or to be harmed (NNTH).

    Altman (1998), BMJ 317:1309. The NNT is the reciprocal of the risk difference, so an interval
    that holds no difference runs through infinity: ``"NNTB 11 (NNTB 6 to ∞ to NNTH 900)"``. It
    starts at its strongest end on the median's side. Numbers are rounded up to whole patients. It
    has no mean, SD or Monte Carlo error.

    Parameters
    ----------
    median, lower, upper : float
        Of the risk difference, treatment minus control, in [-1, 1].
    benefit : {"lower", "higher"}
        Which side is better.
    """
    sign = -1.0 if benefit == "lower" else 1.0
    middle = sign * median
    low, high = sorted((sign * lower, sign * upper))
    first, last = (low, high) if middle <= -SMALLEST else (high, low)
    if low <= -SMALLEST and high >= SMALLEST:
        return f"{_one(middle)} ({_one(first)} to ∞ to {_one(last)})"
    if abs(first) < SMALLEST and abs(last) < SMALLEST:
        return _one(middle)
    # Both on one side: named once, unless the far end is no difference.
    end = _one(last)
    same = end != "∞" and _one(first) != "∞"
    return f"{_one(middle)} ({_one(first)} to {end.split()[-1] if same else end})"


def _one(difference: float) -> str:
    if abs(difference) < SMALLEST:
        return "∞"
    # 1/0.1 is 10, whatever the last digit of 0.1.
    needed = math.ceil(1 / abs(difference) * (1 - 1e-9))
    if needed > 1000:  # nobody tells 6,485 from 6,490: two digits
        unit = 10 ** (len(str(needed)) - 2)
        needed = (2 * needed + unit) // (2 * unit) * unit
    return f"{'NNTB' if difference > 0 else 'NNTH'} {needed:,}"
