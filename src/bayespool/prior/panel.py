"""The prior sets that a panel should see side by side, each stated as probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bayespool.measures import MEASURES, from_natural, to_natural
from bayespool.prior import empirical
from bayespool.prior.catalogue import priors
from bayespool.prior.distribution import Prior, Priors
from bayespool.prior.sets import GENERAL, OPINIONS
from bayespool.prior.words import analysis_scale, percent, short

_IDEAS = {
    "weak": "No direction favoured; effects beyond ordinary experience are unlikely.",
    "vague": "No direction favoured; hardly any effect is unlikely.",
    "sceptical": "Doubts the treatment: centred on no effect.",
    "enthusiastic": "Expects the benefit that matters: centred on it.",
    "pessimistic": "Expects harm: centred on the mirror image of the benefit that matters.",
}


def named_priors(
    measure: str,
    important: float | None = None,
    benefit: str | None = None,
    likelihood: str | None = None,
    rows: Sequence[str] = (),
    tau: Prior | str | None = None,
) -> list[Priors]:
    """Look up every named set of priors that applies to a question.

    Parameters
    ----------
    measure, important, benefit, likelihood
        As for `priors`; without `important` there is no sceptical, enthusiastic or pessimistic
        set.
    rows : sequence of str
        Rows of published tables to add, such as
        ``"turner2015:all-cause-mortality/pharmacological-vs-placebo"``.
    tau : Prior or str, optional
        For MD and generic, whose spread between trials depends on the outcome's unit: without it
        they have none of these sets, and no weak or vague one either way.

    Returns
    -------
    list of Priors
        weak, vague, sceptical, enthusiastic, pessimistic, then `rows`; ``reason`` is `stated`.

    Raises
    ------
    PriorError, UsageError
        As `priors`.
    """
    own_unit = measure in ("MD", "generic")
    names = [] if own_unit else list(GENERAL)
    if important is not None and not (own_unit and tau is None):
        names += OPINIONS
    found = [
        priors(measure, name, likelihood, important, benefit, tau=tau if own_unit else None)
        if name in _IDEAS
        else priors(measure, name, likelihood)
        for name in [*names, *rows]
    ]
    return [
        replace(each, reason=stated(each, measure, likelihood, important, benefit))
        for each in found
    ]


def stated(
    each: Priors,
    measure: str,
    likelihood: str | None = None,
    important: float | None = None,
    benefit: str | None = None,
    random: bool = True,
) -> str:
    """Say a prior set in probabilities that a panel can agree with, or not.

    The probability of a benefit that matters, of any benefit, and of a harm as large on the
    analysis scale; then the median and upper 5 % of tau, unless the effect is common (`random`
    False). A set from a published table says which row, and what to mind.
    """
    row = _row(each, measure)
    idea, _, own = each.name.partition(" with own ")
    # The idea of a set is one of its prior on mu, and gone with it.
    opening = each.reason if own == "mu" else _IDEAS.get(idea, each.reason)
    if row:
        where = " / ".join(part.replace("_", " ") for part in row.path)
        kind = "Effects and heterogeneity" if row.mu else "Heterogeneity"
        opening = f"{kind} of earlier meta-analyses: {where}."
    parts = [opening, _of_mu(each.mu, measure, likelihood, important, benefit)]
    if random:
        parts.append(_of_tau(each.tau))
    return " ".join(filter(None, [*parts, row.mind if row else ""]))


def _row(each: Priors, measure: str) -> empirical.Row | None:
    """Row of the published table that a set is, by its name; None for a set of another kind."""
    collection = each.name.partition(":")[0]
    if collection not in empirical.LEVELS:
        return None
    return next((row for row in empirical.rows(collection, measure) if row.name == each.name), None)


def _of_mu(
    mu: Prior, measure: str, likelihood: str | None, important: float | None, benefit: str | None
) -> str:
    what = "the effect" if measure == "generic" else measure
    if not mu.proper:
        return f"Flat: it favours no value of {what}, so it has no probability to state."
    scale = analysis_scale(measure, likelihood)
    better, worse = (mu.cdf, mu.sf) if benefit == "lower" else (mu.sf, mu.cdf)
    below, above = ("below", "above") if benefit == "lower" else ("above", "below")
    if benefit is None or important is None:
        low, high = (short(float(to_natural(end, scale))) for end in mu.ppf([0.025, 0.975]))
        gives = f"95 % to {what} between {low} and {high}"
        if benefit is not None:
            null = f"{MEASURES[measure].null:g}"
            gives = f"{percent(float(better(0.0)))} to any benefit ({what} {below} {null}), {gives}"
        return f"Before the data it gives {gives}."
    x = float(from_natural(important, scale))
    mirror = float(to_natural(-x, scale))
    matters, any_benefit, harm = (percent(float(p)) for p in (better(x), better(0.0), worse(-x)))
    return (
        f"Before the data it gives {matters} to a benefit that matters ({what} {below} "
        f"{important:.3g}), {any_benefit} to any benefit, {harm} to a harm of that size ({what} "
        f"{above} {mirror:.3g})."
    )


def _of_tau(tau: Prior) -> str:
    if not tau.proper:
        return "SD between trials (tau): no value favoured."
    middle, high = (short(float(end)) for end in tau.ppf([0.5, 0.95]))
    return f"SD between trials (tau): 50 % above {middle}, 5 % above {high}."
