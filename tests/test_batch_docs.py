"""What docs/batch.md says of a library is so, and its figure holds what it should."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from batch_example import public_library
from test_batch_files import GOOD, made

import bayespool as bp
from bayespool.batches import COLUMNS, NUTS
from bayespool.cli import main
from bayespool.errors import UsageError
from bayespool.figures.library import library

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "batch.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_columns_are_those_of_the_results():
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert dict(rows) == COLUMNS | NUTS
    assert [name for name, _ in rows] == [*COLUMNS, *NUTS]


def test_every_python_block_runs():
    names = {"frame": GOOD}
    first, second, *rest = blocks("python")
    exec(first, names)
    assert list(names["results"]["priors"]) == ["weak", "vague"]
    # Five of the eighteen reviews, for time.
    few = public_library()
    few = few[few["review"].isin(["bcg", "lau1992", "hine1989", "dorn2007", "karner2014_exa"])]
    exec(second.replace("public_library(),", "few,"), names | {"few": few}, names)
    for block in rest:
        exec(block, names)
    moved = names["moved"]
    assert (moved.loc["bcg", "sceptical"], moved.loc["dorn2007", "sceptical"]) == pytest.approx(
        (1.68, 0.43), abs=0.01
    )
    assert np.abs(np.log(moved.loc[["lau1992", "karner2014_exa"]])).max(axis=None) < 0.05
    assert len(names["figure"].axes) == 2


def test_every_shell_block_is_a_command_that_is_understood(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (shown,) = blocks("csv")
    Path("library.csv").write_text(shown, encoding="utf-8")
    for block in blocks("sh"):
        words = block.split()
        assert words[:2] == ["bayespool", "batch"]
        if "--scheduler" in words:
            assert main([*words[1:], "--bad"]) == 2
            assert "--bad" in capsys.readouterr().err
        else:
            assert main([*words[1:], "--workers", "1"]) == 0
    found = pd.read_parquet("results.parquet")
    assert found[["review", "priors"]].to_numpy().tolist() == [
        ["sepsis", "weak"], ["sepsis", "vague"], ["stroke", "weak"], ["stroke", "vague"],
    ]  # fmt: skip


# --- the figure ------------------------------------------------------------------------------


def test_the_figure_has_every_review_in_order_and_round_ticks():
    table = bp.batch(made(9), measure="OR", priors=["weak", "vague"])
    page, panel = library(table, benefit="lower").axes
    ordered = table[table["priors"] == "weak"].sort_values("natural_median")["review"]
    texts = [text.get_text() for text in page.texts]
    names = [text for text in texts if text.startswith("review ")]
    assert names == list(ordered)
    assert {"weak prior", "vague prior", "REML, Hartung–Knapp", "← favours treatment"} < set(texts)
    ticks = [label.get_text() for label in panel.get_xticklabels()]
    assert set(ticks) <= {"0.125", "0.25", "0.5", "1", "2", "4", "8"}
    points = [line.get_xdata()[0] for line in panel.lines if line.get_marker() == "o"]
    expected = table.loc[table["priors"] == "weak", "natural_median"].sort_values()
    np.testing.assert_allclose(points, expected)


def test_no_words_of_the_figure_meet():
    table = bp.batch(made(5), measure="OR", priors=["weak", "vague"])
    figure = library(table)
    figure.draw_without_rendering()
    boxes = [t.get_window_extent() for ax in figure.axes for t in ax.texts if t.get_text()]
    boxes += [label.get_window_extent() for label in figure.axes[1].get_xticklabels()]
    assert not [
        (a, b)
        for i, a in enumerate(boxes)
        for b in boxes[:i]
        if a.padded(-1).overlaps(b.padded(-1))
    ]
    assert all(figure.bbox.contains(*corner) for box in boxes for corner in box.corners())


def test_one_trial_a_review_without_an_answer_and_a_difference():
    one = pd.DataFrame({"review": "one", "trial": ["a"], "estimate": [0.1], "se": [0.2]})
    bad = one.assign(review="bad", se=-1.0)
    table = bp.batch(
        pd.concat([made(3), one, bad]), measure="MD", mu="Normal(0, 2)", tau="HalfNormal(1)"
    )
    page, _ = library(table).axes
    texts = {text.get_text() for text in page.texts}
    assert "one" in texts
    assert "bad" not in texts
    assert "Mean difference" in texts


def test_what_the_figure_cannot_show():
    table = bp.batch(made(2), measure="OR")
    mixed = pd.concat([table, table.assign(measure="RR")])
    many = pd.concat([table.assign(priors=f"set {i}") for i in range(5)])
    for wrong in (mixed, many, table.iloc[:0]):
        with pytest.raises(UsageError, match="one measure and one to four prior sets"):
            library(wrong)
