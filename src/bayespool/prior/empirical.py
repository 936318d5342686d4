"""Published priors, learnt from thousands of meta-analyses: the packaged tables, row by row."""

from __future__ import annotations

import csv
import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from bayespool.errors import UsageError
from bayespool.prior.distribution import parse_prior
from bayespool.prior.text import canonical
from bayespool.prior.words import percent

SOURCES = {
    "turner2012": "Turner et al. 2012, Int J Epidemiol 41:818",
    "turner2015": "Turner et al. 2015, Stat Med 34:984, table IV, doi 10.1002/sim.6381",
    "rhodes2015": "Rhodes et al. 2015, J Clin Epidemiol 68:52, doi 10.1016/j.jclinepi.2014.08.012",
    "bartos2023": (
        "Bartoš et al. 2021, Stat Med, doi 10.1002/sim.9170 (SMD); Bartoš et al. 2023, "
        "arXiv 2306.11468 (OR, RR, RD, HR); numbers as in R BayesTools"
    ),
}
LEVELS = {
    "turner2012": ("outcome", "comparison"),
    "turner2015": ("outcome", "comparison"),
    "rhodes2015": ("area", "outcome", "comparison"),
    "bartos2023": ("field",),
}
MEASURES_OF = {
    "turner2012": ("OR", "RR"),
    "turner2015": ("OR", "RR"),
    "rhodes2015": ("SMD",),
    "bartos2023": ("OR", "RR", "RD", "SMD", "HR"),
}
# What stands for the whole of a collection; turner2012 has no such row.
_WHOLE = {"turner2015": ("any",), "rhodes2015": ("any",), "bartos2023": ("cochrane",)}
_BARTOS_KEYS = {"SMD": "smd", "OR": "logor", "RR": "logrr", "RD": "rd", "HR": "loghr"}
# Rhodes abbreviates in two of the three areas.
_RHODES_OUTCOMES = {"general": "general health/AE/pain/QoL", "signs": "signs/infection"}
# The table is otherwise location = area + outcome + comparison, and its scales for "other" are
# those for "respiratory" to 0.02; here stand the parameter and what that pattern would give.
RHODES_OFF_PATTERN = {
    ("other", "mental", "nonpharmacological_vs_any"): ("location", -3.85, -2.85),
    ("cancer", "structure", "pharmacological_vs_placebo"): ("location", -0.13, 0.13),
    ("other", "obstetric", "nonpharmacological_vs_any"): ("scale", 2.11, 2.21),
}


@dataclass(frozen=True)
class Row:
    """One row of a published table: ``path`` in its own words, priors as text, what to mind.

    ``mu`` is None where the table is about heterogeneity alone.
    """

    collection: str
    path: tuple[str, ...]
    mu: str | None
    tau: str
    published: str
    mind: str = ""

    @property
    def name(self) -> str:
        """``turner2015:all-cause-mortality/pharmacological-vs-placebo``."""
        path = self.path[:1] if set(self.path) == {"any"} else self.path
        return f"{self.collection}:{'/'.join(slug(part) for part in path)}"


def slug(text: str) -> str:
    """Lower case, letters and digits joined by hyphens: ``"HIV/AIDS"`` gives ``"hiv-aids"``."""
    return "-".join(re.findall(r"[^\W_]+", text.lower()))


@cache
def rows(collection: str, measure: str) -> tuple[Row, ...]:
    """All rows of a collection that suit a measure, in the table's order."""
    if measure not in MEASURES_OF[collection]:
        return ()
    if collection == "bartos2023":
        return tuple(_bartos(measure))
    if collection == "rhodes2015":
        return tuple(_rhodes())
    return tuple(_turner(collection, measure))


def find(collection: str, measure: str, keys: Sequence[str | None]) -> Row:
    """Look up a row by its parts, each exact, or a piece that fits one option alone.

    Parameters
    ----------
    collection : {"turner2012", "turner2015", "rhodes2015", "bartos2023"}
    measure : str
    keys : sequence of str or None
        In the order of ``LEVELS``; without any, the row for the whole of the collection.

    Raises
    ------
    UsageError
        No row, or more than one; it lists the options.
    """
    found = rows(collection, measure)
    if not found:
        other = [name for name, measures in MEASURES_OF.items() if measure in measures]
        hint = f" For {measure} there is {' and '.join(other)}."
        if not other:
            hint = f" For {measure} write priors of your own, mu and tau."
        raise UsageError(
            f"{collection} is about {' and '.join(MEASURES_OF[collection])}, not {measure}.{hint}"
        )
    levels = LEVELS[collection]
    if len(keys) > len(levels):
        raise UsageError(f"{collection} takes {collection}:{'/'.join(levels).upper()} at most.")
    if not any(keys):
        keys = _WHOLE.get(collection, ())
    for depth, level in enumerate(levels):
        options = list(dict.fromkeys(row.path[depth] for row in found))
        key = keys[depth] if depth < len(keys) else None
        part = _choose(collection, level, key, options)
        found = tuple(row for row in found if row.path[depth] == part)
    return found[0]


