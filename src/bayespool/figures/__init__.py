"""Figures: tables in, matplotlib figures out. Importing this room does not import matplotlib."""

from __future__ import annotations

from bayespool.figures.forest import forest
from bayespool.figures.saving import save, svg_text
from bayespool.figures.words import brief, decimals_for, number, spread

__all__ = ["brief", "decimals_for", "forest", "number", "save", "spread", "svg_text"]
