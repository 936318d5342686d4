"""Independent draws from the exact posterior: every quantity of a NUTS fit, without chains.

tau from its marginal, mu given tau, each trial's effect given both, its baseline given its
effect: one inverse cdf after the other, of densities that the exact engine already has.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from scipy.ndimage import map_coordinates

from bayespool.axes import Array, nodes, step
from bayespool.errors import UsageError
from bayespool.exact.closed import covers, given_tau
from bayespool.exact.inverse import Window, by_rows, inverse, inverse_draws, narrowed
from bayespool.exact.trial import (
    PHI_LIMIT,
    T_NU,
    Counts,
    Estimate,
    LogSpline,
    TrialLikelihood,
    gamma_mixture,
)
from bayespool.measures import risks
from bayespool.prior import Prior, Priors

if TYPE_CHECKING:
    from bayespool.exact.surface import Surface

__all__ = ["draws"]

ARMS = ("events_treatment", "n_treatment", "events_control", "n_control")


def draws(
    surface: Surface, priors: Priors, draws: int = 1000, chains: int = 4, seed: int = 2026
) -> xr.DataTree:
    """Draw from the joint posterior of mu, tau, theta_new, theta[trial] and phi[trial].

    Parameters
    ----------
    surface : Surface
    priors : Priors
    draws, chains : int
        The draws are independent, so chains only give them the shape that ArviZ expects.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    xr.DataTree
        Groups posterior (dims chain x draw x trial) and observed_data, with the names, units and
        attributes of a fit by ``sample``; ``engine`` is "exact". Effects are on the analysis
        scale. A common effect has mu and phi alone, the normal likelihood no phi. A trial whose
        weight is not 1 has neither theta nor phi.

    Raises
    ------
    PriorError
        See ``Surface.posterior``.
    UsageError
        An impossible seed or count.

    Notes
    -----
    Given mu and tau the trials are independent, so that p(mu, tau) times the product of
    p(theta_i | mu, tau, data_i) and p(phi_i | theta_i, data_i) is the whole posterior. Each
    inverse cdf comes from a grid that resolves its density: its error is about 1e-4 of
    probability or less, far below what any number of draws shows.
    """
    _check(draws, chains, seed)
    random = np.random.default_rng(seed)
    mu, tau = _mean_and_spread(surface, priors, draws * chains, random)
    found = {"mu": mu}
    if tau is not None:
        random_effects = surface.effects == "random"
        z = random.normal(size=len(mu)) if random_effects else random.standard_t(T_NU, len(mu))
        found |= {"tau": tau, "theta_new": mu + tau * z}
    whole = [int(i) for i in np.flatnonzero(surface.weights == 1)]
    names = [surface.kept[i] for i in whole]
    theta = [mu if tau is None else _effects(surface, i, mu, tau, random) for i in whole]
    if tau is not None and whole:
        found["theta"] = np.stack(theta, axis=-1)
    if surface.likelihood == "binomial" and whole:
        phi = [_baselines(surface, i, own, random) for i, own in zip(whole, theta, strict=True)]
        found["phi"] = np.stack(phi, axis=-1)
    dims = ("chain", "draw", "trial")
    arrays = {
        name: (dims[: a.ndim + 1], a.reshape(chains, draws, *a.shape[1:]))
        for name, a in found.items()
    }
    coords: dict[str, Any] = {"chain": np.arange(chains), "draw": np.arange(draws)}
    coords |= {"trial": names} if whole else {}
    groups = {"posterior": xr.Dataset(arrays, coords)}
    if whole:
        groups["observed_data"] = _observed(surface, whole)
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = _about(surface, priors) | {"draws": draws, "chains": chains, "seed": seed}
    return tree


def _check(draws: int, chains: int, seed: int) -> None:
    if not 0 <= seed < 2**63:
        raise UsageError(f"seed is a whole number from 0 to 2^63 - 1, not {seed}.")
    for name, count in (("draws", draws), ("chains", chains)):
        if count < 1:
            raise UsageError(f"{name} is at least 1, not {count}.")


def _about(surface: Surface, priors: Priors) -> dict[str, Any]:
    """The attributes of a fit, which say what was analysed and how."""
    about = {f"version_{name}": version(name) for name in ("bayespool", "numpy", "scipy")}
    about |= {
        "engine": "exact",
        "measure": surface.measure,
        "scale": surface.scale,
        "likelihood": surface.likelihood,
        "effects": surface.effects,
        "prior_mu": priors.mu.text,
        "prior_tau": priors.tau.text,
        "prior_name": priors.name,
    }
    if surface.phi is not None:
        about["prior_phi"] = surface.phi.text
    discounted = surface.weights < 1
    if discounted.any():
        pairs = zip(surface.kept, surface.weights, strict=True)
        about["weights"] = ", ".join(f"{name} {weight:g}" for name, weight in pairs if weight < 1)
    return about


def _observed(surface: Surface, whole: list[int]) -> xr.Dataset:
    names = [surface.kept[i] for i in whole]
    if surface.likelihood == "binomial":
        rows = surface.trials.frame.set_index("trial").loc[names]
        data = {name: rows[name].to_numpy(dtype="int64") for name in sorted((ARMS[0], ARMS[2]))}
    else:
        data = {"estimate": np.array([surface.terms[i].centre for i in whole])}
    return xr.Dataset({name: ("trial", a) for name, a in data.items()}, {"trial": names})


# --- mu and tau ---------------------------------------------------------------------------


def _mean_and_spread(
    surface: Surface, priors: Priors, n: int, random: np.random.Generator
) -> tuple[Array, Array | None]:
    """Draws of mu and tau, the latter None for a common effect."""
    posterior = surface.posterior(priors)
    tau = None if surface.effects == "common" else posterior["tau"].quantile(random.random(n))
    if surface.likelihood == "normal" and surface.effects != "t" and covers(priors.mu):
        y = np.array([term.centre for term in surface.terms])
        s = np.array([term.width for term in surface.terms])
        at = np.zeros(n) if tau is None else tau
        mean, variance, _ = given_tau(y, s, surface.weights, at, priors.mu)
        return mean + np.sqrt(variance) * random.normal(size=n), tau
    grid = surface._grids[priors.mu.text, priors.tau.text]  # the one that posterior() settled on
    log_f = np.tensordot(surface.weights, grid.log_l, axes=1)
    log_f += (priors.mu.logpdf(nodes(grid.mu)) + grid.mu.log_slope(grid.mu.x))[:, None]
    log_f = np.maximum(log_f, log_f.max(axis=0) - 200.0).T
    u = random.random(n)
    if tau is None or grid.tau is None:
        columns = np.broadcast_to(log_f, (n, log_f.shape[1]))
        place = by_rows(lambda rows: inverse(columns[rows], u[rows]), n)
    else:
        # The column of a tau between two nodes, cubic in the axis's coordinate. Below the
        # first node nothing changes any more.
        log_f = log_f[1:]
        column = np.clip((grid.tau.to_x(tau) - grid.tau.x[0]) / step(grid.tau), 0, len(log_f) - 1)
        place = by_rows(lambda rows: inverse(_between(log_f, column[rows]), u[rows]), n)
    return grid.mu.value(grid.mu.x[0] + place * step(grid.mu)), tau


def _between(table: Array, at: Array) -> Array:
    """Rows of a table at fractional row numbers, by the cubic through the four around each."""
    first = np.clip(np.floor(at).astype(int) - 1, 0, len(table) - 4)
    t = (at - first)[:, None]
    found: Array = -(t - 1) * (t - 2) * (t - 3) / 6 * table[first]
    found += t * (t - 2) * (t - 3) / 2 * table[first + 1]
    found -= t * (t - 1) * (t - 3) / 2 * table[first + 2]
    found += t * (t - 1) * (t - 2) / 6 * table[first + 3]
    return found


# --- a trial's own effect and baseline -----------------------------------------------------


def _effects(surface: Surface, i: int, mu: Array, tau: Array, random: np.random.Generator) -> Array:
    """Draws of trial i's effect, one for each mu and tau."""
    term = surface.terms[i]
    sd = np.maximum(tau, 1e-300)
    if surface.effects == "t":
        sd = sd * _stretch(term, mu, sd, random)
    if isinstance(term, Estimate):
        share = term.width**2 / (term.width**2 + sd**2)  # of mu in the trial's own effect
        mean = share * mu + (1 - share) * term.centre
        return mean + np.sqrt(share) * sd * random.normal(size=len(mu))
    assert isinstance(term, Counts)  # the two likelihoods there are
    log_g, u = LogSpline(term.axis, term.log_g), random.random(len(mu))

    def drawn(rows: slice) -> Array:
        centre, spread = mu[rows], sd[rows]

        def log_f(offset: Array) -> Array:
            # In distances from mu, which keep their digits where tau is next to nothing.
            return log_g(centre[:, None] + offset) - 0.5 * (offset / spread[:, None]) ** 2

        window = narrowed(log_f, _around(term, log_g, centre, spread), 25)
        return centre + inverse_draws(log_f, window, 48, u[rows])

    return by_rows(drawn, len(mu))