def _choose(collection: str, level: str, key: str | None, options: list[str]) -> str:
    slugs = {slug(option): option for option in options}
    if not key and len(options) == 1:
        return options[0]
    choice = f"Choose one of {', '.join(slugs)}."
    if not key:
        raise UsageError(f"{collection} needs its {level} too. {choice}")
    wanted = slug(key)
    if wanted in slugs:
        return slugs[wanted]
    fits = [name for name in slugs if wanted and wanted in name]
    if len(fits) == 1:
        return slugs[fits[0]]
    if fits:
        raise UsageError(
            f"{collection}: {key!r} fits more than one {level}. Choose one of {', '.join(fits)}."
        )
    close = difflib.get_close_matches(wanted, slugs, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise UsageError(f"{collection} has no {level} {key!r}.{hint} {choice}")


def table(name: str) -> str:
    """Text of a packaged table."""
    return (resources.files("bayespool") / "tables" / name).read_text(encoding="utf-8")


def _records(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(table(name).splitlines()))


def _turner(collection: str, measure: str) -> list[Row]:
    mind = (
        "It was estimated for log odds ratios; one for log risk ratios, whose tau is mostly "
        "smaller, would be narrower."
        if measure == "RR"
        else ""
    )
    found = []
    for record in _records(f"{collection}_log_or.csv"):
        mean, sd = float(record["mean_log_tau2"]), float(record["sd_log_tau2"])
        tau = canonical("LogNormal", (mean / 2, sd / 2))
        path = (record["outcome"], record["comparison"])
        published = f"log(tau²) ~ {canonical('Normal', (mean, sd))}"
        found.append(Row(collection, path, None, tau, published, mind))
    return found


def _rhodes() -> list[Row]:
    found = []
    for record in _records("rhodes2015_smd.csv"):
        outcome = record["outcome"]
        path = (record["area"], _RHODES_OUTCOMES.get(outcome, outcome), record["comparison"])
        t = (5.0, float(record["location_log_tau2"]), float(record["scale_log_tau2"]))
        mind = ""
        if path in RHODES_OFF_PATTERN:
            what, printed, pattern = RHODES_OFF_PATTERN[path]
            mind = (
                f"The published {what}, {printed}, departs from the pattern of the rest of the "
                f"table, {pattern}: perhaps a misprint, kept as published."
            )
        published = f"log(tau²) ~ {canonical('StudentT', t)}"
        found.append(Row("rhodes2015", path, None, canonical("LogStudentT", t), published, mind))
    return found


def _bartos(measure: str) -> list[Row]:
    both = json.loads(table("bartos2023.json"))[_BARTOS_KEYS[measure]]
    found = []
    for field, effect in both["effect"].items():
        spread = both["heterogeneity"].get(field)
        if spread is None:  # Childhood Cancer has a prior for the effect alone
            continue
        mu = canonical("StudentT", (effect["df"], effect["location"], effect["scale"]))
        if spread["dist"] == "invgamma":
            tau = canonical("InverseGamma", (spread["shape"], spread["scale"]))
            near_zero = percent(float(parse_prior(tau, "tau").cdf(0.05)))
            mind = (
                f"An inverse gamma has little mass near 0, P(tau < 0.05) = {near_zero}: without "
                "the model of no heterogeneity beside it, it forces some on trials that agree."
            )
        else:
            tau = canonical("HalfNormal", (spread["sd"],))
            mind = (
                "It was estimated on the risk difference itself; the binomial likelihood uses it "
                "for atanh(RD), the same to 1 % below 0.17."
            )
        found.append(Row("bartos2023", (field,), mu, tau, f"mu ~ {mu}, tau ~ {tau}", mind))
    return found
