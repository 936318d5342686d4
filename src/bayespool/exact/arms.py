"""What two arms' means and SDs say about an effect when the SDs are not taken as known.

Flat priors on (mean, log sigma) of each arm, whose units then drop out, leave the mean of
an arm with SD s and n patients as m + s/sqrt(n) times a t of n - 1 degrees of freedom (Box &
Tiao 1973, Bayesian Inference in Statistical Analysis, 2.4). The mean difference is the
Behrens-Fisher one; a ratio takes both means as positive; a standardised difference has one
sigma for both arms and the noncentral t of Cohen's d. ``g(theta)`` is tabulated for each trial
and the surface does the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, gammaln

from bayespool.axes import Array, SinhAxis, nodes, uniform
from bayespool.errors import UsageError
from bayespool.exact.trial import LOG_NEGLIGIBLE, THETA_LIMIT, Counts, averaged, blocks, log_sum
from bayespool.measures import effect_sizes
from bayespool.trials import Trials

MEASURES = ("MD", "ROM", "SMD")
CORE = 4.0  # within this many standard errors of the estimate the theta axis is nearly even
FARTHEST = 24.0  # in asinh of standard errors: 1e11 of them, for tails that fall like theta^-2
_SPREADS = 16.0  # a normal density is e^-128 of its peak so many standard deviations away


@dataclass(frozen=True)
class Arms(Counts):
    """Two arms' means with their SDs integrated out, tabulated in theta.

    Its tails are those of t: a power of theta, where counts have none. The far nodes that
    these need are left out of the sums that do not reach them.
    """

    def averaged(self, mu: Array, tau: Array, halving: int = 0) -> Array:
        """log of the average of g over Normal(mu, tau); shape (mu, tau)."""
        if halving:
            return super().averaged(mu, tau, halving)
        result = np.empty((len(mu), len(tau)))
        for some in np.array_split(np.argsort(tau), max(len(tau) // 16, 1)):
            if len(some):
                far = _SPREADS * tau[some].max()
                ends = self.axis.to_x(np.array([mu.min() - far, mu.max() + far]))
                first, last = np.searchsorted(self.axis.x, ends) + np.array([-3, 3])
                seen = slice(max(min(first, len(self.axis.x) - 9), 0), max(last, 9))
                axis = SinhAxis(self.axis.centres, self.axis.widths, self.axis.x[seen])
                result[:, some] = averaged(axis, self.log_g[seen], mu, tau[some])
        return result


def check_arms(trials: Trials, measure: str) -> None:
    """Raise UsageError unless the trials have means with SDs, and a measure made of them."""
    if trials.layout == "continuous" and measure in MEASURES:
        return
    if trials.layout in ("quartiles", "range", "five"):
        raise UsageError(
            f"{trials.path}: medians need the normal likelihood. Their conversion into means and "
            "SDs is an approximation already, so there is nothing exact to be had from the arms."
        )
    raise UsageError(
        f"The arms likelihood needs the mean, SD and n of both arms and {', '.join(MEASURES[:-1])} "
        f"or {MEASURES[-1]}; {trials.path} has the {trials.layout} layout and is asked for the "
        f"{measure}. Leave the likelihood out."
    )


def arms_likelihoods(trials: Trials, measure: str, fineness: float = 1.0) -> list[Arms]:
    """Tabulate log g(theta) of every trial.

    Parameters
    ----------
    trials : Trials
        With mean, SD and n of both arms.
    measure : "MD", "ROM" or "SMD"
        ``theta`` is the difference of the means, the log of their ratio, or the difference
        over the common sigma.
    fineness : float
        2 doubles the nodes in theta and in the arms' means.

    Returns
    -------
    list of Arms
        MD: g is the density of the difference of the observed means, per unit of the outcome.
        ROM: the integral of both means' densities over the means whose log ratio is theta,
        flat in the two means. SMD: the density of Cohen's d, the difference of the means over
        the pooled SD; exact, so it needs no correction as Hedges' g does. Marginal likelihoods
        compare within one measure of this likelihood and nowhere else.

    Raises
    ------
    DataError
        ROM: an observed mean that is not positive.
    UsageError
        Another measure, or trials without means and SDs.
    """
    check_arms(trials, measure)
    effect_sizes(trials, measure)  # refuses what has no estimate
    columns = [f"{stem}_{arm}" for arm in ("treatment", "control") for stem in ("mean", "sd", "n")]
    rows = trials.frame[columns].to_numpy(dtype=float)
    return [_likelihood(measure, row, fineness) for row in rows]


def _likelihood(measure: str, row: Array, fineness: float) -> Arms:
    m1, s1, n1, m0, s0, n0 = row
    if measure == "SMD":
        d, size, df = cohen(*row)
        width = float(np.sqrt(1 / size + d**2 / (2 * df)))
        return _tabulated(lambda delta: log_cohen(d, delta, size, df), d, width, fineness)
    location = LogMean if measure == "ROM" else Mean
    treatment = location(m1, s1 / np.sqrt(n1), n1 - 1)
    control = location(m0, s0 / np.sqrt(n0), n0 - 1)
    return _tabulated(
        lambda theta: log_difference(treatment, control, theta, 0.05 / fineness),
        treatment.centre - control.centre,
        float(np.hypot(treatment.width, control.width)),
        fineness,
        limit=THETA_LIMIT if measure == "ROM" else np.inf,
    )


def _tabulated(
    log_g: Callable[[Array], Array],
    centre: float,
    width: float,
    fineness: float,
    limit: float = np.inf,
) -> Arms:
    """Lay nodes down to e^-120 of the peak, as far as they go, and fill them in."""
    axis = SinhAxis((centre,), (CORE * width,), np.arange(-FARTHEST, FARTHEST + 0.1, 0.5))
    axis = SinhAxis(axis.centres, axis.widths, axis.x[np.abs(axis.value(axis.x)) <= limit])
    found = log_g(nodes(axis))
    seen = axis.x[found > found.max() + LOG_NEGLIGIBLE]
    low, high = max(seen[0] - 0.5, axis.x[0]), min(seen[-1] + 0.5, axis.x[-1])
    x = uniform(low, high, 0.1 / CORE / fineness)
    axis = SinhAxis(axis.centres, axis.widths, x)
    return Arms(centre, width, axis, log_g(nodes(axis)))


# --- two means ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Mean:
    """An arm's mean: ``mean`` + ``error`` t(df), with its standard error."""

    mean: float
    error: float
    df: float

    @property
    def centre(self) -> float:
        return self.mean

    @property
    def width(self) -> float:
        return self.error

    def log_density(self, x: Array) -> Array:
        """log of the density at ``x``, per unit of ``x``."""
        return _log_t((x - self.mean) / self.error, self.df) - np.log(self.error)


