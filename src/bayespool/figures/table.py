"""What a forest plot shows, gathered from an analysis: texts and numbers in natural units."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayespool.curves import benefit_table, density_table
from bayespool.figures.words import brief
from bayespool.measures import axis_label, measure
from bayespool.trials import Trials

__all__ = ["Group", "Interval", "Row", "Table", "curves_of", "table_of"]

Interval = tuple[float, float, float]  # value, lower end, upper end


@dataclass(frozen=True)
class Row:
    """One trial: its cells, its own estimate (None: not estimable) and its shrunken one."""

    name: str
    cells: tuple[str, ...]
    own: Interval | None
    shrunken: Interval | None
    weight: float  # any unit; 0 where there is no estimate
    group: str = ""


@dataclass(frozen=True)
class Group:
    """A subgroup of trials, and its mean effect where that was estimated."""

    name: str
    pooled: Interval | None


@dataclass(frozen=True)
class Table:
    """Everything on a forest plot, in natural units; rows stand in the order of the groups."""

    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    pooled: Interval
    predicted: Interval | None
    tau: Interval | None
    measure: str
    label: str
    ratio: bool
    null: float
    benefit: str | None
    caption: str
    groups: tuple[Group, ...] = ()


def table_of(analysis: Any) -> Table:
    """Gather the forest plot of an `Analysis` from its tables ``trials`` and ``summary``."""
    kind = measure(analysis.measure)
    summary = analysis.tables["summary"]
    summary = summary[summary["engine"] == analysis.engine].set_index("quantity")

    def of(name: str, prefix: str) -> Interval | None:
        if name not in summary.index:
            return None
        row = summary.loc[name]
        return _interval(row[f"{prefix}median"], row[f"{prefix}lower"], row[f"{prefix}upper"])

    heads, cells = _cells(analysis.trials)
    rows = []
    groups, names = _groups(analysis)
    records = analysis.tables["trials"].to_dict("records")
    for row, texts, group in zip(records, cells, names, strict=True):
        own = _interval(*(row[f"natural_{end}"] for end in ("estimate", "lower", "upper")))
        shrunken = _interval(*(row.get(f"shrunken_{end}") for end in ("median", "lower", "upper")))
        weight = row["weight"]
        weight = weight if own and weight > 0 else 0.0
        rows.append(Row(str(row["trial"]), texts, own, shrunken, weight, group))
    if groups:
        order = [group.name for group in groups]
        rows.sort(key=lambda row: order.index(row.group))
    pooled = of("mu", "natural_")
    assert pooled is not None  # every posterior has mu
    return Table(
        heads=heads,
        rows=tuple(rows),
        pooled=pooled,
        predicted=of("theta_new", "natural_"),
        tau=of("tau", ""),
        measure=kind.name,
        label=axis_label(kind.name),
        ratio=kind.ratio,
        null=kind.null,
        benefit=analysis.benefit,
        caption=_caption(analysis),
        groups=groups,
    )


def curves_of(analysis: Any) -> dict[str, pd.DataFrame]:
    """The tables ``density`` and ``benefit``: the analysis's own, else made from its posterior."""
    own = getattr(analysis, "curves", None)
    if own is not None:
        return dict(own)
    posterior = analysis.posterior
    return {
        "density": density_table(posterior, analysis.priors),
        "benefit": benefit_table(posterior, analysis.benefit),
    }


def _groups(analysis: Any) -> tuple[tuple[Group, ...], list[str]]:
    """The subgroups in the file's order, none where there are not two, and each trial's own."""
    frame = analysis.trials.frame
    if "subgroup" not in frame:
        return (), [""] * len(frame)
    names = [_group_name(value) for value in frame["subgroup"]]
    distinct = list(dict.fromkeys(names))
    if len(distinct) < 2:
        return (), [""] * len(names)
    pooled = {}
    if "subgroups" in analysis.tables:
        for row in analysis.tables["subgroups"].to_dict("records"):
            ends = (row[f"natural_{end}"] for end in ("median", "lower", "upper"))
            pooled[_group_name(row["subgroup"])] = _interval(*ends)
    return tuple(Group(name, pooled.get(name)) for name in distinct), names


def _group_name(value: Any) -> str:
    text = "" if value is None or value != value else str(value)
    return text or "No subgroup given"


def _interval(*ends: float | None) -> Interval | None:
    """Three numbers, or None where one is missing."""
    if any(end is None or math.isnan(end) for end in ends):
        return None
    value, lower, upper = (float(end) for end in ends if end is not None)
    return value, lower, upper


def _caption(analysis: Any) -> str:
    priors = analysis.record["priors"]
    said = [f"{name} ~ {brief(priors[name])}" for name in ("mu", "tau", "phi") if priors.get(name)]
    words = {"common": "common effect", "t": "Student-t effects", "random": "random effects"}
    model = f"{analysis.likelihood.capitalize()} likelihood, {words[analysis.effects]}"
    return f"{model}. Prior: {', '.join(said)}."


def _cells(trials: Trials) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Column heads and one tuple of texts a trial, by the layout."""
    frame = trials.frame
    if trials.layout == "generic":
        return (), [() for _ in range(len(frame))]
    texts = [tuple(_arm(row, trials.layout, arm) for arm in ("treatment", "control"))
             for _, row in frame.iterrows()]  # fmt: skip
    what = {
        "binary": "events/n",
        "continuous": "mean (SD), n",
        "quartiles": "median [IQR], n",
        "five": "median [IQR], n",
        "range": "median [range], n",
    }[trials.layout]
    return (f"Treatment\n{what}", f"Control\n{what}"), texts


def _arm(row: pd.Series, layout: str, arm: str) -> str:
    def value(stem: str) -> str:
        x = float(row[f"{stem}_{arm}"])
        if math.isfinite(x) and x == int(x) and abs(x) < 1e15:
            return str(int(x))
        return f"{x:.4g}"

    if layout == "binary":
        return f"{value('events')}/{value('n')}"
    if layout == "continuous":
        return f"{value('mean')} ({value('sd')}), {value('n')}"
    low, high = ("min", "max") if layout == "range" else ("q1", "q3")
    return f"{value('median')} [{value(low)}, {value(high)}], {value('n')}"
