"""The simulations themselves, packed: one machine goes on from what another did.

Each archive in reports/validation/simulations/ holds the CSV files of one engine and likelihood, a
row a simulated review; `make validate` makes its tables of nothing else.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from bayespool.files import write_if_changed

__all__ = ["pack", "unpack"]

NO_DATE = (1980, 1, 1, 0, 0, 0)  # same files, same bytes


def pack(archives: Mapping[str, list[Path]], shelf: Path) -> None:
    """Write each archive with the files that there are; one that would be empty stays as it was."""
    for name, paths in archives.items():
        there = sorted(path for path in paths if path.exists())
        if not there:
            continue
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in there:
                archive.writestr(_entry(path.name), path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
        write_if_changed(shelf / f"{name}.zip", packed.getvalue())


def unpack(shelf: Path, cache: Path) -> int:
    """Put the files that the cache lacks back; how many."""
    cache.mkdir(parents=True, exist_ok=True)
    back = 0
    for path in sorted(shelf.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                target = cache / Path(entry.filename).name
                if not target.exists():
                    target.write_bytes(archive.read(entry))
                    back += 1
    return back


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, NO_DATE)
