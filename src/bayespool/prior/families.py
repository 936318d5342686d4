"""Log densities, probabilities and quantiles of the prior families, in NumPy and SciPy.

Names and order of the parameters are PreliZ's. Functions take an array inside the family's
support, then the parameters; both tails keep their relative accuracy. A log density is asked
for at finite points only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
# SciPy's special functions are typed for every precision, so their type is not narrowed here.
Function = Callable[..., Any]

_LOG_2 = math.log(2)
_LOG_PI = math.log(math.pi)
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_SQRT_2 = math.sqrt(2)


@dataclass(frozen=True)
class Family:
    """One family of distributions.

    ``logpdf``, ``cdf``, ``sf`` take ``(x, *parameters)``, ``ppf`` takes ``(q, *parameters)``;
    ``tail(*parameters)`` is the exponent a of an upper tail ~ x^-a of the density.
    """

    parameters: tuple[str, ...]
    logpdf: Function
    cdf: Function
    sf: Function
    ppf: Function
    positive: frozenset[str]
    lower: float = -math.inf
    tail: Callable[..., float] = lambda *_: math.inf


# Standard forms of the symmetric families: location 0, scale 1. Shape parameters come last.


def _normal_logpdf(z: Array) -> Array:
    return -0.5 * z * z - _HALF_LOG_2PI


def _t_logpdf(z: Array, nu: float) -> Array:
    # log(1 + z²/nu) by logaddexp: exact for small z, no overflow for large.
    log_term = np.logaddexp(0.0, 2 * np.log(np.abs(z)) - math.log(nu))
    constant = float(special.betaln(0.5 * nu, 0.5)) + 0.5 * math.log(nu)
    return -0.5 * (nu + 1) * log_term - constant


def _t_two_tails(z: Array, nu: float) -> Array:
    """P(|T| > |z|)."""
    square = z * z
    inside = square / (nu + square)
    outside = nu / (nu + square)
    return np.where(
        inside < 0.5,
        special.betaincc(0.5, 0.5 * nu, np.minimum(inside, 1.0)),
        special.betainc(0.5 * nu, 0.5, outside),
    )


def _t_inside(z: Array, nu: float) -> Array:
    """P(|T| < |z|)."""
    square = z * z
    inside = square / (nu + square)
    outside = nu / (nu + square)
    return np.where(
        inside < 0.5,
        special.betainc(0.5, 0.5 * nu, np.minimum(inside, 1.0)),
        special.betaincc(0.5 * nu, 0.5, outside),
    )


def _t_cdf(z: Array, nu: float) -> Array:
    tails = _t_two_tails(z, nu)
    return np.where(z < 0, 0.5 * tails, 1 - 0.5 * tails)


def _t_abs_ppf(inside: Array, outside: Array, nu: float) -> Array:
    """Solve P(|T| < z) = inside = 1 - outside for z."""
    w = np.where(
        inside < 0.5,
        special.betaincinv(0.5, 0.5 * nu, inside),
        special.betainccinv(0.5, 0.5 * nu, outside),
    )
    u = special.betaincinv(0.5 * nu, 0.5, outside)
    return np.where(w < 0.5, np.sqrt(nu * w / (1 - w)), np.sqrt(nu * (1 - u) / u))


def _t_ppf(q: Array, nu: float) -> Array:
    outside = 2 * np.minimum(q, 1 - q)
    size = _t_abs_ppf(np.abs(2 * q - 1), outside, nu)
    signed: Array = np.copysign(size, q - 0.5)
    return signed


def _cauchy_logpdf(z: Array) -> Array:
    log_density: Array = -np.logaddexp(0.0, 2 * np.log(np.abs(z))) - _LOG_PI
    return log_density


def _cauchy_ppf(q: Array) -> Array:
    tail = np.minimum(q, 1 - q)
    middle = np.tan(np.pi * (q - 0.5))
    return np.where(tail < 0.25, np.copysign(1 / np.tan(np.pi * tail), q - 0.5), middle)


def _logistic_logpdf(z: Array) -> Array:
    a = np.abs(z)
    log_density: Array = -a - 2 * np.log1p(np.exp(-a))
    return log_density


def _location_scale(
    parameters: tuple[str, ...],
    logpdf: Function,
    cdf: Function,
    ppf: Function,
    tail: Callable[..., float] = lambda *_: math.inf,
) -> Family:
    """Family with parameters (*shape, location, scale), from its symmetric standard form."""

    def z(x: Array, p: tuple[float, ...]) -> Array:
        return (x - p[-2]) / p[-1]

    return Family(
        parameters,
        lambda x, *p: logpdf(z(x, p), *p[:-2]) - math.log(p[-1]),
        lambda x, *p: cdf(z(x, p), *p[:-2]),
        lambda x, *p: cdf(-z(x, p), *p[:-2]),
        lambda q, *p: p[-2] + p[-1] * ppf(q, *p[:-2]),
        frozenset(parameters) - {parameters[-2]},
        tail=tail,
    )


def _half(
    parameters: tuple[str, ...],
    logpdf: Function,
    cdf: Function,
    sf: Function,
    ppf: Function,
    tail: Callable[..., float] = lambda *_: math.inf,
) -> Family:
    """Family of the absolute value, parameters (*shape, scale), from the standard form."""
    return Family(
        parameters,
        lambda x, *p: logpdf(x / p[-1], *p[:-1]) + (_LOG_2 - math.log(p[-1])),
        lambda x, *p: cdf(x / p[-1], *p[:-1]),
        lambda x, *p: sf(x / p[-1], *p[:-1]),
        lambda q, *p: p[-1] * ppf(q, *p[:-1]),
        frozenset(parameters),
        lower=0.0,
        tail=tail,
    )


# Families of a positive quantity.


def _lognormal_logpdf(x: Array, mu: float, sigma: float) -> Array:
    log_x = np.log(x)
    z = (log_x - mu) / sigma
    density = -0.5 * z * z - log_x - (_HALF_LOG_2PI + math.log(sigma))
    return np.where(x > 0, density, -np.inf)


def _gamma_logpdf(x: Array, alpha: float, beta: float) -> Array:
    constant = alpha * math.log(beta) - math.lgamma(alpha)
    return special.xlogy(alpha - 1, x) - beta * x + constant


def _inverse_gamma_logpdf(x: Array, alpha: float, beta: float) -> Array:
    constant = alpha * math.log(beta) - math.lgamma(alpha)
    return np.where(x > 0, constant - (alpha + 1) * np.log(x) - beta / x, -np.inf)


def _log_t_logpdf(x: Array, nu: float, mu: float, sigma: float) -> Array:
    log_x = np.log(x)
    density = _t_logpdf((2 * log_x - mu) / sigma, nu) - log_x + (_LOG_2 - math.log(sigma))
    # 1/x beats the Student-t's tail in log x at 0, where the density is infinite.
    return np.where(x > 0, density, np.inf)


def _log_t_z(x: Array, mu: float, sigma: float) -> Array:
    return (2 * np.log(x) - mu) / sigma


FAMILIES: dict[str, Family] = {
    "Normal": _location_scale(("mu", "sigma"), _normal_logpdf, special.ndtr, special.ndtri),
    "StudentT": _location_scale(
        ("nu", "mu", "sigma"), _t_logpdf, _t_cdf, _t_ppf, lambda nu, *_: nu + 1
    ),
    "Cauchy": _location_scale(
        ("alpha", "beta"),
        _cauchy_logpdf,
        lambda z: np.arctan2(1.0, -z) / np.pi,
        _cauchy_ppf,
        lambda *_: 2.0,
    ),
    "Logistic": _location_scale(("mu", "s"), _logistic_logpdf, special.expit, special.logit),
    "Uniform": Family(
        ("lower", "upper"),
        lambda x, a, b: np.full_like(x, -math.log(b - a)),
        lambda x, a, b: (x - a) / (b - a),
        lambda x, a, b: (b - x) / (b - a),
        lambda q, a, b: a + (b - a) * q,
        frozenset(),
    ),
    "HalfNormal": _half(
        ("sigma",),
        _normal_logpdf,
        lambda z: special.erf(z / _SQRT_2),
        lambda z: special.erfc(z / _SQRT_2),
        lambda q: _SQRT_2 * special.erfinv(q),
    ),
    "HalfCauchy": _half(
        ("beta",),
        _cauchy_logpdf,
        lambda z: np.arctan(z) * (2 / np.pi),
        lambda z: np.arctan2(1.0, z) * (2 / np.pi),
        lambda q: np.where(q < 0.5, np.tan(0.5 * np.pi * q), 1 / np.tan(0.5 * np.pi * (1 - q))),
        lambda *_: 2.0,
    ),
    "HalfStudentT": _half(
        ("nu", "sigma"),
        _t_logpdf,
        _t_inside,
        _t_two_tails,
        lambda q, nu: _t_abs_ppf(q, 1 - q, nu),
        lambda nu, *_: nu + 1,
    ),
    "Exponential": Family(
        ("lam",),
        lambda x, lam: math.log(lam) - lam * x,
        lambda x, lam: -np.expm1(-lam * x),
        lambda x, lam: np.exp(-lam * x),
        lambda q, lam: -np.log1p(-q) / lam,
        frozenset({"lam"}),
        lower=0.0,
    ),
    "LogNormal": Family(
        ("mu", "sigma"),
        _lognormal_logpdf,
        lambda x, mu, sigma: special.ndtr((np.log(x) - mu) / sigma),
        lambda x, mu, sigma: special.ndtr((mu - np.log(x)) / sigma),
        lambda q, mu, sigma: np.exp(mu + sigma * special.ndtri(q)),
        frozenset({"sigma"}),
        lower=0.0,
    ),
    "Gamma": Family(
        ("alpha", "beta"),
        _gamma_logpdf,
        lambda x, alpha, beta: special.gammainc(alpha, beta * x),
        lambda x, alpha, beta: special.gammaincc(alpha, beta * x),
        lambda q, alpha, beta: special.gammaincinv(alpha, q) / beta,
        frozenset({"alpha", "beta"}),
        lower=0.0,
    ),
    "InverseGamma": Family(
        ("alpha", "beta"),
        _inverse_gamma_logpdf,
        lambda x, alpha, beta: special.gammaincc(alpha, beta / x),
        lambda x, alpha, beta: special.gammainc(alpha, beta / x),
        lambda q, alpha, beta: beta / special.gammainccinv(alpha, q),
        frozenset({"alpha", "beta"}),
        lower=0.0,
        tail=lambda alpha, _: alpha + 1,
    ),
    "LogStudentT": Family(
        ("nu", "mu", "sigma"),
        _log_t_logpdf,
        lambda x, nu, mu, sigma: _t_cdf(_log_t_z(x, mu, sigma), nu),
        lambda x, nu, mu, sigma: _t_cdf(-_log_t_z(x, mu, sigma), nu),
        lambda q, nu, mu, sigma: np.exp(0.5 * (mu + sigma * _t_ppf(q, nu))),
        frozenset({"nu", "sigma"}),
        lower=0.0,
        tail=lambda *_: 1.0,
    ),
}
