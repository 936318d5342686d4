"""The whole review: every outcome in turn, its report, and one page that shows them all."""

from __future__ import annotations

import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING

from bayespool.interrupt import obeying

if TYPE_CHECKING:
    from rich.table import Table

    from bayespool import Analysis, BayespoolError

OUTCOMES = (
    "mortality",
    "clinical_improvement",
    "adverse_events",
    "serious_adverse_events",
    "hospital_stay",
    "time_to_improvement",
    "crp",
    "il6",
)
WIDE = 150  # columns where stdout is no terminal


def main() -> int:
    """Run all outcomes and return the exit status."""
    return obeying(run)


def run() -> int:
    """Analyse every outcome, and write the report if all of them have an answer."""
    from _script import REPORTS, ROOT, status_of
    from rich.console import Console

    from bayespool import BayespoolError, write_report
    from bayespool.names import printable

    began = time.perf_counter()
    analyses, failed = answers()
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    console.print(table_of(analyses))
    for name, error in failed:
        print(f"{name}: {printable(str(error), lines=True)}", file=sys.stderr)
    if failed:
        print("The report stays as it was: not every outcome has an answer.", file=sys.stderr)
        return max(status_of(error) for _, error in failed)
    try:
        with Console(stderr=True).status("writing tables, figures and the page"):
            page = write_report(
                analyses,
                REPORTS,
                title="Mesenchymal stem cells in COVID-19",
                png="--png" in sys.argv,
                diagnostics=True,
            )
    except BayespoolError as error:
        print(error, file=sys.stderr)
        return status_of(error)
    print(f"Written to {page.relative_to(ROOT)} in {time.perf_counter() - began:.0f} s.")
    return 0


def answers() -> tuple[list[Analysis], list[tuple[str, BayespoolError]]]:
    """Analyse every outcome, and say which cannot be and why."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    from bayespool import BayespoolError

    analyses: list[Analysis] = []
    failed: list[tuple[str, BayespoolError]] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("starting", total=len(OUTCOMES))
        for name in OUTCOMES:

            def stage(what: str, name: str = name) -> None:
                progress.update(task, description=f"{name.replace('_', ' ')}: {what}")

            stage("reading")
            try:
                analyses.append(import_module(name).analyse(studies="all", progress=stage))
            except BayespoolError as error:
                failed.append((name, error))
            progress.advance(task)
    return analyses, failed


def table_of(analyses: list[Analysis]) -> Table:
    """One row an outcome."""
    from rich.table import Table

    from bayespool.summaries import number, probability

    table = Table(title="Mesenchymal stem cells in COVID-19: posterior medians, 95 % intervals")
    for head in ("outcome", "trials", "participants", "effect", "P(benefit)", "in a new trial"):
        table.add_column(head, justify="left" if head == "outcome" else "right")
    for head in ("tau", "engines agree?", "seconds"):
        table.add_column(head, justify="right")
    for analysis in analyses:
        record = analysis.record
        part = record[analysis.engine]
        natural = part["natural"]
        pooled = "trials_pooled" in analysis.trials.frame
        table.add_row(
            analysis.name.replace("_", " "),
            "1 pooled row" if pooled else str(record["trials"]),
            "–" if record["participants"] is None else f"{record['participants']:,}",
            f"{analysis.measure} {spread(natural['mu'])}",
            probability(next(iter(part["prob_benefit"].values()))),
            spread(natural["theta_new"]) if "theta_new" in natural else "–",
            number(part["tau"]["median"], digits=2) if "tau" in part else "–",
            verdict(record["agreement"]),
            f"{record['wall_seconds']['total']:.1f}",
        )
    return table


def spread(row: dict[str, float]) -> str:
    """Write "0.71 [0.45, 1.00]"."""
    return f"{row['median']:.2f} [{row['lower']:.2f}, {row['upper']:.2f}]"


def verdict(agreement: dict) -> str:
    """Write "yes (1.8 MCSE)"."""
    if agreement["ok"] is None:
        return "one engine"
    worst = agreement["exact_nuts"]["worst_z"]
    return f"{'yes' if agreement['ok'] else 'NO'} ({worst:.1f} MCSE)"


if __name__ == "__main__":
    raise SystemExit(main())
