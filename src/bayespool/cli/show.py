"""What the verbs print on stdout. Texts from data never steer the terminal, nor are they markup."""

from __future__ import annotations

import math
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text as RichText

from bayespool.figures import brief, decimals_for, spread
from bayespool.measures import MEASURES, symbol
from bayespool.names import printable
from bayespool.prior.words import short
from bayespool.prose.words import (
    USUAL,
    beyond,
    chance_mcse,
    ends,
    interval,
    not_beyond,
    null_mcse,
    sampled,
    tau_mcse,
    verdict,
)
from bayespool.summaries import number, probability
from bayespool.trials import Trials
from bayespool.trials.columns import LAYOUTS, OPTIONAL

if TYPE_CHECKING:
    from bayespool.analysis import Analysis

__all__ = ["catalogue", "checked", "engines", "findings", "result"]

PAPER = 110  # columns where stdout is no terminal
LAYOUT_WORDS = {
    "binary": "events and patients of each arm",
    "continuous": "mean, SD and patients of each arm",
    "quartiles": "median, quartiles and patients of each arm",
    "range": "median, range and patients of each arm",
    "five": "median, quartiles, range and patients of each arm",
    "generic": "an estimate with its standard error",
}

SHORT = 20  # rows of a study's table that is printed whole
TABLED = (
    "tipping", "leave-one-out", "cumulative", "subgroup", "power", "left-out-predictive", "models",
    "averaging", "measures-side-by-side",
)  # fmt: skip
SHOWN_IN = ("natural_lower", "natural_upper", "says", "note", "kind", "reason")
UNSHOWN = ("_new_lower", "_new_upper", "natural_at_half", "natural_at_double", "tau_lower",
           "tau_upper", "prob_harm", "median_per_doubling", "natural_root", "elpd_se")  # fmt: skip
ENDS = ("median", "lower", "upper")


def checked(trials: Trials) -> None:
    """Print what a file holds."""
    out = _console()
    out.print(_text(trials.path, style="bold"))
    names = [m.name for m in MEASURES.values() if trials.layout in m.layouts]
    used = [name for name in OPTIONAL if name in trials.frame]
    known = {"trial", *LAYOUTS[trials.layout], *OPTIONAL}
    kept = [str(name) for name in trials.frame.columns if name not in known]
    people = trials.participants
    rows = [
        ("layout", f"{trials.layout} ({LAYOUT_WORDS[trials.layout]})"),
        ("trials", str(len(trials))),
        ("participants", "not given" if people is None else f"{people}"),
        ("measures", ", ".join(names)),
        ("optional", ", ".join(used) or "none"),
        ("ignored", ", ".join(kept) or "none"),
    ]
    _pairs(out, rows)
    for note in trials.notes:
        out.print(_text(f"  note: {note}"))
    out.print(_text("No fault found."))


def catalogue(table: pd.DataFrame, measure: str | None) -> None:
    """Print the prior sets; without a measure, the published ones as a line a collection."""
    out = _console()
    published = table["set"].str[-4:].str.isdigit()
    for kind, rows in table[~published].groupby("measure", sort=False):
        out.print(_text(f"{kind}: {MEASURES[str(kind)].long}", style="bold"))
        for row in rows.to_dict("records"):
            _set(out, {str(key): value for key, value in row.items()})
    for name, rows in table[published].groupby("set", sort=False):
        kinds = ", ".join(dict.fromkeys(rows["measure"]))
        out.print(_text(f"{name} ({kinds})", style="bold"))
        out.print(_text(f"  {rows['source'].iloc[0]}"))
        if measure is None:
            some = rows["name"].iloc[0]
            count = len(rows.drop_duplicates("name"))
            out.print(_text(f"  {count} rows, such as {some}; --measure lists them"))
            continue
        own_mu = rows["mu"].nunique() > 1
        longest = rows["name"].str.len().max()
        for row in rows.to_dict("records"):
            mu = f"mu {row['mu']}; " if own_mu else ""
            reach = f"{short(row['tau_lower'])} to {short(row['tau_upper'])}"
            said = f"{mu}tau {row['tau']}: median {short(row['tau_median'])}, 95 % in {reach}"
            # One line each, whatever the width, so that grep finds whole rows.
            out.print(_text(f"  {row['name']:<{longest}}  {said}"), soft_wrap=True)


