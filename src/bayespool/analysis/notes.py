"""What a reader has to know beside the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bayespool.analysis.checks import TOLERANCE, groups_of_notes
from bayespool.analysis.tables import FEW
from bayespool.decisions import chances
from bayespool.frequentist import double_zero_weight
from bayespool.measures import MEASURES, effect_sizes
from bayespool.posterior import Posterior
from bayespool.summaries import count_of, in_natural_units, number, probability
from bayespool.trials import Trials

HEAVY = 0.2
LEAST = 3  # of two trials one always weighs half
# Trials that tell Mantel–Haenszel nothing, by how the notes on effect sizes begin.
SILENT: dict[str, tuple[str, ...]] = {
    "OR": ("no event", "events only"),
    "RR": ("no event",),
    "RD": (),
}


def all_notes(
    posterior: Posterior,
    trials: Trials,
    benefit: str | None,
    double_zero: str,
    event: str,
    harm: bool,
    limits: Sequence[str],
    grid_error: float | None,
    more: dict[str, Any],
) -> list[str]:
    """Sentences in the order in which they matter; none is a fault."""
    found = [_few(posterior, trials)] if harm and len(trials) < FEW else []
    found += limits
    found += _natural(posterior, trials)
    if "trials_pooled" in trials.frame:
        pooled = ", ".join(
            f"{name}: a published pooled estimate of {_whole(count)} trials, not a trial"
            for name, count in zip(trials.names, trials.frame["trials_pooled"], strict=True)
        )
        found.append(f"{pooled}. It has no tau, no prediction and nothing to leave out.")
    if grid_error is not None and grid_error > TOLERANCE:
        found.append(
            f"The exact engine's grid, refined twice, still moves a reported probability by "
            f"{grid_error:.1g} when its nodes are doubled."
        )
    if posterior.measure == "RR" and posterior.likelihood == "binomial":
        found.append(_counted(posterior, benefit, event, more.get("complement")))
    if rows := more.get("phi_sensitivity"):
        found += _baselines(posterior, benefit, rows)
    elif grid_error is None and posterior.likelihood == "binomial":
        found.append("The sensitivity to the baselines phi needs the exact engine, which was off.")
    for row in more.get("other_measures", []):
        if "reason" in row:
            found.append(f"{row['measure']} beside it has no answer: {row['reason']}")
        if row.get("note"):
            found.append(f"{row['measure']} beside it takes {row['note']}.")
    for row in more.get("other_priors", []):
        if row["reason"]:
            found.append(f"The prior {row['prior']} has no answer: {row['reason']}")
    found += [note for _, note in _estimates(posterior, trials, double_zero)]
    found += _heavy(posterior, trials)
    found += _one(posterior, trials, double_zero)
    if posterior.effects == "t":
        found.append(
            "Student-t effects with 4 degrees of freedom: tau is their scale, their SD is 1.41 tau."
        )
    return [*found, *trials.notes]


def notes_on(
    posterior: Posterior, trials: Trials, double_zero: str, sampling: Sequence[str]
) -> dict[str, list[str]]:
    """Which notes are about the trials' estimates, the classical methods and the draws alone.

    The record's ``notes_on``: these say what was done, not what the data leave open.
    """
    found: dict[str, list[str]] = {}
    for part, note in _estimates(posterior, trials, double_zero):
        found.setdefault(part, []).append(note)
    return found | ({"nuts": list(sampling)} if sampling else {})


def _estimates(posterior: Posterior, trials: Trials, double_zero: str) -> list[tuple[str, str]]:
    """What was done to get estimates, and whether the model or the classical methods take them."""
    found = []
    for note, names in groups_of_notes(trials, posterior.measure, double_zero).items():
        only = _only(posterior, trials, note)
        part = "classical" if posterior.likelihood == "binomial" else "trials"
        found.append((part, f"{', '.join(names)}: {note}.{only}"))
    return found


def _baselines(
    posterior: Posterior, benefit: str | None, rows: Sequence[dict[str, Any]]
) -> list[str]:
    there = [row for row in rows[1:] if row["largest_change"] is not None]
    found = []
    if there:
        change = max(row["largest_change"] for row in there)
        found.append(
            f"Sensitivity to the baselines ({', '.join(row['case'] for row in there)}): "
            f"{_of(posterior, benefit)} changes by at most {probability(change)} at any threshold."
        )
    found += [
        f"Sensitivity to the baselines, {row['case']}: no answer. {row['reason']}"
        for row in rows
        if row["largest_change"] is None
    ]
    return found


def _of(posterior: Posterior, benefit: str | None) -> str:
    """Name the probability that the record gives: without a declared benefit it is a side."""
    if benefit:
        return "P(benefit)"
    return f"P({posterior.measure} < {MEASURES[posterior.measure].null:g})"


def _only(posterior: Posterior, trials: Trials, note: str) -> str:
    """Say which methods a note on the effect sizes does not concern."""
    if trials.layout != "binary":
        return ""
    takes = []
    silent = SILENT.get(posterior.measure)
    if silent is not None and not note.startswith(silent):
        takes.append("Mantel–Haenszel")
    if posterior.likelihood == "binomial":
        takes.append("the binomial model")
    if not takes:
        return ""
    which = "inverse-variance" if "Mantel–Haenszel" in takes else "frequentist"
    what = " and ".join(takes)
    verb = "take" if len(takes) > 1 else "takes"
    return f" That is for the {which} methods; {what} {verb} the counts as they are."


def _counted(
    posterior: Posterior, benefit: str | None, event: str, other: dict[str, Any] | None
) -> str:
    what = event or "the event in the file's columns"
    sentence = f"RR counts {what}"
    if other is None or benefit is None:
        return f"{sentence}. Counting patients without it is another model."
    p = chances(posterior, benefit, {"1": 0.0})["prob_benefit"]["1"]
    sign, turned = ("<", ">") if benefit == "lower" else (">", "<")
    rr = other["natural"]
    return (
        f"{sentence}: P(RR {sign} 1) = {probability(p)}. By the RR of its complement, not having "
        f"it, P(RR {turned} 1) = {probability(other['prob_benefit']['1'])} "
        f"(RR {number(rr['median'])} [{number(rr['lower'])}, {number(rr['upper'])}])."
    )


def _natural(posterior: Posterior, trials: Trials) -> list[str]:
    """Warn where estimates look like ratios that nobody took the logarithm of."""
    if trials.layout != "generic" or not MEASURES[posterior.measure].ratio:
        return []
    given = trials.frame["estimate"].to_numpy(dtype=float)
    if len(given) < 2 or not (given > 0).all():
        return []
    first = f"{given[0]:g} is read as {posterior.measure} {number(float(np.exp(given[0])))}"
    sentence = (
        f"Every estimate is above 0, and each is read as a natural log: {first}. If the file holds "
        "the ratios themselves, take their logarithms first."
    )
    return [sentence]


def _few(posterior: Posterior, trials: Trials) -> str:
    sentence = f"Too few trials to exclude harm: {len(trials)}"
    if "theta_new" not in posterior:
        return f"{sentence}."
    new = in_natural_units(posterior["theta_new"], posterior.scale)
    return (
        f"{sentence}; the effect in a new trial could lie anywhere in {posterior.measure} "
        f"{number(new['lower'])} to {number(new['upper'])}."
    )


def _heavy(posterior: Posterior, trials: Trials) -> list[str]:
    if posterior.measure != "RD" or trials.layout != "binary":
        return []
    share = double_zero_weight(trials)
    if share <= HEAVY:
        return []
    where = "this model's" if posterior.likelihood == "normal" else "the frequentist estimates'"
    sentence = (
        f"Trials without any contrast take {100 * share:.0f} % of {where} inverse-variance weight, "
        f"and their {MEASURES['RD'].long} owes its precision to the 1/2 added: prefer "
        "Mantel–Haenszel or the binomial likelihood."
    )
    return [sentence]


def _one(posterior: Posterior, trials: Trials, double_zero: str) -> list[str]:
    """Say that one trial weighs more than all others together."""
    if posterior.measure == "RD" and trials.layout == "binary":
        return []  # the weight of a trial without events is that of the 1/2 added
    table = effect_sizes(trials, posterior.measure, double_zero=double_zero)
    table = table[table["used"]]
    if len(table) < LEAST:
        return []
    share = 1 / table["se"].to_numpy() ** 2
    share /= share.sum()
    most = int(share.argmax())
    if share[most] < 0.505:
        return []
    sentence = (
        f"{table['trial'].iloc[most]} weighs more than all other trials together: "
        f"{100 * share[most]:.0f} % by inverse variance, were the effects all one. What leaving it "
        "out changes is in the leave-one-out study."
    )
    return [sentence]


def _whole(cell: Any) -> str:
    count = count_of(cell)
    return "an unknown number of" if count is None else f"{count:g}"
