"""Three engines side by side: the gate between NUTS and exact, and why a third answer differs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayespool.decisions import mcse_of
from bayespool.errors import BayespoolError, DataError, PriorError
from bayespool.exact import surface
from bayespool.measures import effect_sizes, to_natural
from bayespool.posterior import Draws, Marginal, Posterior
from bayespool.prior import Priors
from bayespool.summaries import ess
from bayespool.trials import Trials

__all__ = [
    "LIMIT",
    "DisagreementError",
    "agreement",
    "compare",
    "explain",
    "pooled_median",
    "rows_of",
    "worst_of",
]

LIMIT = 4.0  # Monte Carlo standard errors
QUARTILES = (0.25, 0.5, 0.75)
_POINTS = 2000


class DisagreementError(BayespoolError):
    """NUTS and the exact engine differ by more than Monte Carlo error: exit status 1.

    Attributes
    ----------
    comparisons : DataFrame
        As `compare` returns it.
    """

    def __init__(self, message: str, comparisons: pd.DataFrame) -> None:
        super().__init__(message)
        self.comparisons = comparisons

    def __reduce__(self) -> tuple[type[DisagreementError], tuple[str, pd.DataFrame]]:
        return type(self), (str(self), self.comparisons)


def compare(exact: Posterior, nuts: Posterior, thresholds: dict[str, float]) -> pd.DataFrame:
    """Mean, SD and quartiles of mu and tau, and P(mu below each threshold), in both engines.

    Parameters
    ----------
    exact, nuts : Posterior
        Of the same trials, model and priors.
    thresholds : dict
        Label to value on the analysis scale, as `thresholds_of` returns it.

    Returns
    -------
    DataFrame
        ``quantity, what, exact, nuts, mcse, z``. Moments that do not exist are left out. The
        MCSE of mean and SD is at least what the exact posterior's SD and kurtosis imply, so that
        a heavy tail that the draws happened to miss raises no alarm.
    """
    rows = []
    for quantity in ("mu", "tau"):
        if quantity not in exact:
            continue
        ours, theirs = exact[quantity], nuts[quantity]
        assert isinstance(theirs, Draws)
        for what in ("mean", "sd"):
            value = getattr(ours, what)
            if value is not None and (mcse := _mcse_of_moment(ours, theirs, what)) is not None:
                rows.append((quantity, what, value, getattr(theirs, what), mcse))
        for p, word in zip(QUARTILES, ("lower quartile", "median", "upper quartile"), strict=True):
            found = (ours.quantile(p), theirs.quantile(p), theirs.mcse("quantile", p))
            rows.append((quantity, word, *found))
        if quantity == "mu":
            for label, at in thresholds.items():
                p = float(ours.cdf(at))
                found = (p, float(theirs.cdf(at)), mcse_of(theirs, at, p))
                rows.append((quantity, f"P(below {label})", *found))
    table = pd.DataFrame(rows, columns=["quantity", "what", "exact", "nuts", "mcse"])
    table["z"] = (table["nuts"] - table["exact"]) / table["mcse"]
    return table


def agreement(
    exact: Posterior | None,
    nuts: Posterior | None,
    comparisons: pd.DataFrame,
    frequentist: list[dict[str, Any]],
) -> dict[str, Any]:
    """Make the record's ``agreement``.

    ``ok`` concerns exact against NUTS alone, None where one of them did not run.
    """
    if exact is None or nuts is None:
        return {"exact_nuts": None, "frequentist": frequentist, "ok": None}
    worst = worst_of(comparisons)
    distances = [_distance(exact[q], nuts[q]) for q in ("mu", "tau") if q in exact]
    return {
        "exact_nuts": {
            "worst_z": float(abs(worst["z"])),
            "worst": f"{worst['quantity']}: {worst['what']}",
            "max_cdf_distance": max(distances),
        },
        "frequentist": frequentist,
        # Written so that a NaN is no agreement.
        "ok": bool((comparisons["z"].abs() <= LIMIT).all()),
    }


def explain(
    posterior: Posterior, trials: Trials, frequentist: pd.DataFrame, double_zero: str = "drop"
) -> list[dict[str, Any]]:
    """Say why each frequentist estimate is not the posterior median of mu.

    The way from one to the other in steps, each computed: the normal approximation instead of
    the binomial likelihood (same priors), a flat prior on mu, then the method's own tau.

    Returns
    -------
    list of dict
        ``method``, ``difference`` (estimate minus median, on the scale of `pool`: RD as the
        difference) and ``reason``.
    """
    start = pooled_median(posterior)
    words: list[str] = []
    at = start
    for word, median in _steps(posterior, trials, double_zero):
        words.append(f"{word}: {_signed(median - at)}")
        at = median
    middle = float(posterior["tau"].quantile(0.5)) if "tau" in posterior else 0.0
    found = []
    for row in rows_of(frequentist):
        estimate = row["estimate"]
        if not np.isfinite(estimate):
            reason = f"no finite estimate ({row['note']})" if row["note"] else "no finite estimate"
            found.append({"method": row["method"], "difference": None, "reason": reason})
            continue
        own = f"{_weights(row, middle, 'tau' in posterior)}: {_signed(estimate - at)}"
        reason = "; ".join([*words, own])
        found.append(
            {"method": row["method"], "difference": float(estimate - start), "reason": reason}
        )
    return found


def worst_of(comparisons: pd.DataFrame) -> dict[str, Any]:
    """Return the row of `compare` that is farthest off."""
    return rows_of(comparisons)[int(np.argmax(comparisons["z"].abs().fillna(np.inf)))]


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as dicts by column name."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def pooled_median(posterior: Posterior) -> float:
    """Posterior median of mu on the scale of `pool`: RD as the difference."""
    median = posterior["mu"].quantile(0.5)
    return float(to_natural(median, posterior.scale) if posterior.scale == "atanh" else median)


def _steps(posterior: Posterior, trials: Trials, double_zero: str) -> list[tuple[str, float]]:
    priors = posterior.priors
    effects = "random" if posterior.effects == "t" else posterior.effects
    plain = Priors(priors.mu, priors.tau)
    try:
        approximate = surface(trials, posterior.measure, "normal", effects, double_zero=double_zero)
        steps = []
        if posterior.likelihood != "normal" or posterior.effects == "t":
            median = float(approximate.posterior(plain)["mu"].quantile(0.5))
            steps.append((_approximation(posterior, trials, double_zero), median))
        if priors.mu.proper:
            flat = approximate.posterior(Priors("Flat()", priors.tau))
            steps.append(("no prior on mu", float(flat["mu"].quantile(0.5))))
    except (DataError, PriorError):
        return []
    return steps


def _approximation(posterior: Posterior, trials: Trials, double_zero: str) -> str:
    parts = []
    if posterior.likelihood == "binomial":
        sizes = effect_sizes(trials, posterior.measure, double_zero)
        parts.append("normal approximation")
        if count := int(sizes["corrected"].sum()):
            parts.append(f"1/2 added in {count} trial{'s' if count > 1 else ''}")
        if left := sizes.loc[~sizes["used"], "trial"].tolist():
            parts.append(f"{', '.join(left)} left out")
    if posterior.likelihood == "arms":
        parts.append("SDs taken as known")
    if posterior.effects == "t":
        parts.append("normal effects instead of Student-t")
    return ", ".join(parts)


def _signed(x: float) -> str:
    return f"{round(x, 3) + 0.0:+.3f}"  # + 0.0: a rounded zero has no minus


def _weights(row: dict[str, Any], middle: float, random: bool) -> str:
    if row["method"] in ("MH", "Peto"):
        return f"{row['method']} weights" + (", no tau" if random else "")
    tau = np.sqrt(row["tau2"]) if np.isfinite(row["tau2"]) else 0.0
    if not random:
        return "same weights" if tau == 0 else f"tau {tau:.2f}, the model has none"
    return f"tau fixed at {tau:.2f} (posterior median {middle:.2f})"


def _mcse_of_moment(exact: Marginal, draws: Draws, what: str) -> float | None:
    """Monte Carlo error of a mean or SD; None where it has none (the next moment is infinite)."""
    if exact.sd is None or exact.mean is None:
        return None
    if what == "mean":
        theory = exact.sd / ess(draws.values, "mean") ** 0.5
    else:
        n = ess((draws.values - draws.values.mean()) ** 2, "mean")
        theory = float(exact.sd * (max(_kurtosis(exact) - 1, 0.0) / (4 * n)) ** 0.5)
    return max(draws.mcse(what), theory)


def _kurtosis(exact: Marginal) -> float:
    """Fourth standardised moment, from quantiles reaching to probabilities of e^-30."""
    assert exact.mean is not None
    assert exact.sd is not None
    t = np.arange(-30.0, 30.5, 0.5)
    p = 1 / (1 + np.exp(-t))
    z = (exact.quantile(p) - exact.mean) / exact.sd
    return float(np.sum(z**4 * p * p[::-1]) * 0.5)  # dp/dt = p (1 - p)


def _distance(exact: Marginal, nuts: Marginal) -> float:
    """Largest gap between the exact CDF and that of the draws."""
    p = (np.arange(_POINTS) + 0.5) / _POINTS
    at = np.asarray(nuts.quantile(p))
    return float(np.abs(exact.cdf(at) - nuts.cdf(at)).max())