def _set(out: Console, row: dict[str, Any]) -> None:
    mu = row["mu"] or "yours to write" if row["name"] in ("weak", "vague") else (
        row["mu"] or "needs --important and --benefit")  # fmt: skip
    out.print(_text(f"  {row['name']:<12} mu {mu}; tau {row['tau'] or 'yours to write'}"))
    said = []
    if not math.isnan(row["mu_lower"]):
        ends = f"{short(row['mu_lower'])} to {short(row['mu_upper'])}"
        said.append(f"95 % of the prior on {row['measure']} lies in {ends}.")
    if not math.isnan(row["worth"]):
        said.append(f"Worth about {short(row['worth'])} {row['worth_in']}.")
    said.append(str(row["reason"]))
    if row["source"]:
        said.append(f"({row['source']})")
    _paragraph(out, " ".join(said), 15)


def result(analysis: Analysis) -> None:
    """Print an analysis."""
    out = _console()
    record = analysis.record
    people = f", {record['participants']} participants" if record["participants"] else ""
    k = record["trials"]
    kind = MEASURES[analysis.measure]
    out.print(_text(f"{analysis.name}: {kind.long}, {k} trial{'s'[: k != 1]}{people}", "bold"))
    words = {"random": "random effects", "t": "Student-t effects", "common": "common effect"}
    said = [f"{part} ~ {brief(record['priors'][part])}" for part in ("mu", "tau", "phi")
            if record["priors"][part]]  # fmt: skip
    model = f"{analysis.likelihood} likelihood, {words[analysis.effects]}"
    out.print(_text(f"{model}; {record['priors']['name']} priors: {', '.join(said)}"))
    out.print()
    _effects(out, analysis)
    out.print()
    _chances(out, analysis)
    out.print()
    engines(analysis)
    if record["notes"]:
        out.print()
        out.print(_text("Notes", style="bold"))
        for note in record["notes"]:
            _paragraph(out, note, 2)


def _effects(out: Console, analysis: Analysis) -> None:
    natural = analysis.record[analysis.engine]["natural"]
    kind = MEASURES[analysis.measure]
    name = symbol(kind.name)
    rows = [(name, "mu")]
    if "theta_new" in natural:
        rows.append(("in a new trial", "theta_new"))
    decimals = decimals_for(kind.ratio, [ends(natural[of])[1:] for _, of in rows])
    grid = _grid("", "median [95 % interval]")
    for label, of in rows:
        grid.add_row(label, interval(analysis, analysis.engine, of, decimals, "-"))
    if "tau" in analysis.record[analysis.engine]:
        unit = " (log scale)" if kind.ratio else ""
        tau = interval(analysis, analysis.engine, "tau", max(decimals, 2), "-", natural=False)
        grid.add_row(f"tau{unit}", tau)
    out.print(grid)


def _chances(out: Console, analysis: Analysis) -> None:
    part = analysis.record[analysis.engine]
    first, second = ("prob_benefit", "prob_harm") if analysis.benefit else (
        "prob_below", "prob_above")  # fmt: skip
    new = f"{first}_new" in part
    grid = _grid(
        "",
        f"P({beyond(analysis, 't')})",
        f"P({not_beyond(analysis, 't')})",
        *(["in a new trial"] if new else []),
    )
    table = analysis.tables["prob_benefit"]
    for row in table[table["engine"] == analysis.engine].to_dict("records"):
        cells = [probability(row[word], row["mcse"]) for word in (first, second)]
        if new:
            p = row[f"{first}_new"]
            cells.append(probability(p, chance_mcse(analysis, analysis.engine, p, "theta_new")))
        what = "benefit: " if analysis.benefit else ""
        grid.add_row(f"{what}{beyond(analysis, row['threshold'])}", *cells)
    out.print(grid)


def findings(analysis: Analysis) -> None:
    """Print what each sensitivity study says."""
    out = _console()
    for finding in analysis.findings.values():
        title = finding.study.title
        out.print(_text(f"{title[:1].upper()}{title[1:]}", style="bold"))
        _paragraph(out, finding.sentence or "No answer.", 2)
        if finding.study.name in TABLED and 0 < len(finding.table) <= SHORT:
            out.print(_plain_table(out, finding.table))
        out.print()


