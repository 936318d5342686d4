"""How likely the effect lies beyond a threshold, and on which side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
from xarray import DataTree

from bayespool.errors import UsageError
from bayespool.measures import from_natural, measure
from bayespool.posterior import Draws, Posterior
from bayespool.summaries import ess, posterior_of

__all__ = ["chances", "check_benefit", "mcse_of", "prob_benefit", "thresholds_of"]

SIDES = {"lower": "below", "higher": "above"}
# What float() takes beyond this (1_0, other scripts' digits) is more likely a slip than a number.
# NaN and infinity are refused in the words of the measure.
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(nan|inf|infinity)")


def check_benefit(benefit: str | None) -> str | None:
    """Return `benefit`; UsageError unless it is lower, higher or None."""
    if benefit is not None and benefit not in SIDES:
        raise UsageError(f"benefit says which side is better: lower or higher, not {benefit!r}.")
    return benefit


def thresholds_of(
    name: str, scale: str, given: Sequence[float | str] | float | str | None
) -> dict[str, float]:
    """Read thresholds in natural units; no effect is always among them.

    Parameters
    ----------
    name : str
        The measure.
    scale : str
        Of the analysis.
    given : sequence of numbers or of their text

    Returns
    -------
    dict
        The number as given ("0.9") to its value on the analysis scale. Each text once: "0.9" and
        "0.90" are two keys of one value.

    Raises
    ------
    UsageError
        Not a plain decimal number, or impossible for the measure.
    """
    if given is None or isinstance(given, float | int | str):
        given = [] if given is None else [given]
    null = f"{measure(name).null:g}"
    found: dict[str, float] = {}
    for entry in given:
        text = entry.strip() if isinstance(entry, str) else None
        said = f"a threshold is a number, not {entry!r}. Write digits, with a point for decimals."
        if isinstance(entry, str) and "," in entry:
            said += " Several have blanks between them."
        if text is not None and not NUMBER.fullmatch(text.lower()):
            raise UsageError(said)
        try:
            value = float(entry)
        except (TypeError, ValueError):
            raise UsageError(said) from None
        # A risk difference lies in (-1, 1) whatever the likelihood.
        from_natural(value, "atanh" if name == "RD" else scale)
        found[_written(value) if text is None else text] = float(from_natural(value, scale))
    return {null: 0.0} | found  # no effect first, the others as given


def chances(
    posterior: Posterior, benefit: str | None, thresholds: dict[str, float], new: bool = True
) -> dict[str, dict[str, float]]:
    """Probabilities by threshold: the record's ``prob_benefit``, ``prob_harm`` and the like.

    ``prob_benefit`` is the probability of an effect on the better side of the threshold,
    ``prob_harm`` that of the other side of the same threshold; ``_new`` is for the effect in a
    new trial. Without `benefit` they are ``prob_below`` and ``prob_above``. `new` False leaves the
    new trial out.
    """
    words = {"below": "prob_below", "above": "prob_above"}
    if benefit is not None:
        better = SIDES[benefit]
        words = {side: "prob_benefit" if side == better else "prob_harm" for side in words}
    found: dict[str, dict[str, float]] = {}
    for suffix, quantity in (("", "mu"), ("_new", "theta_new"))[: 1 + new]:
        if quantity not in posterior:
            continue
        marginal = posterior[quantity]
        for side, word in words.items():
            tail = marginal.cdf if side == "below" else marginal.sf
            # A sum of weights may pass 1 by its last digit.
            found[word + suffix] = {
                label: min(float(tail(at)), 1.0) for label, at in thresholds.items()
            }
    return found


def prob_benefit(
    posterior: Posterior | DataTree,
    benefit: str | None = None,
    below: Sequence[float] | float | None = None,
    above: Sequence[float] | float | None = None,
    new: bool = False,
) -> pd.DataFrame:
    """Probability of a benefit of at least so much.

    Parameters
    ----------
    posterior : Posterior or DataTree
    benefit : {"lower", "higher"}, optional
        Which side is better.
    below, above : numbers, natural units
        Thresholds: ``below`` goes with lower, ``above`` with higher. No effect (1 for a ratio,
        0 for a difference) is always among them.
    new : bool
        Of the effect in a new trial instead of the mean effect.

    Returns
    -------
    DataFrame
        ``threshold`` (natural units), ``prob_benefit`` (beyond it on the better side),
        ``prob_harm`` (on the other side of the same threshold: the probability of harm at no
        effect alone), ``mcse`` (0 when exact). Without `benefit`:
        ``threshold`` (no effect alone), ``prob_below``, ``prob_above``, ``mcse``.

    Raises
    ------
    UsageError
        The word that does not go with `benefit`, thresholds without `benefit`, an impossible
        threshold, or a new trial under a common effect.
    """
    found = posterior_of(posterior)
    check_benefit(benefit)
    given = {"below": below, "above": above}
    for side, values in given.items():
        if values is None:
            continue
        if benefit is None:
            raise UsageError(f'{side}= needs benefit="lower" or "higher": which side is better?')
        if side != SIDES[benefit]:
            raise UsageError(
                f"benefit is {benefit}, so thresholds are {SIDES[benefit]}=[...], not {side}=."
            )
    if new and "theta_new" not in found:
        raise UsageError("a common effect is the same in a new trial: leave out new=True.")
    wanted = given[SIDES[benefit]] if benefit else None
    thresholds = thresholds_of(found.measure, found.scale, wanted)
    table = chances(found, benefit, thresholds, new)
    suffix = "_new" if new else ""
    first, second = ("prob_benefit", "prob_harm") if benefit else ("prob_below", "prob_above")
    marginal = found["theta_new" if new else "mu"]
    return pd.DataFrame(
        {
            "threshold": [float(label) for label in thresholds],
            first: list(table[first + suffix].values()),
            second: list(table[second + suffix].values()),
            "mcse": [mcse_of(marginal, at) for at in thresholds.values()],
        }
    )


def mcse_of(marginal: Any, at: float, p: float | None = None) -> float:
    """Monte Carlo standard error of the probability below `at`: 0 when exact.

    sqrt(p(1 - p)/ESS), never below 1/ESS, with the smaller of the ESS of the draws and of their
    indicator; `p` where the exact probability is known.
    """
    if not isinstance(marginal, Draws):
        return 0.0
    below = (marginal.values <= at).astype(float)
    p = float(below.mean()) if p is None else p
    sizes = [ess(marginal.values, "bulk")]
    if below.min() < below.max():
        sizes.append(ess(below, "mean"))
    n = min(sizes)
    return float(max((p * (1 - p) / n) ** 0.5, 1 / n))


def _written(value: float) -> str:
    text = repr(value)
    return text.removesuffix(".0")
