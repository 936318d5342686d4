"""OR, RR and RD, by counts and by estimates, beside each other and never ranked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayespool.comparison.predictive import EXTREME, leave_trial_out
from bayespool.decisions import Question, check_benefit
from bayespool.errors import DataError, UsageError
from bayespool.exact import surface
from bayespool.measures import to_natural
from bayespool.prior import DEFAULT_PHI, Prior, Priors
from bayespool.trials import Trials

__all__ = ["side_by_side"]

LIKELIHOODS = ("binomial", "normal")


def side_by_side(
    trials: Trials,
    priors: Mapping[str, Priors],
    benefit: str | None = None,
    phi: str | Prior = DEFAULT_PHI,
    double_zero: str = "drop",
) -> pd.DataFrame:
    """Put the measures of the same counts beside each other, each with its own prior.

    They are other models of other quantities under other priors, so neither Bayes factors nor
    elpd rank them (with RR and RD the ranking turns round with the SD of phi). What can be
    compared is what they answer, and whether each one's predictions fit the trials.

    Parameters
    ----------
    trials : Trials
        Of counts.
    priors : mapping
        Measure ("OR", "RR", "RD") to its priors, in the order of the rows.
    benefit : {"lower", "higher"}, optional
    phi : str or Prior
        The prior on the baselines, for the binomial likelihood.
    double_zero : {"drop", "keep"}
        Trials without events in either arm, for the normal likelihood.

    Returns
    -------
    DataFrame
        A row for the binomial likelihood and one for the normal of each measure, in that order:
        ``measure, likelihood, trials`` (that it uses), ``natural_median, natural_lower,
        natural_upper``, ``prob_benefit`` and ``prob_benefit_new`` at no effect (without `benefit`
        ``prob_below, prob_below_new``), ``tau_median`` (analysis scale), ``outside``, how many
        trials have a leave-one-out PIT outside 0.025 to 0.975, ``distance``, the largest distance
        of the PITs' distribution from the uniform (Kolmogorov), and ``reason``, why a row has no
        answer. Mid-p PITs of few events crowd at the middle, so counts with rare events look
        closer than uniform.

    Raises
    ------
    UsageError
        Trials without counts, or a measure that is not OR, RR or RD.
    """
    check_benefit(benefit)
    if trials.layout != "binary":
        raise UsageError(f"{trials.path}: OR, RR and RD stand side by side for counts alone.")
    if wrong := [name for name in priors if name not in ("OR", "RR", "RD")]:
        raise UsageError(f"side by side are OR, RR and RD; found {', '.join(wrong)}.")
    rows = [
        {"measure": name, "likelihood": likelihood}
        | _answers(trials, name, likelihood, own, benefit, phi, double_zero)
        for name, own in priors.items()
        for likelihood in LIKELIHOODS
    ]
    return pd.DataFrame(rows)


def _answers(
    trials: Trials,
    measure: str,
    likelihood: str,
    priors: Priors,
    benefit: str | None,
    phi: str | Prior,
    double_zero: str,
) -> dict[str, object]:
    asked = [Question("no effect", 0.0, benefit, new) for new in (False, True)]
    try:
        table = surface(trials, measure, likelihood, phi=phi, double_zero=double_zero)
    except DataError as error:  # no trial has an estimate on this measure
        empty = [f"natural_{end}" for end in ("median", "lower", "upper")]
        empty += [*(one.word for one in asked), "tau_median"]
        none = dict.fromkeys(empty, np.nan)
        return {"trials": 0, **none, "outside": 0, "distance": np.nan, "reason": str(error)}
    posterior = table.posterior(priors)
    ends = to_natural(posterior["mu"].quantile(np.array([0.5, 0.025, 0.975])), table.scale)
    chance = {one.word: one.chance(posterior["theta_new" if one.new else "mu"]) for one in asked}
    pit = leave_trial_out(table, priors)["pit"].to_numpy()
    return {
        "trials": len(table.kept),
        "natural_median": float(ends[0]),
        "natural_lower": float(ends[1]),
        "natural_upper": float(ends[2]),
        **chance,
        "tau_median": float(posterior["tau"].quantile(0.5)),
        "outside": int(((pit < EXTREME[0]) | (pit > EXTREME[1])).sum()),
        "distance": kolmogorov(pit),
        "reason": "",
    }


def kolmogorov(pit: np.ndarray) -> float:
    """Largest distance of the empirical distribution of `pit` from the uniform one."""
    u, k = np.sort(pit[np.isfinite(pit)]), int(np.isfinite(pit).sum())
    if k == 0:
        return float("nan")
    steps = np.arange(k + 1) / k
    return float(max((steps[1:] - u).max(), (u - steps[:-1]).max()))
