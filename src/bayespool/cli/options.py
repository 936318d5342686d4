"""The options that verbs share, and what a wrong value is answered."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Annotated, Any

import typer

__all__ = [
    "Absolute",
    "Alternatives",
    "Benefit",
    "BenefitIfAny",
    "Data",
    "DataFiles",
    "DoubleZero",
    "Doubt",
    "Effects",
    "Engine",
    "EngineBeside",
    "Event",
    "Important",
    "Json",
    "JsonOfAll",
    "Likelihood",
    "Measure",
    "MeasureIfAny",
    "Mu",
    "Only",
    "Out",
    "OutNeeded",
    "Phi",
    "Png",
    "PriorSet",
    "Question",
    "Quiet",
    "Seed",
    "Tau",
    "Threshold",
    "Treatment",
    "whole",
]

MEASURES = ("OR", "RR", "RD", "MD", "SMD", "ROM", "HR", "generic")


def one_of(*allowed: str) -> Callable[[Any], Any]:
    """Make a check that a value is one of these words, and says which it could have been."""

    def check(value: str | None) -> str | None:
        if value is None or value in allowed:
            return value
        raise typer.BadParameter(
            f"{value!r} is not known.{_meant(value, allowed)} {_list(allowed)}"
        )

    return check


def _meant(value: str, allowed: tuple[str, ...]) -> str:
    folded = {word.casefold(): word for word in allowed}
    close = difflib.get_close_matches(value.casefold(), folded, n=1, cutoff=0.5)
    return f" Did you mean {folded[close[0]]}?" if close else ""


def _list(allowed: tuple[str, ...]) -> str:
    return f"Choose {' or '.join(allowed)}." if len(allowed) == 2 else (
        f"Choose one of {', '.join(allowed)}.")  # fmt: skip


def _written(text: str | float, kind: Callable[[Any], Any], what: str) -> Any:
    """Read a number, or take a default as it is; Python's underscores (1_0) are not one."""
    try:
        if "_" in str(text):
            raise ValueError(text)
        return kind(text)
    except ValueError:
        advice = "Write digits, with a point for decimals." if kind is float else "Write digits."
        raise typer.BadParameter(f"{text!r} is not {what}. {advice}") from None


def _decimal(text: str | float) -> float:
    return float(_written(text, float, "a number"))


def whole(text: str | float) -> int:
    """Read a whole number, 0 or more."""
    value = int(_written(text, int, "a whole number"))
    if value < 0:
        raise typer.BadParameter(f"{value} is below 0. Give 0 or more.")
    return value


def _option(words: str, help: str, *allowed: str) -> Any:
    metavar = "|".join(allowed) if allowed else None
    callback = one_of(*allowed) if allowed else None
    return typer.Option(words, help=help, metavar=metavar, callback=callback)


_MEASURE = _option("--measure", "What the effect is.", *MEASURES)
_BENEFIT = _option("--benefit", "Which side of no effect is better.", "lower", "higher")

Data = Annotated[str, typer.Argument(metavar="DATA.csv", help="One row a trial.")]
DataFiles = Annotated[list[str], typer.Argument(metavar="DATA.csv...", help="One row a trial.")]
Measure = Annotated[str, _MEASURE]
MeasureIfAny = Annotated[str | None, _MEASURE]
Benefit = Annotated[str, _BENEFIT]
BenefitIfAny = Annotated[str | None, _BENEFIT]
Likelihood = Annotated[
    str | None,
    _option(
        "--likelihood",
        "Default: binomial for counts, else normal; arms does not take SDs as known.",
        "binomial",
        "normal",
        "arms",
    ),
]
Effects = Annotated[str, _option("--effects", "How trials' effects vary.", "random", "common", "t")]
PriorSet = Annotated[
    str, typer.Option("--priors", metavar="NAME", help="A set that `bayespool priors` lists.")
]
Mu = Annotated[
    str | None,
    typer.Option("--mu", metavar="PRIOR", help='Of the mean effect: "Normal(0, 1)".'),
]
Tau = Annotated[
    str | None,
    typer.Option("--tau", metavar="PRIOR", help='Of the spread between trials: "HalfNormal(0.5)".'),
]
Phi = Annotated[
    str | None,
    typer.Option("--phi", metavar="PRIOR", help='Of trials\' baselines: "Normal(0, 10)".'),
]
Important = Annotated[
    float | None,
    typer.Option(
        "--important",
        metavar="EFFECT",
        parser=_decimal,
        help="Smallest effect that matters, in natural units (0.7 for a ratio where lower is "
        "better); sceptical, enthusiastic and pessimistic priors are built from it.",
    ),
]
Question = Annotated[
    str,
    typer.Option(
        "--question",
        metavar="TEXT",
        help='What is asked, for the report\'s sentences, as in "Do masks lower infections?". '
        "Without it they name the outcome after the file.",
    ),
]
Treatment = Annotated[
    str,
    typer.Option(
        "--treatment", metavar="TEXT", help='What is compared, as in "mesenchymal stem cells".'
    ),
]
Event = Annotated[
    str, typer.Option("--event", metavar="TEXT", help='What the counts count, as in "deaths".')
]
Absolute = Annotated[
    float | None,
    typer.Option(
        "--absolute",
        metavar="NUMBER",
        parser=_decimal,
        help="Smallest absolute benefit that matters, per 1,000 patients.",
    ),
]
Only = Annotated[
    str | None,
    typer.Option("--only", metavar="STUDIES", help="Some studies, by name, with commas between."),
]
Doubt = Annotated[
    list[str] | None,
    typer.Option(
        "--doubt",
        metavar="COLUMN=VALUE",
        help="Trials that the trust dial discounts, as in risk_of_bias=high; several may follow.",
    ),
]
Alternatives = Annotated[
    str | None,
    typer.Option(
        "--alternatives",
        metavar="FILE.csv",
        help="Other readings of the data, each with its outcome: trials to replace, add or drop.",
    ),
]
Threshold = Annotated[
    list[str] | None,
    typer.Option(
        "--threshold",
        metavar="EFFECT",
        help="Give P(benefit) at this effect too, in natural units; several may follow.",
    ),
]
DoubleZero = Annotated[
    str,
    _option("--double-zero", "Trials without any event, in normal approximations.", "drop", "keep"),
]
Engine = Annotated[str, _option("--engine", "exact needs no sampling.", "exact", "nuts", "both")]
EngineBeside = Annotated[
    str, _option("--engine", "Both samples each review by NUTS, too.", "exact", "both")
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="NUMBER", parser=whole, help="Of the sampler.")
]
Json = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE|-", help="Write the record; - for stdout, alone."),
]
JsonOfAll = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="FILE|-",
        help="Write the record, of several files a list of them; - for stdout.",
    ),
]
Out = Annotated[
    str | None,
    typer.Option("--out", metavar="DIR", help="Write record.json, tables/ and figures/ here."),
]
OutNeeded = Annotated[
    str, typer.Option("--out", metavar="DIR", help="Write index.html and a folder a file here.")
]
Png = Annotated[bool, typer.Option("--png", help="Write each figure as PNG too, for slides.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing on stderr but errors.")]
