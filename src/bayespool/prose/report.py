"""The report of one outcome in Markdown: the answer first, then everything it rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import pandas as pd

from bayespool.prose import (
    absolute,
    characteristics,
    checking,
    data,
    effects,
    published,
    robustness,
)
from bayespool.prose.cells import is_known, records
from bayespool.prose.markdown import escape, image, section, table
from bayespool.prose.phrases import signed
from bayespool.prose.sentences import over_readings, sentences
from bayespool.prose.words import Findings, notes_on, title

__all__ = ["report"]

# Each part in its place, and the figures that belong to it.
PARTS: tuple[tuple[Callable[[Findings], list[str]], tuple[str, ...]], ...] = (
    (data.trials, ("forest",)),
    (effects.model, ()),
    (effects.posterior, ("effect_density", "prior_posterior")),
    (effects.benefit, ("benefit_curve",)),
    (absolute.absolute, ("absolute",)),
    (effects.prediction, ("prediction",)),
    (robustness.named_priors, ("named_priors",)),
    (robustness.atlas, ("atlas",)),
    (robustness.baselines, ("phi_sensitivity",)),
    (robustness.measures, ("other_measures",)),
    (robustness.readings, ("alternatives",)),
    (robustness.leave_one_out, ("leave_one_out",)),
    (characteristics.characteristics, ()),
    (published.published, ("published",)),
    (checking.engines, ("engines", "agreement")),
    (checking.small_trials, ("funnel",)),
    (checking.diagnostics, ("trace", "rank", "ess", "energy")),
    (checking.fit, ("predictive",)),
    (checking.power_scaling, ("psense",)),
)

# Studies that have no section of their own, in the order in which they are read.
STUDIED = {
    "tipping": "The prior at which it tips",
    "leave-two-out": "Without two trials",
    "cumulative": "Trial by trial, by year",
    "subgroup": "By subgroup",
    "gosh": "Every subset of the trials",
    "trust": "With less trust in some trials",
    "readings": "Every combination of other readings",
    "power": "What pulls on the answer",
    "left-out-predictive": "Each trial predicted by the others",
    "models": "Common, normal and Student-t effects",
    "averaging": "Averaged over models",
    "measures-side-by-side": "Other measures and the normal approximation",
    "tau": "What the data taught about tau",
}


# How to read a column of tables/gosh.csv.
SUBSETS = (
    " In gosh.csv `subset` names the trials of a subset by one number, the sum of 2^i over them, "
    "where i counts the trials that the model takes from 0 in the order of the file: 5 is 1 + 4, "
    "the first and the third."
)


def report(
    record: dict[str, Any], tables: Mapping[str, pd.DataFrame], figures: Sequence[str] = ()
) -> str:
    """Write the report of one outcome.

    Parameters
    ----------
    record : dict
        As ``record.schema.json`` describes it.
    tables : mapping of str to DataFrame
        `Analysis.tables`.
    figures : sequence of str
        Names of the files in ``figures/`` beside the report, with or without their ending (SVG).

    Returns
    -------
    str
        Markdown. A part of the analysis that is absent has no section; text from data is shown
        and never rendered.
    """
    found = Findings(record, tables)
    blocks = _head(found)
    left = list(dict.fromkeys(figures))
    for part, names in PARTS:
        own = [name for name in left if PurePosixPath(name).stem in names]
        if there := part(found):
            blocks += [*there, *(_picture(found, name) for name in own)]
            left = [name for name in left if name not in own]
        if part is robustness.leave_one_out:
            blocks += _studies(found, left)
            asked = [name.replace("-", "_") for name in STUDIED]
            left = [name for name in left if PurePosixPath(name).stem not in asked]
    blocks += section("Other figures", *(_picture(found, name) for name in left))
    parts = [*(["trials"] if "trials" in found.tables else []), "classical", "nuts"]
    elsewhere = {note for part in parts for note in notes_on(found, part)}
    left_over = [note for note in record["notes"] if note not in elsewhere]
    blocks += section(
        "What the data cannot say", "\n".join(f"- {escape(note)}" for note in left_over)
    )
    blocks += _made(found)
    return "\n\n".join(blocks) + "\n"


def _studies(found: Findings, figures: Sequence[str]) -> list[str]:
    """Every sensitivity question that was asked: what it says, and its picture."""
    blocks = []
    for name, heading in STUDIED.items():
        sentence = found.record.get("studies", {}).get(name)
        if not sentence:
            continue
        stem = name.replace("-", "_")
        blocks += [f"### {heading}", escape(sentence)]
        blocks += [_picture(found, each) for each in figures if PurePosixPath(each).stem == stem]
    return section("Questions of sensitivity", *blocks)


def _head(found: Findings) -> list[str]:
    """Title, question, answer and key numbers: what a clinician reads."""
    record = found.record
    first, *others = record.get("sentences") or sentences(record)
    if said := over_readings(record, records(found.tables.get("alternatives"))):
        others.append(said)
    question = [f"*{escape(record['question'])}*"] if record["question"] else []
    return [
        f"# {escape(title(record['analysis']))}",
        *question,
        f"**{escape(first)}**",
        "\n".join(f"- {escape(sentence)}" for sentence in others),
        effects.key_numbers(found),
        _who(found),
    ]


def _who(found: Findings) -> str:
    """Say in a line what was pooled, and how."""
    record = found.record
    k, people = record["trials"], record["participants"]
    pooled = "trials_pooled" in found.tables.get("trials", ())
    what = "published pooled estimate" if pooled else "trial"
    who = f"{k} {what}{'s' if k != 1 else ''}" + (f", {people:,} participants" if people else "")
    kinds = {"random": "random effects", "t": "Student-t effects", "common": "a common effect"}
    better = f"; {record['benefit']} is better" if record["benefit"] else ""
    return (
        f"{who}; {record['likelihood']} likelihood with {kinds[record['effects']]}; "
        f"{escape(record['priors']['name'])} priors{better}. Numbers are posterior medians with "
        "95 % equal-tailed intervals."
    )


def _picture(found: Findings, name: str) -> str:
    """Include a figure; its alternative text says what it shows."""
    path = PurePosixPath(name)
    file = path.name if path.suffix else f"{path.name}.svg"
    outcome = found.record["analysis"].replace("_", " ")
    kind = "forest plot" if path.stem == "forest" else path.stem.replace("_", " ")
    return image(f"{kind[:1].upper()}{kind[1:]}, {outcome}", f"figures/{quote(file)}")


def _made(found: Findings) -> list[str]:
    """Say what made these numbers."""
    record = found.record
    rows = [
        ["Data file", escape(record["data"])],
        ["SHA-256 of the data", f"`{escape(record['data_sha256'])}`"],
        ["Seed", str(record["seed"])],
        ["Versions", escape(", ".join(f"{k} {v}" for k, v in record["versions"].items()))],
    ]
    error = record.get("exact", {}).get("grid_error")
    if is_known(error):
        said = "below 0.000001" if error < 1e-6 else f"at most {error:.6f}"
        rows.append(["Change of a probability by a doubled grid", said])
    evidence = record.get("exact", {}).get("log_marginal_likelihood")
    if is_known(evidence):
        rows.append(["Log marginal likelihood", signed(f"{evidence:.3f}")])
    return section(
        "How it was made",
        table(["What", "Value"], rows, "ll"),
        "record.json holds every number to full precision, tables/ the same as CSV."
        + (SUBSETS if "gosh" in found.tables else ""),
    )
