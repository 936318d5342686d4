"""Whether the hierarchical model expects trials like these."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from bayespool.predictive.model import model_of, new_effects
from bayespool.trials import Trials

__all__ = ["predictive_check"]

Method = Literal["linear", "inverted_cdf"]


def predictive_check(fit: xr.DataTree, trials: Trials, seed: int = 2026) -> pd.DataFrame:
    """Compare every trial with what the hierarchical model expects of a trial like it.

    The replicate has the trial's size and its own baseline (the posterior of its phi), and an
    effect drawn anew from the distribution between trials: Normal(mu, tau), Student-t with scale
    tau, or mu itself under a common effect. So it is the model of the *effects* that is checked,
    not whether a trial's own parameters fit its own counts, which they nearly always do.

    Parameters
    ----------
    fit : xr.DataTree
        By `sample` or `with_predictive`.
    trials : Trials
        Those of the fit.
    seed : int
        The same seed gives the same table.

    Returns
    -------
    DataFrame
        ``trial``; ``arm`` (treatment and control; estimate under the normal likelihood);
        ``observed``; ``n`` (patients; NaN for an estimate); ``lower``, ``median``, ``upper``, the
        95 % equal-tailed interval of the replicates (events; for estimates, the analysis scale);
        and ``p``, the mid-p value P(replicate < observed) + P(replicate = observed)/2. Near 0 or
        1 the model would hardly produce such a trial. The trial itself has informed mu, tau and
        phi, so the values crowd towards 1/2 instead of spreading evenly.

    Raises
    ------
    UsageError
        The trials are not the fit's, or the fit is of another model.

    Notes
    -----
    The mixed predictive check of Marshall & Spiegelhalter (2003), Stat Med 22:1649.
    """
    model = model_of(fit, trials)
    random = np.random.default_rng(seed)
    k = model.data.sizes["trial"]
    theta = new_effects(model.mu, model.tau, model.effects, k, random)
    replicates = model.replicates(theta, model.phi, random)
    if model.phi is None:
        tables = [_table(model.data, "estimate", "estimate", replicates)]
    else:
        arms = ("treatment", "control")
        tables = [_table(model.data, arm, f"events_{arm}", replicates) for arm in arms]
    # A trial's arms one after the other.
    return pd.concat(tables).sort_index(kind="stable").reset_index(drop=True)


def _table(
    data: xr.Dataset, arm: str, name: str, replicates: dict[str, np.ndarray]
) -> pd.DataFrame:
    observed = data[name].to_numpy()
    replicate = replicates[name].reshape(-1, len(observed))
    # Of counts, a number of events that was drawn, never one between two.
    method: Method = "linear" if arm == "estimate" else "inverted_cdf"
    lower, median, upper = np.quantile(replicate, [0.025, 0.5, 0.975], axis=0, method=method)
    below, same = (replicate < observed).mean(axis=0), (replicate == observed).mean(axis=0)
    return pd.DataFrame(
        {
            "trial": data["trial"].to_numpy(),
            "arm": arm,
            "observed": observed,
            "n": np.nan if arm == "estimate" else data[f"n_{arm}"].to_numpy(),
            "lower": lower,
            "median": median,
            "upper": upper,
            "p": below + same / 2,
        }
    )
