"""Bayesian model averaging over {no effect, effect} x {tau = 0, tau > 0}.

Gronau et al. 2017 (Compr Results Soc Psychol 2:123) and Bartoš et al. 2021 (Stat Med 40:6743),
without bridge sampling: the four marginal likelihoods are sums over one surface.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from bayespool.axes import Array
from bayespool.comparison.predictive import proper, whole
from bayespool.decisions import Question, question_of
from bayespool.errors import UsageError
from bayespool.exact import Surface
from bayespool.exact.build import Evidence, log_l
from bayespool.exact.sums import Batch, Sums
from bayespool.measures import to_natural
from bayespool.prior import Priors

__all__ = ["MODELS", "inclusion_factors", "model_average"]

EFFECT, VARIES = [2, 3], [1, 3]  # the models of `MODELS` that have it
MODELS = (
    "no effect, tau = 0",
    "no effect, tau > 0",
    "effect, tau = 0",
    "effect, tau > 0",
)
ENDS = (0.5, 0.025, 0.975)
POINTS = 201


@dataclass(frozen=True, eq=False)
class _Four:
    """The four models of one surface: evidence, probabilities, and the posteriors of mu and tau.

    ``given`` holds, on one grid, tau = 0, tau > 0 and the mixture of both, given an effect;
    ``tau`` the mass at 0 and the nodes of tau given heterogeneity, whether or not there is an
    effect.
    """

    sums: Sums
    log_evidence: Array
    prior: Array
    probability: Array
    given: Batch
    spread: Batch

    def inclusion(self, with_it: list[int]) -> dict[str, float]:
        """Prior and posterior probability of the models that have it, and their Bayes factor."""
        without = [i for i in range(len(self.prior)) if i not in with_it]
        log_p = np.log(self.prior) + self.log_evidence
        log_odds = logsumexp(log_p[with_it]) - logsumexp(log_p[without])
        log_odds -= np.log(self.prior[with_it].sum()) - np.log(self.prior[without].sum())
        with np.errstate(over="ignore"):
            factor = float(np.exp(log_odds))
        return {
            "prior": float(self.prior[with_it].sum()),
            "probability": float(self.probability[with_it].sum()),
            "inclusion_bf": factor,
        }


def model_average(
    surface: Surface,
    priors: Priors,
    benefit: str | None = None,
    threshold: float | str | None = None,
    odds: tuple[float, float] = (1.0, 1.0),
) -> pd.DataFrame:
    """Average over whether there is an effect, and whether it varies between trials.

    Parameters
    ----------
    surface : Surface
        With random (or t) effects.
    priors : Priors
        Proper ones: mu's under an effect, tau's under heterogeneity.
    benefit : {"lower", "higher"}, optional
    threshold : float, optional
        Natural units; no effect by default.
    odds : (float, float)
        Prior odds of an effect and of heterogeneity, independent of each other: equal by default,
        so that each model has a quarter.

    Returns
    -------
    DataFrame
        Rows of ``kind`` "model": the four of `MODELS`; of kind "component": "effect" and
        "heterogeneity"; of kind "average": "all models". ``prior`` and ``probability`` of each
        (posterior); ``log_marginal_likelihood`` of models; ``inclusion_bf`` of components, the
        change from prior to posterior odds; ``natural_median, natural_lower, natural_upper`` of
        the mean effect (for "effect": given one, averaged over tau; for "all models": with the
        mass at exactly no effect); ``prob_benefit`` and ``prob_harm`` beyond and not reaching the
        threshold (without `benefit` ``prob_below`` and ``prob_above``); ``prob_none``, the mass
        at exactly no effect; ``tau_median`` (for "heterogeneity": given it, averaged over the
        effect; for "all models" with the mass at 0). ``attrs["density"]`` has, for drawing, ``x``
        (natural units), ``prior`` and ``posterior`` per unit of the drawn axis (of the natural
        log for ratios): they integrate to the probability of an effect, the rest is a spike.

    Raises
    ------
    UsageError
        A common effect, discounted trials, or odds that are not positive.
    PriorError
        A flat prior, under which these models have no marginal likelihood.

    Notes
    -----
    No effect exactly is neither benefit nor harm: at the threshold of no effect ``prob_benefit``
    and ``prob_harm`` add to 1 - ``prob_none``. At another threshold the mass at no effect counts
    on the side where no effect lies.
    """
    asked = question_of(surface, benefit, threshold)
    four = _four(surface, priors, odds)
    below = four.given.cdf("mu", [asked.at])[:, 0]
    mu = four.given.quantile("mu", ENDS)
    tau = four.spread.quantile("tau", [0.5])[:, 0]
    effect, varies = four.inclusion(EFFECT), four.inclusion(VARIES)

    def row(kind: str, name: str, prior: float, probability: float, **more: Any) -> dict[str, Any]:
        return {"kind": kind, "model": name, "prior": prior, "probability": probability, **more}

    rows = []
    for i, name in enumerate(MODELS):
        line = row("model", name, float(four.prior[i]), float(four.probability[i]))
        line["log_marginal_likelihood"] = float(four.log_evidence[i])
        if i < 2:
            line |= _answers(np.zeros(3), 1.0, 0.0, asked, surface.scale)
        else:
            line |= _answers(mu[i - 2], 0.0, below[i - 2], asked, surface.scale)
        line["tau_median"] = (0.0, tau[0], 0.0, tau[1])[i]
        rows.append(line)
    rows.append(
        row("component", "effect", **effect) | _answers(mu[2], 0.0, below[2], asked, surface.scale)
    )
    rows.append(row("component", "heterogeneity", **varies) | {"tau_median": tau[2]})
    averaged = _with_spike(four, effect["probability"])
    rows.append(
        row("average", "all models", 1.0, 1.0)
        | _answers(averaged, 1 - effect["probability"], below[2], asked, surface.scale)
        | {"tau_median": _tau_with_zero(four, varies["probability"])}
    )
    table = pd.DataFrame(rows)
    order = ["kind", "model", "prior", "log_marginal_likelihood", "probability", "inclusion_bf"]
    ends = ["natural_median", "natural_lower", "natural_upper"]
    table = table[[*order, *ends, asked.word, asked.other, "prob_none", "tau_median"]]
    table.attrs = {
        "benefit": benefit,
        "threshold": float(to_natural(asked.at, surface.scale)) if threshold is None else threshold,
        "density": _density(four, priors, surface.scale),
    }
    return table


def inclusion_factors(
    surface: Surface, sets: Sequence[Priors], odds: tuple[float, float] = (1.0, 1.0)
) -> pd.DataFrame:
    """Bayes factors of an effect under several prior sets: they rest on how wide mu's prior is.

    Parameters
    ----------
    surface, odds
        As for `model_average`.
    sets : sequence of Priors
        A flat prior has no Bayes factor, and its set no row.

    Returns
    -------
    DataFrame
        As the rows of `model_average`, of ``kind`` "prior": ``model`` (name of the set),
        ``prior``, ``probability`` and ``inclusion_bf`` of an effect.

    Raises
    ------
    UsageError
        As for `model_average`.
    """
    rows = [
        {"kind": "prior", "model": each.name} | _four(surface, each, odds).inclusion(EFFECT)
        for each in sets
        if each.mu.proper and each.tau.proper
    ]
    return pd.DataFrame(rows, columns=["kind", "model", "prior", "probability", "inclusion_bf"])


def _density(four: _Four, priors: Priors, scale: str) -> dict[str, list[float]]:
    """Density of the mean effect over all models, per unit of the drawn axis."""
    low, high = four.given.quantile("mu", [0.0005, 0.9995])[2]
    slack = 0.1 * (high - low)
    at = np.linspace(min(low, 0.0) - slack, max(high, 0.0) + slack, POINTS)
    # A density is how fast the cdf rises: central differences, far inside the nodes' spacing.
    h = 2e-3 * (high - low)
    below = four.given.cdf("mu", np.concatenate([at - h, at + h]))[2]
    density = np.maximum(below[POINTS:] - below[:POINTS], 0.0) / (2 * h)
    x = to_natural(at, scale)
    # tanh stretches a difference: d atanh(x) / dx.
    stretch = 1 / (1 - x**2) if scale == "atanh" else np.ones(POINTS)
    prior = np.exp(priors.mu.logpdf(at)) * four.prior[2:].sum() * stretch
    posterior = density * four.probability[2:].sum() * stretch
    return {"x": x.tolist(), "prior": prior.tolist(), "posterior": posterior.tolist()}


def _four(surface: Surface, priors: Priors, odds: tuple[float, float]) -> _Four:
    whole(surface)
    if surface.effects == "common":
        raise UsageError(
            "model averaging asks whether tau is 0, and this surface fixes it there. Make it with "
            'effects="random".'
        )
    proper(priors)
    if len(odds) != 2 or not all(math.isfinite(o) and o > 0 for o in odds):
        raise UsageError(
            f"odds are two positive numbers, of an effect and of heterogeneity; found {odds}."
        )
    sums = surface.batch(priors, np.ones((1, len(surface.kept)))).sums
    axis = sums.grid.tau
    assert axis is not None  # random effects have one
    log_mu, log_tau = sums.log_prior(priors)
    effect = sums.grid.log_l.sum(axis=0) + log_mu[:, None]
    # At exactly no effect each trial is averaged anew: no node of mu need lie there.
    held = Evidence(surface.terms, surface.weights, surface.frame, surface.effects)
    none = log_l(held, np.zeros(1), axis).sum(axis=0)[0]
    log_z = np.array(
        [none[0], logsumexp(none + log_tau), logsumexp(effect[:, 0]), logsumexp(effect + log_tau)]
    )
    share = np.array([odds[0], odds[1]]) / (1 + np.array([odds[0], odds[1]]))
    prior = np.outer([1 - share[0], share[0]], [1 - share[1], share[1]]).ravel()
    log_p = np.log(prior) + log_z
    probability = np.exp(log_p - logsumexp(log_p))
    fixed, varies = np.zeros(effect.shape), np.exp(effect + log_tau - log_z[3])
    fixed[:, 0] = np.exp(effect[:, 0] - log_z[2])
    given = np.array([fixed, varies, _mixed(fixed, varies, log_p[2:])])
    # tau alone, laid along one node of mu: the quantiles of a Batch do the rest.
    columns = np.array([np.exp(none + log_tau - log_z[1]), varies.sum(axis=0)])
    columns = np.vstack([columns, _mixed(columns[0], columns[1], log_p[[1, 3]])])
    spread = np.zeros((3, *effect.shape))
    spread[:, 0] = columns
    zero = np.zeros(3)
    return _Four(
        sums,
        log_z,
        prior,
        probability,
        Batch(sums, zero, zero, given),
        Batch(sums, zero, zero, spread),
    )


def _mixed(one: Array, two: Array, log_weights: Array) -> Array:
    """Two posteriors by their models' probabilities, which may both be next to nothing."""
    share = np.exp(log_weights - logsumexp(log_weights))
    return share[0] * one + share[1] * two


