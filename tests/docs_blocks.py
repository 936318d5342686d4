"""The code blocks of README.md and docs/: what they are, how they run, and what they print.

``python tests/docs_blocks.py`` runs every page and writes what it prints into its output blocks.

A page runs in a folder of its own, from top to bottom, with the repository's ``data/`` in it:

- ``python``: all in one namespace;
- ``sh``: ``bayespool`` as a function of this process, a comment ``# exit status 2`` where it is
  not 0; the words in `NOT_RUN` are checked in another way;
- ``csv``: saved under the name that stands in the line before it;
- ``output``: what the block before it prints, stdout and stderr; a line ``...`` stands for any
  number of lines; in ``output sampled`` numbers may be off by `SLACK`, since draws are others on
  another machine;
- ``text``: not code.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
KINDS = {"python", "sh", "csv", "output", "text"}
DIRECTIVES = {"{toctree}", "{eval-rst}", "{literalinclude}"}
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
SLACK = 0.08  # some five Monte Carlo standard errors of the numbers that are shown
COLUMNS = 110  # as wide as the program prints where there is no terminal

# Its blocks run in tests/test_batch_docs.py, on a library of five reviews.
ELSEWHERE = "docs/batch.md"

# First words of commands that a test does not run, and how `check_unrun` looks at them instead.
NOT_RUN = {
    "git": "needs the address of a repository; only `git clone` stands in a page",
    "make": "sets an environment up, or takes minutes; its target has to be in the Makefile",
    "cd": "the test is in the page's folder already",
}

# What a page says, and what runs instead, for time: sampling takes ten seconds or more, and the
# whole of an analysis four with the binomial likelihood. The tutorial has those as they stand.
INSTEAD = {
    "README.md": [
        ("fit my.csv", "fit my.csv --engine exact --likelihood normal"),
        ("sensitivity my.csv", "sensitivity my.csv --likelihood normal"),
        ('"RR", priors))', '"RR", priors, engine="exact", likelihood="normal", beside=()))'),
        ("bp.analyse(trials,", 'bp.analyse(trials, engine="exact", likelihood="normal",'),
        ("--out results.csv", "--out results.csv --workers 1"),
    ],
    "docs/tutorial.md": [("report falls.csv", "report falls.csv --engine exact")],
}
# Files that a page supposes its reader to have.
SUPPOSED = {
    "README.md": {
        "library.csv": "review,trial,events_treatment,n_treatment,events_control,n_control\n"
        "one,a,4,60,9,58\none,b,11,120,15,118\ntwo,c,2,45,3,44\ntwo,d,7,90,14,92\n"
    }
}
# Read with all their options and not run: the tutorial's report runs.
READ_ONLY = {("README.md", "report")}


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what follows that, its text, its place, the line before it."""

    language: str
    more: str
    text: str
    line: int
    before: str


def pages() -> list[str]:
    """Every page with blocks, by its path in the repository."""
    found = sorted((ROOT / "docs").rglob("*.md"))
    return ["README.md", *(path.relative_to(ROOT).as_posix() for path in found)]


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    found = []
    for match in re.finditer(
        r"^```([^\s`]*) *([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
    ):
        lines = text[: match.start()].splitlines()
        before = next((line for line in reversed(lines) if line.strip()), "")
        found.append(Block(match[1], match[2], match[3], len(lines) + 2, before))
    return found


def commands(text: str) -> Iterator[tuple[list[str], int]]:
    """Words of each command, and the exit status that its comment promises."""
    for line in text.replace("\\\n", " ").splitlines():
        status = re.search(r"# exit status (\d+)", line)
        if words := shlex.split(line, comments=True):
            yield words, int(status[1]) if status else 0


