"""From a posterior to tidy tables, and the digits its numbers deserve."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from xarray import DataTree

from bayespool.axes import Array
from bayespool.errors import UsageError
from bayespool.measures import to_natural
from bayespool.posterior import Draws, Marginal, Posterior
from bayespool.prior import Priors

__all__ = [
    "as_posterior",
    "convergence",
    "count_of",
    "described",
    "ess",
    "in_natural_units",
    "number",
    "posterior_of",
    "probability",
    "quantities",
    "summarise",
]

ENDS = (0.025, 0.975)
_AXES = {"chain_axis": 0, "draw_axis": 1}


def as_posterior(fit: DataTree) -> Posterior:
    """Read the draws of `sample` as a Posterior.

    Parameters
    ----------
    fit : xr.DataTree
        Of a model by `binomial` or `normal`, whose attributes say what was analysed.

    Raises
    ------
    UsageError
        The fit is of another model.
    """
    needed = ("measure", "scale", "likelihood", "effects")
    missing = [word for word in needed if word not in fit.attrs]
    if missing:
        raise UsageError(
            f"this fit does not say its {' or '.join(missing)}: as_posterior reads fits of the "
            "models that binomial() and normal() write. Set fit.attrs for a model of your own."
        )
    draws = fit["posterior"].to_dataset()
    arrays = {name: draws[name] for name in ("mu", "tau", "theta_new") if name in draws}
    if "theta" in draws:
        arrays |= {str(name): draws["theta"].sel(trial=name) for name in draws["trial"].values}
    makers = {
        name: lambda array=array: Draws(array.transpose("chain", "draw").to_numpy())
        for name, array in arrays.items()
    }
    priors = None
    if "prior_mu" in fit.attrs:
        mu, tau = str(fit.attrs["prior_mu"]), str(fit.attrs["prior_tau"])
        phi, name = fit.attrs.get("prior_phi"), str(fit.attrs["prior_name"])
        priors = Priors(mu, tau, phi, name)
    return Posterior(
        trials=None,
        measure=fit.attrs["measure"],
        scale=fit.attrs["scale"],
        likelihood=fit.attrs["likelihood"],
        effects=fit.attrs["effects"],
        priors=priors,
        engine=str(fit.attrs.get("engine", "nuts")),
        makers=makers,
    )


def posterior_of(found: Posterior | DataTree) -> Posterior:
    """Take either of the two that the public functions accept."""
    if isinstance(found, Posterior):
        return found
    if isinstance(found, DataTree):
        return as_posterior(found)
    raise UsageError(f"a Posterior or the DataTree of a fit is needed, not {type(found).__name__}.")


def quantities(posterior: Posterior) -> list[str]:
    """Name what a table shows: mu, theta_new and tau where there are any, then the trials."""
    first = [name for name in ("mu", "theta_new", "tau") if name in posterior]
    return first + [name for name in posterior.names if name not in first]


def described(marginal: Marginal) -> dict[str, float | None]:
    """Mean, SD, median, 95 % equal-tailed and 95 % shortest interval; None where undefined."""
    lower, median, upper = marginal.quantile(np.array([ENDS[0], 0.5, ENDS[1]]))
    lower_hdi, upper_hdi = marginal.hdi(0.95)
    found = {
        "mean": marginal.mean,
        "sd": marginal.sd,
        "median": median,
        "lower": lower,
        "upper": upper,
        "lower_hdi": lower_hdi,
        "upper_hdi": upper_hdi,
    }
    return {name: _finite(value) for name, value in found.items()}


def in_natural_units(marginal_or_row: Marginal | dict[str, Any], scale: str) -> dict[str, Any]:
    """Median and 95 % interval, back-transformed."""
    words = ("median", "lower", "upper")
    if isinstance(marginal_or_row, Marginal):
        values = marginal_or_row.quantile(np.array([0.5, *ENDS]))
        ends: dict[str, Any] = dict(zip(words, values, strict=True))
    else:
        ends = {name: marginal_or_row[name] for name in words}
    return {
        name: None if value is None else _finite(to_natural(value, scale))
        for name, value in ends.items()
    }


def summarise(posterior: Posterior | DataTree) -> pd.DataFrame:
    """Tabulate a posterior, one row a quantity.

    Returns
    -------
    DataFrame
        Rows mu, theta_new (the effect in a new trial), tau, then each trial's effect; for a
        common effect mu alone. Columns ``quantity, mean, sd, median, lower, upper, lower_hdi,
        upper_hdi`` on the analysis scale (95 % equal-tailed and shortest intervals),
        ``natural_median, natural_lower, natural_upper`` (NaN for tau, which has no natural
        unit) and ``mcse_mean`` (0 when exact). NaN where undefined.
    """
    found = posterior_of(posterior)
    rows = []
    for name in quantities(found):
        row: dict[str, Any] = {"quantity": name, **described(found[name])}
        natural = {} if name == "tau" else in_natural_units(row, found.scale)
        row |= {f"natural_{word}": natural.get(word) for word in ("median", "lower", "upper")}
        row["mcse_mean"] = found[name].mcse("mean")
        rows.append(row)
    table = pd.DataFrame(rows)
    numbers = table.columns[1:]
    table[numbers] = table[numbers].astype(float)
    return table


def convergence(marginal: Draws) -> dict[str, float]:
    """Bulk ESS, tail ESS (of the 5 % and 95 % quantiles) and rank-normalised split R-hat.

    Vehtari et al. (2021), Bayesian Analysis 16:667.
    """
    return {
        "ess_bulk": ess(marginal.values, "bulk"),
        "ess_tail": ess(marginal.values, "tail", prob=(0.05, 0.95)),
        "r_hat": float(_array_stats().rhat(marginal.values, **_AXES)),
    }


def ess(values: Array, method: str, **options: Any) -> float:
    """Effective sample size of draws of shape (chains, draws)."""
    return float(_array_stats().ess(values, method=method, **_AXES, **options))


def _array_stats() -> Any:
    """ArviZ's statistics of arrays, loaded when draws ask for them."""
    return import_module("arviz_stats.base").array_stats


def count_of(cell: object) -> float | None:
    """Read a count from a column that is kept as it stands; None where it is none."""
    try:
        count = float(cell)  # type: ignore[arg-type]  # what is no number is caught below
    except (TypeError, ValueError):
        return None
    return count if math.isfinite(count) and count >= 0 else None


def probability(p: float | None, mcse: float = 0.0) -> str:
    """Write a probability: three decimals, fewer if its Monte Carlo error says so, ``>0.999``."""
    if p is None or math.isnan(p):
        return "–"
    if p > 0.999:
        return ">0.999"
    return "<0.001" if p < 0.001 else f"{p:.{decimals_left(mcse, 3)}f}"


def number(x: float | None, mcse: float = 0.0, digits: int = 3) -> str:
    """Write a number to `digits` significant digits, fewer if its Monte Carlo error says so."""
    if x is None or math.isnan(x):
        return "–"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    if x == 0:
        return "0"
    decimals = digits - 1 - math.floor(math.log10(abs(x)))
    if abs(x) >= 1e5 or abs(x) < 1e-4:
        return f"{x:.{digits - 1}g}"
    return f"{x:.{decimals_left(mcse, max(decimals, 0))}f}"


def decimals_left(mcse: float, most: int) -> int:
    """How many decimals a Monte Carlo error leaves: its own first digit is the last shown."""
    if not mcse > 0 or not math.isfinite(mcse):
        return most
    return max(0, min(most, -math.floor(math.log10(mcse))))


def _finite(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
