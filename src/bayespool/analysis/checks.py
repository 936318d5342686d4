"""What every analysis is tried against: a finer grid, other phi, other priors, other measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bayespool.decisions import chances
from bayespool.errors import DataError, PriorError
from bayespool.exact import Surface, surface
from bayespool.measures import MEASURES, effect_sizes
from bayespool.posterior import Posterior
from bayespool.prior import Prior, Priors, priors
from bayespool.summaries import in_natural_units
from bayespool.trials import Trials

TOLERANCE = 1e-4  # of any reported probability
PHI_SD = (2, 30)
REPORTED = np.array([0.025, 0.5, 0.975])
NO_ANSWER = (DataError, PriorError)  # of a side analysis, which must not end the main one
NOTHING: dict[str, Any] = dict.fromkeys(("natural_median", "natural_lower", "natural_upper"))


def certified(
    table: Surface, prior: Priors, thresholds: dict[str, float]
) -> tuple[Surface, Posterior, float]:
    """Get the posterior, on a finer grid if it needs one, and what doubling its nodes changes."""
    posterior, finer = table.posterior(prior), table.refined()
    error = largest_change(posterior, finer.posterior(prior), thresholds)
    if error > TOLERANCE:
        table, posterior = finer, finer.posterior(prior)
        error = largest_change(posterior, finer.refined().posterior(prior), thresholds)
    return table, posterior, error


def largest_change(a: Posterior, b: Posterior, thresholds: dict[str, float]) -> float:
    """Largest difference of any reported probability of mu, tau and the effect in a new trial."""
    changes = []
    for name in ("mu", "tau", "theta_new"):
        if name in a:
            at = np.asarray(a[name].quantile(REPORTED))
            if name != "tau":
                at = np.concatenate([at, list(thresholds.values())])
            changes.append(np.abs(a[name].cdf(at) - b[name].cdf(at)).max())
    return float(max(changes))


def phi_sensitivity(
    posterior: Posterior, benefit: str | None, thresholds: dict[str, float]
) -> list[dict[str, Any]]:
    """P(benefit) under other priors on phi, and without the trials that have no event at all.

    A case that has no posterior has null numbers and a ``reason``.
    """
    trials, measure = posterior.trials, posterior.measure
    phi = posterior.priors.phi.text
    cases = [(f"phi ~ Normal(0, {sd})", f"Normal(0, {sd})", trials) for sd in PHI_SD]
    frame = trials.frame
    empty = (frame["events_treatment"] + frame["events_control"] == 0).to_numpy(dtype=bool)
    if empty.any() and not empty.all():
        cases.append(("without trials that have no event in either arm", phi, trials.take(~empty)))
    word = "prob_benefit" if benefit else "prob_below"
    base = chances(posterior, benefit, thresholds, new=False)[word]
    rows = [_phi_row(f"phi ~ {phi}", phi, trials, posterior, base, base, word)]
    for case, text, some in cases:
        prior = Priors(posterior.priors.mu, posterior.priors.tau, text)
        try:
            other = surface(some, measure, "binomial", posterior.effects, text).posterior(prior)
        except NO_ANSWER as error:
            row = {"case": case, "phi": text, "trials": len(some), **NOTHING}
            row |= {word: dict.fromkeys(base), "largest_change": None, "reason": str(error)}
            rows.append(row)
            continue
        found = chances(other, benefit, thresholds, new=False)[word]
        rows.append(_phi_row(case, text, some, other, found, base, word))
    return rows


def _phi_row(
    case: str,
    phi: str,
    trials: Trials,
    posterior: Posterior,
    found: dict[str, float],
    base: dict[str, float],
    word: str,
) -> dict[str, Any]:
    natural = in_natural_units(posterior["mu"], posterior.scale)
    return {
        "case": case,
        "phi": phi,
        "trials": len(trials),
        **{f"natural_{part}": value for part, value in natural.items()},
        word: found,
        "largest_change": max(abs(found[label] - base[label]) for label in base),
    }


def complement(posterior: Posterior, benefit: str | None) -> dict[str, Any] | None:
    """P(benefit) by the RR of *not* having the event: another model of the same counts.

    The prior on mu is mirrored, so that it favours the same side.
    """
    trials = posterior.trials
    frame = trials.frame.copy()
    for arm in ("treatment", "control"):
        frame[f"events_{arm}"] = frame[f"n_{arm}"] - frame[f"events_{arm}"]
    phi = posterior.priors.phi
    swapped = replace(trials, frame=frame)
    try:
        prior = Priors(mirrored(posterior.priors.mu), posterior.priors.tau, mirrored(phi))
        other = surface(swapped, "RR", "binomial", posterior.effects, mirrored(phi))
        found = other.posterior(prior)
    except NO_ANSWER:  # one-sided, or a flat mu that the complement's counts do not bound
        return None
    turned = {"lower": "higher", "higher": "lower"}
    return {
        "natural": in_natural_units(found["mu"], found.scale),
        **chances(found, turned.get(benefit or ""), {"1": 0.0}, new=False),
    }


def mirrored(prior: Prior) -> Prior:
    """Turn a prior into that of minus the parameter; PriorError if the catalogue has none."""
    values = dict(prior.params)
    centre = {"Cauchy": "alpha"}.get(prior.family, "mu")
    if prior.family == "Uniform":
        values = {"lower": -values["upper"], "upper": -values["lower"]}
    elif prior.support[0] == 0:
        raise PriorError(f"{prior.text} has no mirror image among the families of priors.")
    elif centre in values:
        values[centre] = -values[centre]
    return Prior(prior.family, tuple(values.values()), prior.role)


def other_measures(posterior: Posterior, benefit: str | None) -> list[dict[str, Any]]:
    """OR, RR and RD side by side, each under the catalogue's prior of the same name.

    A measure that has no posterior has null numbers and a ``reason``.
    """
    name = posterior.priors.name
    if name not in ("weak", "vague"):
        return []
    rows = []
    for measure in ("RR", "OR", "RD"):
        found = posterior
        if measure != posterior.measure:
            phi = posterior.priors.phi
            try:
                table = surface(posterior.trials, measure, "binomial", posterior.effects, phi)
                found = table.posterior(priors(measure, name, phi=phi))
            except NO_ANSWER as error:
                rows.append({"measure": measure, **unanswered(benefit, error)})
                continue
        rows.append(_answer({"measure": measure}, found, benefit))
    return rows


def other_priors(
    table: Surface, beside: Sequence[Priors], main: Posterior, benefit: str | None
) -> list[dict[str, Any]]:
    """Answer under each prior set that the analyst wants beside the main one."""
    if not beside:
        return []
    found = [main, *(table.posterior(prior) for prior in beside)]
    return [
        _answer(
            {
                # A common effect has no tau, so its prior is nobody's own.
                "prior": each.priors.name.removesuffix(
                    " with own tau" if each.effects == "common" else ""
                ),
                "mu": each.priors.mu.text,
                "tau": None if each.effects == "common" else each.priors.tau.text,
            },
            each,
            benefit,
        )
        for each in found
    ]


def unanswered(benefit: str | None, error: Exception) -> dict[str, Any]:
    """Numbers of a side analysis that has no posterior, all null, and why."""
    words = ("prob_benefit", "prob_harm") if benefit else ("prob_below", "prob_above")
    return {**NOTHING, **dict.fromkeys(words), "reason": str(error)}


def _answer(row: dict[str, Any], found: Posterior, benefit: str | None) -> dict[str, Any]:
    natural = in_natural_units(found["mu"], found.scale)
    row |= {f"natural_{part}": value for part, value in natural.items()}
    label = f"{MEASURES[found.measure].null:g}"
    for word, values in chances(found, benefit, {label: 0.0}, new=False).items():
        row[word] = values[label]
    return row


def groups_of_notes(trials: Trials, measure: str, double_zero: str) -> dict[str, list[str]]:
    """Say what was done to get estimates with standard errors, and to which trials."""
    found: dict[str, list[str]] = {}
    sizes = effect_sizes(trials, measure, double_zero)
    for name, note in zip(sizes["trial"], sizes["note"], strict=True):
        if note:
            found.setdefault(note, []).append(name)
    return found
