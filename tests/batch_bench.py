"""How long a library takes, and how much memory: writes reports/batch.md.

`--quick` takes a twentieth of the reviews and writes nothing. Reviews are simulated at a known
truth, so that the run also says how often the 95 % intervals hold it.
"""

from __future__ import annotations

import argparse
import os
import pickle
import platform
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

import bayespool.batches.chunk as chunk
import bayespool.batches.columns as columns
import bayespool.batches.jointly as jointly
import bayespool.batches.normal as normal
import bayespool.batches.reviews as reviews
import bayespool.batches.run as run
import bayespool.batches.together as together
from bayespool.batches import batch
from bayespool.batches.reading import chunks
from bayespool.files import write_if_changed
from bayespool.parallel import each

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "reports" / "batch.md"
ENV = os.environ | {
    "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
}
# Medians of system.time on another two-core machine: ../shared/reference/peer_timings.md.
METAFOR, BAYESMETA = 5.5e-3, 2.9


def normals(count: int, seed: int = 1) -> pd.DataFrame:
    """Reviews of 3 to 30 trials: mu ~ Normal(0, 0.5), tau ~ HalfNormal(0.3)."""
    rng = np.random.default_rng(seed)
    review = np.repeat(np.arange(count), rng.integers(3, 31, count))
    mu, tau = rng.normal(0, 0.5, count), np.abs(rng.normal(0, 0.3, count))
    se = rng.uniform(0.1, 0.6, len(review))
    return pd.DataFrame(
        {
            "review": [f"r{i}" for i in review],
            "trial": [f"t{j}" for j in range(len(review))],
            "estimate": rng.normal(mu[review], np.hypot(tau[review], se)),
            "se": se,
            "truth": mu[review],
        }
    )


def counts(count: int, seed: int = 1) -> pd.DataFrame:
    """The same with two arms of 20 to 200 people and control risks of 5 to 50 %."""
    rng = np.random.default_rng(seed)
    frame = normals(count, seed)[["review", "trial", "truth"]]
    rows = len(frame)
    n = rng.integers(20, 201, (2, rows))
    base = rng.uniform(np.log(0.05 / 0.95), 0.0, rows)
    effect = frame["truth"] + rng.normal(0, 0.2, rows)
    risk = 1 / (1 + np.exp(-np.array([base + effect, base])))
    events = rng.binomial(n, risk)
    return frame.assign(
        events_treatment=events[0], n_treatment=n[0], events_control=events[1], n_control=n[1]
    )


# --- measuring -------------------------------------------------------------------------------


