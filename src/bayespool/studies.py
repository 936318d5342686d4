"""Every sensitivity question by name: its table, its figure and its sentence.

A study asks one question of an analysis that has the exact engine. What it finds never enters
the answer itself; it stands beside it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayespool import comparison, prior_sensitivity, subsets
from bayespool.errors import DataError, PriorError, UsageError
from bayespool.prior import DEFAULT_PHI, Priors
from bayespool.prior import priors as set_called

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["STUDIES", "Finding", "Study", "flag_of", "named", "run"]

MOST_PAIRS = 40  # trials, up to which all pairs are left out
DOUBTED = (("risk_of_bias", ["high"]), ("confidence", ["low", "medium"]))


@dataclass(frozen=True)
class Study:
    """One question.

    ``ask`` makes its table from an analysis; ``lacks`` says why it cannot, or "". ``draw`` is its
    function in `figures` ("" for none), ``say`` that in `prose`, each in a module of its name.
    """

    name: str
    title: str
    ask: Callable[[Any], pd.DataFrame]
    lacks: Callable[[Any], str] = lambda analysis: ""
    draw: str = ""
    say: str = ""


@dataclass(frozen=True, eq=False)
class Finding:
    """What a study found: a tidy table, a sentence in plain words, and how to draw it."""

    study: Study
    table: pd.DataFrame
    sentence: str

    def figure(self, record: dict[str, Any]) -> Figure | None:
        """Draw it; None where the study has no picture."""
        if not self.study.draw:
            return None
        made: Figure = _function("figures", self.study.draw)(self.table, record)
        return made


def run(
    analysis: Any,
    only: Sequence[str] | str | None = None,
    say: Callable[[str], None] = lambda stage: None,
) -> dict[str, Finding]:
    """Run the studies that apply.

    Parameters
    ----------
    analysis : Analysis
        With the exact engine.
    only : sequence of names, or "all"
        Those of `STUDIES`; None is all. One asked for by name that does not apply is an error.
    say : callable
        Told each study's name as it begins.

    Raises
    ------
    UsageError
        An unknown name, a study that this analysis cannot have, or no exact engine.
    """
    if analysis.surface is None or analysis.exact is None:
        raise UsageError('sensitivity is answered by the exact engine: use engine="both".')
    wanted = named(only)
    found: dict[str, Finding] = {}
    for name in wanted:
        study = STUDIES[name]
        reason = study.lacks(analysis)
        if reason:
            if only is not None and only != "all":
                raise UsageError(f"{name}: {reason}")
            continue
        say(study.title)
        try:
            table = study.ask(analysis)
        except (DataError, PriorError) as error:  # a side question must not end the analysis
            if only is not None and only != "all":
                raise
            say(f"{study.title}: no answer ({error})")
            continue
        found[name] = Finding(study, table, _function("prose", study.say)(table, analysis.record))
    return found


def _function(room: str, name: str) -> Callable[..., Any]:
    """The function of a study in a room: its module bears its name, or stands before a dot."""
    module, _, function = name.partition(".")
    found: Callable[..., Any] = getattr(
        import_module(f"bayespool.{room}.{module}"), function or module
    )
    return found


def named(only: Sequence[str] | str | None) -> list[str]:
    """Read names of studies; UsageError that lists them all for an unknown one."""
    if only is None or only == "all":
        return list(STUDIES)
    names = [only] if isinstance(only, str) else list(only)
    for name in names:
        if name not in STUDIES:
            close = difflib.get_close_matches(name, STUDIES, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise UsageError(
                f"there is no study {name!r}.{hint} Choose among {', '.join(STUDIES)}."
            )
    return list(dict.fromkeys(names))


def flag_of(analysis: Any) -> dict[str, list[str]]:
    """Which trials the trust dial doubts: the analyst's flag, else those marked in the file."""
    if analysis.doubted:
        return dict(analysis.doubted)
    frame = analysis.trials.frame
    for column, values in DOUBTED:
        if column in frame and frame[column].isin(values).any():
            return {column: values}
    return {}


# --- the questions ---------------------------------------------------------------------------


def _atlas(a: Any) -> pd.DataFrame:
    return prior_sensitivity.prior_atlas(a.surface, a.priors, a.benefit)


def _tipping(a: Any) -> pd.DataFrame:
    return prior_sensitivity.tipping_prior(
        a.surface, a.priors, a.benefit, important=a.important if a.benefit else None
    )


def _readings(a: Any) -> pd.DataFrame:
    others = subsets.scenarios(a.readings_of, a.name)
    return subsets.readings(a.surface, a.priors, others, a.benefit, double_zero=a.double_zero)


def _has_readings(a: Any) -> str:
    if not a.readings_of or not subsets.scenarios(a.readings_of, a.name):
        return (
            "there is no file of other readings of these data (--alternatives FILE.csv, or "
            "alternatives= in Python)."
        )
    return ""


def _trust(a: Any) -> pd.DataFrame:
    flag = flag_of(a)
    table = subsets.trust_dial(a.surface, a.priors, flag, a.benefit)
    table.attrs["flag"] = "; ".join(
        f"{name} = {' or '.join(map(str, v))}" for name, v in flag.items()
    )
    return table


def _has_doubts(a: Any) -> str:
    if few := _several(a):
        return few
    flag = flag_of(a)
    if not flag:
        columns = " or ".join(column for column, _ in DOUBTED)
        return f"no trial is marked as doubtful: give a flag, or a column {columns}."
    marked = subsets.flagged(a.surface, flag)
    return "" if len(marked) > 0 else "no trial that counts here carries the flag."


