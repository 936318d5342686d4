"""Figures: tables in, matplotlib figures out. Importing this room does not import matplotlib.

``FIGURES`` has every figure of an analysis by the name of its file; `drawable` draws those that
apply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bayespool.figures.benefit import benefit_curve
from bayespool.figures.density import effect_density, prior_posterior
from bayespool.figures.forest import forest
from bayespool.figures.funnel import funnel
from bayespool.figures.named_priors import named_priors
from bayespool.figures.saving import png_bytes, save, save_png, svg_text
from bayespool.figures.table import curves_of
from bayespool.figures.words import brief, decimals_for, number, spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "FIGURES",
    "applies",
    "benefit_curve",
    "brief",
    "curves_of",
    "decimals_for",
    "drawable",
    "effect_density",
    "forest",
    "funnel",
    "named_priors",
    "number",
    "png_bytes",
    "prior_posterior",
    "save",
    "save_png",
    "spread",
    "svg_text",
]

FIGURES: dict[str, Callable[[Any], Figure]] = {
    "forest": forest,
    "effect_density": effect_density,
    "benefit_curve": benefit_curve,
    "prior_posterior": prior_posterior,
    "named_priors": named_priors,
    "funnel": funnel,
}
FUNNEL_FROM = 3  # trials with an estimate of their own; two have no shape


def applies(name: str, analysis: Any) -> bool:
    """Whether a figure of `FIGURES` has anything to show of this analysis."""
    if name == "named_priors":
        return len(analysis.record.get("other_priors") or ()) > 1
    if name == "funnel":
        return int(analysis.tables["trials"]["natural_estimate"].notna().sum()) >= FUNNEL_FROM
    return True


def drawable(analysis: Any) -> dict[str, Figure]:
    """Draw every figure that applies to an analysis, by name."""
    return {name: draw(analysis) for name, draw in FIGURES.items() if applies(name, analysis)}
