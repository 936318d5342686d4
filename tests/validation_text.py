"""The tables of `make validate` as they stand in docs/validation.md."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bayespool.files import write_if_changed

PAGE = Path(__file__).resolve().parents[1] / "docs" / "validation.md"
ENGINES = {"exact": "exact", "exact draws": "exact, its draws", "NUTS": "NUTS"}
OF_ALL = "all models"


def write(tables: dict[str, pd.DataFrame], about: dict[str, object]) -> None:
    """Put every table between its marks in the page."""
    text = PAGE.read_text(encoding="utf-8")
    for name, block in blocks(tables, about).items():
        begin, end = marks(name)
        before, rest = text.split(begin)
        text = before + begin + block + end + rest.split(end)[1]
    write_if_changed(PAGE, text)


def marks(name: str) -> tuple[str, str]:
    return f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"


def block_of(text: str, name: str) -> str:
    begin, end = marks(name)
    return text.split(begin)[1].split(end)[0]


def blocks(tables: dict[str, pd.DataFrame], about: dict[str, object]) -> dict[str, str]:
    return {
        "run": run(about),
        "sbc table": sbc(tables["sbc"]),
        "coverage table": coverage(tables["coverage"]),
        "benefit table": benefit(tables["benefit"]),
        "operating characteristics table": characteristics(tables["operating_characteristics"]),
    }


def run(about: dict[str, object]) -> str:
    versions = about["versions"]
    assert isinstance(versions, dict)
    names = ("bayespool", "numpy", "scipy", "pymc", "nutpie", "numba")
    known = ", ".join(f"{name} {versions[name]}" for name in names)
    missing = ""
    if about["cells"] != about["cells_in_all"]:
        missing = " The table has the cells that are whole; the others are still to be run."
    return (
        f"{about['cells']} of {about['cells_in_all']} cells, "
        f"{about['reviews_simulated']:,} simulated reviews, "
        f"{about['processor_minutes']:.0f} minutes of one processor; {about['date']}, commit "
        f"{about['commit']}; {known}.{missing}\n"
    )


def sbc(table: pd.DataFrame) -> str:
    """A row a model and engine; the numbers of trials are columns."""
    lines = [
        "| engine | model | trials a review | reviews | quantities | smallest p | fail |",
        "|---|---|---|---:|---|---:|---:|",
    ]
    own = table[table["k"].astype(str) != "all"]
    for (engine, model), rows in own.groupby(["engine", "model"], sort=False):
        k = ", ".join(sorted(rows["k"].astype(str).unique(), key=int))
        every = table[(table["engine"] == engine) & (table["model"] == model)]
        reviews = int(rows.groupby("k")["simulations"].max().sum())
        quantities = ", ".join(_word(name) for name in rows["quantity"].unique())
        least = float(every[["p", "p_chi_square"]].min(axis=None))
        fails = int((~every["passes"].astype(bool)).sum())
        lines.append(
            f"| {ENGINES[str(engine)]} | {model} | {k} | {reviews:,} | {quantities} | "
            f"{_p(least)} | {fails} of {len(every)} |"
        )
    fails = int((~table["passes"].astype(bool)).sum())
    limit = float(table["limit"].iloc[0])
    lines.append("")
    lines.append(
        f"{fails} of {len(table)} rows fail; with {len(table)} rows of two tests each, a right "
        f"engine's smallest p would be about {_p(0.5 / len(table))}, and one fails below "
        f"{_p(limit)}."
    )
    if fails:
        reasons = table.loc[~table["passes"].astype(bool)]
        lines += [f"- {row.engine}, {row.model}, k = {row.k}, {row.quantity}: {row.reason}"
                  for row in reasons.itertuples()]  # fmt: skip
    return "\n".join([*lines, ""])


def coverage(table: pd.DataFrame) -> str:
    """How often the 95 % interval of mu holds the truth, over all models."""
    lines = [
        "| engine | trials | reviews | 95 % intervals that hold the truth | standard error |",
        "|---|---:|---:|---:|---:|",
    ]
    for (engine, k), rows in table.groupby(["engine", "k"], sort=False):
        n = int(rows["simulations"].sum())
        held = float((rows["coverage"] * rows["simulations"]).sum() / n)
        se = (held * (1 - held) / n) ** 0.5
        lines.append(
            f"| {ENGINES[str(engine)]} | {k} | {n:,} | {100 * held:.1f} % | {100 * se:.1f} % |"
        )
    fails = int((~table["passes"].astype(bool)).sum())
    lines += ["", f"By model: {fails} of {len(table)} rows differ from 95 % (`coverage.csv`).", ""]
    return "\n".join(lines)


def benefit(table: pd.DataFrame) -> str:
    """Stated probability of benefit beside how often there was one."""
    lines = [
        (
            "| P(mu < 0) stated | exact: reviews | mean stated | mu < 0 | NUTS: reviews | "
            "mean stated | mu < 0 |"
        ),
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    of_all = table[table["model"] == OF_ALL]
    for (low, high), rows in of_all.groupby(["lower", "upper"], sort=True):
        cells = []
        for engine in ("exact", "NUTS"):
            one = rows[rows["engine"] == engine]
            if one.empty:
                cells += ["–"] * 3
                continue
            row = one.iloc[0]
            true = f"{row['true']:.4f} ± {row['standard_error']:.4f}"
            cells += [f"{int(row['simulations']):,}", f"{row['stated']:.4f}", true]
        lines.append(f"| {low:g} to {high:g} | {' | '.join(cells)} |")
    fails = int((~table["passes"].astype(bool)).sum())
    lines += ["", f"By model: {fails} of {len(table)} rows differ (`benefit.csv`).", ""]
    return "\n".join([*lines, farthest(of_all), ""])


def farthest(rows: pd.DataFrame) -> str:
    """The row in which what was stated and what was true lie farthest apart, as a sentence."""
    row = rows.loc[rows["p"].idxmin()]
    off = (row["true"] - row["stated"]) / row["standard_error"]
    chance = 1 - (1 - row["p"]) ** len(rows)
    once = "more often than not" if chance > 0.5 else f"once in {1 / chance:.0f} times"
    return (
        f"The farthest apart of these {len(rows)}: {ENGINES[row['engine']]}, stated "
        f"{row['lower']:g} to {row['upper']:g} (mean {row['stated']:.3f}), true in "
        f"{row['true']:.3f} of {row['simulations']:,} reviews, {abs(off):.1f} standard errors "
        f"{'more' if off > 0 else 'less'}. By chance the farthest of {len(rows)} lies as far "
        f"{once}."
    )


def characteristics(table: pd.DataFrame) -> str:
    """Averages over baseline risks and arms' sizes; the file has each."""
    lines = [
        (
            "| true risk ratio | tau | trials | reviews | P(benefit) > 0.95 | "
            "95 % intervals that hold the truth | bias of the median (log) | its root mean square |"
        ),
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for (effect, tau, k), rows in table.groupby(["effect", "tau", "k"], sort=True):
        n = int(rows["reviews"].sum())
        mean = {name: float((rows[name] * rows["reviews"]).sum() / n)
                for name in ("passes", "coverage", "bias")}  # fmt: skip
        rmse = float(((rows["rmse"] ** 2 * rows["reviews"]).sum() / n) ** 0.5)
        lines.append(
            f"| {effect:g} | {tau:g} | {k} | {n:,} | {100 * mean['passes']:.1f} % | "
            f"{100 * mean['coverage']:.1f} % | {mean['bias']:+.3f} | {rmse:.3f} |"
        )
    return "\n".join([*lines, ""])


def _word(name: str) -> str:
    return {"theta_new": "new trial", "theta_1": "a trial's own", "phi_1": "a baseline",
            "log_likelihood": "log likelihood"}.get(name, name)  # fmt: skip


def _p(p: float) -> str:
    return f"{p:.2g}" if p >= 1e-3 else f"{p:.1e}"
