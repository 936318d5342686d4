"""Both arms' risks from an effect and the odds product: all that tells OR, RR and RD apart."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from bayespool.errors import UsageError

MAX_THETA = 300.0
MAX_THETA_RD = 150.0
MAX_PHI = 170.0


def risks(measure: str, theta: Any, phi: Any, xp: ModuleType = np) -> tuple[Any, Any, Any, Any]:
    """Risks of both arms, and their complements, from an effect and an odds product.

    Parameters
    ----------
    measure : {"OR", "RR", "RD"}
    theta : array
        The effect: log OR, log RR or atanh RD (treatment against control); clipped to +-300
        (RD: 150), where every risk is still above the smallest float.
    phi : array
        (logit p0 + logit p1) / 2, half the log odds product; clipped to +-170.
    xp : module
        ``numpy``, or ``pytensor.tensor`` for a graph with finite gradients everywhere.

    Returns
    -------
    p0, q0, p1, q1 : arrays
        Risk and complement in the control and the treatment arm, shape of ``theta + phi``. Each
        is computed without cancellation, so tiny risks and tiny complements keep their digits.

    Notes
    -----
    The odds product varies freely of each measure: Richardson, Robins & Wang (2017), JASA
    112:1121. The parametrisation by OR is model 4 of Jackson et al. (2018), Stat Med 37:1059.
    Exponentials act on theta and phi apart, before they are broadcast against each other.
    """
    theta = xp.clip(theta, -MAX_THETA, MAX_THETA)
    phi = xp.clip(phi, -MAX_PHI, MAX_PHI)
    match measure:
        case "OR":
            return _risks_or(theta, phi, xp)
        case "RR":
            return _risks_rr(theta, phi, xp)
        case "RD":
            return _risks_rd(theta, phi, xp)
    raise UsageError(f"the binomial model has OR, RR and RD, not {measure!r}.")


def _risks_or(theta: Any, phi: Any, xp: ModuleType) -> tuple[Any, Any, Any, Any]:
    odds = xp.exp(phi)
    odds0 = odds * xp.exp(-0.5 * theta)
    odds1 = odds * xp.exp(0.5 * theta)
    q0 = 1 / (1 + odds0)
    q1 = 1 / (1 + odds1)
    return odds0 * q0, q0, odds1 * q1, q1


def _risks_rr(theta: Any, phi: Any, xp: ModuleType) -> tuple[Any, Any, Any, Any]:
    # `where` and not `abs`: at theta = 0 the gradient has to follow one of the two branches.
    falls = theta < 0
    ratio = xp.exp(theta)
    gap = xp.where(falls, -xp.expm1(theta), xp.expm1(theta))
    c = (4 * ratio) * xp.exp(-2 * phi)
    s = xp.sqrt(gap * gap + c)
    u = gap + s
    over = 1 / (s + (1 + ratio))
    p0 = 2 * over
    low = c / u * over
    high = u * over
    return p0, xp.where(falls, low, high), ratio * p0, xp.where(falls, high, low)


def _risks_rd(theta: Any, phi: Any, xp: ModuleType) -> tuple[Any, Any, Any, Any]:
    # Solved for d >= 0 and an odds product <= 1; the rest are reflections of it.
    theta = xp.clip(theta, -MAX_THETA_RD, MAX_THETA_RD)
    falls = theta < 0
    mirrored = phi > 0
    t = xp.where(falls, -theta, theta)
    odds = xp.exp(xp.where(mirrored, -2 * phi, 2 * phi))
    e = xp.exp(-2 * t)
    d = -xp.expm1(-2 * t) / (1 + e)
    rest = 2 * e / (1 + e)
    b = d + odds * (1 + rest)
    half = d * (1 - odds)
    s = xp.sqrt(half * half + 4 * odds)
    h = (2 * rest) / (b + s)
    p_low = odds * h
    q_low = 1 - p_low
    p_high = p_low + d
    q_high = h * p_high / q_low
    high_first = xp.not_equal(falls, mirrored) if xp is np else xp.neq(falls, mirrored)
    a0 = xp.where(high_first, p_high, p_low)
    b0 = xp.where(high_first, q_high, q_low)
    a1 = xp.where(high_first, p_low, p_high)
    b1 = xp.where(high_first, q_low, q_high)
    return (
        xp.where(mirrored, b0, a0),
        xp.where(mirrored, a0, b0),
        xp.where(mirrored, b1, a1),
        xp.where(mirrored, a1, b1),
    )
