"""Power scaling: whether the answer is the prior's or the data's."""

from __future__ import annotations

from importlib import import_module

import pandas as pd
import xarray as xr

from bayespool.errors import UsageError

__all__ = ["psense"]

SENSITIVE = 0.05  # Kallioinen et al. (2024)


def psense(tree: xr.DataTree) -> pd.DataFrame:
    """Say how far mu and tau move when a prior, or the likelihood, is made a little stronger.

    Parameters
    ----------
    tree : xr.DataTree
        By `with_predictive`.

    Returns
    -------
    DataFrame
        ``quantity`` (mu, tau); ``scaled`` ("prior on mu", "prior on tau", "likelihood");
        ``value``, the sensitivity: how far the posterior moves, as cumulative Jensen-Shannon
        distance, for each doubling of the power it is raised to; ``diagnosis`` of each prior:
        "" below 0.05, else "potential prior-data conflict" where the likelihood has 0.05 or more
        too, and "potential strong prior / weak likelihood" where it has not. Each prior is scaled
        alone. A flat one has no row: its powers are all the same.

    Raises
    ------
    UsageError
        The tree has no log likelihood.

    Notes
    -----
    Kallioinen et al. (2024), Stat Comput 34:57: derivatives at power 1, by Pareto-smoothed
    importance weights of the draws.
    """
    if "log_likelihood" not in tree.children:
        raise UsageError("this fit has no log likelihood: pass it through with_predictive first.")
    # Loaded here, or every command would wait for it.
    scaled_by = import_module("arviz_stats").psense
    quantities = [name for name in ("mu", "tau") if name in tree["posterior"]]
    priors = list(tree["log_prior"].data_vars) if "log_prior" in tree.children else []
    moved = {
        f"prior on {name}": scaled_by(tree, quantities, group="prior", group_var_names=[name])
        for name in priors
    }
    moved["likelihood"] = scaled_by(tree, quantities, group="likelihood")
    rows = []
    for quantity in quantities:
        likelihood = float(moved["likelihood"][quantity])
        for scaled, values in moved.items():
            value = float(values[quantity])
            diagnosis = "" if scaled == "likelihood" else _diagnosis(value, likelihood)
            rows.append((quantity, scaled, value, diagnosis))
    return pd.DataFrame(rows, columns=["quantity", "scaled", "value", "diagnosis"])


def _diagnosis(prior: float, likelihood: float) -> str:
    if prior < SENSITIVE:
        return ""
    if likelihood >= SENSITIVE:
        return "potential prior-data conflict"
    return "potential strong prior / weak likelihood"
