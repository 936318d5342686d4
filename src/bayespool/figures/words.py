"""How an effect and its interval are written for readers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

__all__ = ["brief", "decimals_for", "number", "spread"]


def number(x: float | None, decimals: int = 2, minus: str = "−", ratio: bool = False) -> str:
    """Write a number with so many decimals; fewer from 100 on, powers of ten beyond 99,999.

    None and NaN are a dash, a rounded zero has no sign; a ratio never becomes 0.
    """
    if x is None or math.isnan(x):
        return "–"
    if math.isinf(x):
        return "∞" if x > 0 else f"{minus}∞"
    size = abs(x)
    if size >= 99999.5:
        text = re.sub(r"e\+0*", "e", f"{size:.0e}")
    elif ratio and 0 < size < 0.5 * 10**-decimals:
        text = f"{size:.1g}" if size >= 1e-4 else "<0.0001"
    else:
        text = f"{size:.{0 if size >= 100 else decimals}f}"
    return minus + text if x < 0 and float(text) != 0 else text


def spread(
    values: Sequence[float | None], decimals: int = 2, minus: str = "−", ratio: bool = False
) -> str:
    """Write a value with its interval: ``0.71 [0.45, 1.00]``."""
    middle, lower, upper = (number(v, decimals, minus, ratio) for v in values)
    return f"{middle} [{lower}, {upper}]"


def brief(prior: str) -> str:
    """Shorten the numbers of a prior's text to four digits: ``Normal(0, 0.2168)``."""
    return re.sub(r"\d+\.\d{5,}(?:e[-+]?\d+)?", lambda m: f"{float(m[0]):.4g}", prior)


def decimals_for(ratio: bool, intervals: Iterable[tuple[float, float]]) -> int:
    """Choose decimals: two for ratios, else enough to show the shortest interval to two digits."""
    if ratio:
        return 2
    widths = [upper - lower for lower, upper in intervals if 0 < upper - lower < math.inf]
    if not widths:
        return 2
    return min(max(1 - math.floor(math.log10(min(widths))), 0), 4)
