"""batch: one row of results for each review of a library."""

from __future__ import annotations

from typing import Annotated

import typer

from bayespool.cli import options as o
from bayespool.cli.verbs import app

__all__ = ["batch"]

Library = Annotated[
    str,
    typer.Argument(
        metavar="DATA", help="A CSV or Parquet file of trials, or a folder with a CSV a review."
    ),
]
By = Annotated[str, typer.Option("--by", metavar="COLUMN", help="The column that names reviews.")]
Results = Annotated[
    str, typer.Option("--out", metavar="FILE", help="Results: a .parquet or a .csv file.")
]
PriorSets = Annotated[
    str,
    typer.Option(
        "--priors", metavar="NAMES", help="Sets that `bayespool priors` lists, commas between."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", metavar="NUMBER", parser=o.whole, help="Processes; default: cores."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler", metavar="tcp://HOST:PORT", help="Work on this Dask cluster instead."
    ),
]
Size = Annotated[
    int,
    typer.Option("--chunk", metavar="NUMBER", parser=o.whole, help="Reviews in a piece of work."),
]
Afresh = Annotated[
    bool, typer.Option("--afresh", help="Discard what a stopped run with other settings has done.")
]


@app.command()
def batch(
    data: Library,
    out: Results,
    by: By = "review",
    measure: o.MeasureIfAny = None,
    benefit: o.BenefitIfAny = None,
    likelihood: o.Likelihood = None,
    effects: o.Effects = "random",
    priors: PriorSets = "weak",
    mu: o.Mu = None,
    tau: o.Tau = None,
    phi: o.Phi = None,
    important: o.Important = None,
    threshold: o.Threshold = None,
    double_zero: o.DoubleZero = "drop",
    engine: o.EngineBeside = "exact",
    seed: o.Seed = 2026,
    workers: Workers = None,
    scheduler: Scheduler = None,
    chunk: Size = 500,
    afresh: Afresh = False,
    quiet: o.Quiet = False,
) -> int:
    """Pool every review of a library by the exact engine; stopped, it goes on when run again."""
    from bayespool.batches import Asked, batch_to_file
    from bayespool.cli.progress import waiting

    asked = Asked(
        by=by,
        measure=measure,
        priors=tuple(name.strip() for name in priors.split(",")),
        mu=mu,
        tau=tau,
        phi=phi,
        benefit=benefit,
        important=important,
        thresholds=tuple(text.strip() for text in threshold or ()),
        likelihood=likelihood,
        effects=effects,
        double_zero=double_zero,
        engine=engine,
        seed=seed,
    )
    with waiting(quiet) as sign:
        done = batch_to_file(
            data,
            out,
            asked,
            workers=workers or None,
            scheduler=scheduler,
            size=max(chunk, 1),
            afresh=afresh,
            progress=lambda reviews, failed: sign(
                f"{reviews:,} reviews, {failed:,} with no answer"
            ),
        )
    good = done.reviews - done.failed
    said = f"{good:,} of {done.reviews:,} reviews analysed, written to {done.path}."
    if done.failed:
        have = "has" if done.failed == 1 else "have"
        said += f" {done.failed:,} {have} no answer: the column error says why."
    typer.echo(said)
    return 2 if done.failed else 0
