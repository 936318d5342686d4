"""One example of the fuzz tests, run in this process and judged.

Whatever is put in, the end is a finite record that its schema accepts, or one DataError,
PriorError or UsageError that says what to do. The exact engine runs alone: NUTS takes a minute
to compile and sample, and its inputs have passed the same checks before it starts.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

from jsonschema import Draft202012Validator

import bayespool as bp
from bayespool.cli import main, run
from bayespool.errors import DataError, PriorError, UsageError

HOUSE = Path(bp.__file__).parent
SCHEMA = Draft202012Validator(json.loads((HOUSE / "record.schema.json").read_text("utf-8")))
PRIORS = ("priors", "mu", "tau", "phi")
LIMIT = 300.0  # seconds of this process: slow is not hanging, on a busy machine either
REFUSED = (DataError, PriorError, UsageError)
OUTCOMES = ("record", *(error.__name__ for error in REFUSED))

# What Python prints of itself, and no sentence for a reader holds.
JUNK = re.compile(
    r"Traceback|Warning\b|\bnan\b|\bNaN\b|\binf\b|array\(|np\.|<class|<function| object at 0x|"
    r"\bNone\b|Error\(|Errno|Something unexpected"
)
# What tells a reader what to do, or what would have been right.
REMEDY = re.compile(
    r"\b(Give|Write|Check|Correct|Save|Add|Remove|Rename|Name|Type|Keep|Leave|Choose|Use|Delete|Close|"
    r"Its|A count|Events and|It has|The (families|sets) |For|Did you mean|"
    r"give|write|type|leave|choose|use|delete|expected|needs?|must|lies?|takes?|has|have|says?|above|"
    r"doubled|is about|is one of|likelihood is|there (is|are))\b"
)
OF_A_CELL = re.compile(
    r"(_treatment|_control|estimate|\bse|year|risk_of_bias) (= |is (empty|missing))"
)


class Hangs(BaseException):
    """More than `LIMIT` seconds; no `except Exception` of ours may catch it."""


def outcome(example: dict[str, Any]) -> str:
    """Run one example and judge it.

    Parameters
    ----------
    example : dict
        ``kind``, ``table`` (text), ``encoding``, and ``options`` of `analyse` (with ``priors``,
        ``mu``, ``tau``, ``phi`` as text) or ``argv`` of the command line, where the table is the
        file t.csv of the current folder.

    Returns
    -------
    str
        One of `OUTCOMES`.

    Raises
    ------
    AssertionError
        With the whole example.
    """
    try:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), _not_hanging():
            content = example["table"].encode(example["encoding"], errors="replace")
            Path("t.csv").write_bytes(content)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return _command(example) if example["kind"] == "command" else _analysed(example)
    except (Exception, Hangs) as error:
        said = f"{type(error).__name__}: {error}"
        raise AssertionError(f"{said}\nThe example: {example!r}") from error


@contextlib.contextmanager
def _not_hanging() -> Iterator[None]:
    """Interrupt what takes too long, by the clock of this process alone."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Hangs(f"not done after {LIMIT:g} seconds of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _analysed(example: dict[str, Any]) -> str:
    options = dict(example["options"])
    texts = {word: options.pop(word) for word in PRIORS if word in options}
    try:
        trials = bp.read_trials("t.csv")
        if texts:
            options["priors"] = bp.priors(
                options["measure"],
                texts.pop("priors", "weak"),
                likelihood=options.get("likelihood"),
                important=options.get("important"),
                benefit=options.get("benefit"),
                **texts,
            )
        found = bp.analyse(trials, engine="exact", **options)
    except REFUSED as error:
        check_error(error, _spoken(example["options"].values()))
        return type(error).__name__
    check_record(json.loads(json.dumps(found.record, allow_nan=False)))
    for line in found.headline():
        assert not JUNK.search(_without(line, trials.names)), line
    return "record"


def _spoken(given: Iterable[Any]) -> list[str]:
    """The user's own words, which a message may repeat."""
    words = [each for value in given for each in (value if isinstance(value, tuple) else [value])]
    return [f"{word:g}" if isinstance(word, float) else str(word) for word in words]


def check_error(error: Exception, given: list[str]) -> None:
    """One message: printable sentences that say where, what, and what to do."""
    message = str(error)
    lines = error.faults if isinstance(error, DataError) else message.split("\n")
    assert lines, "an empty message"
    for line in lines:
        assert line.isprintable(), f"a message that is not printable: {line!r}"
        assert line.endswith((".", "?", ")")), f"no sentence: {line}"
        # Quoted input, and the name of a trial, may be anything.
        bare = re.sub(r"\"[^\"]*\"|'[^']*'|row \d+ \([^)]*\)", "", line)
        assert not JUNK.search(_without(bare, given)), f"junk in a message: {line}"
        assert REMEDY.search(line), f"no remedy: {line}"
        if isinstance(error, DataError):
            files = ("t.csv", *(word for word in given if word))
            assert line.startswith(files), f"no file is named: {line}"
            if OF_A_CELL.search(line):
                assert re.match(r"t\.csv, row \d+", line), f"no row is named: {line}"
    if not isinstance(error, DataError):
        assert len(message) < 1500, f"a very long message: {message}"


