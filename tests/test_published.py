"""Published results beside ours, and why they differ."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayespool as bp
from bayespool.analysis.published import published_rows
from bayespool.prose.published import published
from bayespool.prose.words import Findings

FILE = Path(__file__).resolve().parents[1] / "data" / "published.csv"
ROW = {
    "review": "r", "outcome": "deaths", "k": "7", "n": "300", "measure": "RR", "estimate": "0.5",
    "ci_low": "0.25", "ci_high": "1", "model": "random", "source": "s",
    "source_locator": "abstract",
}  # fmt: skip


def analysed(rows, measure="RR", pooled=()):
    """What the report's section needs of a record."""
    natural = {"mu": {"median": 0.7, "lower": 0.45, "upper": 1.0}}
    record = {
        "analysis": "mortality", "measure": measure, "benefit": "lower", "trials": 10,
        "participants": 610, "likelihood": "binomial", "effects": "random", "scale": "log",
        "exact": {"natural": natural}, "published": rows,
    }  # fmt: skip
    tables = {"trials": pd.DataFrame({"trials_pooled": list(pooled)} if pooled else {})}
    return Findings(record, tables)


def lines_of(blocks):
    """Read the section's table: a dict a line, the first our own."""
    heads, _, *lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in blocks[1].splitlines()
    ]
    return [dict(zip(heads, line, strict=True)) for line in lines]


@pytest.fixture
def rows(tmp_path, exact):
    """Write a file of rows that differ from ROW as told, and compare it with mortality."""

    def compare(*changes, measures=(), posterior=exact, outcomes=("deaths",)):
        path = tmp_path / "published.csv"
        pd.DataFrame([ROW | change for change in changes]).to_csv(path, index=False)
        return published_rows(path, outcomes, posterior, measures)

    return compare


def test_the_review_that_is_redone_comes_first_and_meets_our_common_effect(exact):
    first, *_ = published_rows(FILE, ["all_cause_mortality", "mortality"], exact)
    assert first["review"] == "lu_2024_jtm"
    assert [first[end] for end in ("estimate", "lower", "upper")] == [0.76, 0.60, 0.96]
    # SOURCES.md: 0.76 [0.59, 0.96] by inverse variance, 0.74 [0.56, 0.97] by DerSimonian–Laird
    ours = [first[f"our_{end}"] for end in ("estimate", "lower", "upper")]
    assert ours == pytest.approx([0.76, 0.59, 0.96], abs=0.005)
    assert (first["our_k"], first["our_method"]) == (9, "common-IV")
    assert first["why"] == "Design: not stated."
    assert first["our_median"] == pytest.approx(np.exp(exact["mu"].quantile(0.5)))


def test_a_published_difference_of_the_same_two_trials_is_reproduced():
    """Yan 2023: MD -4.01 [-6.33, -1.68] days; our two trials give it from their medians."""
    trials = bp.read_trials(FILE.parent / "time_to_improvement.csv")
    posterior = bp.surface(trials, "ROM").posterior(bp.priors("ROM"))
    name = "clinical_symptom_improvement_time_days"
    (row,) = published_rows(FILE, [name], posterior)
    ours = [row[f"our_{end}"] for end in ("estimate", "lower", "upper")]
    assert ours == pytest.approx([-4.01, -6.33, -1.68], abs=0.006)
    assert "It is on MD, our main analysis on ROM. Ours is from medians." in row["why"]
    assert row["our_median"] is None
    assert "We have no posterior on MD" in row["why"]
    found = analysed([row], measure="ROM")
    (line,) = lines_of(published(found))[1:]
    assert (line["Theirs to ours"], line["Width"]) == ("0", "1.00")
    assert "Step 2" not in "".join(published(found))


def test_both_steps_are_ratios_of_estimates_and_of_widths(rows, exact, mortality):
    (row,) = rows({})
    dl = bp.pool(mortality, "RR", ["DL"]).iloc[0]
    lower, middle, upper = exact["mu"].quantile([0.025, 0.5, 0.975])
    step = 0.5 / np.exp(dl["estimate"])
    width = np.log(4) / (dl["upper"] - dl["lower"])
    text = published(analysed([row]))
    (line,) = lines_of(text)[1:]
    assert line["Theirs to ours"] == f"{step:.2f}"
    assert line["Width"] == f"{width:.2f}"
    assert line["Ours, same method"] == "0.74 [0.56, 0.97] DL"
    step = np.exp(middle - dl["estimate"])
    width = (upper - lower) / (dl["upper"] - dl["lower"])
    assert f"{step:.2f} times that by DerSimonian–Laird, {width:.2f} times as wide." in "".join(
        text
    )
    assert (row["our_method"], row["k"], row["n"]) == ("DL", 7, 300)


