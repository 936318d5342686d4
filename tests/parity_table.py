"""What agrees with whom, and how closely: writes reports/validation/parity.csv and the page of it.

python tests/parity_table.py [--page FOLDER]

FOLDER holds the parity_*.json that tests/test_explorer_numbers.py leaves where
BAYESPOOL_SCREENSHOTS points; without it the rows of the page's engine stay as they are.
"""

from __future__ import annotations

import argparse
import datetime
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import peer_bayesmeta
import peer_mcmc
import test_frequentist
import test_mcmc_peers
import test_measures
from peers import reference
from validate import commit

from bayespool.files import write_if_changed
from bayespool.measures import effect_sizes

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "reports" / "validation" / "parity.csv"
PAGE = ROOT / "docs" / "validation.md"
BEGIN, END = "<!-- parity table -->\n", "<!-- end of parity table -->\n"
COLUMNS = [
    "engine", "peer", "version", "quantity", "cases", "numbers", "excepted", "largest", "unit",
    "tolerance", "why", "date", "commit",
]  # fmt: skip
DATES = ["date", "commit"]
UNMEASURED = "to be measured"

FILE = "metafor iterates to 1e-12 absolute, and the file has 12 digits"
WHY_GRID = "bayesmeta sums mu over a grid as coarse as its delta allows"
WHY = {
    "tau: mean": "bayesmeta states 2e-5 SD of tau for its adaptive integration",
    "tau: SD": "the same",
    "tau: shortest": "its search stops where the width is flat: d in the ends is d² in the width",
    "mu and a new trial: shortest": "the same, and its grid",
    "mu and a new trial: quantiles": "its grid, and the tail of tau that it leaves out",
    "log": "one quadrature each, and 12 digits in the file",
    "joint": "its two-dimensional search stops where the likelihood is flat",
}
MCSE = "four standard errors of the peer's own draws"


def table(page: Path | None = None) -> pd.DataFrame:
    """One row for each engine, peer and quantity."""
    rows = [*metafor(), *bayesmeta(), *mcmc(), *sampled(), *explorer(page)]
    stamp = {"date": f"{datetime.date.today():%Y-%m-%d}", "commit": commit()}
    return pd.DataFrame([row | stamp for row in rows])[COLUMNS]


def row(engine, peer, version, quantity, cases, gaps, unit, tolerance, why, excepted=0) -> dict:
    """Sum one group up; ``gaps`` are all its differences, or a pair (count, largest)."""
    numbers, largest = gaps if isinstance(gaps, tuple) else (len(gaps), max(map(abs, gaps)))
    if not largest <= tolerance:
        raise AssertionError(f"{peer}, {quantity}: {largest} is beyond {tolerance}")
    return {
        "engine": engine, "peer": peer, "version": version, "quantity": quantity, "cases": cases,
        "numbers": numbers, "excepted": excepted,
        "largest": f"{largest:.1e}" if largest < 0.01 else f"{largest:.2g}", "unit": unit,
        "tolerance": f"{tolerance:g}", "why": why,
    }  # fmt: skip


# --- the peers ----------------------------------------------------------------------------


def metafor() -> Iterable[dict]:
    """Classical estimates: relative differences."""
    about = reference("metafor")["about"]
    version = str(about["metafor"])
    gaps = []
    for case in test_measures.CASES:
        dataset, analysis = case.values
        trials, name = test_measures.trials_of(dataset), analysis["measure"]
        y, v = np.array(analysis["yi"]), np.array(analysis["vi"])
        if name == "ROM":
            means = np.array([dataset["data"]["m1i"], dataset["data"]["m2i"]])
            keep = (means > 0).all(axis=0)
            trials, y, v = trials.take(keep), y[keep], v[keep]
        ours = effect_sizes(trials, name, "keep")
        gaps += list((ours["estimate"] - y) / np.maximum(np.abs(y), 1))
        gaps += list(ours["se"] ** 2 / v - 1)
    yield row(
        "measures", "metafor", version, "effect sizes and variances (escalc)",
        len(test_measures.CASES), gaps, "relative", 1e-10, "closed forms; the file has 12 digits",
    )  # fmt: skip
    compared, worst, cases = Counter(), defaultdict(float), Counter()
    excepted: Counter[str] = Counter()
    for name in test_frequentist.DATASETS:
        ledger = test_frequentist.ledger_of(name)
        compared += ledger.compared
        excepted += Counter(excused_in(*pair) for pair in ledger.excused)
        cases += Counter(list(ledger.compared))
        for group, gap in ledger.worst.items():
            worst[group] = max(worst[group], gap)
    words = {
        "EE": "common effect, inverse variance", "MH": "Mantel–Haenszel",
        "Egger lm": "Egger's test", "Egger rma": "Egger's test, random effects (at R's tau²)",
        "leave one out": "leave one out, REML", "Q profile": "Q profile of tau², I², H²",
    }  # fmt: skip
    for group, number in compared.items():
        yield row(
            "frequentist", "metafor", version, words.get(group, group), cases[group],
            (number, worst[group]), "relative", 1e-6, FILE, excepted[group],
        )  # fmt: skip


