"""What every script does once its question is put: run, write, print, and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from bayespool import Analysis, BayespoolError, ConvergenceError, DataError, PriorError, UsageError
from bayespool.interrupt import obeying
from bayespool.names import printable

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
REPORTS = ROOT / "reports"
OTHER_READINGS = DATA / "alternatives.csv"
PUBLISHED = DATA / "published.csv"
_SIMULATED = REPORTS / "operating_characteristics.csv"  # by the script of that name
CHARACTERISTICS = _SIMULATED if _SIMULATED.exists() else None
TREATMENT = "mesenchymal stem cells"

UNCONFIRMED = (
    "The review that this redoes lists 14 trials; its list and its forest plots could not be read, "
    "so no trial here is confirmed as one of the 14."
)


def earlier_reviews(outcome: str) -> list[str]:
    """Published priors for counts: Turner's rows for an outcome, Bartoš' for two fields.

    Cells are a drug in one reading and not in another, so Turner's heterogeneity is taken both
    ways, against placebo or no treatment, which is what the trials compare with.
    """
    return [
        f"turner2015:{outcome}/pharmacological-vs-placebo",
        f"turner2015:{outcome}/nonpharmacological-vs-placebo",
        "bartos2023:acute-respiratory-infections",
        "bartos2023:infectious-diseases",
    ]


def main(analyse: Callable[..., Analysis], reports: Path = REPORTS) -> int:
    """Run one outcome, write its report and print the answer; return the exit status.

    ``--png`` after the script's name writes each figure as PNG too.
    """
    return obeying(lambda: _main(analyse, reports))


def _main(analyse: Callable[..., Analysis], reports: Path) -> int:
    try:
        analysis = analyse(
            studies="all", progress=lambda stage: print(f"{stage} ...", file=sys.stderr)
        )
        analysis.write(reports / analysis.name, png="--png" in sys.argv, diagnostics=True)
    except BayespoolError as error:
        print(printable(str(error), lines=True), file=sys.stderr)
        return status_of(error)
    print("\n".join(analysis.headline()))
    seconds = analysis.record["wall_seconds"]["total"]
    print(f"  written to {reports.name}/{analysis.name} ({seconds:.1f} s)")
    return 0


def status_of(error: BayespoolError) -> int:
    """2 bad input or usage, 3 not converged, 1 anything else (the engines disagree)."""
    if isinstance(error, ConvergenceError):
        return 3
    return 2 if isinstance(error, DataError | PriorError | UsageError) else 1
