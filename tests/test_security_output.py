"""What is written stays in its folder, and texts from data stay texts wherever they are shown."""

import csv
import dataclasses
import io
import json
import os
import re
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt  # comes with Rich
from security_reviews import CSV, HOSTILE_NAMES, TRIALS, frame, full_of, quick

import bayespool as bp
from bayespool.cli import main
from bayespool.cli.progress import _Sign
from bayespool.errors import DataError, UsageError

# Escapes, and marks that turn the direction of writing.
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
EXACT = ["--measure", "RR", "--benefit", "lower", "--engine", "exact"]


def listing(folder: Path) -> dict[str, bytes]:
    """Every file and link below a folder with its content, every folder with none."""
    found = {}
    for path in folder.rglob("*"):
        name = os.fsencode(path.relative_to(folder)).decode(errors="backslashreplace")
        found[name] = os.fsencode(path.readlink()) if path.is_symlink() else b""
        if path.is_file():
            found[name] += path.read_bytes()
    return found


def texts_of(folder: Path, ending: str) -> dict[str, str]:
    found = {path.name: path.read_text("utf-8") for path in folder.rglob(f"*{ending}")}
    assert found
    return found


@pytest.fixture
def no_figures(monkeypatch):
    monkeypatch.setattr("bayespool.figures.drawable", lambda analysis: {})


