"""Kill runs at random moments, and look at what they leave on the disk.

    python tests/faults.py [--fits 60] [--reports 20] [--whole 20]

Each command is first run twice, with two settings, so that the old report and the new one are
known. Then it is started again and again with the other setting than the folder's and killed
(SIGKILL), half of the times at any moment, half in the last third, where the writing is. What the
folder holds then must be the old report or the new, whole. Nothing is cleaned between the runs, and
the last one, which is let be, must leave the new report and nothing beside it. The counts go to
reports/validation/faults.csv.
"""

from __future__ import annotations

import argparse
import datetime
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import track
from validate import REPORTS, ROOT, commit

from bayespool.files import sha256_of, without_keys, write_csv

Tree = dict[str, str]  # hash of each file by its name


@dataclass(frozen=True)
class Case:
    """A command in two settings, and the folders and files that it must leave whole.

    ``units`` are names within ``out``; each must be old or new by itself.
    """

    name: str
    command: Callable[[int], list[str]]
    out: Path
    units: tuple[str, ...]
    folder: Path = ROOT


def cases(room: Path) -> dict[str, Case]:
    bayespool = [sys.executable, "-m", "bayespool"]
    trials = ("data/mortality.csv", "data/adverse_events.csv")
    common = ["--measure", "RR", "--benefit", "lower", "--engine", "exact", "--quiet"]

    def fit(i: int) -> list[str]:
        out = ["--out", str(room / "fit" / "mortality")]
        return [*bayespool, "fit", trials[0], *common, "--threshold", f"0.{7 + i}", *out]

    def report(i: int) -> list[str]:
        out = ["--out", str(room / "report")]
        return [*bayespool, "report", *trials, *common, "--threshold", f"0.{7 + i}", *out]

    return {
        "fits": Case("bayespool fit", fit, room / "fit", ("mortality",)),
        "reports": Case(
            "bayespool report",
            report,
            room / "report",
            ("mortality", "adverse_events", "index.html"),
        ),
    }


def whole_review(room: Path) -> Case:
    """`make report` in a copy of the repository whose data can be changed."""
    copy = room / "copy"
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for name in filter(None, names):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    texts = {path: path.read_text(encoding="utf-8") for path in (copy / "data").glob("*.csv")}

    def command(i: int) -> list[str]:
        for path, text in texts.items():
            changed = text.replace(",2021,", ",2019,") + "\n"
            path.write_text(changed if i else text, encoding="utf-8")
        return [sys.executable, "models/all.py"]

    sys.path.insert(0, str(ROOT / "models"))
    from all import OUTCOMES

    return Case("make report", command, copy / "reports", (*OUTCOMES, "index.html"), copy)


def tree(path: Path) -> Tree:
    """The files of a unit without timings and dates."""
    if path.is_file():
        return {path.name: sha256_of(path.read_bytes())}
    found = {}
    for file in sorted(path.rglob("*")):
        if file.is_file():
            content = file.read_bytes()
            if file.name == "record.json":
                content = without_keys("wall_seconds", "date")(content.decode()).encode()
            found[file.relative_to(path).as_posix()] = sha256_of(content)
    return found


def start(case: Case, setting: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(case.folder / "src")}
    return subprocess.Popen(
        case.command(setting),
        cwd=case.folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finished(case: Case, setting: int) -> None:
    process = start(case, setting)
    _, said = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{case.name}: {said.decode()}")


def killed(case: Case, setting: int, after: float) -> bool:
    """Run and kill it with all its processes; whether it was still running."""
    process = start(case, setting)
    try:
        process.wait(after)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return True
    finally:
        process.communicate()


def survive(case: Case, kills: int, console: Console, seed: int = 2026) -> dict[str, object]:
    """Kill one command ``kills`` times; what it left."""
    rng = random.Random(seed)
    known = []
    for setting in (0, 1):
        began = time.monotonic()
        finished(case, setting)
        seconds = time.monotonic() - began
        known.append({unit: tree(case.out / unit) for unit in case.units})
    for unit in case.units:
        if known[0][unit] == known[1][unit]:
            raise RuntimeError(f"{case.name}: both settings give the same {unit}.")
    now, seen = 1, Counter()
    torn: list[str] = []
    for i in track(range(kills), f"killing {case.name}", console=console):
        low = 0.05 if i % 2 else 2 / 3
        was_running = killed(case, 1 - now, rng.uniform(low, 1) * seconds)
        left = [
            [setting for setting in (0, 1) if tree(case.out / unit) == known[setting][unit]]
            for unit in case.units
        ]
        torn += [unit for unit, which in zip(case.units, left, strict=True) if not which]
        settings = {which[0] for which in left if which}
        seen["killed"] += was_running
        seen["old"] += settings == {now}
        seen["new"] += settings == {1 - now}
        seen["mixed"] += len(settings) > 1
        now = settings.pop() if len(settings) == 1 else now
    finished(case, 1 - now)
    after = {unit: tree(case.out / unit) for unit in case.units}
    beside = sorted({path.name for path in case.out.iterdir() if path.name.startswith(".")})
    return {
        "command": case.name,
        "runs": kills,
        "killed": seen["killed"],
        "left_old": seen["old"],
        "left_new": seen["new"],
        "folders_of_two_runs": seen["mixed"],
        "torn": len(torn),
        "next_run_whole": after == known[1 - now],
        "left_beside": len(beside),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill runs, and look at what they leave.")
    parser.add_argument("--fits", type=int, default=60, help="kills of bayespool fit")
    parser.add_argument("--reports", type=int, default=20, help="kills of bayespool report")
    parser.add_argument("--whole", type=int, default=20, help="kills of make report")
    options = parser.parse_args()
    console = Console()
    stamp = {"date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}", "commit": commit()}
    with tempfile.TemporaryDirectory() as room:
        known = cases(Path(room))
        rows = [
            survive(known[name], kills, console)
            for name, kills in (("fits", options.fits), ("reports", options.reports))
            if kills
        ]
        if options.whole:
            rows.append(survive(whole_review(Path(room)), options.whole, console))
    table = pd.DataFrame([row | stamp for row in rows])
    write_csv(REPORTS / "faults.csv", table)
    console.print(table.drop(columns=list(stamp)).to_string(index=False))
    good = (table["torn"] == 0) & table["next_run_whole"] & (table["left_beside"] == 0)
    return int(not good.all())


if __name__ == "__main__":
    sys.exit(main())
