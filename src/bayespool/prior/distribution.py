"""Priors: text that is parsed, never evaluated, into distributions with exact arithmetic."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from bayespool.errors import PriorError
from bayespool.prior.families import FAMILIES, Array
from bayespool.prior.text import Role, canonical, check_family, check_role, check_values, parse

if TYPE_CHECKING:
    from preliz.distributions.distributions import Distribution
    from pytensor.tensor.variable import TensorVariable

__all__ = ["DEFAULT_PHI", "Prior", "Priors", "Role", "check_proper", "parse_prior"]

DEFAULT_PHI = "Normal(0, 10)"
_LAST = sys.float_info.max
# Where the middle 95 % of a prior may lie, and how narrow it may be beside its own size.
_FARTHEST, _SMALLEST, _NARROW, _NARROW_POSITIVE = 1e100, 1e-100, 1e-8, 1e-5


@dataclass(frozen=True, repr=False)
class Prior:
    """The prior of one parameter.

    Parameters
    ----------
    family : str
        A name such as ``"HalfNormal"``. ``LogStudentT(nu, mu, sigma)`` means that log(tau²), not
        log(tau), is StudentT(nu, mu, sigma); ``Flat()`` is improper: constant on the line, or on
        the positive half-line for tau.
    values : tuple of float
        The family's parameters, in PreliZ's order.
    role : {"mu", "tau", "phi"}
        The parameter that it is for.

    Raises
    ------
    PriorError
        The family or a value is impossible, or does not suit the parameter.
    """

    family: str
    values: tuple[float, ...]
    role: Role

    def __post_init__(self) -> None:
        # + 0.0 turns -0.0 into 0.0, so that equal priors have equal text.
        object.__setattr__(self, "values", tuple(float(v) + 0.0 for v in self.values))
        check_role(self.role)
        check_family(self.family, self.role, self.family)
        check_values(self.family, self.values, self.role)
        if self.proper:
            self._check_reach()

    def _check_reach(self) -> None:
        """Refuse a prior that is a point, or that lies beyond what can be computed with."""
        low, high = (float(x) for x in self.ppf([0.025, 0.975]))
        narrow = _NARROW if low < 0 else _NARROW_POSITIVE
        width, most = high - low, max(abs(low), abs(high))
        if width <= min(narrow * most, _LAST) or 0 <= low <= high < _SMALLEST:
            what = "allows a single value alone"
        elif abs(low) > _FARTHEST and (low > 0 or high > _FARTHEST):
            what = "lies beyond any number that an effect can have"
        else:
            return
        raise PriorError(f"prior on {self.role}: {self.text}: it {what}. Choose other numbers.")

    @cached_property
    def text(self) -> str:
        """Canonical text, ``"Normal(0, 1)"``; parsing it gives an equal prior."""
        return canonical(self.family, self.values)

    @property
    def params(self) -> dict[str, float]:
        """The parameters by name."""
        names = FAMILIES[self.family].parameters if self.proper else ()
        return dict(zip(names, self.values, strict=True))

    @property
    def proper(self) -> bool:
        """Whether it integrates to 1 (all but Flat)."""
        return self.family != "Flat"

    @cached_property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        if self.family == "Uniform":
            return self.values[0], self.values[1]
        lower = FAMILIES[self.family].lower if self.proper else -math.inf
        return (0.0 if self.role == "tau" else lower), math.inf

    @property
    def tail(self) -> float:
        """Exponent a of an upper tail ~ x^-a of the density; inf when lighter, 0 for Flat."""
        return FAMILIES[self.family].tail(*self.values) if self.proper else 0.0

    def logpdf(self, x: ArrayLike) -> Array:
        """Log density at x, -inf outside the support, shape of x; 0 for Flat.

        The densities of LogStudentT and of Gamma with alpha < 1 are infinite at 0.
        """
        x = np.asarray(x, dtype=np.float64)
        lower, upper = self.support
        if not self.proper:
            return np.where((x < lower) | (x > upper), -np.inf, 0.0)[()]
        outside = (x < max(lower, -_LAST)) | (x > min(upper, _LAST))  # infinity is outside
        with np.errstate(all="ignore"):
            density = FAMILIES[self.family].logpdf(x, *self.values)
            return np.where(outside, -np.inf, density)[()]

    def cdf(self, x: ArrayLike) -> Array:
        """P(X <= x), shape of x; PriorError for Flat."""
        return self._probability("cdf", x)

    def sf(self, x: ArrayLike) -> Array:
        """P(X > x), shape of x, right in relative terms far in the tail; PriorError for Flat."""
        return self._probability("sf", x)

    def ppf(self, q: ArrayLike) -> Array:
        """Quantile of q, shape of q, NaN outside [0, 1]; PriorError for Flat."""
        self._need_proper("quantiles")
        q = np.asarray(q, dtype=np.float64)
        with np.errstate(all="ignore"):
            value = FAMILIES[self.family].ppf(q, *self.values)
            # Rounding may carry an extreme quantile of a bounded family past its end.
            value = np.clip(value, *self.support)
            return np.where((q < 0) | (q > 1), np.nan, value)[()]

    def _probability(self, which: Literal["cdf", "sf"], x: ArrayLike) -> Array:
        self._need_proper("probabilities")
        x = np.clip(np.asarray(x, dtype=np.float64), *self.support)
        with np.errstate(all="ignore"):
            return np.asarray(getattr(FAMILIES[self.family], which)(x, *self.values))[()]

    def _need_proper(self, what: str) -> None:
        if not self.proper:
            raise PriorError(f"the prior on {self.role} is Flat(): it has no {what}.")

    @property
    def dist(self) -> Distribution | None:
        """The PreliZ distribution, for plotting and elicitation; None where PreliZ has none.

        That is Flat and LogStudentT.
        """
        if self.family in ("Flat", "LogStudentT"):
            return None
        # Here and not at the top: PreliZ takes seconds to import, then compiles each method on
        # its first call, and no computation of ours needs it.
        import preliz

        found: Distribution = getattr(preliz, self.family)(**self.params)
        return found

    def to_pymc(self, name: str, **kwargs: object) -> TensorVariable[Any, Any]:
        """Add the prior to the current ``pm.Model`` as the variable ``name``.

        Further arguments (``dims``, ``shape``) go to PyMC. LogStudentT becomes a deterministic
        ``name`` of a Student-t variable ``name_log_squared``.
        """
        import pymc as pm

        variable: TensorVariable[Any, Any]
        if self.family == "Flat":
            variable = (pm.HalfFlat if self.role == "tau" else pm.Flat)(name, **kwargs)
        elif self.family == "LogStudentT":
            log_squared = pm.StudentT(f"{name}_log_squared", **self.params, **kwargs)
            dims = kwargs.get("dims")
            variable = pm.Deterministic(name, pm.math.exp(0.5 * log_squared), dims=dims)
        else:
            variable = getattr(pm, self.family)(name, **self.params, **kwargs)
        return variable

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<{self.role} ~ {self.text}>"


@dataclass(frozen=True, init=False, repr=False)
class Priors:
    """The priors of one analysis, on its analysis scale.

    Parameters
    ----------
    mu, tau : Prior or str
        Mean effect and standard deviation between trials.
    phi : Prior or str, optional
        Baselines of the binomial likelihood; None leaves the surface's own.
    name, reason, source : str
        What the set is called, what it says, and where it was published.

    Raises
    ------
    PriorError
        A text cannot be read or does not suit its parameter.
    """

    mu: Prior
    tau: Prior
    phi: Prior | None = None
    name: str = "custom"
    reason: str = ""
    source: str = ""

    def __init__(
        self,
        mu: Prior | str,
        tau: Prior | str,
        phi: Prior | str | None = None,
        name: str = "custom",
        reason: str = "",
        source: str = "",
    ) -> None:
        object.__setattr__(self, "mu", parse_prior(mu, "mu"))
        object.__setattr__(self, "tau", parse_prior(tau, "tau"))
        object.__setattr__(self, "phi", None if phi is None else parse_prior(phi, "phi"))
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "reason", reason)
        object.__setattr__(self, "source", source)

    def __repr__(self) -> str:
        phi = "" if self.phi is None else f", phi={self.phi.text!r}"
        return f"Priors(mu={self.mu.text!r}, tau={self.tau.text!r}{phi}, name={self.name!r})"


def parse_prior(text: str | Prior, role: Role) -> Prior:
    """Read a prior such as ``"Normal(0, 1)"`` or ``"HalfNormal(sigma=0.5)"``.

    Parameters
    ----------
    text : str or Prior
        One family with positional or named numbers. It is parsed, never evaluated.
    role : {"mu", "tau", "phi"}
        The parameter that the prior is for.

    Raises
    ------
    PriorError
        Says what was found and what is expected.
    """
    if isinstance(text, Prior):
        return text if text.role == role else Prior(text.family, text.values, role)
    return Prior(*parse(text, role), role)


def check_proper(priors: Priors, k_informative: int, random: bool = True) -> None:
    """Refuse flat priors under which the posterior is improper.

    Parameters
    ----------
    priors : Priors
    k_informative : int
        Number of trials that say something about the effect.
    random : bool
        False for a common effect, where tau does not appear.

    Raises
    ------
    PriorError
        A flat mu needs one informative trial; a flat tau needs two of them under a proper mu and
        three under a flat one (as tau grows, the likelihood falls as tau^-k, and integrating a
        flat mu gives back one power: Röver 2020, J Stat Softw 93(6)).
    """
    flat_mu, flat_tau = not priors.mu.proper, not priors.tau.proper and random
    found = f"only {k_informative} of these trials" if k_informative else "none of these trials"
    found += f" {'says' if k_informative < 2 else 'say'} anything about the effect"
    if flat_tau and k_informative < (needed := 3 if flat_mu else 2):
        under = "a flat" if flat_mu else "a proper"
        raise PriorError(
            f"a flat prior on tau needs {'three' if needed == 3 else 'two'} informative trials "
            f"under {under} prior on mu, and {found}: the posterior would not integrate. "
            f"Give tau a proper prior, such as HalfNormal(0.5)."
        )
    if flat_mu and k_informative < 1:
        raise PriorError(
            "a flat prior on mu needs at least one informative trial, and no trial says anything "
            "about the effect. Give mu a proper prior, such as Normal(0, 1)."
        )
