"""A cell: one model and engine at one number of trials, simulated and fitted many times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayespool.exact import surface
from bayespool.files import json_text, sha256_of
from bayespool.measures import risks
from bayespool.posterior import Posterior
from bayespool.prior import DEFAULT_PHI, Priors
from bayespool.trials import Trials, read_trials
from bayespool.validation.truths import Truth, data_of, draw, sizes

__all__ = ["DRAWS", "Cell", "exact_answers", "log_likelihood", "ranks", "simulated"]

DRAWS = 99  # thinned draws of a posterior: a rank among them has 100 values
FIXED = 2026  # trials of one shape, and the start of every seed

Answers = dict[str, float]


@dataclass(frozen=True)
class Cell:
    """What is simulated, and how often.

    Attributes
    ----------
    engine : "exact" or "NUTS"
    likelihood, measure, effects
        As of `surface`.
    k : int
        Trials a review.
    mu, tau, phi : str
        The priors, from which the truth is drawn too; no phi without counts.
    simulations : int
    first : int
        Number of the first simulation: a cell in parts gives the same reviews as the whole.
    effects_every : int
        The effects of a new trial and of the first one are asked for in every so many simulations.
    draws_every : int
        So are 99 draws from the exact joint posterior; 0 for never.
    """

    engine: str
    likelihood: str
    measure: str
    effects: str
    k: int
    mu: str
    tau: str
    phi: str = ""
    simulations: int = 1000
    effects_every: int = 1
    draws_every: int = 0
    first: int = 0

    @property
    def model(self) -> str:
        """Name of the model, the prior included."""
        phi = f", phi ~ {self.phi}" if self.phi else ""
        likelihood = f"{self.likelihood} {self.measure}".replace("normal generic", "normal")
        tau = "" if self.effects == "common" else f", tau ~ {self.tau}"
        return f"{likelihood}, {self.effects}: mu ~ {self.mu}{tau}{phi}"

    @property
    def name(self) -> str:
        return f"{self.engine}, {self.model}, k = {self.k}"

    @property
    def priors(self) -> Priors:
        """The priors of both the truth and the analysis."""
        return Priors(self.mu, self.tau, self.phi or None)

    @property
    def key(self) -> str:
        """Hash of the settings."""
        return sha256_of(json_text(asdict(self)))[:12]


def simulated(
    cell: Cell, analyse: Callable[[Trials, Truth, Cell, int], Answers] | None = None
) -> pd.DataFrame:
    """Draw truths, simulate reviews, fit them, and say where each truth lies in its posterior.

    Parameters
    ----------
    cell : Cell
    analyse : callable, optional
        Another engine than the cell's: (trials, truth, cell, number of the simulation) to answers.

    Returns
    -------
    DataFrame
        A row a simulation: ``simulation``, true ``mu`` and ``tau``, ``prob_below`` (P(mu < 0) of
        the posterior) and the posterior's cdf at the truth (draws: the rank, made continuous) of
        each quantity in ``cdf_<quantity>``; ``cdf_draws_<quantity>`` where the exact engine drew.
        Missing where it was not asked for.
    """
    # Seeds hang on what is simulated, not on how often or by what engine.
    base = sha256_of(f"{cell.model} {cell.k} {FIXED}")
    start = int(base[:16], 16)
    engine = analyse or (exact_answers if cell.engine == "exact" else _nuts(cell))
    fixed = sizes(cell.likelihood, cell.k, np.random.default_rng(FIXED))
    rows = []
    for i in range(cell.first, cell.first + cell.simulations):
        rng = np.random.default_rng(np.random.SeedSequence(start, spawn_key=(i,)))
        truth = draw(cell.priors, cell.effects, cell.k, cell.likelihood == "binomial", rng)
        size = fixed if cell.engine == "NUTS" else sizes(cell.likelihood, cell.k, rng)
        frame = data_of(truth, cell.measure, cell.likelihood, size, rng)
        trials = read_trials(frame)
        row = {"simulation": i, "mu": truth.mu, "tau": truth.tau}
        rows.append(row | engine(trials, truth, cell, i))
    return pd.DataFrame(rows)


def _nuts(cell: Cell) -> Callable[[Trials, Truth, Cell, int], Answers]:
    from bayespool.validation.sampled import Sampler  # PyMC: not for those who only sum

    return Sampler(cell)


def exact_answers(trials: Trials, truth: Truth, cell: Cell, i: int) -> Answers:
    """The exact posterior's cdf at the truth, of every quantity that is asked for."""
    table = surface(
        trials, cell.measure, cell.likelihood, cell.effects, phi=cell.phi or DEFAULT_PHI
    )
    posterior = table.posterior(cell.priors)
    found = {
        "prob_below": float(posterior["mu"].cdf(0.0)),
        "cdf_mu": float(posterior["mu"].cdf(truth.mu)),
    }
    if cell.effects != "common":
        found["cdf_tau"] = float(posterior["tau"].cdf(truth.tau))
        if i % cell.effects_every == 0:
            found |= _effects(posterior, truth, trials.names[0])
    if cell.draws_every and i % cell.draws_every == 0:
        drawn = table.draws(cell.priors, DRAWS, 1, seed=1000 * i + cell.k)["posterior"].to_dataset()
        some = {str(name): drawn[name].to_numpy()[0] for name in drawn.data_vars}
        rng = np.random.default_rng([i, cell.k, 1])
        of = ranks(some, truth, trials, cell, rng)
        found |= {f"cdf_draws_{name}": p for name, p in of.items()}
    return found


