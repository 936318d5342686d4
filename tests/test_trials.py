"""Reading a review: right tables are read as they stand, wrong ones refused with every fault."""

import csv
import json
import shutil
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bayespool.errors import BayespoolError, DataError, UsageError
from bayespool.files import csv_text, sha256_of
from bayespool.trials import LAYOUTS, Trials, read_trials
from bayespool.trials.columns import NAMES, read_header, within_one_edit

BROKEN = Path(__file__).parent / "broken"
EXPECTED = json.loads((BROKEN / "expected.json").read_text(encoding="utf-8"))

BINARY = "trial,events_treatment,n_treatment,events_control,n_control\n"
ARM_NUMBERS = {
    "events": "3", "n": "20", "mean": "1.5", "sd": "0.5",
    "min": "-1", "q1": "0.5", "median": "2", "q3": "3", "max": "1e1",
}  # fmt: skip


def numbers_for(layout):
    stems = [name.split("_")[0] for name in LAYOUTS[layout]]
    return [{"estimate": "-0.3", "se": "0.2"}.get(stem) or ARM_NUMBERS[stem] for stem in stems]


def csv_of(layout):
    return f"trial,{','.join(LAYOUTS[layout])}\na,{','.join(numbers_for(layout))}\n"


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Read text or bytes as the file data.csv of the current folder."""
    monkeypatch.chdir(tmp_path)

    def reader(content):
        Path("data.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_trials("data.csv")

    return reader


def faults_of(source):
    with pytest.raises(DataError) as caught:
        read_trials(source)
    return list(caught.value.faults)


# --- what is accepted -------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_is_detected_from_its_columns(read, layout):
    trials = read(csv_of(layout))
    assert trials.layout == layout
    assert list(trials.frame.columns) == ["trial", *LAYOUTS[layout]]
    assert [float(v) for v in numbers_for(layout)] == [
        trials.frame[name].iloc[0] for name in LAYOUTS[layout]
    ]
    assert all(trials.frame[name].dtype == np.float64 for name in LAYOUTS[layout])


def test_a_review_is_read_as_it_stands(read):
    content = (
        BINARY.strip() + ",year,days,risk_of_bias,subgroup,source\n"
        "shu_2020,0,12,3,29,2020,28,Low,UC,table 3\n"
        "zhu_2021,0,29,2,29,,28,, BM ,\n"
    )
    trials = read(content)
    assert isinstance(trials, Trials)
    assert trials.path == "data.csv"
    assert trials.names == ["shu_2020", "zhu_2021"]
    assert trials.rows == (2, 3)
    assert len(trials) == 2
    assert trials.participants == 99
    assert trials.sha256 == sha256_of(content)
    assert trials.where(1) == "data.csv, row 3 (zhu_2021)"
    assert trials.frame["events_control"].tolist() == [3.0, 2.0]
    assert trials.frame["year"].iloc[0] == 2020
    assert np.isnan(trials.frame["year"].iloc[1])
    assert trials.frame["days"].tolist() == ["28", "28"]
    assert trials.frame["risk_of_bias"].tolist() == ["low", ""]
    assert trials.frame["subgroup"].tolist() == ["UC", "BM"]
    assert trials.frame["source"].tolist() == ["table 3", ""]
    assert trials.notes == ()


@pytest.mark.parametrize(
    "content",
    [
        BINARY.encode() + b"a,1,10,2,10\nb,3,10,4,10\n",
        b"\xef\xbb\xbf" + BINARY.encode() + b"a,1,10,2,10\nb,3,10,4,10\n",
        (BINARY + "a,1,10,2,10\nb,3,10,4,10").replace("\n", "\r\n").encode(),
        (BINARY + "a,1,10,2,10\nb,3,10,4,10").replace("\n", "\r").encode(),
        BINARY.encode() + b'"a",1.0, 10 ,"2",1e1\nb,+3,10.,4,010\n',
        BINARY.replace(",", " , ").encode() + b" a, 1, 10,2,10\n b, 3,10,4,10\n",
        BINARY.encode() + b"\na,1,10,2,10\n\n , , , , \nb,3,10,4,10\n\n",
    ],
    ids=["plain", "bom", "crlf", "cr", "spellings", "spaces", "blank lines"],
)
def test_spellings_of_one_table_read_alike(read, content):
    trials = read(content)
    assert trials.names == ["a", "b"]
    numbers = trials.frame[list(LAYOUTS["binary"])].to_numpy().tolist()
    assert numbers == [[1, 10, 2, 10], [3, 10, 4, 10]]


def test_rows_are_line_numbers_past_blank_lines(read):
    trials = read("\n" + BINARY + "\na,1,10,2,10\n\nb,3,10,4,10\n")
    assert trials.rows == (4, 6)
    assert trials.where(1) == "data.csv, row 6 (b)"


def test_columns_of_no_layout_are_kept_as_read(read):
    trials = read("note,estimate,trial,se,days,median_control\n 1e3 ,0.1,a,0.2,028,7\n")
    assert trials.layout == "generic"
    assert list(trials.frame.columns) == [
        "note", "estimate", "trial", "se", "days", "median_control",
    ]  # fmt: skip
    # The CSV reader drops blanks after a comma; the rest of the cell stays.
    assert trials.frame.loc[0, ["note", "days", "median_control"]].tolist() == ["1e3 ", "028", "7"]


def test_a_column_without_a_name_is_kept(read):
    trials = read(",trial,estimate,se\n0,a,0.1,0.2\n1,b,0.2,0.2\n")
    assert trials.frame["unnamed_1"].tolist() == ["0", "1"]


def test_names_may_be_in_any_script_and_cells_quoted(read):
    trials = read('trial,estimate,se\n"Shi, L. 2021 (施)",0.1,0.2\nGrégoire “A”,0.3,0.1\n')
    assert trials.names == ["Shi, L. 2021 (施)", "Grégoire “A”"]


def test_large_counts_are_exact(read):
    trials = read(BINARY + "a,1,1000000001,999999999999,999999999999\n")
    assert trials.participants == 1_000_000_001 + 999_999_999_999


def test_minus_zero_becomes_zero(read):
    events = read(BINARY + "a,-0,10,2,10\n").frame["events_treatment"]
    assert not np.signbit(events.iloc[0])


def test_quartiles_may_touch(read):
    header = f"trial,{','.join(LAYOUTS['quartiles'])}\n"
    trials = read(header + "zhu_2021,7,7,12,29,13,13,16,29\n")
    assert trials.layout == "quartiles"


# --- participants -----------------------------------------------------------------------------


def test_participants_of_generic_data(read):
    assert read("trial,estimate,se\na,0.1,0.2\n").participants is None
    assert read("trial,estimate,se,participants\na,0.1,0.2,80\nb,0,1,8\n").participants == 88
    assert read("trial,estimate,se,participants\na,0.1,0.2,80\nb,0,1,\n").participants is None
    assert read("trial,estimate,se,participants\na,0.1,0.2,about 80\n").participants is None
    assert read("trial,estimate,se,participants\na,0.1,0.2,1e20\n").participants is None


# --- take -------------------------------------------------------------------------------------


@pytest.fixture
def four(read):
    return read(BINARY + "a,1,10,2,10\nb,3,10,4,10\nc,5,10,6,10\nd,7,10,8,10\n")


@pytest.mark.parametrize(
    ("keep", "names"),
    [
        ([0, 2], ["a", "c"]),
        ([3, 1], ["d", "b"]),
        (np.array([False, True, True, False]), ["b", "c"]),
        ([True, False, False, True], ["a", "d"]),
        (range(4), ["a", "b", "c", "d"]),
    ],
)
def test_take_keeps_what_belongs_together(four, keep, names):
    some = four.take(keep)
    assert some.names == names
    assert list(some.frame.index) == list(range(len(names)))
    assert some.rows == tuple(" abcd".index(name) + 1 for name in names)
    assert some.where(0) == f"data.csv, row {some.rows[0]} ({names[0]})"
    assert (some.sha256, some.layout, some.path) == (four.sha256, four.layout, four.path)
    assert some.frame["events_treatment"].tolist() == ["_a_b_c_d".index(n) * 1.0 for n in names]


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        ([], "no trial is left"),
        ([False] * 4, "no trial is left"),
        ([True] * 3, "a mask needs 4 truth values, not 3"),
        ([4], "positions run from 0 to 3"),
        ([-1], "positions run from 0 to 3"),
        ([1, 1], "each at most once"),
        ([0.5], "whole numbers or a mask"),
        (["a"], "whole numbers or a mask"),
        ([[0, 1]], "whole numbers or a mask"),
    ],
)
def test_take_refuses_what_is_no_choice_of_trials(four, keep, message):
    with pytest.raises(UsageError, match=message):
        four.take(keep)


# --- DataFrames -------------------------------------------------------------------------------

FRAME = pd.DataFrame(
    {
        "trial": ["a", "b"],
        "events_treatment": [1, 3],
        "n_treatment": [10, 12],
        "events_control": [2, 4],
        "n_control": [11, 13],
        "days": [28, 14],
    },
    index=[7, 7],
)


def test_a_frame_reads_like_its_csv(read):
    trials = read_trials(FRAME)
    from_file = read(csv_text(FRAME))
    columns = ["trial", *LAYOUTS["binary"]]
    pd.testing.assert_frame_equal(trials.frame[columns], from_file.frame[columns])
    assert (trials.layout, trials.rows, trials.sha256, trials.participants) == (
        from_file.layout, from_file.rows, from_file.sha256, from_file.participants,
    )  # fmt: skip
    assert trials.path == "<DataFrame>"
    assert trials.where(0) == "<DataFrame>, row 2 (a)"
    assert trials.frame["days"].tolist() == [28, 14]


def test_a_frame_given_is_neither_changed_nor_shared():
    given = FRAME.copy()
    trials = read_trials(given)
    pd.testing.assert_frame_equal(given, FRAME)
    given.loc[:, "days"] = 0
    assert trials.frame["days"].tolist() == [28, 14]


@pytest.mark.parametrize(
    "cells",
    [
        [1, 3],
        ["1", " 3.0 "],
        [Decimal(1), Decimal("3.0")],
        pd.array([1, 3], dtype="Int64"),
        pd.array([1, 3], dtype="int64[pyarrow]"),
        np.array([1, 3], dtype=np.float32),
        np.array([1, 3], dtype=np.uint8),
        pd.Categorical([1, 3]),
        [np.int32(1), "3"],
    ],
    ids=str,
)
def test_numbers_of_any_kind_are_read(cells):
    trials = read_trials(FRAME.assign(events_treatment=cells))
    assert trials.frame["events_treatment"].tolist() == [1.0, 3.0]
    assert trials.frame["events_treatment"].dtype == np.float64


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ([1, None], "events_treatment is empty"),
        (pd.array([1, pd.NA], dtype="Int64"), "events_treatment is empty"),
        ([1, np.inf], 'events_treatment = "inf" is infinite'),
        ([True, False], 'events_treatment = "True" is not a number'),
        ([1, 1j], "is not a number"),
        (pd.to_datetime(["2020-01-01", "2020-01-02"]), "is not a number"),
        ([1, [3]], 'events_treatment = "[3]" is not a number'),
        ([1, 2**53 + 1], "is more than there are people"),
    ],
    ids=str,
)
def test_cells_of_a_frame_that_are_no_count(cells, fault):
    assert fault in "\n".join(faults_of(FRAME.assign(events_treatment=cells)))


def test_an_integer_too_long_to_print():
    cells = pd.Series([1, 10**5000], dtype=object, index=FRAME.index)
    (fault,) = faults_of(FRAME.assign(events_treatment=cells))
    assert 'events_treatment = "a very long integer" is not a number' in fault


def test_faults_of_the_shape_of_a_frame():
    twice = pd.concat([FRAME, FRAME[["n_control"]]], axis=1)
    assert 'column "n_control" stands twice, as columns 5 and 7' in faults_of(twice)[0]
    assert "no trials" in faults_of(FRAME.iloc[:0])[0]
    assert "no columns" in faults_of(pd.DataFrame())[0]
    assert "no columns" in faults_of(pd.DataFrame(index=[1, 2]))[0]
    assert "match no layout" in faults_of(pd.DataFrame([[1, 2]]))[1]
    lone = pd.Series(["ok", "\ud800"], dtype=object, index=FRAME.index)
    (fault,) = faults_of(FRAME.assign(note=lone))
    assert fault.startswith("<DataFrame>, row 3: column note holds the control character U+D800.")
    assert (
        "the header holds the control character U+0007"
        in faults_of(FRAME.rename(columns={"days": "\adays"}))[0]
    )


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("studlab event.e n.e event.c n.c",
         "trial events_treatment n_treatment events_control n_control"),
        ("author ai n1i ci n2i", "trial events_treatment n_treatment events_control n_control"),
        ("id study n_treated deaths_treated n_placebo deaths_placebo",
         "id trial n_treatment events_treatment n_control events_control"),
        ("trial deaths_t n_t deaths_c n_c rob CI",
         "trial events_treatment n_treatment events_control n_control risk_of_bias CI"),
        ("Study meanT sdT nT meanC sdC nC note",
         "trial mean_treatment sd_treatment n_treatment mean_control sd_control n_control note"),
        ("trial events_treatment n_treatment events_control total_control",
         "trial events_treatment n_treatment events_control n_control"),
        ("study TE seTE", "trial estimate se"),
        ("author yi sei", "trial estimate se"),
    ],
)  # fmt: skip
def test_a_header_of_another_program_is_answered_with_ours(theirs, ours):
    (fault,) = faults_of(pd.DataFrame(columns=theirs.split(), data=[[1] * len(theirs.split())]))
    assert fault.endswith(f"Write as header: {ours.replace(' ', ',')}")
    header = fault.rpartition(": ")[2].split(",")
    assert read_header(header).layout is not None
    assert not read_header(header).faults


@pytest.mark.parametrize(
    ("theirs", "treatment", "control"),
    [
        ("study events_late n_late events_early n_early", "late", "early"),
        ("study events_placebo n_placebo events_msc n_msc", "msc", "placebo"),
        ("study deaths_c n_c deaths_p n_p", "c", "p"),  # colchicine?
        ("study deaths_e n_e deaths_l n_l", "e", "l"),
        ("study events_ind n_ind events_exp n_exp", "ind", "exp"),  # expectant?
    ],
)
def test_arms_of_other_names_are_asked_for(theirs, treatment, control):
    (fault,) = faults_of(pd.DataFrame([[1] * 5], columns=theirs.split()))
    said = f", if {treatment} is the treatment; if {control} is, the other way round."
    assert fault.endswith(said)
    header = fault.removesuffix(said).rpartition(": ")[2].split(",")
    name = dict(zip(theirs.split(), header, strict=True))
    assert name[f"n_{treatment}"] == "n_treatment"
    assert name[f"n_{control}"] == "n_control"


@pytest.mark.parametrize(
    "names",
    [
        "study events_a n_a events_b n_b events_c n_c",  # three arms
        "study deaths n_early cured n_late",
        "study x y",
        "study deaths_e n_early deaths_c n_late",
        "study events_aspirin n_aspirin events_no_treatment n_no_treatment",
        "study no_events_t n_t no_events_c n_c",
        "study events_total n_total events_t n_t",
        "study events_all n_all events_treatment n_treatment",
        "study cases_t events_t n_t events_c n_c",  # which are the events?
        "study ai bi ci di",
        "study yi vi",
        "study OR se",
        "study mean_difference sd_difference n_difference mean_c sd_c n_c",
    ],
)
def test_what_is_not_plain_is_not_guessed(names):
    faults = faults_of(pd.DataFrame([[1] * len(names.split())], columns=names.split()))
    assert any(fault.endswith('Rename "study" to trial.') for fault in faults)
    assert not any("Write as header" in fault for fault in faults)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("study ai bi ci di", "n_treatment = ai + bi, events_control = ci and n_control = ci + di"),
        ("slab yi vi weight", "write estimate = yi and se = the square root of vi"),
        ("trial yi vi", "write estimate = yi and se = the square root of vi"),
    ],
)
def test_what_has_to_be_computed_is_said(names, said):
    columns = names.split()
    faults = faults_of(pd.DataFrame([[1] * len(columns)], columns=columns))
    assert [fault for fault in faults if said in fault]
    assert any(f'Rename "{columns[0]}" to trial' in fault for fault in faults) == (
        columns[0] != "trial"
    )


def test_what_has_to_be_computed_hides_no_other_fault():
    names = "trial events_treatment n_treatment events_control yi vi Year"
    faults = faults_of(pd.DataFrame([["a", 50, 10, 1, 0.1, 0.2, 2020]], columns=names.split()))
    assert len(faults) == 3
    for said in ('"Year" has to be', "no column n_control", "exceeds n_treatment"):
        assert any(said in fault for fault in faults)


def test_what_is_whole_needs_no_advice():
    names = "trial estimate se yi vi ai bi ci di"
    assert read_header(names.split()).layout == "generic"
    assert not read_header(names.split()).faults


def test_a_header_to_write_is_csv():
    names = ["study", "event.e", "n.e", "event.c", "n.c", 'weight, "fixed"']
    (fault,) = faults_of(pd.DataFrame([["a", 1, 20, 2, 20, 0.5]], columns=names))
    (header,) = csv.reader([fault.rpartition("header: ")[2]])
    assert header[-1] == names[-1]


# --- what is refused --------------------------------------------------------------------------


def test_the_corpus_is_complete():
    assert {path.name for path in BROKEN.iterdir()} == {*EXPECTED, "expected.json"}
    assert len(EXPECTED) >= 83


@pytest.mark.parametrize("name", EXPECTED)
def test_a_broken_file_is_refused_with_each_of_its_faults(name, tmp_path, monkeypatch):
    shutil.copy(BROKEN / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    faults = faults_of(name)
    fragments = EXPECTED[name]
    assert len(faults) == len(fragments), faults
    for fault, fragment in zip(faults, fragments, strict=True):
        assert fault.startswith(name)
        assert fragment in fault
        assert fault.isprintable()


def test_the_example_of_the_design(read):
    with pytest.raises(DataError) as caught:
        read(BINARY + "adas_2021,3,10,6,10\nshu_2020,0,12,31,29\nzhu_2021,0,0,2,29\n")
    assert str(caught.value) == (
        "data.csv, row 3 (shu_2020): events_control = 31 exceeds n_control = 29. "
        "Check the arms are not swapped.\n"
        "data.csv, row 4 (zhu_2021): n_treatment = 0, so the arm has nobody in it. "
        "Correct it, or leave the trial out."
    )
    assert isinstance(caught.value, BayespoolError)


def test_files_that_cannot_be_opened(tmp_path):
    missing, inside = tmp_path / "none.csv", tmp_path / "file.csv" / "data.csv"
    (tmp_path / "file.csv").write_text(BINARY)
    assert faults_of(missing) == [
        f"{missing}: there is no such file. Check its name and the folder you are in."
    ]
    assert faults_of(tmp_path) == [f"{tmp_path}: this is a folder. Name a CSV file in it."]
    reason = "Not a directory. Check its name, and that you may read it."
    assert faults_of(inside) == [f"{inside}: the file cannot be read: {reason}"]
    assert "cannot be read" in faults_of("x" * 300)[0]
    assert "cannot be read" in faults_of("a\0b.csv")[0]
    assert faults_of("a\0b.csv")[0].isprintable()
    for source in (3, None, b"data.csv", ["data.csv"], {"trial": ["a"]}):
        assert "takes the path of a CSV file or a DataFrame" in faults_of(source)[0]


def test_other_kinds_of_file(read):
    for content in (
        (BINARY + "a,1,10,2,10\n").encode("utf-16-le"),
        (BINARY + "a,1,10,2,10\n").encode("utf-16-be"),
    ):
        with pytest.raises(DataError, match=r"^data\.csv: the file is in UTF-16"):
            read(content)
    with pytest.raises(DataError, match=r"^data\.csv: this is not a text file"):
        read(b"abc\x00\x00\x00\xff\xff")
    with pytest.raises(DataError, match="longer than 131,072 characters"):
        read(BINARY + 'a,"' + "1" * 200_000 + '",10,2,10\n')
    with pytest.raises(DataError, match="longer than 131,072 characters"):
        read(BINARY + "x" * 10_000_000)
    for blank in (b"\n\n", b",,\n,,\n", b'"",""\n', b"\xef\xbb\xbf", b" \r\n"):
        with pytest.raises(DataError, match=r"^data\.csv: the file is empty"):
            read(blank)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_missing_column_is_named(read, layout):
    for name in LAYOUTS[layout]:
        rest = [c for c in LAYOUTS[layout] if c != name]
        if layout == "five" and name.split("_")[0] in ("min", "max", "q1", "q3"):
            continue  # what is left is the range or the quartiles layout, whole
        with pytest.raises(DataError) as caught:
            read(f"trial,{','.join(rest)}\na,{','.join(['1'] * len(rest))}\n")
        assert f"there is no column {name}" in str(caught.value)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_refuses_an_empty_cell(read, layout):
    header, row = csv_of(layout).splitlines()
    for j, name in enumerate(LAYOUTS[layout], start=1):
        cells = row.split(",")
        cells[j] = ""
        with pytest.raises(DataError) as caught:
            read(f"{header}\n{','.join(cells)}\n")
        assert caught.value.faults[0].startswith(f"data.csv, row 2 (a): {name} is empty")


# --- spelling of columns ----------------------------------------------------------------------


def test_no_contract_name_is_taken_for_another(read):
    extra = [name for name in NAMES if name not in ("trial", "estimate", "se", "year")]
    extra = [name for name in extra if not name.startswith(("events", "mean", "q1", "min"))]
    cells = ["low" if name == "risk_of_bias" else "1" for name in extra]
    assert read(f"trial,estimate,se,{','.join(extra)}\na,0.1,0.2,{','.join(cells)}\n")


@pytest.mark.parametrize(
    "name",
    [
        "days", "unit", "dose", "note", "definition", "locator", "phase", "country", "sex", "set",
        "age", "study", "outcome", "review", "participants", "trials_pooled", "measure", "weight",
        "follow_up", "median", "n", "total", "trial_id", "doi", "site", "arm", "rob", "mean_age",
    ],
)  # fmt: skip
def test_ordinary_columns_are_no_typing_errors(read, name):
    assert name in read(f"{BINARY.strip()},{name}\na,1,10,2,10,x\n").frame
    assert name in read(f"trial,estimate,se,{name}\na,1,1,x\n").frame


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("years", "year"), ("yaer", "year"), ("sub_group", "subgroup"),
        ("soruce", "source"), ("confidense", "confidence"), ("n_controll", "n_control"),
        ("q2_control", "q1_control or q3_control"), ("events_tratment", "events_treatment"),
    ],
)  # fmt: skip
def test_typing_errors_name_what_was_meant(read, name, meant):
    with pytest.raises(DataError) as caught:
        read(f"{BINARY.strip()},{name}\na,1,10,2,10,2020\n")
    assert f'row 1: column "{name}" looks like {meant} misspelt. Write {meant}' in str(caught.value)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Year", "year"), ("YEAR", "year"), ("risk of bias", "risk_of_bias"),
        ("Risk-of-bias", "risk_of_bias"),
    ],
)  # fmt: skip
def test_capitals_and_hyphens_are_no_typing_errors(read, name, written):
    with pytest.raises(DataError, match=f'columns "{name}" and "{written}" are too alike'):
        read(f"{BINARY.strip()},{name},{written}\na,1,10,2,10,2020,2020\n")
    with pytest.raises(DataError) as caught:
        read(f"{BINARY.strip()},{name}\na,1,10,2,10,2020\n")
    assert f'row 1: column "{name}" has to be written {written}; if it' in str(caught.value)


def test_a_misspelt_standard_error_is_seen_where_one_is_wanted(read):
    with pytest.raises(DataError, match='column "es" looks like se misspelt'):
        read("trial,estimate,es\na,0.1,0.2\n")
    with pytest.raises(DataError, match='column "SE" has to be written se;'):
        read("trial,estimate,SE\na,0.1,0.2\n")


def edits_of(word):
    letters = "ab_1"
    for i in range(len(word) + 1):
        yield from (word[:i] + x + word[i:] for x in letters)
        if i < len(word):
            yield word[:i] + word[i + 1 :]
            yield from (word[:i] + x + word[i + 1 :] for x in letters)
        if i + 1 < len(word):
            yield word[:i] + word[i + 1] + word[i] + word[i + 2 :]


def test_one_edit_or_swap_is_seen_and_two_are_not():
    for word in ("se", "year", "n_control", "q1_treatment"):
        once = set(edits_of(word))
        assert all(within_one_edit(other, word) for other in once)
        twice = {other for near in sorted(once)[::7] for other in edits_of(near)} - once - {word}
        assert not any(within_one_edit(other, word) for other in twice)


def test_every_one_letter_slip_of_a_needed_column_is_refused(read):
    names = ["trial", *LAYOUTS["binary"]]
    for j, name in enumerate(names):
        for slip in sorted(set(edits_of(name)) - set(NAMES))[::9]:
            header = ",".join([*names[:j], slip, *names[j + 1 :]])
            with pytest.raises(DataError, match=f"looks like .*{name}.* misspelt"):
                read(f"{header}\na,1,10,2,10\n")


# --- notes ------------------------------------------------------------------------------------


def test_a_standard_error_in_place_of_a_standard_deviation_is_noted(read):
    header = f"trial,{','.join(LAYOUTS['continuous'])}\n"
    rows = "a,1,10,50,1,11,50\nb,1,12,50,1,10,50\nc,1,1,100,1,9,100\n"
    (note,) = read(header + rows).notes
    assert note.startswith("c: sd_treatment = 1 is at most a tenth of the median")
    assert note.endswith("(11). If it is a standard error, the standard deviation is 10.")
    assert read(header + rows.replace("1,1,100", "1,1.11,100")).notes == ()
    assert read(header + "a,1,0.1,50,1,11,50\n").notes == ()


def test_a_variance_in_place_of_a_standard_error_is_noted(read):
    notes = read("trial,estimate,se\na,0,0.01\nb,0,0.1\nc,0,0.2\n").notes
    assert len(notes) == 1
    assert notes[0].startswith("a: se = 0.01 is at most a tenth")
    assert notes[0].endswith("If it is a variance, the standard error is 0.1.")


def test_the_median_of_others_leaves_each_value_out():
    from bayespool.trials.notes import _median_of_others

    rng = np.random.default_rng(1)
    for size in (2, 3, 4, 7, 10):
        values = rng.choice([1.0, 2.0, 3.5, 8.0, 9.0], size=size)
        expected = [np.median(np.delete(values, i)) for i in range(size)]
        np.testing.assert_array_equal(_median_of_others(values), expected)


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        ("a,10,10,10,10\nb,1,10,2,10\n", "Everyone in both arms had the event: a."),
        ("a,0,10,0,10\nb,0,10,0,11\n", "No trial has an event in either arm."),
        ("a,1,10,2,10\nb,1,10,2,10\n", "a and b have the same numbers: the same patients twice?"),
    ],
)
def test_suspicious_counts_are_noted(read, rows, note):
    notes = read(BINARY + rows).notes
    assert len(notes) == 1
    assert notes[0].startswith(note)


def test_ordinary_counts_are_not_noted(read):
    assert read(BINARY + "a,0,10,0,10\nb,0,10,0,10\nc,10,10,2,10\n").notes == ()


def test_the_sum_of_the_other_trials_is_noted(read):
    (note,) = read(BINARY + "a,1,10,2,11\nb,3,20,4,22\nc,4,30,6,33\n").notes
    assert note == "c: its counts are the sums of all the others'. Is it a total?"
    assert read(BINARY + "a,1,10,2,11\nb,3,20,4,22\nc,4,30,6,34\n").notes == ()


def test_an_odd_year_is_noted(read):
    trials = read(BINARY.strip() + ",year\na,1,10,2,10,20211\nb,1,10,3,10,\nc,1,10,4,10,2021\n")
    assert trials.notes == ("year is outside 1900 to 2100 for a.",)


def test_notes_on_many_trials_stay_short(read):
    rows = [f"t{i},0.1,{'0.01' if i < 9 else '1'}" for i in range(40)]
    notes = read("trial,estimate,se\n" + "\n".join(rows) + "\n").notes
    assert len(notes) == 8
    assert "The same holds for se of 4 more trials." in notes


# --- anything at all --------------------------------------------------------------------------


def check_accepted_or_refused(source):
    """A table is read with finite values, or refused with a DataError: nothing else."""
    try:
        trials = read_trials(source)
    except DataError as caught:
        trials, error = None, caught
    if trials is None:
        assert error.faults
        assert all(fault.isprintable() and fault for fault in error.faults)
        assert str(error) == "\n".join(error.faults)
        return
    frame = trials.frame
    values = frame[list(LAYOUTS[trials.layout])].to_numpy()
    assert values.dtype == np.float64
    assert np.isfinite(values).all()
    assert len(trials) == len(trials.rows) == len(set(trials.names)) > 0
    assert list(frame.index) == list(range(len(trials)))
    assert all(name and name == name.strip() for name in trials.names)
    for arm in ("treatment", "control"):
        if trials.layout != "generic":
            assert (frame[f"n_{arm}"] >= (1 if trials.layout == "binary" else 2)).all()
            assert (frame[f"n_{arm}"] % 1 == 0).all()
        if trials.layout == "binary":
            assert (frame[f"events_{arm}"] >= 0).all()
            assert (frame[f"events_{arm}"] <= frame[f"n_{arm}"]).all()
        if trials.layout == "continuous":
            assert (frame[f"sd_{arm}"] > 0).all()
    if trials.layout == "generic":
        assert (frame["se"] > 0).all()
        assert np.isfinite(1 / frame["se"] ** 2).all()


ODD = st.one_of(
    st.floats().map(repr),
    st.integers().map(str),
    st.sampled_from(
        ["", " ", "NA", "inf", "1e400", "1e-320", "-0", "1,5", "12%", "١٢", "=1+1", "a\tb", "\x00"]
    ),
    st.text(max_size=4),
)
# Sums of these are in the order that the quantiles of an arm need.
STEPS = {"min": -9, "q1": 0, "median": 3, "q3": 6, "max": 9}
SOUND = {
    "events": st.integers(0, 20),
    "n": st.integers(20, 10**9),
    "sd": st.floats(1e-9, 1e9),
    "se": st.floats(1e-9, 1e9),
    "mean": st.floats(-1e9, 1e9),
    "estimate": st.floats(-1e9, 1e9),
    **{name: st.integers(step, step + 3) for name, step in STEPS.items()},
    "year": st.integers(1800, 2030),
    "risk": st.sampled_from(["low", "Some", "high", ""]),
}


@st.composite
def tables(draw):
    """A sound table of some layout, and in most examples something done to it."""
    layout = draw(st.sampled_from(sorted(LAYOUTS)))
    columns = ["trial", *LAYOUTS[layout]]
    columns += draw(st.lists(st.sampled_from(["year", "risk_of_bias", "note"]), unique=True))
    rows = [
        [
            f"trial {i}" if name == "trial" else str(draw(SOUND.get(name.split("_")[0], ODD)))
            for name in columns
        ]
        for i in range(draw(st.integers(1, 4)))
    ]
    for _ in range(draw(st.integers(0, 3))):
        j = draw(st.integers(0, len(columns) - 1))
        i = draw(st.integers(0, len(rows)))
        if i < len(rows):
            rows[i][j] = draw(ODD)
        else:
            columns[j] = draw(st.sampled_from([*NAMES, "yaer", "", "participants"]))
    return columns, draw(st.permutations(rows))[draw(st.sampled_from([0, 0, 0, 1])) :]


HUGE = (
    ["trial", "events_treatment", "n_treatment", "events_control", "n_control"],
    [[f"trial {i}", "9e307" if i == 0 else "0", "20", "0", "20"] for i in range(4)],
)


def quoted(cell):
    return '"' + cell.replace('"', '""') + '"'


@pytest.fixture(scope="module")
def one_file(tmp_path_factory):
    return tmp_path_factory.mktemp("any") / "data.csv"


@settings(max_examples=250, deadline=None)
@given(table=tables(), separator=st.sampled_from([",", ",", ",", ";"]))
@example(table=HUGE, separator=",")
def test_any_table_in_a_file(one_file, table, separator):
    columns, rows = table
    lines = [separator.join(map(quoted, row)) for row in [columns, *rows]]
    one_file.write_text("\n".join(lines), encoding="utf-8", errors="replace", newline="")
    check_accepted_or_refused(one_file)


@settings(max_examples=150, deadline=None)
@given(content=st.one_of(st.binary(max_size=80), st.text(max_size=80).map(
    lambda text: (BINARY + text).encode(errors="replace"))))  # fmt: skip
@example(content=b"\x00")
@example(content=b'"')
@example(content=b"trial,estimate,se\n\xff,1,1")
def test_any_bytes_in_a_file(one_file, content):
    one_file.write_bytes(content)
    check_accepted_or_refused(one_file)


@settings(max_examples=150, deadline=None)
@given(
    table=tables(),
    kind=st.sampled_from(["object", "numbers", "category"]),
    odd=st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.dates(), st.binary()),
)
def test_any_frame(table, kind, odd):
    columns, rows = table
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    if rows:
        frame.iloc[0, len(columns) // 2] = odd
    if kind == "numbers":
        as_numbers = [pd.to_numeric(frame.iloc[:, j], errors="coerce") for j in range(len(columns))]
        names = frame.iloc[:, 0]
        frame = pd.concat([names, *as_numbers[1:]], axis=1)
    elif kind == "category":
        frame = frame.astype("category")
    check_accepted_or_refused(frame)


# --- speed ------------------------------------------------------------------------------------


def test_ten_times_the_rows_take_ten_times_as_long_even_when_all_are_wrong(tmp_path):
    rng = np.random.default_rng(1)
    n = rng.integers(10, 300, (2, 100_000))
    events = rng.binomial(n, 0.3)
    columns = [events[0], n[0], events[1], n[1]]
    rows = [f"t{i},{a},{b},{c},{d}" for i, (a, b, c, d) in enumerate(zip(*columns, strict=True))]

    def seconds(size):
        path = tmp_path / f"{size}.csv"
        path.write_text(BINARY + "\n".join(rows[:size]) + "\n")
        began = time.process_time()
        trials = read_trials(path)
        assert len(trials) == size
        assert trials.participants == n[:, :size].sum()
        swapped = trials.frame.assign(
            events_control=trials.frame["n_control"], n_control=trials.frame["events_control"]
        )
        with pytest.raises(DataError) as caught:
            read_trials(swapped)
        assert len(caught.value.faults) > 0.9 * size
        return time.process_time() - began

    assert seconds(100_000) < 40 * seconds(10_000)  # were it quadratic: 100


def test_risk_of_bias_takes_the_words_of_rob_2():
    frame = pd.DataFrame({"trial": ["a", "b"], "estimate": [0.1, 0.2], "se": [1, 1]})
    found = read_trials(frame.assign(risk_of_bias=["Some concerns", "high"]))
    assert found.frame["risk_of_bias"].tolist() == ["some", "high"]
