"""NUTS beside the exact answers of a library: another engine's numbers, and whether they agree."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayespool.batches.columns import Columns
from bayespool.batches.question import NUTS, Asked
from bayespool.batches.reviews import Review
from bayespool.errors import BayespoolError, ConvergenceError
from bayespool.posterior import Draws
from bayespool.summaries import convergence

__all__ = ["add_nuts", "seed_of"]

LIMIT = 4.0  # Monte Carlo standard errors


def add_nuts(table: pd.DataFrame, reviews: dict[str, Review], asked: Asked) -> Columns:
    """The table's columns with the columns of NUTS, one fit a row that has an exact answer."""
    from bayespool.refits import refit

    found: list[dict[str, Any]] = []
    for row in table.to_dict("records"):
        if row["error"]:
            found.append({"nuts_error": ""})
            continue
        began = time.process_time()
        review, set_name = reviews[row["review"]], row["priors"]
        priors = asked.prior_set(set_name, review.measure)
        own: dict[str, Any]
        try:
            fit = refit(
                review.trials, review.measure, priors, review.likelihood, asked.effects,
                asked.double_zero, seed_of(asked.seed, review.name, set_name), cores=1,
            )  # fmt: skip
            own = _told(fit, row)
        except ConvergenceError as error:
            own = _told(error.fit, row) | {"nuts_error": str(error)}
        except BayespoolError as error:
            own = {"nuts_error": str(error)}
        found.append(
            {"nuts_error": ""} | own | {"seconds": row["seconds"] + time.process_time() - began}
        )
    columns = pd.DataFrame(found, index=table.index).reindex(columns=[*NUTS, "seconds"])
    columns["seconds"] = columns["seconds"].fillna(table["seconds"])
    return {str(name): values for frame in (table, columns) for name, values in frame.items()}


def seed_of(seed: int, review: str, priors: str) -> int:
    """A seed of a review's own: the same in any company, order or process."""
    told = f"{seed}\0{review}\0{priors}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(told).digest()[:7], "big")


def _told(fit: xr.DataTree, row: dict[Any, Any]) -> dict[str, Any]:
    """The numbers of a fit, and whether they are those of the exact row."""
    draws = fit["posterior"]
    marginals = {
        name: Draws(draws[name].transpose("chain", "draw").to_numpy())
        for name in ("mu", "tau")
        if name in draws
    }
    mu = marginals["mu"]
    chains = [convergence(marginal) for marginal in marginals.values()]
    gaps = [_gap(row["mu_mean"], mu.mean, mu.mcse())]
    for name, marginal in marginals.items():
        middle = marginal.quantile(0.5)
        gaps.append(_gap(row[f"{name}_median"], middle, marginal.mcse("quantile", 0.5)))
    lower, upper = mu.quantile(np.array([0.025, 0.975]))
    return {
        "nuts_mu_mean": mu.mean,
        "nuts_mu_sd": mu.sd,
        "nuts_mu_lower": lower,
        "nuts_mu_upper": upper,
        "nuts_tau_median": marginals["tau"].quantile(0.5) if "tau" in marginals else np.nan,
        "nuts_r_hat": max(chain["r_hat"] for chain in chains),
        "nuts_ess": min(min(chain["ess_bulk"], chain["ess_tail"]) for chain in chains),
        "nuts_divergences": int(fit["sample_stats"]["diverging"].sum()),
        "nuts_agrees": max(gaps) <= LIMIT,
    }


def _gap(exact: object, drawn: float | None, mcse: float) -> float:
    """Monte Carlo standard errors between the two; 0 where the moment does not exist."""
    assert isinstance(exact, float)
    return 0.0 if np.isnan(exact) or drawn is None else abs(drawn - exact) / mcse
