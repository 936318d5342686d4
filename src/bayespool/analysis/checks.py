"""What every analysis is tried against: a finer grid, other phi, other priors, other measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bayespool.decisions import chances
from bayespool.errors import DataError, PriorError, UsageError
from bayespool.exact import Surface, surface
from bayespool.measures import MEASURES, effect_sizes
from bayespool.posterior import Posterior
from bayespool.prior import DEFAULT_PHI, Prior, Priors, priors
from bayespool.summaries import in_natural_units
from bayespool.trials import Trials

TOLERANCE = 1e-4  # of any reported probability
HOPELESS = 0.01  # where no digit of a probability would be right
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
    if error > HOPELESS:
        raise PriorError(
            f"the exact engine cannot sum this posterior: doubling its nodes still changes a "
            f"probability by {error:.2g}. Often prior and data contradict each other (mu ~ "
            f"{prior.mu.text}, tau ~ {prior.tau.text}). Choose a prior that allows what the "
            "trials found."
        )
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


def other_measures(
    posterior: Posterior,
    benefit: str | None,
    also: Mapping[str, Priors] | None = None,
    double_zero: str = "drop",
) -> list[dict[str, Any]]:
    """Answer by other measures beside the main one.

    OR, RR and RD for counts, each under the catalogue's prior of the same name; and any measure
    in `also`, under the prior set given there. ``note`` says what was done to get estimates on
    such a measure, as where medians fail the skewness check. A measure that has no posterior has
    null numbers and a ``reason``.

    Raises
    ------
    UsageError
        `also` names the main measure, or one that these data do not have.
    """
    also = dict(also or {})
    if posterior.measure in also:
        raise UsageError(
            f"also is for measures beside the main one, which is {posterior.measure}: its priors "
            "are the argument priors."
        )
    name, phi = posterior.priors.name, posterior.priors.phi
    sets: dict[str, Priors | None] = {posterior.measure: None}
    if posterior.likelihood == "binomial" and name in ("weak", "vague"):
        sets = {
            measure: None if measure == posterior.measure else priors(measure, name, phi=phi)
            for measure in ("RR", "OR", "RD")
        }
    sets |= also
    rows = []
    for measure, prior in sets.items():
        row: dict[str, Any] = {"measure": measure}
        if measure in also:
            row |= {
                "mu": also[measure].mu.text,
                "tau": None if posterior.effects == "common" else also[measure].tau.text,
                "note": _converted(posterior, measure, double_zero),
            }
        found = posterior
        if prior is not None:
            own = prior.phi or phi or DEFAULT_PHI
            try:
                table = surface(
                    posterior.trials,
                    measure,
                    posterior.likelihood,
                    posterior.effects,
                    own,
                    double_zero,
                )
                found = table.posterior(prior)
            except NO_ANSWER as error:
                rows.append(row | unanswered(benefit, error))
                continue
        rows.append(answered(row, found, benefit))
    return rows if len(rows) > 1 else []


def _converted(posterior: Posterior, measure: str, double_zero: str) -> str:
    if posterior.likelihood == "binomial":
        return ""
    notes = groups_of_notes(posterior.trials, measure, double_zero)
    return "; ".join(f"{', '.join(names)}: {note}" for note, names in notes.items())


def unanswered(benefit: str | None, error: Exception) -> dict[str, Any]:
    """Numbers of a side analysis that has no posterior, all null, and why."""
    words = ("prob_benefit", "prob_harm") if benefit else ("prob_below", "prob_above")
    return {**NOTHING, **dict.fromkeys(words), "reason": str(error)}


def answered(row: dict[str, Any], found: Posterior, benefit: str | None) -> dict[str, Any]:
    """Add median, interval, and the probabilities at no effect to a row."""
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
