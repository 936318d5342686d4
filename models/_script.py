"""What every script does once its question is put: run, write, print, and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from bayespool import Analysis, BayespoolError, ConvergenceError, DataError, PriorError, UsageError

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
REPORTS = ROOT / "reports"
OTHER_READINGS = DATA / "alternatives.csv"

UNCONFIRMED = (
    "The review that this redoes lists 14 trials; its list and its forest plots could not be read, "
    "so no trial here is confirmed as one of the 14."
)


def main(analyse: Callable[..., Analysis], reports: Path = REPORTS) -> int:
    """Run one outcome, write its report and print the answer; return the exit status."""
    try:
        analysis = analyse(progress=lambda stage: print(f"{stage} ...", file=sys.stderr))
        analysis.write(reports / analysis.name)
    except BayespoolError as error:
        print(error, file=sys.stderr)
        return status_of(error)
    except KeyboardInterrupt:
        print("Interrupted: nothing more was written.", file=sys.stderr)
        return 130
    print("\n".join(analysis.headline()))
    seconds = analysis.record["wall_seconds"]["total"]
    print(f"  written to {reports.name}/{analysis.name} ({seconds:.1f} s)")
    return 0


def status_of(error: BayespoolError) -> int:
    """2 bad input or usage, 3 not converged, 1 anything else (the engines disagree)."""
    if isinstance(error, ConvergenceError):
        return 3
    return 2 if isinstance(error, DataError | PriorError | UsageError) else 1
