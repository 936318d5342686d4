"""From a table of whole reviews to each review's trials and effect sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayespool.axes import Array
from bayespool.batches.question import Asked
from bayespool.batches.reading import FAULT
from bayespool.errors import BayespoolError, UsageError
from bayespool.exact import surface
from bayespool.measures import default_likelihood, effect_sizes, measure
from bayespool.trials import LAYOUTS, Trials, read_trials
from bayespool.trials.cells import MISSING, numbers_of, texts_of
from bayespool.trials.checks import RESERVED
from bayespool.trials.columns import read_header

__all__ = ["Review", "reviews_of"]

NUMBERS = tuple(dict.fromkeys(name for layout in LAYOUTS.values() for name in layout))


@dataclass(frozen=True)
class Review:
    """One review on its way: where its trials are, and what of them is used."""

    name: str
    table: Trials  # of all reviews that were read with it
    rows: NDArray[np.intp]
    participants: int | None
    measure: str
    likelihood: str
    estimate: Array  # of the trials that inform the normal likelihood, analysis scale
    se: Array

    @property
    def trials(self) -> Trials:
        """As if it had been read by itself."""
        own = self.table.take(self.rows)
        return replace(own, path=self.name, rows=tuple(range(2, len(own) + 2)))


def reviews_of(frame: pd.DataFrame, asked: Asked) -> tuple[dict[str, Review], dict[str, str]]:
    """Reviews that can be analysed, by name, and why the others cannot."""
    names = frame[asked.by].to_numpy(dtype=object)
    failed: dict[str, str] = {}
    if FAULT in frame:
        at_fault = frame[FAULT].notna().to_numpy()
        failed = dict(zip(names[at_fault], frame.loc[at_fault, FAULT], strict=True))
        frame = frame.drop(columns=FAULT)
    measures = _measures(frame, names, asked, failed)
    own = frame.drop(columns=[asked.by, *(["measure"] if asked.measure is None else [])])
    reviews: dict[str, Review] = {}
    codes, order = pd.factorize(names)
    for its in dict.fromkeys(measures.values()):
        mine = np.array([i for i, name in enumerate(order) if measures.get(name) == its])
        _read(own, codes, order, mine, its, asked, reviews, failed)
    return reviews, failed


def _measures(
    frame: pd.DataFrame, names: np.ndarray, asked: Asked, failed: dict[str, str]
) -> dict[str, str]:
    """The measure of each review that has one."""
    if asked.measure is not None:
        return dict.fromkeys((n for n in dict.fromkeys(names) if n not in failed), asked.measure)
    given = texts_of(frame["measure"]) if "measure" in frame else [""] * len(names)
    found: dict[str, str] = {}
    for name, its in dict.fromkeys(zip(names, given, strict=True)):
        if name in failed:
            continue
        if not its:
            failed[name] = f"{name} has no measure. Write one into the column measure."
        elif name in found:
            failed[name] = f"{name} has two measures, {found[name]} and {its}. Keep one."
        else:
            try:
                found[name] = measure(its).name
            except UsageError as error:
                failed[name] = str(error)
    return {name: its for name, its in found.items() if name not in failed}


def _read(
    frame: pd.DataFrame,
    codes: NDArray[np.intp],
    order: np.ndarray,
    mine: NDArray[np.intp],
    its: str,
    asked: Asked,
    reviews: dict[str, Review],
    failed: dict[str, str],
) -> None:
    """Read reviews together, which is fast; where that fails, each half of them."""
    rows = np.flatnonzero(np.isin(codes, mine))
    name = str(order[mine[0]])
    try:
        if len(mine) > 1:
            reviews |= _together(frame.iloc[rows], codes[rows], order, its, asked)
        else:
            reviews[name] = _alone(frame.iloc[rows], name, its, asked)
    except BayespoolError as error:
        if len(mine) == 1:
            failed[name] = str(error).replace("<DataFrame>", name)
            return
        middle = len(mine) // 2
        for half in (mine[:middle], mine[middle:]):
            _read(frame, codes, order, half, its, asked, reviews, failed)


def _together(
    frame: pd.DataFrame, codes: NDArray[np.intp], order: np.ndarray, its: str, asked: Asked
) -> dict[str, Review]:
    """Read reviews of one measure as if they were one; an error is of any of them."""
    table = frame.reset_index(drop=True)
    names = texts_of(table["trial"]) if "trial" in table else []
    if {*RESERVED}.intersection(names) or MISSING.intersection(map(str.casefold, names)):
        raise UsageError("a trial's name cannot be used.")
    plain: dict[str, Array] = {}
    for column in NUMBERS:  # numbers are read faster than their text, again
        if column in table and not (numbers := numbers_of(table[column])).wrong:
            plain[column] = numbers.floats
    # Names of trials have to differ within a review alone.
    of = codes.tolist()  # Python's integers are written faster than NumPy's
    unique = [f"{code}:{name}" for code, name in zip(of, names, strict=True)] if names else []
    trials = read_trials(
        table.assign(**plain, **({"trial": unique} if names else {})), hashed=False
    )
    bare = trials.frame.assign(trial=pd.Series(names, dtype="str"))
    return _split(replace(trials, frame=bare), codes, order, its, asked)


def _alone(frame: pd.DataFrame, name: str, its: str, asked: Asked) -> Review:
    """Read one review; where that fails, without its empty columns, which may be others'."""
    table = frame.reset_index(drop=True)
    one, order = np.zeros(len(table), dtype=np.intp), np.array([name], dtype=object)
    try:
        return _split(read_trials(table), one, order, its, asked)[name]
    except BayespoolError as first:
        empty = [column for column in table if not any(texts_of(table[column]))]
        if not empty:
            raise
        own = table.drop(columns=empty)
        try:
            return _split(read_trials(own), one, order, its, asked)[name]
        except BayespoolError as second:
            # Of a table of several layouts only the rest tells what is the matter.
            mixed = read_header([str(column) for column in table]).layout is None
            raise (second if mixed else first) from None


def _split(
    trials: Trials, codes: NDArray[np.intp], order: np.ndarray, its: str, asked: Asked
) -> dict[str, Review]:
    likelihood = asked.likelihood or default_likelihood(trials, its)
    effects = effect_sizes(trials, its, asked.double_zero)
    used = effects["used"].to_numpy()
    estimate, se = effects["estimate"].to_numpy(), effects["se"].to_numpy()
    by_review = np.argsort(codes, kind="stable")
    present, starts = np.unique(codes[by_review], return_index=True)
    found = {}
    people = _people(trials, codes, present)
    for code, rows, count in zip(present, np.split(by_review, starts[1:]), people, strict=True):
        seen = rows[used[rows]]
        name = str(order[code])
        if not len(seen) and likelihood == "normal":
            # The engine's own words for it.
            surface(trials.take(rows), its, likelihood, double_zero=asked.double_zero)
        found[name] = Review(name, trials, rows, count, its, likelihood, estimate[seen], se[seen])
    return found


def _people(trials: Trials, codes: NDArray[np.intp], present: NDArray[np.intp]) -> list[int | None]:
    """People of each review, as `Trials.participants` counts them."""
    if trials.layout == "generic":
        if "participants" not in trials.frame:
            return [None] * len(present)
        return [trials.take(np.flatnonzero(codes == code)).participants for code in present]
    each = trials.frame["n_treatment"].to_numpy() + trials.frame["n_control"].to_numpy()
    return [int(n) for n in np.bincount(codes, weights=each)[present]]
