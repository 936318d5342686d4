"""From arguments to an exit status: every error is one message on stderr, never a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from typer.exceptions import TyperException
from typer.main import get_command

from bayespool.cli.verbs import app
from bayespool.errors import BayespoolError, ConvergenceError, DataError, PriorError, UsageError
from bayespool.interrupt import asked
from bayespool.names import printable

__all__ = ["main"]

DONE, FAILED, BAD_INPUT, NOT_CONVERGED, INTERRUPTED = 0, 1, 2, 3, 130
DEBUG = "BAYESPOOL_DEBUG"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    0 done, 2 bad input or usage, 3 not converged, 1 anything else (the engines disagree, a file
    cannot be written, or a fault of ours; ``BAYESPOOL_DEBUG=1`` shows its traceback).
    KeyboardInterrupt is the caller's (`bayespool.interrupt`): the status is then 130.
    """
    arguments = _each_threshold(list(sys.argv[1:] if argv is None else argv))
    try:
        status = get_command(app).main(arguments, prog_name="bayespool", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (head, less) has seen enough; Python must not complain when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except TyperException as error:
        _show_usage(error)
        return error.exit_code
    except ConvergenceError as error:
        return _complain(str(error), NOT_CONVERGED)
    except (DataError, PriorError, UsageError) as error:
        return _complain(str(error), BAD_INPUT)
    except BayespoolError as error:
        return _complain(str(error), FAILED)
    except Exception as error:  # noqa: BLE001  # the last resort is a sentence
        return _unexpected(error)
    if status == INTERRUPTED:
        raise KeyboardInterrupt  # of which the caller is told, as of any other
    return int(status or DONE)


def _show_usage(error: Any) -> None:
    """Print Typer's own message; for an option left out, with what it could have been."""
    metavar = getattr(getattr(error, "param", None), "metavar", None) or ""
    if "|" in metavar and error.format_message().startswith("Missing"):
        error.message = f"Choose one of {', '.join(metavar.split('|'))}."
    error.message = printable(str(error.message), lines=True)
    error.show(file=sys.stderr)


def _complain(message: str, status: int) -> int:
    if asked():
        raise KeyboardInterrupt  # whatever failed, failed for that
    if os.environ.get(DEBUG):
        traceback.print_exc()
    print(printable(message, lines=True), file=sys.stderr)  # noqa: T201  # a program's complaint, on stderr
    return status


def _unexpected(error: Exception) -> int:
    said = f"{type(error).__name__}: {error}".strip().removesuffix(":")
    hint = (
        f"This is a fault of bayespool, not of your data. {DEBUG}=1 before the command shows where."
    )
    return _complain(f"Something unexpected happened ({said}). {hint}", FAILED)


def _each_threshold(arguments: list[str]) -> list[str]:
    """Let ``--threshold 0.9 0.8`` mean ``--threshold 0.9 --threshold 0.8``."""
    found: list[str] = []
    listing = False
    for i, word in enumerate(arguments):
        if word == "--":
            return found + arguments[i:]
        if word == "--threshold":
            listing = True
        elif listing and found[-1] != "--threshold":
            listing = _is_number(word)
            if listing:
                found.append("--threshold")
        found.append(word)
    return found


def _is_number(word: str) -> bool:
    """Whether it is meant as a number; what is not well written (1_0) is refused later."""
    try:
        float(word)
    except ValueError:
        return False
    return True
