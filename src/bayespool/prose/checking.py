"""The report's last part: do the engines agree, did NUTS converge, does the model fit."""

from __future__ import annotations

import math
from typing import Any

from bayespool.measures import MEASURES, symbol
from bayespool.prose import cells
from bayespool.prose.cells import (
    OWN,
    chance,
    chance_head,
    digits,
    is_known,
    numeral,
    reach,
    records,
)
from bayespool.prose.effects import quantity
from bayespool.prose.markdown import escape, section, table
from bayespool.prose.phrases import freedom, signed
from bayespool.prose.words import (
    USUAL,
    Findings,
    interval,
    notes_on,
    null_mcse,
    sampled,
    tau_mcse,
    verdict,
)

__all__ = ["diagnostics", "engines", "fit", "power_scaling", "small_trials"]

SHOWN = 5  # arms named where more lie outside


def engines(found: Findings) -> list[str]:
    """Exact, NUTS and the classical methods side by side."""
    ratio = MEASURES[found.measure].ratio
    rows = [row for row in records(found.tables.get("engines")) if row["engine"] in USUAL]
    decimals = digits(ratio, rows, OWN)
    lines = []
    for row in rows:
        engine = row["engine"]
        own = (
            interval(found, engine, "mu", decimals)
            if engine in found.record
            else reach(row, decimals, ratio, OWN)
        )
        lines.append(
            [
                {"exact": "exact", "nuts": "NUTS"}.get(engine, escape(engine)),
                own,
                numeral(row["tau"], tau_mcse(found, engine), 2),
                chance(row["prob_benefit"], null_mcse(found, engine)),
                signed(cells.said(row["verdict"])),
            ]
        )
    heads = ["Engine or method", f"{symbol(found.measure)} [95 %]", "tau", chance_head(found)]
    return section(
        "Exact, NUTS and the classical methods",
        escape(signed(verdict(found))),
        table([*heads, "What sets it apart"], lines, "lrrrl"),
        _steps(found, any(row["engine"] not in ("exact", "nuts") for row in rows)),
        _compared(found),
    )


def _steps(found: Findings, methods: bool) -> str:
    """Say what the classical methods work from, and the unit of the steps between them."""
    name = symbol(found.measure)
    unit = f" They are differences in log {name}." if found.scale == "log" else ""
    said = (
        "The classical methods work from each trial's estimate and standard error, without a "
        "prior. The numbers under “What sets it apart” lead from the median of the posterior to "
        f"the method's estimate, step by step.{unit}"
    )
    notes = [escape(note) for note in notes_on(found, "classical")]
    return " ".join([said, *notes] if methods else notes)


def _compared(found: Findings) -> str:
    """Tabulate what exact and NUTS were compared in."""
    rows = []
    for row in records(found.tables.get("agreement")):
        exact, nuts = numeral(row["exact"], row["mcse"]), numeral(row["nuts"], row["mcse"])
        if str(row["what"]).startswith("P("):
            exact, nuts = chance(row["exact"]), chance(row["nuts"], row["mcse"])
        what = escape(signed(f"{row['quantity']}: {row['what']}"))
        rows.append([what, exact, nuts, numeral(row["mcse"], digits=2), signed(f"{row['z']:.1f}")])
    return table(["Exact against NUTS", "Exact", "NUTS", "MCSE", "Difference in MCSE"], rows)


def small_trials(found: Findings) -> list[str]:
    """Small-study check and classical heterogeneity."""
    said = []
    small = found.record.get("small_trials")
    if small:
        if is_known(small.get("egger_p")):
            said.append(f"Egger's regression test: p = {_p(small['egger_p'])}.")
        if is_known(small.get("note")):
            said.append(f"{escape(small['note']).rstrip('. ')}.")
    between = found.record.get("tau_interval")
    if between and is_known(between.get("upper")):
        lower = numeral(between.get("lower"))
        said.append(
            f"The Q-profile 95 % interval of tau is {lower} to {numeral(between['upper'])}"
            f"{', on the log scale' if found.scale == 'log' else ''}."
        )
    for row in found.record["frequentist"]:
        if row["method"] == "common-IV" and is_known(row["q"]) and row["k"] > 1:
            said.append(
                f"Cochran's Q = {numeral(row['q'])} on {freedom(row['k'] - 1)} (p = "
                f"{_p(row['q_p'])}), I² = {row['i2']:.0f} %."
            )
    return section("Small trials and heterogeneity", " ".join(said))


