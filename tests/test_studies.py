"""Every sensitivity study by its name: what it is asked of, what it leaves behind."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bayespool as bp
from bayespool import studies
from bayespool.cli import main as command

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = ["--measure", "RR", "--benefit", "lower"]


@pytest.fixture(scope="module")
def analysis() -> bp.Analysis:
    """Mortality with every study, exact engine alone."""
    import mortality as script

    return script.analyse(engine="exact", studies="all")


@pytest.fixture(scope="module")
def bare() -> bp.Analysis:
    """A review of three small trials, exact engine alone, without any study."""
    trials = bp.read_trials(ROOT / "data" / "clinical_improvement.csv")
    return bp.analyse(trials, "RR", benefit="higher", engine="exact", beside=())


def test_every_study_of_mortality_has_a_table_a_sentence_and_a_picture(analysis):
    applicable = set(studies.STUDIES) - {"subgroup"}  # the file has no subgroups
    assert set(analysis.findings) == applicable
    for name, finding in analysis.findings.items():
        assert len(finding.table), name
        assert finding.sentence.endswith((".", ")")), name
        assert not re.search(r"\bnan\b|None(?! of)|\b1\.000\b", finding.sentence), name
        drawn = finding.figure(analysis.record)
        assert (drawn is None) == (finding.study.draw == ""), name


def test_studies_start_from_the_answer_itself(analysis):
    p = analysis.record["exact"]["prob_benefit"]["1"]
    tables = analysis.tables
    assert tables["leave_one_out"]["prob_benefit"][0] == pytest.approx(p, abs=1e-6)
    assert tables["leave_two_out"]["prob_benefit"][0] == pytest.approx(p, abs=1e-6)
    assert tables["cumulative"]["prob_benefit"].iloc[-1] == pytest.approx(p, abs=1e-6)
    assert tables["readings"]["prob_benefit"][0] == pytest.approx(p, abs=1e-6)
    assert tables["trust"]["prob_benefit"].iloc[-1] == pytest.approx(p, abs=1e-6)
    whole = tables["gosh"].set_index("subset")["prob_benefit"][2**10 - 1]
    assert whole == pytest.approx(p, abs=1e-6)
    assert tables["measures_side_by_side"]["prob_benefit"][0] == pytest.approx(p, abs=1e-6)


def test_the_record_has_what_the_studies_say(analysis, valid_record):
    record = valid_record(analysis.record)
    assert set(record["studies"]) == set(analysis.findings)
    assert [row["without"] for row in record["leave_one_out"]] == analysis.trials.names
    atlas = record["prior_atlas"]
    assert np.shape(atlas["prob_benefit"]) == (len(atlas["mu_sd"]), len(atlas["tau_scale"]))
    assert list(record)[-1] == "wall_seconds"


def test_the_mortality_sentence_has_its_companions(analysis, tmp_path):
    analysis.write(tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    said = "Under other readings of the data the probability of benefit is:"
    line = next(line for line in text.splitlines() if said in line)
    by_name = analysis.alternatives.set_index("scenario")["prob_benefit"]
    for name in ("without zarrabi", "without zarrabi and dilogo", "zarrabi MSC-alone arm"):
        assert f"{name} {by_name[name]:.3f}" in line
    for name in analysis.findings:
        stem = name.replace("-", "_")
        assert (tmp_path / "tables" / f"{stem}.csv").exists()
        if analysis.findings[name].study.draw:
            assert f"figures/{stem}.svg" in text
    assert "### Every subset of the trials" in text


def test_a_study_that_is_gone_takes_its_files_with_it(tmp_path, bare):
    copied = replace(bare, findings={}, record=dict(bare.record))
    copied.study("cumulative")
    copied.write(tmp_path)
    assert (tmp_path / "figures" / "cumulative.svg").exists()
    bare.write(tmp_path)
    assert not (tmp_path / "figures" / "cumulative.svg").exists()
    assert not (tmp_path / "tables" / "cumulative.csv").exists()


@pytest.mark.parametrize(
    ("only", "said"),
    [
        ("gosch", "there is no study 'gosch'"),
        (["subgroup"], "needs a column subgroup"),
        (["readings"], "no file of other readings"),
    ],
)
def test_a_study_asked_for_that_cannot_be_is_an_error(bare, only, said):
    with pytest.raises(bp.UsageError, match=said):
        bare.study(only)


def test_studies_without_the_exact_engine_are_refused(both):
    drawn = replace(both, surface=None, exact=None)
    with pytest.raises(bp.UsageError, match="exact engine"):
        studies.run(drawn)


def test_a_pooled_estimate_has_nothing_to_leave_out():
    import crp as script

    found = script.analyse(engine="exact", studies="all")
    assert set(found.findings) == {"tipping", "power", "readings"}


def test_one_trial_and_no_benefit_do_not_crash():
    import pandas as pd

    one = bp.read_trials(pd.DataFrame({"trial": ["a"], "estimate": [0.2], "se": [0.3]}))
    found = bp.analyse(one, "OR", engine="exact", studies="all")
    assert "leave-one-out" not in found.findings
    assert {"atlas", "tau"} <= set(found.findings)


def test_the_trust_dial_takes_the_analysts_flag(mortality):
    flag = {"year": ["2022"]}
    found = bp.analyse(mortality, "RR", benefit="lower", engine="exact", beside=(), doubted=flag)
    table = found.study("trust")["trust"].table
    assert table["discounted"][0] == "monsel_2022; rebelatto_2022"
    left = [not name.endswith("2022") for name in mortality.names]
    without = bp.surface(mortality.take(left), "RR").posterior(bp.priors("RR"))
    assert table["prob_benefit"][0] == pytest.approx(without["mu"].cdf(0.0), abs=1e-6)


# --- the command ---------------------------------------------------------------------------


def test_sensitivity_prints_sentences_and_writes_the_rest(capsys, tmp_path):
    words = ["sensitivity", "data/mortality.csv", *OPTIONS, "--only", "tipping,leave-one-out"]
    assert command([*words, "--out", str(tmp_path), "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "Tipping prior" in out
    assert "dilogo_2021 moves it most" in out.replace("\n  ", " ")
    record = json.loads((tmp_path / "record.json").read_text(encoding="utf-8"))
    assert set(record["studies"]) == {"tipping", "leave-one-out"}
    assert "nuts" not in record
    assert (tmp_path / "figures" / "tipping.svg").exists()


def test_sensitivity_names_the_studies_for_an_unknown_one(capsys):
    assert command(["sensitivity", "data/mortality.csv", *OPTIONS, "--only", "tiping"]) == 2
    said = capsys.readouterr().err
    assert "tiping" in said
    assert "gosh" in said


def test_readings_need_their_file(capsys):
    words = ["sensitivity", "data/mortality.csv", *OPTIONS, "--only", "readings", "--quiet"]
    assert command(words) == 2
    assert "--alternatives FILE.csv" in capsys.readouterr().err
    assert command([*words, "--alternatives", "data/alternatives.csv", "--json", "-"]) == 0
    said = json.loads(capsys.readouterr().out)["studies"]["readings"]
    assert "Over 63 other readings of the data" in said


def test_doubt_takes_a_column_and_its_value(capsys):
    words = ["sensitivity", "data/mortality.csv", *OPTIONS, "--only", "trust"]
    assert command([*words, "--doubt", "confidence", "--quiet"]) == 2
    assert "COLUMN=VALUE" in capsys.readouterr().err
    assert command([*words, "--doubt", "confidence=medium", "--json", "-", "--quiet"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert "5 of the trials" in record["studies"]["trust"]
    assert not any(math.isnan(x) for x in record["exact"]["prob_benefit"].values())
