"""The documentation site: `make docs` builds it from this folder into build/docs."""

from __future__ import annotations

import re
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from pygments.lexers.special import TextLexer

ROOT = Path(__file__).resolve().parents[1]

project = "bayespool"
author = "The bayespool authors"
release = version = installed("bayespool")
copyright = f"{author}. Licence: Apache-2.0"
language = "en-GB"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4  # the anchors that a code-hosting site gives headings, too
exclude_patterns = ["_static"]

# --- the page's look; nothing in it is fetched from elsewhere --------------------------------

html_theme = "furo"
html_title = "bayespool"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_math_renderer = "mathml"
pygments_style = "friendly"
pygments_dark_style = "monokai"

# --- the API, from the docstrings -------------------------------------------------------------

autodoc_typehints = "none"  # the docstrings name the types, in words
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
add_module_names = False
napoleon_google_docstring = False
# Types are words for a reader ("array of shape (sets, k)", "optional"), not all of them names
# of classes that have a page, so they are set as words and make no links.
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style")]
default_role = "py:obj"

# Every other reference that leads nowhere is a warning, and a warning stops the build.
nitpicky = True
nitpick_ignore = [
    # Raised by `analyse`, and public in `bayespool.agreement` alone: its base is on the page.
    ("py:exc", "DisagreementError"),
    # Python's own, which has no page here and none is to be fetched.
    ("py:exc", "KeyboardInterrupt"),
]

# Pages of the site that are files of the repository's top folder: for a reader of the repository
# a line that leads there, on the site the text itself.
TOP = {
    "architecture": "ARCHITECTURE.md",
    "contributing": "CONTRIBUTING.md",
    "changelog": "CHANGELOG.md",
}
PAGES = {name: f"{page}.md" for page, name in TOP.items()} | {"README.md": "index.md"}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")


def from_the_top(app: Any, docname: str, source: list[str]) -> None:
    """Put a top file's text in the place of its page, and lead its links to the right place."""
    home = "docs"
    if docname in TOP:
        source[0] = (ROOT / TOP[docname]).read_text(encoding="utf-8")
        home = "."
    here = (ROOT / "docs" / docname).parent

    def link(match: re.Match[str]) -> str:
        picture, text, address = match.groups()
        path, sharp, anchor = address.partition("#")
        if "://" in address or not path:
            return match[0]
        target = ((ROOT if home == "." else here) / path).resolve()
        name = target.relative_to(ROOT).as_posix()
        if name in PAGES:
            target = ROOT / "docs" / PAGES[name]
        elif target.is_dir():
            return text  # the site has no page for a folder of the repository
        elif target.suffix == ".md" and not name.startswith("docs/"):
            # A text that is no page of the site: the file itself.
            words = text.replace("`", "")
            return f"{{download}}`{words} <{target.relative_to(here, walk_up=True).as_posix()}>`"
        address = target.relative_to(here, walk_up=True).as_posix() + sharp + anchor
        return f"{picture}[{text}]({address})"

    source[0] = LINK.sub(link, source[0])


def words_in_backticks(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Show what has no page as code.

    In the docstrings a single backtick marks a function, which becomes a link, or an argument,
    which cannot; only a role that is written out (`:func:`) promises a link.
    """
    if node.get("reftype") == "obj" and node.get("refdomain") == "py":
        return contnode
    return None


# --- equations: MathML, which browsers draw themselves ---------------------------------------


def inline_formula(self: Any, node: nodes.math) -> None:
    """Write a formula within a line."""
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def formula(self: Any, node: nodes.math_block) -> None:
    """Write a formula that stands by itself."""
    self.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Give Sphinx what is above."""
    app.add_html_math_renderer("mathml", (inline_formula, None), (formula, None))
    for plain in ("csv", "output"):  # Pygments' own lexer of output sets it in pale grey
        app.add_lexer(plain, TextLexer)
    app.connect("source-read", from_the_top)
    app.connect("missing-reference", words_in_backticks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
