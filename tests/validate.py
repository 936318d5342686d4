"""What `make validate` runs: are the engines calibrated, and how do they behave at known truths?

Every cell (a model, an engine, a number of trials) is simulated, fitted and kept as small files
in .validation/, one for each hundred reviews, so that a run that was stopped goes on where it was;
a file is made anew when its settings, the engines' sources or the versions of what they stand on
change. The tables in reports/validation/ are made of these files, which are packed beside them
(simulations/), so that another machine goes on from there. `--quick` simulates a tenth and writes
its tables elsewhere; `--tables` only writes tables, of the cells that are whole.
"""

from __future__ import annotations

import argparse
import ast
import datetime
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import validation_text
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from validation_shelf import pack, unpack

from bayespool.figures.calibration import rank_envelopes, rank_histograms, stated_and_true
from bayespool.figures.saving import save
from bayespool.files import csv_text, json_text, sha256_of, write_csv, write_if_changed
from bayespool.parallel import each
from bayespool.validation import (
    Cell,
    Design,
    benefit_table,
    characteristics,
    count_table,
    coverage_table,
    envelope,
    sbc_table,
    simulated,
)

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".validation"
REPORTS = ROOT / "reports" / "validation"
SHELF = REPORTS / "simulations"
HOUSE = ROOT / "src" / "bayespool"
ENGINES = (
    "axes.py", "exact", "measures", "nuts_models.py", "posterior.py", "prior", "simulate.py",
    "trials", "validation/truths.py", "validation/cells.py", "validation/sampled.py",
    "validation/known_truth.py",
)  # fmt: skip
PACKAGES = ("bayespool", "numpy", "scipy", "pandas", "pymc", "pytensor", "nutpie", "numba")
STAMP = ("seconds", "date", "commit")

PART = 100  # simulations of the exact engine that are kept together
DIGITS = 9  # of a number that is kept

TRIALS = (2, 5, 10, 20)
WEAK = {"mu": "Normal(0, 1)", "tau": "HalfNormal(0.5)"}
WEAK_RD = {"mu": "Normal(0, 0.3)", "tau": "HalfNormal(0.15)"}
WEAK_ROM = {"mu": "Normal(0, 0.5)", "tau": "HalfNormal(0.25)"}  # every mean stays above 0
VAGUE = {"mu": "Normal(0, 10)", "tau": "HalfCauchy(1)"}
HEAVY = {"mu": "StudentT(4, 0, 1)", "tau": "HalfNormal(0.5)"}  # no closed form: summed on a grid
PHI = "Normal(-1.5, 1.5)"  # baseline risks of 1 to 80 %
VAGUE_PHI = "Normal(0, 10)"  # the default, under which many trials have no event

# Milliseconds a simulation by k, measured on one core of a busy machine; they order the work and
# foretell its end.
COST = {
    ("OR", "random"): (85, 115, 180, 315), ("RR", "random"): (95, 140, 225, 400),
    ("RD", "random"): (150, 240, 420, 890), ("OR", "common"): (37, 50, 72, 120),
    ("RR", "common"): (44, 68, 90, 200), ("RD", "common"): (53, 83, 150, 240),
    ("generic", "random"): (20, 22, 25, 30), ("generic", "common"): (18, 19, 20, 21),
    ("MD", "random"): (130, 270, 475, 890), ("SMD", "random"): (83, 135, 225, 700),
    ("ROM", "random"): (175, 480, 1100, 2100), ("OR", "t"): (130, 230, 410, 790),
    ("RR", "t"): (145, 280, 710, 1400), ("RD", "t"): (305, 610, 1200, 2100),
    ("generic", "t"): (80, 115, 175, 310),
}  # fmt: skip
NUTS_COST = {"OR": (30, 60, 80, 130), "RR": (50, 250, 350, 550), "RD": (100, 130, 280, 1000)}

# Why a row that fails may stand; by (table, engine, start of the model, k, quantity).
REASONS: dict[tuple[str, str, str, str, str], str] = {}


