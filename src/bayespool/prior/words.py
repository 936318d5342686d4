"""What a prior implies, in words and numbers that a panel can argue with."""

from __future__ import annotations

import re

from scipy.special import expit

from bayespool.measures import scale_of, to_natural
from bayespool.prior.distribution import Prior

# P(|Z| < 1.96) = 95 % for a standard normal Z.
_NORMAL_WIDTH = 2 * 1.959963984540054
WORTH_IN = {"OR": "events", "RR": "events", "HR": "events", "SMD": "patients"}


def describe(prior: Prior, measure: str = "generic", likelihood: str | None = None) -> str:
    """Say what a prior implies in natural units.

    Parameters
    ----------
    prior : Prior
    measure : str
        The measure whose analysis scale the prior is on.
    likelihood : {"binomial", "normal"}, optional
        Matters for RD alone; None is the default for counts.

    Returns
    -------
    str
        One sentence without a full stop, such as "95 % of the prior on RR lies in 0.14 to 7.1,
        worth about 4 events".
    """
    if not prior.proper:
        return f"flat on {prior.role}: no value is favoured on the analysis scale; worth no trial"
    lower, middle, upper = (float(v) for v in prior.ppf([0.025, 0.5, 0.975]))
    if prior.role == "tau":
        reach = f"{short(lower)} to {short(upper)}"
        return f"95 % of the prior on tau lies in {reach}, half of it below {short(middle)}"
    if prior.role == "phi":
        low, high = (float(v) for v in expit([lower, upper]))
        return f"95 % of the prior on a risk common to both arms lies in {share(low, high)}"
    scale = analysis_scale(measure, likelihood)
    low, high = (float(to_natural(v, scale)) for v in (lower, upper))
    name = "the effect" if measure == "generic" else measure
    events = worth(prior, measure)
    value = "" if events is None else f", worth about {short(events)} {WORTH_IN[measure]}"
    return f"95 % of the prior on {name} lies in {short(low)} to {short(high)}{value}"


def worth(prior: Prior, measure: str) -> float | None:
    """How many events (OR, RR, HR) or patients (SMD) would say as much as a prior on mu.

    4/sd², the information of a trial with equal arms and rare events (Spiegelhalter, Abrams &
    Myles 2004); sd is that of the normal with the same 95 % range, so that heavy
    tails do not hide the centre. None for measures where that depends on the outcome.
    """
    if measure not in WORTH_IN or not prior.proper:
        return None
    lower, upper = (float(v) for v in prior.ppf([0.025, 0.975]))
    return 4 * (_NORMAL_WIDTH / (upper - lower)) ** 2


def analysis_scale(measure: str, likelihood: str | None) -> str:
    """Scale of mu; RD without a likelihood is taken as counts."""
    return scale_of(measure, likelihood or ("binomial" if measure == "RD" else "normal"))


def short(x: float) -> str:
    """Two significant digits without padding: 0.14, 7.1, 160, 3.3e8."""
    text = f"{float(f'{x:.2g}'):g}"
    return re.sub(r"e([+-])0*", lambda m: "e-" if m[1] == "-" else "e", text)


def percent(p: float) -> str:
    """Print a probability as 5 %, 0.3 %, <0.1 % or >99.9 %."""
    if p < 0.001:
        return "<0.1 %"
    if p > 0.999:
        return ">99.9 %"
    digits = 1 if min(p, 1 - p) < 0.0095 else 0
    return f"{100 * p:.{digits}f} %"


def share(low: float, high: float) -> str:
    """Print a range of probabilities, with <0.001 and >0.999 at the ends."""

    def one(p: float) -> str:
        return "<0.001" if p < 0.001 else ">0.999" if p > 0.999 else short(p)

    return f"{one(low)} to {one(high)}"
