"""Common, normal and t effects by marginal likelihood and by predictive density.

Both compare only within one measure, one likelihood, one prior on the baselines and one set
of trials; everything else is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bayespool.comparison.predictive import left_out, proper, total
from bayespool.decisions import question_of
from bayespool.errors import UsageError
from bayespool.exact import Surface
from bayespool.exact.surface import EFFECTS
from bayespool.measures import to_natural
from bayespool.prior import Priors

__all__ = ["compare_effects", "compare_models"]

TAU_IS = {
    "common": "no tau: one effect for all",
    "random": "tau is the SD of the effects",
    "t": "tau is a scale: the SD of the effects is 1.41 tau",
}


def compare_effects(
    surface: Surface,
    priors: Priors,
    benefit: str | None = None,
    threshold: float | str | None = None,
) -> pd.DataFrame:
    """Hold common, normal and Student-t effects against each other on one surface's trials.

    See `compare_models`, of which the rows are those of ``surface`` with ``effects`` common,
    random and t.
    """
    return compare_models([with_effects(surface, e) for e in ("common", "random", "t")],
                          priors, benefit, threshold)  # fmt: skip


def with_effects(surface: Surface, effects: str) -> Surface:
    """The same trials with another kind of effects; their own likelihoods are shared."""
    if effects not in EFFECTS:
        raise UsageError(f"effects is one of {', '.join(EFFECTS)}; found {effects!r}.")
    if effects == surface.effects:
        return surface
    return replace(
        surface,
        effects=effects,
        _finer=lambda: with_effects(surface.refined(), effects),
        _grids={},
        _sums={},
    )


def compare_models(
    surfaces: Sequence[Surface],
    priors: Priors,
    benefit: str | None = None,
    threshold: float | str | None = None,
) -> pd.DataFrame:
    """Hold models of the effects against each other under one prior set.

    Parameters
    ----------
    surfaces : sequence of Surface
        Two or more, which differ in ``effects`` alone.
    priors : Priors
        Proper ones. The prior on tau serves as it stands: on the SD of normal effects, on the
        scale of t effects.
    benefit : {"lower", "higher"}, optional
    threshold : float, optional
        Natural units; no effect by default.

    Returns
    -------
    DataFrame
        A row a model: ``effects``; ``log_marginal_likelihood``; ``probability`` of the model
        under equal prior odds; ``elpd`` with ``elpd_se``; ``elpd_difference`` from the highest
        and ``difference_se``, from the paired differences of the trials (0 and NaN in its own
        row); ``natural_median, natural_lower, natural_upper`` of the mean effect;
        ``prob_benefit`` (or ``prob_below``); ``tau_median``; ``tau_is``, what tau means.

    Raises
    ------
    UsageError
        The surfaces differ in measure, likelihood, prior on phi or trials, in nothing at all, or
        discount trials.
    PriorError
        A flat prior: there is no marginal likelihood.
    """
    _comparable(surfaces)
    asked = question_of(surfaces[0], benefit, threshold)
    proper(priors, random=any(surface.effects != "common" for surface in surfaces))
    rows, pointwise = [], []
    for surface in surfaces:
        found, _ = left_out(surface, priors)
        terms = found.log_evidence[0] - found.log_evidence[1:]
        sum_, error = total(terms)
        pointwise.append(terms)
        below = float(found.cdf("mu", [asked.at])[0, 0])
        ends = to_natural(found.quantile("mu", [0.5, 0.025, 0.975])[0], surface.scale)
        tau = found.quantile("tau", [0.5])[0, 0] if surface.effects != "common" else np.nan
        rows.append(
            {
                "effects": surface.effects,
                "log_marginal_likelihood": float(found.log_evidence[0]),
                "elpd": sum_,
                "elpd_se": error,
                "natural_median": float(ends[0]),
                "natural_lower": float(ends[1]),
                "natural_upper": float(ends[2]),
                asked.word: asked.better(below),
                "tau_median": float(tau),
                "tau_is": TAU_IS[surface.effects],
            }
        )
    table = pd.DataFrame(rows)
    log_z = table["log_marginal_likelihood"].to_numpy()
    likely = np.exp(log_z - log_z.max())
    table.insert(2, "probability", likely / likely.sum())
    best = pointwise[int(table["elpd"].to_numpy().argmax())]
    apart = [total(terms - best) for terms in pointwise]
    table.insert(5, "elpd_difference", [sum_ for sum_, _ in apart])
    table.insert(6, "difference_se", [error if sum_ else np.nan for sum_, error in apart])
    return table


def _comparable(surfaces: Sequence[Surface]) -> None:
    """Refuse to compare what no Bayes factor compares."""
    if len(surfaces) < 2:
        raise UsageError("a comparison needs two surfaces or more.")
    first = surfaces[0]
    for other in surfaces[1:]:
        differ = [
            f"{word}: {one} and {two}"
            for word, one, two in (
                ("measure", first.measure, other.measure),
                ("likelihood", first.likelihood, other.likelihood),
                ("prior on phi", first.phi and first.phi.text, other.phi and other.phi.text),
                ("trials", _listed(first), _listed(other)),
            )
            if one != two
        ]
        if not differ and _data(first) != _data(other):
            differ = ["trials: the same names with other data"]
        if differ:
            raise UsageError(
                "marginal likelihoods and elpd compare only within one measure, one likelihood, "
                "one prior on phi and one set of trials. These surfaces differ in "
                f"{'; '.join(differ)}. Put their answers side by side instead: side_by_side."
            )
    kinds = [surface.effects for surface in surfaces]
    if len(set(kinds)) < len(kinds):
        raise UsageError(f"each kind of effects once; found {', '.join(kinds)}.")


def _listed(surface: Surface) -> str:
    return ", ".join(surface.kept)


def _data(surface: Surface) -> list[tuple[float, float]]:
    """What tells one trial's likelihood from another's: its estimate and standard error."""
    return [(term.centre, term.width) for term in surface.terms]
