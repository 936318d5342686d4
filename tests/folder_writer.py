"""A process that writes a folder of results again and again, to be killed by a test."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from multiprocessing.synchronize import Event
from pathlib import Path

from bayespool.files import replacing, write_if_changed

NAMES = ("record.json", "report.md", *(f"tables/{i}.csv" for i in range(20)))


def fill(path: Path, text: str, names: Sequence[str] = NAMES) -> None:
    """Replace a folder of results by one whose every file says ``text``."""
    with replacing(path) as made:
        (new,) = made.folders
        for name in names:
            write_if_changed(new.stage / name, text)
        new.finish(names, NAMES)


def fill_report(folder: Path, text: str) -> None:
    """Two folders and a page that say ``text``."""
    with replacing(folder / "a", folder / "b") as made:
        for new in made.folders:
            write_if_changed(new.stage / "record.json", text)
            new.finish(["record.json"])
        made.add_file(folder / "index.html", text)


def write_reports(place: Path, texts: Sequence[str], ready: Event, rounds: int) -> None:
    ready.set()
    for text in islice(cycle(texts), rounds):
        fill_report(place, text)


def write_for_ever(place: Path, texts: Sequence[str], ready: Event) -> None:
    ready.set()
    for text in cycle(texts):
        fill(place, text)