def _stretch(term: TrialLikelihood, mu: Array, tau: Array, random: np.random.Generator) -> Array:
    """1 / sqrt(G) of a Student-t effect as a normal one with SD tau / sqrt(G).

    p(G | mu, tau, data) is the gamma's weight at a node times the trial's likelihood under
    that SD, and a mixture over the nodes is the t distribution to 1e-12.
    """
    log_g, log_w = gamma_mixture(T_NU, step=0.55)
    scale = np.exp(-0.5 * log_g)
    u = random.random(len(mu))
    log_l = _likelihood(term, mu, tau.min() * scale.min(), tau.max() * scale.max())

    def drawn(rows: slice) -> Array:
        log_p = log_l(mu[rows], tau[rows, None] * scale) + log_w
        below = np.exp(log_p - log_p.max(axis=1, keepdims=True)).cumsum(axis=1)
        which = (below < u[rows, None] * below[:, -1:]).sum(axis=1)
        return scale[np.minimum(which, len(scale) - 1)]

    return by_rows(drawn, len(mu))


def _likelihood(
    term: TrialLikelihood, mu: Array, least: float, most: float
) -> Callable[[Array, Array], Array]:
    """log L(mu, sd) of one trial anywhere: for counts from cubic splines in asinh mu and log sd."""
    if isinstance(term, Estimate):

        def of_estimate(mu: Array, sd: Array) -> Array:
            total = np.hypot(term.width, sd)
            return -0.5 * ((mu[:, None] - term.centre) / total) ** 2 - np.log(total)

        return of_estimate
    width, h = term.width, 0.1
    ends = np.arcsinh((np.array([mu.min(), mu.max()]) - term.centre) / width)
    across = np.arange(ends[0] - 6 * h, ends[1] + 7 * h, h)
    # A hundred-thousandth of the trial's own width is nothing to it.
    start = np.log(max(least, 1e-5 * width))
    along = np.arange(start, max(np.log(most), start) + 7 * h, h)
    table = term.averaged(term.centre + width * np.sinh(across), np.exp(along))
    table = np.maximum(table, table.max() - 300.0)

    def log_l(mu: Array, sd: Array) -> Array:
        row = (np.arcsinh((mu - term.centre) / width) - across[0]) / h
        column = (np.log(sd) - along[0]) / h
        places = np.stack([np.broadcast_to(row[:, None], column.shape), column])
        return np.asarray(map_coordinates(table, places, order=3, mode="nearest"))

    return log_l