# --- nothing leaves the output folder ----------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
@pytest.mark.usefixtures("no_figures")
def test_an_outcome_is_written_within_the_output_folder(name, tmp_path):
    out = tmp_path / "one" / "two"
    for path in (tmp_path / "kept", out / "mine" / "kept", out.parent / "kept"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("kept", encoding="utf-8")
    (tmp_path / "link").symlink_to(out)
    (out / "mine" / "link").symlink_to(tmp_path / "kept")
    before = listing(tmp_path)
    found = dataclasses.replace(quick(), name=name)
    page = bp.write_report([found], out)
    after = listing(tmp_path)
    assert {path: after.get(path) for path in before} == before
    made = set(after) - set(before)
    assert all(path.startswith("one/two/") for path in made)
    assert len({path.split("/")[2] for path in made} - {"index.html"}) == 1
    (record,) = (path for path in made if path.endswith("/record.json"))
    link = quote(record.removeprefix("one/two/"))
    assert f'href="{link}"' in page.read_text(encoding="utf-8")
    # The page alone links what lies there, and nothing elsewhere.
    before = listing(tmp_path)
    assert f'href="{link}"' in bp.page([found], out).read_text(encoding="utf-8")
    assert set(listing(tmp_path)) == set(before)


@pytest.mark.usefixtures("no_figures")
def test_data_files_of_any_name_are_reported_within_the_output_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("bayespool.studies.run", lambda *given: {})
    data, out = tmp_path / "data", tmp_path / "out" / "deep"
    data.mkdir()
    names = ["...csv", ".git.csv", "con.csv", "index.html.csv", "new\nline.csv", "\x1b[31m.csv"]
    names += ["a∕b.csv", "x\u202ey.csv", f"{'l' * 240}.csv", os.fsdecode(b"\xff.csv")]
    for name in [*names, "..csv", "-.csv", " .csv"]:
        (data / name).write_text(CSV, encoding="utf-8")
    before = listing(tmp_path)
    rest = [*EXACT, "--effects", "common", "--out", str(out), "--quiet"]
    assert main(["report", *(str(data / name) for name in names), *rest]) == 0
    after = listing(tmp_path)
    assert {path: after.get(path) for path in before} == before
    assert all(f"{path}/".startswith("out/") for path in set(after) - set(before))
    assert {path for path in after if path.startswith("out/") and path.count("/") < 2} == {
        "out/deep"
    }
    assert len(list(out.glob("*/record.json"))) == len(names)
    # What would share a folder is refused before anything is computed.
    for name in ("..csv", "-.csv", " .csv"):
        assert main(["report", str(data / "...csv"), str(data / name), *rest]) == 2
    assert listing(tmp_path) == after


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A report that is hostile all over, and beside it the same in plain words."""
    folder = tmp_path_factory.mktemp("reports")
    hostile = full_of(TRIALS, "=cmd|'/c calc'!A1", "javascript:alert(1)")
    bp.write_report([hostile], folder / "hostile")
    plain = full_of([f"trial {i}" for i in range(16)], "plain", "https://a.example")
    bp.write_report([plain], folder / "plain")
    return folder


def test_names_of_trials_and_groups_are_no_names_of_files(written):
    def names(folder):
        return {re.sub(r"^[^/]+/", "", name) for name in listing(folder) if "/" in name}

    assert names(written / "hostile") == names(written / "plain")


# --- texts stay texts --------------------------------------------------------------------------


def test_no_cell_of_a_table_is_a_formula(written):
    cells = []
    for text in texts_of(written / "hostile", ".csv").values():
        cells += [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    number = re.compile(r"[-+]?(\d+\.?\d*(e[-+]?\d+)?|inf)")
    starts = [cell for cell in cells if cell[:1] in tuple("=+-@\t\r\n") and cell]
    assert [cell for cell in starts if not number.fullmatch(cell)] == []
    for name in TRIALS[:5]:
        assert f"'{name}" in cells
    assert "'=cmd|'/c calc'!A1" in cells


def test_a_record_holds_every_text_and_no_sign_that_steers(written):
    for path in (written / "hostile").glob("*/record.json"):
        text = path.read_text("utf-8")
        assert not STEERS.search(text)
        record = json.loads(text)
        assert record["analysis"] == TRIALS[12]
        assert TRIALS[14] in record["notes"]
        assert {*TRIALS[:7], TRIALS[14]} <= set(record["exact"]["natural"]["theta"])


def test_a_text_report_shows_texts(written):
    (text,) = texts_of(written / "hostile", ".md").values()
    assert not STEERS.search(text)
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert not re.search(r"<(?!/?(h\d|p|ul|ol|li|table|thead|tbody|tr|t[hd]|em|strong|a|code|br)\b"
                         r"|img src=\"figures/)", shown)  # fmt: skip
    links = re.findall(r'(?:href|src)="([^"]*)"', shown)
    assert [link for link in links if not re.match(r"figures/|https?://", link)] == []
    for name in TRIALS[:7]:
        escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert escaped.replace('"', "&quot;") in shown, name


def test_a_figure_shows_texts(written):
    drawn = texts_of(written / "hostile", ".svg")
    tags, said = set(), []
    for text in drawn.values():
        assert not STEERS.search(text)
        for each in ElementTree.fromstring(text).iter():
            tags.add(each.tag.rpartition("}")[2].lower())
            names = {name.rpartition("}")[2].lower() for name in each.attrib}
            assert not any(name.startswith("on") for name in names)
            # A shape of the same file, or the colours of a map.
            href = each.attrib.get("{http://www.w3.org/1999/xlink}href", "#")
            assert href.startswith(("#", "data:image/png;"))
            said.append(each.text or "")
    assert not tags & {"script", "foreignobject", "img", "iframe", "a", "animate"}
    # Where a letter is missing in matplotlib's font, words are words in the file too.
    turned = full_of(TRIALS[::-1], "=x", "")
    assert "研究二〇二一" in turned.trials.names
    from bayespool.figures import forest, svg_text

    root = ElementTree.fromstring(svg_text(forest(turned)))
    words = {"".join(each.itertext()) for each in root.iter() if each.tag.endswith("}text")}
    assert {*TRIALS[9:14], "turned89.0", TRIALS[15]} <= words


def test_the_page_shows_no_mark_that_turns_what_follows(written):
    text = (written / "hostile" / "index.html").read_text("utf-8")
    assert not STEERS.search(text)
    assert "turned89.0" in text
    assert not re.search(r"<script>alert|<img src=x|href=\"(?!#|https?:|[\w.%-]+/)", text)


# --- the terminal ------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path) -> str:
    names = ["turned\u202e89.0", "\u2066[bold]x[/bold]", "[/]", "plain"]
    trials = frame(names, **{"\u202ecolumn": ["\u202ecell"] * 4, "subgroup": names})
    trials["risk_of_bias"] = ["high", "low", "low", "high"]
    trials.loc[3, ["events_treatment", "events_control"]] = 0  # which is worth a note
    path = tmp_path / "\x1b[31m\u202ered.csv"
    trials.to_csv(path, index=False)
    return str(path)


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("check", []),
        ("fit", EXACT),
        ("fit", [*EXACT, "--json", "-"]),
        ("crosscheck", EXACT),
        ("sensitivity", [*EXACT, "--only", "leave-one-out,subgroup,power,trust"]),
        ("sensitivity", [*EXACT, "--doubt", "\u202ecolumn=\u202ecell", "--only", "trust"]),
        ("sensitivity", [*EXACT, "--doubt", "\x1b[31m=\u202e"]),
        ("fit", [*EXACT, "--question", "Does \u202eit?", "--event", "\u202edeaths"]),
        ("fit", [*EXACT, "--question", "Does \x1b[31mit?"]),
        ("fit", [*EXACT, "--treatment", "\x9b31mx"]),
        ("fit", [*EXACT, "--mu", "\x1b[31m"]),
        ("fit", [*EXACT, "--\x1b[31m"]),
        ("fit", [*EXACT, "--threshold", "\x1b[31m"]),
        ("fit", [*EXACT, "--priors", "\x1b[31m\u202e"]),
    ],
    ids=ascii,
)
def test_nothing_that_is_printed_steers_the_terminal(verb, options, file, capsys):
    status = main([verb, file, *options])
    out = capsys.readouterr()
    refused = ascii([*options, ""])
    assert status == (2 if "x1b" in refused or "x9b" in refused else 0)
    assert out.err if status else out.out
    assert STEERS.findall(out.out + out.err) == []
    if verb in ("check", "sensitivity") and not status:
        assert "\\u202e" in out.out


def test_a_file_that_is_not_there_does_not_steer(tmp_path, capsys):
    assert main(["check", str(tmp_path / "\x1b]0;title\x07\u202e.csv")]) == 2
    out = capsys.readouterr()
    assert "\\x1b]0;title\\x07" in out.err
    assert STEERS.findall(out.out + out.err) == []


def test_the_headline_and_the_sign_of_life_do_not_steer():
    analysis = dataclasses.replace(quick(), name="\x1b[31m\u202e", question="\x9b[/]")
    assert STEERS.findall("".join(analysis.headline())) == []
    sign = _Sign()
    sign("[bold]\x1b[31m", "[/]")
    assert sign._text().plain == "[bold]\\x1b[31m [/]"


@pytest.mark.parametrize("word", ["name", "question", "treatment", "event"])
def test_control_characters_are_no_words_of_an_analysis(word):
    with pytest.raises(UsageError, match=rf"^{word} holds the control character U\+001B"):
        bp.analyse(quick().trials, "OR", engine="exact", **{word: "a\x1b[31mb"})


@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x1b[31m", "\x9b", "\r"])
def test_control_characters_are_no_names_in_a_table(sign):
    for table in (frame([f"a{sign}b", "c"]), frame(["a", "b"], **{f"c{sign}d": ["x", "y"]})):
        with pytest.raises(DataError) as caught:
            bp.read_trials(table)
        assert STEERS.findall(str(caught.value)) == []
