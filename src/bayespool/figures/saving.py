"""A figure as SVG or PNG with the same bytes on every run."""

from __future__ import annotations

import io
import os
import re
import warnings
from typing import TYPE_CHECKING

from bayespool.files import write_if_changed
from bayespool.names import unturned

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

__all__ = ["png_bytes", "save", "save_png", "svg_text"]

SALT = "bayespool"


def svg_text(figure: Figure) -> str:
    """Turn a figure into SVG text: fixed hash salt, no date.

    Letters are drawn as outlines, so that the picture looks the same whatever fonts a reader has.
    Only where matplotlib's own font lacks a letter (a name in Chinese, say) is all the text kept
    as text, and the reader's fonts draw it.
    """
    import matplotlib as mpl

    _unturn(figure)
    fonttype = "path" if _drawable(figure) else "none"
    stream = io.StringIO()
    with (
        mpl.rc_context({**mpl.rcParamsDefault, "svg.fonttype": fonttype, "svg.hashsalt": SALT}),
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


def png_bytes(figure: Figure, dpi: int = 200) -> bytes:
    """Turn a figure into PNG with the same bytes on every run: no date, no version.

    A letter that matplotlib's own font lacks is an empty box here; the SVG keeps it.
    """
    import matplotlib as mpl

    _unturn(figure)
    stream = io.BytesIO()
    with mpl.rc_context(mpl.rcParamsDefault), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    return stream.getvalue()


def save_png(figure: Figure, path: str | os.PathLike[str], dpi: int = 200) -> bool:
    """Write a figure as PNG if it differs from the file; return whether it did."""
    return write_if_changed(path, png_bytes(figure, dpi))


def _unturn(figure: Figure) -> None:
    """No name may turn the direction of what stands beside it."""
    for text in _texts(figure):
        if (plain := unturned(text.get_text())) != text.get_text():
            text.set_text(plain)


def _drawable(figure: Figure) -> bool:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known = get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap()
    texts = _texts(figure)
    return all(c == "\n" or ord(c) in known for text in texts for c in text.get_text())


def _texts(figure: Figure) -> list[Text]:
    from matplotlib.text import Text

    return [found for found in figure.findobj(Text) if isinstance(found, Text)]