class Clock:
    """Process time spent in some functions, and in all."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def watch(self, where: object, name: str, label: str) -> None:
        """Put a clock around a function, for good."""
        plain = getattr(where, name)

        def timed(*args: object, **more: object) -> object:
            began = time.process_time()
            try:
                return plain(*args, **more)
            finally:
                taken = time.process_time() - began
                self.spent[label] = self.spent.get(label, 0.0) + taken

        setattr(where, name, timed)


def one_core(path: Path, frame: pd.DataFrame, watched: list[tuple[object, str, str]]) -> dict:
    """A library on one core: process and wall time, where it went, coverage."""
    batch(frame[frame["review"].isin(["r0", "r1"])], measure="OR")  # imports and caches
    clock = Clock()
    kept = [(where, name, getattr(where, name)) for where, name, _ in watched]
    for where, name, label in watched:
        clock.watch(where, name, label)
    wall, cpu = time.perf_counter(), time.process_time()
    found = batch(path, measure="OR")
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    for where, name, plain in kept:
        setattr(where, name, plain)
    truth = frame.groupby("review", sort=False)["truth"].first().to_numpy()
    held = (found["mu_lower"] <= truth) & (truth <= found["mu_upper"])
    assert (found["error"] == "").all()
    return {"cpu": cpu, "wall": wall, "spent": clock.spent, "held": held.mean(), "n": len(found)}


def peak_memory(path: Path, out: Path) -> float:
    """Megabytes that `bayespool batch` takes at most, on one core."""
    # On Linux a new program begins with its parent's peak in getrusage, but not in VmHWM.
    script = (
        "import pathlib, resource, sys; from bayespool.cli import main; "
        "status = main(sys.argv[1:]); own = pathlib.Path('/proc/self/status'); "
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; "
        "lines = own.read_text().splitlines() if own.exists() else []; "
        "peak = next((int(x.split()[1]) for x in lines if x.startswith('VmHWM')), peak); "
        "print(peak); sys.exit(status)"
    )
    words = ["batch", path, "--measure", "OR", "--out", out, "--workers", "1", "--quiet"]
    told = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)],
        env=ENV, capture_output=True, text=True, check=True,
    )  # fmt: skip
    unit = 1 if platform.system() == "Darwin" else 1024
    return int(told.stdout.split()[-1]) * unit / 1e6


def nothing(i: int) -> int:
    return i


def wall_of(do: partial) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def scaling(path: Path, jobs: int) -> list[tuple[str, float, float]]:
    """Wall time of a library, and overhead of a job that does nothing, by kind of workers."""
    found = []
    for workers in (1, 2):
        more = {"workers": workers}
        batch(path, measure="OR", **more)  # starts the processes
        empty = wall_of(partial(each, nothing, [(i,) for i in range(jobs)], **more)) / jobs
        found.append(
            (f"{workers} local", wall_of(partial(batch, path, measure="OR", **more)), empty)
        )
    try:
        from distributed import LocalCluster
    except ImportError:
        return found
    for workers in (1, 2, 4):
        with LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            silence_logs=100,
        ) as cluster:
            more = {"scheduler": cluster.scheduler_address}
            batch(path, measure="OR", **more)  # each worker imports what it needs
            empty = wall_of(partial(each, nothing, [(i,) for i in range(jobs)], **more)) / jobs
            wall = wall_of(partial(batch, path, measure="OR", **more))
            found.append((f"{workers} Dask", wall, empty))
    return found


# --- the report ------------------------------------------------------------------------------

PARTS = [
    (reviews, "read_trials", "checking the trials (`read_trials`)"),
    (chunk, "reviews_of", "reading into reviews, checks included"),
    (together, "many", "posteriors"),
    (normal.Many, "quantile", "quantiles"),
    (together, "reml", "REML with Hartung–Knapp"),
    (columns, "in_words", "natural units and probabilities"),
]
COUNTED = [
    (chunk, "reviews_of", "reading into reviews, checks included"),
    (together, "likelihoods", "each trial's own likelihood, phi integrated out"),
    (jointly, "lattice", "shared nodes and their matrices"),
    (together, "joint", "posteriors on the shared nodes"),
    (jointly.Joint, "quantile", "quantiles"),
    (together, "reml", "REML with Hartung–Knapp"),
    (chunk, "_alone", "reviews that no shared nodes suit, by their surfaces"),
]


def one_by_one(frame: pd.DataFrame) -> float:
    """Processor time of a binomial review by its surface, as `bayespool fit` takes it."""
    plain = chunk.suits
    chunk.suits = lambda *about: False  # type: ignore[assignment]  # for as long as it is timed
    try:
        began = time.process_time()
        batch(frame, measure="OR")
        return (time.process_time() - began) / frame["review"].nunique()
    finally:
        chunk.suits = plain


def nuts(frame: pd.DataFrame) -> tuple[float, float, float]:
    """Seconds a review by NUTS, seconds to compile its models, and the share that agrees."""
    began = time.perf_counter()
    batch(frame, measure="OR", engine="both")
    first = time.perf_counter() - began
    began = time.perf_counter()
    found = batch(frame, measure="OR", engine="both", seed=1)
    again = time.perf_counter() - began
    count = frame["review"].nunique()
    return again / count, (first - again), float(found["nuts_agrees"].fillna(value=False).mean())


def shares(found: dict) -> list[str]:
    lines = ["| where | s | share |", "|---|---:|---:|"]
    for label, spent in found["spent"].items():
        lines.append(f"| {label} | {spent:.2f} | {100 * spent / found['cpu']:.0f} % |")
    return [*lines, ""]


def report(
    small: dict,
    binary: dict,
    memory: dict[int, float],
    scale: list,
    chunk_size: int,
    piece: int,
    result: float,
    alone: float,
    sampled: tuple[float, float, float],
) -> str:
    """The text; `piece` is the size of a job's data in bytes, `result` that of 100,000 rows.

    `alone` is the time of a binomial review by itself, `sampled` what `nuts` returns.
    """
    each_normal, each_binary = small["cpu"] / small["n"], binary["cpu"] / binary["n"]
    few, many_ = sorted(memory)
    lines = [
        "# Libraries of reviews: time and memory",
        "",
        (
            f"Made by tests/batch_bench.py; {os.cpu_count()} cores, {platform.system()} "
            f"{platform.machine()}, Python {platform.python_version()}."
        ),
        "",
        f"## {small['n']:,} normal reviews, one core",
        "",
        (
            f"{small['cpu']:.1f} s of processor time, {small['wall']:.1f} s by the clock, "
            f"{1e3 * each_normal:.2f} ms a review: 3 to 30 trials, one prior set, REML with "
            "Hartung–Knapp, read from a CSV file. The exact 95 % intervals hold the true mean in "
            f"{100 * small['held']:.1f} % of the reviews (which were not drawn from the prior set)."
        ),
        "",
        *shares(small),
        f"## {binary['n']:,} binomial reviews, one core",
        "",
        (
            f"{binary['cpu']:.1f} s of processor time, {binary['wall']:.1f} s by the clock, "
            f"{1e3 * each_binary:.0f} ms a review; one by one it is {1e3 * alone:.0f} ms, "
            f"{alone / each_binary:.1f} times as much. Coverage {100 * binary['held']:.1f} %."
        ),
        "",
        *shares(binary),
        "## NUTS beside",
        "",
        (
            f"{sampled[0]:.1f} s a binomial review on one core (4 chains of 1,000 draws after as "
            f"many of tuning) once the models are compiled, which took {sampled[1]:.0f} s here; "
            f"{100 * sampled[2]:.0f} % agree with the exact engine within 4 Monte Carlo errors."
        ),
        "",
        "## Memory",
        "",
        (
            f"`bayespool batch` on one CSV file, at most: {memory[few]:.0f} MB for {few:,} "
            "reviews, "
            f"{memory[many_]:.0f} MB for {many_:,}: {memory[many_] / memory[few]:.2f} times "
            "as much."
        ),
        "",
        "## Beside R",
        "",
        (
            "R was not there; its times are those of ../shared/reference/peer_timings.md, of "
            "another "
            f"two-core machine: metafor {1e3 * METAFOR:.1f} ms for REML alone (1,000 reviews of 9 "
            f"trials in a loop), bayesmeta {BAYESMETA:.1f} s for one fit. A normal review "
            "here, with "
            f"the posterior, REML and the reading, takes {each_normal / METAFOR:.2f} times "
            "metafor's "
            f"and 1/{BAYESMETA / each_normal:,.0f} of bayesmeta's."
        ),
        "",
        "## Workers",
        "",
        (
            f"The normal reviews again, in pieces of {chunk_size}, and the cost of a job that does "
            "nothing. The ratio is to one worker of the same kind."
        ),
        "",
        "| workers | s | ratio | a job that does nothing, ms |",
        "|---|---:|---:|---:|",
    ]
    first: dict[str, float] = {}
    for name, wall, empty in scale:
        one = first.setdefault(name.split()[1], wall)
        lines.append(f"| {name} | {wall:.1f} | {one / wall:.2f} | {1e3 * empty:.1f} |")
    if len(scale) < 3:
        lines += ["", "dask.distributed was not installed."]
    jobs = 100_000 / chunk_size
    empty = scale[-1][2]
    lines += [
        "",
        "## 100,000 reviews on 100 machines",
        "",
        (
            f"Not run: arithmetic with the figures above. Normal: {1e5 * each_normal:.0f} s "
            "of work "
            f"in {jobs:.0f} jobs, two a machine. The client alone reads the file, sends the jobs "
            f"({piece / 1e6:.1f} MB each), takes the answers and writes the parts: at "
            f"{1e3 * empty:.1f} ms for a job that does nothing, {jobs * empty:.1f} s, and the "
            "reading "
            "beside it. More than a few machines gain nothing: one machine is the right place for "
            f"normal reviews. Binomial: {1e5 * each_binary / 3600:.1f} hours of work, "
            f"{1e3 * each_binary / 60:.1f} minutes on 100 machines of one core if it is shared out "
            f"evenly. Two jobs a machine are too few for that: with `--chunk 50` there are "
            f"{1e5 / 50:.0f} jobs, twenty a machine, for {1e5 / 50 * empty:.0f} s of the client's "
            "time. What breaks first is the client, which holds three pieces a worker "
            f"({300 * piece / 1e6:.0f} MB) and is one process; the scheduler sees some "
            "thousand small "
            f"tasks and no data that stays. The result file would have {result / 1e6:.0f} MB: no "
            "limit."
        ),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    few, many_, binaries = (500, 2_000, 60) if quick else (10_000, 100_000, 10_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame, own = normals(few), counts(binaries)
        frame.to_csv(folder / "normal.csv", index=False)
        own.to_csv(folder / "binomial.csv", index=False)
        assert next(chunks(folder / "normal.csv", "review", 9)).shape[1] == frame.shape[1]
        small = one_core(folder / "normal.csv", frame, PARTS)
        binary = one_core(folder / "binomial.csv", own, COUNTED)
        some = own[own["review"].isin([f"r{i}" for i in range(5 if quick else 100)])]
        alone = one_by_one(some)
        fits = own[own["review"].isin([f"r{i}" for i in range(2 if quick else 20)])]
        sampled = nuts(fits)
        piece = len(pickle.dumps(next(chunks(folder / "normal.csv", "review", run.SIZE))))
        memory = {}
        for count in (few if quick else 1_000, many_):
            normals(count).to_csv(folder / "long.csv", index=False)
            memory[count] = peak_memory(folder / "long.csv", folder / "out.parquet")
        result = (folder / "out.parquet").stat().st_size * 1e5 / many_
        scale = scaling(folder / "normal.csv", 20 if quick else 500)
    text = report(small, binary, memory, scale, run.SIZE, piece, result, alone, sampled)
    sys.stdout.write(text)
    if not quick:
        write_if_changed(REPORT, text)


if __name__ == "__main__":
    main()
