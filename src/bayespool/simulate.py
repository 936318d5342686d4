"""Small-sample truth: how the answer behaves over many simulated reviews like this one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from bayespool.axes import Array
from bayespool.decisions import check_benefit
from bayespool.errors import UsageError
from bayespool.exact import Surface, surface
from bayespool.exact.build import row_of
from bayespool.exact.grid import frame
from bayespool.exact.sums import Batch, Sums
from bayespool.exact.surface import rough_effects
from bayespool.exact.trial import Estimate, TrialLikelihood, counts_likelihoods
from bayespool.measures import from_natural, informative, risks, to_natural
from bayespool.parallel import each, seeds
from bayespool.posterior import Posterior
from bayespool.prior import DEFAULT_PHI, Prior, Priors, check_proper
from bayespool.prior import priors as named_priors
from bayespool.trials import Trials

__all__ = ["operating_characteristics"]

CHUNK = 250  # reviews a job; with a seed of its own, so that results do not depend on workers
CACHED = 4000  # outcomes of a trial whose likelihood is kept: 25 kB each
BLOCK = 50  # outcomes that are integrated together
COARSE = 1e-3  # a review whose evidence changes by more at half the nodes gets a grid of its own
OUTSIDE = 1e-7  # and so does one with more of its posterior at the grid's edges
ENDS = np.array([0.025, 0.5, 0.975])


def operating_characteristics(
    trials: Trials,
    measure: str,
    priors: Priors | None = None,
    benefit: str | None = None,
    effect: Sequence[float] | float | None = None,
    tau: Sequence[float] | float | None = None,
    decision: float = 0.95,
    threshold: float | None = None,
    likelihood: str | None = None,
    reviews: int = 10_000,
    seed: int = 2026,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    scheduler: str | None = None,
) -> pd.DataFrame:
    """Simulate reviews like this one at a known truth, and count what would be concluded.

    Each simulated review has this one's number of trials, arm sizes and control risks (1/2 added
    to events and to non-events), which hold at the true mean effect, as near as that effect
    allows; or its standard errors where the likelihood is normal. Trials' effects are drawn from
    Normal(true effect, true tau).

    Parameters
    ----------
    trials : Trials
    measure : str
    priors : Priors, optional
        Weak by default: of the analysis, not of the truth.
    benefit : {"lower", "higher"}
    effect : numbers, natural units
        True mean effects; by default none, and the median of this review's posterior.
    tau : numbers
        True standard deviations between trials; by default 0 and this review's posterior median.
    decision : float
        A review "passes" when P(benefit) exceeds it.
    threshold : float, natural units
        Of the benefit; no effect by default.
    reviews : int
        A truth.
    seed, workers
        The same numbers whatever the number of workers.
    progress : callable, optional
        Called with how many of how many jobs are done.
    scheduler : str, optional
        Address of a Dask scheduler, ``tcp://host:port``, whose workers simulate instead.

    Returns
    -------
    DataFrame
        A row a truth: ``effect`` (natural units), ``tau``, ``reviews``, ``decision``, ``passes``
        (share with P(benefit) > decision) and ``passes_mcse``, ``mean_prob``, ``coverage`` of the
        95 % interval of mu and its ``coverage_mcse``, ``bias`` (mean of the posterior median
        minus the truth, analysis scale), ``rmse``, ``width`` (mean of the interval's, analysis
        scale), ``natural_mean`` (back-transformed mean of the medians), and the ``prior`` that was
        used.
        There is no pass mark: at a fixed truth a correct Bayesian interval need not cover 95 %.

    Raises
    ------
    UsageError
        An impossible effect, tau, decision or number of reviews.
    """
    if check_benefit(benefit) is None or benefit is None:
        raise UsageError("benefit says which side is better: lower or higher.")
    if not 0 < decision < 1:
        raise UsageError(f"decision is a probability between 0 and 1, not {decision:g}.")
    if reviews < 1:
        raise UsageError(f"reviews is how many to simulate: 1 or more, not {reviews}.")
    if likelihood == "arms":
        raise UsageError("reviews are simulated from counts or estimates: use another likelihood.")
    priors = priors or named_priors(measure, likelihood=likelihood)
    table = surface(trials, measure, likelihood, phi=priors.phi or DEFAULT_PHI)
    own = table.posterior(priors)
    cut = 0.0 if threshold is None else float(from_natural(threshold, table.scale))
    truths = [(mu, sd) for mu in _effects(effect, own) for sd in _spreads(tau, own)]
    plan = Plan.of(table, priors, benefit, cut)
    sizes = [min(CHUNK, reviews - start) for start in range(0, reviews, CHUNK)]
    jobs = [
        (plan, mu, sd, size, each_seed)
        for (mu, sd), base in zip(truths, seeds(seed, len(truths)), strict=True)
        for size, each_seed in zip(sizes, base.spawn(len(sizes)), strict=True)
    ]
    found = each(simulated, jobs, workers, progress, scheduler)
    rows = []
    for i, (mu, sd) in enumerate(truths):
        part = np.vstack(found[i * len(sizes) : (i + 1) * len(sizes)])
        rows.append(_summed_up(part, mu, sd, decision, table.scale) | {"prior": _said(priors)})
    return pd.DataFrame(rows)


def _effects(given: Sequence[float] | float | None, own: Posterior) -> list[float]:
    if given is None:
        return [0.0, float(own["mu"].quantile(0.5))]
    return [float(from_natural(x, own.scale)) for x in np.atleast_1d(given)]


def _spreads(given: Sequence[float] | float | None, own: Posterior) -> list[float]:
    if given is None:
        return [0.0, float(own["tau"].quantile(0.5))]
    found = [float(x) for x in np.atleast_1d(given)]
    for x in found:
        if not 0 <= x < np.inf:
            raise UsageError(f"tau is a standard deviation: 0 or more, not {x:g}.")
    return found


def _said(priors: Priors) -> str:
    return f"{priors.name}: mu ~ {priors.mu.text}, tau ~ {priors.tau.text}"


@dataclass(frozen=True, eq=False)
class Plan:
    """What every simulated review shares; it travels to the processes as it is.

    ``arms`` (k, 2) are the patients of the treatment and the control arm, ``control`` (k,) the
    control risks; both are empty for estimates, which have ``se`` (k,).
    """

    sums: Sums
    measure: str
    scale: str
    phi_prior: Prior | None
    priors: Priors
    benefit: str
    cut: float
    arms: Array
    control: Array
    se: Array

    @classmethod
    def of(cls, table: Surface, priors: Priors, benefit: str, cut: float) -> Plan:
        sums = table.sums(priors)
        # The trials' own likelihoods are not needed, and they are the bulk of it.
        sums = Sums(replace(sums.grid, log_l=np.empty(0)), sums.effects)
        se = np.array([term.width for term in table.terms])
        arms, control = np.empty((0, 2)), np.empty(0)
        if table.likelihood == "binomial":
            frame = table.trials.frame
            arms = frame[["n_treatment", "n_control"]].to_numpy(dtype=float)
            control = (frame["events_control"].to_numpy(dtype=float) + 0.5) / (arms[:, 1] + 1)
        return cls(
            sums, table.measure, table.scale, table.phi, priors, benefit, cut, arms, control, se
        )

    def phi(self, mu: float) -> Array:
        """Half the log odds product of both risks, shape (k,), where the effect is ``mu``."""
        treated = {
            "OR": expit(logit(self.control) + mu),
            "RR": self.control * np.exp(mu),
            "RD": self.control + np.tanh(mu),
        }[self.measure]
        least = 0.5 / (self.arms[:, 0] + 1)  # no arm is simulated with a risk of 0 or 1
        found: Array = 0.5 * (logit(self.control) + logit(np.clip(treated, least, 1 - least)))
        return found


def simulated(plan: Plan, mu: float, tau: float, count: int, seed: Any) -> Array:
    """P(benefit), lower end, median and upper end of mu for each review: shape (count, 4)."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(mu, tau, (count, len(plan.se)))
    if not len(plan.arms):
        y = rng.normal(theta, plan.se)
        return np.vstack(
            [_answers(plan, [Estimate(*pair) for pair in zip(row, plan.se, strict=True)])
             for row in y.tolist()]
        )  # fmt: skip
    p0, _, p1, _ = risks(plan.measure, theta, np.broadcast_to(plan.phi(mu), theta.shape))
    size = plan.arms.astype(int)
    treated = rng.binomial(size[:, 0], np.clip(p1, 0, 1))
    control = rng.binomial(size[:, 1], np.clip(p0, 0, 1))
    # (count, k, 4): events and patients of both arms
    arms = np.stack(np.broadcast_arrays(treated, size[:, 0], control, size[:, 1]), axis=-1)
    seen = _seen(plan, arms.reshape(-1, 4))
    return np.vstack([_answers(plan, [seen[tuple(row)] for row in each]) for each in arms.tolist()])


