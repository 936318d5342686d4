"""The odds ratio of the trials whose risk ratio would carry a risk past 1."""

from __future__ import annotations

from bayespool.errors import DataError, PriorError
from bayespool.exact import surface
from bayespool.posterior import Posterior
from bayespool.prior import DEFAULT_PHI
from bayespool.prior import priors as set_called
from bayespool.trials import Trials

__all__ = ["by_odds"]


def by_odds(posterior: Posterior, trials: Trials, double_zero: str = "drop") -> Posterior | None:
    """The posterior of the OR beside one of the RR, exact; None where it cannot be known.

    Only the weak and the vague set have a counterpart on the log odds ratio: any other prior on
    the log risk ratio says nothing about it.

    Parameters
    ----------
    posterior : Posterior
        Of the RR.
    trials : Trials
        With counts.
    double_zero : {"drop", "keep"}
        As for `surface`.
    """
    own = posterior.priors
    if posterior.measure != "RR" or own is None or own.name not in ("weak", "vague"):
        return None
    phi = own.phi or DEFAULT_PHI
    try:
        table = surface(trials, "OR", posterior.likelihood, posterior.effects, phi, double_zero)
        return table.posterior(set_called("OR", own.name, phi=own.phi))
    except (DataError, PriorError):
        return None
