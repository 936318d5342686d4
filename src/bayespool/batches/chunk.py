"""Some hundred reviews: analysed together where that can be, else one by one."""

from __future__ import annotations

import time

import pandas as pd
from threadpoolctl import threadpool_limits

from bayespool.batches.checked import add_nuts
from bayespool.batches.classical import reml
from bayespool.batches.columns import Columns, about, in_words, numbers_of_one, table_of
from bayespool.batches.question import Asked
from bayespool.batches.reviews import Review, reviews_of
from bayespool.batches.together import Shared, suits, together
from bayespool.errors import BayespoolError
from bayespool.exact import Surface, surface
from bayespool.prior import DEFAULT_PHI

__all__ = ["answers"]


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
        order = list(dict.fromkeys(frame[asked.by].to_numpy(dtype=object)))
        reviews, failed = reviews_of(frame, asked)
        reading = (time.process_time() - began) / (len(order) * len(asked.priors))
        parts: list[Columns] = []
        rows: list[Columns] = [
            {"review": name, "priors": set_name, "measure": asked.measure, "error": error}
            for set_name in asked.priors
            for name, error in failed.items()
        ]
        left: dict[str, list[str]] = {}  # reviews to be taken alone, and under which prior sets
        shared = Shared()
        for set_name in asked.priors:
            asking: list[Review] = []
            todo = []
            for review in reviews.values():
                try:
                    if suits(review, set_name, asked):
                        asking.append(review)
                except BayespoolError as error:
                    rows.append(about(review) | {"priors": set_name, "error": str(error)})
                    continue
                todo.append(review.name)
            done: set[str] = set()
            for part in together(asking, set_name, asked, shared):
                parts.append(part | {"priors": [set_name] * len(part["review"])})
                done.update(part["review"])
            for name in todo:
                if name not in done:
                    left.setdefault(name, []).append(set_name)
        for name, sets in left.items():
            rows += _alone(reviews[name], sets, asked)
    names = list(asked.columns)
    parts.append({name: [row.get(name) for row in rows] for name in names})
    place = {(n, s): i for i, (n, s) in enumerate((n, s) for n in order for s in asked.priors)}
    table = table_of(parts, names, place)
    table["effects"] = table["effects"].fillna(asked.effects)
    table["error"] = table["error"].fillna("")
    table["seconds"] = table["seconds"].fillna(0.0) + reading
    if asked.engine == "both":
        table = table_of([add_nuts(table, reviews, asked)], names, place)
    return table


def _alone(review: Review, sets: list[str], asked: Asked) -> list[Columns]:
    """Rows of one review by its surface, which all prior sets share."""
    rows: list[Columns] = []
    began = time.process_time()
    table: Surface | None = None
    for set_name in sets:
        row: Columns = about(review) | {"priors": set_name}
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
            own = numbers_of_one(table, priors, asked.at(review.measure, table.scale))
            if len(review.estimate):
                own |= reml(review.estimate[None], review.se[None])
            found = in_words(own, table.scale, asked)
            row |= {name: values[0] for name, values in found.items()}
        except BayespoolError as error:
            row["error"] = str(error)
        rows.append(row | {"seconds": time.process_time() - began})
        began = time.process_time()
    return rows
