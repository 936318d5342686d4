"""Published results beside ours, and why they differ."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayespool as bp
from bayespool.analysis.published import published_rows

FILE = Path(__file__).resolve().parents[1] / "data" / "published.csv"
ROW = {
    "review": "r", "outcome": "deaths", "k": "7", "n": "300", "measure": "RR", "estimate": "0.5",
    "ci_low": "0.25", "ci_high": "1", "model": "random", "source": "s",
    "source_locator": "abstract",
}  # fmt: skip


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
    assert "by DerSimonian–Laird 0.738 [0.561, 0.971]" in first["why"]
    assert "Trials there: not stated; here: 10." in first["why"]
    assert "Design: not stated." in first["why"]
    assert first["our_median"] == pytest.approx(np.exp(exact["mu"].quantile(0.5)))


def test_a_published_difference_of_the_same_two_trials_is_reproduced():
    """Yan 2023: MD -4.01 [-6.33, -1.68] days; our two trials give it from their medians."""
    trials = bp.read_trials(FILE.parent / "time_to_improvement.csv")
    posterior = bp.surface(trials, "ROM").posterior(bp.priors("ROM"))
    name = "clinical_symptom_improvement_time_days"
    (row,) = published_rows(FILE, [name], posterior)
    ours = [row[f"our_{end}"] for end in ("estimate", "lower", "upper")]
    assert ours == pytest.approx([-4.01, -6.33, -1.68], abs=0.006)
    assert "Theirs is equal to ours, its interval 1.00 times as wide." in row["why"]
    assert "It is on MD, our main analysis on ROM." in row["why"]
    assert row["our_median"] is None
    assert "we have no posterior on MD" in row["why"]


def test_both_steps_are_ratios_of_estimates_and_of_widths(rows, exact, mortality):
    (row,) = rows({})
    dl = bp.pool(mortality, "RR", ["DL"]).iloc[0]
    lower, middle, upper = exact["mu"].quantile([0.025, 0.5, 0.975])
    step = 0.5 / np.exp(dl["estimate"])
    width = np.log(4) / (dl["upper"] - dl["lower"])
    assert f"Theirs is {step:.2f} times ours, its interval {width:.2f} times as wide" in row["why"]
    step = np.exp(middle - dl["estimate"])
    width = (upper - lower) / (dl["upper"] - dl["lower"])
    assert f"{step:.2f} times our estimate of step 1, its interval {width:.2f} times" in row["why"]
    assert (row["our_method"], row["k"], row["n"]) == ("DL", 7, 300)
    assert "common effect" not in row["why"]


def test_a_review_on_another_measure_meets_ours_on_that_measure(rows):
    beside = {"measure": "OR", "natural_median": 0.6, "natural_lower": 0.3, "natural_upper": 1.1}
    (row,) = rows({"measure": "OR", "model": "fixed"}, measures=[beside])
    assert row["our_estimate"] == pytest.approx(0.6333, abs=1e-4)
    assert [row["our_median"], row["our_median_lower"], row["our_median_upper"]] == [0.6, 0.3, 1.1]
    assert "It is on OR, our main analysis on RR." in row["why"]
    assert "is 0.600 [0.300, 1.10], 0.95 times" in row["why"]


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
    assert "theirs is RR 0.5 (model random)" in bare["why"]
    assert "times ours. Step 2" in bare["why"]


def test_designs_and_patients_are_quoted_never_guessed(rows):
    mixed, ards, plain, note = rows(
        {"review": "x_2021 (22 studies, mixed designs)"},
        {"outcome": "mortality (ARDS incl. non-COVID)"},
        {"review": "y_2022 (doi 10.1/2)"},
        {"source_locator": "abstract (3 RCTs + 5 comparative observational)"},
        outcomes=("deaths", "mortality (ARDS incl. non-COVID)"),
    )
    assert "The file says: 22 studies, mixed designs. Step 1" in mixed["why"]
    assert "The file says: ARDS incl. non-COVID. Design: not stated." in ards["why"]
    assert "Design: not stated." in plain["why"]
    assert "doi" not in plain["why"]
    assert "The file says: abstract (3 RCTs + 5 comparative observational). Step" in note["why"]


def test_a_pooled_row_of_ours_is_called_one():
    trials = bp.read_trials(FILE.parent / "crp.csv")
    own = bp.Priors("Flat()", "HalfNormal(1)")
    posterior = bp.surface(trials, "MD", effects="common").posterior(own)
    row = published_rows(FILE, ["CRP"], posterior)[0]
    assert "here: one published pooled row of 3." in row["why"]
    assert "by DerSimonian–Laird" not in row["why"]


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
