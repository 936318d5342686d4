"""Set the page: Jinja2 with autoescape on, so that no text from data becomes markup."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bayespool.files import write_if_changed

__all__ = ["page", "page_text"]

HEADS = [
    "outcome", "measure", "trials", "participants", "effect [95 %]", "P(benefit)", "new trial",
    "exact = NUTS",
]  # fmt: skip


def page(analyses: Sequence[Any], folder: str | os.PathLike[str], title: str = "") -> Path:
    """Write ``folder/index.html`` for these analyses; return its path.

    Parameters
    ----------
    analyses : sequence of Analysis
    folder : path
        Where `Analysis.write` of each made ``<name>/record.json``, or will not.
    title : str
        By default "Pooled results".

    Raises
    ------
    BayespoolError
        The file cannot be written.
    """
    target = Path(folder) / "index.html"
    write_if_changed(target, page_text(analyses, folder, title))
    return target


def page_text(analyses: Sequence[Any], folder: str | os.PathLike[str], title: str = "") -> str:
    """Return the page's HTML; the same analyses give the same bytes."""
    from importlib import resources

    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    from bayespool.page.content import outcome_of

    assets = resources.files("bayespool") / "assets"
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((assets / "page.html").read_text(encoding="utf-8"))
    outcomes = [outcome_of(each, i, Path(folder)) for i, each in enumerate(analyses, start=1)]
    return template.render(
        title=title or "Pooled results",
        style=Markup((assets / "page.css").read_text(encoding="utf-8")),
        heads=HEADS,
        outcomes=outcomes,
    )
