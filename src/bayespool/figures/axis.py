"""The axis of a forest plot: its ends, its ticks and where a value lies on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bayespool.figures.table import Table
from bayespool.measures import ratio_ticks

__all__ = ["Axis", "axis_of"]

_SHOULDER = 0.35  # a trial's own interval may widen the axis by this share of its core, each side
_MOST = math.log(1000.0)  # a ratio axis reaches no further from its centre
_SLACK = 0.03
_APART = 0.12  # of the axis: two labels closer than this would touch


@dataclass(frozen=True)
class Axis:
    """From natural units to a place between 0 and 1; beyond the ends the place is cut."""

    lower: float
    upper: float
    log: bool

    def place(self, x: float) -> float:
        """Where x lies, cut to [0, 1]."""
        if self.log:
            x = math.log(x) if x > 0 else -math.inf
        return min(max((x - self._low) / (self._high - self._low), 0.0), 1.0)

    def beyond(self, x: float) -> bool:
        return not self.lower <= x <= self.upper

    def ticks(self) -> list[float]:
        """Round values within the ends, such as 0.25, 0.5, 1, 2 on a log axis."""
        if self.log:
            return self._thinned(ratio_ticks(self.lower, self.upper))
        from matplotlib.ticker import MaxNLocator

        found = MaxNLocator(nbins=6, steps=[1, 2, 5, 10]).tick_values(self.lower, self.upper)
        return [float(t) for t in found if self.lower <= t <= self.upper]

    def _thinned(self, ticks: list[float]) -> list[float]:
        """Leave out what would crowd a neighbour, going outward from no effect."""
        start = ticks.index(1.0) if 1.0 in ticks else len(ticks) // 2
        kept = [ticks[start]]
        for tick in ticks[start + 1 :]:
            if self.place(tick) - self.place(kept[-1]) >= _APART:
                kept.append(tick)
        for tick in reversed(ticks[:start]):
            if self.place(kept[0]) - self.place(tick) >= _APART:
                kept.insert(0, tick)
        return kept

    @property
    def _low(self) -> float:
        return math.log(self.lower) if self.log else self.lower

    @property
    def _high(self) -> float:
        return math.log(self.upper) if self.log else self.upper


def axis_of(table: Table) -> Axis:
    """Choose the ends so that what was pooled is seen whole and wide trials are cut.

    The pooled and the shrunken intervals, every trial's point and the line of no effect fix a
    core; trials' own intervals and the prediction interval may widen it, up to a limit.
    """

    def scaled(values: list[float]) -> np.ndarray:
        x = np.array(values, dtype=float)
        if not table.ratio:
            return x[np.isfinite(x)]
        x = x[(x > 0) & np.isfinite(x)]
        return np.log(x)

    own = [row.own for row in table.rows if row.own]
    shrunken = [row.shrunken for row in table.rows if row.shrunken]
    centre = float(scaled([table.pooled[0]])[0])
    core = scaled([table.null, *table.pooled, *(interval[0] for interval in own)])
    core = np.concatenate([core, scaled([x for interval in shrunken for x in interval[1:]])])
    limit = _MOST
    if not table.ratio:
        points = scaled([table.null, table.pooled[0], *(interval[0] for interval in own)])
        widths = [upper - lower for _, lower, upper in own]
        limit = 2 * float(np.ptp(points)) + 3 * (float(np.median(widths)) if widths else 1.0)
    low, high = max(core.min(), centre - limit), min(core.max(), centre + limit)
    reach = _SHOULDER * (high - low)
    wide = scaled([x for interval in [*own, table.predicted] if interval for x in interval[1:]])
    if wide.size:
        low = max(min(low, wide.min()), low - reach, centre - limit)
        high = min(max(high, wide.max()), high + reach, centre + limit)
    if not high > low:
        low, high = centre - 1.0, centre + 1.0
    if table.ratio:
        # Two round ticks at least on each axis: nothing shorter than a factor of 1.5.
        short = max(0.0, math.log(1.5) - (high - low)) / 2
        low, high = low - short, high + short
    slack = _SLACK * (high - low)
    low, high = low - slack, high + slack
    if table.ratio:
        return Axis(math.exp(low), math.exp(high), True)
    return Axis(low, high, False)
