"""What each named set says about mu and tau, before a user puts in priors of their own."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtri

from bayespool.errors import UsageError
from bayespool.measures import MEASURES, from_natural, to_natural
from bayespool.prior.distribution import parse_prior
from bayespool.prior.empirical import SOURCES, Row
from bayespool.prior.text import canonical
from bayespool.prior.words import percent, short

# mu and tau for ratio measures and SMD, and for RD; MD and generic depend on the outcome's unit.
_GENERAL = {
    "weak": (("Normal(0, 1)", "HalfNormal(0.5)"), ("Normal(0, 0.3)", "HalfNormal(0.15)")),
    "vague": (("Normal(0, 10)", "HalfCauchy(1)"), ("Normal(0, 1)", "HalfCauchy(0.3)")),
}
_GENERAL_IDEAS = {
    "weak": "No direction favoured; effects beyond ordinary experience are unlikely.",
    "vague": "No direction favoured; hardly any effect is unlikely.",
}
_OPINIONS = {
    "sceptical": "Centred on no effect, with a 5 % chance of a benefit beyond important.",
    "enthusiastic": "Centred on the important benefit, with a 5 % chance of harm.",
    "pessimistic": "Centred on the harm that mirrors the important benefit, with a 5 % chance "
    "of benefit.",
}
GENERAL, OPINIONS = tuple(_GENERAL), tuple(_OPINIONS)
_WEAK_SOURCE = "tau: Röver et al. 2021, Res Synth Methods 12:448"
_OPINION_SOURCE = "Spiegelhalter, Freedman & Parmar 1994, J R Stat Soc A 157:357"
_Z_95 = float(ndtri(0.95))


@dataclass(frozen=True)
class Draft:
    """A named set for one measure; mu or tau is None where the user has to write it."""

    name: str
    mu: str | None
    tau: str | None
    about_mu: str
    about_tau: str
    source: str


def general(name: str, measure: str, scale: str) -> Draft:
    """Return the set weak or vague."""
    if measure in ("MD", "generic"):
        about = f"There is no {name} prior: it depends on the outcome's unit."
        return Draft(name, None, None, about, "", "")
    mu, tau = _GENERAL[name][measure == "RD"]
    published = name == "weak" and MEASURES[measure].ratio
    source = _WEAK_SOURCE if published else "this package"
    about = f"{_GENERAL_IDEAS[name]} {about_mu(mu, measure, scale)}"
    return Draft(name, mu, tau, about, about_tau(tau), source)


def opinion(
    name: str, measure: str, scale: str, important: float | None, benefit: str | None
) -> Draft:
    """Return the set sceptical, enthusiastic or pessimistic; without `important`, its idea."""
    tau = general("weak", measure, scale).tau
    spread = about_tau(tau) if tau else ""
    if important is None:
        return Draft(name, None, tau, _OPINIONS[name], spread, _OPINION_SOURCE)
    x = _matters(measure, scale, important, benefit)
    mu = canonical("Normal", (0.0 if name == "sceptical" else x, abs(x) / _Z_95))
    if name == "pessimistic":
        mu = canonical("Normal", (-x, abs(x) / _Z_95))
    good, bad = ("<", ">") if x < 0 else (">", "<")
    null, mirror = MEASURES[measure].null, float(to_natural(-x, scale))
    about = {
        "sceptical": f"Centred on no effect: P({measure} {good} {important:.3g}) = 5 %.",
        "enthusiastic": f"Centred on {measure} {important:.3g}: P({measure} {bad} {null:g}) = 5 %.",
        "pessimistic": f"Centred on {measure} {short(mirror)}, the harm that mirrors a benefit of "
        f"{important:.3g}: P({measure} {good} {null:g}) = 5 %.",
    }[name]
    return Draft(name, mu, tau, about, spread, _OPINION_SOURCE)


def published(row: Row, measure: str, scale: str) -> Draft:
    """Return the set of one row of a published table; mu is weak where the table has none."""
    where = " / ".join(part.replace("_", " ") for part in row.path)
    mu = row.mu or general("weak", measure, scale).mu
    assert mu is not None  # every measure with a published table has a weak prior
    kind = "Effects and heterogeneity" if row.mu else "Heterogeneity"
    about = f"{kind} of earlier meta-analyses ({where}): {row.published}."
    words = " ".join(filter(None, (about, about_tau(row.tau), row.mind)))
    prefix = "" if row.mu else "mu is the weak prior: "
    return Draft(
        row.name, mu, row.tau, prefix + about_mu(mu, measure, scale), words, SOURCES[row.collection]
    )


def about_mu(text: str, measure: str, scale: str) -> str:
    """Say a prior on mu as the probability of a range of ordinary effects."""
    low, high = (0.5, 2.0) if scale == "log" else (-0.1, 0.1) if measure == "RD" else (-0.5, 0.5)
    ends = from_natural([low, high], scale)
    p = float(parse_prior(text, "mu").cdf(ends) @ [-1, 1])
    return f"P({low:g} < {measure} < {high:g}) = {percent(p)}."


def about_tau(text: str) -> str:
    """Say a prior on tau by its median and its upper 5 %."""
    middle, high = parse_prior(text, "tau").ppf([0.5, 0.95])
    return f"P(tau > {short(float(middle))}) = 50 %, P(tau > {short(float(high))}) = 5 %."


def _matters(measure: str, scale: str, important: float, benefit: str | None) -> float:
    """Analysis-scale value of the smallest effect that matters, checked against its side."""
    if benefit not in ("lower", "higher"):
        raise UsageError(f"benefit says which side is better: lower or higher, not {benefit!r}.")
    # tanh's bounds hold for a risk difference whatever the likelihood.
    x = float(from_natural(important, "atanh" if measure == "RD" else scale))
    if x != 0 and (x < 0) == (benefit == "lower"):
        return float(from_natural(important, scale))
    null, side = MEASURES[measure].null, "below" if benefit == "lower" else "above"
    if x == 0 or math.isclose(important, null):
        hint = ""
    else:
        mirror = float(to_natural(-x, scale)) if scale == "log" else -important
        hint = f" Did you mean {short(mirror)}?"
    raise UsageError(
        f"important = {important:g} is no benefit where {benefit} is better: it must lie {side} "
        f"{null:g} ({MEASURES[measure].long}).{hint}"
    )
