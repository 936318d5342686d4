"""From posteriors to the columns of the results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import pandas_dtype

from bayespool.axes import Array
from bayespool.batches.question import KINDS, Asked
from bayespool.batches.reviews import Review
from bayespool.exact import Surface
from bayespool.measures import to_natural
from bayespool.prior import Priors

__all__ = [
    "ENDS",
    "Columns",
    "P",
    "about",
    "columns_of",
    "in_words",
    "numbers",
    "numbers_of_one",
    "table_of",
]

P = np.array([0.5, 0.025, 0.975])
ENDS = ("median", "lower", "upper")
Columns = dict[str, Any]  # a value, or one a row


class Posteriors(Protocol):
    """Many posteriors that answer together."""

    def quantile(self, name: str, p: Array) -> Array: ...
    def cdf(self, name: str, at: Array, above: bool = False) -> Array: ...


def numbers(found: Posteriors, names: Sequence[str], at: dict[str, float]) -> dict[str, Array]:
    """Quantiles and probabilities on the analysis scale, an array over the reviews each."""
    own: dict[str, Array] = {}
    limits = np.array(list(at.values()))
    for name in names:
        ends = found.quantile(name, P).T
        own |= dict(zip([f"{name}_{end}" for end in ENDS], ends, strict=True))
        if name == "tau":
            continue
        for side in ("below", "above"):
            p = found.cdf(name, limits, above=side == "above").T
            own |= dict(zip([f"{name} {side}{end}" for end in at], p, strict=True))
    return own


def numbers_of_one(table: Surface, priors: Priors, at: dict[str, float]) -> dict[str, Array]:
    """The same of one review by its surface, with the rest that the engine says of it."""
    posterior = table.posterior(priors)
    found: dict[str, Any] = {}
    for name in ("mu", "tau", "theta_new"):
        if name not in posterior:
            continue
        marginal = posterior[name]
        found |= dict(zip([f"{name}_{end}" for end in ENDS], marginal.quantile(P), strict=True))
        if name != "tau":
            for end, limit in at.items():
                found[f"{name} below{end}"] = marginal.cdf(limit)
                found[f"{name} above{end}"] = marginal.sf(limit)
    mu = posterior["mu"]
    found |= {
        "mu_mean": mu.mean,
        "mu_sd": mu.sd,
        "log_marginal_likelihood": posterior.log_marginal_likelihood,
        "grid_error": posterior.grid_error,
    }
    return {name: np.array([np.nan if x is None else float(x)]) for name, x in found.items()}


def in_words(own: dict[str, Array], scale: str, asked: Asked) -> Columns:
    """The columns of the results from numbers on the analysis scale."""
    columns: Columns = {}
    for name, values in own.items():
        quantity, _, question = name.partition(" ")
        if not question:
            columns[name] = values
            continue
        side, end = question[:5], question[5:]  # below or above, and of which threshold
        new = "_new" if quantity == "theta_new" else ""
        p = np.clip(values, 0.0, 1.0)
        if side == "below":
            columns[f"prob_below{new}{end}"] = p
        if asked.benefit == ("lower" if side == "below" else "higher"):
            columns[f"prob_benefit{new}{end}"] = p
    for end in ENDS:
        columns[f"natural_{end}"] = to_natural(own[f"mu_{end}"], scale)
        if end != "median" and "theta_new_lower" in own:
            columns[f"natural_new_{end}"] = to_natural(own[f"theta_new_{end}"], scale)
    if "reml_estimate" in own:
        middle = own["reml_estimate"]
        if scale == "atanh":
            middle = np.arctanh(np.clip(middle, -1, 1))
        agrees = ((own["mu_lower"] <= middle) & (middle <= own["mu_upper"])).astype(object)
        agrees[np.isnan(middle)] = None
        columns["agrees"] = agrees
    return columns


def about(review: Review) -> Columns:
    """What a row says of a review whatever its answer."""
    counted = len(review.rows) if review.likelihood != "normal" else len(review.estimate)
    return {
        "review": review.name,
        "measure": review.measure,
        "likelihood": review.likelihood,
        "trials": len(review.rows),
        "used": counted,
        "participants": review.participants,
    }


def columns_of(
    reviews: Sequence[Review],
    own: dict[str, Array],
    scale: str,
    asked: Asked,
    seconds: float,
    keep: NDArray[np.bool_],
) -> Columns:
    """Columns of the reviews to ``keep`` of those that were analysed together, in ``seconds``."""
    told = [about(review) for review in reviews]
    columns: Columns = {name: [*compress((row[name] for row in told), keep)] for name in told[0]}
    columns |= {name: values[keep] for name, values in in_words(own, scale, asked).items()}
    return columns | {"seconds": np.full(keep.sum(), seconds / len(reviews))}


def table_of(
    parts: Iterable[Columns], names: Iterable[str], place: dict[tuple[str, str], int]
) -> pd.DataFrame:
    """One table of all parts, of the same types whatever is missing, in the order of ``place``.

    Parameters
    ----------
    parts : iterable of Columns
        Each with as many values in all columns.
    names : iterable of str
        Of the table's columns; a part without one of them has nothing to say of it.
    place : dict
        Which row a review under a prior set comes to.
    """
    parts = [part for part in parts if len(part["review"])]
    keys = [key for part in parts for key in zip(part["review"], part["priors"], strict=True)]
    order = np.argsort([place[key] for key in keys])
    columns: Columns = {}
    for name in names:
        kind = KINDS.get(name, "float64")
        pieces = [part.get(name, [None] * len(part["review"])) for part in parts]
        if kind == "float64":
            columns[name] = np.concatenate([np.asarray(piece, float) for piece in pieces])[order]
        else:
            values = [value for piece in pieces for value in piece]
            columns[name] = pd.Series([values[i] for i in order], dtype=pandas_dtype(kind))
    return pd.DataFrame(columns)
