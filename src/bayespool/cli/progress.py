"""A sign of life on stderr, for people who wait longer than two seconds at a terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bayespool.names import printable

__all__ = ["waiting"]

PATIENCE = 2.0  # seconds


class _Sign:
    """A callable that takes a sentence; the spinner shows the last one once it appears."""

    def __init__(self) -> None:
        self.words = "working"
        self.status: Any = None

    def __call__(self, *words: Any) -> None:
        self.words = " ".join(str(word) for word in words)
        if self.status is not None:
            self.status.update(self._text())

    def start(self) -> None:
        from rich.console import Console

        self.status = Console(stderr=True).status(self._text())
        self.status.start()

    def _text(self) -> Any:
        """The words may hold text from data: no markup, nothing that steers the terminal."""
        from rich.text import Text

        return Text(printable(self.words))

    def stop(self) -> None:
        if self.status is not None:
            self.status.stop()


@contextmanager
def waiting(quiet: bool) -> Iterator[_Sign]:
    """Show a spinner after two seconds, at a terminal alone; yields what is told the step."""
    sign = _Sign()
    timer = threading.Timer(PATIENCE, sign.start)
    timer.daemon = True
    if sys.stderr.isatty() and not quiet:
        timer.start()
    try:
        yield sign
    finally:
        timer.cancel()
        if timer.is_alive():
            timer.join()
        sign.stop()
