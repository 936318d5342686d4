"""The page of results: one HTML file that needs nothing else. Cheap to import."""

from __future__ import annotations

from bayespool.page.html import page

__all__ = ["page"]
