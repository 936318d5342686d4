"""The classical cross-check: pooled effects, heterogeneity, small trials, single trials."""

from __future__ import annotations

from bayespool.frequentist.checks import egger, leave_one_out, regress_on_se
from bayespool.frequentist.counts import mantel_haenszel, peto_effects
from bayespool.frequentist.heterogeneity import (
    TAU2_METHODS,
    cochran_q,
    q_profile,
    tau2_estimate,
    typical_variance,
)
from bayespool.frequentist.pooling import (
    METHODS,
    average,
    double_zero_weight,
    interval,
    inverse_variance,
    methods_for,
    pool,
    pool_rd,
)

__all__ = [
    "METHODS",
    "TAU2_METHODS",
    "average",
    "cochran_q",
    "double_zero_weight",
    "egger",
    "interval",
    "inverse_variance",
    "leave_one_out",
    "mantel_haenszel",
    "methods_for",
    "peto_effects",
    "pool",
    "pool_rd",
    "q_profile",
    "regress_on_se",
    "tau2_estimate",
    "typical_variance",
]
