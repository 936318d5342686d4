"""What an effect means for a thousand patients: risk differences and numbers needed to treat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from xarray import DataTree

from bayespool.axes import Array
from bayespool.decisions.applied import Applied
from bayespool.decisions.baseline import baselines, control_arms, spread
from bayespool.decisions.chances import chances, check_benefit
from bayespool.decisions.nnt import nnt_text
from bayespool.decisions.odds import by_odds
from bayespool.errors import UsageError
from bayespool.posterior import Posterior
from bayespool.prior.words import percent
from bayespool.summaries import posterior_of
from bayespool.trials import Trials

__all__ = ["PER_1000", "absolute_effects", "absolute_part"]

PER_1000 = (10, 30, 50, 100)
MOST_CLIPPED = 0.01  # beyond this share RR is no measure for absolute effects
WORDS = ("median", "lower", "upper")


def absolute_effects(
    posterior: Posterior | DataTree,
    trials: Trials | None = None,
    benefit: str | None = None,
    baseline: float | None = None,
    per_1000: Sequence[float] = PER_1000,
    other: Posterior | DataTree | None = None,
) -> pd.DataFrame:
    """Treated risks, differences per 1,000 patients and numbers needed to treat.

    Parameters
    ----------
    posterior : Posterior or DataTree
        Of OR, RR or RD, by either likelihood.
    trials : Trials, optional
        With counts: their control arms give the baselines. Default those of the posterior; the
        DataTree of a fit has none.
    benefit : {"lower", "higher"}, optional
        Which side is better; without it there is neither NNT nor probability.
    baseline : float, optional
        A control risk in (0, 1), in place of the trials'.
    per_1000 : numbers
        How many patients of 1,000 on the better side the probabilities are for.
    other : Posterior or DataTree, optional
        Of the OR of the same trials, which takes over where RR would carry more than 1 % of the
        treated risks past 1 at the median (or the given) baseline. By default that of `by_odds`;
        where there is none the risk is held at 1.

    Returns
    -------
    DataFrame
        A row for each ``quantity`` (mu, and theta_new unless the effect is common) and
        ``baseline``: median, low, high, crude, model (see `baselines`) and spread, or given.
        ``measure`` (whose posterior it is), ``risk_control`` (NaN for spread),
        ``risk_treatment_median``, ``_lower``, ``_upper``; ``per_1000_median``, ``_lower``,
        ``_upper`` (treatment minus control); ``nnt`` (text, None without `benefit`);
        ``clipped``: share of `posterior`, before `other` takes over, whose treated risk would
        leave [0, 1] at this baseline; it counts as 0 or 1. With `benefit`, ``prob_10`` and so
        on: the probability of at least so many per 1,000 on the better side.

    Raises
    ------
    UsageError
        A measure without risks, no counts and no `baseline`, a baseline outside (0, 1), or a
        number per 1,000 that is none.

    Notes
    -----
    At one baseline p0 the treated risk is min(1, p0 RR), expit(logit p0 + log OR) or p0 + RD, and
    rises with the effect, so intervals and probabilities are exact transforms of the posterior's.
    In the row ``spread`` the baseline is drawn from the risks of new settings (`spread`),
    independently of the effect, and the distribution function is averaged over it. A risk
    difference holds only near the trials' own risks. NNT: see `nnt_text`.
    """
    main = _with_risks(posterior)
    check_benefit(benefit)
    wanted = {_label(m): float(m) for m in per_1000}
    if baseline is not None:
        given = {"given": np.array([_checked(baseline)])}
        trials = main.trials if trials is None else trials
    else:
        trials = _with_counts(main, trials)
        given = _baselines(trials)
    middle = float(given["given" if baseline is not None else "median"][0])
    source, _ = _source(main, other, middle, trials)
    rows = []
    for row, applied in _rows(source, given, benefit):
        clipped = Applied(main[row["quantity"]], main.measure, main.scale, applied.risks).clipped()
        flat: dict[str, Any] = {
            "quantity": row["quantity"],
            "baseline": row["baseline"],
            "measure": source.measure,
            "risk_control": np.nan if row["risk_control"] is None else row["risk_control"],
            **{f"risk_treatment_{word}": row["risk_treatment"][word] for word in WORDS},
            **{f"per_1000_{word}": row["per_1000"][word] for word in WORDS},
            "nnt": row["nnt"],
            "clipped": clipped,
        }
        if benefit is not None:
            flat |= {f"prob_{m}": applied.better_by(at, benefit) for m, at in wanted.items()}
        rows.append(flat)
    return pd.DataFrame(rows)


def absolute_part(
    posterior: Posterior | DataTree,
    trials: Trials,
    benefit: str | None,
    important: float = 30,
    other: Posterior | DataTree | None = None,
    double_zero: str = "drop",
) -> dict[str, Any]:
    """The record's ``absolute``: as `absolute_effects`, with the reasons.

    Parameters
    ----------
    posterior, trials, benefit, other
        As in `absolute_effects`; `trials` with counts.
    important : float
        How many patients of 1,000 matter.
    double_zero : {"drop", "keep"}
        As for `surface`, of the OR that may take over.

    Returns
    -------
    dict
        ``measure``, ``reason``, ``clipped``, ``important``, ``headline``, ``baselines``, ``rows``
        and, with `benefit`, ``prob``: JSON as it stands. ``headline`` is the baseline that the
        probabilities are for: the median of the trials' control risks, or that of the model where
        the median is 0 or 1, from where no effect can be seen. ``clipped`` is the share of the
        main measure's posterior whose treated risk would leave [0, 1] there. ``prob_benefit``,
        where `other` takes over: the probability of any benefit by it.

    Raises
    ------
    UsageError
        As `absolute_effects`.
    """
    main = _with_risks(posterior)
    check_benefit(benefit)
    _label(important)
    given = _baselines(_with_counts(main, trials))
    headline = _headline(given)
    middle = float(given[headline][0])
    source, reason = _source(main, other, middle, trials, double_zero)
    found = list(_rows(source, given, benefit))
    part = {
        "measure": source.measure,
        "reason": reason,
        "clipped": _clipped(main, middle),
        "important": important,
        "headline": headline,
        "baselines": {name: float(p[0]) for name, p in given.items() if name != "spread"},
        "rows": [row for row, _ in found],
    }
    if benefit is not None:
        wanted = {_label(m): float(m) for m in sorted({*PER_1000, important})}
        part["prob"] = {
            row["quantity"]: {m: at.better_by(x, benefit) for m, x in wanted.items()}
            for row, at in found
            if row["baseline"] == headline
        }
        if source is not main:
            by_it = chances(source, benefit, {"none": 0.0})
            part["prob_benefit"] = {
                name: by_it["prob_benefit" + suffix]["none"]
                for name, suffix in (("mu", ""), ("theta_new", "_new"))
                if name in source
            }
    return part


def _headline(given: dict[str, Array]) -> str:
    """The baseline that heads the answer: the median, unless it is 0 or 1."""
    return "median" if _bears(float(given["median"][0])) else "model"


def _bears(risk: float) -> bool:
    """Whether an effect can be seen from this risk."""
    return 0 < risk < 1


def _clipped(main: Posterior, baseline: float) -> dict[str, float]:
    at = np.array([baseline])
    return {q: Applied(main[q], main.measure, main.scale, at).clipped() for q in _quantities(main)}


def _source(
    main: Posterior,
    other: Posterior | DataTree | None,
    baseline: float,
    trials: Trials | None,
    double_zero: str = "drop",
) -> tuple[Posterior, str]:
    """Whose posterior gives the absolute effects, and why it is not simply the main one."""
    shares = _clipped(main, baseline)
    if main.measure == "OR" or max(shares.values()) <= MOST_CLIPPED:
        return main, ""
    each = (f"{_percent(p)} of the posterior of {_MEANS[q]}" for q, p in shares.items())
    share = " and ".join(each)
    where = f"at a control risk of {percent(baseline)}"
    if main.measure == "RD":
        beyond = f"would take the risk below 0 or above 1 {where}; it is held there."
        return main, f"By the RD {share} {beyond}"
    says = f"By the RR {share} would take the treated risk past 1 {where}"
    if other is None and trials is not None and trials.layout == "binary":
        other = by_odds(main, trials, double_zero)
    if other is None:
        return main, f"{says}; it is held at 1."
    found = posterior_of(other)
    if found.measure != "OR":
        raise UsageError(f"other= is the posterior of the OR, not of {found.measure}.")
    return found, f"{says}, so absolute effects are by the OR."


def _percent(p: float) -> str:
    """A share that is held against 1 %: with a decimal where it is near."""
    return f"{100 * p:.1f} %" if 0.001 <= p < 0.1 else percent(p)


_MEANS = {"mu": "the mean effect", "theta_new": "the effect in a new trial"}


def _quantities(posterior: Posterior) -> list[str]:
    return [name for name in ("mu", "theta_new") if name in posterior]


def _rows(
    source: Posterior, given: dict[str, Array], benefit: str | None
) -> list[tuple[dict[str, Any], Applied]]:
    """The record's rows, each with what it was computed from."""
    rows = []
    for quantity in _quantities(source):
        for name, risks in given.items():
            applied = Applied(source[quantity], source.measure, source.scale, risks)
            difference = applied.difference()
            median, lower, upper = difference
            row = {
                "quantity": quantity,
                "baseline": name,
                "risk_control": None if name == "spread" else float(risks[0]),
                "risk_treatment": _named(applied.risk()),
                "per_1000": _named(1000 * difference),
                "nnt": None if benefit is None else nnt_text(median, lower, upper, benefit),
            }
            rows.append((row, applied))
    return rows


