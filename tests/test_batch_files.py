"""A library comes in any of its forms, with faults in it, and a run may be stopped at any time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayespool as bp
from bayespool.batches import COLUMNS, Asked, batch_to_file
from bayespool.batches.chunk import answers
from bayespool.batches.reading import chunks
from bayespool.cli import main
from bayespool.errors import BayespoolError, DataError, PriorError, UsageError
from bayespool.files import alone

ROOT = Path(__file__).resolve().parents[1]
PLACES = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
ENV = os.environ | {"PYTHONPATH": os.pathsep.join(PLACES)}


def made(count, seed=1, most=6):
    """So many normal reviews."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, most + 1, count)
    review = np.repeat(np.arange(count), sizes)
    se = rng.uniform(0.1, 0.6, len(review))
    return pd.DataFrame(
        {
            "review": [f"review {i}" for i in review],
            "trial": [f"t{j}" for size in sizes for j in range(size)],
            "estimate": rng.normal(rng.normal(0, 0.5, count)[review], np.hypot(se, 0.2)),
            "se": se,
        }
    )


def numbers(table):
    return table.drop(columns="seconds").reset_index(drop=True)


def same(one, other, **more):
    pd.testing.assert_frame_equal(numbers(one), numbers(other), check_exact=True, **more)


# --- what is wrong with one review -----------------------------------------------------------


def counts(*rows, review="a"):
    columns = ["trial", "events_treatment", "n_treatment", "events_control", "n_control"]
    return pd.DataFrame(rows, columns=columns).assign(review=review)


GOOD = counts(["x", 1, 10, 3, 10], ["y", 2, 20, 5, 20], review="good")
BAD = {
    "exceeds": counts(["x", 11, 10, 3, 10], ["y", 2, 20, 5, 20]),
    "text": counts(["x", "one", 10, 3, 10], ["y", 2, 20, "1,000", 20]),
    "no name": counts(["", 1, 10, 3, 10], ["y", 2, 20, 5, 20]),
    "missing name": counts([None, 1, 10, 3, 10], ["y", 2, 20, 5, 20]),
    "twice": counts(["x", 1, 10, 3, 10], ["X ", 2, 20, 5, 20]),
    "mu": counts(["mu", 1, 10, 3, 10], ["y", 2, 20, 5, 20]),
    "control": counts(["x\x1b", 1, 10, 3, 10], ["y", 2, 20, 5, 20]),
    "empty cell": counts(["x", None, 10, 3, 10], ["y", 2, 20, 5, 20]),
    "no contrast": counts(["x", 0, 10, 0, 10], ["y", 0, 20, 0, 20]),
}


@pytest.mark.parametrize(
    ("what", "likelihood"),
    # Trials without a contrast are no fault to the binomial model, if mu has a prior.
    [(what, "normal") for what in BAD]
    + [(what, "binomial") for what in BAD if what != "no contrast"],
)
def test_a_faulty_review_has_its_row_in_the_words_of_one_alone(what, likelihood):
    frame = pd.concat([GOOD, BAD[what], GOOD.assign(review="also good")], ignore_index=True)
    found = bp.batch(frame, measure="OR", likelihood=likelihood)
    assert list(found["review"]) == ["good", "a", "also good"]
    with pytest.raises(BayespoolError) as error:
        bp.surface(bp.read_trials(BAD[what].drop(columns="review")), "OR", likelihood)
    assert list(found["error"]) == ["", str(error.value).replace("<DataFrame>", "a"), ""]
    alone = bp.batch(GOOD, measure="OR", likelihood=likelihood)
    # A matrix product of two reviews rounds otherwise than that of one.
    pd.testing.assert_frame_equal(numbers(found.iloc[[0]]), numbers(alone), rtol=1e-9)
    faulty = found.iloc[1].drop(["review", "priors", "measure", "effects", "seconds", "error"])
    assert faulty.drop(["likelihood"]).isna().all()


def test_the_same_trial_names_in_two_reviews_and_names_of_any_script():
    frame = pd.concat([GOOD, GOOD.assign(review="Übersicht 試験 ≥ 1")], ignore_index=True)
    found = bp.batch(frame, measure="OR", likelihood="normal")
    assert list(found["review"]) == ["good", "Übersicht 試験 ≥ 1"]
    assert found["mu_mean"].nunique() == 1


