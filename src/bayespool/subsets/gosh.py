"""Every subset of the trials: a graphical display of study heterogeneity, made Bayesian.

Olkin, Dahabreh & Trikalinos (2012), Res Synth Methods 3:214, pool all subsets by a point
estimate. Here each has its posterior. The joint density of a subset is a product of one factor
from each half of the trials, so all subsets are a matrix product between the subsets of one
half and those of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bayespool.axes import Array
from bayespool.decisions import question_of
from bayespool.exact import Surface
from bayespool.exact.grid import moments_of_mu, moments_of_tau
from bayespool.exact.sums import Batch
from bayespool.measures import to_natural
from bayespool.parallel import each
from bayespool.prior import Priors
from bayespool.subsets.answers import CHUNK, answerable

__all__ = ["by_size", "gosh", "members", "presence"]

FLOOR = 1e-200  # evidence below this, against the best of each half, is summed in logs instead
NODES = 2048  # of the grid at a time
ROWS = 1024  # sampled subsets at a time
BATCHES = 8  # times as many of them in a job
BITS = 62  # of NumPy's whole numbers; a subset of more trials is one of Python's


def gosh(
    surface: Surface,
    priors: Priors,
    benefit: str | None = None,
    threshold: float | str | None = None,
    most: int = 20,
    seed: int = 2026,
    sample: int = 2**16,
    workers: int | None = 1,
    scheduler: str | None = None,
) -> pd.DataFrame:
    """Give the posterior of every subset of the trials that is not empty.

    Parameters
    ----------
    surface : Surface
    priors : Priors
    benefit : {"lower", "higher"}, optional
        Which side is better.
    threshold : float, optional
        Natural units; no effect by default.
    most : int
        Up to so many trials all 2^k - 1 subsets are taken; beyond, `sample` of them at random
        without replacement, each subset as likely as any other.
    seed : int
    sample : int
    workers : int or None
        Processes for subsets taken at random; None for all cores.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers do them instead. The same numbers in any case.

    Returns
    -------
    DataFrame
        ``subset`` (its number: bit i is trial i of ``surface.kept``; `members` reads it),
        ``size``, ``natural_mean`` (posterior mean of mu, back-transformed), ``prob_benefit``
        (``prob_below`` without `benefit`) and ``tau_mean`` (analysis scale; absent for a common
        effect). NaN where the posterior is improper or the mean does not exist.
        ``attrs`` has ``trials`` (names), ``of`` (how many subsets there are) and ``seed`` (None
        where all of them are here).

    Raises
    ------
    UsageError
        Another word for `benefit`, or an impossible threshold.
    PriorError
        See ``Surface.posterior``.
    """
    k = len(surface.kept)
    question = question_of(surface, benefit, threshold)
    whole = k <= most or 2**k - 1 <= sample
    numbers = np.arange(1, 2**k) if whole else _sampled(k, sample, seed)
    with threadpool_limits(limits=1):
        grid = _grid(surface, priors)
        asked = _questions(grid, question.at)
        if whole:
            found = _all(surface, priors, grid, asked)
        else:
            found = _some(surface, priors, grid, asked, numbers, workers, scheduler)
        evidence, answer = found[0], found[1:] / np.where(found[0] > 0, found[0], 1.0)
        answer[:, _improper(surface, priors, numbers)] = np.nan
        lost = np.flatnonzero((evidence < FLOOR) & ~np.isnan(answer[0]))
        for some in (lost[i : i + CHUNK] for i in range(0, len(lost), CHUNK)):
            batch = surface.batch(priors, _bits(numbers[some], k).astype(float))
            answer[:, some] = batch.ask(_questions(batch, question.at)).T
    table = pd.DataFrame({"subset": numbers, "size": _bits(numbers, k).sum(axis=1)})
    table["natural_mean"] = to_natural(answer[1], surface.scale)
    table[question.word] = question.better(np.clip(answer[0], 0, 1))
    if len(answer) > 2:
        table["tau_mean"] = answer[2]
        _without_moments(table, surface, priors)
    table.attrs = {"trials": list(surface.kept), "of": 2**k - 1, "seed": None if whole else seed}
    return table


def members(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Say which trials each subset of `gosh` holds: a column of truth values a trial."""
    bits = _bits(table["subset"].to_numpy(), len(names))
    return pd.DataFrame(bits, columns=list(names), index=table.index)


