"""Effect measures: what each means, the risks it implies, and a trial's estimate on it."""

from __future__ import annotations

from bayespool.measures.effects import control_risks, effect_sizes, informative, no_contrast
from bayespool.measures.medians import moments, skewed
from bayespool.measures.odds_product import MAX_PHI, MAX_THETA, risks
from bayespool.measures.words import (
    MEASURES,
    Measure,
    axis_label,
    default_likelihood,
    from_natural,
    measure,
    ratio_ticks,
    scale_of,
    symbol,
    to_natural,
)

__all__ = [
    "MAX_PHI",
    "MAX_THETA",
    "MEASURES",
    "Measure",
    "axis_label",
    "control_risks",
    "default_likelihood",
    "effect_sizes",
    "from_natural",
    "informative",
    "measure",
    "moments",
    "no_contrast",
    "ratio_ticks",
    "risks",
    "scale_of",
    "skewed",
    "symbol",
    "to_natural",
]
