"""Reverse Bayes: the prior at which the conclusion tips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from bayespool.axes import Array
from bayespool.decisions import Question
from bayespool.errors import UsageError
from bayespool.exact import Surface
from bayespool.measures import from_natural, symbol, to_natural
from bayespool.prior import Prior, Priors, check_proper, worth
from bayespool.prior.words import WORTH_IN
from bayespool.prior_sensitivity import say
from bayespool.prior_sensitivity.families import (
    LOCATION,
    equivalent_sd,
    normal,
    ranges,
    shifted,
    tau_family,
)
from bayespool.prior_sensitivity.plane import Line, Plane, checked_question

__all__ = ["tipping_prior"]

LEVELS = (0.95, 0.9, 0.8)
SCAN = 200  # places at which a family is looked at before its roots are solved
FARTHEST = 6  # SDs of the main prior that its centre is moved, beyond where the trials lie
COLUMNS = (
    *("what", "level", "direction", "root", "natural_root"),
    *("worth", "worth_in", "prior_important", "says"),
)


@dataclass(frozen=True)
class Path:
    """One family of priors: its members along x, and P(benefit) under each."""

    what: str
    x: Array
    prior: Callable[[float], Prior]
    answer: Callable[[float], float]
    main: float  # where the main prior lies on x
    text: str  # the family in words, in the singular
    log: bool  # whether nearness goes by ratio


def tipping_prior(
    surface: Surface,
    priors: Priors,
    benefit: str | None,
    threshold: float | str | None = None,
    levels: Sequence[float] | float = LEVELS,
    important: float | None = None,
) -> pd.DataFrame:
    """Find the priors under which the probability of benefit equals each level.

    Reverse Bayes (Matthews 2001, J Stat Plan Inference 94:43; Held et al. 2022, Res Synth
    Methods 13:295), along three families, the rest of the main prior set kept:

    - "sceptical prior": mu ~ Normal(0, sd), centred on no effect; the root is its SD;
    - "tau scale": tau's prior made wider or narrower; the root is its scale;
    - "centre": mu's prior moved, its shape and width kept, towards harm where the main
      probability is above the level and towards benefit where it is below; the root is its
      centre.

    Parameters
    ----------
    surface : Surface
    priors : Priors
        The main prior set.
    benefit : {"lower", "higher"} or None
    threshold : float, natural units, optional
        No effect where it is left out.
    levels : numbers between 0 and 1
    important : float, natural units, optional
        The smallest effect that matters: what the prior at the root thinks of it is given.

    Returns
    -------
    DataFrame
        A row a family and level. ``what, level``; ``direction`` ("falls" to the level from the
        main probability, or "rises"); ``root`` (analysis scale; of several, the one nearest the
        main prior; NaN where no prior of the family has this probability), ``natural_root`` (the
        centre in natural units, else NaN), ``worth`` and ``worth_in`` (events or patients, see
        `prior.worth`), ``prior_important`` (the chance of an effect beyond important under the
        prior at the root), ``says``. ``attrs``: main (the main probability), threshold, benefit,
        and ``curves``: for each family its x, probabilities and main x, as lists.

    Raises
    ------
    PriorError
        The main posterior is improper, or ``priors.phi`` differs from the surface's.
    UsageError
        A level outside (0, 1), or an impossible threshold or important effect.
    """
    levels = [levels] if isinstance(levels, int | float) else list(levels)
    if not all(0 < level < 1 for level in levels):
        raise UsageError(f"levels are probabilities between 0 and 1, not {levels}.")
    asked = checked_question(surface, priors, benefit, threshold)
    random = surface.effects != "common"
    check_proper(priors, int(surface.frame.k + 1e-9), random=random)
    below = surface.batch(priors, np.ones((1, len(surface.kept)))).cdf("mu", [asked.at])
    main = float(asked.better(below)[0, 0])
    matters = None if important is None else float(from_natural(important, surface.scale))
    paths = [_sceptical(surface, priors, asked)]
    if random:
        paths.append(_tau(surface, priors, asked))
    paths += _centres(surface, priors, asked)
    rows, curves = [], {}
    for path in paths:
        y = np.array([path.answer(x) for x in path.x])
        curves[path.what] = {"x": path.x.tolist(), "p": y.tolist(), "main": path.main}
        for level in levels:
            side = _towards(path, asked, main, level)
            root = _root(path, y, level, side)
            if np.isnan(root):
                seen = np.ones(len(y), bool) if side == 0 else side * (path.x - path.main) >= 0
                rows.append(_no_row(surface, path, path.x[seen], y[seen], asked, level, main))
            else:
                rows.append(_row(surface, path, asked, level, main, root, matters))
    if priors.mu.family not in LOCATION:
        rows += [_unmoved(priors, level, main) for level in levels]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table.attrs |= {
        "main": main,
        "threshold": asked.label,
        "benefit": benefit,
        "curves": curves,
    }
    return table


# --- the families ------------------------------------------------------------------------


def _sceptical(surface: Surface, priors: Priors, asked: Question) -> Path:
    data = surface.frame
    (_, most), _ = ranges(surface, priors)
    # A prior so narrow that no trial moves it, up to one that moves nothing.
    least = 0.05 * data.width / max(1.0, abs(data.centre - asked.at) / data.width)
    x = np.geomspace(least, 2 * most, SCAN)
    members = [normal(0.0, float(sd)) for sd in x]
    widest = Priors(members[-1], priors.tau)
    plane = Plane.of(surface, asked, widest, members, [priors.tau], [(0.0, 2 * least)])
    line = plane.along_mu(plane.log_tau([priors.tau])[0])

    def prior(sd: float) -> Prior:
        return normal(0.0, sd)

    return Path(
        "sceptical prior",
        x,
        prior,
        _along_mu(plane, line, prior),
        equivalent_sd(priors.mu),
        "prior on mu centred on no effect",
        log=True,
    )


def _tau(surface: Surface, priors: Priors, asked: Question) -> Path:
    family = tau_family(priors.tau)
    _, (least, most) = ranges(surface, priors)
    x = np.geomspace(least / 4, 4 * most, SCAN)
    widest = Priors(priors.mu, family.covering(float(x[0]), float(x[-1])))
    plane = Plane.of(surface, asked, widest, [priors.mu], [family.at(s) for s in x])
    line = plane.along_tau(plane.log_mu([priors.mu])[0])

    def answer(scale: float) -> float:
        return float(line(plane.log_tau([family.at(scale)]))[0])

    text = f"{family.name} prior on tau"
    return Path("tau scale", x, family.at, answer, family.scale, text, log=True)


def _centres(surface: Surface, priors: Priors, asked: Question) -> list[Path]:
    """The main prior on mu moved to either side; none for a prior without a centre."""
    if priors.mu.family not in LOCATION:
        return []
    data, sd = surface.frame, equivalent_sd(priors.mu)
    start = priors.mu.values[-2]
    farthest = FARTHEST * sd + abs(data.centre - start) + 3 * data.typical
    steps = np.geomspace(0.003 * min(sd, data.width), farthest, SCAN)
    x = np.concatenate([start - steps[::-1], [start], start + steps])

    def prior(centre: float) -> Prior:
        return shifted(priors.mu, centre)

    # As wide as holds the farthest of them with nine of their SDs.
    widest = shifted(priors.mu, start, 1 + farthest / (9 * sd))
    members = [prior(float(centre)) for centre in x[::8]]
    peaks = [(start, 2 * sd)]
    plane = Plane.of(surface, asked, Priors(widest, priors.tau), members, [priors.tau], peaks)
    line = plane.along_mu(plane.log_tau([priors.tau])[0])
    text = f"{priors.mu.family} prior on mu as wide as the main one"
    return [Path("centre", x, prior, _along_mu(plane, line, prior), start, text, log=False)]


def _along_mu(
    plane: Plane, line: Line, prior: Callable[[float], Prior]
) -> Callable[[float], float]:
    def answer(x: float) -> float:
        return float(line(plane.log_mu([prior(x)]))[0])

    return answer


# --- the roots ---------------------------------------------------------------------------


def _towards(path: Path, asked: Question, main: float, level: float) -> int:
    """Which side of the main prior a root may lie on: -1, 1, or 0 for either."""
    if path.what != "centre":
        return 0
    better = 1 if asked.benefit == "higher" else -1
    return -better if main > level else better


def _root(path: Path, y: Array, level: float, side: int) -> float:
    """The place nearest the main prior where the answer equals the level; NaN for none."""
    gap = y - level
    found = []
    for i in np.flatnonzero(np.signbit(gap[:-1]) != np.signbit(gap[1:])):
        ends = float(path.x[i]), float(path.x[i + 1])
        root = float(brentq(lambda x: path.answer(x) - level, *ends, xtol=1e-12, rtol=1e-10))
        if side == 0 or side * (root - path.main) >= 0:
            found.append(root)
    if not found:
        return float("nan")
    if not np.isfinite(path.main):
        return max(found)
    if path.log:
        return min(found, key=lambda x: abs(np.log(x / path.main)))
    return min(found, key=lambda x: abs(x - path.main))


def _row(
    surface: Surface,
    path: Path,
    asked: Question,
    level: float,
    main: float,
    root: float,
    matters: float | None,
) -> tuple[object, ...]:
    direction = _way(main, level)
    what = say.event(surface.measure, asked)
    prior = path.prior(root)
    natural = float(to_natural(root, surface.scale)) if path.what == "centre" else np.nan
    on_mu = prior.role == "mu"
    value = worth(prior, surface.measure) if on_mu else None
    chance = np.nan
    if on_mu and matters is not None and asked.benefit is not None:
        chance = float(prior.sf(matters) if asked.benefit == "higher" else prior.cdf(matters))
    says = say.root(surface, path.what, prior, what, level, direction, natural, value)
    if not np.isnan(chance):
        important = float(to_natural(matters, surface.scale))
        says += say.of_important(surface.measure, asked.benefit, important, chance)
    unit = WORTH_IN[surface.measure] if value is not None else ""
    return (
        path.what,
        level,
        direction,
        root,
        natural,
        np.nan if value is None else value,
        unit,
        chance,
        f"{says}.",
    )


def _way(main: float, level: float) -> str:
    return "falls" if main > level else "rises"


def _no_row(
    surface: Surface, path: Path, x: Array, y: Array, asked: Question, level: float, main: float
) -> tuple[object, ...]:
    direction = _way(main, level)
    ends = float(x[0]), float(x[-1])
    if path.what == "centre":
        low, high = to_natural(np.array(ends), surface.scale)
        ends = float(low), float(high)
    what = say.event(surface.measure, asked)
    name = symbol(surface.measure)
    says = say.no_root(name, path.what, path.text, ends, what, level, direction, y)
    return (path.what, level, direction, np.nan, np.nan, np.nan, "", np.nan, says)


def _unmoved(priors: Priors, level: float, main: float) -> tuple[object, ...]:
    direction = _way(main, level)
    says = f"The main prior on mu, {priors.mu.text}, has no centre to move."
    return ("centre", level, direction, np.nan, np.nan, np.nan, "", np.nan, says)