@pytest.mark.parametrize(
    ("frame", "measure", "words"),
    [
        (GOOD.drop(columns="review"), "OR", "has no column review"),
        (GOOD, None, "no measure was given"),
        (pd.concat([GOOD, counts(["x", 1, 9, 2, 9]), GOOD]), "OR", "do not stand together"),
        (GOOD.assign(review=["good", ""]), "OR", "1 row has no review"),
        (GOOD.assign(review=[None, None]), "OR", "2 rows have no review"),
        (GOOD.iloc[:0], "OR", "no review in it"),
        (GOOD.set_axis([*GOOD.columns[:-2], "trial", "review"], axis=1), "OR", "stands twice"),
        (GOOD, "RRR", "there is no measure 'RRR'"),
    ],
    ids=["no column", "no measure", "split", "blank", "none", "empty", "column twice", "measure"],
)
def test_what_is_wrong_with_a_whole_library(frame, measure, words):
    with pytest.raises((DataError, UsageError), match=words):
        bp.batch(frame, measure=measure)


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"priors": "strong"}, UsageError, "strong"),
        ({"priors": ["weak", "weak"]}, UsageError, "each once"),
        ({"priors": []}, UsageError, "one prior set"),
        ({"priors": "sceptical"}, UsageError, "important"),
        ({"tau": "HalfNormal(x)"}, PriorError, "HalfNormal"),
        ({"thresholds": ["low"]}, UsageError, "a threshold is a number"),
        ({"thresholds": [-1]}, UsageError, "-1"),
        ({"thresholds": [np.nan]}, UsageError, "finite"),
        ({"benefit": "up"}, UsageError, "lower or higher"),
        ({"effects": "fixed"}, UsageError, "random, common, t"),
        ({"likelihood": "poisson"}, UsageError, "binomial, normal, arms"),
        ({"double_zero": "skip"}, UsageError, "drop, keep"),
    ],
)
@pytest.mark.parametrize("measured", [True, False])
def test_what_is_wrong_for_every_review_stops_at_once(more, error, words, measured):
    frame = GOOD.assign(measure="OR")
    if not measured and more.get("thresholds") == [-1]:
        more = {"thresholds": ["-1x"]}  # -1 is a difference, and the measures are not known yet
        words = "a threshold is a number"
    with pytest.raises(error, match=words):
        bp.batch(frame, measure="OR" if measured else None, **more)


def test_each_review_has_the_measure_of_its_column():
    frame = pd.concat(
        [
            GOOD.assign(measure="OR"),
            GOOD.assign(review="b", measure="RR "),
            GOOD.assign(review="two", measure=["OR", "RR"]),
            GOOD.assign(review="unknown", measure="OOR"),
            GOOD.assign(review="none", measure=None),
            GOOD.assign(review="impossible", measure="HR"),
            made(1).assign(review="a third layout", measure="HR"),
        ],
        ignore_index=True,
    )
    found = bp.batch(frame, likelihood="normal", thresholds=[0.5, 1, "0.50"]).set_index("review")
    assert list(found["measure"].fillna("")) == ["OR", "RR", "", "", "", "", "HR"] or list(
        found.loc[["good", "b", "a third layout"], "measure"]
    ) == ["OR", "RR", "HR"]
    errors = found["error"]
    assert list(errors[["good", "b", "a third layout"]]) == ["", "", ""]
    assert errors["two"] == "two has two measures, OR and RR. Keep one."
    assert "there is no measure 'OOR'" in errors["unknown"]
    assert errors["none"] == "none has no measure. Write one into the column measure."
    assert "cannot be computed from the binary layout" in errors["impossible"]
    assert found.loc["good", "prob_below_1"] == found.loc["good", "prob_below"]
    assert found.loc["good", "prob_below_0.5"] == found.loc["good", "prob_below_0.50"]


def test_a_threshold_that_one_measure_cannot_have_is_that_reviews_error():
    frame = pd.concat([GOOD.assign(measure="OR"), GOOD.assign(review="b", measure="RD")])
    found = bp.batch(frame, likelihood="normal", thresholds=[-0.1])
    assert list(found["error"] == "") == [False, True]
    assert "-0.1" in found["error"].iloc[0]


