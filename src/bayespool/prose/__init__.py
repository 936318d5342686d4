"""Words: what an analysis found, in sentences and as a report in Markdown."""

from __future__ import annotations

from bayespool.prose.markdown import escape, table
from bayespool.prose.report import report
from bayespool.prose.sentences import over_readings, sentences
from bayespool.prose.words import verdict

__all__ = ["escape", "over_readings", "report", "sentences", "table", "verdict"]
