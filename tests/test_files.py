"""Writing: whole files or none, and nothing a spreadsheet would execute."""

import csv
import io
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayespool.errors import BayespoolError, ConvergenceError, DataError
from bayespool.files import (
    atomic_write,
    csv_text,
    json_text,
    sha256_of,
    sweep,
    without_keys,
    write_csv,
    write_if_changed,
    write_json,
)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def gone_process():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


# --- atomic writes ----------------------------------------------------------------------------


def test_a_file_is_written_with_its_folders(tmp_path):
    target = tmp_path / "reports" / "mortality" / "record.json"
    assert atomic_write(target, "é\n") == target
    assert target.read_bytes() == b"\xc3\xa9\n"
    atomic_write(str(target), b"\x00\r\n")
    assert target.read_bytes() == b"\x00\r\n"
    assert names_in(target.parent) == ["record.json"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    atomic_write(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_a_killed_run_leaves_the_old_file_or_the_new(tmp_path):
    target = tmp_path / "record.json"
    size = 3_000_000
    writer = (
        "import sys\n"
        "from bayespool.files import atomic_write\n"
        f"old, new = 'a' * {size}, 'b' * {size}\n"
        "while True:\n"
        "    atomic_write(sys.argv[1], old)\n"
        "    print('.', flush=True)\n"
        "    atomic_write(sys.argv[1], new)\n"
    )
    for pause in (0.003, 0.017, 0.031):
        process = subprocess.Popen(
            [sys.executable, "-c", writer, str(target)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert process.stdout.read(1) == b"."
        time.sleep(pause)
        process.kill()
        process.communicate()
        assert target.read_text() in ("a" * size, "b" * size)
        # Whatever the dead process left, the next write removes.
        (tmp_path / f".other.csv.{process.pid}.tmp").write_text("half")
        atomic_write(tmp_path / "next.json", "1")
        assert names_in(tmp_path) == ["next.json", "record.json"]


def test_sweep_removes_leftovers_of_the_dead_alone(tmp_path):
    dead = gone_process()
    keep = [
        f".record.json.{os.getpid()}.tmp",
        f".record.json.{os.getppid()}.tmp",
        f"record.json.{dead}.tmp",
        f".record.json.{dead}.tmp.txt",
        ".record.json.tmp",
        "notes.tmp",
        "record.json",
    ]
    gone = [f".forest.svg.{dead}.tmp", f".record.json.{dead}.tmp", f".x.{10**30}.tmp"]
    for name in [*keep, *gone]:
        (tmp_path / name).write_text("")
    (tmp_path / f".folder.{dead}.tmp").mkdir()
    removed = sweep(tmp_path)
    assert sorted(path.name for path in removed) == sorted(gone)
    assert names_in(tmp_path) == sorted([*keep, f".folder.{dead}.tmp"])
    assert sweep(tmp_path / "not there") == []


def test_a_full_disk_is_one_sentence_and_keeps_the_old_file(tmp_path):
    target = tmp_path / "record.json"
    atomic_write(target, "old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(BayespoolError) as caught:
            atomic_write(target, "x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(caught.value) == (
        f"{target} cannot be written: File too large. "
        "Free some space or choose a folder you may write to, then run again."
    )
    assert target.read_text() == "old"
    assert names_in(tmp_path) == ["record.json"]


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    for target, reason in [
        (tmp_path / "file" / "record.json", f"{tmp_path / 'file'} is no folder"),
        (tmp_path / "file" / "a" / "record.json", "Not a directory"),
        (tmp_path / "folder", "Is a directory"),
        (tmp_path / ("x" * 300), "File name too long"),
    ]:
        with pytest.raises(BayespoolError) as caught:
            atomic_write(target, "x")
        assert str(caught.value).startswith(f"{target} cannot be written: {reason}.")
    assert names_in(tmp_path) == ["file", "folder"]


def test_an_interrupted_write_leaves_nothing_behind(tmp_path):
    with pytest.raises(UnicodeEncodeError):
        atomic_write(tmp_path / "a.txt", "\ud800")
    assert names_in(tmp_path) == []


# --- unchanged files --------------------------------------------------------------------------


def test_the_same_content_is_not_written_again(tmp_path):
    target = tmp_path / "a.csv"
    assert write_if_changed(target, "1\n")
    os.utime(target, ns=(1, 1))
    assert not write_if_changed(target, "1\n")
    assert not write_if_changed(target, b"1\n")
    assert target.stat().st_mtime_ns == 1
    assert write_if_changed(target, "2\n")
    assert target.read_text() == "2\n"


def test_a_record_that_differs_in_timings_alone_is_not_written_again(tmp_path):
    target = tmp_path / "record.json"
    record = {"mu": 0.1, "wall_seconds": {"exact": 1.5}, "made": {"date": "Monday", "seed": 1}}
    ignoring = ("wall_seconds", "date")
    assert write_json(target, record, ignoring)
    first = target.read_bytes()
    later = {**record, "wall_seconds": {"exact": 2.5}, "made": {"date": "Tuesday", "seed": 1}}
    assert not write_json(target, later, ignoring)
    assert target.read_bytes() == first
    assert write_json(target, {**later, "mu": 0.2}, ignoring)
    assert json.loads(target.read_text())["made"]["date"] == "Tuesday"
    assert write_json(target, record)


def test_the_order_of_keys_is_part_of_a_record(tmp_path):
    target = tmp_path / "record.json"
    write_json(target, {"a": 1, "b": 2})
    assert write_json(target, {"b": 2, "a": 1}, ["date"])
    assert target.read_text().index('"b"') < target.read_text().index('"a"')


@pytest.mark.parametrize("old", [b"{ not JSON", b"\xff\xfe", b""])
def test_an_old_file_that_cannot_be_read_is_replaced(tmp_path, old):
    target = tmp_path / "record.json"
    target.write_bytes(old)
    assert write_json(target, {"a": 1}, ["date"])
    assert json.loads(target.read_text()) == {"a": 1}


def test_without_keys_reaches_every_depth():
    strip = without_keys("date")
    assert strip('{"date": 1, "a": [{"date": 2, "b": 3}]}') == strip('{"a": [{"b": 3}]}')
    assert strip('{"a": "date"}') != strip("{}")


# --- CSV --------------------------------------------------------------------------------------


def test_csv_is_plain_and_exact():
    frame = pd.DataFrame(
        {
            "trial": ["a", 'b, "c"', None],
            "estimate": [0.1 + 0.2, -1e-300, np.nan],
            "count": pd.array([1, -2, pd.NA], dtype="Int64"),
            "ok": [True, False, True],
            "any": [np.float32(0.5), 10**20, pd.NaT],
        },
        index=[5, 5, 5],
    )
    assert csv_text(frame) == (
        "trial,estimate,count,ok,any\n"
        "a,0.30000000000000004,1,true,0.5\n"
        '"b, ""c""",-1e-300,-2,false,100000000000000000000\n'
        ",,,true,\n"
    )


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_numbers_come_back_from_csv_as_they_were(values):
    lines = csv_text(pd.DataFrame({"x": values, "y": 1})).splitlines()
    assert [float(line.split(",")[0]) for line in lines[1:]] == values


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_text_is_no_formula_and_numbers_stay_numbers(start):
    frame = pd.DataFrame({f"{start}name": [f"{start}1+1", f"x{start}"], "n": [-1.5, -2.0]})
    rows = list(csv.reader(io.StringIO(csv_text(frame), newline="")))
    assert rows == [[f"'{start}name", "n"], [f"'{start}1+1", "-1.5"], [f"x{start}", "-2.0"]]


@given(st.lists(st.text() | st.text('\r\n\t,"=-ab'), min_size=1, max_size=3))
def test_no_text_cell_starts_a_formula(cells):
    frame = pd.DataFrame({"x": pd.Series(cells, dtype=object), "y": 1})
    rows = list(csv.reader(io.StringIO(csv_text(frame), newline="")))[1:]
    assert [row[0].removeprefix("'") for row in rows] == [cell.removeprefix("'") for cell in cells]
    assert not any(row[0].startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for row in rows)


def test_a_lone_empty_cell_is_a_row():
    frame = pd.DataFrame({"x": ["a", "", None]})
    assert list(csv.reader(io.StringIO(csv_text(frame)))) == [["x"], ["a"], [""], [""]]


def test_write_csv_writes_once(tmp_path):
    frame = pd.DataFrame({"trial": ["a"], "x": [0.1]})
    assert write_csv(tmp_path / "tables" / "x.csv", frame)
    assert not write_csv(tmp_path / "tables" / "x.csv", frame.copy())
    assert (tmp_path / "tables" / "x.csv").read_bytes() == b"trial,x\na,0.1\n"


# --- JSON and hashes --------------------------------------------------------------------------


def test_json_keeps_order_precision_and_has_no_nan():
    value = {
        "b": 0.1 + 0.2,
        "a": [np.float64("nan"), float("inf"), np.int64(3), np.bool_(True), None, "é"],
        0.9: np.array([[1.0, -np.inf], [2.0, 3.0]]),
        "t": (1, True),
    }
    text = json_text(value)
    assert text.endswith("}\n")
    assert "é" in text
    assert json.loads(text) == {
        "b": 0.30000000000000004,
        "a": [None, None, 3, True, None, "é"],
        "0.9": [[1.0, None], [2.0, 3.0]],
        "t": [1, True],
    }
    assert list(json.loads(text)) == ["b", "a", "0.9", "t"]
    assert text.splitlines()[1].startswith(' "b"')


def test_json_refuses_what_has_no_form_in_it():
    with pytest.raises(TypeError):
        json_text({"a": object()})


def test_sha256_of_bytes_and_text():
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256_of(b"") == sha256_of("") == empty
    assert sha256_of("é") == sha256_of(b"\xc3\xa9") != empty


# --- errors -----------------------------------------------------------------------------------


def test_errors_survive_a_journey_between_processes():
    import pickle

    error = pickle.loads(pickle.dumps(DataError(["one", "two"])))
    assert (type(error), error.faults, str(error)) == (DataError, ("one", "two"), "one\ntwo")
    assert DataError("one").faults == ("one",)
    import xarray as xr

    fit = xr.DataTree(xr.Dataset({"x": 1.0}))
    unconverged = pickle.loads(pickle.dumps(ConvergenceError("no", fit)))
    assert str(unconverged) == "no"
    assert unconverged.fit["x"].item() == 1.0


def test_paths_of_any_kind_are_taken(tmp_path):
    assert atomic_write(os.fspath(tmp_path / "a"), "1") == Path(tmp_path / "a")
