"""The page of results: one HTML file that needs nothing else. Cheap to import."""

from __future__ import annotations

from bayespool.page.html import page
from bayespool.page.words import effect_name, verdict

__all__ = ["effect_name", "page", "verdict"]
