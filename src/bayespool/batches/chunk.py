"""Some hundred reviews: analysed together where a closed form allows it, else one by one."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bayespool.axes import Array
from bayespool.batches.classical import reml
from bayespool.batches.normal import blocks, covers, many
from bayespool.batches.question import Asked, typed
from bayespool.batches.reviews import Review, reviews_of
from bayespool.errors import BayespoolError
from bayespool.exact import Surface, surface
from bayespool.exact.closed import TOLERANCE
from bayespool.exact.grid import moments_of_mu
from bayespool.measures import scale_of, to_natural
from bayespool.prior import DEFAULT_PHI, Priors, check_proper

__all__ = ["answers"]

P = np.array([0.5, 0.025, 0.975])
ENDS = ("median", "lower", "upper")
Columns = dict[str, Any]


def answers(frame: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """Analyse every review of a table; a row a review and prior set, in the table's order.

    Parameters
    ----------
    frame : DataFrame
        Trials of whole reviews, named in the column ``asked.by``.
    asked : Asked

    Returns
    -------
    DataFrame
        With the columns ``asked.columns``. A review without an answer has its ``error``.
    """
    with threadpool_limits(limits=1):
        began = time.process_time()
        order = list(dict.fromkeys(frame[asked.by]))
        reviews, failed = reviews_of(frame, asked)
        reading = (time.process_time() - began) / (len(order) * len(asked.priors))
        parts: list[pd.DataFrame] = []
        rows = [
            {"review": name, "priors": set_name, "measure": asked.measure, "error": error}
            for set_name in asked.priors
            for name, error in failed.items()
        ]
        left: dict[str, list[str]] = {}  # reviews to be taken alone, and under which prior sets
        for set_name in asked.priors:
            together: list[tuple[Review, Priors]] = []
            for review in reviews.values():
                try:
                    priors = _covered(review, set_name, asked)
                except BayespoolError as error:
                    rows.append(_about(review) | {"priors": set_name, "error": str(error)})
                    continue
                if priors is None:
                    left.setdefault(review.name, []).append(set_name)
                else:
                    together.append((review, priors))
            for part in _together(together, asked):
                rough = part["grid_error"] > TOLERANCE  # these need finer nodes than the others
                for name in part.loc[rough, "review"]:
                    left.setdefault(name, []).append(set_name)
                parts.append(part[~rough].assign(priors=set_name))
        for name, sets in left.items():
            rows += _alone(reviews[name], sets, asked)
    parts.append(pd.DataFrame(rows))
    columns = list(asked.columns)
    table = pd.concat([typed(part.reindex(columns=columns)) for part in parts], ignore_index=True)
    table["effects"] = pd.Series([asked.effects] * len(table), dtype="string")
    table["error"] = table["error"].fillna("")
    table["seconds"] = table["seconds"].fillna(0.0) + reading
    place = {(n, s): i for i, (n, s) in enumerate((n, s) for n in order for s in asked.priors)}
    at = [place[key] for key in zip(table["review"], table["priors"], strict=True)]
    return table.iloc[np.argsort(at)].reset_index(drop=True)


def _covered(review: Review, set_name: str, asked: Asked) -> Priors | None:
    """The priors, if they and the review have a closed form. Raises what is wrong with them."""
    priors = asked.prior_set(set_name, review.measure)
    if review.likelihood != "normal" or not covers(priors, asked.effects):
        return None
    check_proper(priors, len(review.estimate), random=asked.effects != "common")
    asked.at(review.measure, scale_of(review.measure, "normal"))
    return priors


def _together(asking: list[tuple[Review, Priors]], asked: Asked) -> list[pd.DataFrame]:
    """Answers of the normal model in closed form, of many reviews at once."""
    parts = []
    for measure in dict.fromkeys(review.measure for review, _ in asking):
        some = [review for review, _ in asking if review.measure == measure]
        priors = next(priors for review, priors in asking if review.measure == measure)
        sizes = np.array([len(review.estimate) for review in some])
        for block in blocks(sizes):
            began = time.process_time()
            taken = [some[i] for i in block]
            own = _closed(taken, sizes[block], priors, asked)
            columns = {name: [_about(r)[name] for r in taken] for name in _about(taken[0])}
            columns |= _in_words(own, scale_of(measure, "normal"), asked)
            seconds = (time.process_time() - began) / len(taken)
            parts.append(pd.DataFrame(columns | {"seconds": seconds}))
    return parts


def _closed(
    reviews: list[Review], sizes: NDArray[np.intp], priors: Priors, asked: Asked
) -> dict[str, Array]:
    """Numbers on the analysis scale, an array over the reviews each."""
    y, se = _padded(reviews)
    posterior = many(y, se, priors, asked.effects)
    moments = _moments(priors, sizes) if asked.effects == "random" else np.full(len(sizes), 2)
    own = {
        "mu_mean": np.where(moments >= 1, posterior.mean_of("mu"), np.nan),
        "mu_sd": np.where(moments >= 2, posterior.sd_of("mu"), np.nan),
        "log_marginal_likelihood": posterior.log_marginal_likelihood,
        "grid_error": posterior.grid_error,
    }
    at = asked.at(reviews[0].measure, scale_of(reviews[0].measure, "normal"))
    limits = np.array(list(at.values()))
    for name in ("mu", "tau", "theta_new") if asked.effects == "random" else ("mu",):
        ends = posterior.quantile(name, P).T
        own |= dict(zip([f"{name}_{end}" for end in ENDS], ends, strict=True))
        if name == "tau":
            continue
        for side in ("below", "above"):
            p = posterior.cdf(name, limits, above=side == "above").T
            own |= dict(zip([f"{name} {side}{end}" for end in at], p, strict=True))
    return own | reml(y, se)


def _alone(review: Review, sets: list[str], asked: Asked) -> list[Columns]:
    """Rows of one review by its surface, which all prior sets share."""
    rows: list[Columns] = []
    began = time.process_time()
    table: Surface | None = None
    for set_name in sets:
        row: Columns = _about(review) | {"priors": set_name}
        try:
            priors = asked.prior_set(set_name, review.measure)
            if table is None:
                table = surface(
                    review.trials,
                    review.measure,
                    review.likelihood,
                    asked.effects,
                    phi=priors.phi or DEFAULT_PHI,
                    double_zero=asked.double_zero,
                )
            own = _of(table, priors, asked.at(review.measure, table.scale))
            if len(review.estimate):
                own |= reml(review.estimate[None], review.se[None])
            found = _in_words(own, table.scale, asked)
            row |= {name: values[0] for name, values in found.items()}
        except BayespoolError as error:
            row["error"] = str(error)
        rows.append(row | {"seconds": time.process_time() - began})
        began = time.process_time()
    return rows


def _of(table: Surface, priors: Priors, at: dict[str, float]) -> dict[str, Array]:
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


def _in_words(own: dict[str, Array], scale: str, asked: Asked) -> Columns:
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
        columns["agrees"] = (own["mu_lower"] <= middle) & (middle <= own["mu_upper"])
    return columns


def _about(review: Review) -> Columns:
    counted = len(review.rows) if review.likelihood != "normal" else len(review.estimate)
    return {
        "review": review.name,
        "measure": review.measure,
        "likelihood": review.likelihood,
        "trials": len(review.rows),
        "used": counted,
        "participants": review.participants,
    }


def _padded(reviews: list[Review]) -> tuple[Array, Array]:
    """Estimates and standard errors, shape (reviews, trials), NaN where there is no trial."""
    most = max(len(review.estimate) for review in reviews)
    y = np.full((len(reviews), most), np.nan)
    se = y.copy()
    for i, review in enumerate(reviews):
        y[i, : len(review.estimate)] = review.estimate
        se[i, : len(review.se)] = review.se
    return y, se


def _moments(priors: Priors, sizes: NDArray[np.intp]) -> Array:
    of = {k: moments_of_mu(priors, float(k)) for k in np.unique(sizes).tolist()}
    return np.array([of[k] for k in sizes.tolist()])
