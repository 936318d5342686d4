"""Pool trials with models anyone can read, and check the answer three ways.

The names below load what they need when they are first used: PyMC only for sampling.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bayespool.analysis import Analysis, analyse, crosscheck, write_report
    from bayespool.batches import batch
    from bayespool.comparison import (
        compare_effects,
        compare_models,
        inclusion_factors,
        leave_trial_out,
        model_average,
        side_by_side,
    )
    from bayespool.curves import benefit_table, density_table
    from bayespool.decisions import absolute_effects, baselines, prob_benefit
    from bayespool.errors import (
        BayespoolError,
        ConvergenceError,
        DataError,
        PriorError,
        UsageError,
    )
    from bayespool.exact import Surface, surface
    from bayespool.frequentist import pool
    from bayespool.measures import effect_sizes
    from bayespool.nuts_models import binomial, continuous, normal
    from bayespool.page import page
    from bayespool.posterior import Posterior
    from bayespool.predictive import predictive_check, psense, with_predictive
    from bayespool.prior import Priors, named_priors, priors
    from bayespool.prior_sensitivity import power_scaling, prior_atlas, tau_learned, tipping_prior
    from bayespool.sampling import diagnose, sample
    from bayespool.simulate import operating_characteristics
    from bayespool.subsets import (
        by_subgroup,
        cumulative,
        gosh,
        leave_one_out,
        leave_two_out,
        trust_dial,
    )
    from bayespool.summaries import as_posterior, summarise
    from bayespool.trials import Trials, read_trials

_ROOMS = {
    "analysis": ("Analysis", "analyse", "crosscheck", "write_report"),
    "batches": ("batch",),
    "comparison": (
        "compare_effects",
        "compare_models",
        "leave_trial_out",
        "inclusion_factors",
        "model_average",
        "side_by_side",
    ),
    "curves": ("benefit_table", "density_table"),
    "decisions": ("absolute_effects", "baselines", "prob_benefit"),
    "errors": ("BayespoolError", "ConvergenceError", "DataError", "PriorError", "UsageError"),
    "exact": ("Surface", "surface"),
    "frequentist": ("pool",),
    "measures": ("effect_sizes",),
    "nuts_models": ("binomial", "continuous", "normal"),
    "page": ("page",),
    "posterior": ("Posterior",),
    "predictive": ("predictive_check", "psense", "with_predictive"),
    "prior": ("Priors", "named_priors", "priors"),
    "prior_sensitivity": ("power_scaling", "prior_atlas", "tau_learned", "tipping_prior"),
    "refits": ("refit",),
    "sampling": ("diagnose", "sample"),
    "simulate": ("operating_characteristics",),
    "subsets": (
        "by_subgroup",
        "cumulative",
        "gosh",
        "leave_one_out",
        "leave_two_out",
        "trust_dial",
    ),
    "summaries": ("as_posterior", "summarise"),
    "trials": ("Trials", "read_trials"),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "Analysis",
    "BayespoolError",
    "ConvergenceError",
    "DataError",
    "Posterior",
    "PriorError",
    "Priors",
    "Surface",
    "Trials",
    "UsageError",
    "absolute_effects",
    "analyse",
    "as_posterior",
    "baselines",
    "batch",
    "benefit_table",
    "binomial",
    "by_subgroup",
    "compare_effects",
    "compare_models",
    "continuous",
    "crosscheck",
    "cumulative",
    "density_table",
    "diagnose",
    "effect_sizes",
    "gosh",
    "inclusion_factors",
    "leave_one_out",
    "leave_trial_out",
    "leave_two_out",
    "model_average",
    "named_priors",
    "normal",
    "operating_characteristics",
    "page",
    "pool",
    "power_scaling",
    "predictive_check",
    "prior_atlas",
    "priors",
    "prob_benefit",
    "psense",
    "read_trials",
    "refit",
    "sample",
    "side_by_side",
    "summarise",
    "surface",
    "tau_learned",
    "tipping_prior",
    "trust_dial",
    "with_predictive",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("bayespool")
    if name not in _HOME:
        raise AttributeError(f"module 'bayespool' has no attribute {name!r}")
    return getattr(import_module(f"bayespool.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])


class _House(ModuleType):
    """Keeps ``bp.page`` the function: the import of the room so named would hide it."""

    def __setattr__(self, name: str, value: Any) -> None:
        own_room = isinstance(value, ModuleType) and name in _HOME
        super().__setattr__(name, getattr(value, name) if own_room else value)


sys.modules[__name__].__class__ = _House