def _named(values: Array) -> dict[str, float]:
    return {word: float(x) for word, x in zip(WORDS, values, strict=True)}


def _baselines(trials: Trials) -> dict[str, Array]:
    arms = control_arms(trials)
    fixed = {name: np.array([risk]) for name, risk in baselines(trials, arms).items()}
    return fixed | {"spread": spread(trials, arms)}


def _with_risks(posterior: Posterior | DataTree) -> Posterior:
    found = posterior_of(posterior)
    if found.measure not in ("OR", "RR", "RD"):
        raise UsageError(
            f"{found.measure} says nothing about risks: absolute effects need OR, RR or RD."
        )
    return found


def _with_counts(posterior: Posterior, trials: Trials | None) -> Trials:
    trials = posterior.trials if trials is None else trials
    if trials is None:
        raise UsageError("a fit carries no trials: give trials=, or a control risk as baseline=.")
    if trials.layout != "binary":
        raise UsageError(
            f"{trials.path}: the {trials.layout} layout has no control risks. Give one as "
            "baseline=, between 0 and 1."
        )
    return trials


def _checked(baseline: float) -> float:
    risk = _float(baseline)
    if not 0 < risk < 1:  # NaN too
        raise UsageError(f"a baseline is a risk between 0 and 1, not {baseline!r}.")
    return risk


def _label(per_1000: float) -> str:
    number = _float(per_1000)
    if not 0 < number <= 1000:
        raise UsageError(f"{per_1000!r} of 1,000 patients? Give a number above 0, at most 1000.")
    return f"{number:g}"


def _float(x: float) -> float:
    """Read a number; NaN where it is none."""
    try:
        return float(x)
    except (TypeError, ValueError):
        return float("nan")
