"""Reviews analysed together: in closed form, or on nodes that they share."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bayespool.axes import Array
from bayespool.batches.classical import reml
from bayespool.batches.columns import Columns, columns_of, numbers
from bayespool.batches.counts import likelihoods
from bayespool.batches.jointly import Library, joint, plans
from bayespool.batches.normal import blocks, covers, many
from bayespool.batches.question import Asked
from bayespool.batches.reviews import Review
from bayespool.exact.closed import TOLERANCE
from bayespool.exact.grid import moments_of_mu
from bayespool.exact.surface import rough_effects
from bayespool.measures import informative, scale_of
from bayespool.prior import DEFAULT_PHI, Prior, Priors, check_proper, parse_prior

__all__ = ["Shared", "suits", "together"]

ARMS = ["events_treatment", "n_treatment", "events_control", "n_control"]
# With fewer patients free of the event in an arm (for RD: fewer with it, too) the likelihood bends
# at no effect, and wants nodes of its own there.
BENT = 6
FINENESS = (1.0, 1.6)  # of the nodes that reviews share: the second for those that the first fails


class Shared:
    """Likelihoods of the trials of a chunk, which all prior sets share."""

    def __init__(self) -> None:
        self._libraries: dict[tuple[str, str], tuple[Library, dict[str, int]]] = {}

    def library(
        self, reviews: Sequence[Review], measure: str, phi: Prior
    ) -> tuple[Library, NDArray[np.intp]]:
        """The trials of these reviews of a measure among others', and which are whose."""
        key = (measure, phi.text)
        if key not in self._libraries or any(
            r.name not in self._libraries[key][1] for r in reviews
        ):
            arms = [_arms(review) for review in reviews]
            every, sizes = np.concatenate(arms), np.array([len(one) for one in arms])
            trials = likelihoods(measure, every, *rough_effects(measure, every), phi)
            library = Library(trials, np.cumsum(sizes) - sizes, sizes, informative(measure, every))
            self._libraries[key] = library, {review.name: i for i, review in enumerate(reviews)}
        library, place = self._libraries[key]
        return library, np.array([place[review.name] for review in reviews], dtype=np.intp)


def suits(review: Review, set_name: str, asked: Asked) -> bool:
    """Whether a review can be analysed with others; raises what is wrong with the priors."""
    if review.likelihood == "normal":
        return _has_closed_form(asked, set_name, review.measure, len(review.estimate))
    priors = asked.prior_set(set_name, review.measure)
    if review.likelihood != "binomial" or asked.effects not in ("random", "common"):
        return False
    tau = asked.effects == "common" or (priors.tau.proper and np.isinf(priors.tau.support[1]))
    if not tau or not priors.mu.proper or np.isfinite(priors.mu.support).any():
        return False
    arms = _arms(review)
    if not informative(review.measure, arms).any():
        return False
    events, rest = arms[:, [0, 2]], arms[:, [1, 3]] - arms[:, [0, 2]]
    fewest = {"OR": BENT, "RR": rest.min(), "RD": min(events.min(), rest.min())}[review.measure]
    asked.at(review.measure, scale_of(review.measure, "binomial"))
    return bool(fewest >= BENT)


@lru_cache(maxsize=4096)
def _has_closed_form(asked: Asked, set_name: str, measure: str, k: int) -> bool:
    """Whether normal reviews of ``k`` trials have one, all of them."""
    priors = asked.prior_set(set_name, measure)
    if not covers(priors, asked.effects):
        return False
    check_proper(priors, k, random=asked.effects != "common")
    asked.at(measure, scale_of(measure, "normal"))
    return True


def together(
    reviews: Sequence[Review], set_name: str, asked: Asked, shared: Shared
) -> Iterator[Columns]:
    """Answers of many reviews under one prior set; those that no shared nodes suit are left out."""
    kinds = dict.fromkeys((review.measure, review.likelihood) for review in reviews)
    for measure, likelihood in kinds:
        some = [r for r in reviews if (r.measure, r.likelihood) == (measure, likelihood)]
        priors = asked.prior_set(set_name, measure)
        if likelihood == "normal":
            yield from _normal(some, measure, priors, asked)
        else:
            yield from _binomial(some, measure, priors, asked, shared)


