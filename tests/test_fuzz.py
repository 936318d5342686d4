"""Whatever is put in: a finite record that its schema accepts, or one error that says what to do.

A few hundred examples, the same in every run; `python tests/fuzz_many.py` runs thousands of
others. The examples that once went wrong stand at their test.
"""

import json
from pathlib import Path

import fuzz
import pandas as pd
import pytest
from fuzz_strategies import STRATEGIES, prior_examples
from hypothesis import HealthCheck, Phase, example, given, settings

from bayespool.cli import main
from bayespool.errors import DataError, PriorError, UsageError

REPORTS = Path(__file__).parents[1] / "reports" / "validation"
COMMANDS = json.loads((Path(__file__).parent / "broken_commands.json").read_text("utf-8"))
GENERIC = "trial,estimate,se\n"
BINARY = "trial,events_treatment,n_treatment,events_control,n_control"
WEAK = {"mu": "Normal(0, 1)", "tau": "HalfNormal(0.5)"}


def fixed(count):
    """Settings under which the same examples come up in every run."""
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        # An analysis takes a second, and a table is a large example.
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        phases=[Phase.explicit, Phase.generate],
    )


def case(table, kind="analysis", **options):
    return {"kind": kind, "table": table, "encoding": "utf-8", "options": options}


def command(table, *words):
    return {"kind": "command", "table": table, "encoding": "utf-8", "argv": list(words)}


@fixed(120)
@given(STRATEGIES["tables"])
# A ratio beyond the largest float, where the others were told in words.
@example(case(GENERIC + "a,0.0,1e8\n", measure="RR", beside=(), likelihood="normal"))
@example(case(GENERIC + "a,1e4,0.3\nb,-0.8,0.3\nc,20,0.3\n", measure="ROM", beside=()))
# One weight beside which the others vanish left 0 / 0.
@example(case(GENERIC + "a,700,1e-8\nb,0,50\n", measure="OR", beside=()))
# The name turned the direction of the message.
@example(
    case(
        "trial,mean_treatment,sd_treatment,n_treatment,mean_control,sd_control,n_control\n"
        "a\u202eb,-1e-11,1e-11,87,1e74,1e-6,3\n",
        measure="MD",
        beside=(),
        **WEAK,
    )
)
@example(case(GENERIC + "a,2.6\ufeff,0.3\n", measure="HR", beside=()))
def test_any_table_is_analysed_or_refused(drawn):
    assert fuzz.outcome(drawn) in ("record", "DataError", "UsageError")


@fixed(25)
@given(STRATEGIES["priors"])
# P(MD > 0) was 1.0000000000000002.
@example(case(GENERIC + "a,0.2,0.5\n", measure="MD", mu="Normal(.5, 0.05)",
              tau="HalfStudentT(1, 10)", beside=()))  # fmt: skip
def test_any_prior_is_used_or_refused(drawn):
    assert fuzz.outcome(drawn) in ("record", "PriorError", "UsageError")


@fixed(25)
@given(STRATEGIES["analyses"])
# These were refused without a word on what to give instead.
@example(case(GENERIC + "a,0.2,0.5\n", measure="MD", absolute=1000.0, **WEAK))
@example(case(GENERIC + "a,0.2,0.5\n", measure="OR", important=1.2, benefit="lower"))
@example(case(GENERIC + "a,0.2,0.5\n", measure="OR", thresholds=("",)))
# The notes said "a published pooled estimate of inf trials".
@example(case("trial,estimate,se,trials_pooled\na,0.2,0.5,1e400\n", measure="OR", beside=()))
@example(case(GENERIC + "a,0.2,0.5\nb,0,0.3\n", measure="OR", effects="t", beside=()))
def test_any_options_are_followed_or_refused(drawn):
    assert fuzz.outcome(drawn) in fuzz.OUTCOMES


# A hundred people beside ten million take a minute to be refused; the long run has such tables.
@fixed(20)
@given(STRATEGIES["commands"].filter(lambda drawn: "0000000" not in drawn["table"]))
def test_any_command_line_ends_with_an_answer_or_a_message(drawn):
    assert fuzz.outcome(drawn) in fuzz.OUTCOMES


