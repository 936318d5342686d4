"""What is kept of analyses: a folder each, and one page that shows them all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bayespool import studies
from bayespool.analysis import tables
from bayespool.errors import UsageError
from bayespool.files import (
    Replacement,
    replacing,
    write_csv,
    write_if_changed,
    write_json,
)
from bayespool.names import folder_name

__all__ = ["write_folder", "write_report"]

# Of an earlier report: what need not change is not written again.
LIKE = ("record.json", "report.md", "tables/*.csv", "figures/*.*", "diagnostics/*.png")


def write_folder(
    analysis: Any, folder: str | os.PathLike[str], png: bool, diagnostics: bool
) -> list[Path]:
    """Do what `Analysis.write` says."""
    with replacing(folder, like=LIKE) as made:
        names = _fill(made.folders[0], analysis, png, diagnostics)
    return [Path(folder) / name for name in names]


def write_report(
    analyses: Sequence[Any],
    folder: str | os.PathLike[str],
    title: str = "",
    png: bool = False,
    diagnostics: bool = False,
) -> Path:
    """Write a folder for each analysis and ``index.html`` over all; return its path.

    A folder is called as its analysis, but for what would lead elsewhere (see
    `bayespool.names.folder_name`).

    Everything is made first and put in place at the end, so that a kill leaves each folder and the
    page as they were or new.

    Parameters
    ----------
    analyses : sequence of Analysis
    folder : path
    title : str
        The page's, by default "Pooled results".
    png, diagnostics : bool
        See `Analysis.write`.

    Raises
    ------
    BayespoolError
        A folder or the page cannot be written.
    UsageError
        Two analyses would have the same folder.
    """
    from bayespool.page.html import page_text

    target = Path(folder) / "index.html"
    names = [folder_name(analysis.name) for analysis in analyses]
    plain = [name.casefold() for name in names]  # some file systems know no capitals
    if twice := sorted({name for name in plain if plain.count(name) > 1}):
        raise UsageError(
            f"two analyses are called {', '.join(twice)}: each gets a folder of its name in "
            f"{folder}. Rename one."
        )
    with replacing(*(target.parent / name for name in names), like=LIKE) as made:
        for new, analysis in zip(made.folders, analyses, strict=True):
            _fill(new, analysis, png, diagnostics)
        text = page_text(analyses, {analysis.name for analysis in analyses}, title)
        if not _says(target, text):
            made.add_file(target, text)
    return target


def _fill(new: Replacement, analysis: Any, png: bool, diagnostics: bool) -> list[str]:
    """Write one analysis into a folder's stage; the names of what was written."""
    from bayespool import figures, prose

    root = new.stage
    written = ["record.json", "report.md"]
    write_json(root / written[0], analysis.record, ignoring=("wall_seconds",))
    for name, table in analysis.tables.items():
        written.append(f"tables/{name}.csv")
        write_csv(root / written[-1], table)
    drawn = figures.drawable(analysis)
    for name, finding in analysis.findings.items():
        if picture := finding.figure(analysis.record):
            drawn[tables.file_name(name)] = picture
    for name, figure in drawn.items():
        written.append(f"figures/{name}.svg")
        figures.save(figure, root / written[-1])
        if png:
            written.append(f"figures/{name}.png")
            figures.save_png(figure, root / written[-1], dpi=300)
    write_if_changed(root / written[1], prose.report(analysis.record, analysis.tables, list(drawn)))
    if diagnostics and analysis.fit is not None:
        from bayespool.mcmc_plots import write_diagnostics

        made = write_diagnostics(analysis.fit, analysis.trials, root / "diagnostics")
        written += [path.relative_to(root).as_posix() for path in made]
    studied = [tables.file_name(name) for name in studies.STUDIES]
    known = [f"tables/{name}.csv" for name in (*tables.NAMES, *studied)]
    for name in (*figures.FIGURES, *studied):
        known += [f"figures/{name}.svg", f"figures/{name}.png"]
    new.finish(written, known)
    return written


def _says(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False
