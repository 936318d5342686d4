"""What `make bench` runs: the questions of the design, timed, each beside a peer's time.

Times are of this machine and this run; what a ratio is against is said in its row. Peers' times
are R's own where Rscript finds the package, else those in PEERS, measured on a machine of the
same kind (2-core virtual AMD EPYC, Debian R 4.2.2, medians of 5 runs).
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

import bayespool as bp
from bayespool.files import write_if_changed

ROOT = Path(__file__).resolve().parents[1]
# Pre-eclampsia, log odds ratios of nine trials (Collins 1985; metadat's dat.collins1985b).
EVENTS = np.array(
    [
        [14, 131, 14, 136], [21, 385, 17, 134], [14, 57, 24, 48], [6, 38, 18, 40],
        [12, 1011, 35, 760], [138, 1370, 175, 1336], [15, 506, 20, 524], [6, 108, 2, 103],
        [65, 153, 40, 102],
    ]
)  # fmt: skip
PEERS = {
    "bayesmeta, one fit": 2.921,
    "bayesmeta, 9 fits of 8 trials": 17.026,
    "bayesmeta, 100 priors": 227.525,
    "RoBMA, default ensemble": 250.259,
    "brms, compile and sample": 46.0,
    "metafor, one REML fit": 0.951 / 200,
}
R_CODE = {
    "bayesmeta, one fit": (
        "bayesmeta",
        "f <- function() bayesmeta(y=y, sigma=s, tau.prior=function(t) dhalfnormal(t, 0.5))",
    ),
    "metafor, one REML fit": ("metafor", "f <- function() rma(y, sei=s, method='REML')"),
}


def best(function: Callable[[], object], repeat: int = 5) -> float:
    """Seconds of the fastest of some runs: what the work takes when nothing else is in the way."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def normal_review() -> bp.Trials:
    """The nine trials as log odds ratios with standard errors."""
    r1, n1, r0, n0 = EVENTS.T.astype(float)
    y = np.log(r1 * (n0 - r0) / ((n1 - r1) * r0))
    se = np.sqrt(1 / r1 + 1 / (n1 - r1) + 1 / r0 + 1 / (n0 - r0))
    names = [f"trial {i + 1}" for i in range(len(y))]
    return bp.read_trials(pd.DataFrame({"trial": names, "estimate": y, "se": se}))


def binomial_review(k: int = 14) -> bp.Trials:
    """The review's own ten trials, the first four again with a little less of everything."""
    trials = bp.read_trials(ROOT / "data" / "mortality.csv")
    columns = ["trial", "events_treatment", "n_treatment", "events_control", "n_control"]
    frame = trials.frame[columns]
    more = frame.head(k - len(frame)).assign(trial=lambda t: t["trial"] + "_b")
    for column in columns[1:]:
        more[column] = more[column] - (more[column] > 3) * 2
    return bp.read_trials(pd.concat([frame, more], ignore_index=True))


def peers_here(trials: bp.Trials) -> dict[str, float]:
    """Times of R's packages on this machine, those that Rscript finds."""
    if shutil.which("Rscript") is None:
        return {}
    y = ",".join(f"{x!r}" for x in trials.frame["estimate"])
    s = ",".join(f"{x!r}" for x in trials.frame["se"])
    found = {}
    for name, (package, code) in R_CODE.items():
        script = (
            f"suppressMessages(library({package})); y <- c({y}); s <- c({s}); {code}; f();"
            "cat(median(sapply(1:5, function(i) system.time(f())[['elapsed']])))"
        )
        ran = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=False)
        if ran.returncode == 0:
            found[name] = float(ran.stdout)
    return found


