"""What other programs found: the files, and how one of their numbers stands beside ours."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

REFERENCE = Path(__file__).parent / "reference"


class Comparison(NamedTuple):
    """One number of a peer beside ours: the gap in its unit, and how large it may be."""

    kind: str
    label: str
    gap: float
    limit: float


@cache
def reference(peer: str) -> dict:
    return json.loads((REFERENCE / f"{peer}.json").read_text(encoding="utf-8"))


def data_of(peer: str, name: str) -> dict:
    return next(d["data"] for d in reference(peer)["datasets"] if d["id"] == name)
