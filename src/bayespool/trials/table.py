"""From a file's bytes or a DataFrame to columns of cells, with every structural fault found."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from bayespool.errors import DataError
from bayespool.files import csv_text, sha256_of
from bayespool.trials.columns import NAMES

__all__ = ["Faults", "Table", "table_of_file", "table_of_frame"]

# Characters that XML and HTML forbid count as control characters: names end up in SVG.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# The same but for line ends, so that one search clears a whole ordinary file.
CONTROL_IN_LINE = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
SEARCHED = 10  # rows among which a header is looked for
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
NOT_CSV = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive",
    b"{\\rtf": "a document in rich text",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"SQLite format": "a database",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"<table": "a table in HTML",
    b"<?xml": "an XML file",
    b"[": "a JSON file",
    b"{": "a JSON file",
    b"version https://git-lfs": "a pointer of Git LFS (run git lfs pull)",
}


@dataclass
class Faults:
    """Faults gathered while reading, kept in the order of the file's lines."""

    path: str
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, text: str, line: int = 0, trial: str = "") -> None:
        """Add a fault at a line of the file (0: of the file as a whole)."""
        place = self.path + (f", row {line}" if line else "") + (f" ({trial})" if trial else "")
        # What a file holds must not steer the terminal, nor break a fault over two lines.
        self.found.append((line, _printable(f"{place}: {text}")))

    def stop(self) -> DataError:
        """Make one error of all of them."""
        return DataError([text for _, text in sorted(self.found, key=lambda fault: fault[0])])


@dataclass(frozen=True)
class Table:
    """Cells as read: unique stripped column names, and the line where each row starts."""

    frame: pd.DataFrame
    lines: list[int]
    header_line: int
    sha256: str


def table_of_file(path: str, faults: Faults) -> Table:
    """Read a CSV file. Raises DataError where nothing after the fault can be trusted."""
    content = _bytes_of(path, faults)
    text = _text_of(content, faults)
    rows, lines, spans = _records(text, faults)
    columns, keep = _column_names(rows[0], lines[0], faults)
    if spans or CONTROL_IN_LINE.search(text):
        _control_characters(rows, lines, columns, faults)
    header, rows = rows[0], rows[1:]
    header_line, lines = lines[0], lines[1:]
    good = [k for k, row in enumerate(rows) if len(row) == len(header)]
    if len(good) < len(rows):
        _ragged(rows, lines, len(header), columns, faults)
        rows = [rows[k] for k in good]
        lines = [lines[k] for k in good]
    by_column = list(zip(*rows, strict=True)) if rows else [() for _ in header]
    frame = pd.DataFrame(
        {name: list(by_column[j]) for name, j in zip(columns, keep, strict=True)}, dtype="str"
    )
    return Table(frame, lines, header_line, sha256_of(content))


def table_of_frame(source: pd.DataFrame, faults: Faults, hashed: bool = True) -> Table:
    """Take a DataFrame; rows are numbered as in its CSV, whose header would be line 1."""
    header = ["" if name is None else str(name) for name in source.columns]
    if not header:
        faults.add("the table has no columns.")
        raise faults.stop()
    if len(source) == 0:
        faults.add("the table has a header and no trials. Add a row for each trial.")
    columns, keep = _column_names(header, 1, faults)
    frame = source.iloc[:, keep].reset_index(drop=True).copy()
    frame.columns = pd.Index(columns)
    lines = list(range(2, len(frame) + 2))
    for name in columns:
        if CONTROL.search(name):
            faults.add(_control_fault(name, "the header"), 1)
    for name in columns:
        if frame[name].dtype.kind == "O":
            cells = frame[name].astype(object).tolist()
            if not CONTROL.search(_together(cells)):
                continue
            for line, value in zip(lines, cells, strict=True):
                if isinstance(value, str) and CONTROL.search(value):
                    faults.add(_control_fault(value, f"column {name}"), line)
    # A lone surrogate cannot be encoded; it is among the faults.
    text = csv_text(frame).encode(errors="backslashreplace") if hashed else None
    return Table(frame, lines, 1, "" if text is None else sha256_of(text))


