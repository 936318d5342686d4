"""From trials to an Analysis."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from threadpoolctl import threadpool_limits

from bayespool.agreement import LIMIT, DisagreementError, agreement, compare, explain, worst_of
from bayespool.analysis import checks
from bayespool.analysis.alternatives import alternatives as other_readings
from bayespool.analysis.notes import all_notes
from bayespool.analysis.result import Analysis
from bayespool.analysis.tables import engines
from bayespool.decisions import check_benefit, thresholds_of
from bayespool.errors import DataError, UsageError
from bayespool.exact import Surface, surface
from bayespool.frequentist import pool, pool_rd
from bayespool.measures import default_likelihood, from_natural, scale_of
from bayespool.posterior import Posterior
from bayespool.prior import DEFAULT_PHI, Priors
from bayespool.prior import priors as named_priors
from bayespool.record import SAMPLING, record
from bayespool.summaries import as_posterior
from bayespool.trials import Trials, read_trials

if TYPE_CHECKING:
    from xarray import DataTree

ENGINES = ("exact", "nuts", "both")
DRAWS = 1000
SECOND_DRAWS = 4 * DRAWS


def analyse(
    trials: Trials | str | os.PathLike[str] | pd.DataFrame,
    measure: str,
    priors: Priors | None = None,
    benefit: str | None = None,
    thresholds: Sequence[float | str] | float | str = (),
    likelihood: str | None = None,
    effects: str = "random",
    engine: str = "both",
    seed: int = 2026,
    double_zero: str = "drop",
    name: str | None = None,
    question: str = "",
    important: float | None = None,
    beside: Sequence[Priors] = (),
    event: str = "",
    harm: bool = False,
    limits: Sequence[str] = (),
    alternatives: str | os.PathLike[str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Analysis:
    """Analyse one outcome: exact posterior, NUTS, frequentist methods, and whether they agree.

    Parameters
    ----------
    trials : Trials, or what `read_trials` takes
    measure : {"OR", "RR", "RD", "MD", "SMD", "ROM", "HR", "generic"}
    priors : Priors, optional
        Weak by default.
    benefit : {"lower", "higher"}, optional
    thresholds : numbers or their text, natural units
        No effect is always among them.
    likelihood, effects, double_zero
        As for `surface`.
    engine : {"exact", "nuts", "both"}
    seed : int
        Of NUTS.
    name, question : str
        By default the file's name without its ending; nothing.
    important : float, optional
        Smallest effect that matters, natural units, in the direction of benefit.
    beside : sequence of Priors
        Prior sets whose answers stand beside the main one; they need the exact engine.
    event : str
        What the counts count ("death").
    harm : bool
        The outcome is a harm: below five trials the notes say so first.
    limits : sequence of str
        What the data cannot say; they head the notes.
    alternatives : path, optional
        A CSV of other readings of the data (see `bayespool.analysis.alternatives`); what they
        give is in ``tables["alternatives"]``, never in the record. They need the exact engine.
    progress : callable, optional
        Called with the name of each stage as it begins.

    Raises
    ------
    DataError, PriorError, UsageError
        See `read_trials`, `surface` and `prob_benefit`; `beside` or `alternatives` without the
        exact engine.
    ConvergenceError
        The chains did not converge.
    DisagreementError
        NUTS and exact differ beyond Monte Carlo error, twice.
    """
    began = time.perf_counter()
    say = progress or (lambda stage: None)
    if not isinstance(trials, Trials):
        trials = read_trials(trials)
    if engine not in ENGINES:
        raise UsageError(f"engine is one of {', '.join(ENGINES)}; found {engine!r}.")
    if engine == "nuts" and (len(beside) or alternatives is not None):
        raise UsageError(
            "beside and alternatives are answered by the exact engine: leave them out, or use "
            'engine="both".'
        )
    check_benefit(benefit)
    likelihood = likelihood or default_likelihood(trials, measure)
    scale = scale_of(measure, likelihood)
    at = thresholds_of(measure, scale, thresholds)
    if important is not None:
        _check_important(measure, scale, important, benefit)
    if priors is None:
        priors = named_priors(measure, likelihood=likelihood)
    priors = _with_phi(priors, likelihood)
    seconds: dict[str, float] = {}
    table: Surface | None = None
    exact = nuts = fit = None
    error: float | None = None
    more: dict[str, Any] = {}
    name = name or _name(trials)
    readings = pd.DataFrame()

    with threadpool_limits(limits=1):
        if engine != "nuts":
            say("exact posterior")
            start = time.perf_counter()
            phi = priors.phi or DEFAULT_PHI
            table = surface(trials, measure, likelihood, effects, phi, double_zero)
            table, exact, error = checks.certified(table, priors, at)
            seconds["exact"] = time.perf_counter() - start
            say("sensitivity")
            start = time.perf_counter()
            more = _beside(table, exact, beside, benefit, at)
            if alternatives is not None:
                readings = other_readings(alternatives, name, exact, benefit, double_zero)
            seconds["sensitivity"] = time.perf_counter() - start
        comparisons = pd.DataFrame()
        diagnostics = None
        if engine != "exact":
            say("NUTS")
            start = time.perf_counter()
            fit, nuts, diagnostics, comparisons = gated(
                trials, measure, priors, likelihood, effects, double_zero, seed, exact, at, say
            )
            seconds["nuts"] = time.perf_counter() - start
        say("frequentist methods")
        start = time.perf_counter()
        frequentist = _pooled(trials, measure, likelihood, double_zero)
        head = exact if exact is not None else nuts
        assert head is not None  # one of the two engines ran
        once = _once(frequentist)
        reasons = explain(head, trials, once, double_zero)
        seconds["frequentist"] = time.perf_counter() - start
        say("tables")
        start = time.perf_counter()
        notes = all_notes(head, trials, benefit, double_zero, event, harm, limits, error, more)
        if fit is not None:
            notes += sampling_notes(fit.attrs, seed)
        found = record(
            name=name,
            question=question,
            trials=trials,
            measure=measure,
            scale=scale,
            likelihood=likelihood,
            effects=effects,
            benefit=benefit,
            thresholds=at,
            important=important,
            seed=seed,
            priors=priors,
            exact=exact,
            nuts=nuts,
            grid_error=error,
            sampling=None if fit is None else {word: fit.attrs[word] for word in SAMPLING},
            double_zero=double_zero,
            frequentist=once,
            diagnostics=diagnostics,
            agreement=agreement(exact, nuts, comparisons, reasons),
            wall_seconds=seconds,
            notes=notes,
            more=more,
        )
        seconds["record"] = time.perf_counter() - start
        seconds["total"] = time.perf_counter() - began
        found["wall_seconds"] = seconds
    return Analysis(
        name=name,
        question=question,
        trials=trials,
        measure=measure,
        scale=scale,
        likelihood=likelihood,
        effects=effects,
        benefit=benefit,
        thresholds=at,
        important=important,
        priors=priors,
        surface=table,
        exact=exact,
        nuts=nuts,
        fit=fit,
        frequentist=frequentist,
        record=found,
        comparisons=comparisons,
        alternatives=readings,
        double_zero=double_zero,
        harm=harm,
    )


def crosscheck(
    trials: Trials | str | os.PathLike[str] | pd.DataFrame,
    measure: str,
    priors: Priors | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Put NUTS, the exact engine and every frequentist method side by side, with a verdict.

    Arguments and errors are those of `analyse`.

    Returns
    -------
    DataFrame
        ``engine``, the ``scale`` (log, identity, atanh) of ``estimate, lower, upper`` (the
        posterior median; RD of counts: atanh for exact and NUTS, the difference itself, identity,
        for the frequentist methods), the same in natural units, ``tau``, ``prob_benefit`` (of no
        effect; without `benefit` the probability below it), ``difference`` to the exact median
        on the row's scale, ``verdict``.
    """
    return engines(analyse(trials, measure, priors, **options).record)


