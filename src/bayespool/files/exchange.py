"""Two folders trade names, in one step where the system can."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["exchange", "only_plain"]

MANY = 1000  # files; a folder that holds more is no folder of results


def exchange(one: Path, other: Path) -> None:
    """Let two folders of one file system trade names.

    Raises
    ------
    OSError
        They cannot; both are as they were.
    """
    names = os.fsencode(one), os.fsencode(other)
    here, swap = -100, 2  # AT_FDCWD; RENAME_EXCHANGE and RENAME_SWAP alike
    with suppress(AttributeError, OSError, TypeError):  # a C library without it
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            failed = library.renamex_np(*names, swap)
        else:
            failed = library.renameat2(here, names[0], here, names[1], swap)
        if not failed:
            return
    kept = one.with_name(one.name.removesuffix(".tmp") + ".old")
    other.rename(kept)
    try:
        one.rename(other)
    except OSError:
        kept.rename(other)
        raise
    kept.rename(one)


def only_plain(folder: Path) -> bool:
    """Whether a folder can be exchanged: plain files and folders, not many, and nobody's place.

    The current folder, or one that holds it, would be pulled from under this process.
    """
    try:
        inside = Path.cwd().is_relative_to(folder)
    except FileNotFoundError:  # the current folder is gone
        inside = False
    if inside or folder.is_mount():
        return False
    seen = 0
    for root, folders, files in os.walk(folder):
        seen += len(files) + len(folders)
        if seen > MANY or not all(_is_plain(Path(root) / name) for name in (*folders, *files)):
            return False
    return True


def _is_plain(entry: Path) -> bool:
    if entry.is_symlink() or entry.is_mount():
        return False
    return os.access(entry, os.R_OK | os.W_OK | os.X_OK) if entry.is_dir() else entry.is_file()