def presence(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Say how the mean of P(benefit) over the subsets turns on each trial's presence.

    Returns
    -------
    DataFrame
        ``trial``, ``with`` and ``without`` (mean P(benefit) over the subsets that do and do not
        hold it), ``difference``; the most telling trial first.
    """
    p = _chance(table)
    held = members(table, names)
    rows = [(name, p[held[name]].mean(), p[~held[name]].mean()) for name in names]
    found = pd.DataFrame(rows, columns=["trial", "with", "without"])
    found["difference"] = found["with"] - found["without"]
    order = found["difference"].abs().sort_values(ascending=False, kind="stable").index
    return found.loc[order].reset_index(drop=True)


def by_size(table: pd.DataFrame) -> pd.DataFrame:
    """P(benefit) by the number of trials: ``size, subsets, lowest, lower, median, upper, highest``.

    ``lower`` to ``upper`` hold the middle half of the subsets of that size.
    """
    groups = _chance(table).groupby(table["size"])
    found = groups.quantile(np.array([0, 0.25, 0.5, 0.75, 1])).unstack()
    found.columns = pd.Index(["lowest", "lower", "median", "upper", "highest"])
    found.insert(0, "subsets", groups.size())
    return found.reset_index()


# --- within ----------------------------------------------------------------------------------


def _grid(surface: Surface, priors: Priors) -> Batch:
    """A grid that resolves the narrowest and the widest subsets: all trials, each, all but one."""
    k = len(surface.kept)
    weights = np.vstack([np.ones(k), np.eye(k), 1 - np.eye(k)])
    return surface.batch(priors, weights[answerable(surface, priors, weights)])


def _questions(batch: Batch, at: float) -> Array:
    """P(mu < at), the mean of mu and, where it varies, that of tau: (questions, mu, 1 + tau)."""
    sums = batch.sums
    shape = (1, len(sums.mu), len(sums.tau))
    asked = [sums.below(np.array([at])), np.broadcast_to(sums.mu[:, None], shape)]
    if sums.grid.tau is not None:
        asked.append(np.broadcast_to(sums.tau, shape))
    return np.concatenate(asked)


def _improper(surface: Surface, priors: Priors, numbers: NDArray[Any]) -> NDArray[np.bool_]:
    """Subsets whose posterior does not integrate."""
    k = len(surface.kept)
    if priors.mu.proper and (priors.tau.proper or surface.effects == "common"):
        return np.zeros(len(numbers), dtype=bool)
    return ~answerable(surface, priors, _bits(numbers, k).astype(float))


def _flat(surface: Surface, priors: Priors, grid: Batch) -> tuple[Array, Array]:
    """Log likelihoods (k, nodes) and log prior mass (nodes,), the grid in one line."""
    mu, tau = grid.sums.log_prior(priors)
    log_l = grid.sums.grid.log_l * surface.weights[:, None, None]
    log_prior = (mu[:, None] + tau).ravel()
    return log_l.reshape(len(log_l), -1), log_prior - log_prior.max()


def _all(surface: Surface, priors: Priors, grid: Batch, questions: Array) -> Array:
    """Scaled evidence and answers of all subsets, shape (1 + questions, 2^k - 1)."""
    log_l, log_prior = _flat(surface, priors, grid)
    half = len(log_l) // 2
    low, high = log_l[:half], log_l[half:]
    tops = [_sums_of(part).max(axis=1) for part in (low, high)]
    asked = np.vstack([np.ones((1, len(log_prior))), questions.reshape(len(questions), -1)])
    found = np.zeros((len(asked), 2 ** len(high), 2 ** len(low)))
    for start in range(0, len(log_prior), NODES):
        nodes = slice(start, start + NODES)
        prior = np.exp(log_prior[nodes])
        first, second = (
            np.exp(_sums_of(part[:, nodes]) - top[:, None])
            for part, top in zip((low, high), tops, strict=True)
        )
        for i, question in enumerate(asked):
            found[i] += (second * (prior * question[nodes])) @ first.T
    return found.reshape(len(asked), -1)[:, 1:]


def _some(
    surface: Surface,
    priors: Priors,
    grid: Batch,
    questions: Array,
    numbers: NDArray[Any],
    workers: int | None,
    scheduler: str | None,
) -> Array:
    """As `_all`, for these subsets, each against its own best node."""
    log_l, log_prior = _flat(surface, priors, grid)
    asked = np.vstack([np.ones((1, len(log_prior))), questions.reshape(len(questions), -1)])
    starts = range(0, len(numbers), ROWS * BATCHES)
    jobs = [(log_l, log_prior, asked, numbers[i : i + ROWS * BATCHES]) for i in starts]
    return np.concatenate(each(_answered, jobs, workers, scheduler=scheduler), axis=1)


def _answered(log_l: Array, log_prior: Array, asked: Array, numbers: NDArray[Any]) -> Array:
    """A job: the answers of some subsets, shape (questions, subsets)."""
    found = np.empty((len(asked), len(numbers)))
    for start in range(0, len(numbers), ROWS):
        some = slice(start, start + ROWS)
        p = _bits(numbers[some], len(log_l)).astype(float) @ log_l + log_prior
        p -= p.max(axis=1, keepdims=True)
        np.exp(p, out=p)
        found[:, some] = asked @ p.T
    return found


def _sums_of(rows: Array) -> Array:
    """Sums over every subset of the rows, by its number: shape (2^rows, nodes)."""
    found = np.zeros((1, rows.shape[1]))
    for row in rows:
        found = np.concatenate([found, found + row])
    return found


def _sampled(k: int, size: int, seed: int) -> NDArray[Any]:
    """So many different subsets, none empty, in rising order."""
    rng = np.random.default_rng(seed)
    found = np.empty(0, dtype=np.int64 if k <= BITS else object)
    while len(found) < size:
        left = size - len(found)
        if k <= BITS:
            more = rng.integers(1, 2**k, size=left)
        else:  # one of 2^63 or more is empty as good as never
            drawn = (int.from_bytes(rng.bytes(-(-k // 8))) & (2**k - 1) for _ in range(left))
            more = np.fromiter(filter(None, drawn), dtype=object)
        found = np.unique(np.concatenate([found, more]))
    return found


def _bits(numbers: NDArray[Any], k: int) -> NDArray[np.bool_]:
    """Which trials each subset holds, shape (subsets, k)."""
    if numbers.dtype != object:
        return (numbers[:, None] >> np.arange(k)) & 1 == 1
    size = -(-k // 8)
    packed = b"".join(number.to_bytes(size, "little") for number in numbers)
    rows = np.frombuffer(packed, np.uint8).reshape(-1, size)
    return np.unpackbits(rows, axis=1, count=k, bitorder="little").astype(bool)


def _chance(table: pd.DataFrame) -> pd.Series[float]:
    return table["prob_benefit" if "prob_benefit" in table else "prob_below"]


def _without_moments(table: pd.DataFrame, surface: Surface, priors: Priors) -> None:
    """Take out the means that do not exist: with few trials a heavy tail of the prior has none."""
    bits = _bits(table["subset"].to_numpy(), len(surface.kept))
    mass = bits @ (surface.weights * surface.informing)
    for k in np.unique(mass):
        if moments_of_mu(priors, float(k)) < 1:
            table.loc[mass == k, "natural_mean"] = np.nan
        if moments_of_tau(priors, float(k)) < 1:
            table.loc[mass == k, "tau_mean"] = np.nan
