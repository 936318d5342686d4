"""The tables of an analysis, taken from its record, and its answer in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from bayespool.agreement import LIMIT, rows_of
from bayespool.decisions import SIDES, mcse_of
from bayespool.measures import MEASURES, effect_sizes, to_natural
from bayespool.names import printable
from bayespool.record import FREQUENTIST
from bayespool.summaries import number, probability
from bayespool.trials import Trials

if TYPE_CHECKING:
    from bayespool.analysis.result import Analysis

ENGINES = ("exact", "nuts")
NAMES = (
    "summary", "trials", "prob_benefit", "engines", "frequentist", "diagnostics", "agreement",
    "phi_sensitivity", "other_measures", "other_priors", "alternatives", "absolute", "published",
    "operating_characteristics",
    "classical_leave_one_out", "predictive", "psense",
)  # fmt: skip
FEW = 5  # trials, below which the headline of a harm says so first
Z_975 = float(ndtri(0.975))
SHOWN = ("natural_median", "natural_lower", "natural_upper")


def all_tables(analysis: Analysis) -> dict[str, pd.DataFrame]:
    """Every table that applies, by name."""
    record = analysis.record
    found = {
        "summary": summary(record),
        "trials": trials_table(analysis),
        "prob_benefit": chances_table(analysis),
        "engines": engines(record),
        "frequentist": frequentist_table(analysis),
    }
    if record["diagnostics"] is not None:
        found["diagnostics"] = diagnostics(record)
    if len(analysis.comparisons):
        found["agreement"] = analysis.comparisons
    if "phi_sensitivity" in record:
        found["phi_sensitivity"] = phi_table(record["phi_sensitivity"])
    for name in ("other_measures", "other_priors", "published", "classical_leave_one_out",
                 "predictive", "psense"):  # fmt: skip
        if record.get(name):
            found[name] = _said(pd.DataFrame(record[name]))
    if "absolute" in record:
        found["absolute"] = absolute_table(record["absolute"])
    found["alternatives"] = analysis.alternatives
    found["operating_characteristics"] = analysis.characteristics
    found |= {file_name(name): finding.table for name, finding in analysis.findings.items()}
    return {name: table for name, table in found.items() if len(table)}


def file_name(study: str) -> str:
    """Name the files of a study."""
    return study.replace("-", "_")


def studied(findings: dict[str, Any]) -> dict[str, Any]:
    """Give the record's parts that come from studies."""
    found: dict[str, Any] = {
        "studies": {name: finding.sentence for name, finding in findings.items()}
    }
    if "leave-one-out" in findings:
        table = findings["leave-one-out"].table
        keys = [name for name in table if name not in ("change",)]
        rows = rows_of(table[table["without"] != ""][keys])
        found["leave_one_out"] = [
            {key: None if value != value else value for key, value in row.items()} for row in rows
        ]
    if "atlas" in findings:
        table = findings["atlas"].table
        word = next(name for name in table if name.startswith("prob_"))
        plane = table.pivot(index="mu_sd", columns="tau_scale", values=word)
        found["prior_atlas"] = {
            "mu_sd": [float(x) for x in plane.index],
            "tau_scale": [float(x) for x in plane.columns],
            "threshold": str(table.attrs["threshold"]),
            word: plane.to_numpy().tolist(),
        }
    return found


def frequentist_table(analysis: Analysis) -> pd.DataFrame:
    """Tabulate the classical methods, for RD with and without the trials without contrast."""
    columns = [*FREQUENTIST, "double_zero", "double_zero_weight"]
    return analysis.frequentist[[name for name in columns if name in analysis.frequentist]]


def quantities_of(part: dict[str, Any]) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(quantity, numbers, natural numbers) of one engine's part of the record."""
    natural = part["natural"]
    rows: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        (name, part[name], natural.get(name, {}))
        for name in ("mu", "theta_new", "tau")
        if name in part
    ]
    for name, numbers in part.get("theta", {}).items():
        rows.append((name, numbers, natural["theta"][name]))
    return rows


def summary(record: dict[str, Any]) -> pd.DataFrame:
    """Tabulate every quantity of both engines."""
    rows = []
    for engine in ENGINES:
        if engine not in record:
            continue
        errors = record[engine].get("mcse", {})
        for name, numbers, natural in quantities_of(record[engine]):
            mcse = errors.get(name) or errors.get("theta", {}).get(name) or {"mean": 0.0}
            rows.append(
                {"engine": engine, "quantity": name, **numbers}
                | {f"natural_{word}": natural.get(word) for word in ("median", "lower", "upper")}
                | {"mcse_mean": mcse["mean"]}
            )
    table = pd.DataFrame(rows)
    table[table.columns[2:]] = table[table.columns[2:]].astype(float)
    return table


