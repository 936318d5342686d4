"""The posterior of an effect, applied to control risks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import elementwise
from scipy.special import expit, logit

from bayespool.axes import Array
from bayespool.measures import to_natural
from bayespool.posterior import Marginal
from bayespool.summaries import ENDS

__all__ = ["Applied"]

LEVELS = np.array([0.5, *ENDS])
_ROUNDING = 1e-12
_CLOSE = 1e-10  # to which a quantile over the spread of baselines is solved


@dataclass(frozen=True, eq=False)
class Applied:
    """One quantity's posterior applied to control risks.

    ``risks`` has shape (b,): one baseline, or equally weighted ones, each independent of the
    effect. The treated risk rises with theta at every baseline, so its quantiles and
    probabilities at one baseline are those of theta, transformed.
    """

    marginal: Marginal
    measure: str
    scale: str
    risks: Array

    def treated(self, theta: Array, risks: Array) -> Array:
        """Treated risk, kept within [0, 1]; broadcast."""
        if self.measure == "OR":
            return np.asarray(expit(logit(risks) + theta))
        if self.measure == "RR":
            return np.minimum(risks * np.exp(np.minimum(theta, 700.0)), 1.0)
        return np.clip(risks + to_natural(theta, self.scale), 0.0, 1.0)

    def _theta(self, treated: Array) -> Array:
        """The effect that gives a treated risk, one for each baseline (last axis)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.measure == "OR":
                return np.asarray(logit(treated) - logit(self.risks))
            if self.measure == "RR":
                return np.asarray(np.log(treated) - np.log(self.risks))
            difference = np.clip(treated - self.risks, -1.0, 1.0)
            return np.asarray(np.arctanh(difference) if self.scale == "atanh" else difference)

    def at_most(self, treated: Array) -> Any:
        """P(treated risk <= ``treated``), averaged over the baselines (last axis)."""
        treated = _rounded(treated)
        theta = self._theta(treated)
        if self.measure != "RD":  # a ratio makes nothing of a risk of 0
            theta = np.where(self.risks > 0, theta, np.inf)
        theta = np.where(treated < 0, -np.inf, np.where(treated >= 1, np.inf, theta))
        return _everywhere(self.marginal.cdf, theta, (0.0, 1.0)).mean(axis=-1)

    def at_least(self, treated: Array) -> Any:
        """P(treated risk >= ``treated``), averaged over the baselines (last axis)."""
        treated = _rounded(treated)
        theta = self._theta(treated)
        if self.measure != "RD":
            theta = np.where(self.risks > 0, theta, np.inf)
            if self.measure == "OR":  # 1 stays 1
                theta = np.where(self.risks >= 1, -np.inf, theta)
        theta = np.where(treated > 1, np.inf, np.where(treated <= 0, -np.inf, theta))
        return _everywhere(self.marginal.sf, theta, (1.0, 0.0)).mean(axis=-1)

    def risk(self) -> Array:
        """Median, lower and upper end of the treated risk."""
        return self._quantiles(0.0)

    def difference(self) -> Array:
        """Median, lower and upper end of the risk difference, treatment minus control."""
        return self._quantiles(self.risks)

    def _quantiles(self, less: Array | float) -> Array:
        """Quantiles of the treated risk less something that each baseline has."""
        theta = np.asarray(self.marginal.quantile(LEVELS))[:, None]
        each = self.treated(theta, self.risks) - less
        if len(self.risks) == 1:
            return each[:, 0]
        beyond = np.full(len(LEVELS), 1 + _CLOSE)  # where the probability is 0 or 1

        def gap(x: Array, /, *p: Any) -> Array:
            return np.asarray(self.at_most(x[..., None] + less) - p[0])

        found = elementwise.find_root(
            gap,
            (-beyond, beyond),
            args=(LEVELS,),
            tolerances={"xatol": _CLOSE, "xrtol": 0.0, "fatol": 1e-14, "frtol": 0.0},
        )
        return np.asarray(found.x)

    def better_by(self, per_1000: float, benefit: str) -> float:
        """P(at least so many per 1,000 on the better side)."""
        if benefit == "lower":
            return float(self.at_most(self.risks - per_1000 / 1000))
        return float(self.at_least(self.risks + per_1000 / 1000))

    def clipped(self) -> float:
        """Share whose treated risk would leave [0, 1]."""
        if self.measure == "OR":
            return 0.0
        above = _everywhere(self.marginal.sf, self._theta(np.ones(1)), (1.0, 0.0))
        if self.measure == "RR":
            return float(np.where(self.risks > 0, above, 0.0).mean())
        below = _everywhere(self.marginal.cdf, self._theta(np.zeros(1)), (0.0, 1.0))
        return float((above + below).mean())


def _rounded(risk: Array) -> Array:
    """Take a risk within rounding of 0 or 1 for what it is."""
    risk = np.where(np.abs(risk) < _ROUNDING, 0.0, risk)
    return np.where(np.abs(risk - 1) < _ROUNDING, 1.0, risk)


def _everywhere(tail: Callable[[Array], Any], theta: Array, ends: tuple[float, float]) -> Array:
    """Call a cdf or sf where theta is finite; its values at -inf and inf are `ends`."""
    inner = tail(np.where(np.isfinite(theta), theta, 0.0))
    return np.where(theta == -np.inf, ends[0], np.where(theta == np.inf, ends[1], inner))
