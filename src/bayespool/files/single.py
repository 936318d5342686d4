"""Single files: whole or not at all, and untouched where nothing changed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from bayespool.errors import BayespoolError
from bayespool.files.texts import as_bytes, csv_text, json_text, without_keys

__all__ = [
    "NewFile",
    "alive",
    "atomic_write",
    "cannot_write",
    "sweep",
    "write_csv",
    "write_if_changed",
    "write_json",
]

LEFTOVER = re.compile(r"\..+\.(\d+)\.tmp")


class NewFile:
    """A file written beside its target, on its way to take the target's place.

    The temporary file ``.<name>.<pid>.tmp`` stands in the same folder, because a rename is atomic
    within one file system only. Missing folders are made. ``content`` may be a function that writes
    to an open file.

    Raises
    ------
    BayespoolError
        The file cannot be written: which one, why, and what to do.
    """

    def __init__(
        self, path: str | os.PathLike[str], content: bytes | str | Callable[[BinaryIO], None]
    ) -> None:
        self.path = Path(path)
        # Through a symbolic link the file behind it is replaced, and the link stays.
        self._real = Path(os.path.realpath(path))
        self._partial = self._real.with_name(f".{self._real.name}.{os.getpid()}.tmp")
        try:
            self._real.parent.mkdir(parents=True, exist_ok=True)
            if self._real.is_dir():
                raise IsADirectoryError(21, "Is a directory")
            sweep(self._real.parent)
            try:
                with self._partial.open("wb") as stream:
                    if callable(content):
                        content(stream)
                    else:
                        stream.write(as_bytes(content))
                    stream.flush()
                    os.fsync(stream.fileno())
            except BaseException:
                self.discard()
                raise
        except OSError as error:
            raise BayespoolError(cannot_write(self.path, error)) from error

    def place(self) -> None:
        """Put it in its target's place, in one step."""
        try:
            self._partial.replace(self._real)
        except OSError as error:
            raise BayespoolError(cannot_write(self.path, error)) from error

    def discard(self) -> None:
        """Remove it, if it was not put in place."""
        self._partial.unlink(missing_ok=True)


def atomic_write(path: str | os.PathLike[str], content: bytes | str) -> Path:
    """Write a file so that a kill or a full disk leaves the old content or the new, never half.

    Raises
    ------
    BayespoolError
        See `NewFile`.
    """
    new = NewFile(path, content)
    try:
        new.place()
    except BaseException:
        new.discard()
        raise
    return new.path


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
    new = as_bytes(content)
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


def sweep(folder: str | os.PathLike[str]) -> list[Path]:
    """Remove temporary files of processes that are no longer alive; return what was removed."""
    removed: list[Path] = []
    try:
        entries = sorted(Path(folder).iterdir())
    except OSError:
        return removed
    for entry in entries:
        match = LEFTOVER.fullmatch(entry.name)
        if match is None or alive(int(match[1])):
            continue
        try:
            entry.unlink()
        except OSError:
            continue
        removed.append(entry)
    return removed


def write_csv(path: str | os.PathLike[str], frame: pd.DataFrame) -> bool:
    """Write ``csv_text(frame)`` if it differs from the file; return whether it did."""
    return write_if_changed(path, csv_text(frame))


def write_json(path: str | os.PathLike[str], value: object, ignoring: Iterable[str] = ()) -> bool:
    """Write ``json_text(value)`` if more than the keys `ignoring` differs from the file."""
    keys = tuple(ignoring)
    return write_if_changed(path, json_text(value), without_keys(*keys) if keys else None)


def cannot_write(target: Path, error: OSError) -> str:
    """Say why, and what to do."""
    reason = error.strerror or str(error)
    if isinstance(error, FileExistsError):
        reason = f"{error.filename} is no folder"
    return (
        f"{target} cannot be written: {reason}. "
        "Free some space or choose a folder you may write to, then run again."
    )


def alive(pid: int) -> bool:
    """Whether a process of this number runs on this machine."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # another user's
    return True
