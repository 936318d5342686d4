"""What stands on the page: texts alone, taken from records and tables."""

from __future__ import annotations

import base64
import math
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import pandas as pd

from bayespool.figures import brief, decimals_for, forest, spread, svg_text
from bayespool.measures import MEASURES, symbol
from bayespool.names import folder_name
from bayespool.page import summary
from bayespool.prose import words
from bayespool.prose.markdown import is_address
from bayespool.summaries import number, probability
from bayespool.trials.columns import LAYOUTS, OPTIONAL

__all__ = ["Cell", "Grid", "Outcome", "groups_of", "link", "outcome_of", "site"]

# Columns beside the contract's that a reader of the data wants to see.
TOLD = ("days", "unit", "definition", "trials_pooled", "participants", "locator", "note")
TITLES = {
    "other_priors": "Under other priors",
    "other_measures": "By other measures of the same counts",
    "phi_sensitivity": "Under other priors on the baselines",
    "alternatives": "Under other readings of the data",
}
WORDY = ("says", "source", "before_benefit", "before_important")  # the text report has them
HEADS = {
    "natural_median": "effect",
    "natural_lower": "lower",
    "natural_upper": "upper",
    "natural_estimate": "effect",
    "prob_benefit": "P(benefit)",
    "prob_harm": "P(harm)",
    "prob_benefit_new": "P(benefit), new trial",
    "prob_harm_new": "P(harm), new trial",
}


@dataclass(frozen=True)
class Cell:
    """Text pieces of one cell, each with an address or none."""

    pieces: tuple[tuple[str, str | None], ...]
    is_number: bool = False


@dataclass(frozen=True)
class Grid:
    """A table ready to be set."""

    title: str
    heads: list[str]
    rows: list[list[Cell]]


@dataclass(frozen=True)
class Outcome:
    """One section of the page."""

    anchor: str
    title: str
    question: str
    first: str
    limits: list[str]
    row: summary.Row
    bands_note: str
    pooled: bool
    answer: str
    model: str
    figure: str
    alt: str
    verdict: str
    sampled: str
    notes: list[str]
    groups: list[tuple[str, list[Grid]]]
    record: str | None
    report: str
    sentences: list[str]
    studies: list[tuple[str, str]]
    versions: str
    data: str
    sha256: str = field(default="")


def outcome_of(analysis: Any, anchor: str, title: str, written: bool) -> Outcome:
    """Gather the section of one analysis, to stand under this anchor and title.

    It links the analysis' own folder if that was ``written`` beside the page.
    """
    record = analysis.record
    svg = svg_text(forest(analysis)).encode()
    priors = [
        f"{part} ~ {brief(record['priors'][part])}"
        for part in ("mu", "tau", "phi")
        if record["priors"].get(part)
    ]
    kinds = {"random": "random effects", "t": "Student-t effects", "common": "a common effect"}
    return Outcome(
        anchor=anchor,
        title=title,
        question=analysis.question,
        first=summary.answer(analysis),
        limits=summary.why_not_surer(analysis),
        row=summary.row_of(analysis),
        bands_note=summary.bands_note(record, summary.unit_of(analysis)),
        pooled=len(analysis.trials) == 1 and "trials_pooled" in analysis.trials.frame,
        answer=words.answer(analysis),
        model=f"{analysis.likelihood.capitalize()} likelihood with {kinds[analysis.effects]}; "
        f"{record['priors'].get('name', '')} priors: {', '.join(priors)}.",
        figure="data:image/svg+xml;base64," + base64.b64encode(svg).decode(),
        alt=f"Forest plot of {len(analysis.trials)} trials. {words.answer(analysis)}",
        verdict=words.verdict(analysis),
        sampled=words.sampled(analysis),
        notes=list(record["notes"]),
        groups=groups_of(analysis),
        record=f"{quote(folder_name(analysis.name))}/record.json" if written else None,
        sentences=list(record.get("sentences", ())),
        studies=[
            (f"{finding.study.title[:1].upper()}{finding.study.title[1:]}", finding.sentence)
            for finding in analysis.findings.values()
            if finding.sentence
        ],
        report=f"{quote(folder_name(analysis.name))}/report.md",
        versions=", ".join(f"{name} {number}" for name, number in record["versions"].items()),
        data=record["data"],
        sha256=record["data_sha256"],
    )


def groups_of(analysis: Any) -> list[tuple[str, list[Grid]]]:
    """Tables of an outcome, those that apply, under their headings."""
    tables = analysis.tables
    engines = [_engines(analysis)]
    if "agreement" in tables:
        engines.append(_plain("Exact against NUTS", tables["agreement"]))
    if "diagnostics" in tables:
        shown = ["quantity", "mean", "mcse_mean", "ess_bulk", "ess_tail", "r_hat"]
        engines.append(_plain("Draws of NUTS", tables["diagnostics"][shown]))
    others = [
        _plain(title, tables[name][[head for head in tables[name] if head not in WORDY]], analysis)
        for name, title in TITLES.items()
        if name in tables
    ]
    found = [
        ("Engines side by side, diagnostics", engines),
        ("Probabilities by threshold", [_chances(analysis)]),
        ("Other priors, measures and readings", others),
        ("Data", [_data(analysis)]),
    ]
    return [(heading, grids) for heading, grids in found if grids]


