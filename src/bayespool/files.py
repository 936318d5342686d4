"""The only room that writes to disk: whole files or none, and CSV no spreadsheet can execute."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from bayespool.errors import BayespoolError

__all__ = [
    "atomic_write",
    "csv_text",
    "json_text",
    "sha256_of",
    "sweep",
    "without_keys",
    "write_csv",
    "write_if_changed",
    "write_json",
]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
QUOTED = re.compile('[,"\r\n]')
LEFTOVER = re.compile(r"\..+\.(\d+)\.tmp")


def sha256_of(content: bytes | str) -> str:
    """Hexadecimal SHA-256 of bytes, or of text as UTF-8."""
    return hashlib.sha256(_as_bytes(content)).hexdigest()


def atomic_write(path: str | os.PathLike[str], content: bytes | str) -> Path:
    """Write a file so that a kill or a full disk leaves the old content or the new, never half.

    Missing folders are made. The temporary file ``.<name>.<pid>.tmp`` stands beside its target,
    because a rename is atomic within one file system only.

    Raises
    ------
    BayespoolError
        The file cannot be written: which one, why, and what to do.
    """
    target = Path(path)
    # Through a symbolic link the file behind it is replaced, and the link stays.
    real = Path(os.path.realpath(target))
    partial = real.with_name(f".{real.name}.{os.getpid()}.tmp")
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        sweep(real.parent)
        try:
            with partial.open("wb") as stream:
                stream.write(_as_bytes(content))
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(real)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BayespoolError(_cannot_write(target, error)) from error
    return target


def write_if_changed(
    path: str | os.PathLike[str],
    content: bytes | str,
    ignoring: Callable[[str], object] | None = None,
) -> bool:
    """Write unless the file already says the same; return whether it was written.

    Parameters
    ----------
    ignoring : callable, optional
        Maps text content to what must differ for the file to be written again, such as
        ``without_keys("date", "wall_seconds")``. Old content on which it raises ``ValueError``
        is replaced.
    """
    new = _as_bytes(content)
    try:
        old: bytes | None = Path(path).read_bytes()
    except OSError:
        old = None
    if old == new:
        return False
    if old is not None and ignoring is not None:
        try:
            same = ignoring(old.decode()) == ignoring(new.decode())
        except ValueError:
            same = False
        if same:
            return False
    atomic_write(path, new)
    return True


def without_keys(*names: str) -> Callable[[str], str]:
    """Make a function of JSON text that leaves out these keys at any depth."""

    def strip(value: object) -> object:
        if isinstance(value, dict):
            return {key: strip(item) for key, item in value.items() if key not in names}
        if isinstance(value, list):
            return [strip(item) for item in value]
        return value

    # Order of keys is part of the file, so compare the text of what is left.
    return lambda text: json.dumps(strip(json.loads(text)))


def sweep(folder: str | os.PathLike[str]) -> list[Path]:
    """Remove temporary files of processes that are no longer alive; return what was removed."""
    removed: list[Path] = []
    try:
        entries = sorted(Path(folder).iterdir())
    except OSError:
        return removed
    for entry in entries:
        match = LEFTOVER.fullmatch(entry.name)
        if match is None or _alive(int(match[1])):
            continue
        try:
            entry.unlink()
        except OSError:
            continue
        removed.append(entry)
    return removed


def csv_text(frame: pd.DataFrame) -> str:
    """Turn a table into CSV: LF, numbers at full precision, missing as empty, no index.

    Text cells (and column names) that a spreadsheet would read as a formula, because they start
    with ``= + - @``, a tab or a line end, get an apostrophe in front. Numbers do not.
    """
    # Not csv.writer: in Python 3.12 it leaves a carriage return in a cell unquoted.
    lines = [_csv_line([_text_cell(str(name)) for name in frame.columns])]
    columns = [frame.iloc[:, j].astype(object).tolist() for j in range(frame.shape[1])]
    lines += [_csv_line([_cell(value) for value in row]) for row in zip(*columns, strict=True)]
    return "\n".join([*lines, ""])


def write_csv(path: str | os.PathLike[str], frame: pd.DataFrame) -> bool:
    """Write ``csv_text(frame)`` if it differs from the file; return whether it did."""
    return write_if_changed(path, csv_text(frame))


def json_text(value: object) -> str:
    """Turn a value into JSON, in the order given; NaN and infinities become ``null``.

    NumPy scalars and arrays are accepted; any other object is a ``TypeError``, a fault of ours.
    """
    return json.dumps(_jsonable(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: str | os.PathLike[str], value: object, ignoring: Iterable[str] = ()) -> bool:
    """Write ``json_text(value)`` if more than the keys `ignoring` differs from the file."""
    keys = tuple(ignoring)
    return write_if_changed(path, json_text(value), without_keys(*keys) if keys else None)


def _as_bytes(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _cannot_write(target: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    if isinstance(error, FileExistsError):
        reason = f"{error.filename} is no folder"
    return (
        f"{target} cannot be written: {reason}. "
        "Free some space or choose a folder you may write to, then run again."
    )


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # another user's
    return True


def _cell(value: object) -> str:
    if isinstance(value, str):
        return _text_cell(value)
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        try:
            return str(int(value))
        except ValueError:
            # Python refuses decimals beyond 4,300 digits.
            return hex(int(value))
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else repr(float(value))
    return _text_cell(str(value))


def _csv_line(cells: list[str]) -> str:
    if cells == [""]:
        return '""'  # an empty line would be no row
    return ",".join(
        '"' + cell.replace('"', '""') + '"' if QUOTED.search(cell) else cell for cell in cells
    )


def _text_cell(text: str) -> str:
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def _jsonable(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, np.ndarray):
        return _jsonable(value.tolist())
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
