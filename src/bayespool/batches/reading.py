"""A library of reviews, some hundred at a time: a long table, or a folder with a file a review."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from bayespool.errors import DataError, UsageError
from bayespool.trials import read_trials
from bayespool.trials.cells import texts_of
from bayespool.trials.table import Faults, table_of_file

__all__ = ["FAULT", "chunks", "digest"]

FAULT = "why this review cannot be read"  # a column
LINES = 20_000  # of a long file, read at once
PARQUET = (".parquet", ".pq")

Source = str | Path | pd.DataFrame


def chunks(source: Source, by: str, size: int, measure: str | None = "") -> Iterator[pd.DataFrame]:
    """Tables of ``size`` whole reviews each, in the order in which they stand.

    Only one of them, and the names of all reviews, are in memory at a time. Cells of CSV files
    stay text, which `bayespool.trials.read_trials` reads as strictly as any file. The names of
    reviews are text: a whole number without a decimal point, any other as it is written.

    Raises
    ------
    DataError
        No such file, a file that cannot be read, no column ``by``, or a review whose trials do
        not stand together.
    UsageError
        ``measure`` is None, and a long table has no column measure.
    """
    path = "<DataFrame>" if isinstance(source, pd.DataFrame) else str(source)
    seen: set[str] = set()
    last: str | None = None
    waiting: list[pd.DataFrame] = []  # whole reviews, and the last, which may go on
    count = 0
    for piece in _pieces(source, by, measure):
        names = _names(piece, by, path)
        piece = piece.assign(**{by: names})
        begins = np.flatnonzero(np.append(True, names[1:] != names[:-1])[: len(names)])
        cut = 0
        for start in begins:
            name = str(names[start])
            if name == last:
                continue
            if name in seen:
                raise DataError(
                    f"{path}: the trials of review {name} do not stand together. Sort the table "
                    f"by {by}."
                )
            if count == size:
                yield _joined([*waiting, piece.iloc[cut:start]])
                waiting, count, cut = [], 0, int(start)
            seen.add(name)
            last = name
            count += 1
        waiting.append(piece.iloc[cut:])
    if not count:
        raise DataError(f"{path}: there is no review in it.")
    yield _joined(waiting)


def digest(source: Source) -> str:
    """SHA-256 of everything that will be read."""
    found = hashlib.sha256()
    if isinstance(source, pd.DataFrame):
        found.update(pd.util.hash_pandas_object(source, index=False).to_numpy().tobytes())
        found.update(repr(list(source.columns)).encode())
        return found.hexdigest()
    for path in _files(Path(source)):
        found.update(f"{path.name}\0{path.stat().st_size}\0".encode(errors="surrogateescape"))
        try:
            with path.open("rb") as stream:
                while block := stream.read(1 << 20):
                    found.update(block)
        except OSError as error:
            if not Path(source).is_dir():
                raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    return found.hexdigest()


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def _names(piece: pd.DataFrame, by: str, path: str) -> np.ndarray:
    """The review of each row, as text."""
    if by not in piece:
        have = ", ".join(str(name) for name in list(piece.columns)[:12])
        raise DataError(
            f"{path} has no column {by}, which names the review. It has {have}. Say which of them "
            "names it (by=, or --by on the command line)."
        )
    names = np.array(texts_of(piece[by]), dtype=object)
    empty = int((names == "").sum())
    if empty:
        rows = "1 row has" if empty == 1 else f"{empty} rows have"
        raise DataError(f"{path}: {rows} no {by}. Name the review.")
    return names


def _pieces(source: Source, by: str, measure: str | None) -> Iterable[pd.DataFrame]:
    if not isinstance(source, pd.DataFrame) and Path(source).is_dir():
        return _folder(Path(source), by)
    return _long(source, measure)


def _long(source: Source, measure: str | None) -> Iterator[pd.DataFrame]:
    """Pieces of one table, whose columns stand for all reviews."""
    if isinstance(source, pd.DataFrame):
        pieces, path = iter([source]), "<DataFrame>"
    else:
        (file,), path = _files(Path(source)), str(source)
        pieces = _parquet(file) if file.suffix.lower() in PARQUET else _csv(file)
    for piece in pieces:
        columns = [str(name).strip() for name in piece.columns]
        if twice := [name for name, times in Counter(columns).items() if times > 1]:
            raise DataError(f'{path}: column "{twice[0]}" stands twice. Keep one of them.')
        if measure is None and "measure" not in columns:
            raise UsageError(
                "no measure was given, and there is no column measure with one for each review."
            )
        yield piece.set_axis(columns, axis=1)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.suffix.lower() == ".csv")
        if not found:
            raise DataError(f"{path} holds no CSV file.")
        return found
    if not path.is_file():
        raise DataError(f"{path}: there is no such file or folder.")
    return [path]


def _csv(path: Path) -> Iterator[pd.DataFrame]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            _check_head(path, [row for _, row in zip(range(2), csv.reader(stream), strict=False)])
            stream.seek(0)
            with pd.read_csv(
                stream,
                dtype=object,
                keep_default_na=False,
                skipinitialspace=True,
                chunksize=LINES,
            ) as pieces:
                yield from pieces
    except (ValueError, OSError, csv.Error) as error:  # pandas' and Unicode's are ValueErrors
        raise DataError(f"{path} cannot be read as CSV in UTF-8: {_said(error)}") from error


def _check_head(path: Path, head: list[list[str]]) -> None:
    """What pandas would mend in silence: a name that stands twice, a first row too long."""
    header = [name.strip() for name in head[0]] if head else []
    if twice := [name for name, times in Counter(header).items() if times > 1]:
        raise DataError(f'{path}: column "{twice[0]}" stands twice. Keep one of them.')
    if len(head) == 2 and len(head[1]) > len(header):
        raise DataError(
            f"{path}, row 2: {len(head[1])} cells, but the header has {len(header)} columns. A "
            "cell that holds a comma needs quotation marks around it."
        )


def _folder(path: Path, by: str) -> Iterator[pd.DataFrame]:
    for file in _files(path):
        faults = Faults(str(file))
        try:
            table = table_of_file(faults.path, faults).frame
            if faults.found:  # all of them, in the words of a single review
                read_trials(file)
                raise faults.stop()
            yield table.astype(object).assign(**{by: file.stem})
        except DataError as error:  # the other reviews go on
            yield pd.DataFrame({by: [file.stem], FAULT: [str(error)]})


def _parquet(path: Path) -> Iterator[pd.DataFrame]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=LINES):
                yield batch.to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {_said(error)}") from error


def _said(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") + "."
