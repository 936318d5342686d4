"""The command line on a full disk, in a read-only folder, killed, and beside itself.

`tests/faults.py` kills it more often, and `make report` too; its table is read here.
"""

import os
import resource
import signal
import subprocess
import sys
import textwrap
from itertools import cycle

import pandas as pd
import pytest
from faults import REPORTS, Case, finished, killed, start, tree

from bayespool.interrupt import SAID

COMMAND = [sys.executable, "-m", "bayespool"]
ASKED = ["fit", "data/mortality.csv", "--measure", "RR", "--benefit", "lower"]
FAST = ["--engine", "exact", "--quiet"]


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """`bayespool fit` in two settings, and what each writes."""
    out = tmp_path_factory.mktemp("faults")

    def command(setting):
        threshold = ["--threshold", f"0.{7 + setting}"]
        return [*COMMAND, *ASKED, *FAST, *threshold, "--out", str(out / "mortality")]

    made = Case("bayespool fit", command, out, ("mortality",))
    known = []
    for setting in (0, 1):
        finished(made, setting)
        known.append(tree(out / "mortality"))
    assert known[0] != known[1]
    return made, known


def run(*arguments, **options):
    done = subprocess.run(
        [*COMMAND, *ASKED, *FAST, *arguments], capture_output=True, text=True, **options
    )
    return done.returncode, done.stderr


def beside(folder):
    return [path.name for path in folder.iterdir() if path.name != "mortality"]


@pytest.mark.long
def test_kills_leave_the_old_report_or_the_new(case):
    made, known = case
    was_running = 0
    for setting, seconds in zip(cycle((0, 1)), (0.5, 1.5, 2.5, 3, 3.5, 4), strict=False):
        was_running += killed(made, setting, seconds)
        assert tree(made.out / "mortality") in known
    assert was_running
    finished(made, 1)
    assert tree(made.out / "mortality") == known[1]
    assert beside(made.out) == []


@pytest.mark.long
def test_two_runs_at_once_into_one_folder_do_not_mix(case):
    made, known = case
    both = [start(made, setting) for setting in (0, 1)]
    for process in both:
        _, said = process.communicate()
        assert (process.returncode, said) == (0, b"")
    assert tree(made.out / "mortality") in known
    assert beside(made.out) == []


def test_a_full_disk_is_one_sentence_and_keeps_the_old_report(case):
    made, known = case
    finished(made, 0)

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    folder = made.out / "mortality"
    status, said = run("--threshold", "0.8", "--out", str(folder), preexec_fn=limit)
    assert status == 1
    assert said.count("\n") == 1
    assert said.startswith(f"{folder}")
    assert "cannot be written: File too large. Free some space" in said
    assert tree(folder) == known[0]
    assert beside(made.out) == []


READ_ONLY = textwrap.dedent("""
    import contextlib, io, os, sys
    from bayespool.cli import main
    asked = sys.argv[2:]
    with contextlib.redirect_stdout(io.StringIO()):
        assert main([*asked, "--out", sys.argv[1] + "/open"]) == 0  # all is imported now
    if os.geteuid() == 0:
        os.seteuid(65534)  # nobody: nothing is forbidden to root
    sys.exit(main([*asked, "--out", sys.argv[1] + "/closed/mortality"]))
""")


def test_a_read_only_folder_is_one_sentence(tmp_path):
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed").chmod(0o555)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.getuid() and parent.name.startswith("pytest-"):
            parent.chmod(0o755)  # nobody may pass through
    tmp_path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(tmp_path), *ASKED, *FAST],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (
        1,
        (
            f"{tmp_path}/closed/mortality cannot be written: Permission denied. "
            "Free some space or choose a folder you may write to, then run again.\n"
        ),
    )
    assert list((tmp_path / "closed").iterdir()) == []


# Python itself takes some tenths of a second to start, and answers for those.
@pytest.mark.parametrize("seconds", [0.6, 1, 2, 4])
def test_ctrl_c_at_any_moment_ends_with_130_and_a_sentence(tmp_path, seconds):
    process = subprocess.Popen(
        [*COMMAND, *ASKED, "--quiet", "--out", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What runs this test in the background may have it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out, said) == (130, "", f"{SAID}\n")
    assert not (tmp_path / "out").exists()


# --- what is committed ---------------------------------------------------------------------


def test_the_table_of_kills_is_committed_and_nothing_was_torn():
    table = pd.read_csv(REPORTS / "faults.csv", dtype={"commit": str})
    assert table["killed"].sum() >= 50
    assert (table["killed"] > 0).all()
    assert (table["left_old"] + table["left_new"] == table["runs"]).all()
    assert (table["torn"] == 0).all()
    assert table["next_run_whole"].all()
    assert (table["left_beside"] == 0).all()
