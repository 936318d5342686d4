"""Everything that stands beside the answer in the record."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bayespool.agreement import rows_of
from bayespool.analysis import checks
from bayespool.analysis.classical import classical_parts
from bayespool.analysis.named import named_rows, priors_beside
from bayespool.analysis.published import published_rows
from bayespool.decisions import absolute_part
from bayespool.exact import Surface
from bayespool.measures import to_natural
from bayespool.posterior import Posterior
from bayespool.predictive import predictive_check, psense, with_predictive
from bayespool.prior import Priors
from bayespool.trials import Trials

if TYPE_CHECKING:
    from xarray import DataTree


SUPPOSED = 30  # per 1,000 patients, where no smallest absolute benefit is declared


def beside_the_answer(
    *,
    trials: Trials,
    measure: str,
    double_zero: str,
    table: Surface | None,
    main: Posterior | None,
    benefit: str | None,
    thresholds: dict[str, float],
    important_at: float | None,
    beside: Sequence[Priors] | None,
    also: Mapping[str, Priors] | None,
    published: str | os.PathLike[str] | None,
    published_as: Sequence[str],
    treatment: str,
    event: str,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Gather the record's further parts, by key; a part that does not apply is absent.

    Arguments are those of `analyse`; `table` and `main` are the exact engine's, None where it
    did not run, which leaves only what needs neither.
    """
    more: dict[str, Any] = {"treatment": treatment, "event": event}
    if table is not None and main is not None:
        if main.likelihood == "binomial":
            more["phi_sensitivity"] = checks.phi_sensitivity(main, benefit, thresholds)
            if main.measure == "RR":
                more["complement"] = checks.complement(main, benefit)
        measures = checks.other_measures(main, benefit, also, double_zero)
        more["other_measures"] = measures
        if beside is None:
            important = None if important_at is None else to_natural(important_at, main.scale)
            beside = priors_beside(main, important, benefit)
        more["other_priors"] = named_rows(table, main, beside, benefit, important_at, say)
        if published is not None:
            more["published"] = published_rows(published, published_as, main, measures, double_zero)
    more |= classical_parts(trials, measure, double_zero)
    return {key: part for key, part in more.items() if part or key in ("treatment", "event")}


def of_the_answer(
    *,
    head: Posterior,
    fit: DataTree | None,
    trials: Trials,
    benefit: str | None,
    absolute: float | None,
    double_zero: str,
    seed: int,
) -> dict[str, Any]:
    """What the leading posterior means for patients, and what the draws predict."""
    found: dict[str, Any] = {}
    if trials.layout == "binary":
        found["absolute"] = absolute_part(
            head,
            trials,
            benefit,
            SUPPOSED if absolute is None else absolute,
            double_zero=double_zero,
        )
        found["absolute"]["declared"] = absolute is not None
    if fit is not None and head.likelihood != "arms":  # its data are means, SDs and sizes
        tree = with_predictive(fit, trials, seed=seed)
        found["predictive"] = rows_of(predictive_check(tree, trials, seed=seed))
        found["psense"] = rows_of(psense(tree))
    return found