def _around(term: Counts, log_g: LogSpline, mu: Array, sd: Array) -> Window:
    """Where the likelihood times Normal(mu, sd) lies, as distances from mu."""
    stride = max(len(term.axis.x) // 100, 1)
    points, log_f = nodes(term.axis)[::stride], term.log_g[::stride]
    offset = points - mu[:, None]
    values = log_f - 0.5 * (offset / sd[:, None]) ** 2
    best, top = values.argmax(axis=1), values.max(axis=1)
    seen = values > (top - 30.0)[:, None]
    first, last = seen.argmax(axis=1), len(points) - 1 - seen[:, ::-1].argmax(axis=1)
    reach, end = 8 * sd, len(points) - 1
    left, right = (points[np.clip(best + side, 0, end)] - mu for side in (-1, 1))
    low = np.where(first > 0, points[np.maximum(first - 1, 0)] - mu, -np.inf)
    high = np.where(last < end, points[np.minimum(last + 1, end)] - mu, np.inf)
    # Both factors have one peak, so theirs lies beside the best node, within reach of mu's.
    low = np.maximum(low, np.minimum(left, 0.0) - reach)
    high = np.minimum(high, np.maximum(right, 0.0) + reach)
    at_mu = log_g(mu) >= top
    gap = np.maximum(right - left, 1e-300)
    centre = np.where(at_mu, 0.0, points[best] - mu)
    return Window(np.clip(centre, low, high), sd / np.hypot(1.0, sd / gap), low, high)


def _baselines(surface: Surface, i: int, theta: Array, random: np.random.Generator) -> Array:
    """Draws of trial i's phi, one for each of its effects."""
    term = surface.terms[i]
    assert isinstance(term, Counts)
    assert surface.phi is not None  # the binomial likelihood has one
    row = surface.trials.frame.set_index("trial").loc[[surface.kept[i]], list(ARMS)]
    r1, n1, r0, n0 = (float(count) for count in row.to_numpy(dtype=float)[0])
    log_f = _log_of_baseline(surface.measure, (r1, n1, r0, n0), surface.phi)
    # Where the density lies is found at the nodes of theta, and looked up between them.
    x = term.axis.to_x(theta)
    inside = np.flatnonzero((term.axis.x > x.min()) & (term.axis.x < x.max()))
    some = term.axis.x[inside][:: max(len(inside) // 300, 1)]
    known = np.concatenate([[x.min()], some, [x.max()]])
    at = term.axis.value(known)
    odds0, odds1 = (r0 + 0.5) / (n0 - r0 + 0.5), (r1 + 0.5) / (n1 - r1 + 0.5)
    ends = surface.phi.ppf(np.array([1e-12, 1 - 1e-12]))
    low, high = max(float(ends[0]), -PHI_LIMIT), min(float(ends[1]), PHI_LIMIT)
    information = sum(n * o / (1 + o) ** 2 for n, o in ((n0 + 1, odds0), (n1 + 1, odds1)))
    guess = np.clip(0.5 * np.log(odds0 * odds1), low, high)
    start = (guess, min(1 / np.sqrt(information), high - low), low, high)
    window = Window(*(np.full(len(at), value) for value in start))
    for _ in range(3):
        window = narrowed(lambda phi: log_f(at[:, None], phi), window, 65)
    u = random.random(len(theta))

    def drawn(rows: slice) -> Array:
        local = window.between(known, x[rows])
        return inverse_draws(lambda phi: log_f(theta[rows, None], phi), local, 48, u[rows])

    return by_rows(drawn, len(theta))


def _log_of_baseline(
    measure: str, arms: tuple[float, ...], prior: Prior
) -> Callable[[Array, Array], Array]:
    """log of p(data | theta, phi) p(phi), up to a constant."""
    r1, n1, r0, n0 = arms

    def log_f(theta: Array, phi: Array) -> Array:
        p0, q0, p1, q1 = risks(measure, theta, phi)
        total = prior.logpdf(phi)
        for p, events in ((p0, r0), (q0, n0 - r0), (p1, r1), (q1, n1 - r1)):
            if events:
                total = total + events * np.log(np.maximum(p, 1e-300))
        return total

    return log_f