def _averaging(a: Any) -> pd.DataFrame:
    """The models averaged, and the Bayes factor of an effect under the other prior sets."""
    table = comparison.model_average(a.surface, a.priors, a.benefit)
    others = [
        Priors(row["mu"], row["tau"], a.priors.phi, row["prior"])
        for row in a.record.get("other_priors", ())
        if row["prior"] != a.priors.name
    ]
    factors = comparison.inclusion_factors(a.surface, others)
    if len(factors):
        told = table.attrs
        table = pd.concat([table, factors], ignore_index=True)
        table.attrs = told
    return table


def _measures(a: Any) -> pd.DataFrame:
    sets = {measure: set_called(measure, a.priors.name) for measure in ("RR", "OR", "RD")}
    return comparison.side_by_side(
        a.trials, sets, a.benefit, a.priors.phi or DEFAULT_PHI, a.double_zero
    )


def _counts_by_a_set(a: Any) -> str:
    if a.trials.layout != "binary" or a.measure not in ("OR", "RR", "RD"):
        return "OR, RR and RD side by side need counts."
    if a.priors.name not in ("weak", "vague"):
        return "OR, RR and RD side by side need priors that are on every scale: weak or vague."
    return _several(a)


def _several(a: Any) -> str:
    if len(a.surface.kept) < 2:
        return "it needs two trials or more."
    return _trials(a)


def _trials(a: Any) -> str:
    pooled = "trials_pooled" in a.trials.frame
    return "a published pooled estimate has no trials to leave out." if pooled else ""


def _three(a: Any) -> str:
    return _several(a) or ("" if len(a.surface.kept) > 2 else "it needs three trials or more.")


def _pairs(a: Any) -> str:
    if len(a.surface.kept) > MOST_PAIRS:
        return f"all pairs of more than {MOST_PAIRS} trials are too many to read."
    return _three(a)


def _years(a: Any) -> str:
    return _several(a) or ("" if "year" in a.trials.frame else "it needs a column year.")


def _groups(a: Any) -> str:
    frame = a.trials.frame
    if "subgroup" not in frame or frame["subgroup"].nunique() < 2:
        return "it needs a column subgroup with two values or more."
    return _several(a)


def _random(a: Any) -> str:
    return _trials(a) or ("a common effect has no tau." if a.effects == "common" else "")


def _comparable(a: Any) -> str:
    if not (a.priors.mu.proper and a.priors.tau.proper):
        return "models are compared by marginal likelihood, which needs proper priors."
    return _several(a)


def _averaged(a: Any) -> str:
    if a.effects == "t":
        return "averaging is over normal effects."
    return _comparable(a) or _random(a)


STUDIES: dict[str, Study] = {
    study.name: study
    for study in (
        Study("atlas", "prior atlas", _atlas, _random, "prior_atlas", "prior_atlas"),
        Study("tipping", "tipping prior", _tipping, draw="tipping", say="tipping"),
        Study(
            "leave-one-out",
            "leave one out",
            lambda a: subsets.leave_one_out(a.surface, a.priors, a.benefit),
            _several,
            "leave_one_out",
            "leave_one_out",
        ),
        Study(
            "leave-two-out",
            "leave two out",
            lambda a: subsets.leave_two_out(a.surface, a.priors, a.benefit),
            _pairs,
            "leave_two_out",
            "leave_two_out",
        ),
        Study(
            "cumulative",
            "cumulative by year",
            lambda a: subsets.cumulative(a.surface, a.priors, a.benefit),
            _years,
            "cumulative",
            "cumulative",
        ),
        Study(
            "subgroup",
            "by subgroup",
            lambda a: subsets.by_subgroup(a.surface, a.priors, "subgroup", a.benefit),
            _groups,
            "by_subgroup",
            "by_subgroup",
        ),
        Study(
            "gosh",
            "every subset of the trials (GOSH)",
            lambda a: subsets.gosh(a.surface, a.priors, a.benefit),
            _three,
            "gosh",
            "gosh",
        ),
        Study("trust", "trust dial", _trust, _has_doubts, "trust", "trust"),
        Study("readings", "other readings of the data", _readings, _has_readings, "readings",
              "readings"),
        Study(
            "power",
            "exact power scaling",
            lambda a: prior_sensitivity.power_scaling(a.surface, a.priors, a.benefit),
            lambda a: "",
            "power_scaling",
            "power_scaling",
        ),
        Study(
            "left-out-predictive",
            "each trial predicted by the others",
            lambda a: comparison.leave_trial_out(a.surface, a.priors, a.benefit),
            _several,
            "loo",
            "loo",
        ),
        Study(
            "models",
            "common, normal and t effects",
            lambda a: comparison.compare_effects(a.surface, a.priors, a.benefit),
            _comparable,
            "models",
            "models",
        ),
        Study(
            "averaging",
            "model averaging",
            _averaging,
            _averaged,
            "averaging",
            "averaging",
        ),
        Study(
            "measures-side-by-side",
            "measures side by side",
            _measures,
            _counts_by_a_set,
            say="models.measures_beside",
        ),
        Study(
            "tau",
            "what the data taught about tau",
            lambda a: prior_sensitivity.tau_learned(a.exact),
            _random,
            "tau_learned",
            "tau_learned",
        ),
    )
}  # fmt: skip