# --- forms of a library ----------------------------------------------------------------------


def written(frame, folder, form):
    if form == "frame":
        return frame
    if form == "csv":
        frame.to_csv(folder / "library.csv", index=False)
        return folder / "library.csv"
    if form == "parquet":
        frame.to_parquet(folder / "library.parquet", index=False)
        return folder / "library.parquet"
    (folder / "many").mkdir()
    for name, part in frame.groupby("review", sort=False):
        part.drop(columns="review").to_csv(folder / "many" / f"{name}.csv", index=False)
    return folder / "many"


@pytest.mark.parametrize("form", ["csv", "parquet", "folder"])
def test_every_form_of_a_library_gives_the_same(form, tmp_path):
    frame = made(9)
    expected = bp.batch(frame, measure="OR", benefit="lower")
    same(bp.batch(written(frame, tmp_path, form), measure="OR", benefit="lower"), expected)


@pytest.mark.parametrize("lines", [1, 3, 7, 1000])
def test_pieces_of_any_length_make_the_same_chunks(lines, tmp_path, monkeypatch):
    monkeypatch.setattr("bayespool.batches.reading.LINES", lines)
    frame = made(9)
    for form in ("csv", "parquet"):
        found = list(chunks(written(frame, tmp_path, form), "review", 2))
        assert [part["review"].nunique() for part in found] == [2, 2, 2, 2, 1]
        joined = pd.concat(found, ignore_index=True)
        assert list(joined["review"]) == list(frame["review"])
        assert list(joined["se"].astype(float)) == list(frame["se"])


def test_the_two_kinds_of_results_say_the_same(tmp_path):
    frame = pd.concat([made(5), BAD["exceeds"].assign(review='a "bad" one, x')], ignore_index=True)
    asked = Asked(measure="OR", priors=("weak", "vague"), benefit="lower", thresholds=("0.9",))
    source = written(frame, tmp_path, "parquet")
    for name in ("out.parquet", "out.csv"):
        assert batch_to_file(source, tmp_path / name, asked, workers=1, size=2).failed == 1
    exact = pd.read_parquet(tmp_path / "out.parquet")
    plain = pd.read_csv(tmp_path / "out.csv", keep_default_na=False, na_values={}, dtype=str)
    assert list(exact) == list(plain) == list(asked.columns)
    for name in exact:
        if name == "seconds":
            continue
        for one, other in zip(exact[name], plain[name], strict=True):
            if pd.isna(one):
                assert other == ""
            elif isinstance(one, str):
                assert other == one
            else:
                assert float({"true": 1, "false": 0}.get(other, other)) == float(one)
    pd.testing.assert_frame_equal(
        numbers(exact), numbers(answers(next(chunks(frame, "review", 99)), asked)), rtol=1e-7
    )


@pytest.mark.parametrize("form", ["frame", "csv", "parquet"])
def test_names_of_reviews_stay_text(form, tmp_path):
    names = ["1", "1.0", "nan", "NA", "007", "null", "True", "1e5", "=1+1"]
    frame = pd.concat([GOOD.assign(review=name) for name in names], ignore_index=True)
    found = bp.batch(written(frame, tmp_path, form), measure="OR", likelihood="normal")
    assert list(found["review"]) == names
    assert (found["error"] == "").all()


@pytest.mark.parametrize("kind", ["int64", "float64", "Int64", "category"])
def test_reviews_that_are_numbered(kind, tmp_path):
    frame = pd.concat([GOOD.assign(review=i) for i in (3, 1, 2)], ignore_index=True)
    frame["review"] = frame["review"].astype(kind)
    path = written(frame, tmp_path, "parquet")
    for source in (frame, path):
        found = bp.batch(source, measure="OR", likelihood="normal", size=1)
        assert list(found["review"]) == ["3", "1", "2"]


def test_numbered_trials_are_read_as_alone():
    frame = pd.concat([GOOD.assign(trial=[1.0, 2.0]), GOOD.assign(trial=[1.0, np.nan], review="b")])
    found = bp.batch(frame, measure="OR", likelihood="normal")
    assert list(found["error"]) == ["", "b, row 3: the trial has no name. Give it one."]