def excused_in(exception: str, label: tuple) -> str:
    """Which group of the ledger a difference excused with evidence belongs to."""
    if len(label) == 4:  # the last is the method, with its test
        method = label[3].removesuffix("-mHK").removesuffix("-HK")
        return {"common-IV": "EE"}.get(method, method)
    return {
        "loose": "Egger rma", "k=2 Egger": "Egger lm", "bound": "Q profile",
        "negative mean": "escalc", "zero": "leave one out", "k=1": "leave one out",
    }[exception]  # fmt: skip


def bayesmeta() -> Iterable[dict]:
    """Posteriors of the normal model."""
    version = str(reference("bayesmeta")["about"]["bayesmeta"])
    names = [d["id"] for d in reference("bayesmeta")["datasets"]]
    found = [c for name in names for c in peer_bayesmeta.bayesmeta_ledger(name).compared]
    excepted = [e for name in names for e in peer_bayesmeta.bayesmeta_ledger(name).excepted]
    found += chain.from_iterable(peer_bayesmeta.bayesmeta_ml(name) for name in names)
    kinds = list(dict.fromkeys(c.kind for c in found))
    for kind in sorted(kinds, key=order):
        group = [c for c in found if c.kind == kind]
        (limit,) = {c.limit for c in group}
        why = next((w for key, w in WHY.items() if kind.startswith(key)), WHY_GRID)
        unit = "posterior SD"
        if "P(" in kind or "probability" in kind:
            unit = "probability"
        elif "log" in kind:
            unit = "log"
        elif "joint" in kind:
            unit = "standard error"
        sds = 0
        if kind.startswith("mu and a new trial: SD"):
            loose = kind.endswith("1e-3")
            sds = sum(e[0] != "no SD: R agrees" and delta_of(e[1], loose) for e in excepted)
        elif kind == "tau: SD":
            sds = sum(e[0] == "no SD: R agrees" for e in excepted)
        parts = 1 if "joint" in kind else 3  # a data set, or it and its two priors
        fits = len({tuple(c.label.split(", ")[:parts]) for c in group})
        engine = "frequentist" if "joint" in kind else "exact, normal"
        gaps = [c.gap for c in group]
        yield row(engine, "bayesmeta", version, kind, fits, gaps, unit, limit, why, sds)


def order(kind: str) -> tuple[int, str]:
    heads = ["tau", "mu and", "trials", "log marginal", "log Bayes", "joint"]
    return next(i for i, head in enumerate(heads) if kind.startswith(head)), kind


def delta_of(label: str, loose: bool) -> bool:
    """Whether the fit of this label was made at delta 1e-3."""
    name, tau, mu, *_ = label.split(", ")
    return any(
        (fit["delta"] > 1e-4) == loose
        for fit in reference("bayesmeta")["fits"]
        if fit["dataset"] == name
        and f"tau {fit['tau_prior']}" == tau
        and f"mu {fit['mu_prior']}" == mu
        and "error" not in fit
    )


def mcmc() -> Iterable[dict]:
    """Posteriors of the binomial model with the peers' prior on the baseline."""
    about = reference("brms")["about"]
    versions = {"brms": f"{about['brms']}, rstan {about['rstan']}", "jags": about["jags"]}
    parts = {
        "means and SDs": ("mean", "SD"), "quantiles, 0.5 % to 99.5 %": ("quantiles",),
        "P(below 0)": ("P(below 0)",),
    }  # fmt: skip
    for engine, version in versions.items():
        fits = peer_mcmc.mcmc_fits(engine)
        found = [c for f in fits for c in peer_mcmc.mcmc_comparisons(f, peer_mcmc.their_surface)]
        peer = {"brms": "brms (Stan)", "jags": "JAGS"}[engine]
        model = "exact, binomial"
        for words, kinds in parts.items():
            gaps = [c.gap for c in found if c.kind.rpartition(": ")[2] in kinds]
            yield row(model, peer, version, words, len(fits), gaps, "MCSE", 4.0, MCSE)
        spread = float(np.sqrt(np.mean([c.gap**2 for c in found])))
        yield row(
            model, peer, version, "root mean square of all", len(fits), (len(found), spread),
            "MCSE", 1.4, "1 if the difference is Monte Carlo error alone",
        )  # fmt: skip
    gaps = []
    for name in test_mcmc_peers.DATASETS:
        ours = peer_mcmc.their_surface(name).posterior(peer_mcmc.mcmc_priors("halfnormal_0.5"))
        plain = peer_mcmc.plain_sum(peer_mcmc.counts_of(name)[1], alpha_sd=10, mu_sd=2)
        for what, value in plain.items():
            quantity, moment = what.split()
            gaps.append(getattr(ours[quantity], moment) - value)
    yield row(
        "exact, binomial", "plain sums", "(tests/peer_mcmc.py)", "the same model: means and SDs",
        len(test_mcmc_peers.DATASETS), gaps, "log odds ratio", 1e-5,
        "with doubled nodes the sums move by less",
    )  # fmt: skip