def _together(cells: list[object]) -> str:
    """The text of all cells that hold any."""
    try:
        return "".join(cells)  # type: ignore[arg-type]  # as most columns are
    except TypeError:
        return "".join(cell for cell in cells if isinstance(cell, str))


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _bytes_of(path: str, faults: Faults) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        faults.add("there is no such file. Check its name and the folder you are in.")
    except IsADirectoryError:
        faults.add("this is a folder. Name a CSV file in it.")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        faults.add(f"the file cannot be read: {reason}. Check its name, and that you may read it.")
    raise faults.stop()


def _text_of(content: bytes, faults: Faults) -> str:
    opening = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for magic, what in NOT_CSV.items():
        if opening.startswith(magic.lower()):
            faults.add(f"this is {what}, not a CSV file. Save the table as CSV UTF-8.")
            raise faults.stop()
    if content.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        faults.add("the file is in UTF-32, not UTF-8. Save it as CSV UTF-8.")
        raise faults.stop()
    # A byte order mark, or an ASCII character beside a zero byte.
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or content[:2].count(0) == 1:
        faults.add("the file is in UTF-16, not UTF-8. Save it as CSV UTF-8.")
        raise faults.stop()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if b"\x00" in content:
            faults.add("this is not a text file. Save the table as CSV UTF-8.")
            raise faults.stop() from None
        # The decoder counts from after a byte order mark.
        start = error.start + (3 if content.startswith(b"\xef\xbb\xbf") else 0)
        before = content[:start]
        line = len(re.findall(rb"\r\n|\r|\n", before)) + 1
        column = start - max(before.rfind(b"\n"), before.rfind(b"\r"))
        byte = content[start : start + 1]
        guess = byte.decode("cp1252", errors="ignore")
        hint = f' (in Windows-1252 it would be "{guess}")' if guess.isprintable() and guess else ""
        faults.add(
            f"byte {column} of the line, 0x{byte.hex().upper()}, is not UTF-8{hint}. "
            "Save the file as CSV UTF-8.",
            line,
        )
        # The rest can still be checked.
        return content.decode("utf-8-sig", errors="replace")


def _records(text: str, faults: Faults) -> tuple[list[list[str]], list[int], bool]:
    """Split into header and rows, without blank ones, each with the line where it starts.

    The third value says whether a row runs over a line end (within quotation marks).
    """
    rows: list[list[str]] = []
    lines: list[int] = []
    spans = False
    for start, end, row in _numbered(text, faults):
        if any(cell and not cell.isspace() for cell in row):
            rows.append(row)
            lines.append(start)
            spans = spans or end > start
    if not rows:
        if not faults.found:
            faults.add("the file is empty. It needs a header and a row for each trial.")
        raise faults.stop()
    separator = _other_separator(rows[0])
    if separator:
        commas = any(re.search(r"\d,\d", ",".join(row)) for row in rows[1:])
        faults.add(
            f"cells are separated by {SEPARATORS[separator]}. Save the file with commas between "
            f"cells{' and a point in decimal numbers (12.5, not 12,5)' if commas else ''}.",
            lines[0],
        )
        raise faults.stop()
    _header_lower(rows, lines, faults)
    if len(rows) == 1 and not faults.found:
        faults.add("the file has a header and no trials. Add a row for each trial.")
    return rows, lines, spans