def cells() -> list[Cell]:
    """Every model and engine at every k: 1,000 simulations, 300 with NUTS."""
    found = []
    for k in TRIALS:
        for measure in ("OR", "RR", "RD"):
            weak = WEAK_RD if measure == "RD" else WEAK
            counts = Cell("exact", "binomial", measure, "random", k, **weak, phi=PHI)
            found += [
                replace(counts, effects_every=10, draws_every=10),
                replace(counts, effects="common", draws_every=10),
                replace(counts, effects="t", effects_every=20, draws_every=4),
                replace(counts, engine="NUTS"),
            ]
        known = Cell("exact", "normal", "generic", "random", k, **WEAK)
        found += [
            replace(known, draws_every=10),
            replace(known, effects="common", draws_every=10),
            replace(known, **VAGUE),
            replace(known, **HEAVY, effects_every=10, draws_every=10),
            replace(known, **HEAVY, effects="common"),
            replace(known, effects="t", effects_every=20, draws_every=4),
            replace(known, engine="NUTS"),
        ]
        for measure in ("MD", "SMD", "ROM"):
            weak = WEAK_ROM if measure == "ROM" else WEAK
            arms = Cell("exact", "arms", measure, "random", k, **weak)
            found.append(replace(arms, effects_every=10, draws_every=10))
    for measure in ("OR", "RR", "RD"):
        weak = WEAK_RD if measure == "RD" else WEAK
        counts = Cell("exact", "binomial", measure, "random", 5, **weak, phi=VAGUE_PHI)
        found.append(replace(counts, effects_every=10, draws_every=10))
    for effects in ("common", "t"):
        counts = Cell("NUTS", "binomial", "OR", effects, 5, **WEAK, phi=PHI)
        found += [counts, replace(counts, likelihood="normal", measure="generic", phi="")]
    return [replace(cell, simulations=300 if cell.engine == "NUTS" else 1000) for cell in found]


def parts(job: Cell | Design) -> list[Cell | Design]:
    """A cell of the exact engine in parts of 100 simulations, each kept by itself.

    NUTS compiles its model once a part, and a design is soon done: they are one part.
    """
    if isinstance(job, Design) or job.engine == "NUTS":
        return [job]
    starts = range(job.first, job.first + job.simulations, PART)
    last = job.first + job.simulations
    return [replace(job, first=i, simulations=min(PART, last - i)) for i in starts]


def designs() -> list[Design]:
    """Known truths: every k with rare and common events, small and larger arms."""
    return [
        Design(k, baseline, arm, (1.0, 0.7), (0.0, 0.25, 0.5), "RR", **WEAK, reviews=300)
        for k in TRIALS
        for baseline in (0.05, 0.3)
        for arm in (25, 100)
    ]


def expected(job: Cell | Design) -> float:
    """Seconds a job takes, roughly."""
    if isinstance(job, Design):
        return 6e-3 * job.reviews * (2 + job.k * job.arm / 150)
    if job.engine == "NUTS":
        costs = NUTS_COST.get(job.measure, (40, 40, 40, 60))
        return 6 + 1e-3 * job.simulations * costs[TRIALS.index(job.k)]
    return 1e-3 * job.simulations * COST[job.measure, job.effects][TRIALS.index(job.k)]


