"""Where to put the nodes of (mu, tau), and which moments exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bayespool.axes import Array, Axis, CutAxis, ScaleAxis, SinhAxis, cut, nodes, uniform
from bayespool.exact.trial import THETA_LIMIT, Counts, TrialLikelihood
from bayespool.prior import Prior, Priors

DEPTH = 45.0  # nodes reach down to e^-45 of the posterior's peak: tails of 1e-12 are whole
_SCOUT = np.arange(-3.0, 90.0, 0.25)


@dataclass(frozen=True)
class Frame:
    """What the data say about where mu and tau can lie, by normal approximation."""

    centre: float  # inverse-variance mean of the trials
    width: float  # its standard error at tau = 0
    typical: float  # a trial's typical standard error
    low: float  # every trial's likelihood lives between low and high
    high: float
    k: float  # trials that bound the effect, by weight
    strain: float = 0.0  # log likelihood that tau = 0 costs, beyond what chance explains

    @property
    def reach(self) -> float:
        width = self.high - self.low
        return max(width, self.typical) if np.isfinite(width) else 2 * THETA_LIMIT


def frame(terms: Sequence[TrialLikelihood], informative: float, weights: Array) -> Frame:
    """Sum the trials up; ``informative`` of them bound the effect on both sides."""
    centres = np.array([term.centre for term in terms])
    widths = np.array([term.width for term in terms])
    precision = weights / widths**2
    ends = np.array([support(term) for term in terms])
    centre = np.sum(precision * centres) / precision.sum()
    return Frame(
        centre=float(centre),
        width=float(1 / np.sqrt(precision.sum())),
        typical=float(np.median(widths)),
        low=float(ends[:, 0].min()),
        high=float(ends[:, 1].max()),
        k=informative,
        strain=float(strain(np.sum(precision * (centres - centre) ** 2), len(terms))),
    )


def strain(q: Array, k: Array | int) -> Array:
    """Half of Cochran's Q beyond its expectation: how far data pull tau into its prior's tail."""
    return np.asarray(np.clip(0.5 * (q - k), 0.0, 1e6))


def support(term: TrialLikelihood) -> tuple[float, float]:
    """Where a trial's likelihood is above e^-45 of its peak; infinite where it does not die out."""
    if not isinstance(term, Counts):
        return term.centre - 9.5 * term.width, term.centre + 9.5 * term.width
    seen = np.nonzero(term.log_g > term.log_g.max() - DEPTH)[0]
    points = nodes(term.axis)
    # A likelihood that has not died out at its last node is bounded by the prior alone.
    low = -np.inf if seen[0] == 0 else points[seen[0]]
    high = np.inf if seen[-1] == len(points) - 1 else points[seen[-1]]
    return float(low), float(high)


def moments_of_tau(priors: Priors, k: float) -> int:
    """How many moments the posterior of tau has (0, 1 or 2 are told apart).

    As tau grows each trial's likelihood falls like 1/tau, one of them spent on a flat mu,
    and the prior like tau^-tail: moment r exists when k' + tail - 1 > r.
    """
    left = priors.tau.tail + k - (priors.mu.tail == 0) - 1
    return int(left > 1) + int(left > 2)


def moments_of_mu(priors: Priors, k: float) -> int:
    """How many moments the posterior of mu has: large mu needs a large tau to explain the data."""
    left = priors.mu.tail - 1 if k == 0 else priors.mu.tail + priors.tau.tail + k - 2
    return int(left > 1) + int(left > 2)