def test_a_folder_with_files_that_cannot_be_read(tmp_path):
    folder = written(made(2), tmp_path, "folder")
    (folder / "binary.csv").write_bytes(b"PK\x03\x04 workbook")
    (folder / "ragged.csv").write_text("trial,estimate,se\na,1\nb,2,0.1\n")
    (folder / "twice.csv").write_text("trial,estimate,se,se\na,1,1,1\nb,2,0.1,1\n")
    (folder / "empty.csv").write_text("")
    (folder / "other.csv").write_text("trial,estimate,se,year\na,1,0.1,2000\nb,2,0.1,\n")
    (folder / "notes.txt").write_text("not a review")
    found = bp.batch(folder, measure="OR").set_index("review")
    assert list(found.index[found["error"] == ""]) == ["other", "review 0", "review 1"]
    for name in ("binary", "ragged", "twice", "empty"):
        with pytest.raises(DataError) as error:
            bp.read_trials(folder / f"{name}.csv")
        assert found.loc[name, "error"] == str(error.value)
    for i in (0, 1):
        alone_ = bp.batch(made(2).query(f"review == 'review {i}'"), measure="OR")
        assert found.loc[f"review {i}", "mu_mean"] == pytest.approx(alone_["mu_mean"].iloc[0])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "review;trial;estimate;se\n1;a;1;1\n", "has no column review"),
        ("a.csv", "review,trial,estimate,se,se\n1,a,1,1,1\n", 'column "se" stands twice'),
        (
            "a.csv",
            "review,trial,estimate,se\n1,a,1,1,1,9\n",
            "row 2: 6 cells, but the header has 4",
        ),
        ("a.csv", "", "cannot be read as CSV"),
        ("a.csv", "review,trial,estimate,se\n1,a,1,1\n1,b,1,1,1\n", "Expected 4 fields in line 3"),
        ("a.csv", "review,trial,estimate,se\n", "there is no review"),
        ("a.parquet", "review", "cannot be read as Parquet"),
    ],
)
def test_a_long_file_that_cannot_be_read(name, content, words, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=words):
        bp.batch(tmp_path / name, measure="OR")
    with pytest.raises(DataError, match="no such file"):
        bp.batch(tmp_path / "other.csv", measure="OR")


def test_a_faulty_long_table_is_read_in_halves_not_one_by_one(monkeypatch):
    import bayespool.batches.reviews as room

    calls = []
    read = room.read_trials
    monkeypatch.setattr(
        room, "read_trials", lambda table, **more: calls.append(1) or read(table, **more)
    )
    frame = made(256)
    frame.loc[frame["review"] == "review 77", "se"] = -1.0
    found = bp.batch(frame, measure="OR")
    assert list(found["review"][found["error"] != ""]) == ["review 77"]
    assert len(calls) <= 2 * 8 + 1


# --- the command line, files and resuming ----------------------------------------------------


def run(*words):
    return main(["batch", *map(str, words)])


def test_the_command_says_how_many_and_its_status_whether_all(tmp_path, capsys):
    good = written(made(3), tmp_path, "csv")
    out = tmp_path / "out.parquet"
    assert run(good, "--measure", "OR", "--out", out, "--workers", 1) == 0
    said = capsys.readouterr()
    assert said.out == f"3 of 3 reviews analysed, written to {out}.\n"
    assert said.err == ""
    frame = made(3)
    frame.loc[0, "se"] = 0
    bad = tmp_path / "bad.csv"
    frame.to_csv(bad, index=False)
    assert run(bad, "--measure", "OR", "--out", out, "--priors", "weak, vague") == 2
    assert capsys.readouterr().out == (
        f"2 of 3 reviews analysed, written to {out}. 1 has no answer: the column error says why.\n"
    )
    assert list(pd.read_parquet(out)["priors"]) == ["weak", "vague"] * 3
    for words in (["--out", tmp_path / "out.xlsx"], ["--out", out, "--priors", "strong"]):
        assert run(good, "--measure", "OR", *words) == 2
        assert capsys.readouterr().out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "bad.csv", "library.csv", "out.parquet",
    ]  # fmt: skip


