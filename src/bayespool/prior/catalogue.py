"""The catalogue of named prior sets: look one up, or see them all."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence

import pandas as pd

from bayespool.errors import PriorError, UsageError
from bayespool.measures import MEASURES, to_natural
from bayespool.prior import empirical
from bayespool.prior.distribution import Prior, Priors, parse_prior
from bayespool.prior.sets import GENERAL, OPINIONS, Draft, general, opinion, published
from bayespool.prior.words import WORTH_IN, analysis_scale, worth

SETS = (*GENERAL, *OPINIONS, *empirical.LEVELS)
_UNKNOWN = (math.nan, math.nan, math.nan)
_NOTHING = Draft("", None, None, "", "", "")


def priors(
    measure: str,
    name: str = "weak",
    likelihood: str | None = None,
    important: float | None = None,
    benefit: str | None = None,
    outcome: str | None = None,
    comparison: str | None = None,
    field: str | None = None,
    mu: Prior | str | None = None,
    tau: Prior | str | None = None,
    phi: Prior | str | None = None,
) -> Priors:
    """Look up a set of priors by name.

    Parameters
    ----------
    measure : str
        OR, RR, RD, MD, SMD, ROM, HR or generic; priors are on its analysis scale.
    name : str
        ``weak``, ``vague``; ``sceptical``, ``enthusiastic``, ``pessimistic`` (with `important`
        and `benefit`); ``turner2012``, ``turner2015`` (OR, RR), ``rhodes2015`` (SMD),
        ``bartos2023``, with the row of the table after a colon:
        ``turner2015:all-cause-mortality/pharmacological-vs-placebo``,
        ``rhodes2015:respiratory/biomarker/pharmacological-vs-placebo``,
        ``bartos2023:acute-respiratory-infections``. A part may be cut short while it fits one
        row alone; without any, it is the row for the whole collection.
    likelihood : {"binomial", "normal"}, optional
        Matters for RD alone, where the binomial likelihood has atanh(RD); None means binomial.
    important : float, optional
        Smallest effect that matters, in natural units and on the side of benefit: 0.7 for a
        ratio where lower is better, -0.05 for a risk difference.
    benefit : {"lower", "higher"}, optional
        Which side that is.
    outcome, comparison, field : str, optional
        The row of a published table, as an alternative to the colon; `field` is Rhodes' area.
    mu, tau, phi : Prior or str, optional
        Put in place of the set's own. With both mu and tau the set is ``custom``.

    Raises
    ------
    PriorError
        The measure has no such set, or a prior cannot be read.
    UsageError
        An unknown name or row, or `important` or `benefit` missing or contradictory.

    Notes
    -----
    Sceptical: centred on no effect, P(effect beyond important) = 5 %. Enthusiastic: centred on
    important, P(harm) = 5 %; pessimistic is its mirror (Spiegelhalter, Freedman & Parmar 1994,
    J R Stat Soc A 157:357). All are normal on the analysis scale, with the weak prior on tau.
    """
    scale = analysis_scale(measure, likelihood)
    parts = {"outcome": outcome, "comparison": comparison, "field": field}
    draft = _draft(name, measure, scale, important, benefit, parts)
    if mu is not None and tau is not None:
        return Priors(mu, tau, phi, reason="The analyst's own priors.")
    label, about_mu, about_tau = draft.name, draft.about_mu, draft.about_tau
    if mu is not None:
        label, about_mu = f"{label} with own mu", "The prior on mu is the analyst's own."
    if tau is not None:
        label, about_tau = f"{label} with own tau", "The prior on tau is the analyst's own."
    mu = draft.mu if mu is None else mu
    tau = draft.tau if tau is None else tau
    if mu is None or tau is None:
        raise _to_write(draft, measure, mu, tau)
    return Priors(mu, tau, phi, label, f"{about_mu} {about_tau}", draft.source)


def catalogue_table(
    measure: str | None = None,
    likelihood: str | None = None,
    important: float | None = None,
    benefit: str | None = None,
    sets: Sequence[str] = SETS,
) -> pd.DataFrame:
    """Tabulate every prior set, one row a set and measure.

    Parameters
    ----------
    measure, likelihood, important, benefit
        As for `priors`; without a measure, all of them.
    sets : sequence of str
        Which collections: ``"weak"``, ``"turner2015"``, ...

    Returns
    -------
    DataFrame
        ``set`` (the collection), ``name`` (for `priors`), ``measure``, ``mu`` and ``tau`` (text,
        empty where it needs `important` or is the analyst's to write), ``mu_lower``,
        ``mu_upper`` (95 % range, natural units), ``tau_median``, ``tau_lower``, ``tau_upper``
        (95 % range), ``worth`` and ``worth_in`` (4/sd², in events or patients), ``reason``,
        ``source``. NaN where there is none.

    Raises
    ------
    UsageError
        `important` without a measure, or impossible for it; an unknown set.
    """
    if measure is None and important is not None:
        raise UsageError("important is in the units of one measure: name the measure too.")
    records = []
    for each in MEASURES if measure is None else [measure]:
        scale = analysis_scale(each, likelihood)
        for name in sets:
            if name in empirical.LEVELS:
                drafts = [published(row, each, scale) for row in empirical.rows(name, each)]
            elif name in OPINIONS:
                drafts = [opinion(name, each, scale, important, benefit)]
            elif name in GENERAL:
                drafts = [general(name, each, scale)]
            else:
                raise _unknown(name)
            records += [_record(name, draft, each, scale) for draft in drafts]
    return pd.DataFrame(records, columns=list(_record("", _NOTHING, "RR", "log")))


def _draft(
    name: str,
    measure: str,
    scale: str,
    important: float | None,
    benefit: str | None,
    parts: dict[str, str | None],
) -> Draft:
    collection, colon, row = name.partition(":")
    given = [part for part, value in parts.items() if value]
    if collection in empirical.LEVELS:
        levels = ["field" if level == "area" else level for level in empirical.LEVELS[collection]]
        if given and colon:
            raise UsageError(f"{name} names its row already: leave out {' and '.join(given)}.")
        if extra := [part for part in given if part not in levels]:
            known = ", ".join(levels)
            raise UsageError(f"{collection} has no {' and '.join(extra)}: it has {known}.")
        keys = row.split("/") if colon else [parts[level] for level in levels]
        return published(empirical.find(collection, measure, keys), measure, scale)
    if name not in GENERAL + OPINIONS:
        raise _unknown(name)
    if given:
        raise UsageError(f"the {name} prior has no {' and '.join(given)}.")
    if name in GENERAL:
        return general(name, measure, scale)
    if important is None:
        raise UsageError(
            f"the {name} prior needs important, the smallest effect that matters, and benefit, "
            f'the side it is on: priors("{measure}", "{name}", important=…, benefit="lower"), '
            "or --important and --benefit on the command line."
        )
    return opinion(name, measure, scale, important, benefit)


def _record(name: str, draft: Draft, measure: str, scale: str) -> dict[str, object]:
    mu = draft.mu and parse_prior(draft.mu, "mu")
    tau = draft.tau and parse_prior(draft.tau, "tau")
    mu_lower, mu_upper = to_natural(mu.ppf([0.025, 0.975]), scale) if mu else _UNKNOWN[:2]
    tau_lower, tau_median, tau_upper = tau.ppf([0.025, 0.5, 0.975]) if tau else _UNKNOWN
    value = worth(mu, measure) if mu else None
    return {
        "set": name,
        "name": draft.name,
        "measure": measure,
        "mu": draft.mu or "",
        "tau": draft.tau or "",
        "mu_lower": mu_lower,
        "mu_upper": mu_upper,
        "tau_median": tau_median,
        "tau_lower": tau_lower,
        "tau_upper": tau_upper,
        "worth": math.nan if value is None else value,
        "worth_in": "" if value is None else WORTH_IN[measure],
        "reason": f"{draft.about_mu} {draft.about_tau}".strip(),
        "source": draft.source,
    }


def _to_write(
    draft: Draft, measure: str, mu: Prior | str | None, tau: Prior | str | None
) -> PriorError:
    missing = [word for word, prior in (("mu", mu), ("tau", tau)) if prior is None]
    half = "tau half as wide as mu, and mu wide enough for any difference that could be real"
    example = {"mu": 'mu="Normal(0, 10)"', "tau": 'tau="HalfNormal(5)"'}
    write = " and ".join(example[word] for word in missing)
    shell = " ".join(f"--{example[word].replace('=', ' ', 1)}" for word in missing)
    return PriorError(
        f"{measure} has no {draft.name} prior on {' and '.join(missing)}: it depends on the unit "
        f"of the outcome. Write it in that unit: for days, say, {write}"
        f"{f' ({half})' if len(missing) == 2 else ''}; on the command line "
        f"{shell}. A common effect does not use tau."
    )


def _unknown(name: str) -> UsageError:
    close = difflib.get_close_matches(name.partition(":")[0], SETS, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return UsageError(f"there is no prior set {name!r}.{hint} The sets are {', '.join(SETS)}.")
