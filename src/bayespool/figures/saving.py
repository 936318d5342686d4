"""A figure as SVG with the same bytes on every run."""

from __future__ import annotations

import io
import os
import re
import warnings
from typing import TYPE_CHECKING

from bayespool.files import write_if_changed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["save", "svg_text"]

SALT = "bayespool"


def svg_text(figure: Figure) -> str:
    """Turn a figure into SVG text: fixed hash salt, no date.

    Letters are drawn as outlines, so that the picture looks the same whatever fonts a reader has.
    Only where matplotlib's own font lacks a letter (a name in Chinese, say) is all the text kept
    as text, and the reader's fonts draw it.
    """
    import matplotlib as mpl

    fonttype = "path" if _drawable(figure) else "none"
    stream = io.StringIO()
    with (
        mpl.rc_context({"svg.fonttype": fonttype, "svg.hashsalt": SALT}),
        warnings.catch_warnings(),
    ):
        if fonttype == "none":
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(stream, format="svg", metadata={"Date": None})
    # Lines that end in blanks would upset `git diff --check` on committed reports.
    return re.sub(r"[ \t]+\n", "\n", stream.getvalue())


def save(figure: Figure, path: str | os.PathLike[str]) -> bool:
    """Write a figure as SVG if it differs from the file; return whether it did."""
    return write_if_changed(path, svg_text(figure))


def _drawable(figure: Figure) -> bool:
    from matplotlib.font_manager import FontProperties, findfont, get_font
    from matplotlib.text import Text

    known = get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap()
    texts = [found.get_text() for found in figure.findobj(Text) if isinstance(found, Text)]
    return all(c == "\n" or ord(c) in known for text in texts for c in text)