def test_each_step_is_explained_once(exact):
    """Sixteen reviews: one table, one sentence a step, each reason once."""
    names = ["mortality", "all_cause_mortality", "28d_mortality", "mortality_28d"]
    beside = {"measure": "OR", "natural_median": 0.56, "natural_lower": 0.3, "natural_upper": 0.96}
    rows = published_rows(FILE, names, exact, [beside])
    text = "\n".join(published(analysed(rows)))
    assert len(rows) > 10
    assert text.count("Step 1") == text.count("Step 2") == 1
    assert text.count("Design: not stated") <= 2
    below = re.sub(r"^\|.*$", "", text, flags=re.MULTILINE)
    assert len(below.split()) < 250
    assert "47.251" not in text
    assert "(https://doi.org/10.21037/jtd-24-281)" in text


def test_a_review_on_another_measure_meets_ours_on_that_measure(rows):
    beside = {"measure": "OR", "natural_median": 0.6, "natural_lower": 0.3, "natural_upper": 1.1}
    (row,) = rows({"measure": "OR", "model": "fixed"}, measures=[beside])
    assert row["our_estimate"] == pytest.approx(0.6333, abs=1e-4)
    assert [row["our_median"], row["our_median_lower"], row["our_median_upper"]] == [0.6, 0.3, 1.1]
    assert "It is on OR, our main analysis on RR." in row["why"]
    assert "is OR 0.60 [0.30, 1.10], 0.95 times" in "".join(published(analysed([row])))


def test_what_cannot_be_compared_is_said(rows):
    rate, none, means, bare = rows(
        {"measure": "IRR"},
        {"measure": "", "estimate": "", "ci_low": "", "ci_high": ""},
        {"measure": "WMD", "estimate": "-3", "ci_low": "-4", "ci_high": "-1"},
        {"ci_low": "", "ci_high": ""},
    )
    assert rate["why"].endswith(
        "It is on IRR, our main analysis on RR. Our data give no IRR to compare."
    )
    assert none["why"].endswith("The file gives no estimate.")
    assert "Our data give no WMD to compare." in means["why"]
    assert [row["our_estimate"] for row in (rate, none, means)] == [None] * 3
    line = lines_of(published(analysed([bare])))[1]
    assert line["Effect [95 %]"] == "RR 0.50"
    assert (line["Theirs to ours"], line["Width"]) == ("0.68", "–")


def test_a_design_is_never_guessed(rows):
    mixed, ards, plain, note = rows(
        {"review": "x_2021 (22 studies, mixed designs)"},
        {"outcome": "mortality (ARDS incl. non-COVID)"},
        {"review": "y_2022 (doi 10.1/2)"},
        {"source_locator": "abstract (3 RCTs + 5 comparative observational)"},
        outcomes=("deaths", "mortality (ARDS incl. non-COVID)"),
    )
    assert mixed["why"] == note["why"] == ""
    assert ards["why"] == plain["why"] == "Design: not stated."


def test_a_pooled_row_of_ours_is_not_compared_with_itself():
    trials = bp.read_trials(FILE.parent / "crp.csv")
    own = bp.Priors("Flat()", "HalfNormal(1)")
    posterior = bp.surface(trials, "MD", effects="common").posterior(own)
    rows = published_rows(FILE, ["CRP"], posterior)
    same = [row for row in rows if "ucmsc_2023_scrt" in row["review"]]
    assert len(same) == 2
    for row in same:
        assert row["why"] == "This is the row that is analysed here."
        assert row["our_estimate"] is None
        assert row["our_median"] is None
    text = published(analysed(rows, measure="MD", pooled=[3]))
    first, other, *_ = lines_of(text)
    assert first["Trials"] == "3, pooled"
    assert other["Theirs to ours"] == "−6.7"
    assert "equal to" not in "".join(text)
    assert "Step 2" not in "".join(text)
    assert "Ours is one published row" in text[2]
    assert text[-1].count("This is the row that is analysed here.") == 1
    assert not re.search(r"[\s(\[]-\d", re.sub(r"\(http\S+", "", "".join(text)))


def test_all_faults_of_the_file_at_once(rows):
    with pytest.raises(bp.DataError) as caught:
        rows(
            {"k": "seven"},
            {"estimate": "2"},
            {"ci_high": ""},
            {"measure": "OR", "ci_low": "-1"},
            {"measure": ""},
            {"n": "inf"},
            outcomes=("deaths", "births"),
        )
    faults = "\n".join(caught.value.faults)
    assert len(caught.value.faults) == 7
    assert "no row has the outcome 'births'. It has deaths." in faults
    assert "row 2 (r): k = 'seven' is not a number" in faults
    assert "row 3 (r): the interval 0.25 to 1 does not hold the estimate 2" in faults
    assert "row 5 (r): OR is a ratio, above 0; found -1" in faults
    assert "row 7 (r): n = 'inf' is not a number" in faults


def test_a_missing_column_or_file_is_named(tmp_path, exact):
    path = tmp_path / "short.csv"
    pd.DataFrame([ROW]).drop(columns=["k", "ci_low"]).to_csv(path, index=False)
    with pytest.raises(bp.DataError, match="there is no column k or ci_low"):
        published_rows(path, ["deaths"], exact)
    with pytest.raises(bp.DataError, match="cannot be read"):
        published_rows(tmp_path / "none.csv", ["deaths"], exact)
