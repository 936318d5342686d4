"""Models held against the data and against each other, as ratios of normalising constants."""

from __future__ import annotations

from bayespool.comparison.averaging import inclusion_factors, model_average
from bayespool.comparison.measures import side_by_side
from bayespool.comparison.models import compare_effects, compare_models
from bayespool.comparison.predictive import elpd, leave_trial_out

__all__ = [
    "compare_effects",
    "compare_models",
    "elpd",
    "inclusion_factors",
    "leave_trial_out",
    "model_average",
    "side_by_side",
]