def _answers(plan: Plan, trials: Sequence[Estimate | Outcome]) -> Array:
    """One review, on the shared grid; on one of its own where that is too coarse for it."""
    informing = sum(trial.informing if isinstance(trial, Outcome) else 1 for trial in trials)
    check_proper(plan.priors, int(informing))
    at = plan.sums.mu, plan.sums.tau[1:]
    rows = sum(row_of(t, *at) if isinstance(t, Estimate) else t.row for t in trials)
    one = np.ones(1, dtype=bool)
    found = Batch.of(plan.sums, plan.priors, np.asarray(rows)[None], one)
    if found.halved[0] > COARSE or found.edge[0] > OUTSIDE:
        mu = _own_surface(plan, trials).posterior(plan.priors)["mu"]
        below, ends = float(mu.cdf(plan.cut)), mu.quantile(ENDS)
    else:
        below, ends = float(found.cdf("mu", [plan.cut])[0, 0]), found.quantile("mu", ENDS)[0]
    p = below if plan.benefit == "lower" else 1 - below
    return np.concatenate([[p], ends])


def _own_surface(plan: Plan, trials: Sequence[Estimate | Outcome]) -> Surface:
    """A surface of these likelihoods, which no file holds."""
    terms: list[TrialLikelihood] = [t if isinstance(t, Estimate) else t.term for t in trials]
    informing = np.array([isinstance(t, Estimate) or t.informing for t in trials])
    ones = np.ones(len(terms))
    return Surface(
        trials=None,  # type: ignore[arg-type]  # nothing here asks for their names
        measure=plan.measure,
        likelihood="binomial" if plan.phi_prior else "normal",
        effects="random",
        scale=plan.scale,
        phi=plan.phi_prior,
        kept=[str(i) for i in range(len(terms))],
        terms=terms,
        informing=informing,
        weights=ones,
        frame=frame(terms, float(informing.sum()), ones),
    )


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a trial can have counted: its likelihood, on the shared grid too."""

    term: TrialLikelihood
    row: Array
    informing: bool


# What this process has integrated: many reviews repeat a small trial's counts.
_known: dict[str, dict[tuple[int, ...], Outcome]] = {}


def _seen(plan: Plan, arms: Array) -> dict[tuple[int, ...], Outcome]:
    """The likelihood of every outcome in a job, integrated once."""
    assert plan.phi_prior is not None  # the binomial likelihood has one
    key = f"{plan.measure} {plan.phi_prior.text} {plan.sums.mu.tobytes().hex()}"
    known = _known.get(key, {})
    _known.clear()  # of the plan before
    wanted = np.unique(arms, axis=0)
    fresh = np.array([row for row in wanted.tolist() if tuple(row) not in known], dtype=float)
    at = plan.sums.mu, plan.sums.tau[1:]
    found = {tuple(row): known[tuple(row)] for row in wanted.tolist() if tuple(row) in known}
    for part in np.array_split(fresh, max(1, len(fresh) // BLOCK)) if len(fresh) else []:
        centre, width = rough_effects(plan.measure, part)
        terms = counts_likelihoods(plan.measure, part, centre, width, plan.phi_prior)
        for row, term, informs in zip(part, terms, informative(plan.measure, part), strict=True):
            outcome = Outcome(term, row_of(term, *at), bool(informs))
            found[tuple(int(n) for n in row)] = outcome
    _known[key] = dict(list((known | found).items())[-CACHED:])
    return found


def _summed_up(part: Array, mu: float, tau: float, decision: float, scale: str) -> dict[str, Any]:
    p, lower, median, upper = part.T
    passes, covers = (p > decision).mean(), ((lower <= mu) & (mu <= upper)).mean()
    n = len(part)
    return {
        "effect": float(to_natural(mu, scale)),
        "tau": tau,
        "reviews": n,
        "decision": decision,
        "passes": passes,
        "passes_mcse": np.sqrt(passes * (1 - passes) / n),
        "mean_prob": p.mean(),
        "coverage": covers,
        "coverage_mcse": np.sqrt(covers * (1 - covers) / n),
        "bias": (median - mu).mean(),
        "rmse": np.sqrt(((median - mu) ** 2).mean()),
        "width": (upper - lower).mean(),
        "natural_mean": float(to_natural(median.mean(), scale)),
    }
