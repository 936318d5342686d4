"""Does the whole review come out the same twice, with one core and with two?

Runs `models/all.py` in two copies of the project and compares every file that they write, byte by
byte; of a record, dates and timings are left out. Writes reports/validation/determinism.csv and
ends with status 1 if anything differs.
"""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console

from bayespool.files import without_keys, write_csv

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "reports" / "validation" / "determinism.csv"
SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
IGNORED = ("wall_seconds", "date")
STAMP = ("date", "commit")
CORES = (1, 2)

# The scripts as they stand, on some outcomes and on some of the machine's cores.
RUN = """
import os, sys
cores, outcomes = int(sys.argv[1]), sys.argv[2:]
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    assert len(os.sched_getaffinity(0)) == cores, "there are too few cores"
sys.path.insert(0, "models")
import all
all.OUTCOMES = tuple(outcomes) or all.OUTCOMES
status = all.main()
import bayespool
assert bayespool.__file__.startswith(os.environ["PYTHONPATH"]), bayespool.__file__
sys.exit(status)
"""


def copy_project(folder: Path) -> None:
    """Copy what a review is made of, so that nobody changes it on the way."""
    for part in ("src", "models", "data"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)


def review(
    folder: Path, outcomes: Sequence[str] = (), cores: int = 1, more: Mapping[str, str] = {}
) -> Path:
    """Run a review in a copy of the project and a new process; return the folder of its reports.

    `more` are settings of the environment, from which those of threads are taken out first.
    """
    if not folder.exists():
        copy_project(folder)
    kept = {key: value for key, value in os.environ.items() if key not in SETTINGS}
    run = subprocess.run(
        [sys.executable, "-c", RUN, str(cores), *outcomes],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(folder / "src"), **more},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"status {run.returncode}\n{run.stdout}\n{run.stderr}")
    return folder / "reports"


def files_of(folder: Path) -> list[str]:
    """Names of all files, with their folders."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def differing(one: Path, other: Path) -> list[str]:
    """Files that are not the same in both, or in one alone."""
    names = sorted({*files_of(one), *files_of(other)})
    return [name for name in names if not _same(one / name, other / name)]


def _same(one: Path, other: Path) -> bool:
    if not (one.is_file() and other.is_file()):
        return False
    a, b = one.read_bytes(), other.read_bytes()
    if one.name != "record.json":
        return a == b
    strip = without_keys(*IGNORED)
    return strip(a.decode()) == strip(b.decode())


def table(one: Path, other: Path) -> pd.DataFrame:
    """Count the files by kind."""
    names = pd.Series(sorted({*files_of(one), *files_of(other)}))
    kinds = names.map(lambda name: Path(name).suffix)
    bad = names.isin(differing(one, other))
    found = pd.DataFrame({"files": kinds, "compared": 1, "differing": bad.astype(int)})
    return found.groupby("files", as_index=False, sort=True).sum()


def main() -> int:
    """Run, compare and write the table."""
    began, errors = time.perf_counter(), Console(stderr=True)
    with tempfile.TemporaryDirectory() as place:
        for cores in CORES:
            copy_project(Path(place) / str(cores))
        folders = []
        for cores in CORES:
            errors.print(f"the whole review with {cores} core{'s'[: cores > 1]} ...")
            seeded = {"PYTHONHASHSEED": str(cores)}
            folders.append(review(Path(place) / str(cores), cores=cores, more=seeded))
        found, names = table(*folders), differing(*folders)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    found["cores"] = " and ".join(map(str, CORES))
    found["date"] = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    found["commit"] = commit
    write_csv(TARGET, found)
    Console(width=100).print(found.to_string(index=False), markup=False)
    for name in names:
        errors.print(f"differs: {name}", markup=False)
    errors.print(f"{len(names)} files differ ({time.perf_counter() - began:.0f} s)")
    return 1 if names else 0


if __name__ == "__main__":
    raise SystemExit(main())
