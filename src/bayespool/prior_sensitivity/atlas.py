"""The prior atlas: the answer over the plane of the two priors' widths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayespool.axes import Array
from bayespool.decisions import Question
from bayespool.errors import UsageError
from bayespool.exact import Surface
from bayespool.measures import from_natural, to_natural
from bayespool.prior import Priors
from bayespool.prior_sensitivity.families import equivalent_sd, normal, ranges, tau_family
from bayespool.prior_sensitivity.plane import Plane, checked_question

__all__ = ["prior_atlas"]

SIZE = 32


def prior_atlas(
    surface: Surface,
    priors: Priors | None = None,
    benefit: str | None = None,
    threshold: float | str | None = None,
    new: bool = False,
    mu_sd: Sequence[float] | Array | None = None,
    tau_scale: Sequence[float] | Array | None = None,
    centre: float | None = None,
) -> pd.DataFrame:
    """Probability of benefit over the plane of mu-prior SD × tau-prior scale.

    Every cell is a posterior of its own; all are one pair of matrix products.

    Parameters
    ----------
    surface : Surface
    priors : Priors, optional
        The main prior set: its family of tau is scaled, its mu gives the centre.
    benefit : {"lower", "higher"}, optional
    threshold : float, natural units, optional
        No effect where it is left out.
    new : bool
        Of the effect in a new trial instead of the mean effect.
    mu_sd, tau_scale : sequences of numbers above 0, optional
        On the analysis scale; default 32 values each, in equal ratios: for ratio measures 0.05
        to 10 and 0.01 to 5, for others 0.15 to 30 and 0.03 to 15 times the trials' typical
        standard error; further where the main prior lies outside.
    centre : float, natural units, optional
        Of the normal priors on mu; default the median of ``priors.mu``, else no effect.

    Returns
    -------
    DataFrame
        ``mu_sd, tau_scale`` (analysis scale; ``tau_scale`` is the family's own scale, or tau's
        median for families without one; NaN for a common effect) and ``prob_benefit``, or
        ``prob_below`` without `benefit`, with ``_new`` at its end for a new trial. ``attrs``:
        threshold, centre (natural units), tau_family, tau_scale_is, note, and the main prior as
        ``main_mu_sd``, ``main_tau_scale`` and ``main``, its own answer.

    Raises
    ------
    PriorError
        ``priors.phi`` differs from the surface's.
    UsageError
        An SD or scale that is not above 0, an impossible threshold, or a new trial under a
        common effect.

    Notes
    -----
    Cells equal `Surface.posterior` to 1e-5 unless the data contradict the prior on tau by some
    ten of its scales: such a cell needs a grid of its own.
    """
    asked = checked_question(surface, priors, benefit, threshold, new)
    family = tau_family(None if priors is None else priors.tau)
    sds, scales = ranges(surface, priors)
    at_mu = _widths(mu_sd, "mu_sd", sds)
    at_tau = _widths(tau_scale, "tau_scale", scales)
    common = surface.effects == "common"
    middle = _centre(surface, priors, centre)
    of_mu = [normal(middle, sd) for sd in at_mu]
    of_tau = [family.at(scale) for scale in at_tau]
    reach = float(at_tau.min()), float(at_tau.max())
    widest = Priors(normal(middle, float(at_mu.max())), family.covering(*reach))
    plane = Plane.of(surface, asked, widest, of_mu, of_tau, [(middle, 2 * float(at_mu.min()))])
    log_mu, log_tau = plane.log_mu(of_mu), plane.log_tau(of_tau)
    found = plane.answers(log_mu, log_tau)
    if common:
        at_tau = np.array([np.nan])
    table = pd.DataFrame(
        {
            "mu_sd": np.repeat(at_mu, len(at_tau)),
            "tau_scale": np.tile(at_tau, len(at_mu)),
            asked.word: found.ravel(),
        }
    )
    table.attrs |= {
        "threshold": asked.label,
        "benefit": benefit,
        "centre": float(to_natural(middle, surface.scale)),
        "tau_family": None if common else family.name,
        "tau_scale_is": None if common else family.scale_is,
        "note": "" if common else family.note,
    }
    if priors is not None:
        table.attrs["main"] = _main(surface, priors, plane, asked, widest, reach)
        if priors.mu.proper:
            table.attrs["main_mu_sd"] = equivalent_sd(priors.mu)
        if not common and not family.note:
            table.attrs["main_tau_scale"] = family.scale
    return table


def _main(
    surface: Surface,
    priors: Priors,
    plane: Plane,
    asked: Question,
    widest: Priors,
    reach: tuple[float, float],
) -> float:
    """The main prior's own answer, on the atlas's grid where that holds it."""
    mu, tau, family = priors.mu, priors.tau, tau_family(priors.tau)
    held = mu.family == "Normal" and mu.values[0] == widest.mu.values[0]
    held = held and mu.values[1] <= widest.mu.values[1] and not family.note
    if held and reach[0] <= family.scale <= reach[1]:
        return float(plane.answers(plane.log_mu([mu]), plane.log_tau([tau]))[0, 0])
    return asked.chance(surface.posterior(priors)["theta_new" if asked.new else "mu"])


def _widths(given: Sequence[float] | Array | None, name: str, ends: tuple[float, float]) -> Array:
    if given is None:
        return np.geomspace(*ends, SIZE)
    found = np.atleast_1d(np.asarray(given, dtype=float))
    if found.size == 0 or not (np.isfinite(found) & (found > 0)).all():
        raise UsageError(f"{name} takes numbers above 0, not {given!r}.")
    return found


def _centre(surface: Surface, priors: Priors | None, given: float | None) -> float:
    if given is not None:
        return float(from_natural(given, surface.scale))
    return float(priors.mu.ppf(0.5)) if priors is not None and priors.mu.proper else 0.0
