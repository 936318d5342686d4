"""One at a time: locks between the processes of one user on one machine."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bayespool.errors import BayespoolError
from bayespool.files.texts import sha256_of

__all__ = ["alone", "held", "in_turn", "let_go"]

PATIENCE = 60.0  # seconds for another run to put its results in place


def held(path: Path) -> int | None:
    """Lock a folder until `let_go`, or until this process ends; None if another holds it.

    -1 where the system has no such locks.
    """
    try:
        import fcntl
    except ImportError:
        return -1
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:  # a file system without locks
        os.close(handle)
        return -1
    return handle


def let_go(handle: int | None) -> None:
    """End a lock of `held`."""
    if handle is not None and handle >= 0:
        os.close(handle)


@contextmanager
def alone(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Make a folder, if need be, and work in it while no other process does.

    Raises
    ------
    BayespoolError
        Another process is at work in it, or it cannot be made.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        handle = held(Path(folder))
    except OSError as error:
        reason = error.strerror or str(error)
        raise BayespoolError(f"{folder} cannot be made: {reason}. Choose another place.") from error
    if handle is None:
        raise BayespoolError(
            f"another run is at work in {folder}. Let it end, or write to another file."
        )
    try:
        yield
    finally:
        let_go(handle)


@contextmanager
def in_turn(folder: Path) -> Iterator[None]:
    """Wait until no other process of ours puts results in place within this folder.

    The lock is a file among the system's temporary ones: a lock of the folder itself may be held
    by whoever started this program.

    Raises
    ------
    BayespoolError
        It is another's turn for a minute.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    key = sha256_of(os.fsencode(folder))[:16]
    place = Path(tempfile.gettempdir()) / f"bayespool-{os.getuid()}-{key}.lock"
    try:
        handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:  # no room for temporary files
        yield
        return
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise BayespoolError(
                        f"another run has been writing to {folder} for a minute. Let it end, or "
                        "end it, and run again."
                    ) from None
                time.sleep(0.02)
            except OSError:
                break
        yield
    finally:
        with suppress(OSError):
            os.close(handle)
