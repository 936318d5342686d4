"""The same work on a real Dask cluster on this machine, whose parts are lost one after another."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_batch_files import ENV, made, same

import bayespool as bp
from bayespool.batches import Asked, batch_to_file
from bayespool.cli import main
from bayespool.errors import BayespoolError, UsageError
from bayespool.parallel import each, stream

distributed = pytest.importorskip("distributed", reason="an optional extra")

ROOT = Path(__file__).resolve().parents[1]
WAIT = 60  # seconds at most, for what takes one or two
# What distributed leaves open when a process of its own was killed is not ours to close.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
ASKED = Asked(measure="OR")


def until(true):
    deadline = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes, each watched by a nurse that starts it again."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=100
    ) as found:
        yield found


class Processes:
    """A scheduler and two workers as processes of their own, which can be killed."""

    def __init__(self, folder):
        told = folder / "scheduler.json"
        common = {"stderr": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "env": ENV}
        words = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        words += ["--scheduler-file", str(told)]
        self.scheduler = subprocess.Popen([sys.executable, "-m", "dask", *words], **common)
        until(lambda: told.exists() and told.read_text())
        time.sleep(0.1)
        with distributed.Client(scheduler_file=str(told), set_as_default=False) as client:
            self.address = client.scheduler.address
        self.folder, self.common = folder, common
        self.workers = [self.worker(), self.worker()]

    def worker(self):
        words = ["worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        words = [sys.executable, "-m", "dask", *words]
        return subprocess.Popen(words, cwd=self.folder, **self.common)

    def close(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def processes(tmp_path_factory):
    found = Processes(tmp_path_factory.mktemp("dask"))
    yield found
    found.close()


def square(x):
    time.sleep(0.01)
    return x * x


def deadly(x):
    if x == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def faulty(x):
    raise ValueError(f"no good: {x}")


def test_results_come_in_the_jobs_order_and_each_job_has_one(cluster):
    done = []
    found = each(
        square,
        [(i,) for i in range(40)],
        progress=lambda *at: done.append(at),
        scheduler=cluster.scheduler_address,
    )
    assert found == [i * i for i in range(40)]
    assert done == [(i, 40) for i in range(1, 41)]


def test_jobs_are_made_only_as_they_are_needed(cluster):
    made_jobs = []
    jobs = ((made_jobs.append(i) or i,) for i in range(100))
    results = stream(square, jobs, scheduler=cluster.scheduler_address)
    next(results)
    assert len(made_jobs) <= 3 * 2 + 1
    results.close()


def test_an_error_of_a_job_is_raised_as_it_is(cluster):
    with pytest.raises(ValueError, match="no good: 1"):
        each(faulty, [(1,)], scheduler=cluster.scheduler_address)


def test_a_library_has_exactly_the_numbers_of_one_process(cluster, tmp_path):
    frame = made(30)
    here = bp.batch(frame, measure="OR", size=4)
    same(bp.batch(frame, measure="OR", size=4, scheduler=cluster.scheduler_address), here)
    frame.to_parquet(tmp_path / "in.parquet", index=False)
    out = tmp_path / "out.csv"
    words = ["batch", tmp_path / "in.parquet", "--measure", "OR", "--out", out, "--chunk", 4]
    assert main([*map(str, words), "--scheduler", cluster.scheduler_address]) == 0
    assert list(pd.read_csv(out)["review"]) == list(here["review"])


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.long)])
def test_workers_killed_and_every_review_is_there_once(processes, kills):
    frame = made(60)
    whole = bp.batch(frame, measure="OR", size=2)
    with distributed.Client(processes.address, set_as_default=False) as client:
        for _ in range(kills):
            client.wait_for_workers(2, timeout=WAIT)
            seen = []

            def kill(reviews, failed, seen=seen):
                if not seen:
                    processes.workers[0].kill()
                seen.append(reviews)

            found = bp.batch(
                frame, measure="OR", size=2, scheduler=processes.address, progress=kill
            )
            assert seen == list(range(2, 62, 2))
            same(found, whole)
            processes.workers[0].wait()
            processes.workers = [processes.workers[1], processes.worker()]


def test_a_job_that_kills_every_worker_is_said_to(cluster):
    with pytest.raises(BayespoolError, match="ended the worker that ran it"):
        each(deadly, [(i,) for i in range(5)], scheduler=cluster.scheduler_address)


@pytest.mark.long
def test_the_scheduler_is_lost_and_the_run_goes_on_without(processes, tmp_path):
    source, out = tmp_path / "in.csv", tmp_path / "out.parquet"
    made(120).to_csv(source, index=False)

    def kill(reviews, failed):
        if reviews == 8:
            processes.scheduler.kill()

    with pytest.raises(BayespoolError, match=r"was lost .*it goes on from what is done"):
        batch_to_file(source, out, ASKED, scheduler=processes.address, size=2, progress=kill)
    kept = len(list(Path(f"{out}.parts").glob("part-*")))
    assert 4 <= kept < 60
    seen = []
    batch_to_file(source, out, ASKED, workers=1, size=2, progress=lambda n, _: seen.append(n))
    assert len(seen) == 60
    same(pd.read_parquet(out), bp.batch(source, measure="OR", size=2))
    assert not Path(f"{out}.parts").exists()


@pytest.mark.long
def test_the_client_is_killed_and_the_next_run_goes_on(processes, tmp_path):
    source, out = tmp_path / "in.csv", tmp_path / "out.parquet"
    made(160).to_csv(source, index=False)
    words = ["batch", source, "--measure", "OR", "--out", out, "--chunk", 2]
    words += ["--scheduler", processes.address]
    child = subprocess.Popen([sys.executable, "-m", "bayespool", *map(str, words)], env=ENV)
    folder = Path(f"{out}.parts")
    until(lambda: len(list(folder.glob("part-*"))) >= 3)
    child.kill()
    child.wait()
    kept = len(list(folder.glob("part-*")))
    assert kept < 80
    assert not out.exists()
    assert main([*map(str, words)]) == 0  # on the same cluster
    found = pd.read_parquet(out)
    assert list(found["review"]) == [f"review {i}" for i in range(160)]
    assert (found["error"] == "").all()
    assert not folder.exists()


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:9", "127.0.0.1", "somewhere://127.0.0.1:9", "tcp://127.0.0.1:x"]
)
def test_an_address_that_does_not_answer_is_one_sentence(address, tmp_path, monkeypatch):
    monkeypatch.setattr("bayespool.parallel.PATIENCE", 1)
    made(2).to_csv(tmp_path / "in.csv", index=False)
    script = "import sys, bayespool.parallel as p; p.PATIENCE = 1; from bayespool.cli import main; "
    script += "sys.exit(main(sys.argv[1:]))"
    words = ["batch", "in.csv", "--measure", "OR", "--out", "out.csv", "--scheduler", address]
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=tmp_path,
        env=ENV,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") <= 2
    assert f"no Dask scheduler answers at {address}. Start one" in " ".join(done.stderr.split())
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'bayespool\[distributed\]'"):
        bp.batch(made(2), measure="OR", scheduler="tcp://127.0.0.1:8786")


def test_random_numbers_are_those_of_one_process(cluster):
    from bayespool.parallel import seeds

    jobs = [(seed,) for seed in seeds(1, 8)]
    here = each(drawn, jobs, workers=1)
    assert here == each(drawn, jobs, scheduler=cluster.scheduler_address)


@pytest.mark.long
def test_simulated_reviews_and_sampled_subsets_are_those_of_one_process(cluster):
    trials = bp.read_trials(made(1).drop(columns="review"))
    there = {"scheduler": cluster.scheduler_address}
    asked = {"benefit": "lower", "effect": 0.8, "tau": 0.2, "reviews": 300}
    here = bp.operating_characteristics(trials, "OR", workers=1, **asked)
    pd.testing.assert_frame_equal(
        here, bp.operating_characteristics(trials, "OR", **asked, **there)
    )
    surface, weak = bp.surface(trials, "OR"), bp.priors("OR")
    few = {"most": 2, "sample": 5, "seed": 1}
    pd.testing.assert_frame_equal(
        bp.gosh(surface, weak, **few), bp.gosh(surface, weak, **few, **there)
    )


def drawn(seed):
    return float(np.random.default_rng(seed).normal())