def _plain_table(out: Console, table: pd.DataFrame) -> Table:
    """A short table, of whose columns as many as fit are shown: an interval is one of them."""
    columns: dict[str, list[str]] = {}
    for name in map(str, table):
        if name in SHOWN_IN or name.endswith(UNSHOWN) or table[name].isna().all():
            continue
        if name == "natural_median":
            ends = zip(*(table[f"natural_{word}"] for word in ENDS), strict=True)
            columns["effect [95 %]"] = ["–" if row[0] != row[0] else spread(row) for row in ends]
        else:
            columns[name.replace("_", " ")] = [_cell(name, value) for value in table[name]]
    grid, room = [], out.width
    for head, cells in columns.items():
        room -= 3 + max(map(len, [head, *cells]))
        if room < 0:
            break
        grid.append((head, cells))
    shown = _grid(*(head for head, _ in grid))
    for row in zip(*(cells for _, cells in grid), strict=True):
        shown.add_row(*row)
    return shown


def _cell(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return printable(value) or "–"
    if value is None or value != value:
        return "–"
    if name.startswith("prob"):
        return probability(float(value))
    return number(float(value)) if isinstance(value, float) else str(value)


def engines(analysis: Analysis, every: bool = False) -> None:
    """Print the engines side by side, and whether they agree; all methods or the usual ones."""
    out = _console()
    kind = MEASURES[analysis.measure]
    table = analysis.tables["engines"]
    if not every:
        table = table[table["engine"].isin(USUAL)]
    rows = [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
    reach = [(row["natural_lower"], row["natural_upper"]) for row in rows]
    decimals = decimals_for(kind.ratio, [pair for pair in reach if _known(pair)])
    null = f"{kind.null:g}"
    sign = ">" if analysis.benefit == "higher" else "<"
    name = symbol(kind.name)
    grid = _grid("engine", f"{name} [95 %]", "tau", f"P({name} {sign} {null})", "verdict" * every)
    for row in rows:
        natural = [row[f"natural_{end}"] for end in ("estimate", "lower", "upper")]
        grid.add_row(
            {"nuts": "NUTS"}.get(row["engine"], row["engine"]),
            interval(analysis, row["engine"], "mu", decimals, "-")
            if row["engine"] in analysis.record
            else spread(natural, decimals, "-", kind.ratio),
            number(row["tau"], tau_mcse(analysis, row["engine"])),
            probability(row["prob_benefit"], null_mcse(analysis, row["engine"])),
            _text(str(row["verdict"] or "") if every else ""),
        )
    out.print(grid)
    out.print(_text(verdict(analysis)))
    if said := sampled(analysis):
        out.print(_text(said))


def _paragraph(out: Console, text: str, indent: int) -> None:
    width = max(out.width - 1, indent + 20)
    margin = " " * indent
    text = text.replace(" %", "\u00a0%")  # a percentage stays in one piece
    lines = textwrap.wrap(text, width, initial_indent=margin, subsequent_indent=margin)
    out.print(_text("\n".join(lines).replace("\u00a0%", " %")), soft_wrap=True)


def _text(words: str, style: str = "") -> RichText:
    """Words without markup; what could steer the terminal is written out."""
    return RichText(printable(words, lines=True), style)


def _known(pair: Sequence[float | None]) -> bool:
    return all(x is not None and math.isfinite(x) for x in pair)


def _grid(*heads: str) -> Table:
    grid = Table(box=None, padding=(0, 3, 0, 0), show_edge=False)
    for j, head in enumerate(heads):
        last = head == "verdict"
        grid.add_column(head, justify="left" if j == 0 or last else "right", no_wrap=not last)
    return grid


def _pairs(out: Console, rows: Sequence[tuple[str, str]]) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for name, value in rows:
        grid.add_row(f"  {name}", _text(value))
    out.print(grid)


def _console() -> Console:
    width = None if sys.stdout.isatty() else max(PAPER, shutil.get_terminal_size((PAPER, 40))[0])
    return Console(width=width, highlight=False, markup=False, emoji=False)
