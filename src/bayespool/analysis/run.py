"""From trials to an Analysis."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from bayespool.agreement import agreement, explain
from bayespool.analysis.alternatives import alternatives as other_readings
from bayespool.analysis.beside import beside_the_answer, of_the_answer
from bayespool.analysis.checks import certified
from bayespool.analysis.classical import once, pooled
from bayespool.analysis.notes import all_notes, notes_on
from bayespool.analysis.result import Analysis
from bayespool.analysis.sampled import gated, sampling_notes
from bayespool.analysis.tables import engines
from bayespool.decisions import check_benefit, thresholds_of
from bayespool.errors import UsageError
from bayespool.exact import Surface, surface
from bayespool.measures import MEASURES, default_likelihood, from_natural, scale_of
from bayespool.names import check_words, printable
from bayespool.prior import DEFAULT_PHI, Priors
from bayespool.prior import priors as set_called
from bayespool.prose import sentences
from bayespool.record import SAMPLING, record
from bayespool.trials import Trials, read_trials

ENGINES = ("exact", "nuts", "both")


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
    beside: Sequence[Priors] | None = None,
    also: Mapping[str, Priors] | None = None,
    treatment: str = "the treatment",
    event: str = "",
    absolute: float | None = None,
    harm: bool = False,
    limits: Sequence[str] = (),
    alternatives: str | os.PathLike[str] | None = None,
    published: str | os.PathLike[str] | None = None,
    published_as: Sequence[str] = (),
    characteristics: str | os.PathLike[str] | pd.DataFrame | None = None,
    studies: Sequence[str] | str = (),
    doubted: Mapping[str, Sequence[str]] | None = None,
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
    beside : sequence of Priors, optional
        Prior sets whose answers stand beside the main one. By default every set of
        `named_priors` that applies; an empty sequence means none.
    also : mapping of measure to Priors, optional
        Other measures whose answers stand beside the main one, as MD in days beside ROM. (OR, RR
        and RD of counts stand there anyway under the weak or vague priors.)
    treatment, event : str
        What is compared, plural or a mass ("mesenchymal stem cells"); what counts count
        ("deaths").
    absolute : float, optional
        Smallest absolute benefit that matters, per 1,000 patients; 30, said to be a default, where
        none is declared.
    harm : bool
        The outcome is a harm: below five trials the notes say so first.
    limits : sequence of str
        What the data cannot say; they head the notes.
    alternatives : path, optional
        A CSV of other readings of the data (see `bayespool.analysis.alternatives`); what they
        give is in ``tables["alternatives"]``, never in the record.
    published, published_as : path and sequence of str, optional
        A CSV of published results (see `bayespool.analysis.published`), and what it calls this
        outcome.
    characteristics : path or DataFrame, optional
        What `operating_characteristics` found for reviews like this one, which takes it minutes;
        a column ``outcome`` tells several apart. The report then says how often such reviews
        would pass the threshold of decision.
    studies : names, or "all"
        Sensitivity studies to run (`bayespool.studies.STUDIES`); what each says is in the record,
        its table among the tables. They need the exact engine.
    doubted : mapping of str to values, optional
        Which trials the trust dial discounts: a column and its values, as
        ``{"risk_of_bias": ["high"]}``, the default where the file marks any.
    progress : callable, optional
        Called with the name of each stage as it begins.

    Raises
    ------
    DataError, PriorError, UsageError
        See `read_trials`, `surface` and `prob_benefit`; `beside`, `also`, `alternatives` or
        `published` without the exact engine, which answers them.
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
    if engine == "nuts" and (beside or also or alternatives is not None or published is not None):
        raise UsageError(
            "beside, also, alternatives and published are answered by the exact engine: leave "
            'them out, or use engine="both" (--engine both).'
        )
    if (published is None) != (not published_as):
        raise UsageError(
            "published is a file and published_as what it calls this outcome: give both or none."
        )
    if absolute is not None and not 0 < absolute < 1000:
        raise UsageError(
            f"absolute = {absolute:g} is not between 0 and 1000. Give the smallest absolute "
            "benefit that matters, per 1,000 patients."
        )
    check_benefit(benefit)
    check_words(name=name, question=question, treatment=treatment, event=event)
    likelihood = likelihood or default_likelihood(trials, measure)
    scale = scale_of(measure, likelihood)
    at = thresholds_of(measure, scale, thresholds)
    important_at = None
    if important is not None:
        important_at = _important(measure, scale, important, benefit)
    if priors is None:
        priors = set_called(measure, likelihood=likelihood)
    priors = _with_phi(priors, likelihood)
    seconds: dict[str, float] = {}
    table: Surface | None = None
    exact = nuts = fit = None
    error: float | None = None
    name = name or _name(trials)
    readings = pd.DataFrame()

    with threadpool_limits(limits=1):
        if engine != "nuts":
            say("exact posterior")
            start = time.perf_counter()
            phi = priors.phi or DEFAULT_PHI
            table = surface(trials, measure, likelihood, effects, phi, double_zero)
            table, exact, error = certified(table, priors, at)
            seconds["exact"] = time.perf_counter() - start
        say("sensitivity")
        start = time.perf_counter()
        more = beside_the_answer(
            trials=trials,
            measure=measure,
            double_zero=double_zero,
            table=table,
            main=exact,
            benefit=benefit,
            thresholds=at,
            important_at=important_at,
            beside=beside,
            also=also,
            published=published,
            published_as=published_as,
            treatment=treatment,
            event=event,
            say=say,
        )
        if alternatives is not None and exact is not None:
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
        head = exact if exact is not None else nuts
        assert head is not None  # one of the two engines ran
        more |= of_the_answer(
            head=head,
            fit=fit,
            trials=trials,
            benefit=benefit,
            absolute=absolute,
            double_zero=double_zero,
            seed=seed,
        )
        say("frequentist methods")
        start = time.perf_counter()
        frequentist = pooled(trials, measure, likelihood, double_zero)
        each_once = once(frequentist)
        reasons = explain(head, trials, each_once, double_zero)
        seconds["frequentist"] = time.perf_counter() - start
        say("tables")
        start = time.perf_counter()
        notes = all_notes(head, trials, benefit, double_zero, event, harm, limits, error, more)
        of_draws = [] if fit is None else sampling_notes(fit.attrs, seed)
        notes += of_draws
        if apart := notes_on(head, trials, double_zero, of_draws):
            more["notes_on"] = apart
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
            frequentist=each_once,
            diagnostics=diagnostics,
            agreement=agreement(exact, nuts, comparisons, reasons),
            wall_seconds=seconds,
            notes=notes,
            more=more,
        )
        found["sentences"] = sentences(found)
        seconds["record"] = time.perf_counter() - start
    analysis = Analysis(
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
        characteristics=_characteristics(characteristics, name),
        double_zero=double_zero,
        harm=harm,
        readings_of=alternatives,
        doubted=dict(doubted or {}),
    )
    if studies:
        start = time.perf_counter()
        with threadpool_limits(limits=1):
            analysis.study(studies, say)
        seconds["studies"] = time.perf_counter() - start
    seconds["total"] = time.perf_counter() - began
    found["wall_seconds"] = seconds
    return analysis


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


def _important(measure: str, scale: str, important: float, benefit: str | None) -> float:
    # tanh's bounds hold for a risk difference whatever the likelihood.
    value = float(from_natural(important, "atanh" if measure == "RD" else scale))
    if benefit is not None and (value == 0 or (value < 0) != (benefit == "lower")):
        side = "below" if benefit == "lower" else "above"
        null = f"{MEASURES[measure].null:g}"
        raise UsageError(
            f"important = {important:g} is no benefit where {benefit} is better. Give the smallest "
            f"effect that matters, {side} {null} ({MEASURES[measure].long})."
        )
    return float(from_natural(important, scale))


def _characteristics(
    given: str | os.PathLike[str] | pd.DataFrame | None, name: str
) -> pd.DataFrame:
    """The rows of this outcome."""
    if given is None:
        return pd.DataFrame()
    try:
        table = given if isinstance(given, pd.DataFrame) else pd.read_csv(given)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"characteristics = {str(given)!r} cannot be read ({error}). Give what "
            "operating_characteristics returned, or a CSV of it."
        ) from None
    lacking = sorted({"effect", "tau", "decision", "passes", "coverage"} - set(table))
    if lacking:
        raise UsageError(
            f"characteristics has no column {', '.join(lacking)}. Give what "
            "operating_characteristics returned, or a CSV of it."
        )
    if "outcome" not in table:
        return table
    return table[table["outcome"] == name].drop(columns="outcome").reset_index(drop=True)


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
    return "analysis" if trials.path == "<DataFrame>" else printable(Path(trials.path).stem)
