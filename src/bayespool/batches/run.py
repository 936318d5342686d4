"""A whole library: chunk by chunk, in flat memory, and going on where a run was stopped."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from bayespool.batches.chunk import answers
from bayespool.batches.question import Asked
from bayespool.batches.reading import chunks, digest
from bayespool.errors import UsageError
from bayespool.files import NewFile, alone, atomic_write, csv_text, json_text, sweep
from bayespool.parallel import stream

__all__ = ["Written", "batch", "batch_to_file"]

SIZE = 500  # reviews a chunk
PARTS = "part-*.parquet"

Source = str | Path | pd.DataFrame
Say = Callable[[int, int], None]


@dataclass(frozen=True)
class Written:
    """What a run wrote: the file, reviews in it, and how many of them have no answer."""

    path: Path
    reviews: int
    failed: int


def batch(
    data: Source,
    by: str = "review",
    measure: str | None = None,
    priors: str | Sequence[str] = "weak",
    benefit: str | None = None,
    thresholds: Sequence[float | str] = (),
    *,
    mu: str | None = None,
    tau: str | None = None,
    phi: str | None = None,
    important: float | None = None,
    likelihood: str | None = None,
    effects: str = "random",
    double_zero: str = "drop",
    engine: str = "exact",
    seed: int = 2026,
    workers: int | None = 1,
    scheduler: str | None = None,
    size: int = SIZE,
    progress: Say | None = None,
) -> pd.DataFrame:
    """Analyse every review of a library with the exact engine.

    Parameters
    ----------
    data : DataFrame, or path of a CSV or Parquet file or of a folder of CSV files
        Trials in one of the layouts of `read_trials`, the trials of a review together. In a folder
        each file is a review, called as the file.
    by : str
        Column that names the review.
    measure : str, optional
        OR, RR, RD, MD, SMD, ROM, HR or generic; by default each review's own, from the column
        ``measure``.
    priors : str or sequence of str
        Names of prior sets (see `bayespool.priors`).
    benefit : {"lower", "higher"}, optional
        Adds the columns ``prob_benefit``; ``prob_below`` are always there.
    thresholds : sequence of numbers, natural units
        Of further probabilities.
    mu, tau, phi : str, optional
        Priors in the place of each set's own.
    important, likelihood, effects, double_zero
        See `bayespool.priors` and `surface`.
    engine : {"exact", "both"}
        Both samples every review by NUTS too (see `refit`), which takes a second or more each, and
        adds the columns ``nuts_...``.
    seed : int
        Of NUTS. A review's draws depend on this and its name alone.
    workers : int or None
        Processes; None for all cores.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers do the work instead.
    size : int
        Reviews in a piece of work. They share the nodes of tau, so that the numbers depend on it
        by less than ``grid_error``.
    progress : callable, optional
        Called with how many reviews are done, and how many of them have no answer.

    Returns
    -------
    DataFrame
        A row a review and prior set, in the data's order; `bayespool.batches.COLUMNS` says what
        the columns hold. A review that cannot be analysed has the reason in ``error``.

    Raises
    ------
    DataError
        The data cannot be read at all, or a review's trials do not stand together.
    PriorError, UsageError
        Wrong for every review.
    """
    asked = _asked(
        by, measure, priors, benefit, thresholds, mu, tau, phi, important, likelihood, effects,
        double_zero, engine, seed,
    )  # fmt: skip
    jobs = ((i, piece, asked) for i, piece in enumerate(chunks(data, by, size, measure)))
    found: dict[int, pd.DataFrame] = {}
    counted = _Count(progress)
    for _, (i, table) in stream(_part, jobs, workers, scheduler):
        found[i] = table
        counted.add(table)
    return pd.concat([found[i] for i in sorted(found)], ignore_index=True)


def batch_to_file(
    data: str | Path,
    out: str | Path,
    asked: Asked,
    workers: int | None = None,
    scheduler: str | None = None,
    size: int = SIZE,
    afresh: bool = False,
    progress: Say | None = None,
) -> Written:
    """Analyse a library and write its results to a Parquet or CSV file, whole, at the end.

    What is done stands meanwhile in the folder ``<out>.parts``: a run that was stopped goes on
    from there, if data and settings are the same. No more than some chunks are in memory.

    Raises
    ------
    BayespoolError
        A file cannot be written, another run is at work on it, or the cluster was lost.
    DataError, PriorError
        See `batch`.
    UsageError
        See `batch`; or the parts are of other data or settings, and ``afresh`` is not set.
    """
    asked.check()
    target, folder = Path(out), Path(f"{out}.parts")
    if target.suffix.lower() not in (".parquet", ".pq", ".csv"):
        raise UsageError(f"results are written as .parquet or .csv, not as {target.name}.")
    counted = _Count(progress)
    settings = {
        "input": digest(data),
        "asked": asdict(asked),
        "size": size,
        "bayespool": version("bayespool"),
    }
    with alone(folder):
        try:
            _begin(folder, settings, afresh)
            done = {int(path.stem.removeprefix("part-")) for path in folder.glob(PARTS)}
            for i in sorted(done):
                counted.add(_read_part(folder, i, ["review", "error"]))
            pieces = enumerate(chunks(data, asked.by, size, asked.measure))
            jobs = ((i, piece, asked) for i, piece in pieces if i not in done)
            for _, (i, table) in stream(_part, jobs, workers, scheduler):
                stored = io.BytesIO()
                table.to_parquet(stored, index=False)
                atomic_write(_place(folder, i), stored.getvalue())
                done.add(i)
                counted.add(table)
            _gather(target, folder, sorted(done))
            shutil.rmtree(folder)
        finally:
            if not any(folder.glob(PARTS)):  # nothing to go on with
                shutil.rmtree(folder, ignore_errors=True)
    return Written(target, counted.reviews, counted.failed)


class _Count:
    """Reviews that are done, and those without an answer under some prior set."""

    def __init__(self, say: Say | None) -> None:
        self.reviews = self.failed = 0
        self._say = say or (lambda reviews, failed: None)

    def add(self, table: pd.DataFrame) -> None:
        self.reviews += int(table["review"].nunique())
        self.failed += int(table.loc[table["error"] != "", "review"].nunique())
        self._say(self.reviews, self.failed)


def _part(i: int, piece: pd.DataFrame, asked: Asked) -> tuple[int, pd.DataFrame]:
    return i, answers(piece, asked)


def _asked(
    by: str,
    measure: str | None,
    priors: str | Sequence[str],
    benefit: str | None,
    thresholds: Sequence[float | str],
    *others: Any,
) -> Asked:
    names = (priors,) if isinstance(priors, str) else tuple(priors)
    words = (
        "mu",
        "tau",
        "phi",
        "important",
        "likelihood",
        "effects",
        "double_zero",
        "engine",
        "seed",
    )
    given = [thresholds] if isinstance(thresholds, str | float | int) else thresholds
    texts = [t.strip() if isinstance(t, str) else str(t).removesuffix(".0") for t in given]
    asked = Asked(
        by, measure, names, benefit=benefit, thresholds=tuple(dict.fromkeys(texts)),
        **dict(zip(words, others, strict=True)),
    )  # fmt: skip
    asked.check()
    return asked


def _begin(folder: Path, settings: dict[str, Any], afresh: bool) -> None:
    """Start afresh, or go on with the parts of the same run."""
    kept = folder / "settings.json"
    sweep(folder)
    old = json.loads(kept.read_text("utf-8")) if kept.exists() else None
    new = json.loads(json_text(settings))
    if old == new and not afresh:
        return
    if old is not None and not afresh:
        differ = " and ".join(name for name in new if old.get(name) != new[name])
        raise UsageError(
            f"{folder} holds parts of a run whose {differ or 'settings'} differed. Go on with what "
            "it had, or start afresh (--afresh), which discards them."
        )
    for path in folder.glob(PARTS):
        path.unlink()
    atomic_write(kept, json_text(settings))


def _place(folder: Path, i: int) -> Path:
    return folder / f"part-{i:06d}.parquet"


def _read_part(folder: Path, i: int, columns: list[str] | None = None) -> pd.DataFrame:
    return pd.read_parquet(_place(folder, i), columns=columns)


def _gather(target: Path, folder: Path, parts: Iterable[int]) -> None:
    """Write all parts as one file, one after another."""
    import pyarrow.parquet as pq

    def parquet(file: BinaryIO) -> None:
        writer = None
        for i in parts:
            table = pq.read_table(_place(folder, i))
            writer = writer or pq.ParquetWriter(file, table.schema)
            writer.write_table(table.cast(writer.schema))
        if writer is not None:
            writer.close()

    def text(file: BinaryIO) -> None:
        for number, piece in enumerate(csv_pieces()):
            file.write((piece if number == 0 else piece.partition("\n")[2]).encode())

    def csv_pieces() -> Iterator[str]:
        return (csv_text(_read_part(folder, i)) for i in parts)

    new = NewFile(target, text if target.suffix.lower() == ".csv" else parquet)
    try:
        new.place()
    finally:
        new.discard()
