"""Power scaling without sampling: how much each prior and each trial says to the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from bayespool.axes import Array
from bayespool.decisions import Question
from bayespool.exact import Surface
from bayespool.exact.sums import Batch, Sums
from bayespool.measures import to_natural
from bayespool.prior import Priors, check_proper
from bayespool.prior_sensitivity.plane import checked_question

__all__ = ["cjs", "power_scaling"]

STEP = 0.01  # of log2 of the power, to either side of 1
NEAR = (0.99, 1.01)  # powers at which the distance is taken, as ArviZ's psense does
POWERS = (0.5, 2.0, 2.0**-STEP, 2.0**STEP, *NEAR)
DRAWS = 4000  # the distance runs over the range expected of so many draws
POINTS = 401
_ALL = np.ones(len(POWERS), dtype=bool)
COLUMNS = (
    "component",
    "kind",
    "per_doubling",
    "at_half",
    "at_double",
    "median_per_doubling",
    "natural_at_half",
    "natural_at_double",
    "cjs",
    "note",
)


@dataclass(frozen=True)
class Component:
    """A factor of the posterior, and its log at any power, shaped like the grid or part of it."""

    name: str
    kind: str
    at_power: Callable[[float], Array]
    note: str = ""


def power_scaling(
    surface: Surface,
    priors: Priors,
    benefit: str | None = None,
    threshold: float | str | None = None,
) -> pd.DataFrame:
    """Change of P(benefit) for each doubling of a prior's or a trial's power, exactly.

    The posterior is proportional to prior(mu) × prior(tau) × L_1 … L_k; one factor at a time is
    raised to a power alpha, the others kept.

    Parameters
    ----------
    surface : Surface
    priors : Priors
    benefit : {"lower", "higher"}, optional
    threshold : float, natural units, optional
        No effect where it is left out.

    Returns
    -------
    DataFrame
        A row a component. ``component`` ("prior on mu", "prior on tau", a trial, "all trials"),
        ``kind`` (prior, trial, data); ``per_doubling``, the derivative of P(benefit) by
        log2(alpha) at alpha = 1; ``at_half`` and ``at_double``, its change at alpha = 0.5 and 2;
        ``median_per_doubling``, the derivative of mu's median (analysis scale), and
        ``natural_at_half``, ``natural_at_double``, that median in natural units; ``cjs``, the
        sensitivity of Kallioinen et al.: cumulative Jensen-Shannon distance of mu's posterior
        from itself for each doubling, near alpha = 1; ``note``, why a row has no numbers. Without
        `benefit` the probability is that of an effect below the threshold. ``attrs``: main (the
        probability itself), threshold, benefit.

    Raises
    ------
    PriorError
        The posterior is improper, or ``priors.phi`` differs from the surface's.
    UsageError
        An impossible threshold.

    Notes
    -----
    Kallioinen et al. (2024), Stat Comput 34:57. A trial's power scales its *integrated*
    likelihood L_i(mu, tau), the trial's own effect and baseline integrated out before: its whole
    contribution. ArviZ's psense scales p(data | theta, phi) of all trials at once, which leaves
    p(theta | mu, tau) as it is; the two agree for priors and are different questions for the
    likelihood. A flat prior is the same at every power.
    """
    asked = checked_question(surface, priors, benefit, threshold)
    random = surface.effects != "common"
    check_proper(priors, int(surface.frame.k + 1e-9), random=random)
    sums = surface.sums(priors)
    log_l = np.tensordot(surface.weights, sums.grid.log_l, axes=1)

    def moved(*extra: Array) -> Batch:
        return Batch.of(
            sums, priors, np.array([log_l + more for more in extra]), _ALL[: len(extra)]
        )

    main = moved(np.zeros((1, 1)))
    rows = [_row(surface.scale, asked, main, moved, part) for part in _parts(surface, sums, priors)]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table.attrs |= {
        "main": float(asked.better(main.cdf("mu", [asked.at])[0, 0])),
        "threshold": asked.label,
        "benefit": benefit,
    }
    return table


# --- the factors -------------------------------------------------------------------------


def _parts(surface: Surface, sums: Sums, priors: Priors) -> Iterator[Component]:
    mu_density = priors.mu.logpdf(sums.mu)[:, None]
    flat = "a flat prior is the same at every power"
    note = "" if priors.mu.proper else flat
    yield Component("prior on mu", "prior", partial(np.multiply, mu_density), note)
    if surface.effects != "common":
        note = "" if priors.tau.proper else flat
        if not note and _order_at_zero(sums, priors) < -0.5:
            note = "its square does not integrate at tau = 0"
        yield Component("prior on tau", "prior", partial(_tau, sums, priors), note)
    rows = surface.weights[:, None, None] * sums.grid.log_l
    for name, row in zip(surface.kept, rows, strict=True):
        yield Component(name, "trial", partial(np.multiply, row))
    whole = rows.sum(axis=0)
    yield Component("all trials", "data", partial(np.multiply, whole))


def _order_at_zero(sums: Sums, priors: Priors) -> float:
    """The a of a prior of tau that goes like tau^a towards 0."""
    if priors.tau.family == "LogStudentT":
        return -1.0  # all but: 1/tau by powers of log tau
    first = sums.tau[1:2]
    below = max(float(priors.tau.cdf(first)[0]), 1e-300)
    return float(np.exp(priors.tau.logpdf(first)[0]) * first[0]) / below - 1


def _tau(sums: Sums, priors: Priors, power: float) -> Array:
    """Log mass of the prior of tau at a power, quadrature weights left out above 0."""
    density = power * priors.tau.logpdf(sums.tau[1:])
    order = power * _order_at_zero(sums, priors)
    below = density[0] + np.log(sums.tau[1]) - np.log1p(order)
    return np.concatenate([[below], density])


# --- what they do ------------------------------------------------------------------------


def _row(
    scale: str, asked: Question, main: Batch, moved: Callable[..., Batch], part: Component
) -> tuple[object, ...]:
    if part.note:
        return (part.name, part.kind, *[np.nan] * 7, part.note)
    own = part.at_power(1.0)
    # Where nothing is left at power 1, nothing is left at another.
    left = np.isfinite(own)
    with np.errstate(invalid="ignore"):
        found = moved(*(np.where(left, part.at_power(power) - own, 0.0) for power in POWERS))
    p = asked.better(found.cdf("mu", [asked.at])[:, 0])
    median = found.quantile("mu", [0.5])[:, 0]
    half, double = p[:2] - asked.better(main.cdf("mu", [asked.at])[0, 0])
    slope, middle = ((row[3] - row[2]) / (2 * STEP) for row in (p, median))
    natural = to_natural(median[:2], scale)
    distance = _sensitivity(main, found)
    return (part.name, part.kind, slope, half, double, middle, *natural, distance, "")


def _sensitivity(main: Batch, found: Batch) -> float:
    """Distance for each doubling, the mean of the two sides of power 1."""
    low, high = main.quantile("mu", [1 / DRAWS, 1 - 1 / DRAWS])[0]
    at = np.linspace(low, high, POINTS)
    own = main.cdf("mu", at)[0]
    moved = found.cdf("mu", at)[4:]
    steps = np.abs(np.log2(NEAR))
    return float(
        np.mean([cjs(own, row, at) / step for row, step in zip(moved, steps, strict=True)])
    )


def cjs(p: Array, q: Array, at: Array) -> float:
    """Cumulative Jensen-Shannon distance of two CDFs, between 0 and 1.

    Of the quantity and of its negative the larger one (Kallioinen et al. 2024, eq 8).

    Parameters
    ----------
    p, q : arrays of shape (n,)
        The CDFs at `at`.
    at : array of shape (n,)
        Increasing.
    """
    return max(_one_sided(p, q, at), _one_sided(1 - p, 1 - q, at))


def _one_sided(p: Array, q: Array, at: Array) -> float:
    middle = 0.5 * (p + q)

    def divergence(a: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(a > 0, a * np.log2(a / middle), 0.0)

    # The terms with the integrals of p and q alone cancel in the sum of both directions.
    total = float(np.trapezoid(divergence(p) + divergence(q), at))
    bound = float(np.trapezoid(p + q, at))
    return float(np.sqrt(max(total, 0.0) / bound))