def run(page: str, folder: Path) -> Iterator[tuple[Block, str]]:
    """Run a page in a folder; yield each output block with what was printed before it."""
    (folder / "data").symlink_to(ROOT / "data")
    for name, content in SUPPOSED.get(page, {}).items():
        (folder / name).write_text(content, encoding="utf-8")
    text = text_of(page)
    for old, new in INSTEAD.get(page, ()):
        assert old in text, f"{page} no longer has {old!r}: mend INSTEAD"
        text = text.replace(old, new)
    names: dict[str, object] = {}
    printed = ""
    for block, shown in zip(blocks(text), blocks(text_of(page)), strict=True):
        if block.language == "output":
            yield shown, printed
            continue
        with chdir(folder), redirect_stdout(io.StringIO()) as out, redirect_stderr(out):
            if block.language == "csv":
                name = re.findall(r"`([\w./-]+\.csv)`", block.before)[-1]
                Path(name).write_text(block.text, encoding="utf-8")
            elif block.language == "python":
                # As many lines before it as in the page, so that an error names the page's line.
                source = "\n" * (block.line - 1) + block.text
                exec(compile(source, page, "exec"), names)
            elif block.language == "sh":
                for words, status in commands(block.text):
                    obey(page, words, status)
        printed = out.getvalue()


def obey(page: str, words: list[str], status: int) -> None:
    if words[0] in NOT_RUN:
        check_unrun(words)
        return
    assert Path(words[0]).name == "bayespool", f"{page}: {words[0]} is no command of a page"
    if (page, words[1]) in READ_ONLY:
        read_options(words[1:])
        return
    from bayespool.cli import main

    found = main(words[1:])
    said = getattr(sys.stdout, "getvalue", str)()
    assert found == status, f"{page}: {shlex.join(words)} ended with {found}:\n{said}"


def read_options(words: list[str]) -> None:
    """Read the options of a verb, and do nothing: an unknown one is an error."""
    import typer.main

    from bayespool.cli.verbs import app

    verb = typer.main.get_command(app).commands[words[0]]
    verb.make_context(words[0], words[1:])


def check_unrun(words: list[str]) -> None:
    match words:
        case ["git", "clone", *_] | ["cd", _]:
            return
        case ["make", target]:
            assert re.search(rf"^{target}:", text_of("Makefile"), re.MULTILINE), target
        case _:
            raise AssertionError(f"{shlex.join(words)} is not run, and not checked either")


def differs(expected: str, printed: str, sampled: bool = False) -> bool:
    """Whether what was printed is not what the block shows."""
    if sampled:
        return not _alike(expected, printed)
    lines = [line.rstrip() for line in expected.rstrip().splitlines()]
    pattern = "\n".join(".*" if line == "..." else re.escape(line) for line in lines)
    found = "\n".join(line.rstrip() for line in printed.rstrip().splitlines())
    return re.fullmatch(pattern, found, re.DOTALL) is None


def _alike(expected: str, printed: str) -> bool:
    """Whether two texts are the same but for numbers, and these are close to each other."""
    words = [NUMBER.split(text) for text in (expected, printed)]
    left, right = ([piece.split() for piece in pieces] for pieces in words)
    numbers = [[float(x) for x in NUMBER.findall(text)] for text in (expected, printed)]
    return left == right and all(
        abs(a - b) <= max(SLACK, SLACK * abs(a)) for a, b in zip(*numbers, strict=True)
    )


def write_outputs(page: str) -> None:
    """Put what a page prints into its output blocks; one with ``...`` that is right stays."""
    with TemporaryDirectory() as folder:
        found = list(run(page, Path(folder)))
    lines = text_of(page).splitlines(keepends=True)
    for block, printed in reversed(found):  # from the end, so that the lines above keep their place
        if differs(block.text, printed, block.more == "sampled"):
            shown = "".join(f"{line.rstrip()}\n" for line in printed.rstrip().splitlines())
            start = block.line - 1
            lines[start : start + block.text.count("\n")] = [shown]
    (ROOT / page).write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    os.environ["COLUMNS"] = str(COLUMNS)
    for name in sys.argv[1:] or pages():
        if name != ELSEWHERE:
            write_outputs(name)
