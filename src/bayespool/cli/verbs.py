"""check, priors, fit, crosscheck, sensitivity, report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bayespool.cli import options as o
from bayespool.errors import UsageError
from bayespool.names import folder_name, printable

if TYPE_CHECKING:
    from bayespool.analysis import Analysis
    from bayespool.prior import Priors

__all__ = ["app"]

app = typer.Typer(
    name="bayespool",
    help="Bayesian meta-analysis with the exact posterior beside every sampled one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
def check(data: o.Data, quiet: o.Quiet = False) -> None:
    """Read a file and say what it holds, or everything that is wrong with it at once."""
    from bayespool.cli import show
    from bayespool.trials import read_trials

    show.checked(read_trials(data))


@app.command()
def priors(
    measure: o.MeasureIfAny = None,
    benefit: o.BenefitIfAny = None,
    important: o.Important = None,
    likelihood: o.Likelihood = None,
    quiet: o.Quiet = False,
) -> None:
    """List the prior sets: what each says, implies and is worth, and where it comes from."""
    from bayespool.cli import show
    from bayespool.prior import catalogue_table

    show.catalogue(catalogue_table(measure, likelihood, important, benefit), measure)


@app.command()
def fit(
    data: o.Data,
    measure: o.Measure,
    benefit: o.Benefit,
    likelihood: o.Likelihood = None,
    effects: o.Effects = "random",
    priors: o.PriorSet = "weak",
    mu: o.Mu = None,
    tau: o.Tau = None,
    phi: o.Phi = None,
    important: o.Important = None,
    threshold: o.Threshold = None,
    question: o.Question = "",
    treatment: o.Treatment = "the treatment",
    event: o.Event = "",
    absolute: o.Absolute = None,
    double_zero: o.DoubleZero = "drop",
    engine: o.Engine = "both",
    seed: o.Seed = 2026,
    json: o.Json = None,
    out: o.Out = None,
    png: o.Png = False,
    quiet: o.Quiet = False,
) -> None:
    """Pool the trials and give the probability of benefit."""
    from bayespool.cli import show

    settings = _settings(locals())
    found = _analyse(data, settings, quiet)
    if json != "-":
        show.result(found)
    _keep(found, json, out, png, quiet)


@app.command()
def crosscheck(
    data: o.Data,
    measure: o.Measure,
    benefit: o.BenefitIfAny = None,
    likelihood: o.Likelihood = None,
    effects: o.Effects = "random",
    priors: o.PriorSet = "weak",
    mu: o.Mu = None,
    tau: o.Tau = None,
    phi: o.Phi = None,
    important: o.Important = None,
    threshold: o.Threshold = None,
    question: o.Question = "",
    treatment: o.Treatment = "the treatment",
    event: o.Event = "",
    absolute: o.Absolute = None,
    double_zero: o.DoubleZero = "drop",
    engine: o.Engine = "both",
    seed: o.Seed = 2026,
    json: o.Json = None,
    out: o.Out = None,
    png: o.Png = False,
    quiet: o.Quiet = False,
) -> None:
    """Put exact, NUTS and every frequentist method side by side, with a verdict."""
    from bayespool.cli import show

    found = _analyse(data, _settings(locals()), quiet)
    if json != "-":
        show.engines(found, every=True)
    _keep(found, json, out, png, quiet)


@app.command()
def sensitivity(
    data: o.Data,
    measure: o.Measure,
    benefit: o.Benefit,
    only: o.Only = None,
    doubt: o.Doubt = None,
    alternatives: o.Alternatives = None,
    likelihood: o.Likelihood = None,
    effects: o.Effects = "random",
    priors: o.PriorSet = "weak",
    mu: o.Mu = None,
    tau: o.Tau = None,
    phi: o.Phi = None,
    important: o.Important = None,
    threshold: o.Threshold = None,
    question: o.Question = "",
    treatment: o.Treatment = "the treatment",
    event: o.Event = "",
    absolute: o.Absolute = None,
    double_zero: o.DoubleZero = "drop",
    engine: o.Engine = "exact",
    seed: o.Seed = 2026,
    json: o.Json = None,
    out: o.Out = None,
    png: o.Png = False,
    quiet: o.Quiet = False,
) -> None:
    """Ask how the answer moves: other priors, other trials, less trust, other models."""
    from bayespool import studies
    from bayespool.cli import show

    names = studies.named(None if only is None else [name.strip() for name in only.split(",")])
    settings = _settings(locals())
    settings["studies"] = "all" if only is None else names
    settings |= {"doubted": _doubted(doubt or []), "alternatives": alternatives}
    found = _analyse(data, settings, quiet)
    if json != "-":
        show.findings(found)
    _keep(found, json, out, png, quiet)


@app.command()
def report(
    data: o.DataFiles,
    out: o.OutNeeded,
    measure: o.Measure,
    benefit: o.Benefit,
    doubt: o.Doubt = None,
    alternatives: o.Alternatives = None,
    likelihood: o.Likelihood = None,
    effects: o.Effects = "random",
    priors: o.PriorSet = "weak",
    mu: o.Mu = None,
    tau: o.Tau = None,
    phi: o.Phi = None,
    important: o.Important = None,
    threshold: o.Threshold = None,
    question: o.Question = "",
    treatment: o.Treatment = "the treatment",
    event: o.Event = "",
    absolute: o.Absolute = None,
    double_zero: o.DoubleZero = "drop",
    engine: o.Engine = "both",
    seed: o.Seed = 2026,
    json: o.JsonOfAll = None,
    png: o.Png = False,
    quiet: o.Quiet = False,
) -> None:
    """Run fit for each file with the same options, and write a folder with one page of results."""
    from bayespool.analysis import write_report

    settings = _settings(locals()) | {
        "studies": "all" if engine != "nuts" else (),
        "doubted": _doubted(doubt or []),
        "alternatives": alternatives,
    }
    stems = [folder_name(printable(Path(name).stem)).casefold() for name in data]
    if twice := sorted({stem for stem in stems if stems.count(stem) > 1}):
        raise UsageError(
            f"two files are called {', '.join(twice)}: each gets a folder of its name in {out}. "
            "Rename one."
        )
    found = [_analyse(name, settings, quiet) for name in data]
    page = write_report(found, out, png=png, diagnostics=True)
    records = [analysis.record for analysis in found]
    _write_json(records if len(records) > 1 else records[0], json, quiet)
    _say(f"Wrote {page}", quiet)


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """Arguments for `analyse` from a verb's own, all but the priors' texts."""
    words = (
        "measure", "benefit", "likelihood", "effects", "engine", "seed", "double_zero",
        "important", "question", "treatment", "event", "absolute",
    )  # fmt: skip
    settings = {word: given[word] for word in words} | {"thresholds": given["threshold"] or ()}
    return settings | {"priors": {word: given[word] for word in ("priors", "mu", "tau", "phi")}}


def _doubted(given: list[str]) -> dict[str, list[str]]:
    """Read COLUMN=VALUE texts; UsageError for one without its sign."""
    found: dict[str, list[str]] = {}
    for text in given:
        column, sign, value = text.partition("=")
        if not (sign and column.strip()):
            raise UsageError(f"--doubt takes COLUMN=VALUE, as in risk_of_bias=high, not {text!r}.")
        found.setdefault(column.strip(), []).append(value.strip())
    if len(found) > 1:
        raise UsageError("--doubt takes one column: give several of its values instead.")
    return found


def _analyse(data: str, settings: dict[str, Any], quiet: bool) -> Analysis:
    from bayespool.cli.progress import waiting
    from bayespool.trials import read_trials

    trials = read_trials(data)
    for note in () if quiet else trials.notes:
        _say(f"Note: {note}", quiet)
    with waiting(quiet) as sign:
        from bayespool.analysis import analyse
        from bayespool.measures import default_likelihood

        # A measure that these data cannot give is said before what priors it would need.
        default_likelihood(trials, settings["measure"])
        sets = _priors(**settings["priors"], settings=settings)
        return analyse(trials, **settings | {"priors": sets, "progress": sign})


def _priors(
    priors: str, mu: str | None, tau: str | None, phi: str | None, settings: dict[str, Any]
) -> Priors:
    from bayespool import prior as room

    if settings["effects"] == "common" and mu is not None and tau is None:
        tau = "HalfNormal(1)"  # there is no tau; the set has to have one
    if priors in ("sceptical", "enthusiastic", "pessimistic"):
        for option in ("important", "benefit"):
            if settings[option] is None:
                raise UsageError(
                    f"--priors {priors} needs --{option}: it is built from the smallest effect "
                    "that matters (--important, in natural units, such as 0.7 for a risk ratio "
                    "where lower is better) and the side it is on (--benefit)."
                )
    return room.priors(
        settings["measure"],
        priors,
        likelihood=settings["likelihood"],
        important=settings["important"],
        benefit=settings["benefit"],
        mu=mu,
        tau=tau,
        phi=phi,
    )


def _keep(analysis: Analysis, json: str | None, out: str | None, png: bool, quiet: bool) -> None:
    _write_json(analysis.record, json, quiet)
    if out is not None:
        analysis.write(out, png=png)
        _say(f"Wrote {out}", quiet)


def _write_json(content: Any, json: str | None, quiet: bool) -> None:
    from bayespool.files import json_text, write_json

    if json == "-":
        sys.stdout.write(json_text(content))
    elif json is not None:
        write_json(json, content, ignoring=("wall_seconds",))
        _say(f"Wrote {json}", quiet)


def _say(text: str, quiet: bool) -> None:
    if not quiet:
        typer.echo(printable(text, lines=True), err=True)
