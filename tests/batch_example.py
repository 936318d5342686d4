"""Draws docs/batch.svg: the worked example of docs/batch.md."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

import bayespool as bp
from bayespool.figures.library import library
from bayespool.figures.saving import save

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "tests" / "reference" / "metafor.json"
COLUMNS = {
    "events_treatment": "ai", "n_treatment": "n1i", "events_control": "ci", "n_control": "n2i",
}  # fmt: skip


def public_library() -> pd.DataFrame:
    """Every public review of counts, in one long table."""
    parts = []
    for dataset in json.loads(REFERENCE.read_text(encoding="utf-8"))["datasets"]:
        if dataset["type"] != "binary":
            continue
        name = dataset["id"].removeprefix("dat.")
        table = pd.DataFrame({ours: dataset["data"][it] for ours, it in COLUMNS.items()})
        table.insert(0, "trial", [f"trial {i + 1}" for i in range(len(table))])
        table.insert(0, "review", name)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def results() -> pd.DataFrame:
    """Each review under three priors, beside REML."""
    return bp.batch(
        public_library(),
        measure="OR",
        priors=["weak", "vague", "sceptical"],
        benefit="lower",
        important=0.8,
        workers=None,
    )


if __name__ == "__main__":
    save(library(results()), ROOT / "docs" / "batch.svg")