def rows(quick: bool) -> list[tuple[str, float, str, str]]:
    """(work, seconds, target, peer) of every question."""
    estimates, counts = normal_review(), binomial_review()
    weak, rr = bp.priors("OR"), bp.priors("RR")
    ends = np.array([0.025, 0.5, 0.975])

    def one() -> object:
        found = bp.surface(estimates, "OR").posterior(weak)
        return [found[name].quantile(ends) for name in ("mu", "tau", "theta_new")]

    def binomial() -> object:
        found = bp.surface(counts, "RR").posterior(rr)
        return found["mu"].cdf(0.0), found["tau"].mean

    table, normal_table = bp.surface(counts, "RR"), bp.surface(estimates, "OR")
    wide = [bp.Priors(f"Normal(0, {sd})", "HalfNormal(0.5)") for sd in np.linspace(0.2, 2, 20)]
    found = [
        ("normal model, exact, one review of 9 trials", best(one, 20), "1,000 times bayesmeta",
         "bayesmeta, one fit"),
        ("binomial model, exact surface and posterior, 14 trials", best(binomial),
         "under 0.1 s", "brms, compile and sample"),
        ("1,024 priors on one surface", best(lambda: bp.prior_atlas(table)), "under 0.1 s",
         "bayesmeta, 100 priors"),
        ("20 prior sets, each a posterior of its own",
         best(lambda: [table.posterior(each)["mu"].cdf(0.0) for each in wide]), "", ""),
        ("leave one out, 9 trials", best(lambda: bp.leave_one_out(normal_table, weak), 20),
         "under 10 ms", "bayesmeta, 9 fits of 8 trials"),
        ("model averaging over effect × heterogeneity",
         best(lambda: bp.model_average(table, rr, "lower")), "under 0.1 s",
         "RoBMA, default ensemble"),
        ("all 16,383 subsets of 14 trials", best(lambda: bp.gosh(table, rr, "lower"), 3),
         "under 5 s", ""),
    ]  # fmt: skip
    if not quick:
        found += whole_commands()
    return found


def whole_commands() -> list[tuple[str, float, str, str]]:
    """The script of one outcome and the whole review, as a user runs them, caches warm."""
    found = []
    for work, script, target in (
        ("python models/mortality.py, NUTS included", "mortality.py", "under 20 s"),
        ("make report, all outcomes", "all.py", "under 150 s"),
    ):
        start = time.perf_counter()
        subprocess.run([sys.executable, ROOT / "models" / script], capture_output=True, check=True)
        found.append((work, time.perf_counter() - start, target, ""))
    return found


def main() -> int:
    """Time everything, print the table and write reports/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the whole commands")
    quick = parser.parse_args().quick
    console = Console()
    with threadpool_limits(limits=1), console.status("timing"):
        here = peers_here(normal_review())
        timed = rows(quick)
    lines, shown = [], Table(title="bayespool, timed on this machine")
    heads = ("work", "seconds", "target", "beside", "ratio")
    for head in heads:
        shown.add_column(head, justify="right" if head in ("seconds", "ratio") else "left")
    for work, seconds, target, peer in timed:
        theirs = here.get(peer, PEERS.get(peer))
        ratio = "" if theirs is None else f"{theirs / seconds:,.0f} times faster"
        where = "this machine" if peer in here else "like machine"
        beside = f"{peer}: {theirs:.3g} s ({where})" if theirs else ""
        cells = (work, f"{seconds:.4f}", target, beside, ratio)
        shown.add_row(*cells)
        lines.append("| " + " | ".join(cells) + " |")
    console.print(shown)
    made = (
        f"Made by `make bench` on {datetime.date.today():%Y-%m-%d}: {platform.machine()}, Python "
        f"{platform.python_version()}, one thread, the fastest of several runs, load average "
        f"{os.getloadavg()[0]:.1f}."
    )
    peers = (
        "A peer's time is R's own on this machine where the row says so, else that of a 2-core "
        "virtual AMD EPYC with Debian's R 4.2.2 (medians of 5 runs): compare orders of magnitude."
    )
    seen = "R's bayesmeta and metafor were timed here." if here else (
        "Rscript or its packages bayesmeta and metafor were not found here.")  # fmt: skip
    table = ["| " + " | ".join(heads) + " |", "|---|---:|---|---|---:|", *lines]
    text = ["# Benchmarks", made, peers, "\n".join(table), seen]
    if not quick:
        write_if_changed(ROOT / "reports" / "benchmarks.md", "\n\n".join(text) + "\n")
        console.print("Written to reports/benchmarks.md")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