def _effects(posterior: Posterior, truth: Truth, first: str) -> Answers:
    return {
        "cdf_theta_new": float(posterior["theta_new"].cdf(truth.theta_new)),
        "cdf_theta_1": float(posterior[first].cdf(float(truth.theta[0]))),
    }


def ranks(
    draws: dict[str, Any], truth: Truth, trials: Trials, cell: Cell, rng: np.random.Generator
) -> Answers:
    """Rank of the truth among draws, made continuous: uniform on (0, 1) if the draws are right.

    The log likelihood of all data given every parameter is a quantity too: it sees errors of the
    joint posterior that no single parameter shows (Modrák et al. 2023, Bayesian Analysis).
    """
    own = {"mu": truth.mu, "tau": truth.tau, "theta_new": truth.theta_new}
    one = {name: (draws[name], value) for name, value in own.items() if name in draws}
    if "theta" in draws:
        one["theta_1"] = (draws["theta"][:, 0], float(truth.theta[0]))
    if "phi" in draws and truth.phi is not None:
        one["phi_1"] = (draws["phi"][:, 0], float(truth.phi[0]))
    if cell.likelihood != "arms":
        k, n = cell.k, len(draws["mu"])
        theta = draws.get("theta", np.broadcast_to(draws["mu"][:, None], (n, k)))
        drawn = log_likelihood(trials, cell.measure, theta, draws.get("phi"))
        true_phi = None if truth.phi is None else truth.phi[None]
        true = log_likelihood(trials, cell.measure, truth.theta[None], true_phi)[0]
        one["log_likelihood"] = (drawn, true)
    return {
        name: float((np.sum(drawn < value) + rng.uniform()) / (len(drawn) + 1))
        for name, (drawn, value) in one.items()
    }


def log_likelihood(trials: Trials, measure: str, theta: Any, phi: Any) -> Any:
    """Log likelihood of all data, but for a constant, at each row of theta (and phi)."""
    frame = trials.frame
    if phi is None:
        z = (frame["estimate"].to_numpy() - theta) / frame["se"].to_numpy()
        return -0.5 * np.sum(z**2, axis=1)
    p0, q0, p1, q1 = (np.maximum(r, 1e-300) for r in risks(measure, theta, phi))
    r1, n1, r0, n0 = (
        frame[f"{what}_{arm}"].to_numpy(dtype=float)
        for arm in ("treatment", "control")
        for what in ("events", "n")
    )
    treatment = r1 * np.log(p1) + (n1 - r1) * np.log(q1)
    return np.sum(treatment + r0 * np.log(p0) + (n0 - r0) * np.log(q0), axis=1)