def _check_important(measure: str, scale: str, important: float, benefit: str | None) -> None:
    value = float(from_natural(important, "atanh" if measure == "RD" else scale))
    if benefit is not None and (value == 0 or (value < 0) != (benefit == "lower")):
        raise UsageError(
            f"important = {important:g} is no benefit where {benefit} is better: it is the "
            "smallest effect that matters, on the side of benefit."
        )


def _with_phi(priors: Priors, likelihood: str) -> Priors:
    if likelihood == "binomial":
        phi = priors.phi or DEFAULT_PHI
        return Priors(priors.mu, priors.tau, phi, priors.name, priors.reason, priors.source)
    if priors.phi is not None:
        raise UsageError(
            "phi is the baseline of the binomial likelihood; the normal one has none. "
            "Leave phi out."
        )
    return priors


def _name(trials: Trials) -> str:
    return "analysis" if trials.path == "<DataFrame>" else Path(trials.path).stem


def _beside(
    table: Surface,
    exact: Posterior,
    beside: Sequence[Priors],
    benefit: str | None,
    at: dict[str, float],
) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if exact.likelihood == "binomial":
        more["phi_sensitivity"] = checks.phi_sensitivity(exact, benefit, at)
        more["other_measures"] = checks.other_measures(exact, benefit)
        if exact.measure == "RR":
            more["complement"] = checks.complement(exact, benefit)
    more["other_priors"] = checks.other_priors(table, beside, exact, benefit)
    return {key: value for key, value in more.items() if value}


