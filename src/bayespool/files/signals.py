"""Ctrl-C, put off for the moment in which results are put in place."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["is_placing", "uninterrupted"]

_placing = threading.Event()


def is_placing() -> bool:
    """Whether results are being put in place at this moment."""
    return _placing.is_set()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait until the end of this block."""
    came: list[int] = []
    _placing.set()
    old: Any = None
    main = threading.current_thread() is threading.main_thread()
    if main:
        old = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        _placing.clear()
        if main:
            signal.signal(signal.SIGINT, old)
    if came:
        raise KeyboardInterrupt