def _normal(reviews: list[Review], measure: str, priors: Priors, asked: Asked) -> Iterator[Columns]:
    """The normal model in closed form."""
    sizes = np.array([len(review.estimate) for review in reviews])
    scale = scale_of(measure, "normal")
    for block in blocks(sizes):
        began = time.process_time()
        taken = [reviews[i] for i in block]
        y, se = _padded(taken)
        found = many(y, se, priors, asked.effects)
        own = numbers(found, _quantities(asked), asked.at(measure, scale))
        own |= _moments(found.mean_of("mu"), found.sd_of("mu"), sizes[block], priors, asked)
        own |= {
            "log_marginal_likelihood": found.log_marginal_likelihood,
            "grid_error": found.grid_error,
        }
        own |= reml(y, se)
        settled = found.grid_error <= TOLERANCE
        yield columns_of(taken, own, scale, asked, time.process_time() - began, settled)


def _binomial(
    reviews: list[Review], measure: str, priors: Priors, asked: Asked, shared: Shared
) -> Iterator[Columns]:
    """The binomial model on shared nodes."""
    began = time.process_time()
    library, rows = shared.library(reviews, measure, priors.phi or parse_prior(DEFAULT_PHI, "phi"))
    name = {int(row): review for row, review in zip(rows, reviews, strict=True)}
    scale = scale_of(measure, "binomial")
    before = (time.process_time() - began) / len(reviews)
    for fineness in FINENESS:
        good: set[int] = set()
        for plan in plans(library, rows, priors, asked.effects, fineness):
            began = time.process_time()
            found = joint(library, plan, priors)
            own = numbers(found, _quantities(asked), asked.at(measure, scale))
            own |= _moments(*found.moments(), library.informing_of(plan.reviews), priors, asked)
            own |= {
                "log_marginal_likelihood": found.log_marginal_likelihood,
                "grid_error": found.grid_error,
            }
            taken = [name[int(row)] for row in plan.reviews]
            own |= _reml_of_some(taken)
            seconds = time.process_time() - began + plan.seconds + before * len(taken)
            settled = found.grid_error <= TOLERANCE
            good |= set(plan.reviews[settled].tolist())
            yield columns_of(taken, own, scale, asked, seconds, settled)
        rows = np.array([row for row in rows.tolist() if row not in good], dtype=np.intp)
        if not len(rows):
            return


def _quantities(asked: Asked) -> tuple[str, ...]:
    return ("mu", "tau", "theta_new") if asked.effects == "random" else ("mu",)


def _moments(
    mean: Array, sd: Array, sizes: NDArray[np.intp], priors: Priors, asked: Asked
) -> dict[str, Array]:
    """Mean and SD of mu where they exist, by the number of trials that inform it."""
    of = dict.fromkeys(sizes.tolist(), 2)
    if asked.effects == "random":
        of = {k: moments_of_mu(priors, float(k)) for k in of}
    there = np.array([of[k] for k in sizes.tolist()])
    return {
        "mu_mean": np.where(there >= 1, mean, np.nan),
        "mu_sd": np.where(there >= 2, sd, np.nan),
    }


def _reml_of_some(reviews: list[Review]) -> dict[str, Array]:
    """REML, empty where no trial has an estimate."""
    has = np.array([len(review.estimate) > 0 for review in reviews])
    if not has.any():
        return {}
    found = reml(*_padded([r for r, there in zip(reviews, has, strict=True) if there]))
    whole = {name: np.full(len(reviews), np.nan) for name in found}
    for name, values in found.items():
        whole[name][has] = values
    return whole


def _arms(review: Review) -> Array:
    return review.table.frame[ARMS].to_numpy(dtype=float)[review.rows]


def _padded(reviews: list[Review]) -> tuple[Array, Array]:
    """Estimates and standard errors, shape (reviews, trials), NaN where there is no trial."""
    most = max(len(review.estimate) for review in reviews)
    y = np.full((len(reviews), most), np.nan)
    se = y.copy()
    for i, review in enumerate(reviews):
        y[i, : len(review.estimate)] = review.estimate
        se[i, : len(review.se)] = review.se
    return y, se
