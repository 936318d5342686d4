"""Between-trial variance: its estimators and its interval, for many reviews at once.

Arrays of estimates `y` and sampling variances `v` have shape (..., k): the last axis is the
trials, the axes before it are reviews. A NaN marks a trial that is not there, so that reviews of
different sizes share an array. Results have shape (...).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from bayespool.errors import UsageError

Array = NDArray[np.float64]
TAU2_METHODS = ("DL", "PM", "REML", "ML", "HE", "HS", "SJ", "EB")

_SCAN = 64
_CANDIDATES = 3  # maxima of a likelihood that are followed to their tops
_BLOCK = 1_000_000  # numbers in a scanned array: 8 MB each
# A cell of the scan spans less than a factor 2 while range² is below 1e15 times the smallest
# variance; halving would end in one that spans a factor 1000, too.
_HALVINGS = 64
_SEEN = 1e-15  # of a sum of variances
_HALVINGS_FROM_FAR = 120


def tau2_estimate(method: str, y: Array, v: Array) -> Array:
    """Between-trial variance by one of `TAU2_METHODS`, never below 0; NaN for a single trial.

    DL: DerSimonian & Laird (1986). HE: Hedges (1983), the unweighted moment estimator. HS: Hunter
    & Schmidt (1990). SJ: Sidik & Jonkman (2005), started from the crude variance of the estimates.
    PM: Paule & Mandel (1982), the variance at which Q equals its degrees of freedom; EB (Morris
    1983) solves the same equation. ML and REML: the highest maximum of the likelihood, found by a
    scan of [0, range²], which holds them all, and false position on the score. Formulas as
    collected by Veroniki et al. (2016), Res Synth Methods 7:55.
    """
    shape, trials = np.shape(y)[:-1], np.shape(y)[-1]
    y, v, there = (a.reshape(-1, trials) for a in _prepare(y, v))
    block = max(1, _BLOCK // (trials * _SCAN))
    estimates = np.empty(len(y))
    for start in range(0, len(y), block):
        part = slice(start, start + block)
        k = there[part].sum(-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            estimate = _ESTIMATORS[method](y[part], v[part], there[part], k)
        estimates[part] = np.where(k > 1, np.maximum(estimate, 0.0), np.nan)
    return estimates.reshape(shape)


def typical_variance(v: Array) -> Array:
    """Return the sampling variance of a typical trial: Higgins & Thompson (2002), equation 9."""
    w = np.where(np.isfinite(v), 1 / v, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((np.isfinite(v).sum(-1) - 1) / _pairs(w))


def cochran_q(y: Array, v: Array, tau2: Array | float = 0.0) -> Array:
    """Weighted sum of squares about the weighted mean, with weights 1/(v + tau2)."""
    y, v, there = _prepare(y, v)
    return _q(y, v, there, np.asarray(tau2, dtype=float))


def q_profile(y: Array, v: Array, level: float = 0.95) -> tuple[Array, Array]:
    """Interval of tau2 by the Q profile: Viechtbauer (2007), Stat Med 26:37.

    The variances at which Q meets the quantiles of chi-squared with k - 1 degrees of freedom.
    Both ends are 0 where the trials agree better than chance allows; NaN for a single trial.
    """
    check_level(level)
    y, v, there = _prepare(y, v)
    df = there.sum(-1) - 1.0
    ends = []
    for upper_tail in ((1 - level) / 2, (1 + level) / 2):
        with np.errstate(divide="ignore", invalid="ignore"):
            ends.append(_where_q_is(chdtri(df, upper_tail), y, v, there))
    return np.where(df > 0, ends[0], np.nan), np.where(df > 0, ends[1], np.nan)


def check_level(level: float) -> None:
    """Raise UsageError for a confidence level that is not between 0 and 1."""
    if not 0 < level < 1:
        raise UsageError(f"level = {level:g} is not between 0 and 1; 0.95 is usual.")


def peak(
    loglik: Callable[[Array], Array], score: Callable[[Array], Array], least: Array, high: Array
) -> Array:
    """Highest maximum over [0, high] of a function of one variable, for many reviews.

    Parameters
    ----------
    loglik, score : callables
        The function and its derivative: from points of shape (..., m) to values of that shape.
    least, high : arrays of shape (...)
        `least` is the smallest variance that the variable is added to: below a thousandth of it
        the function is as good as linear. Beyond `high`, which is above that, it falls.
    """
    low = 1e-3 * least
    steps = np.linspace(0.0, 1.0, _SCAN)
    grid = low[..., None] * (high / low)[..., None] ** steps
    grid = np.concatenate([np.zeros_like(grid[..., :1]), grid], axis=-1)
    rises = score(grid) > 0
    summit = rises[..., :-1] & ~rises[..., 1:]
    most = int(summit.sum(-1).max(initial=0))
    value = summit.astype(float)
    if most > _CANDIDATES:  # which are the highest
        height = loglik(grid)
        value = np.where(summit, np.maximum(height[..., :-1], height[..., 1:]), -np.inf)
    candidates = int(np.clip(most, 1, _CANDIDATES))
    best = np.argsort(-value, axis=-1, kind="stable")[..., :candidates]
    # A cell without a summit shrinks to 0, which is a candidate anyway.
    real = np.take_along_axis(summit, best, -1)
    left = np.where(real, np.take_along_axis(grid[..., :-1], best, -1), 0.0)
    right = np.where(real, np.take_along_axis(grid[..., 1:], best, -1), 0.0)
    tops = zero_of(score, left, right, _HALVINGS, least[..., None])
    # With no summit at all the function falls from 0 on; else 0 may still be higher.
    tops = np.concatenate([tops, np.zeros_like(tops[..., :1])], axis=-1)
    chosen = np.argmax(loglik(tops), axis=-1)
    return np.take_along_axis(tops, chosen[..., None], -1)[..., 0]


def zero_of(
    falling: Callable[[Array], Array], left: Array, right: Array, halvings: int, beside: Array
) -> Array:
    """Find where a falling function passes 0 between `left` and `right`.

    To the rounding of its sum with what stands `beside` it: a variance far below those that it is
    added to has no digits but the sum's.

    By false position with the Illinois rule (Dowell & Jarratt 1971, BIT 11:168), which takes a
    handful of steps; every third halves the interval, so it takes no more than three times as
    many as halving alone.
    """
    at_left, at_right = falling(left), falling(right)
    # How often in a row an end has moved: the left end above 0, the right end below.
    moved = np.zeros(np.shape(at_left))
    for turn in range(3 * halvings):
        seen = _SEEN * (right + beside)
        wide = right - left > 2.5 * seen  # the others stay, whatever company they are in
        if not wide.any():
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            share = at_left / (at_left - at_right)
        share = np.where((share >= 0) & (share <= 1) & (turn % 3 != 2), share, 0.5)
        # Never nearer to an end than rounding lets one see: a step from there closes the interval.
        # Where it does not, as the function's own rounding hides the place, the next is longer.
        room = np.minimum(seen * 4.0 ** np.minimum(np.abs(moved), 60), 0.5 * (right - left))
        between = np.clip(left + share * (right - left), left + room, right - room)
        value = falling(between)
        up = value > 0
        # An end that stays twice counts for half, or it would stay for ever.
        at_left = np.where(up, value, np.where(moved < 0, 0.5 * at_left, at_left))
        at_right = np.where(up, np.where(moved > 0, 0.5 * at_right, at_right), value)
        left, right = np.where(wide & up, between, left), np.where(wide & ~up, between, right)
        moved = np.where(up, np.maximum(moved, 0) + 1, np.minimum(moved, 0) - 1)
    return (left + right) / 2


def _prepare(y: Array, v: Array) -> tuple[Array, Array, Array]:
    """Zeros for missing trials, y about its mean, and 1.0 where a trial is there."""
    y, v = np.broadcast_arrays(np.asarray(y, dtype=float), np.asarray(v, dtype=float))
    there = np.isfinite(y) & np.isfinite(v)
    y, v, weight = np.where(there, y, 0.0), np.where(there, v, 1.0), there.astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = y.sum(-1, keepdims=True) / weight.sum(-1, keepdims=True)
    return np.where(there, y - centre, 0.0), v, weight


def _weigh(y: Array, v: Array, there: Array, tau2: Array) -> tuple[Array, Array, Array]:
    """Weights, their sum, and squared distances from the weighted mean."""
    w = there / (v + tau2[..., None])
    total = w.sum(-1)
    mean = (w * y).sum(-1) / total
    return w, total, (y - mean[..., None]) ** 2


def _q(y: Array, v: Array, there: Array, tau2: Array) -> Array:
    w, _, square = _weigh(y, v, there, tau2)
    return np.asarray((w * square).sum(-1))


def _least(v: Array, there: Array) -> Array:
    """The smallest sampling variance; infinite where no trial is there."""
    return np.asarray(np.where(there > 0, v, np.inf).min(-1))


def _range2(y: Array, there: Array) -> Array:
    high = np.where(there > 0, y, -np.inf).max(-1)
    low = np.where(there > 0, y, np.inf).min(-1)
    return np.asarray((high - low) ** 2)


def _dot(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("...k,...k->...", a, b))


def _loglik(y: Array, v: Array, there: Array, tau2: Array, restricted: bool) -> Array:
    w, total, square = _weigh(y, v, there, tau2)
    deviance = (there * np.log(v + tau2[..., None])).sum(-1) + (w * square).sum(-1)
    return np.asarray(-0.5 * (deviance + np.log(total) if restricted else deviance))


def _score(y: Array, v: Array, there: Array, tau2: Array, restricted: bool) -> Array:
    """Return the derivative of `_loglik` by tau2; the most precise trial stands first."""
    w = there / (v + tau2[..., None])
    total, weighted = w.sum(-1), _dot(w, y)
    apart = w * (y - (weighted / total)[..., None])
    expected = total
    if restricted:  # the sum of w less that of w² over it, which has no digits if one w is large
        largest, others = w[..., 0], w[..., 1:]
        rest = others.sum(-1)
        expected = (2 * largest * rest + rest**2 - _dot(others, others)) / total
    return np.asarray(0.5 * (_dot(apart, apart) - expected))


def _maximum_likelihood(y: Array, v: Array, there: Array, restricted: bool) -> Array:
    # The most precise trial first, and y from there: what it outweighs keeps its digits.
    order = np.argsort(np.where(there > 0, v, np.inf), axis=-1, kind="stable")
    y, v, there = (np.take_along_axis(a, order, -1) for a in (y, v, there))
    y = there * (y - y[..., :1])
    # One more axis, before the trials, for the points at which the likelihood is looked at.
    each = (y[..., None, :], v[..., None, :], there[..., None, :])
    least = _least(v, there)
    # With w <= 1/t and the mean within the range of y, the score is negative beyond range².
    high = np.maximum(_range2(y, there), 2e-3 * least)
    return peak(
        lambda t: _loglik(*each, t, restricted),
        lambda t: _score(*each, t, restricted),
        np.where(np.isfinite(least), least, 1.0),
        np.where(np.isfinite(high), high, 2.0),
    )


def _where_q_is(target: Array, y: Array, v: Array, there: Array) -> Array:
    """Find the variance at which Q, which falls with it, is `target`; 0 if it starts below."""
    # Q(t) <= (k - 1) range² / t, by the same argument as for the likelihoods.
    high = (there.sum(-1) - 1) * _range2(y, there) / target
    starts_above = _q(y, v, there, np.zeros(y.shape[:-1])) > target
    high = np.where(starts_above & np.isfinite(high), high, 0.0)
    return zero_of(
        lambda t: _q(y, v, there, t) - target,
        np.zeros_like(high),
        high,
        _HALVINGS_FROM_FAR,
        _least(v, there),
    )


def _der_simonian_laird(y: Array, v: Array, there: Array, k: Array) -> Array:
    w, _, square = _weigh(y, v, there, np.zeros(y.shape[:-1]))
    return ((w * square).sum(-1) - (k - 1)) / _pairs(w)


def _pairs(w: Array) -> Array:
    """The sum of w less the sum of w² over it: twice that of w_i w_j over pairs, over the sum.

    The difference of the two has no digits left where one weight outweighs all others.
    """
    before = np.zeros_like(w)
    before[..., 1:] = np.cumsum(w, axis=-1)[..., :-1]
    return np.asarray(2 * (w * before).sum(-1) / w.sum(-1))


def _hunter_schmidt(y: Array, v: Array, there: Array, k: Array) -> Array:
    w, total, square = _weigh(y, v, there, np.zeros(y.shape[:-1]))
    return ((w * square).sum(-1) - k) / total


def _hedges(y: Array, v: Array, there: Array, k: Array) -> Array:
    return (y**2).sum(-1) / (k - 1) - (there * v).sum(-1) / k


def _sidik_jonkman(y: Array, v: Array, there: Array, k: Array) -> Array:
    crude = (y**2).sum(-1) / k
    return np.where(crude > 0, crude * _q(y, v, there, crude) / (k - 1), 0.0)


def _paule_mandel(y: Array, v: Array, there: Array, k: Array) -> Array:
    return _where_q_is(k - 1.0, y, v, there)


_ESTIMATORS: dict[str, Callable[[Array, Array, Array, Array], Array]] = {
    "DL": _der_simonian_laird,
    "PM": _paule_mandel,
    "REML": lambda y, v, there, k: _maximum_likelihood(y, v, there, restricted=True),
    "ML": lambda y, v, there, k: _maximum_likelihood(y, v, there, restricted=False),
    "HE": _hedges,
    "HS": _hunter_schmidt,
    "SJ": _sidik_jonkman,
    "EB": _paule_mandel,
}
