"""The command line: verbs, no logic. Nothing heavy is imported before a verb needs it."""

from __future__ import annotations

from bayespool.cli import library  # registers its verb
from bayespool.cli.run import main
from bayespool.cli.verbs import app

__all__ = ["app", "library", "main"]