def trials_table(analysis: Analysis) -> pd.DataFrame:
    """Tabulate the trials' own numbers, their estimates, and their effects by the model."""
    trials: Trials = analysis.trials
    sizes = effect_sizes(trials, analysis.measure, analysis.double_zero)
    scale = "log" if MEASURES[analysis.measure].ratio else "identity"
    y, se = sizes["estimate"].to_numpy(), sizes["se"].to_numpy()
    given = [
        name
        for name in trials.frame.columns
        if name in ("trial", "year", "days", "trials_pooled", "participants")
        or name.endswith(("_treatment", "_control"))
    ]
    table = trials.frame[given].copy()
    precision = np.where(sizes["used"], se**-2.0, np.nan)
    table = table.assign(
        estimate=y,
        se=se,
        natural_estimate=to_natural(y, scale),
        natural_lower=to_natural(y - Z_975 * se, scale),
        natural_upper=to_natural(y + Z_975 * se, scale),
        weight=100 * precision / np.nansum(precision),
        used=sizes["used"],
        note=sizes["note"],
    )
    part = analysis.record[analysis.engine]
    own = part["natural"].get("theta", {})
    for word in ("median", "lower", "upper"):
        values = [own.get(name, {}).get(word) for name in trials.names]
        table[f"shrunken_{word}"] = np.array(values, dtype=float)
    for name in ("confidence", "source", "locator"):
        if name in trials.frame:
            table[name] = trials.frame[name]
    return table


def chances_table(analysis: Analysis) -> pd.DataFrame:
    """Tabulate the probabilities by threshold."""
    rows = []
    for engine, posterior in (("exact", analysis.exact), ("nuts", analysis.nuts)):
        if posterior is None:
            continue
        part = analysis.record[engine]
        words = [word for word in part if word.startswith("prob_")]
        for label, at in analysis.thresholds.items():
            row: dict[str, Any] = {"engine": engine, "threshold": label}
            row |= {word: part[word][label] for word in words}
            rows.append(row | {"mcse": mcse_of(posterior["mu"], at)})
    return pd.DataFrame(rows)


def engines(record: dict[str, Any]) -> pd.DataFrame:
    """Every engine and method in one table: mu, its interval, tau, and whether they agree."""
    ratio = MEASURES[record["measure"]].ratio
    null = f"{MEASURES[record['measure']].null:g}"
    word = "prob_benefit" if record["benefit"] else "prob_below"
    verdict, rows = record["agreement"]["exact_nuts"], []
    for engine in ENGINES:
        if engine not in record:
            continue
        part = record[engine]
        says = "the reference" if engine == "exact" else "the only engine that ran"
        if engine == "nuts" and verdict:
            says = (
                f"agrees: worst {verdict['worst_z']:.1f} of {LIMIT:g} MCSE ({verdict['worst']})"
                if record["agreement"]["ok"]
                else f"DISAGREES: {verdict['worst_z']:.1f} MCSE ({verdict['worst']})"
            )
        row = {"engine": engine, "scale": record["scale"], "estimate": part["mu"]["median"]}
        row |= {end: part["mu"][end] for end in ("lower", "upper")}
        row |= {
            f"natural_{to}": part["natural"]["mu"][source]
            for to, source in (("estimate", "median"), ("lower", "lower"), ("upper", "upper"))
        }
        row |= {"tau": part.get("tau", {}).get("median"), "prob_benefit": part[word][null]}
        reference = record["exact"]["mu"]["median"] if "exact" in record else None
        gap = None if reference is None else row["estimate"] - reference
        rows.append(row | {"difference": gap, "verdict": says})
    reasons = {row["method"]: row for row in record["agreement"]["frequentist"]}
    for row in record["frequentist"]:
        ends = {end: row[end] for end in ("estimate", "lower", "upper")}
        scale = "log" if ratio else "identity"  # RD is always the difference here
        natural = {
            f"natural_{end}": None if value is None else float(to_natural(value, scale))
            for end, value in ends.items()
        }
        tau = None if row["tau2"] is None else float(np.sqrt(row["tau2"]))
        reason = reasons.get(row["method"], {"difference": None, "reason": ""})
        note = "; ".join(filter(None, [reason["reason"], row["note"]]))
        rows.append(
            {
                "engine": row["method"],
                "scale": scale,
                **ends,
                **natural,
                "tau": tau,
                "prob_benefit": None,
            }
            | {"difference": reason["difference"], "verdict": note}
        )
    return pd.DataFrame(rows)