def diagnostics(found: Findings) -> list[str]:
    """Convergence of NUTS, a row a quantity."""
    if not found.record.get("diagnostics"):
        return []
    rows = [
        [
            quantity(str(row["quantity"])),
            numeral(row["mean"], row["mcse_mean"]),
            numeral(row["mcse_mean"], digits=2),
            f"{row['ess_bulk']:.0f}",
            f"{row['ess_tail']:.0f}",
            f"{row['r_hat']:.4f}",
        ]
        for row in records(found.tables.get("diagnostics"))
    ]
    how = (found.record.get("nuts") or {}).get("sampling") or {}
    said = sampled(found)
    if how:
        said += (
            f" {how['chains']} chains of {how['draws']:,} draws after {how['tune']:,} of tuning, "
            f"target acceptance {how['target_accept']:g}, seed {how['seed']}, attempt "
            f"{how['attempts']}."
        )
    said = " ".join([said, *notes_on(found, "nuts")])
    heads = ["Quantity", "Mean", "MCSE", "ESS, bulk", "ESS, tail", "R-hat"]
    return section("Diagnostics of NUTS", escape(said), table(heads, rows))


def fit(found: Findings) -> list[str]:
    """Posterior predictive check: which arms the model does not expect."""
    rows = found.record.get("predictive") or []
    if not rows:
        return []
    known = [row for row in rows if all(is_known(row.get(w)) for w in ("lower", "upper"))]
    outside = [row for row in known if not row["lower"] <= row["observed"] <= row["upper"]]
    arms = "estimates" if all(row["arm"] == "estimate" for row in rows) else "arms"
    if arms == "estimates" and len(known) == 1:
        return section(
            "Does the model fit the trials?",
            "There is one estimate, and nothing beside it that could show a misfit.",
        )
    said = (
        f"Replicated from the posterior, {len(outside)} of {len(known)} {arms} lie outside their "
        f"95 % predictive interval; about {0.05 * len(known):.1f} would by chance if the "
        "intervals were exact."
    )
    lines = [_arm_row(row) for row in sorted(outside, key=_mid)[:SHOWN]]
    if not outside and (sides := [row for row in known if is_known(row.get("p"))]):
        row = min(sides, key=_mid)
        arm = "" if row["arm"] == "estimate" else f", {escape(row['arm'])}"
        said += (
            f" The least expected is {escape(row['trial'])}{arm}: {cells.count(row['observed'])} "
            f"where {cells.count(row['lower'])} to {cells.count(row['upper'])} was expected (mid-p "
            f"{chance(row['p'])})."
        )
    heads = ["Trial", "Arm", "Observed", "n", "Predicted [95 %]", "mid-p"]
    more = f"{len(outside) - SHOWN} more are in the record." if len(outside) > SHOWN else ""
    return section("Does the model fit the trials?", said, table(heads, lines, "llrrrr"), more)


def power_scaling(found: Findings) -> list[str]:
    """How far prior and likelihood, scaled a little, move the posterior."""
    told = found.record.get("psense") or []
    exact = _exact_scaling(found)
    rows = [
        [
            escape(row["quantity"]),
            escape(row["scaled"]),
            numeral(row["value"], digits=2),
            numeral(exact.get((row["quantity"], row["scaled"])), digits=2),
            cells.said(row.get("diagnosis")),
        ]
        for row in told
    ]
    if not rows:
        return []
    says = (
        "Distance that the posterior moves when the prior or the likelihood is raised to a power "
        "near 1; above 0.05 counts as sensitive (Kallioinen et al. 2024)."
    )
    if exact:
        says += (
            " Exact is the same of mu without draws. On the priors the two agree; on the "
            "likelihood they need not: ArviZ scales that of the data given each trial's own "
            "parameters, the exact engine what a trial says about its effect, baseline integrated "
            "out."
        )
    if any("conflict" in str(row.get("diagnosis")) for row in told):
        says += (
            " A conflict says that prior and data pull apart. Whether that matters for the answer "
            "shows under the named priors above."
        )
    heads = ["Quantity", "Scaled", "ArviZ", "Exact", "Diagnosis"]
    return section("Power-scaling sensitivity", table(heads, rows, "llrrl"), says)


def _exact_scaling(found: Findings) -> dict[tuple[str, str], float]:
    """The exact engine's distances of mu, by the names of ArviZ's rows."""
    named = {"all trials": "likelihood"} | {name: name for name in ("prior on mu", "prior on tau")}
    return {
        ("mu", named[row["component"]]): row["cjs"]
        for row in cells.records(found.tables.get("power"))
        if row["component"] in named and row.get("cjs") is not None
    }


def _arm_row(row: dict[str, Any]) -> list[str]:
    predicted = [cells.count(row[word]) for word in ("median", "lower", "upper")]
    return [
        escape(row["trial"]),
        escape(row["arm"]),
        cells.count(row["observed"]),
        cells.whole(row.get("n")),
        f"{predicted[0]} [{predicted[1]}, {predicted[2]}]",
        chance(row.get("p")),
    ]


def _mid(row: dict[str, Any]) -> float:
    """How near a mid-p lies to an end."""
    p = row.get("p")
    return min(p, 1 - p) if p is not None and not math.isnan(p) else 0.5


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.2g}" if value < 0.1 else f"{value:.2f}"
