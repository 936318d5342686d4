"""Set the page: Jinja2 with autoescape on, so that no text from data becomes markup."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from bayespool.files import write_if_changed
from bayespool.names import folder_name, unturned

__all__ = ["page", "page_text"]

STYLES = ("page.css", "charts.css")
SCRIPTS = (
    "quadrature.js", "engine.js", "charts.js", "forest.js", "density.js", "atlas.js", "words.js",
    "state.js", "numbers.js", "figures.js", "controls.js", "actions.js", "explorer.js",
)  # fmt: skip


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
    names = [analysis.name for analysis in analyses]
    written = {
        name for name in names if (Path(folder) / folder_name(name) / "record.json").exists()
    }
    write_if_changed(target, page_text(analyses, written, title))
    return target


def page_text(analyses: Sequence[Any], written: Collection[str] = (), title: str = "") -> str:
    """Return the page's HTML; the same analyses give the same bytes.

    The page links the folders of the analyses whose names are in ``written``.
    """
    from importlib import resources

    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    from bayespool.page.content import outcome_of, site
    from bayespool.page.payload import payload

    assets = resources.files("bayespool") / "assets"

    def asset(name: str) -> str:
        return (assets / name).read_text(encoding="utf-8")

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: unturned(value) if type(value) is str else value,
    )
    environment.filters["site"] = site
    title = title or "Pooled results"
    data = payload(analyses) | {"title": title}
    style = "".join(asset(name) for name in STYLES)
    scripts = [asset(name) for name in SCRIPTS]
    outcomes = [
        outcome_of(analysis, live["id"], live["title"], analysis.name in written)
        for analysis, live in zip(analyses, data["outcomes"], strict=True)
    ]
    return environment.from_string(asset("page.html")).render(
        title=title,
        policy=policy([style], scripts),
        style=Markup(style),
        scripts=[Markup(script) for script in scripts],
        data=Markup(as_json(data)),
        outcomes=outcomes,
        lives=data["outcomes"],
    )


def policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Write the Content-Security-Policy: these blocks and pictures within the page, no more."""
    return (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src {_hashes(styles)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def as_json(data: Any) -> str:
    """Write JSON that no text in it can end: every < is escaped."""
    text = unturned(json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")))
    for sign, code in (("<", "\\u003c"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
        text = text.replace(sign, code)
    return text


def _hashes(blocks: Sequence[str]) -> str:
    digests = [hashlib.sha256(block.encode()).digest() for block in blocks]
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
