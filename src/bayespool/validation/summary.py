"""From simulations to the tables: uniform ranks, coverage, and probabilities that come true."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import binomtest, norm, poisson

from bayespool.validation.cells import Cell
from bayespool.validation.uniformity import POINTS, envelope, uniformity

__all__ = ["ALPHA", "benefit_table", "count_table", "coverage_table", "sbc_table"]

ALPHA = 0.05  # that any row of a table fails by chance alone, all rows together
STATED = np.array([0.0, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.975, 1.0])
DRAWN = "cdf_draws_"

Done = Sequence[tuple[Cell, pd.DataFrame]]


def _samples(done: Done) -> list[tuple[dict[str, object], np.ndarray]]:
    """Cdfs at the truth by engine, model, k and quantity, and for all k together."""
    found: dict[tuple[str, str, str, str], list[np.ndarray]] = {}
    for cell, table in done:
        for column in table.columns[table.columns.str.startswith("cdf_")]:
            drawn = column.startswith(DRAWN)
            engine = f"{cell.engine} draws" if drawn else cell.engine
            quantity = column.removeprefix(DRAWN if drawn else "cdf_")
            every = 1
            if drawn:
                every = cell.draws_every
            elif cell.engine == "exact" and quantity.startswith("theta"):
                every = cell.effects_every
            # Those asked for alone; of these a missing answer is a failure.
            values = table[column].to_numpy(dtype=float)[::every]
            for k in (str(cell.k), "all"):
                found.setdefault((engine, cell.model, k, quantity), []).append(values)
    names = ("engine", "model", "k", "quantity")
    return [
        (dict(zip(names, key, strict=True)), np.concatenate(parts))
        for key, parts in found.items()
        if key[2] != "all" or len(parts) > 1
    ]


def sbc_table(done: Done, alpha: float = ALPHA) -> pd.DataFrame:
    """Test whether the cdfs at the truth are uniform: every quantity of a cell, and over all k.

    The verdict, stated before looking: a row fails if one of its two p, of the envelope and of
    the chi-square, is below alpha / (2 × rows). So a table of correct engines has any failing row
    with probability alpha at most.

    Returns
    -------
    DataFrame
        ``engine, model, k, quantity, simulations, p, p_chi_square, distance`` (largest between the
        empirical cdf and the diagonal), ``envelope`` (how far it may go there), ``limit`` (of p)
        and ``passes``.
    """
    samples = _samples(done)
    limit = alpha / (2 * len(samples))
    bands = {n: envelope(n, limit) for n in {len(values) for _, values in samples}}
    rows = []
    for about, values in samples:
        found = uniformity(values)
        z, lower, upper = bands[found.n]
        here = int(np.abs(z - found.at).argmin()) if np.isfinite(found.at) else len(z) // 2
        above = np.mean(values <= z[here]) > z[here]
        rows.append(
            about
            | {
                "simulations": found.n,
                "p": found.p,
                "p_chi_square": found.p_chi_square,
                "distance": found.distance,
                "envelope": float(upper[here] - z[here] if above else z[here] - lower[here]),
                "limit": limit,
                "passes": bool(min(found.p, found.p_chi_square) >= limit),
            }
        )
    return pd.DataFrame(rows)


def count_table(done: Done) -> pd.DataFrame:
    """How many cdfs at the truth lie in each 50th of (0, 1), all k together.

    Returns
    -------
    DataFrame
        ``engine, model, quantity, simulations, counts`` (50 whole numbers, separated by blanks):
        their running sum is the empirical cdf, and the figures draw them.
    """
    rows = []
    for about, values in _samples(done):
        if about["k"] == "all":
            counts = np.histogram(values, POINTS, (0, 1))[0]
            named = {name: about[name] for name in ("engine", "model", "quantity")}
            said = " ".join(str(count) for count in counts)
            rows.append(named | {"simulations": len(values), "counts": said})
    return pd.DataFrame(rows)


def coverage_table(done: Done, alpha: float = ALPHA) -> pd.DataFrame:
    """How often the 95 % interval of mu holds the truth, the truth drawn from the prior.

    Fails beyond the binomial's alpha / rows, both sides together.
    """
    rows = []
    for cell, table in done:
        p = table["cdf_mu"].to_numpy(dtype=float)
        held = int(((p >= 0.025) & (p <= 0.975)).sum())
        n = len(p)
        share = held / n
        rows.append(
            {
                "engine": cell.engine,
                "model": cell.model,
                "k": cell.k,
                "simulations": n,
                "coverage": share,
                "standard_error": float(np.sqrt(share * (1 - share) / n)),
                "p": float(binomtest(held, n, 0.95).pvalue),
                "limit": alpha / len(done),
            }
        )
    found = pd.DataFrame(rows)
    return found.assign(passes=found["p"] >= found["limit"])


def benefit_table(done: Done, alpha: float = ALPHA) -> pd.DataFrame:
    """When P(mu < 0) is stated, how often is mu below 0? By stated P, all k of a model together.

    Returns
    -------
    DataFrame
        ``engine, model, lower, upper`` (of the stated P), ``simulations, stated`` (mean P),
        ``true`` (share with mu < 0), ``standard_error`` (of that, were P right), ``p`` (two-sided),
        ``limit`` (alpha / rows) and ``passes``.
    """
    found: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for cell, table in done:
        one = table[["prob_below", "mu"]]
        found.setdefault((cell.engine, cell.model), []).append(one)
        found.setdefault((cell.engine, "all models"), []).append(one)
    rows = []
    for (engine, model), parts in found.items():
        p = np.concatenate([part["prob_below"].to_numpy(dtype=float) for part in parts])
        true = np.concatenate([part["mu"].to_numpy() < 0 for part in parts])
        place = np.clip(np.searchsorted(STATED, p, side="right") - 1, 0, len(STATED) - 2)
        for i in range(len(STATED) - 1):
            here = place == i
            if not here.any():
                continue
            stated, held = p[here], true[here]
            spread = float(np.sqrt((stated * (1 - stated)).sum()))
            rows.append(
                {
                    "engine": engine,
                    "model": model,
                    "lower": float(STATED[i]),
                    "upper": float(STATED[i + 1]),
                    "simulations": int(here.sum()),
                    "stated": float(stated.mean()),
                    "true": float(held.mean()),
                    "standard_error": spread / int(here.sum()),
                    "p": _as_stated(stated, held),
                }
            )
    table = pd.DataFrame(rows)
    limit = alpha / len(table)
    return table.assign(limit=limit, passes=table["p"] >= limit)


def _as_stated(stated: np.ndarray, held: np.ndarray) -> float:
    """Two-sided p of how often it was so, if every stated probability were right."""
    if stated.mean() > 0.5:
        stated, held = 1 - stated, ~held
    expected, seen = float(stated.sum()), int(held.sum())
    if expected < 20:  # a sum of rare events is Poisson
        tails = poisson.cdf(seen, expected), poisson.sf(seen - 1, expected)
        return float(min(1.0, 2 * min(tails)))
    z = (seen - expected) / np.sqrt((stated * (1 - stated)).sum())
    return float(2 * norm.sf(abs(z)))
