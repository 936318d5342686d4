"""Pool trials with models anyone can read, and check the answer three ways.

The names below load what they need when they are first used: PyMC only for sampling.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bayespool.analysis import Analysis, analyse, crosscheck
    from bayespool.decisions import prob_benefit
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
    from bayespool.nuts_models import binomial, normal
    from bayespool.page import page
    from bayespool.posterior import Posterior
    from bayespool.prior import Priors, priors
    from bayespool.sampling import diagnose, sample
    from bayespool.summaries import as_posterior, summarise
    from bayespool.trials import Trials, read_trials

_ROOMS = {
    "analysis": ("Analysis", "analyse", "crosscheck"),
    "decisions": ("prob_benefit",),
    "errors": ("BayespoolError", "ConvergenceError", "DataError", "PriorError", "UsageError"),
    "exact": ("Surface", "surface"),
    "frequentist": ("pool",),
    "measures": ("effect_sizes",),
    "nuts_models": ("binomial", "normal"),
    "page": ("page",),
    "posterior": ("Posterior",),
    "prior": ("Priors", "priors"),
    "sampling": ("diagnose", "sample"),
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
    "analyse",
    "as_posterior",
    "binomial",
    "crosscheck",
    "diagnose",
    "effect_sizes",
    "normal",
    "page",
    "pool",
    "priors",
    "prob_benefit",
    "read_trials",
    "sample",
    "summarise",
    "surface",
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
