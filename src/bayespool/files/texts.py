"""Tables and values as text: CSV that no spreadsheet can execute, JSON without NaN, hashes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

__all__ = ["as_bytes", "csv_text", "json_text", "sha256_of", "without_keys"]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
# What steers a terminal, or turns the direction of writing, is written out in JSON.
SILENT = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
QUOTED = re.compile('[,"\r\n]')


def sha256_of(content: bytes | str) -> str:
    """Hexadecimal SHA-256 of bytes, or of text as UTF-8."""
    return hashlib.sha256(as_bytes(content)).hexdigest()


def without_keys(*names: str) -> Callable[[str], str]:
    """Make a function of JSON text that leaves out these keys at any depth."""

    def strip(value: object) -> object:
        if isinstance(value, dict):
            return {key: strip(item) for key, item in value.items() if key not in names}
        if isinstance(value, list):
            return [strip(item) for item in value]
        return value

    # Order of keys is part of the file, so compare the text of what is left.
    return lambda text: json.dumps(strip(json.loads(text)))


def csv_text(frame: pd.DataFrame) -> str:
    """Turn a table into CSV: LF, numbers at full precision, missing as empty, no index.

    Text cells (and column names) that a spreadsheet would read as a formula, because they start
    with ``= + - @``, a tab or a line end, get an apostrophe in front. Numbers do not.
    """
    # Not csv.writer: in Python 3.12 it leaves a carriage return in a cell unquoted.
    lines = [_csv_line([_text_cell(str(name)) for name in frame.columns])]
    columns = [frame.iloc[:, j].astype(object).tolist() for j in range(frame.shape[1])]
    lines += [_csv_line([_cell(value) for value in row]) for row in zip(*columns, strict=True)]
    return "\n".join([*lines, ""])


def json_text(value: object) -> str:
    """Turn a value into JSON, in the order given; NaN and infinities become ``null``.

    NumPy scalars and arrays are accepted; any other object is a ``TypeError``, a fault of ours.
    """
    text = json.dumps(_jsonable(value), indent=1, ensure_ascii=False, allow_nan=False)
    return SILENT.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text) + "\n"


def _cell(value: object) -> str:
    if isinstance(value, str):
        return _text_cell(value)
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        try:
            return str(int(value))
        except ValueError:
            # Python refuses decimals beyond 4,300 digits.
            return hex(int(value))
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else repr(float(value))
    return _text_cell(str(value))


def _csv_line(cells: list[str]) -> str:
    if cells == [""]:
        return '""'  # an empty line would be no row
    return ",".join(
        '"' + cell.replace('"', '""') + '"' if QUOTED.search(cell) else cell for cell in cells
    )


def _text_cell(text: str) -> str:
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def _jsonable(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, np.ndarray):
        return _jsonable(value.tolist())
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value


def as_bytes(content: bytes | str) -> bytes:
    """UTF-8."""
    return content.encode() if isinstance(content, str) else content
