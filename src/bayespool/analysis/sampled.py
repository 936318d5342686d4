"""Draws by NUTS, held against the exact answer before anybody sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayespool.agreement import LIMIT, DisagreementError, compare, worst_of
from bayespool.posterior import Posterior
from bayespool.prior import Priors
from bayespool.summaries import as_posterior
from bayespool.trials import Trials

if TYPE_CHECKING:
    from xarray import DataTree

DRAWS = 1000
SECOND_DRAWS = 4 * DRAWS


def sampling_notes(how: dict[Any, Any], seed: int) -> list[str]:
    """Say what a fit took beyond a first attempt with the seed asked for."""
    found = []
    used = f"{how['draws']} draws a chain, target_accept {how['target_accept']:g}"
    if how["seed"] != seed:
        found.append(
            f"The first draws, of seed {seed}, differed from exact beyond {LIMIT:g} MCSE; these "
            f"are from seed {how['seed']}, {used}."
        )
    if how["attempts"] > 1:
        found.append(
            f"The chains converged at attempt {how['attempts']}: seed {how['seed']}, {used}, "
            f"tuned over {how['tune']}."
        )
    return found


def gated(
    trials: Trials,
    measure: str,
    priors: Priors,
    likelihood: str,
    effects: Any,
    double_zero: str,
    seed: int,
    exact: Posterior | None,
    at: dict[str, float],
    say: Callable[[str], None],
) -> tuple[DataTree, Posterior, dict[str, Any], pd.DataFrame]:
    """Sample, and once more where the draws differ from the exact answer.

    The second time with the next seed and four times the draws; a difference that stays is a
    DisagreementError. Without an exact answer there is nothing to compare.
    """
    from bayespool.nuts_models import binomial, continuous, normal
    from bayespool.sampling import diagnose, sample

    if likelihood == "binomial":
        model = binomial(trials, measure, priors, effects)
    elif likelihood == "arms":
        model = continuous(trials, measure, priors, effects)
    else:
        model = normal(trials, measure, priors, effects, double_zero=double_zero)
    for number, draws in ((seed, DRAWS), (seed + 1, SECOND_DRAWS)):
        fit = sample(model, seed=number, draws=draws)
        nuts = as_posterior(fit)
        if exact is None:
            return fit, nuts, diagnose(fit), pd.DataFrame()
        comparisons = compare(exact, nuts, at)
        if (comparisons["z"].abs() <= LIMIT).all():
            return fit, nuts, diagnose(fit), comparisons
        if number == seed:
            say("NUTS again: the first draws differ from the exact answer")
    worst = worst_of(comparisons)
    raise DisagreementError(
        f"{trials.path}: NUTS and the exact engine disagree, twice. {worst['quantity']}, "
        f"{worst['what']}: exact {worst['exact']:.6g}, NUTS {worst['nuts']:.6g}, which is "
        f"{abs(worst['z']):.1f} Monte Carlo standard errors of {worst['mcse']:.2g} (seed "
        f"{seed + 1}, {SECOND_DRAWS} draws a chain). One of the two is wrong: please report it "
        "with these data.",
        comparisons,
    )
