"""The page's scripts, tested under the Node that Playwright's package brings to every machine."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "tests" / "js").glob("*.test.js"))


def run(path: Path) -> tuple[int, str]:
    """Run one file of node:test cases; return its exit status and what it printed."""
    # Run by itself, not by --test: that counts a file without a single case as a test passed.
    done = subprocess.run(
        [compute_driver_executable()[0], "--test-reporter=tap", str(path)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr


def passed(printed: str) -> int:
    found = re.search(r"^# pass (\d+)$", printed, re.MULTILINE)
    return int(found[1]) if found else 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_cases_of_a_script_pass(path):
    status, printed = run(path)
    assert status == 0, printed
    assert passed(printed) > 0, printed


def test_the_scripts_that_compute_and_draw_have_their_cases():
    assert {"charts.test.js", "engine.test.js", "state.test.js"} <= {path.name for path in FILES}


@pytest.mark.parametrize(
    ("source", "wrong", "good"),
    [
        ("test('adds', () => assert.equal(1 + 1, 2));", False, 1),
        ("test('adds', () => assert.equal(1 + 1, 3));", True, 0),
        ("test('adds', async () => { throw new Error('no'); });", True, 0),
        ("", False, 0),
    ],
)
def test_the_runner_sees_a_failing_and_a_missing_case(tmp_path, source, wrong, good):
    file = tmp_path / "own.test.js"
    heads = 'const test = require("node:test");\nconst assert = require("node:assert");\n'
    file.write_text(heads + source, encoding="utf-8")
    status, printed = run(file)
    assert (status != 0) is wrong, printed
    assert passed(printed) == good, printed
