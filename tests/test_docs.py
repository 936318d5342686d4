"""The pages of docs/ and README.md: their code runs and prints what they show, links hold."""

import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from urllib.parse import unquote

import docs_blocks
import pytest
import typer.main
from docs_blocks import DIRECTIVES, ELSEWHERE, KINDS, NOT_RUN, READ_ONLY, ROOT, blocks, text_of
from typer.exceptions import TyperException

import bayespool as bp
from bayespool import studies
from bayespool.cli.verbs import app

PAGES = docs_blocks.pages()
WITH_CODE = [page for page in PAGES if any(b.language in KINDS for b in blocks(text_of(page)))]
TOP = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
LINKED = [*TOP, *(page for page in PAGES if page not in TOP)]


@pytest.mark.parametrize("page", [page for page in WITH_CODE if page != ELSEWHERE])
def test_every_block_runs_and_prints_what_the_page_shows(page, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(docs_blocks.COLUMNS))
    for block, printed in docs_blocks.run(page, tmp_path):
        if docs_blocks.differs(block.text, printed, block.more == "sampled"):
            # Compared here as they are, so that the difference is shown.
            assert printed.rstrip().splitlines() == block.text.rstrip().splitlines(), (
                f"{page}, line {block.line}"
            )


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_of_a_kind_that_is_run_or_shown(page):
    text = text_of(page)
    assert {block.language for block in blocks(text)} <= KINDS | DIRECTIVES
    assert text.count("\n```") % 2 == 0
    # Code that is only indented would be run by nobody.
    assert not re.search(r"(?:^|\n)\n {4,}\S", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    kinds = [block.language for block in blocks(text)]
    for before, kind in zip(["", *kinds], kinds, strict=False):
        if kind == "output":
            assert before in ("python", "sh"), f"{page}: output of nothing"


def test_text_blocks_hold_no_commands_that_could_run():
    shown = [b.text for page in WITH_CODE for b in blocks(text_of(page)) if b.language == "text"]
    assert len(shown) == 2
    assert shown[0] == "bayespool VERB DATA.csv [OPTIONS]\n"
    assert shown[1].startswith("phi | theta ~ Normal")


def test_what_is_not_run_stands_in_the_pages():
    said = {
        (page, words[0] if words[0] in NOT_RUN else words[1])
        for page in WITH_CODE
        for block in blocks(text_of(page))
        if block.language == "sh"
        for words, _ in docs_blocks.commands(block.text)
    }
    assert set(NOT_RUN) <= {word for _, word in said}
    assert said >= READ_ONLY


def test_the_command_is_installed():
    command = Path(sys.executable).parent / "bayespool"
    done = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    assert "sensitivity" in done.stdout


@pytest.mark.parametrize(
    ("expected", "printed", "other"),
    [
        ("a\nb\n", "a  \nb", False),
        ("a\n...\nc\n", "a\nb\nb\nc\n", False),
        ("a\n...\n", "b\nc\n", True),
        ("0.71\n", "0.72\n", True),
        ("", "a\n", True),
    ],
)
def test_the_comparison_sees_a_difference(expected, printed, other):
    assert docs_blocks.differs(expected, printed) is other


def test_draws_may_be_off_by_a_little():
    assert not docs_blocks.differs("OR 0.61 [0.4, 1.3]\n", "OR  0.62 [0.4, 1.25]\n", True)
    assert docs_blocks.differs("OR 0.61 [0.4, 1.3]\n", "OR 0.81 [0.4, 1.3]\n", True)
    assert docs_blocks.differs("OR 0.61\n", "RR 0.61\n", True)
    assert docs_blocks.differs("OR 0.61\n", "OR 0.61 0.62\n", True)


def test_a_command_that_nobody_knows_is_an_error():
    for words in (["rm", "-rf", "data"], ["make", "coffee"], ["git", "push"]):
        with pytest.raises(AssertionError):
            docs_blocks.obey("README.md", words, 0)
    with pytest.raises(TyperException, match="--colour"):
        docs_blocks.obey("README.md", ["bayespool", "report", "a.csv", "--colour", "red"], 0)


# --- nothing is missing ----------------------------------------------------------------------


def test_every_page_is_in_a_table_of_contents():
    listed = set()
    for page in PAGES:
        for block in blocks(text_of(page)):
            if block.language == "{toctree}":
                lines = [line.strip() for line in block.text.splitlines()]
                listed |= {line for line in lines if line and not line.startswith(":")}
    pages = {page.removeprefix("docs/").removesuffix(".md") for page in PAGES} - {"README"}
    assert listed == pages - {"index"}


def test_every_public_name_is_in_the_api():
    found = re.findall(r"^\.\. auto(\w+):: (\w+)", text_of("docs/api.md"), re.MULTILINE)
    assert sorted(name for _, name in found) == sorted(bp.__all__)
    for kind, name in found:
        public = getattr(bp, name)
        right = "function"
        if isinstance(public, type):
            right = "exception" if issubclass(public, Exception) else "class"
        assert kind == right, name


def test_every_verb_option_study_and_status_is_in_the_command_line():
    text = text_of("docs/command-line.md")
    words = set(re.findall(r"`([\w -]+)`", text))
    verbs = typer.main.get_command(app).commands
    assert set(verbs) <= words
    options = {
        option
        for verb in verbs.values()
        for p in verb.params
        for option in p.opts
        if p.opts[0] > ""
    }
    named = {option for option in options if option.startswith("--")} - {"--help"}
    assert {o for o in named if o not in set(re.findall(r"`(--[\w-]+)", text))} == set()
    assert {study.name for study in studies.STUDIES.values()} <= words
    for status in (0, 1, 2, 3, 130):
        assert f"\n| {status} |" in text


# --- links -----------------------------------------------------------------------------------


def without_code(text):
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))


def anchors(path):
    """The anchors that a code-hosting site, and the built site, give a page's headings."""
    found, seen = set(), {}
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    for heading in re.findall(r"^#+ +(.*?) *$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading)
        kept = (c for c in plain.lower() if c in " -_" or unicodedata.category(c)[0] in "LN")
        slug = "".join(kept).replace(" ", "-")
        number = seen.setdefault(slug, 0)
        seen[slug] += 1
        found.add(f"{slug}-{number}" if number else slug)
    return found


@pytest.mark.parametrize("page", LINKED)
def test_every_link_leads_somewhere(page):
    here = ROOT / page
    lost = []
    for address in re.findall(r"\]\(([^()\s]+)\)", without_code(text_of(page))):
        if re.match(r"https?://", address):
            continue
        path, _, anchor = unquote(address).partition("#")
        target = (here.parent / path).resolve() if path else here
        # Results that `make report` writes are links too; they are committed.
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(address)
    assert lost == []