def diagnostics(record: dict[str, Any]) -> pd.DataFrame:
    """Tabulate convergence and Monte Carlo errors, a row a quantity."""
    part = record["nuts"]
    rows = []
    for name, numbers, _ in quantities_of(part):
        row: dict[str, Any] = {"quantity": name}
        for word in ("ess_bulk", "ess_tail", "r_hat"):
            own = part[word]
            row[word] = own[name] if name in own else own["theta"][name]
        own = part["mcse"]
        error = own[name] if name in own else own["theta"][name]
        row |= {f"{word}": numbers[word] for word in ("mean", "sd", "median", "lower", "upper")}
        rows.append(row | {f"mcse_{word}": value for word, value in error.items()})
    return pd.DataFrame(rows)


def absolute_table(part: dict[str, Any]) -> pd.DataFrame:
    """Spread median and interval over columns; probabilities stand with the median baseline."""
    rows = []
    for row in part["rows"]:
        flat = {word: row[word] for word in ("quantity", "baseline", "risk_control")}
        for key in ("risk_treatment", "per_1000"):
            flat |= {f"{key}_{word}": value for word, value in row[key].items()}
        chances = part.get("prob", {}).get(row["quantity"], {})
        at_median = row["baseline"] == "median"
        flat |= {f"prob_{n}": p if at_median else None for n, p in chances.items()}
        rows.append(flat | {"nnt": row["nnt"], "measure": part["measure"]})
    return pd.DataFrame(rows)


def phi_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Spread the probabilities by threshold over columns."""
    flat = []
    for row in rows:
        own = {key: value for key, value in row.items() if not isinstance(value, dict)}
        for key, values in row.items():
            if isinstance(values, dict):
                own |= {f"{key}_{label}": p for label, p in values.items()}
        flat.append(own)
    return _said(pd.DataFrame(flat))


def _said(table: pd.DataFrame) -> pd.DataFrame:
    """Leave the reason empty where there is an answer."""
    return table.fillna({"reason": ""}) if "reason" in table else table


def headline(analysis: Analysis) -> list[str]:
    """Give the answer in a few lines."""
    record, part = analysis.record, analysis.record[analysis.engine]
    k, people = record["trials"], record["participants"]
    who = f"{k} trial{'s' if k != 1 else ''}" + (f", {people:,} participants" if people else "")
    lines = [f"{analysis.name} ({who})"]
    if analysis.question:
        lines.append(f"  {analysis.question}")
    if analysis.harm and k < FEW:
        lines.append(f"  {analysis.notes[0]}")
    priors = record["priors"]
    said = ", ".join(f"{word} ~ {priors[word]}" for word in ("mu", "tau") if priors[word])
    lines.append(
        f"  {analysis.measure} {interval(part['natural']['mu'])} (posterior median, 95 % "
        f"interval; prior {priors['name']}: {said})"
    )
    if "theta_new" in part:
        tau = interval(part["tau"])
        lines.append(f"  in a new trial {interval(part['natural']['theta_new'])}; tau {tau}")
    table = analysis.tables["prob_benefit"]
    table = table[table["engine"] == analysis.engine]
    if analysis.benefit:
        sign = "<" if SIDES[analysis.benefit] == "below" else ">"
        said = ", ".join(
            f"P({analysis.measure} {sign} {row['threshold']}) = "
            f"{probability(row['prob_benefit'], row['mcse'])}"
            for row in table.to_dict("records")
        )
        lines.append(f"  {said}")
        if len(analysis.alternatives):
            null = f"{MEASURES[analysis.measure].null:g}"
            said = ", ".join(
                f"{row['scenario']} {probability(row['prob_benefit'])}"
                for row in analysis.alternatives.to_dict("records")
            )
            lines.append(f"  P({analysis.measure} {sign} {null}) by other readings: {said}")
    found = analysis.tables["engines"]
    if analysis.engine == "exact" and analysis.nuts is not None:
        lines += [f"  NUTS {row['verdict']}" for row in rows_of(found) if row["engine"] == "nuts"]
    return [printable(line) for line in lines]


def interval(natural: dict[str, Any]) -> str:
    """Write "0.706 [0.453, 1.001]"."""
    median, lower, upper = (natural[word] for word in ("median", "lower", "upper"))
    return f"{number(median)} [{number(lower)}, {number(upper)}]"
