"""Texts from outside as names of folders, as words on a terminal, as words in a report."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from bayespool.errors import UsageError

__all__ = ["check_words", "folder_name", "printable", "unturned"]

MOST_BYTES = 120  # of a folder's name; file systems take 255, and a temporary name is longer
# What no system takes, or what reads as a way elsewhere: separators, drives, wildcards.
_FORBIDDEN = re.compile(r'[/\\:*?"<>|]')
_STARTS = re.compile(r"^[\s.\-~]+")  # hidden, a way upwards, an option, somebody's home
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_TAKEN = ("index.html",)  # it stands beside the folders
# They change the direction of what follows: 0.98 could be shown as 89.0.
_TURNS = dict.fromkeys([0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
# XML and HTML forbid them: words end up in figures and on the page.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def folder_name(text: str) -> str:
    """Name a folder after a text from data, so that it lies in the folder it is put in.

    An ordinary name stays as it is. Of another, what could lead elsewhere, hide the folder or be
    refused by a file system becomes an underscore, and too long a name is cut.
    """
    text = unicodedata.normalize("NFC", text)  # some file systems know one form alone
    name = _FORBIDDEN.sub("_", "".join("_" if _unseen(c) else c for c in text))
    name = _STARTS.sub("_", name.rstrip(" ."))
    if not name:
        return "_"
    if _DEVICE.fullmatch(name) or name.casefold() in _TAKEN:
        name = f"_{name}"
    if len(name.encode()) > MOST_BYTES:
        mark = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:8]
        kept = name.encode()[: MOST_BYTES - 9].decode(errors="ignore")
        name = f"{kept}_{mark}"
    return name


def printable(text: str, lines: bool = False) -> str:
    r"""Write a text so that it cannot steer a terminal; ``lines`` keeps line feeds.

    Escapes, marks that turn the direction of writing and the like are written out (``\x1b``).
    """
    if text.isprintable():
        return text
    return "".join(c if lines and c == "\n" else _shown(c) for c in text)


def unturned(text: str) -> str:
    """Leave out the marks that turn the direction of writing."""
    return text.translate(_TURNS)


def check_words(**words: object) -> None:
    """Refuse control characters in words for the report; UsageError says which and where."""
    for name, text in words.items():
        if isinstance(text, str) and (found := _CONTROL.search(text)):
            code = f"U+{ord(found[0]):04X}"
            raise UsageError(f"{name} holds the control character {code}. Remove it.")


def _shown(sign: str) -> str:
    if sign.isprintable() or unicodedata.category(sign) == "Zs":  # a blank of another width
        return sign
    return sign.encode("unicode_escape").decode()


def _unseen(sign: str) -> bool:
    """Control characters, marks of direction, joiners, halves of characters, line ends."""
    return unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")