def link(text: str) -> tuple[tuple[str, str | None], ...]:
    """Split a source at "; ": a piece that is a whole http(s) address becomes a link."""
    pieces: list[tuple[str, str | None]] = []
    for piece in re.split(r"(;\s+)", text):
        pieces.append((piece, piece if is_address(piece) else None))
    return tuple(pieces)


def site(address: str) -> str:
    """Name the site that an address leads to: ``pmc.ncbi.nlm.nih.gov``."""
    return (urlsplit(address).hostname or address).removeprefix("www.")


def _text(text: str, is_number: bool = False) -> Cell:
    return Cell(((text, None),), is_number)


def _chances(analysis: Any) -> Grid:
    table = analysis.tables["prob_benefit"]
    table = table[table["engine"] == analysis.engine]
    first, second = ("prob_benefit", "prob_harm") if analysis.benefit else (
        "prob_below", "prob_above")  # fmt: skip
    new = [word for word in (f"{first}_new",) if word in table]
    rows = []
    for row in table.to_dict("records"):
        cells = [_text(words.beyond(analysis, row["threshold"]))]
        cells += [_text(probability(row[word], row["mcse"]), True) for word in (first, second)]
        for word in new:
            error = words.chance_mcse(analysis, analysis.engine, row[word], "theta_new")
            cells.append(_text(probability(row[word], error), True))
        rows.append(cells)
    sides = [f"P({side(analysis, 't')})" for side in (words.beyond, words.not_beyond)]
    heads = ["effect", *sides, *(["in a new trial"] if new else [])]
    title = "Probability of benefit, by how much" if analysis.benefit else "Probability"
    return Grid(title, heads, rows)


def _engines(analysis: Any) -> Grid:
    ratio = MEASURES[analysis.measure].ratio
    table = analysis.tables["engines"]
    table = table[table["engine"].isin(words.USUAL)]
    rows = [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
    keys = ("natural_estimate", "natural_lower", "natural_upper")
    known = [(row[keys[1]], row[keys[2]]) for row in rows if not _missing(row[keys[1]])]
    decimals = decimals_for(ratio, known)
    cells = [
        [
            _text({"exact": "exact", "nuts": "NUTS"}.get(row["engine"], row["engine"])),
            _text(
                words.interval(analysis, row["engine"], "mu", decimals)
                if row["engine"] in analysis.record
                else spread([row[key] for key in keys], decimals, ratio=ratio),
                True,
            ),
            _text(number(row["tau"], words.tau_mcse(analysis, row["engine"])), True),
            _text(probability(row["prob_benefit"], words.null_mcse(analysis, row["engine"])), True),
            _text(str(row["verdict"] or "")),
        ]
        for row in rows
    ]
    name = symbol(analysis.measure)
    null = f"{MEASURES[analysis.measure].null:g}"
    heads = [
        "engine or method", f"{name} [95 %]", "tau", f"P({words.beyond(analysis, null)})",
        "what sets it apart",
    ]  # fmt: skip
    return Grid("Engines and classical methods side by side", heads, cells)


def _plain(title: str, table: pd.DataFrame, analysis: Any = None) -> Grid:
    heads = [_head(str(name), analysis) for name in table.columns]
    rows = [
        [
            _text(number(value, row["mcse_mean"]), True)
            if name == "mean" and "mcse_mean" in row
            else _value(str(name), value)
            for name, value in row.items()
        ]
        for row in table.to_dict("records")
    ]
    return Grid(title, heads, rows)


def _head(name: str, analysis: Any = None) -> str:
    for word, head in HEADS.items():
        threshold = name.removeprefix(f"{word}_")
        if analysis and word.startswith("prob_harm") and _is_number(threshold):
            # Harm is beyond no effect; beyond another threshold it is its other side.
            new = ", new trial" if word.endswith("_new") else ""
            return f"P({words.not_beyond(analysis, threshold)}){new}"
        if name == word:
            return head
        if name.startswith(f"{word}_") and _is_number(name.removeprefix(f"{word}_")):
            return f"{head} at {name.removeprefix(f'{word}_')}"
    return name.replace("_", " ")


def _value(name: str, value: Any) -> Cell:
    if name in ("mu", "tau", "phi") and isinstance(value, str):
        return _text(brief(value))
    if isinstance(value, str):
        return Cell(link(value))
    if isinstance(value, bool):
        return _text("yes" if value else "no")
    if _missing(value):
        return _text("–", True)
    if name.startswith("prob"):
        return _text(probability(float(value)), True)
    if name == "r_hat":
        return _text(f"{value:.4f}", True)
    if name.startswith("ess_"):
        return _text(f"{value:.0f}", True)
    if math.isfinite(value) and float(value) == int(value) and abs(value) < 1e15:
        return _text(f"{int(value)}", True)
    return _text(number(float(value)), True)


def _data(analysis: Any) -> Grid:
    frame = analysis.trials.frame
    wanted = ["trial", *LAYOUTS[analysis.trials.layout], *TOLD[:-2], *OPTIONAL, *TOLD[-2:]]
    names = [name for name in dict.fromkeys(wanted) if name in frame]
    return _plain("Data", frame[names])


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
