"""What a fit predicts, drawn by NumPy: the groups ArviZ asks for, and checks built on them."""

from __future__ import annotations

from bayespool.predictive.check import predictive_check
from bayespool.predictive.groups import with_predictive
from bayespool.predictive.scaling import psense

__all__ = ["predictive_check", "psense", "with_predictive"]
