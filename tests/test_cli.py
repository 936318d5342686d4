"""The command line as its users meet it: exit statuses, streams, messages."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from bayespool.cli import main, run, verbs
from bayespool.errors import ConvergenceError

COMMAND = [sys.executable, "-m", "bayespool"]
COUNTS = "trial,events_treatment,n_treatment,events_control,n_control\na,3,40,6,41\nb,5,50,9,49\n"
FIT = ["--measure", "RR", "--benefit", "lower", "--engine", "exact"]


@pytest.fixture
def counts(tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text(COUNTS)
    return str(path)


@pytest.fixture
def bayespool(capsys):
    def call(*words):
        status = main([str(word) for word in words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


# --- check and priors ------------------------------------------------------------------


def test_check_says_what_a_file_holds(bayespool):
    status, out, err = bayespool("check", "data/mortality.csv")
    assert (status, err) == (0, "")
    for words in ("binary", "10", "610", "OR, RR, RD", "year, source, confidence", "No fault"):
        assert words in out


def test_check_gives_all_faults_at_once_on_stderr(bayespool):
    status, out, err = bayespool("check", "tests/broken/many_faults.csv")
    assert (status, out) == (2, "")
    assert "row 2 (shu_2020): events_control = 31 exceeds n_control = 29" in err
    assert "row 4 (zhu_2021)" in err
    assert "Traceback" not in err


def test_priors_show_what_they_imply_and_where_they_come_from(bayespool):
    status, out, _ = bayespool("priors", "--measure", "RR")
    assert status == 0
    assert "95 % of the prior on RR lies in 0.14 to 7.1. Worth about 4 events." in out
    row = next(line for line in out.splitlines() if "turner2015:all-cause-mortality/pharm" in line)
    assert "tau LogNormal(-1.975, 0.67): median 0.14" in row
    assert "rhodes2015" not in out  # of SMD alone
    every = bayespool("priors")[1]
    assert "rhodes2015" in every
    assert len(every.splitlines()) < 200


def test_priors_built_from_the_important_effect(bayespool):
    out = bayespool("priors", "--measure", "RR", "--important", 0.7, "--benefit", "lower")[1]
    assert "P(RR < 0.7) = 5 %" in " ".join(out.split())
    assert bayespool("priors", "--important", 0.7)[0] == 2


# --- fit -------------------------------------------------------------------------------


def test_fit_prints_the_answer(bayespool):
    status, out, err = bayespool("fit", "data/mortality.csv", *FIT, "--threshold", "0.9", "0.80")
    assert (status, err) == (0, "")
    assert "0.71 [0.45, 1.00]" in out
    assert "benefit: RR < 1 " in out
    assert "0.975" in out
    assert "benefit: RR < 0.80 " in out  # as given
    assert "common-IV   0.76 [0.59, 0.96]" in out
    assert "Only the exact engine ran" in out
    assert "shi_2021" in out


def test_the_record_alone_on_stdout(bayespool, counts):
    status, out, err = bayespool("fit", counts, *FIT, "--threshold", "0.9", "--json", "-")
    record = json.loads(out)
    assert (status, err) == (0, "")
    assert list(record["exact"]["prob_benefit"]) == ["1", "0.9"]
    assert record["analysis"] == "counts"


def test_the_record_in_a_file_and_the_folder(bayespool, counts, tmp_path):
    status, out, err = bayespool(
        "fit", counts, *FIT, "--json", tmp_path / "r.json", "--out", tmp_path / "out"
    )
    assert status == 0
    assert "RR" in out
    assert err.splitlines() == [f"Wrote {tmp_path / 'r.json'}", f"Wrote {tmp_path / 'out'}"]
    assert (tmp_path / "r.json").read_text() != ""
    assert (tmp_path / "out" / "figures" / "forest.svg").exists()
    assert bayespool("fit", counts, *FIT, "--out", tmp_path / "out", "--quiet")[2] == ""


def test_priors_by_name_and_by_text(bayespool, counts):
    own = bayespool("fit", counts, *FIT, "--mu", "Normal(0, 0.5)", "--tau", "HalfNormal(1)")[1]
    assert "custom priors: mu ~ Normal(0, 0.5), tau ~ HalfNormal(1)" in own
    sceptical = bayespool("fit", counts, *FIT, "--priors", "sceptical", "--important", 0.7)[1]
    assert "sceptical priors: mu ~ Normal(0, 0.21" in sceptical


def test_a_common_effect_needs_no_prior_on_tau(bayespool):
    words = ["--measure", "MD", "--benefit", "lower", "--effects", "common", "--mu", "Flat()"]
    status, out, _ = bayespool("fit", "data/crp.csv", *words, "--engine", "exact")
    assert status == 0
    assert "-32 [-48, -17]" in out
    assert "tau" not in out.split("engine")[0]


def test_suspicious_values_are_a_note_on_stderr(bayespool, tmp_path):
    path = tmp_path / "twins.csv"
    path.write_text(COUNTS + "c,5,50,9,49\n")
    assert "b and c have the same numbers" in bayespool("fit", path, *FIT)[2]
    assert bayespool("fit", path, *FIT, "--quiet")[2] == ""


# --- crosscheck and report -------------------------------------------------------------


def test_crosscheck_needs_no_benefit_and_shows_every_method(bayespool, counts):
    status, out, _ = bayespool("crosscheck", counts, "--measure", "OR", "--engine", "exact")
    assert status == 0
    for method in ("exact", "Peto", "REML-HK", "SJ-mHK"):
        assert f"\n{method} " in out
    assert "P(OR < 1)" in out


def test_report_writes_a_folder_a_file_and_one_page(bayespool, counts, tmp_path):
    out = tmp_path / "site"
    status, said, _ = bayespool("report", counts, "data/mortality.csv", *FIT, "--out", out)
    assert (status, said) == (0, "")
    assert (out / "counts" / "record.json").exists()
    assert (out / "mortality" / "tables" / "summary.csv").exists()
    text = (out / "index.html").read_text(encoding="utf-8")
    assert "counts/record.json" in text
    assert "mortality/record.json" in text


def test_report_gives_a_list_of_records_or_the_one(bayespool, tmp_path, monkeypatch):
    monkeypatch.setattr("bayespool.figures.drawable", lambda analysis: {})
    monkeypatch.setattr("bayespool.studies.run", lambda *given: {})
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    for path in (one, other):
        path.write_text("trial,estimate,se\na,-0.3,0.2\nb,0.1,0.3\n")
    words = [*FIT, "--out", tmp_path / "site", "--quiet", "--json"]
    status, out, err = bayespool("report", one, other, *words, "-")
    assert (status, err) == (0, "")
    assert [record["analysis"] for record in json.loads(out)] == ["one", "other"]
    for _ in range(2):
        assert bayespool("report", one, *words, tmp_path / "r.json")[0] == 0
    assert json.loads((tmp_path / "r.json").read_text())["analysis"] == "one"
    both = tmp_path / "both.json"
    for _ in range(2):
        assert bayespool("report", one, other, *words, both)[0] == 0
    assert len(json.loads(both.read_text())) == 2


def test_every_verb_takes_quiet(bayespool):
    assert bayespool("check", "data/mortality.csv", "--quiet")[0] == 0
    assert bayespool("priors", "--measure", "RR", "--quiet")[0] == 0


def test_report_refuses_two_files_of_one_name(bayespool, counts, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "counts.csv").write_text(COUNTS)
    status, _, err = bayespool("report", counts, other / "counts.csv", *FIT, "--out", tmp_path)
    assert status == 2
    assert "two files are called counts" in err


# --- what goes wrong -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--measure", "rr"], "Did you mean RR? Choose one of OR, RR, RD, MD"),
        (["--measure", "RR", "--benefit", "low"], "Did you mean lower? Choose lower or higher."),
        (["--measure", "RR"], "Missing option '--benefit'. Choose one of lower, higher."),
        ([*FIT, "--effects", "randon"], "Did you mean random?"),
        ([*FIT, "--engine", "jags"], "Choose one of exact, nuts, both."),
        ([*FIT, "--mesure", "RR"], "--measure"),
        ([*FIT, "--priors", "weka"], "Did you mean weak?"),
        ([*FIT, "--priors", "sceptical"], "needs --important"),
        ([*FIT, "--priors", "sceptical", "--important", "1.2"], "Did you mean 0.83?"),
        ([*FIT, "--mu", "Normal(0)"], "sigma missing"),
        ([*FIT, "--tau", "Normal(0, 1)"], "tau"),
        ([*FIT, "--threshold", "nan"], "nan is not an effect"),
        ([*FIT, "--threshold", "0"], "0 is not a ratio"),
        ([*FIT, "--threshold", "low"], "a threshold is a number"),
        ([*FIT, "--seed", "-1"], "--seed"),
        ([*FIT, "--seed", "1_0"], "'1_0' is not a whole number"),
        ([*FIT, "--important", "0_7"], "'0_7' is not a number"),
        (["--measure", "MD", "--benefit", "lower"], "cannot be computed from the binary layout"),
    ],
)
def test_a_wrong_option_says_what_is_allowed(bayespool, counts, words, said):
    status, out, err = bayespool("fit", counts, *words)
    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_missing_file_and_an_unknown_verb(bayespool):
    assert bayespool("fit", "nowhere.csv", *FIT)[0] == 2
    status, _, err = bayespool("chek", "x.csv")
    assert status == 2
    assert "Did you mean 'check'?" in err
    assert bayespool()[0] == 2
    assert bayespool("--help")[0] == 0


def test_a_folder_that_cannot_be_written_is_a_sentence(bayespool, counts, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, err = bayespool("fit", counts, *FIT, "--out", tmp_path / "file")
    assert status == 1
    assert "cannot be written" in err


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ConvergenceError("no convergence", None), 3, "no convergence"),
        (ValueError("boom"), 1, "BAYESPOOL_DEBUG=1"),
    ],
)
def test_each_kind_of_failure_has_its_status(bayespool, monkeypatch, counts, error, status, said):
    def fail(*words):
        raise error

    monkeypatch.setattr(verbs, "_analyse", fail)
    found, out, err = bayespool("fit", counts, *FIT)
    assert (found, out) == (status, "")
    assert said in err
    assert "Traceback" not in err
    monkeypatch.setenv(run.DEBUG, "1")
    if status == 1:
        assert "Traceback" in bayespool("fit", counts, *FIT)[2]


def test_several_thresholds_may_follow_one_option():
    words = ["fit", "--threshold", "0.9", "-0.5", "my.csv", "--seed", "1", "2"]
    assert run._each_threshold(words) == [
        "fit", "--threshold", "0.9", "--threshold", "-0.5", "my.csv", "--seed", "1", "2",
    ]  # fmt: skip
    assert run._each_threshold(["--threshold"]) == ["--threshold"]
    assert run._each_threshold(["--threshold", "nan", "inf"])[2:] == ["--threshold", "inf"]


# --- the real process ------------------------------------------------------------------


def test_light_verbs_import_nothing_heavy():
    heavy = ("pymc", "arviz", "arviz_stats", "pytensor", "nutpie", "preliz", "matplotlib", "jinja2")
    code = (
        "import sys\nfrom bayespool.cli import main\n"
        "main(['check', 'data/mortality.csv']); main(['priors', '--measure', 'RR'])\n"
        f"main(['fit', 'data/mortality.csv', *{FIT!r}])\n"
        f"print([m for m in {heavy!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_all_three_engines_through_the_real_command(tmp_path):
    words = ["crosscheck", "data/serious_adverse_events.csv", "--measure", "RR", "--json", "-"]
    words += ["--likelihood", "normal"]  # which compiles in less time
    done = subprocess.run(COMMAND + words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    record = json.loads(done.stdout)
    assert record["agreement"]["ok"] is True
    assert record["diagnostics"]["ok"] is True


def test_a_reader_that_closes_early_sees_no_traceback():
    done = subprocess.Popen(
        [*COMMAND, "priors", "--measure", "OR"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    done.stdout.close()
    assert done.stderr.read() == b""
    done.stderr.close()
    assert done.wait() == 1


def test_ctrl_c_is_the_callers(monkeypatch, counts):
    def interrupted(*words):
        raise KeyboardInterrupt

    monkeypatch.setattr(verbs, "_analyse", interrupted)
    with pytest.raises(KeyboardInterrupt):
        main(["fit", counts, *FIT])


def test_ctrl_c_ends_with_130_and_writes_nothing(tmp_path):
    rows = "".join(f"t{i},{i % 9 + 1},400,{i % 7 + 1},400\n" for i in range(300))
    (tmp_path / "big.csv").write_text(COUNTS + rows)
    done = subprocess.Popen(
        [*COMMAND, "fit", "big.csv", "--measure", "RR", "--benefit", "lower", "--out", "out"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(3)
    done.send_signal(signal.SIGINT)
    try:
        out, err = done.communicate(timeout=60)
    finally:
        done.kill()
    assert (done.returncode, out) == (130, "")
    assert err.splitlines()[-1].startswith("Interrupted")
    assert not (tmp_path / "out").exists()
