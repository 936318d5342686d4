"""Markdown: tables that stay tables, and text from data that stays text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

__all__ = ["EMPTY", "escape", "image", "is_address", "link", "section", "sourced", "table"]

EMPTY = "–"
# What can open or close a mark. What cannot stays as it is, for those who read the source:
# bowdish_2023, mu ~ Normal(0, 1), P(RR < 1), <0.001, [0.45, 1.00].
_MARKS = re.compile(
    r"[\\`*{}$|#]|(?<![^\W_])_|_(?![^\W_])|(?<! )~|~(?! )"
    r"|\[(?![-−\d])|\](?=[(\[:])|!(?=\[)|&(?=#?\w+;)"
)
_TAG = re.compile(r"<(?! |0\.\d+(?:[\s,;)]|\.?\s|\.?$))")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_STARTS = re.compile(r"^([-+=>]|\d+(?=[.)](?:\s|$)))")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")  # turn text round


def escape(text: str) -> str:
    """Write text from data so that every renderer shows it and none obeys it; one line."""
    text = _INVISIBLE.sub("", _CONTROL.sub(" ", str(text))).strip()
    text = _TAG.sub("&lt;", _MARKS.sub(lambda mark: "\\" + mark[0], text))
    return _STARTS.sub(_quiet, text)


def _quiet(start: re.Match[str]) -> str:
    """Keep a first sign from starting a list or a quotation."""
    return start[0] + "\\" if start[0].isdigit() else "\\" + start[0]


def is_address(text: str) -> bool:
    """Whether the whole text is an http(s) address."""
    if not re.fullmatch(r"https?://[^\s\"'<>\\]+", text, re.IGNORECASE):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def link(label: str, address: str) -> str:
    """Link a label that is text from data; the label alone unless the address is http(s)."""
    if not is_address(address):
        return escape(label)
    for sign in "()[]|`*":
        address = address.replace(sign, f"%{ord(sign):02X}")
    address = re.sub(r"&(?=#?\w+;)", "&amp;", address)
    return f"[{escape(label)}]({address})"


def image(alt: str, path: str) -> str:
    """Include a picture that lies beside the report."""
    return f"![{escape(alt)}]({path})"


def sourced(source: str, where: str) -> str:
    """Link each address of a source; a single one under its place there."""
    pieces = [piece.strip() for piece in source.split(";") if piece.strip()]
    if len(pieces) == 1 and is_address(pieces[0]):
        return link(where or pieces[0].split("//")[1].split("/")[0], pieces[0])
    said = "; ".join(
        link(piece.split("//")[1].split("/")[0], piece) if is_address(piece) else escape(piece)
        for piece in pieces
    )
    if where and said:
        return f"{said} ({escape(where)})"
    return said or escape(where) or EMPTY


def section(title: str, *blocks: str) -> list[str]:
    """Head the blocks that are there; nothing where none is."""
    there = [block for block in blocks if block]
    return [f"## {title}", *there] if there else []


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], align: str = "") -> str:
    """Set a table whose source is aligned too.

    Parameters
    ----------
    heads, rows : sequences of str
        Markdown; text from data goes through `escape` first. An empty cell becomes a dash.
    align : str
        A letter a column, l or r; by default the first is l and the others r.

    Returns
    -------
    str
        The lines of the table; "" without rows.
    """
    if not rows:
        return ""
    align = align or "l" + "r" * (len(heads) - 1)
    lines = [[_cell(text) for text in row] for row in (heads, *rows)]
    widths = [max(3, *(len(line[j]) for line in lines)) for j in range(len(heads))]
    if align[-1] == "l":
        widths[-1] = 0  # addresses and reasons are long; nothing follows them
    rule = [
        ":" + "-" * max(w - 1, 2) if a == "l" else "-" * (w - 1) + ":"
        for w, a in zip(widths, align, strict=True)
    ]
    set_lines = [
        [
            text.ljust(w) if a == "l" else text.rjust(w)
            for text, w, a in zip(line, widths, align, strict=True)
        ]
        for line in lines
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (set_lines[0], rule, *set_lines[1:]))


def _cell(text: str) -> str:
    """Keep a cell in its place: no line break, no free pipe, never empty."""
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"(?<!\\)((?:\\\\)*)\|", r"\1\\|", text) or EMPTY