def test_a_run_that_fails_before_any_part_is_done_leaves_nothing(tmp_path):
    source = written(GOOD.drop(columns="review"), tmp_path, "csv")
    with pytest.raises(DataError, match="has no column review"):
        batch_to_file(source, tmp_path / "out.csv", Asked(measure="OR"), workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["library.csv"]


SLOW = """
import sys, time
import bayespool.batches.run as run
from bayespool.batches import Asked
plain = run._part
def slow(*job):
    time.sleep(0.05)
    return plain(*job)
run._part = slow
run.batch_to_file(sys.argv[1], sys.argv[2], Asked(measure="OR"), workers=1, size=2)
"""


def killed(source, out, parts):
    """Start a run, and kill it once so many parts are there."""
    child = subprocess.Popen([sys.executable, "-c", SLOW, str(source), str(out)], env=ENV)
    folder = Path(f"{out}.parts")
    deadline = time.monotonic() + 60
    while len(list(folder.glob("part-*"))) < parts and time.monotonic() < deadline:
        assert child.poll() is None
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert parts <= len(list(folder.glob("part-*"))) < 15
    assert not Path(out).exists()
    return folder


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    source, out = written(made(30), tmp_path, "csv"), tmp_path / "out.parquet"
    asked = Asked(measure="OR")
    for parts in (1, 4):
        folder = killed(source, out, parts)
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("part-*")}
    seen = []

    def progress(reviews, failed):
        seen.append(reviews)
        if len(seen) == len(kept) + 1:  # one more is done, and the kept ones are untouched
            assert all(path.stat().st_mtime_ns == at for path, at in kept.items())

    done = batch_to_file(source, out, asked, workers=1, size=2, progress=progress)
    assert (done.reviews, done.failed, len(seen)) == (30, 0, 15)
    assert not folder.exists()
    whole = bp.batch(source, measure="OR", size=2)
    assert list(whole["review"]) == [f"review {i}" for i in range(30)]
    same(pd.read_parquet(out), whole, check_dtype=False)

    # Other data, other settings: refused, until it is said to start afresh.
    folder = killed(source, out, 2) if not out.unlink() else None
    for words, more in (
        ("asked differed", {"asked": Asked(measure="OR", priors=("vague",))}),
        ("size differed", {"size": 3}),
    ):
        with pytest.raises(UsageError, match=words):
            batch_to_file(source, out, **({"asked": asked, "size": 2} | more))
    made(30, seed=2).to_csv(source, index=False)
    with pytest.raises(UsageError, match="input differed"):
        batch_to_file(source, out, asked, size=2)
    assert folder.exists()
    batch_to_file(source, out, asked, workers=1, size=2, afresh=True)
    same(pd.read_parquet(out), bp.batch(source, measure="OR", size=2), check_dtype=False)


def test_two_runs_into_one_file(tmp_path):
    source, out = written(made(3), tmp_path, "csv"), tmp_path / "out.csv"
    with (
        alone(f"{out}.parts"),
        pytest.raises(BayespoolError, match=r"another run is at work in .*out\.csv\.parts"),
    ):
        batch_to_file(source, out, Asked(measure="OR"), workers=1)
    assert not out.exists()


def test_two_workers_write_what_one_does(tmp_path):
    source = written(made(30), tmp_path, "csv")
    for workers in (1, 2):
        batch_to_file(source, tmp_path / f"{workers}.parquet", Asked(measure="OR"), workers, size=4)
    same(*(pd.read_parquet(tmp_path / f"{workers}.parquet") for workers in (1, 2)))


def test_columns_of_results_are_those_that_are_asked_for():
    asked = Asked(measure="OR", benefit="higher", thresholds=("0.9", "1.1"))
    table = answers(next(chunks(made(2), "review", 9)), asked)
    assert list(table) == list(asked.columns)
    assert [name for name in table if name not in COLUMNS] == [
        f"prob_{what}{new}{end}"
        for new in ("", "_new")
        for end in ("", "_0.9", "_1.1")
        for what in ("below", "benefit")
    ]
    total = table["prob_below_0.9"] + table["prob_benefit_0.9"]
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)
