"""The same data, seed and versions give the same bytes: on one core and on two, run after run."""

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from determinism_whole import TARGET, copy_project, differing, files_of, review, table

# Counts by a risk ratio and medians by a ratio of means, each by both engines.
OUTCOMES = ("serious_adverse_events", "hospital_stay")
REPORTS = Path(__file__).resolve().parents[1] / "reports"
FEW_CORES = len(os.sched_getaffinity(0)) < 2 if hasattr(os, "sched_getaffinity") else True


@pytest.fixture(scope="module")
def one_core(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("one")
    return review(folder / "run", OUTCOMES, 1, {"PYTHONHASHSEED": "1", "TZ": "UTC"})


@pytest.mark.long
def test_a_report_has_every_kind_of_file_from_both_engines(one_core):
    names = files_of(one_core)
    assert "index.html" in names
    for outcome in OUTCOMES:
        record = json.loads((one_core / outcome / "record.json").read_text(encoding="utf-8"))
        assert record["seed"] == 2026
        assert {"exact", "nuts"} <= set(record)
        for kind in ("tables/*.csv", "figures/*.svg", "diagnostics/*.png", "report.md"):
            assert list((one_core / outcome).glob(kind)), f"{outcome}/{kind}"


@pytest.mark.long
@pytest.mark.skipif(FEW_CORES, reason="needs two cores, and a system that can give one")
def test_two_cores_write_the_same_bytes(one_core, tmp_path):
    """Another order of sets, time zone and language too."""
    more = {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "LC_ALL": "C", "LANG": "C"}
    again = review(tmp_path / "run", OUTCOMES, 2, more)
    assert len(files_of(again)) > 40
    assert differing(one_core, again) == []


@pytest.mark.long
@pytest.mark.skipif(FEW_CORES, reason="needs two cores, and a system that can give one")
def test_threads_that_the_user_sets_write_the_same_bytes(one_core, tmp_path):
    """Elsewhere they are unset; here are more of them than cores in linear algebra.

    Nor does a file of matplotlib's settings in the current folder change a picture.
    """
    more = {"PYTHONHASHSEED": "3", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "4"}
    copy_project(tmp_path / "run")
    (tmp_path / "run" / "matplotlibrc").write_text("font.size: 20\n", encoding="utf-8")
    again = review(tmp_path / "run", OUTCOMES[1:], 2, more)
    assert differing(one_core / OUTCOMES[1], again / OUTCOMES[1]) == []


def test_the_comparison_sees_what_it_should(tmp_path):
    """One byte, a file too many and a number in a record are seen; dates and timings are not."""
    one, copy = tmp_path / "one", tmp_path / "copy"
    shutil.copytree(REPORTS / "hospital_stay", one / "hospital_stay")
    shutil.copyfile(REPORTS / "index.html", one / "index.html")
    shutil.copytree(one, copy)
    path = copy / "hospital_stay" / "record.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["wall_seconds"] = {"total": 1.0}
    path.write_text(json.dumps(record), encoding="utf-8")
    assert differing(one, copy) == []
    record["exact"]["mu"]["mean"] += 1e-15 * abs(record["exact"]["mu"]["mean"]) + 1e-15
    path.write_text(json.dumps(record), encoding="utf-8")
    page = copy / "index.html"
    page.write_bytes(page.read_bytes() + b" ")
    (copy / "hospital_stay" / "tables" / "more.csv").write_text("a\n", encoding="utf-8")
    (copy / "hospital_stay" / "report.md").unlink()
    names = [
        "hospital_stay/record.json",
        "hospital_stay/report.md",
        "hospital_stay/tables/more.csv",
        "index.html",
    ]
    assert differing(one, copy) == names
    counted = table(one, copy).set_index("files")["differing"].to_dict()
    assert {kind: n for kind, n in counted.items() if n} == {
        ".csv": 1, ".html": 1, ".json": 1, ".md": 1,
    }  # fmt: skip


def test_the_whole_review_was_the_same():
    """`tests/determinism_whole.py` wrote this table from two runs of everything."""
    if not TARGET.exists():
        pytest.skip("not run yet: python tests/determinism_whole.py")
    found = pd.read_csv(TARGET)
    assert set(found["files"]) == {".csv", ".html", ".json", ".md", ".png", ".svg"}
    assert found["compared"].min() > 0
    assert found["differing"].sum() == 0
    assert found["date"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
