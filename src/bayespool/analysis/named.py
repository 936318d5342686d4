"""The answer under every named prior, so that a panel can see what its own belief would do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from bayespool.analysis.checks import NO_ANSWER, answered, unanswered
from bayespool.decisions import chances
from bayespool.exact import Surface
from bayespool.measures import to_natural
from bayespool.posterior import Posterior
from bayespool.prior import Priors, named_priors, stated

SLOW = 1.0  # seconds a prior, beyond which a reader is told what is being waited for


def priors_beside(main: Posterior, important: float | None, benefit: str | None) -> list[Priors]:
    """List the named sets that apply; MD and generic take the main set's tau."""
    return named_priors(
        main.measure,
        important if benefit else None,
        benefit,
        main.likelihood,
        tau=main.priors.tau if main.measure in ("MD", "generic") else None,
    )


def named_rows(
    table: Surface,
    main: Posterior,
    beside: Sequence[Priors],
    benefit: str | None,
    important_at: float | None = None,
    say: Callable[[str], None] = lambda stage: None,
) -> list[dict[str, Any]]:
    """Answer under each prior set beside the main one, as the record's ``other_priors``.

    Parameters
    ----------
    table : Surface
    main : Posterior
        The main analysis, which is the first row.
    beside : sequence of Priors
        Of sets with equal priors the first is kept, and none that equals the main one.
    benefit : {"lower", "higher"} or None
    important_at : float, optional
        Smallest effect that matters, analysis scale.
    say : callable, optional
        Told which set comes next once one took more than a second.

    Returns
    -------
    list of dict
        Empty where `beside` adds nothing. ``prior, mu, tau, says, source``; ``natural_median,
        natural_lower, natural_upper``; P(benefit) and P(harm) at no effect; ``prob_important``,
        ``prob_benefit_new``, ``tau_median``; ``before_benefit`` and ``before_important``, what
        the prior itself gives to them; ``reason``. A set under which there is no posterior
        has null numbers, and its reason says why.
    """
    others = list(_different(main, beside))
    rows = [_row(main, main, benefit, important_at)]
    began = time.perf_counter()
    for number, priors in enumerate(others, start=1):
        if time.perf_counter() - began > SLOW:
            say(f"prior {number} of {len(others)}: {priors.name}")
        began = time.perf_counter()
        try:
            found = table.posterior(priors)
        except NO_ANSWER as error:
            nothing = dict.fromkeys(("prob_important", "prob_benefit_new", "tau_median"))
            lost = unanswered(benefit, error)
            reason = lost.pop("reason")
            said = _said(priors, main, benefit, important_at)
            rows.append({**said, **lost, **nothing, "reason": reason})
            continue
        rows.append(_row(found, main, benefit, important_at))
    return rows if others else []


def _different(main: Posterior, beside: Sequence[Priors]) -> Iterator[Priors]:
    seen = {_key(main.priors, main.effects)}
    for priors in beside:
        if (key := _key(priors, main.effects)) not in seen:
            seen.add(key)
            yield priors


def _key(priors: Priors, effects: str) -> tuple[str, str]:
    return priors.mu.text, "" if effects == "common" else priors.tau.text


def _said(
    priors: Priors, main: Posterior, benefit: str | None, important_at: float | None
) -> dict[str, Any]:
    random = main.effects != "common"
    important = None if important_at is None else float(to_natural(important_at, main.scale))
    says = stated(priors, main.measure, main.likelihood, important, benefit, random)
    return {
        # A common effect has no tau, so its prior is nobody's own.
        "prior": priors.name if random else priors.name.removesuffix(" with own tau"),
        "mu": priors.mu.text,
        "tau": priors.tau.text if random else None,
        "says": says,
        "source": priors.source,
        "before_benefit": _before(priors, benefit, 0.0),
        "before_important": _before(priors, benefit, important_at),
    }


def _before(priors: Priors, benefit: str | None, at: float | None) -> float | None:
    """What the prior on mu gives to a benefit beyond a threshold, before the data."""
    if benefit is None or at is None or not priors.mu.proper:
        return None
    below = float(priors.mu.cdf(np.array([at]))[0])
    return below if benefit == "lower" else 1 - below


def _row(
    found: Posterior, main: Posterior, benefit: str | None, important_at: float | None
) -> dict[str, Any]:
    row = answered(_said(found.priors, main, benefit, important_at), found, benefit)
    beyond = new = None
    if benefit is not None and important_at is not None:
        at = chances(found, benefit, {"important": important_at}, new=False)
        beyond = at["prob_benefit"]["important"]
    if benefit is not None and "theta_new" in found:
        new = chances(found, benefit, {"none": 0.0})["prob_benefit_new"]["none"]
    tau = float(found["tau"].quantile(0.5)) if "tau" in found else None
    return row | {
        "prob_important": beyond, "prob_benefit_new": new, "tau_median": tau, "reason": ""
    }  # fmt: skip
