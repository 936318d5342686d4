"""Priors that can be stretched and shifted, and how large their scales usefully are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bayespool.exact import Surface
from bayespool.measures import measure
from bayespool.prior import Prior, Priors

__all__ = ["LOCATION", "TauFamily", "equivalent_sd", "normal", "ranges", "shifted", "tau_family"]

# P(|Z| < 1.96) = 95 % for a standard normal Z.
_NORMAL_WIDTH = 2 * 1.959963984540054
_OWN_SCALE = ("HalfNormal", "HalfCauchy", "HalfStudentT")
_BY_MEDIAN = ("LogNormal", "Gamma", "InverseGamma", "LogStudentT")
_DEEP = 9.0  # SDs of a normal to where its density is e^-40 of its peak
LOCATION = ("Normal", "StudentT", "Cauchy", "Logistic")  # parameters (*shape, location, scale)

# SD of mu's normal prior and scale of tau's prior: as they are for ratio measures, in units of
# the trials' typical standard error for the others.
_RATIO = ((0.05, 10.0), (0.01, 5.0))
_UNITS = ((0.15, 30.0), (0.03, 15.0))


@dataclass(frozen=True)
class TauFamily:
    """Priors on tau of one shape, by their scale.

    ``scale`` is the family's own (sigma, beta, 1/lam) for HalfNormal, HalfCauchy, HalfStudentT
    and Exponential, and the median of tau for LogNormal, Gamma, InverseGamma and LogStudentT.
    ``note`` says where another family stands in for the one that was asked for.
    """

    like: Prior
    note: str = ""

    @property
    def name(self) -> str:
        return self.like.family

    @property
    def scale_is(self) -> str:
        return "median" if self.name in _BY_MEDIAN else "scale"

    @property
    def scale(self) -> float:
        """The scale of the prior that the family was made from."""
        if self.name == "Exponential":
            return 1 / self.like.values[0]
        return self.like.values[-1] if self.name in _OWN_SCALE else self._median

    @property
    def _median(self) -> float:
        return float(self.like.ppf(0.5))

    def holds(self, prior: Prior) -> bool:
        """Whether a prior is of this family, whatever its scale."""
        if prior.family != self.name:
            return False
        return np.allclose(self.at(TauFamily(prior).scale).values, prior.values, rtol=1e-9)

    def at(self, scale: float) -> Prior:
        """The family's prior of this scale."""
        values = self.like.values
        times = scale / self._median if self.name in _BY_MEDIAN else math.nan
        new: tuple[float, ...] = {
            "Exponential": (1 / scale,),
            "LogNormal": (math.log(scale), values[-1]),
            "Gamma": (values[0], values[-1] / times),
            "InverseGamma": (values[0], values[-1] * times),
            "LogStudentT": (values[0], 2 * math.log(scale), values[-1]),
        }.get(self.name, (*values[:-1], scale))
        return Prior(self.name, new, "tau")

    def covering(self, low: float, high: float) -> Prior:
        """A prior whose grid holds the family from scale `low` to scale `high`.

        The widest member does where its density reaches down to 0; one that avoids 0 would
        leave out where the narrowest lie.
        """
        if self.name == "LogNormal":
            spread = self.like.values[-1] + math.log(high / low) / (2 * _DEEP)
            return Prior("LogNormal", (0.5 * math.log(low * high), spread), "tau")
        if self.name in ("Gamma", "InverseGamma"):
            return Prior("HalfCauchy", (high,), "tau")
        return self.at(high)


def tau_family(prior: Prior | None) -> TauFamily:
    """The family of a prior on tau; HalfNormal where it has no scale (Uniform, Flat)."""
    if prior is None:
        return TauFamily(Prior("HalfNormal", (0.5,), "tau"))
    if prior.family in (*_OWN_SCALE, *_BY_MEDIAN, "Exponential"):
        return TauFamily(prior)
    note = f"{prior.text} has no scale to vary: HalfNormal stands in for it."
    scale = float(prior.ppf(0.5)) / 0.6744897501960817 if prior.proper else 0.5
    return TauFamily(Prior("HalfNormal", (scale,), "tau"), note)


def normal(centre: float, sd: float) -> Prior:
    """Normal prior on mu."""
    return Prior("Normal", (centre, sd), "mu")


def shifted(prior: Prior, centre: float, stretch: float = 1.0) -> Prior:
    """The same shape of prior on mu, centred elsewhere and `stretch` times as wide."""
    return Prior(prior.family, (*prior.values[:-2], centre, prior.values[-1] * stretch), prior.role)


def equivalent_sd(prior: Prior) -> float:
    """SD of the normal with the same 95 % range; infinite for a flat prior."""
    if not prior.proper:
        return math.inf
    if prior.family == "Normal":
        return prior.values[1]
    lower, upper = prior.ppf([0.025, 0.975])
    return float(upper - lower) / _NORMAL_WIDTH


def ranges(
    surface: Surface, priors: Priors | None = None
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ends of the SDs of mu's prior and of the scales of tau's worth looking at.

    Stretched to hold the main prior, where it is proper.
    """
    ratio = measure(surface.measure).ratio
    unit = 1.0 if ratio else surface.frame.typical
    sd, tau = ([unit * end for end in ends] for ends in (_RATIO if ratio else _UNITS))
    if priors is not None:
        sd = _hold(sd, equivalent_sd(priors.mu))
        tau = _hold(tau, tau_family(priors.tau).scale)
    return (sd[0], sd[1]), (tau[0], tau[1])


def _hold(ends: list[float], value: float) -> list[float]:
    if not math.isfinite(value):
        return ends
    return [min(ends[0], value), max(ends[1], value)]