def _header_lower(rows: list[list[str]], lines: list[int], faults: Faults) -> None:
    """Stop where the header stands below other lines, or cells are not told apart."""
    if any(cell.strip() in NAMES for cell in rows[0]):
        return
    if len(rows[0]) == 1 and sum(name.strip() in NAMES for name in rows[0][0].split(",")) > 1:
        faults.add(
            "quotation marks stand around the whole line, which makes it one cell. Remove them: "
            "they go around single cells.",
            lines[0],
        )
        raise faults.stop()
    if len(rows[0]) == 1 and sum(name in NAMES for name in rows[0][0].split()) > 1:
        faults.add(
            "cells are separated by spaces. Save the file with commas between cells.", lines[0]
        )
        raise faults.stop()
    for row, line in zip(rows[1:SEARCHED], lines[1:SEARCHED], strict=False):
        if sum(cell.strip() in NAMES for cell in row) > 1:
            faults.add(f"the header stands in row {line}. Delete the lines above it.", lines[0])
            raise faults.stop()


def _numbered(text: str, faults: Faults) -> Iterator[tuple[int, int, list[str]]]:
    """Give each record with the lines it starts and ends at, as far as they can be told apart."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    start = 1
    try:
        for row in reader:
            yield start, reader.line_num, row
            start = reader.line_num + 1
    except csv.Error as error:
        if "field limit" in str(error):
            what = (
                "a cell is longer than 131,072 characters. Close its quotation mark, or check that "
                "this is a table."
            )
        else:
            what = (
                f"the quotation marks do not pair up ({error}). A cell that holds a comma or a "
                'quotation mark stands in quotation marks, and one inside it is doubled ("").'
            )
        faults.add(what, start)


def _other_separator(header: list[str]) -> str:
    line = ",".join(header)
    known = sum(cell.strip() in NAMES for cell in header)
    for separator in SEPARATORS:
        cells = [cell.strip(' "') for cell in line.split(separator)]
        if len(cells) > 1 and (len(header) == 1 or sum(c in NAMES for c in cells) > max(known, 1)):
            return separator
    return ""


def _column_names(header: list[str], line: int, faults: Faults) -> tuple[list[str], list[int]]:
    """Find stripped names, the first of each, and where they stand; a repeat is a fault."""
    seen: dict[str, int] = {}
    for j, raw in enumerate(header):
        name = raw.strip() or f"unnamed_{j + 1}"
        if name in seen:
            faults.add(
                f'column "{name}" stands twice, as columns {seen[name] + 1} and {j + 1}. '
                "Keep one, or rename the other.",
                line,
            )
        else:
            seen[name] = j
    return list(seen), list(seen.values())


def _control_characters(
    records: list[list[str]], lines: list[int], columns: list[str], faults: Faults
) -> None:
    for k, (line, row) in enumerate(zip(lines, records, strict=True)):
        for j, cell in enumerate(row):
            if CONTROL.search(cell):
                name = f"column {columns[j] if j < len(columns) else j + 1}"
                faults.add(_control_fault(cell, name if k else "the header"), line)


def _control_fault(cell: str, where: str) -> str:
    match = CONTROL.search(cell)
    assert match is not None
    code = ord(match[0])
    name = {0: "NUL", 9: "tab", 10: "line feed", 13: "carriage return"}.get(code, "")
    named = f" ({name})" if name else ""
    return f"{where} holds the control character U+{code:04X}{named}. Remove it from the cell."


def _ragged(
    rows: list[list[str]], lines: list[int], width: int, columns: list[str], faults: Faults
) -> None:
    first = columns.index("trial") if "trial" in columns else None
    for line, row in zip(lines, rows, strict=True):
        if len(row) == width:
            continue
        advice = (
            "A cell that holds a comma needs quotation marks around it; decimals take a point, "
            "thousands nothing."
            if len(row) > width
            else "Add the missing cells, empty ones too."
        )
        trial = row[first].strip() if first is not None and first < len(row) else ""
        cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
        trial = "" if CONTROL.search(trial) else trial
        columns_said = "1 column" if width == 1 else f"{width} columns"
        faults.add(f"{cells}, but the header has {columns_said}. {advice}", line, trial)


def path_text(source: str | os.PathLike[str]) -> str:
    """Keep the path as the user gave it."""
    return os.fsdecode(source)
