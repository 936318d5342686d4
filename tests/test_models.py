"""Every script of models/ answers its question, and the answers are those the project states."""

import importlib
import json
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

import bayespool as bp

MODELS = Path(__file__).resolve().parents[1] / "models"
NOT_OUTCOMES = ("all", "operating_characteristics")
SCRIPTS = sorted(
    path.stem
    for path in MODELS.glob("*.py")
    if path.stem not in NOT_OUTCOMES and path.stem[0] != "_"
)
DATA = MODELS.parent / "data"
# k, participants, P(benefit) beyond no effect at the primary prior
EXPECTED = {
    "mortality": (10, 610, 0.975),
    "clinical_improvement": (3, 123, 0.985),
    "adverse_events": (4, 227, 0.860),
    "serious_adverse_events": (3, 128, 0.635),
    "hospital_stay": (2, 99, 0.894),
    "time_to_improvement": (2, 99, 0.936),
    "crp": (1, 88, 0.99997),
    "il6": (1, 185, 0.583),
}


def load(name: str):
    return importlib.import_module(name)


@cache
def answer(name: str) -> bp.Analysis:
    return load(name).analyse(engine="exact")


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_answers_its_question(name, valid_record, tmp_path):
    analysis = answer(name)
    record = valid_record(analysis.record)
    trials, participants, p = EXPECTED[name]
    assert record["analysis"] == name
    assert (record["trials"], record["participants"]) == (trials, participants)
    null = "0" if record["measure"] == "MD" else "1"
    assert record["exact"]["prob_benefit"][null] == pytest.approx(p, abs=5e-4)
    assert record["exact"]["grid_error"] < 1e-4
    assert record["question"].endswith("?")
    assert record["important"] is not None
    few = "Too few trials to exclude harm" in analysis.headline()[2]
    assert few == (name in ("adverse_events", "serious_adverse_events"))
    analysis.write(tmp_path)
    assert json.loads((tmp_path / "record.json").read_text(encoding="utf-8"))["analysis"] == name
    assert (tmp_path / "figures" / "forest.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_every_outcome_has_a_script_and_all_runs_it():
    assert set(SCRIPTS) == set(EXPECTED) == set(load("all").OUTCOMES)
    other = {"alternatives", "trials", "published", "extraction_binary", "extraction_continuous"}
    assert {path.stem for path in DATA.glob("*.csv")} - other == set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_short(name):
    assert len((MODELS / f"{name}.py").read_text(encoding="utf-8").splitlines()) < 65


def test_mortality_with_both_engines(both, valid_record):
    record = valid_record(both.record)
    assert record["agreement"]["ok"] is True
    assert record["diagnostics"]["divergences"] == 0


def test_biomarkers_are_pooled_rows_and_say_so():
    for name in ("crp", "il6"):
        analysis = answer(name)
        assert any("a published pooled estimate of" in note for note in analysis.notes)
        assert "tau" not in analysis.record["exact"]
        row = pd.read_csv(DATA / f"{name}.csv").iloc[0]
        found = analysis.record["exact"]["mu"]
        assert found["mean"] == pytest.approx(row["estimate"])
        assert found["sd"] == pytest.approx(row["se"])
        named = ["flat", "sceptical", "enthusiastic", "pessimistic"]
        assert list(analysis.tables["other_priors"]["prior"]) == named


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_declares_its_priors_and_the_published_results(name):
    record = answer(name).record
    assert record["treatment"] == "mesenchymal stem cells"
    assert any(row["why"] for row in record["published"])
    priors = [row["prior"] for row in record["other_priors"]]
    assert len(priors) == len(set(priors))
    assert {"sceptical", "enthusiastic", "pessimistic"} <= set(priors)
    counts = record["likelihood"] == "binomial"
    assert bool(record["event"]) == counts
    turner = [name for name in priors if name.startswith("turner2015")]
    readings = ["pharmacological-vs-placebo", "nonpharmacological-vs-placebo"]
    assert [name.partition("/")[2] for name in turner] == (readings if counts else [])
    for row in record["other_priors"]:
        assert row["reason"] == ""
        assert row["prob_important"] <= row["prob_benefit"]


def test_durations_show_days_beside_the_ratio():
    for name, failed in (("hospital_stay", False), ("time_to_improvement", True)):
        analysis = answer(name)
        assert [row["measure"] for row in analysis.record["other_measures"]] == ["ROM", "MD"]
        assert any("failed the skewness check" in note for note in analysis.notes) == failed


def test_a_script_writes_its_report_and_prints_the_answer(tmp_path, capsys):
    analyse = load("il6").analyse
    reports = tmp_path / "reports"
    assert load("_script").main(lambda **o: analyse(engine="exact", **o), reports) == 0
    out = capsys.readouterr()
    assert "MD -0.750 [-7.76, 6.26]" in out.out
    assert "written to reports/il6" in out.out
    assert "exact posterior" in out.err
    assert (reports / "il6" / "record.json").exists()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (bp.ConvergenceError("not converged", None), 3),
        (bp.DataError("bad"), 2),
        (bp.UsageError("bad"), 2),
        (bp.BayespoolError("they disagree"), 1),
    ],
)
def test_exit_statuses(error, status, tmp_path, capsys):
    def fail(**options):
        raise error

    assert load("_script").main(fail, tmp_path) == status
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err.strip() == str(error)


def test_one_table_of_all_outcomes(both):
    found = load("all").table_of([both, answer("il6")])
    cells = [list(column.cells) for column in found.columns]
    assert cells[0] == ["mortality", "il6"]
    assert cells[3][0] == "RR 0.71 [0.45, 1.00]"
    assert cells[7][1] == "one engine"