# --- the record -------------------------------------------------------------------------------


def check_record(record: dict[str, Any]) -> None:
    """Finite, valid by the schema, in order."""
    SCHEMA.validate(record)
    part = record["exact"]
    ratio = record["scale"] == "log"
    heavy = _heavy(record["priors"])
    names = [name for name in ("mu", "tau", "theta_new") if name in part]
    described = {name: part[name] for name in names} | part.get("theta", {})
    for name, row in described.items():
        _check_row(name, row, heavy)
    natural = {name: row for name, row in part["natural"].items() if name != "theta"}
    for name, row in (natural | part["natural"].get("theta", {})).items():
        for word in ("median", "lower", "upper"):
            overflows = ratio and described[name][word] > 709
            assert row[word] is not None or overflows, f"natural {name} has no {word}"
        there = [row[word] for word in ("lower", "median", "upper") if row[word] is not None]
        assert there == sorted(there), f"natural {name} is out of order: {row}"
    _check_probabilities(record["benefit"], part)
    error = part["grid_error"]
    assert error is not None, "no grid error"
    assert 0 <= error <= 1, f"grid error {error}"
    improper = any(text and text.startswith("Flat") for text in _priors_in_use(record["priors"]))
    assert improper or part["log_marginal_likelihood"] is not None, "no marginal likelihood"
    for text in [*record["notes"], *record["sentences"]]:
        plain = _without(text, [*part.get("theta", {}), record["treatment"], record["event"]])
        plain = _without(plain, [record["question"]])
        assert not JUNK.search(plain), f"junk in a sentence: {text}"


def _check_row(name: str, row: dict[str, float | None], heavy: bool) -> None:
    for word in ("median", "lower", "upper", "lower_hdi", "upper_hdi"):
        assert row[word] is not None, f"{name} has no {word}: {row}"
    for word in ("mean", "sd"):
        assert heavy or row[word] is not None, f"{name} has no {word}: {row}"
    assert row["lower"] <= row["median"] <= row["upper"], f"{name} is out of order: {row}"
    assert row["lower_hdi"] <= row["upper_hdi"], f"{name} is out of order: {row}"
    assert row["sd"] is None or row["sd"] >= 0, f"{name} has a negative SD: {row}"
    if name == "tau":
        assert row["lower"] >= 0, f"tau below 0: {row}"
        assert row["lower_hdi"] >= 0, f"tau below 0: {row}"


def _check_probabilities(benefit: str | None, part: dict[str, Any]) -> None:
    words = ("prob_benefit", "prob_harm") if benefit else ("prob_below", "prob_above")
    for suffix in ("", "_new") if "theta_new" in part else ("",):
        one, other = (part[word + suffix] for word in words)
        assert list(one) == list(other), "two sides of other thresholds"
        for label in one:
            assert 0 <= one[label] <= 1, f"{words[0]}{suffix} {one}"
            assert 0 <= other[label] <= 1, f"{words[1]}{suffix} {other}"
            both = one[label] + other[label]
            assert math.isclose(both, 1, abs_tol=1e-6), f"the sides of {label} sum to {both!r}"
        ladder = sorted(one, key=float, reverse=benefit != "higher")
        values = [one[label] for label in ladder]
        for before, after in pairwise(values):
            assert after <= before + 1e-6, f"{words[0]}{suffix} rises along {ladder}: {one}"


def _priors_in_use(priors: dict[str, Any]) -> list[str]:
    return [priors[word] for word in ("mu", "tau") if priors[word]]


def _heavy(priors: dict[str, Any]) -> bool:
    """Whether a moment need not exist."""
    light = ("Normal(", "HalfNormal(", "Uniform(", "Logistic(", "Exponential(", "Gamma(")
    return not all(text.startswith(light) for text in _priors_in_use(priors))


def _without(text: str, names: list[str]) -> str:
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, "")
    return text


# --- the command line -------------------------------------------------------------------------


def _command(example: dict[str, Any]) -> str:
    out, err = io.StringIO(), io.StringIO()
    heard: list[BaseException] = []
    complain = run._complain

    def listening(message: str, status: int) -> int:
        error = sys.exception()
        assert error is not None
        heard.append(error)
        return complain(message, status)

    argv = [str(word) for word in example["argv"]]
    with (
        mock.patch.object(run, "_complain", listening),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = main(argv)
    said, complaint = out.getvalue(), err.getvalue()
    assert "Traceback" not in said + complaint, complaint
    assert not re.search(r"Warning\b", said + complaint), complaint
    if heard and "Something unexpected" in complaint:
        raise heard[0]
    assert status in (0, 1, 2), f"status {status}: {complaint}"
    if status == 0:
        _check_printed(argv, said)
        return "record"
    assert complaint.strip(), "an error without a message"
    if status == 1:
        assert "cannot be" in complaint, f"status 1: {complaint}"
    if heard and isinstance(heard[0], REFUSED):
        check_error(heard[0], argv)
        return type(heard[0]).__name__
    return "UsageError"


def _check_printed(argv: list[str], said: str) -> None:
    if said.startswith("{"):
        check_record(json.loads(said, parse_constant=_refuse_constant))
    assert "nan" not in said.split(), said


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} in JSON")