def tau_axis(data: Frame, priors: Priors, step_size: float) -> ScaleAxis | CutAxis:
    """Nodes for tau > 0, from a millionth of the trials' error to where the posterior ends."""
    prior = priors.tau
    middle = float(prior.ppf(np.array([0.5]))[0]) if prior.proper else np.inf
    axis = ScaleAxis(float(min(data.typical, middle)), _SCOUT)
    low, high = prior.support
    if np.isfinite(high):  # a uniform prior: its ends are the axis's ends
        ends = axis.to_x(np.array([max(low, nodes(replace(axis, x=np.array([-2.5])))[0]), high]))
        return cut(axis, float(ends[0]), float(ends[1]), step_size)
    tau = nodes(axis)
    # Beyond all trials and the bulk of mu's prior the likelihood is a power of tau.
    wide = max(data.reach, _half_width(priors.mu)) if priors.mu.proper else data.reach
    power = data.k - (not priors.mu.proper)
    kept = 2 if moments_of_tau(priors, data.k) == 2 else moments_of_tau(priors, data.k)
    log_f = prior.logpdf(tau) + axis.log_slope(_SCOUT)
    log_f = log_f - (power - kept) * np.log(np.maximum(tau / wide, 1.0))
    depth = DEPTH + data.strain + conflict(priors.mu, data.centre)
    seen = np.nonzero(log_f > np.max(log_f[np.isfinite(log_f)]) - depth)[0]
    last = _SCOUT[min(seen[-1] + 1, len(_SCOUT) - 1)]
    first = max(_SCOUT[max(seen[0] - 1, 0)], -2.5)
    return replace(axis, x=uniform(first, last, step_size))


def mu_axis(
    data: Frame,
    prior: Prior,
    tau_max: float,
    step_size: float,
    corner: bool = False,
    generous: bool = False,
    peaks: Sequence[tuple[float, float]] = (),
) -> SinhAxis | CutAxis:
    """Nodes for mu: the trials' reach cut to the prior's, finest at the pooled estimate.

    ``corner`` crowds nodes at no effect, where a trial's likelihood has one; ``generous``
    does not cut; ``peaks`` are further (centre, width) to resolve.
    """
    spread = 9.5 * tau_max
    low, high = data.low - spread, data.high + spread
    if not prior.proper:  # trials that do not bound mu leave it to the end of what is tabulated
        low = low if np.isfinite(low) else -THETA_LIMIT - spread
        high = high if np.isfinite(high) else THETA_LIMIT + spread
    centres, widths = [data.centre], [data.width]
    if prior.proper:
        bottom, middle, top = _prior_reach(prior)
        apart = middle < low or middle > high
        low, high = min(low, middle), max(high, middle)  # the posterior lies between the two
        if not (apart or generous):
            low, high = max(low, bottom), min(high, top)
        if _half_width(prior) < 2 * data.width:
            centres.append(middle)
            widths.append(_half_width(prior))
    if corner:
        centres.append(0.0)
        widths.append(0.02 * data.width)
    centres += [centre for centre, _ in peaks]
    widths += [width for _, width in peaks]
    axis = SinhAxis(tuple(centres), tuple(widths), np.zeros(2))
    reach = np.clip([low, high], -1e40, 1e40)
    if np.isfinite(prior.support).any():  # a density may end there without dying out
        ends = axis.to_x(np.where(np.isfinite(prior.support), prior.support, reach))
        return cut(axis, float(ends[0]), float(ends[1]), step_size)
    ends = axis.to_x(reach)
    return replace(axis, x=uniform(ends[0], ends[1], step_size))


def conflict(prior: Prior, centre: Array | float) -> Array:
    """Log density that the prior on mu costs at the trials' mean, beyond what is ordinary."""
    if not prior.proper:
        return np.zeros(np.shape(centre))
    middle = float(prior.ppf(np.array([0.5]))[0])
    z = (np.asarray(centre) - middle) / _half_width(prior)
    return np.clip(0.5 * (z**2 - 25), 0.0, 1e6)


def _half_width(prior: Prior) -> float:
    low, high = prior.ppf(np.array([0.16, 0.84]))
    return float(high - low) / 2


def _prior_reach(prior: Prior) -> tuple[float, float, float]:
    low, middle, high = (float(v) for v in prior.ppf(np.array([1e-16, 0.5, 1 - 1e-16])))
    # ppf(1 - 1e-16) rounds to 1 - 1.1e-16; stretch to the e^-45 of a normal's density.
    return middle - 1.2 * (middle - low), middle, middle + 1.2 * (high - middle)


def trimmed(axis: Axis, log_profile: Array, stride: int) -> slice:
    """The nodes worth keeping, given the log posterior's maxima at every ``stride``-th node."""
    seen = np.nonzero(log_profile > log_profile.max() - DEPTH)[0]
    first, last = max(seen[0] - 1, 0) * stride, min((seen[-1] + 1) * stride, len(axis.x) - 1)
    last -= (last - first) % 2
    return slice(first, last + 1)
