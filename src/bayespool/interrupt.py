"""Ctrl-C within a second, even while a compiler or a sampler is deep in machine code."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs
    from types import FrameType

__all__ = ["SAID", "asked", "obeying"]

INTERRUPTED = 130
PATIENCE = 0.6  # seconds for Python to come back and end by itself
_ending = threading.Lock()
_asked = threading.Event()
SAID = "Interrupted: the results on disk are as they were, or whole and new."


def obeying(main: Callable[[], int]) -> int:
    """Run a program's main function; Ctrl-C ends the process with a sentence and status 130.

    Python answers a signal between two of its own steps. A step that is a long call into compiled
    code is not waited for: a thread is told of the signal by the C handler and ends the process.
    """
    if threading.current_thread() is not threading.main_thread():
        return main()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(ours,), daemon=True).start()
    sys.unraisablehook = _unless_interrupted
    try:
        return main()
    except KeyboardInterrupt:
        _end()
    except Exception:
        if not asked():
            raise
        _end()
    finally:
        if signal.getsignal(signal.SIGINT) is _interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(before)
        sys.unraisablehook = sys.__unraisablehook__
        theirs.close()  # the thread reads the end, and is done
    return INTERRUPTED


def asked() -> bool:
    """Whether Ctrl-C was pressed: what fails after it, such as half an import, fails for it."""
    return _asked.is_set()


def _interrupt(number: int, frame: FrameType | None) -> None:
    _asked.set()
    signal.default_int_handler(number, frame)


def _unless_interrupted(fault: UnraisableHookArgs) -> None:
    """A call back from compiled code cannot raise KeyboardInterrupt, and would print it."""
    if not isinstance(fault.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(fault)


def _watch(ours: socket.socket) -> None:
    with ours:
        while number := ours.recv(1):
            if number == bytes([signal.SIGINT]):
                time.sleep(PATIENCE)
                _end()


def _end() -> None:
    if not _ending.acquire(blocking=False):
        time.sleep(PATIENCE)  # the other thread ends the process
        return
    files = sys.modules.get("bayespool.files")
    while files is not None and files.is_placing():
        time.sleep(0.005)
    if files is not None:
        files.give_up()
    print(SAID, file=sys.stderr, flush=True)  # noqa: T201  # the last word, on stderr
    os._exit(INTERRUPTED)
