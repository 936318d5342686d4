"""The risk without treatment: what the control arms say, and how far settings differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import expit, log_expit, logsumexp

from bayespool.axes import Array, ScaleAxis, SinhAxis, log_weights, nodes, uniform
from bayespool.exact.trial import LOG_NEGLIGIBLE, averaged, smeared
from bayespool.measures import control_risks
from bayespool.posterior import Tabulated
from bayespool.prior import parse_prior
from bayespool.trials import Trials

__all__ = ["POINTS", "ControlArms", "baselines", "control_arms", "quartiles", "spread"]

POINTS = 200
REACH = 60.0  # logits beyond this are no risks
STEP = 0.2
DEPTH = -36.0  # of the log mass at a node: 1e-16

PRIOR_M = parse_prior("Logistic(0, 1)", "phi")
PRIOR_S = parse_prior("HalfNormal(1)", "tau")


def quartiles(trials: Trials) -> Array:
    """Quartiles of the trials' control risks, each trial counting once."""
    return np.quantile(control_risks(trials), [0.25, 0.5, 0.75])


def baselines(trials: Trials, model: ControlArms | None = None) -> dict[str, float]:
    """Control risks to apply an effect to.

    Parameters
    ----------
    trials : Trials
        With counts.
    model : ControlArms, optional
        `control_arms` of these trials, where it is at hand.

    Returns
    -------
    dict
        Risks between 0 and 1. ``median``, ``low`` and ``high``: median, first and third quartile
        of the trials' control risks, each trial counting once (linear interpolation). ``crude``:
        all events over all patients of the control arms. ``model``: the median risk of a setting
        by `control_arms`, its posterior median.

    Raises
    ------
    UsageError
        No counts.
    """
    low, middle, high = quartiles(trials)
    events = trials.frame["events_control"].sum()
    model = model or control_arms(trials)
    return {
        "median": float(middle),
        "low": float(low),
        "high": float(high),
        "crude": float(events / trials.frame["n_control"].sum()),
        "model": float(expit(model.m.quantile(0.5))),
    }


def spread(trials: Trials, model: ControlArms | None = None, points: int = POINTS) -> Array:
    """Control risks of new settings, as equally weighted points.

    Quantiles (j + 1/2)/`points` of the posterior predictive distribution of `control_arms`, no
    draws: how far settings differ, and not how well their mean is known.

    Returns
    -------
    array of shape (points,)
        Risks, rising.
    """
    model = model or control_arms(trials)
    return np.asarray(expit(model.new.quantile((np.arange(points) + 0.5) / points)))


@dataclass(frozen=True, eq=False)
class ControlArms:
    """The joint posterior of m and s on a grid: see `control_arms`.

    ``log_p`` has shape (m, s): log of the mass at each node; it sums to 1.
    """

    m_axis: SinhAxis
    s_axis: ScaleAxis
    log_p: Array

    @cached_property
    def m(self) -> Tabulated:
        """The median setting's logit risk."""
        return Tabulated(self.m_axis, logsumexp(self.log_p, axis=1) - log_weights(self.m_axis))

    @cached_property
    def new(self) -> Tabulated:
        """The logit risk of a new setting."""
        ends = self.m_axis.to_x(np.array([-REACH, REACH]))
        axis = replace(self.m_axis, x=uniform(ends[0], ends[1], 1.5 * STEP))
        density = self.log_p - log_weights(self.m_axis)[:, None]
        seen = logsumexp(self.log_p, axis=0) > DEPTH
        s = nodes(self.s_axis)[seen]
        return Tabulated(
            axis,
            logsumexp(smeared(self.m_axis, density[:, seen], nodes(axis), s[:, None]), axis=(1, 2)),
        )


def control_arms(trials: Trials) -> ControlArms:
    """The posterior of the control risks, by a random-effects model of their logits.

    r_i ~ Binomial(n_i, p_i), logit p_i ~ Normal(m, s). Each arm's own risk is integrated out by
    quadrature, as a trial's effect is in the surface, so arms without events, or with events
    only, need no correction.

    Priors: m ~ Logistic(0, 1), which is a uniform prior on the median risk and worth two
    patients. A Normal(0, 2) would hold rare events back, a Normal(0, 10) say beforehand that
    every risk is next to 0 or 1. s ~ HalfNormal(1): at its median, 0.67, the odds of 95 % of
    settings lie within a factor of 14 of each other. One or two arms say little about s, and the
    median risk is then drawn towards 1/2 (3 of 10,000 in a single arm give 17 per 10,000).

    Raises
    ------
    UsageError
        No counts.
    """
    control_risks(trials)  # refuses a layout without counts
    events, n = (trials.frame[c].to_numpy(dtype=float) for c in ("events_control", "n_control"))
    # With 1/2 added, only to place nodes.
    logits = np.log((events + 0.5) / (n - events + 0.5))
    errors = np.sqrt(1 / (events + 0.5) + 1 / (n - events + 0.5))
    precision = 1 / errors**2
    # Two places where m may be: all arms alike (s = 0), and each arm counting as much.
    centres = float(precision @ logits / precision.sum()), float(logits.mean())
    widths = float(precision.sum() ** -0.5), float(np.hypot(0.5, errors.mean()) / len(n) ** 0.5)
    m_axis = SinhAxis(centres, widths, np.zeros(2))
    ends = m_axis.to_x(np.array([-REACH, REACH]))
    m_axis = replace(m_axis, x=uniform(ends[0], ends[1], STEP))
    s_axis = ScaleAxis(float(min(np.median(errors), 0.67)), np.zeros(2))
    top = float(s_axis.to_x(np.array([9.0]))[0])  # P(s > 9) is 1e-19
    s_axis = replace(s_axis, x=uniform(-3.0, top, STEP))
    m, s = nodes(m_axis), nodes(s_axis)
    log_p = (PRIOR_M.logpdf(m) + log_weights(m_axis))[:, None]
    log_p = log_p + PRIOR_S.logpdf(s) + log_weights(s_axis)
    for arm in zip(events, n, logits, errors, strict=True):
        log_p = log_p + averaged(*_likelihood(*arm), m, s)
    log_p -= logsumexp(log_p)
    seen = np.flatnonzero(log_p.max(axis=1) > DEPTH)
    inside = slice(seen[0], seen[-1] + 1)
    return ControlArms(replace(m_axis, x=m_axis.x[inside]), s_axis, log_p[inside])


def _likelihood(events: float, n: float, centre: float, width: float) -> tuple[SinhAxis, Array]:
    """One arm's log likelihood at nodes of its logit risk."""
    axis = SinhAxis((centre,), (8 * width,), np.zeros(2))
    # Beyond 300 logits the model has nothing; a likelihood that dies out ends before.
    ends = axis.to_x(np.array([-300.0, 300.0]))
    x = uniform(ends[0], ends[1], 0.025)
    logit = axis.value(x)
    log_f = events * log_expit(logit) + (n - events) * log_expit(-logit)
    seen = np.flatnonzero(log_f > log_f.max() + LOG_NEGLIGIBLE)
    inside = slice(max(seen[0] - 1, 0), seen[-1] + 2)
    return replace(axis, x=x[inside]), log_f[inside]
