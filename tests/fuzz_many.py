"""Thousands of random inputs, in processes: each ends in a record or in one clear error.

`make validate` runs it. The seed is drawn anew in every run and printed; `--seed` repeats one.
It writes reports/validation/fuzz.csv, prints an example of each failure, and ends
with 1 where there was any. What is done stands in .validation/, and a run that was stopped goes on
from there.
"""

from __future__ import annotations

import argparse
import datetime
import json
import secrets
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, Phase, given, seed, settings
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

sys.path.insert(0, str(Path(__file__).parent))  # the workers import these modules by name

import fuzz
from fuzz_strategies import STRATEGIES
from validate import CACHE, REPORTS, ROOT, commit

from bayespool.files import write_csv, write_json
from bayespool.parallel import each

# Examples that cost little are many: a whole analysis takes a second, a table refused nothing.
SHARES = {"tables": 0.7, "priors": 0.1, "analyses": 0.06, "student": 0.004, "commands": 0.136}
PART = 50  # examples of one job
DEAR_FIRST = ("student", "analyses", "commands", "priors", "tables")
WORDS = {"record": "records", "DataError": "DataErrors", "PriorError": "PriorErrors",
         "UsageError": "UsageErrors"}  # fmt: skip


def part(name: str, examples: int, start: int) -> dict[str, Any]:
    """Run so many examples of a strategy from a seed; counts, seconds, and a failure."""
    counts: Counter[str] = Counter()
    slowest = [0.0]

    @seed(start)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        # The examples are large and slow by nature, and here nobody waits for one of them.
        suppress_health_check=list(HealthCheck),
        # To make an example smaller takes hundreds of runs, of seconds each.
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    @given(STRATEGIES[name])
    def run(example: dict[str, Any]) -> None:
        began = time.process_time()
        try:
            word = fuzz.outcome(example)
        finally:
            slowest[0] = max(slowest[0], time.process_time() - began)
        counts[word] += 1

    failure = ""
    try:
        run()
    except Exception as error:  # noqa: BLE001  # whatever it is, it is reported
        failure = str(error)
    return {"strategy": name, "seed": start, "counts": counts, "failure": failure,
            "slowest": slowest[0]}  # fmt: skip


def kept(name: str, examples: int, start: int, folder: Path) -> dict[str, Any]:
    """Run a part, or read what it gave."""
    place = folder / f"{name}-{start}-{examples}.json"
    if not place.exists():
        write_json(place, part(name, examples, start))
    found: dict[str, Any] = json.loads(place.read_text("utf-8"))
    return found | {"counts": Counter(found["counts"])}


def seed_of(folder: Path, given: int | None) -> int:
    """The seed: the one that is given, that of a run that was stopped, or a new one."""
    place = folder / "seed.json"
    folder.mkdir(parents=True, exist_ok=True)
    if given is None and place.exists():
        return int(json.loads(place.read_text("utf-8")))
    start = secrets.randbits(31) if given is None else given
    write_json(place, start)
    return start


def jobs(examples: int, start: int) -> list[tuple[str, int, int]]:
    """Parts of every strategy, dear ones first, each with a seed of its own."""
    found = []
    for name in DEAR_FIRST:
        left = round(examples * SHARES[name])
        size = PART if name != "student" else 5
        while left > 0:
            found.append((name, min(size, left), start + len(found)))
            left -= size
    return found


def table(done: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a strategy."""
    rows = []
    for name in SHARES:
        own = [each_part for each_part in done if each_part["strategy"] == name]
        counts = sum((each_part["counts"] for each_part in own), Counter())
        failures = sum(bool(each_part["failure"]) for each_part in own)
        rows.append(
            {"strategy": name, "examples": counts.total() + failures}
            | {word: counts[outcome] for outcome, word in WORDS.items()}
            | {"failures": failures}
            | {"slowest_seconds": round(max((one["slowest"] for one in own), default=0.0), 1)}
        )
    return pd.DataFrame(rows)


def main() -> int:
    """Run the examples, write the table, and fail where an example did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=10_000, help="in all; 10,000 by default")
    parser.add_argument("--workers", type=int, help="processes; all cores by default")
    parser.add_argument("--seed", type=int, help="of a run to repeat")
    parser.add_argument("--out", type=Path, default=REPORTS / "fuzz.csv", help="where to write")
    options = parser.parse_args()
    console = Console()
    folder = CACHE / f"fuzz-{commit()}"
    start = seed_of(folder, options.seed)
    todo = [(*job, folder) for job in jobs(options.examples, start)]
    console.print(f"Seed {start}: {sum(job[1] for job in todo)} examples in {len(todo)} parts.")
    columns = (TextColumn("trying"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("parts", total=len(todo))
            done = each(kept, todo, options.workers, lambda i, of: bar.update(task, completed=i))
    except KeyboardInterrupt:
        console.print("Stopped: what is done stays, and the next run goes on from there.")
        return 130
    found = table(done)
    stamp = {"seed": start, "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"}
    write_csv(options.out, found.assign(**stamp, commit=commit()))
    shutil.rmtree(folder)
    console.print(found.to_string(index=False))
    failed = [each_part for each_part in done if each_part["failure"]]
    for each_part in failed:
        console.print(f"\n{each_part['strategy']}, seed {each_part['seed']}:", style="bold")
        console.print(each_part["failure"], markup=False, highlight=False, soft_wrap=True)
    place = options.out.resolve()
    console.print(f"Written: {place.relative_to(ROOT) if ROOT in place.parents else place}.")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