@dataclass(frozen=True)
class LogMean(Mean):
    """The log of an arm's mean, flat in the mean itself, which is positive."""

    @property
    def _peak(self) -> float:
        """Where a normal density times the mean has its peak."""
        return 0.5 * (self.mean + float(np.hypot(self.mean, 2 * self.error)))

    @property
    def centre(self) -> float:
        return float(np.log(self._peak))

    @property
    def width(self) -> float:
        return float(self.error / np.sqrt(self._peak * (2 * self._peak - self.mean)))

    def log_density(self, x: Array) -> Array:
        """log of the density at ``x``, the log of the mean; its integral is P(mean > 0)."""
        with np.errstate(over="ignore"):  # a mean beyond all floats has no density
            return super().log_density(np.exp(x)) + x


def _log_t(z: Array, df: float) -> Array:
    constant = betaln(0.5, 0.5 * df) + 0.5 * np.log(df)
    return -0.5 * (df + 1) * np.log(1 + z**2 / df) - constant  # log1p takes thrice the time


def log_difference(treatment: Mean, control: Mean, theta: Array, size: float = 0.05) -> Array:
    """log of the density of treatment minus control at ``theta``.

    In the tails the integrand has a peak at each arm's mean, each as wide as its error. So each
    arm has nodes around its own mean, and a smooth share of the line: near one mean, and where
    the nodes of the other are far apart, all of it.
    """
    own = _near(control, treatment, theta, size)
    return np.logaddexp(own, _near(treatment, control, -theta, size))


def _near(arm: Mean, other: Mean, shift: Array, size: float) -> Array:
    """``arm``'s share of the integral of its density at x times the other's at x + shift."""
    x = np.arange(-25.0, 25.0 + size, size)
    away = arm.width * np.sinh(x)
    log_f = arm.log_density(arm.centre + away)
    seen = log_f > log_f.max() + LOG_NEGLIGIBLE
    away, log_f = away[seen], log_f[seen]
    own = np.hypot(away, arm.width)  # the slope of the map from x, and how near this mean is
    log_f += np.log(own * size)
    found = np.empty(len(shift))
    for rows in blocks(len(shift), len(away)):
        there = (arm.centre + away) + shift[rows, None]
        ratio = own**2 / ((there - other.centre) ** 2 + other.width**2)
        terms = other.log_density(there) + log_f
        terms -= np.log(1 + np.square(np.square(ratio)))  # this arm's share of the line
        found[rows] = log_sum(terms)
    return found


# --- a standardised difference ------------------------------------------------------------


def cohen(
    m1: float, s1: float, n1: float, m0: float, s0: float, n0: float
) -> tuple[float, float, float]:
    """Cohen's d, n1 n0 / (n1 + n0), and the degrees of freedom of the pooled SD."""
    df = n1 + n0 - 2
    pooled = np.sqrt(((n1 - 1) * s1**2 + (n0 - 1) * s0**2) / df)
    return float((m1 - m0) / pooled), n1 * n0 / (n1 + n0), df


def log_cohen(d: float, delta: Array, size: float, df: float) -> Array:
    """log of the density of Cohen's d, given the true standardised difference ``delta``.

    t = d sqrt(size) is noncentral t with noncentrality delta sqrt(size): a normal over the root
    of a chi-squared, whose logarithm is summed out around its mode for each delta.
    """
    t, shift = d * np.sqrt(size), np.sqrt(size) * np.asarray(delta, dtype=float)[:, None]
    root = np.sqrt(df + t**2)
    pull = shift * t / root
    mode = 0.5 * (np.abs(pull) + np.sqrt(pull**2 + 4 * (df + 1)))
    mode = np.where(pull >= 0, mode, (df + 1) / mode)  # the same root without cancellation
    width = 1 / np.sqrt(mode**2 + df + 1)
    z = np.arange(-32.0, 12.1, 0.2)
    y = mode * np.exp(width * z)
    terms = (df + 1) * np.log(y) - 0.5 * (y - pull) ** 2
    constant = 0.5 * df * np.log(df) - 0.5 * np.log(np.pi) - gammaln(0.5 * df)
    constant += 0.5 * np.log(size) - 0.5 * (df - 1) * np.log(2) - (df + 1) * np.log(root)
    inner = log_sum(terms) + np.log(0.2 * width[:, 0])
    return constant - 0.5 * df * (shift[:, 0] / root) ** 2 + inner