def quick(job: Cell | Design) -> Cell | Design:
    """A tenth of it."""
    if isinstance(job, Design):
        return replace(job, reviews=max(job.reviews // 10, 10))
    return replace(job, simulations=max(job.simulations // 10, 20))


def code() -> str:
    """Hash of what the engines' sources do, and of the versions of what they stand on."""
    paths = [path for name in ENGINES for path in sorted((HOUSE / name).rglob("*.py"))]
    paths += [HOUSE / name for name in ENGINES if name.endswith(".py")]
    used = sorted({path for path in paths if path.name != "portable.py"})  # what a page is sent
    sources = "".join(meaning(path.read_text(encoding="utf-8")) for path in used)
    return sha256_of(sources + json_text(versions()))[:12]


def meaning(source: str) -> str:
    """A source without its comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return ast.dump(tree)


def versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def commit() -> str:
    """The commit of the sources, with a plus where they differ from it; none without git."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git("status", "--porcelain", "--", "src/bayespool") else "")
    except (OSError, subprocess.CalledProcessError):
        return "none"


def _git(*words: str) -> str:
    ran = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def place(job: Cell | Design, made_by: str) -> Path:
    return CACHE / f"{job.key}-{made_by}.csv"


def kept(job: Cell | Design, path: str, made_at: str) -> str:
    """Do one job and keep it; what went wrong, if anything did: the others go on."""
    began = time.process_time()  # of this process alone: other work on the machine is not ours
    try:
        found = simulated(job) if isinstance(job, Cell) else characteristics(job)
    except Exception as error:  # noqa: BLE001  # any of them is a fault to be shown
        return f"{job.name}: {type(error).__name__}: {error}"
    day = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"
    stamp = (round(time.process_time() - began, 2), day, made_at)
    write_csv(path, rounded(found).assign(**dict(zip(STAMP, stamp, strict=True))))
    return ""


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Its floats to nine significant digits."""
    floats = table.select_dtypes("float").columns
    short = {name: [float(f"{x:.{DIGITS}g}") for x in table[name]] for name in floats}
    return table.assign(**short)


def archives(jobs: Sequence[Cell | Design], made_by: str) -> dict[str, list[Path]]:
    """Files of the jobs, by the archive each belongs to."""
    found: dict[str, list[Path]] = {}
    for job in jobs:
        one = isinstance(job, Design)
        name = "designs" if one else f"{job.engine.lower()}_{job.likelihood}"
        found.setdefault(name, []).extend(place(part, made_by) for part in parts(job))
    return found


def run(
    jobs: Sequence[Cell | Design],
    made_by: str,
    workers: int | None,
    scheduler: str | None,
    console: Console,
) -> list[str]:
    """Do what is not kept yet, the shortest cells first: a run that is stopped has most of them.

    Returns what went wrong.
    """
    at = commit()
    todo = [
        part
        for job in sorted(jobs, key=expected)
        for part in parts(job)
        if not place(part, made_by).exists()
    ]
    of = sum(len(parts(job)) for job in jobs)
    total = sum(expected(job) for job in todo)
    cores = workers or os.cpu_count() or 1
    console.print(
        f"{of - len(todo)} of the {of} parts of {len(jobs)} cells are there; the others take about "
        f"{total / 60 / cores:.0f} minutes on {cores} cores."
    )
    columns = (TextColumn("simulating"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("parts", total=of, completed=of - len(todo))
        said = each(
            kept,
            [(job, str(place(job, made_by)), at) for job in todo],
            workers,
            lambda done, left: bar.update(task, completed=of - left + done),
            scheduler,
        )
    return [words for words in said if words]


def adopt(jobs: Sequence[Cell | Design], older: str, made_by: str, console: Console) -> None:
    """Take over the files of older sources that give the same numbers.

    For a change that should alter none: the first reviews of every cell are simulated and fitted
    again, and must be those of its file, which has nine digits.
    """
    there = [job for job in jobs if place(parts(job)[0], older).exists()]
    with console.status(f"fitting the first reviews of {len(there)} cells again"):
        found = each(is_same, [(job, str(place(parts(job)[0], older))) for job in there])
    for job, same in zip(there, found, strict=True):
        if not same:
            console.print(f"not the same: {job.name}")
            continue
        for part in parts(job):
            if place(part, older).exists():
                shutil.copyfile(place(part, older), place(part, made_by))
    console.print(f"{sum(found)} of {len(there)} cells are as they were, and taken over.")


def is_same(job: Cell | Design, path: str) -> bool:
    """Whether a cell's first reviews come out as they stand in a file."""
    kept_ones = pd.read_csv(path).drop(columns=list(STAMP))
    if isinstance(job, Cell):
        again = simulated(replace(job, simulations=4))
    else:
        again = characteristics(replace(job, taus=job.taus[:1], effects=job.effects[:1]))
    first = kept_ones.head(len(again))[list(again)]
    try:  # nine digits round by up to 5e-9
        pd.testing.assert_frame_equal(first, again, check_dtype=False, rtol=5.1e-9, atol=1e-12)
    except AssertionError:
        return False
    return True


def whole(job: Cell | Design, made_by: str) -> pd.DataFrame | None:
    """All parts of a job in one table, if they are there; ``seconds`` is their sum."""
    paths = [place(part, made_by) for part in parts(job)]
    if not all(path.exists() for path in paths):
        return None
    # Commits are text, though one may look like a number.
    found = [pd.read_csv(path, dtype={"commit": str}) for path in paths]
    seconds = sum(float(part["seconds"].iloc[0]) for part in found)
    return pd.concat(found, ignore_index=True).assign(seconds=round(seconds, 2))


def tables(
    jobs: Sequence[Cell | Design], made_by: str, folder: Path, console: Console
) -> pd.DataFrame:
    """Write the tables and figures of the cells that there are; the rows that fail."""
    there = [(job, table) for job in jobs if (table := whole(job, made_by)) is not None]
    done = [(job, table) for job, table in there if isinstance(job, Cell)]
    known = [(job, table) for job, table in there if isinstance(job, Design)]
    dates = sorted({str(day) for _, table in there for day in table["date"]})
    commits = sorted({str(name) for _, table in there for name in table["commit"]})
    stamp = {"date": dates[-1], "commit": " ".join(commits), "code": made_by}
    made = {
        "sbc": sbc_table(done),
        "coverage": coverage_table(done),
        "benefit": benefit_table(done),
        "counts": count_table(done),
        "cells": pd.DataFrame([_cell_row(job, table) for job, table in there]),
    }
    if known:
        made["operating_characteristics"] = pd.concat(
            [table.drop(columns=list(STAMP)) for _, table in known], ignore_index=True
        )
    for name in ("sbc", "coverage", "benefit"):
        made[name]["reason"] = [_reason(name, row) for row in made[name].to_dict("records")]
    for name, table in made.items():
        write_if_changed(folder / f"{name}.csv", csv_text(table.assign(**stamp)))
    about = stamp | {
        "cells": len(there),
        "cells_in_all": len(jobs),
        "reviews_simulated": sum(len(t) for _, t in done)
        + sum(int(t["reviews"].sum()) for _, t in known),
        "processor_minutes": round(sum(float(t["seconds"].iloc[0]) for _, t in there) / 60, 1),
        "machine": platform.machine(),
        "versions": versions(),
    }
    write_if_changed(folder / "about.json", json_text(about))
    draw(made, folder)
    if folder == REPORTS:
        validation_text.write(made, about)
    failing = [made[name][~made[name]["passes"]] for name in ("sbc", "coverage", "benefit")]
    for name, table in zip(("sbc", "coverage", "benefit"), failing, strict=True):
        console.print(f"{name}: {len(made[name])} rows, {len(table)} fail")
    return pd.concat(failing, ignore_index=True)


def _cell_row(job: Cell | Design, table: pd.DataFrame) -> dict[str, object]:
    stamp = table[list(STAMP)].iloc[-1].to_dict()
    if isinstance(job, Design):
        row = {"engine": "exact", "model": job.name, "k": job.k}
        return row | {"simulations": int(table["reviews"].sum())} | stamp
    row = {"engine": job.engine, "model": job.model, "k": job.k, "simulations": len(table)}
    if job.engine == "NUTS":
        row |= {
            "second_attempts": int((table["attempts"] > 1).sum()),
            "fits_with_divergences": int((table["divergences"] > 0).sum()),
        }
    return row | stamp


def _reason(name: str, row: dict[str, object]) -> str:
    if row["passes"]:
        return ""
    for (table, engine, model, k, quantity), reason in REASONS.items():
        same = table == name and row["engine"] == engine
        same = same and str(row["model"]).startswith(model)
        if same and str(row.get("k", "")) in (k, "") and row.get("quantity", "") in (quantity, ""):
            return reason
    return ""


def draw(made: dict[str, pd.DataFrame], folder: Path) -> None:
    counts = made["counts"]
    bands = {int(n): envelope(int(n)) for n in counts["simulations"].unique()}
    for engine in counts["engine"].unique():
        own = counts[counts["engine"] == engine]
        name = engine.replace(" ", "_").lower()
        save(rank_envelopes(own, bands), folder / f"ecdf_{name}.svg")
        save(rank_histograms(own), folder / f"ranks_{name}.svg")
    benefit = made["benefit"]
    every = benefit[benefit["model"] == "all models"]
    save(stated_and_true(every), folder / "calibration.svg")


def main() -> int:
    """Simulate what is missing, write the tables, and fail where a row does without a reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the simulations")
    parser.add_argument("--tables", action="store_true", help="simulate nothing")
    parser.add_argument("--adopt", metavar="CODE", help="take over the same numbers of older code")
    parser.add_argument("--workers", type=int, help="processes; all cores by default")
    parser.add_argument(
        "--scheduler",
        metavar="tcp://HOST:PORT",
        help="a Dask cluster instead, which sees this folder",
    )
    options = parser.parse_args()
    console = Console()
    jobs: list[Cell | Design] = [*cells(), *designs()]
    if options.quick:
        jobs = [quick(job) for job in jobs]
    folder = CACHE / "quick" if options.quick else REPORTS
    made_by, began = code(), time.perf_counter()
    faults: list[str] = []
    if not options.quick:
        unpack(SHELF, CACHE)
    try:
        if options.adopt:
            adopt(jobs, options.adopt, made_by, console)
        elif not options.tables:
            faults = run(jobs, made_by, options.workers, options.scheduler, console)
    except KeyboardInterrupt:
        console.print("Stopped: the cells that are done stay, and the next run goes on from them.")
        return 130
    finally:
        if not options.quick:
            pack(archives(jobs, made_by), SHELF)
    if not any(whole(job, made_by) is not None for job in jobs):
        console.print("There is no cell of these engines yet: run without --tables.")
        return 1
    failing = tables(jobs, made_by, folder, console)
    unexplained = failing[failing["reason"] == ""]
    if len(unexplained):
        columns = ["engine", "model", "k", "quantity", "p", "p_chi_square"]
        console.print(unexplained.reindex(columns=columns).to_string())
    minutes = (time.perf_counter() - began) / 60
    console.print(f"{minutes:.1f} minutes. Tables and figures are in {folder.relative_to(ROOT)}.")
    for words in faults:
        console.print(words, style="red")
    return int(len(unexplained) > 0 or len(faults) > 0)


if __name__ == "__main__":
    sys.exit(main())
