"""Other sets of trials: left out, accumulated, every subset, discounted, read otherwise."""

from __future__ import annotations

from bayespool.subsets.gosh import by_size, gosh, members, presence
from bayespool.subsets.leaving import by_subgroup, cumulative, leave_one_out, leave_two_out
from bayespool.subsets.readings import Scenario, changed, main_effects, readings, scenarios
from bayespool.subsets.trust import flagged, trust_dial

__all__ = [
    "Scenario",
    "by_size",
    "by_subgroup",
    "changed",
    "cumulative",
    "flagged",
    "gosh",
    "leave_one_out",
    "leave_two_out",
    "main_effects",
    "members",
    "presence",
    "readings",
    "scenarios",
    "trust_dial",
]