def _answers(mu: Array, none: float, below: float, asked: Question, scale: str) -> dict[str, float]:
    """The answers of a posterior with mass `none` at no effect and, given an effect, `below`."""
    lower = (1 - none) * below + none * (asked.at > 0)
    upper = (1 - none) * (1 - below) + none * (asked.at < 0)
    chances = (upper, lower) if asked.benefit == "higher" else (lower, upper)
    ends = to_natural(mu, scale)
    return {
        "natural_median": float(ends[0]),
        "natural_lower": float(ends[1]),
        "natural_upper": float(ends[2]),
        asked.word: float(chances[0]),
        asked.other: float(chances[1]),
        "prob_none": none,
    }


def _with_spike(four: _Four, effect: float) -> Array:
    """Quantiles of mu over all models: 0 wherever the spike at no effect has them."""
    p = np.array(ENDS)
    under = effect * four.given.cdf("mu", [0.0])[2, 0]
    over = under + 1 - effect
    inside = (p >= under) & (p <= over)
    rest = np.where(p < under, p, p - (1 - effect)) / max(effect, 1e-300)
    found = four.given.quantile("mu", np.where(inside, 0.5, np.clip(rest, 1e-9, 1 - 1e-9)))[2]
    return np.where(inside, 0.0, found)


def _tau_with_zero(four: _Four, varies: float) -> float:
    """Median of tau over all models, with mass at tau = 0."""
    p = (0.5 - (1 - varies)) / max(varies, 1e-300)
    return 0.0 if p <= 0 else float(four.spread.quantile("tau", [p])[2, 0])