def sampled() -> Iterable[dict]:
    """NUTS beside the exact engine, as the reports found them."""
    gaps, cases, versions = [], 0, set()
    for file in sorted((ROOT / "reports").glob("*/tables/agreement.csv")):
        z = pd.read_csv(file)["z"].dropna()
        record = json.loads((file.parents[1] / "record.json").read_text(encoding="utf-8"))
        versions.add(f"PyMC {record['versions']['pymc']}, nutpie {record['versions']['nutpie']}")
        gaps += list(z)
        cases += 1
    (version,) = versions
    yield row(
        f"NUTS ({version})", "exact engine", "",
        "means, SDs, quartiles, P at thresholds of every report", cases,
        gaps, "MCSE", 4.0, "the gate between the engines",
    )  # fmt: skip


def explorer(folder: Path | None) -> Iterable[dict]:
    """The page's JavaScript beside the Python engine, at random settings."""
    kinds = {
        "probability": "probabilities at random settings",
        "quantile": "quantiles at random settings",
    }
    shared = {
        "engine": "page (JavaScript)", "peer": "exact, in Python", "tolerance": "0.001",
        "why": "three digits are shown; where the page is coarser it says so",
    }  # fmt: skip
    if folder is None:
        old = read(TABLE) if TABLE.exists() else pd.DataFrame({"peer": []})
        rows = old[old["peer"] == shared["peer"]].drop(columns=DATES, errors="ignore")
        yield from rows.to_dict("records") or (
            shared | {"quantity": words, "cases": 0, "numbers": 0, "excepted": 0, "unit": kind,
                      "version": "", "largest": UNMEASURED}
            for kind, words in kinds.items()
        )  # fmt: skip
        return
    files = sorted(folder.glob("parity_*.json"))
    found = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    settings = sum(one["settings"] for one in found)
    warned = sum(one["warned"] for one in found)
    for kind, words in kinds.items():
        yield row(
            shared["engine"], shared["peer"], "", words, len(found),
            (settings - warned, max(one[kind] for one in found)),
            "probability" if kind == "probability" else "width of the 95 % interval", 1e-3,
            shared["why"], warned,
        )  # fmt: skip


# --- the table and the page ----------------------------------------------------------------


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def markdown(frame: pd.DataFrame) -> str:
    """Write the table as docs/validation.md shows it."""
    heads = [
        "engine", "peer, version", "quantity", "cases", "numbers", "excepted",
        "largest difference", "tolerance", "why that",
    ]  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---|---|---|---:|---:|---:|---|---|---|"]
    for r in frame.astype(str).to_dict("records"):
        cells = [
            r["engine"], f"{r['peer']} {r['version']}".strip(), r["quantity"], r["cases"],
            f"{int(r['numbers']):,}", r["excepted"], f"{r['largest']} {r['unit']}",
            r["tolerance"], r["why"],
        ]  # fmt: skip
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    first = frame.iloc[0]
    total = frame.loc[frame["quantity"] != "root mean square of all", "numbers"].astype(int).sum()
    lines += ["", f"{total:,} numbers in all; {first['date']}, commit {first['commit']}.", ""]
    return "\n".join(lines)


def block(text: str) -> str:
    """Return the part of the page that the table fills."""
    return text.split(BEGIN)[1].split(END)[0]


def without_dates(text: str) -> object:
    return [line.rsplit(",", len(DATES))[0] for line in text.splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", type=Path, help="folder with parity_*.json of the page's tests")
    frame = table(parser.parse_args().page)
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    write_if_changed(TABLE, frame.to_csv(index=False), ignoring=without_dates)
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0] + BEGIN, END + text.split(END)[1]
    write_if_changed(PAGE, before + markdown(read(TABLE)) + after)


if __name__ == "__main__":
    main()