@pytest.mark.parametrize("name", COMMANDS)
def test_a_broken_command_line_is_refused_with_its_message(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "counts.csv").write_text(BINARY + "\na,3,40,6,41\nb,5,50,9,49\n")
    (tmp_path / "effects.csv").write_text(GENERIC + "a,-0.3,0.2\nb,0.1,0.3\n")
    (tmp_path / "folder").mkdir()
    expected = COMMANDS[name]
    assert main(expected["argv"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    message = " ".join(said.err.split())
    assert expected["says"] in message
    assert "Traceback" not in message


def test_the_corpus_of_command_lines_is_large():
    assert len(COMMANDS) >= 40


# --- the judge itself: it can say no ------------------------------------------------------------


def test_a_sound_record_passes_and_a_spoilt_one_does_not(tmp_path):
    import bayespool as bp

    path = tmp_path / "t.csv"
    path.write_text(GENERIC + "a,-0.3,0.2\nb,0.1,0.3\n")
    record = bp.analyse(path, "OR", benefit="lower", engine="exact", beside=()).record
    text = json.dumps(record)
    fuzz.check_record(json.loads(text))

    def spoilt(change):
        again = json.loads(text)
        change(again["exact"])
        with pytest.raises(Exception, match=r"."):
            fuzz.check_record(again)

    spoilt(lambda part: part["mu"].update(median=None))
    spoilt(lambda part: part["mu"].update(lower=part["mu"]["upper"] + 1))
    spoilt(lambda part: part["tau"].update(lower=-0.1))
    spoilt(lambda part: part["prob_benefit"].update({"1": 1.5}))
    spoilt(lambda part: part["prob_harm"].update({"1": part["prob_harm"]["1"] + 0.01}))
    spoilt(lambda part: part["natural"]["mu"].update(median=None))
    spoilt(lambda part: part.update(grid_error=None))
    spoilt(lambda part: part.update(unknown=1))


@pytest.mark.parametrize(
    "error",
    [
        DataError([]),
        DataError("t.csv, row 2 (a): se = 0 is not above 0"),
        DataError("t.csv: se = 0 is not above 0. Correct it."),
        DataError("other.csv: there is no such file. Check its name."),
        PriorError("prior on mu: bad."),
        PriorError("prior on mu: \x1b[31m: write a family."),
        UsageError("threshold is array([1]). Give a number."),
        UsageError("the effect is nan. Give a number."),
    ],
    ids=str,
)
def test_a_poor_message_is_not_let_through(error):
    with pytest.raises(AssertionError):
        fuzz.check_error(error, [])


def test_a_fault_is_reported_with_its_example(monkeypatch):
    import bayespool as bp

    def fail(*given, **options):
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(bp, "analyse", fail)
    with pytest.raises(AssertionError, match=r"ZeroDivisionError: boom\nThe example: .*a,0\.2"):
        fuzz.outcome(case(GENERIC + "a,0.2,0.5\n", measure="OR"))


def test_what_hangs_is_interrupted(monkeypatch):
    import bayespool as bp

    def hang(*given, **options):
        while True:
            pass

    monkeypatch.setattr(bp, "analyse", hang)
    monkeypatch.setattr(fuzz, "LIMIT", 0.2)
    with pytest.raises(AssertionError, match=r"Hangs: not done after 0\.2 seconds"):
        fuzz.outcome(case(GENERIC + "a,0.2,0.5\n", measure="OR"))


def test_a_warning_counts_as_a_fault(monkeypatch):
    import warnings

    import bayespool as bp

    monkeypatch.setattr(bp, "analyse", lambda *given, **options: warnings.warn("odd", stacklevel=1))
    with pytest.raises(AssertionError, match="UserWarning: odd"):
        fuzz.outcome(case(GENERIC + "a,0.2,0.5\n", measure="OR"))


def test_the_strategies_give_answers_and_refusals():
    seen = set()

    @settings(fixed(25), phases=[Phase.generate])
    @given(prior_examples())
    def run(drawn):
        seen.add(fuzz.outcome(drawn))

    run()
    assert {"record", "PriorError"} <= seen


def test_the_long_run_is_committed_and_nothing_went_wrong():
    table = pd.read_csv(REPORTS / "fuzz.csv", dtype={"commit": str})
    assert table["examples"].sum() >= 10_000
    assert set(table["strategy"]) == set(STRATEGIES)
    assert (table["failures"] == 0).all()