def _pooled(trials: Trials, measure: str, likelihood: str, double_zero: str) -> pd.DataFrame:
    try:
        if measure == "RD" and trials.layout == "binary":
            return pool_rd(trials)
        return pool(trials, measure, double_zero=double_zero)
    except DataError:
        if likelihood == "binomial":
            return pd.DataFrame(columns=["method"])  # no trial has an estimate of its own
        raise


def _once(frequentist: pd.DataFrame) -> pd.DataFrame:
    """Leave each method once: the contract's rows keep the trials without contrast."""
    if "double_zero" not in frequentist:
        return frequentist
    return frequentist[frequentist["double_zero"] == "kept"]


def sampling_notes(how: dict[Any, Any], seed: int) -> list[str]:
    """Say what a fit took beyond a first attempt with the seed asked for."""
    found = []
    used = f"{how['draws']} draws a chain, target_accept {how['target_accept']:g}"
    if how["seed"] != seed:
        found.append(
            f"The first draws, of seed {seed}, differed from exact beyond {LIMIT:g} MCSE; these "
            f"are from seed {how['seed']}, {used}."
        )
    if how["attempts"] > 1:
        found.append(
            f"The chains converged at attempt {how['attempts']}: seed {how['seed']}, {used}, "
            f"tuned over {how['tune']}."
        )
    return found


def gated(
    trials: Trials,
    measure: str,
    priors: Priors,
    likelihood: str,
    effects: Any,
    double_zero: str,
    seed: int,
    exact: Posterior | None,
    at: dict[str, float],
    say: Callable[[str], None],
) -> tuple[DataTree, Posterior, dict[str, Any], pd.DataFrame]:
    """Sample, and once more where the draws differ from the exact answer.

    The second time with the next seed and four times the draws; a difference that stays is a
    DisagreementError. Without an exact answer there is nothing to compare.
    """
    from bayespool.nuts_models import binomial, normal
    from bayespool.sampling import diagnose, sample

    if likelihood == "binomial":
        model = binomial(trials, measure, priors, effects)
    else:
        model = normal(trials, measure, priors, effects, double_zero=double_zero)
    for number, draws in ((seed, DRAWS), (seed + 1, SECOND_DRAWS)):
        fit = sample(model, seed=number, draws=draws)
        nuts = as_posterior(fit)
        if exact is None:
            return fit, nuts, diagnose(fit), pd.DataFrame()
        comparisons = compare(exact, nuts, at)
        if (comparisons["z"].abs() <= LIMIT).all():
            return fit, nuts, diagnose(fit), comparisons
        if number == seed:
            say("NUTS again: the first draws differ from the exact answer")
    worst = worst_of(comparisons)
    raise DisagreementError(
        f"{trials.path}: NUTS and the exact engine disagree, twice. {worst['quantity']}, "
        f"{worst['what']}: exact {worst['exact']:.6g}, NUTS {worst['nuts']:.6g}, which is "
        f"{abs(worst['z']):.1f} Monte Carlo standard errors of {worst['mcse']:.2g} (seed "
        f"{seed + 1}, {SECOND_DRAWS} draws a chain). One of the two is wrong: please report it "
        "with these data.",
        comparisons,
    )
