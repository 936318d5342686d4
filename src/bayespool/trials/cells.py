"""From text cells to numbers, and what a cell must hold."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["LARGEST", "SMALLEST", "Numbers", "numbers_of", "texts_of"]

# Squares of what lies between stay finite and above 0, so that every later sum does.
LARGEST = 1e100
SMALLEST = 1e-100
LONGEST_SHOWN = 60

MISSING = frozenset([
    "", "nan", "na", "<na>", "n/a", "#n/a", "nat", "null", "none", "nr", "not reported",
    "not available", "unknown", ".", "-", "–", "—", "?",
])  # fmt: skip
PLAIN = re.compile(r"[0-9+\-.eE\n]*")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
INFINITE = re.compile(r"[+-]?(inf|infinity|∞)", re.IGNORECASE)
DATE = re.compile(
    r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{2,4}( .*)?|[0-9]{1,2}[-/ ][A-Za-z]{3,9}|"
    r"[A-Za-z]{3,9}[-/ ][0-9]{2,4}"
)
INTERVAL = re.compile(
    r"[+-]?[0-9.]+\s*(-|–|to|,|;)\s*[+-]?[0-9.]+|[+-]?[0-9.]+\s*[\[(][^\])]*[0-9]\s*(-|–|to|,|;).*"
)
FIRST = re.compile(r"([+-]?[0-9]+\.?[0-9]*)\s*([(\[±*†‡§#^a-z].*)")
# What takes no room or steers the order of letters: zero width, byte order mark, bidirectional.
# Marks of direction have their use in names, and are neutralised where they are shown.
INVISIBLE = re.compile("[\u200b\u2060\ufeff]")
THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}([, '\u00a0\u202f’][0-9]{3})+(\.[0-9]+)?")


@dataclass(frozen=True)
class Numbers:
    """One column as numbers.

    Attributes
    ----------
    floats : ndarray of float64, shape (rows,)
        NaN where the cell is in `wrong`.
    wrong : dict of int to str
        Row → what is the matter with a cell that holds no finite number; "" when it is empty.
    """

    floats: np.ndarray
    wrong: dict[int, str]
    column: pd.Series

    def shown(self, i: int) -> str:
        """Show the cell as the user wrote it, within reason."""
        text = as_text(self.column.iloc[i])
        return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def numbers_of(column: pd.Series) -> Numbers:
    """Read every cell of a column; never raises."""
    if column.dtype.kind in "iuf":
        with np.errstate(over="ignore"):
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        wrong = {
            int(i): "" if np.isnan(values[i]) else "is infinite. Give a finite number."
            for i in np.flatnonzero(~np.isfinite(values))
        }
    else:
        texts = texts_of(column)
        values, wrong = _parse(texts)
    if wrong:
        values = values.copy()
        values[list(wrong)] = np.nan
    # -0 becomes 0.
    return Numbers(values + 0.0, wrong, column)


def texts_of(column: pd.Series) -> list[str]:
    """Every cell as stripped text; missing values are empty."""
    values = column.astype(object).tolist()
    try:
        return [*map(str.strip, values)]  # as most columns are
    except TypeError:
        return [as_text(value) for value in values]


def as_text(value: object) -> str:
    """Turn a cell into stripped text, a whole float without its ``.0``."""
    if isinstance(value, str):
        return value.strip()
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return ""
        number = float(value)
        whole = number.is_integer() and abs(number) < 1e15
        return f"{number:.0f}" if whole else repr(number)
    try:
        return str(value).strip()
    except ValueError:
        # Python refuses to print integers of more than 4,300 digits.
        return "a very long integer"


def is_missing(text: str) -> bool:
    """Whether a cell's text stands for no value."""
    return text.casefold() in MISSING


def _parse(texts: list[str]) -> tuple[np.ndarray, dict[int, str]]:
    if PLAIN.fullmatch("\n".join(texts)):
        try:
            values = np.array([float(text) for text in texts], dtype=np.float64)
        except ValueError:
            pass
        else:
            if np.isfinite(values).all():
                return values, {}
    values = np.full(len(texts), np.nan)
    wrong: dict[int, str] = {}
    for i, text in enumerate(texts):
        if NUMBER.fullmatch(text):
            values[i] = float(text)
            if np.isinf(values[i]):
                wrong[i] = "is beyond what a computer can hold. Give a finite number."
        elif is_missing(text):
            wrong[i] = ""
        elif INFINITE.fullmatch(text):
            wrong[i] = "is infinite. Give a finite number."
        else:
            wrong[i] = f"is not a number. {_advice(text)}"
    return values, wrong


def _advice(text: str) -> str:
    """What to write in place of a cell that is no number, as far as it can be told."""
    if THOUSANDS.fullmatch(text):
        plain = re.sub(r"[^0-9.+-]", "", text)
        return f"Write {plain}, without a thousands separator."
    if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", text):
        return f"Write {text.replace(',', '.')}, with a decimal point."
    if re.fullmatch(r"[+-]?[0-9]{1,3}(\.[0-9]{3}){2,}", text):
        return f"Write {text.replace('.', '')}, without a thousands separator."
    if re.fullmatch(r"[^()]*%", text):
        return "Write the number itself, not a percentage."
    if NUMBER.fullmatch(re.sub("[\u2212\u2013\u2014]", "-", text)):
        return "Its minus sign is a typographic dash: write a hyphen."
    if re.fullmatch(r"[0-9]+\s*/\s*[0-9]+", text):
        return "Events and numbers of people stand in two columns."
    if DATE.fullmatch(text):
        return "A spreadsheet seems to have made a date of it: write the number that it was."
    if text.startswith(("#", "=")):
        return "A spreadsheet's formula has no place in a CSV file: write its value."
    if INVISIBLE.search(text):
        return "It holds an invisible character: type the number anew."
    if text[:1] in "<>≤≥~≈":
        return "Give the exact number, or leave the trial out."
    if INTERVAL.fullmatch(text):
        return "An interval does not go into one cell: give the estimate, and its se in a column."
    if match := FIRST.fullmatch(text):
        rest = "a percentage" if "%" in text else "what follows"
        return f"Write {match[1]} alone; {rest} belongs in a column of its own."
    # Digits of other scripts, and letters that look like digits.
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    if NUMBER.fullmatch(plain):
        return f"Write {plain}, in the digits 0 to 9."
    if re.fullmatch(r"[0-9OoIl.]+", text):
        return "A letter stands for a digit: write 0 and 1."
    return "Write digits, with a point for decimals."
