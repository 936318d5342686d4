"""One NUTS fit of the flagship, shared by every test that needs a sampled posterior."""

import json
import signal
import sys
from pathlib import Path

import jsonschema
import pytest

import bayespool as bp

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "models"))

# A shell has what it starts in the background ignore Ctrl-C, and children inherit that: the tests
# that interrupt a program would wait for it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def mortality() -> bp.Trials:
    return bp.read_trials(ROOT / "data" / "mortality.csv")


@pytest.fixture(scope="session")
def exact(mortality) -> bp.Posterior:
    return bp.surface(mortality, "RR").posterior(bp.priors("RR"))


@pytest.fixture(scope="session")
def both() -> bp.Analysis:
    """Run models/mortality.py's analysis with both engines."""
    import mortality as script

    return script.analyse()


@pytest.fixture(scope="session")
def valid_record():
    """Check a record as it is written: JSON without NaN, by the schema."""
    schema = json.loads((ROOT / "src/bayespool/record.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)

    def check(record: dict) -> dict:
        text = json.dumps(record, allow_nan=False)
        validator.validate(json.loads(text))
        return record

    return check
