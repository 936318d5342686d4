"""Texts from outside become names of folders, words on a terminal and words in a report."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayespool.errors import UsageError
from bayespool.names import MOST_BYTES, check_words, folder_name, printable, unturned


@pytest.mark.parametrize(
    "name", ["mortality", "my review", "A.b-c_2", "研究", "été", "icons", "a∕b"]
)
def test_an_ordinary_name_stays(name):
    assert folder_name(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("..", "_"),
        (".", "_"),
        ("", "_"),
        (" ", "_"),
        ("-", "_"),
        ("-rf", "_rf"),
        ("~", "_"),
        (".git", "_git"),
        ("../../x", "__.._x"),
        ("/etc/passwd", "_etc_passwd"),
        ("C:\\x", "C__x"),
        ("a\x00b\nc\x1b", "a_b_c_"),
        ("x\u202ey", "x_y"),
        ("\udcff", "_"),
        ("con", "_con"),
        ("LPT1.old", "_LPT1.old"),
        ("Index.html", "_Index.html"),
        ("dots...", "dots"),
    ],
)
def test_another_name_is_made_harmless(text, name):
    assert folder_name(text) == name


@given(st.text())
def test_a_folder_lies_directly_in_the_one_it_is_put_in(text):
    name = folder_name(text)
    assert (Path("/a/b") / name).resolve() == Path("/a/b") / name
    assert Path(name).name == name
    assert 0 < len(name.encode()) <= MOST_BYTES
    assert name.strip(" .") == name
    assert folder_name(name) == name


def test_long_names_stay_apart():
    one, other = folder_name("x" * 300 + "a"), folder_name("x" * 300 + "b")
    assert one != other
    assert one.startswith("x" * 100)
    assert folder_name("é" * 200).startswith("é" * 50)


@given(st.text())
def test_what_is_printed_does_not_steer(text):
    shown = printable(text)
    assert all(c.isprintable() or c.isspace() for c in shown)
    assert not set(shown) & set("\n\r\t\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029")
    assert printable(text, lines=True).count("\n") == text.count("\n")
    shown.encode()


def test_what_is_printed_can_be_read():
    assert printable("\x1b[31mé\x9b\u202e\u00a0x") == "\\x1b[31mé\\x9b\\u202e\u00a0x"
    assert printable("a\nb") == "a\\nb"
    assert printable("a\nb", lines=True) == "a\nb"


def test_words_keep_their_direction():
    assert unturned("a\u202eb\u2066c\u2069\u200fd") == "abcd"
    assert unturned("שלום é") == "שלום é"


def test_control_characters_are_no_words():
    check_words(question="Does it?\n\tYes é \u202e", name=None, event=3)
    for sign in "\x00\x1b\x9b\x7f\ud800\ufffe":
        code = f"U\\+{ord(sign):04X}"
        with pytest.raises(UsageError, match=f"^event holds the control character {code}"):
            check_words(question="x", event=f"deaths{sign}")
