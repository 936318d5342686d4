"""The surface: log L[trial, mu, tau], computed once, summed for every question after.

Given (mu, tau) the trials are independent, so each trial's effect and baseline integrate
out one trial at a time; a posterior is the sum of the trials' rows plus a log prior.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from scipy.interpolate import CubicSpline
from scipy.special import logsumexp

from bayespool.axes import Array, CutAxis, ScaleAxis, SinhAxis, log_weights, nodes, step
from bayespool.errors import DataError, PriorError, UsageError
from bayespool.exact import closed
from bayespool.exact.grid import Frame, frame, mu_axis, tau_axis, trimmed
from bayespool.exact.marginals import grid_posterior
from bayespool.exact.trial import (
    T_NU,
    Estimate,
    TrialLikelihood,
    counts_likelihoods,
    gamma_mixture,
)
from bayespool.measures import default_likelihood, effect_sizes, informative, scale_of
from bayespool.posterior import Posterior
from bayespool.prior import DEFAULT_PHI, Prior, Priors, check_proper, parse_prior
from bayespool.trials import Trials

EFFECTS = ("random", "common", "t")
TOLERANCE = 1e-4  # of any reported probability: beyond it a posterior refines its grid
_STRIDE = 4


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes of mu and tau and each trial's log likelihood there.

    ``log_l`` has shape (trials, mu, 1 + tau): column 0 is tau = 0; a common effect has
    that column alone and ``tau`` None.
    """

    mu: SinhAxis | CutAxis
    tau: ScaleAxis | CutAxis | None
    log_l: Array


@dataclass(eq=False)
class Surface:
    """Every trial's integrated likelihood of (mu, tau), for one model of the data.

    Made by :func:`surface`. ``log_likelihood`` is the table itself; ``posterior`` turns it
    into an answer. Priors on phi, the likelihood and the kind of effects are fixed in it.
    """

    trials: Trials
    measure: str
    likelihood: str
    effects: str
    scale: str
    phi: Prior | None
    kept: list[str]
    terms: Sequence[TrialLikelihood]
    frame: Frame
    fineness: float = 1.0
    _source: dict[str, Any] = field(default_factory=dict, repr=False)
    _grid: Grid | None = field(default=None, repr=False)

    @property
    def log_likelihood(self) -> xr.DataArray:
        """log L_i(mu, tau), dims trial × mu × tau; natural log, constants included."""
        grid = self._default_grid()
        tau = [0.0] if grid.tau is None else np.concatenate([[0.0], nodes(grid.tau)])
        return xr.DataArray(
            grid.log_l,
            coords={"trial": self.kept, "mu": nodes(grid.mu), "tau": tau},
            dims=("trial", "mu", "tau"),
            name="log_likelihood",
        )

    def posterior(self, priors: Priors) -> Posterior:
        """The posterior under a prior set.

        Where mu integrates out in closed form (normal likelihood, normal effects, normal or
        flat prior on mu) only tau is summed (Roever 2020, J Stat Softw 93(6), section 2).
        Otherwise the surface's own grid serves, made wider or finer when this prior needs it:
        ``posterior.grid_error`` bounds what remains, in probability.

        Raises
        ------
        PriorError
            If ``priors.phi`` differs from the surface's, or the posterior would be improper.
        """
        if priors.phi is not None and self.phi is None:
            raise PriorError(
                f"phi ~ {priors.phi.text} is a prior on the baseline of the binomial likelihood, "
                "and this surface has the normal one. Leave phi out."
            )
        if priors.phi is not None and self.phi is not None and priors.phi.text != self.phi.text:
            raise PriorError(
                f"The surface was made with phi ~ {self.phi.text}, the prior set has "
                f"phi ~ {priors.phi.text}. A prior on phi needs its own surface: "
                f'surface(trials, measure, phi="{priors.phi.text}").'
            )
        check_proper(priors, self.frame.k, random=self.effects != "common")
        about = {
            "trials": self.trials,
            "measure": self.measure,
            "scale": self.scale,
            "likelihood": self.likelihood,
            "effects": self.effects,
            "priors": Priors(
                priors.mu, priors.tau, self.phi, priors.name, priors.reason, priors.source
            ),
            "engine": "exact",
        }
        if self.likelihood == "normal" and self.effects != "t" and closed.covers(priors.mu):
            return closed.posterior(self.kept, self.terms, self.frame, priors, about, self.fineness)
        return self._summed(priors, about)

    def refined(self) -> Surface:
        """The same surface with twice the nodes in mu, tau, theta and phi."""
        return _build(**self._source, fineness=2 * self.fineness)

    # --- the grid --------------------------------------------------------------------

    def _summed(self, priors: Priors, about: dict[str, Any]) -> Posterior:
        def found(grid: Grid) -> tuple[Posterior, bool]:
            return grid_posterior(grid, self.kept, self.terms, priors, about, self.frame)

        posterior, inside = found(self._default_grid())
        if not inside:  # the prior reaches beyond the grid
            posterior, inside = found(self._grid_for(priors))
            if not inside:  # prior and data pull mu to where neither would have it
                posterior, inside = found(self._grid_for(priors, generous=True))
        fineness = self.fineness
        while (posterior.grid_error or 0.0) > TOLERANCE and fineness < 8 * self.fineness:
            fineness *= 2
            posterior, _ = found(self._grid_for(priors, fineness, generous=True))
        return posterior

    def _default_grid(self) -> Grid:
        if self._grid is None:
            # Ten units of the outcome's natural spread hold every prior of the catalogue.
            unit = 1.0 if self.scale != "identity" else max(self.frame.reach, 1e-300)
            wide = Priors(f"Normal(0, {10 * unit!r})", f"HalfCauchy({unit!r})")
            self._grid = self._grid_for(wide)
        return self._grid

    def _grid_for(
        self, priors: Priors, fineness: float | None = None, generous: bool = False
    ) -> Grid:
        fineness = fineness or self.fineness
        corner = any(getattr(term, "corner", False) for term in self.terms)
        if self.effects == "common":
            mu = mu_axis(self.frame, priors.mu, 0.0, 0.15 / fineness, corner, generous)
            return Grid(mu, None, np.array([t.log(nodes(mu)) for t in self.terms])[:, :, None])
        tau = tau_axis(self.frame, priors, min(0.12, 0.5 / np.sqrt(len(self.terms))) / fineness)
        tau_max = float(nodes(tau)[-1]) * (1 if self.effects == "random" else 4)
        mu = mu_axis(self.frame, priors.mu, tau_max, 0.15 / fineness, corner, generous)
        mu, tau = self._trim(mu, tau, priors)
        return Grid(mu, tau, self._log_l(nodes(mu), tau))

    def _trim(
        self, mu: SinhAxis | CutAxis, tau: ScaleAxis | CutAxis, priors: Priors
    ) -> tuple[SinhAxis | CutAxis, ScaleAxis | CutAxis]:
        """Cut the box to where the posterior lives, seen on every fourth node."""
        coarse_mu = replace(mu, x=mu.x[::_STRIDE])
        coarse_tau = replace(tau, x=tau.x[::_STRIDE])
        log_p = self._log_l(nodes(coarse_mu), coarse_tau)[:, :, 1:].sum(axis=0)
        log_p = log_p + (priors.mu.logpdf(nodes(coarse_mu)) + log_weights(coarse_mu))[:, None]
        log_p = log_p + priors.tau.logpdf(nodes(coarse_tau)) + log_weights(coarse_tau)
        # Moments weigh the far nodes, so they are kept as if they had them.
        log_p = log_p + 2 * np.log1p(nodes(coarse_tau) / self.frame.reach)
        log_p = np.where(np.isfinite(log_p), log_p, -np.inf)
        if isinstance(mu, SinhAxis):
            mu = replace(mu, x=mu.x[trimmed(mu, log_p.max(axis=1), _STRIDE)])
        if isinstance(tau, ScaleAxis):
            last = trimmed(tau, log_p.max(axis=0), _STRIDE).stop
            tau = replace(tau, x=tau.x[: last - 1 + last % 2])
        return mu, tau

    def _log_l(self, mu: Array, tau: ScaleAxis | CutAxis) -> Array:
        """(trials, mu, 1 + tau): column 0 is tau = 0."""
        if self.effects == "random":
            sd = nodes(tau)
            rows = [np.column_stack([t.log(mu), t.averaged(mu, sd)]) for t in self.terms]
        else:
            rows = [self._t_averaged(term, mu, tau) for term in self.terms]
        return np.array(rows)

    def _t_averaged(self, term: TrialLikelihood, mu: Array, tau: ScaleAxis | CutAxis) -> Array:
        """Student-t effects as a scale mixture of normal ones: a sum along the tau axis.

        theta ~ t(nu) is Normal(mu, tau / sqrt(G)) with G ~ Gamma(nu/2, rate nu/2).
        """
        log_g, log_w = gamma_mixture(T_NU)
        base = tau.inner if isinstance(tau, CutAxis) else tau
        assert isinstance(base, ScaleAxis)  # tau_axis cuts nothing else
        low = base.to_x(nodes(tau)[:1] * np.exp(-0.5 * log_g[-1]))[0]
        high = base.to_x(nodes(tau)[-1:] * np.exp(-0.5 * log_g[0]))[0]
        h = min(step(tau), 0.12)
        wide = ScaleAxis(base.scale, np.arange(np.floor(low / h) - 1, np.ceil(high / h) + 2) * h)
        normal = term.averaged(mu, nodes(wide))
        # A floor at e^-700 of the row's best: the spline must not swing where nothing is left.
        normal = np.maximum(normal, normal.max(axis=1, keepdims=True) - 700.0)
        spline = CubicSpline(wide.x, normal, axis=1)
        scales = nodes(tau)[:, None] * np.exp(-0.5 * log_g)
        parts = spline(wide.to_x(scales))  # (mu, tau, G)
        return np.column_stack([term.log(mu), logsumexp(parts + log_w, axis=2)])


def surface(
    trials: Trials,
    measure: str,
    likelihood: str | None = None,
    effects: str = "random",
    phi: str | Prior = DEFAULT_PHI,
    double_zero: str = "drop",
) -> Surface:
    """Integrate every trial's own parameters out, over a grid of (mu, tau).

    Parameters
    ----------
    trials : Trials
    measure : "OR", "RR", "RD", "MD", "SMD", "ROM", "HR" or "generic"
    likelihood : "binomial" or "normal", default binomial for counts
    effects : "random" (normal), "common" (tau = 0) or "t" (nu = 4, tau its scale)
    phi : prior of phi_i, half the log odds product of trial i's two risks (binomial only)
    double_zero : "drop" or "keep"
        For the normal likelihood of OR and RR: leave out trials without events in either
        arm, or keep them with 1/2 added. The exact binomial likelihood keeps them always.

    Returns
    -------
    Surface

    Raises
    ------
    DataError
        If no trial informs the measure.
    UsageError
        If the measure, likelihood or effects do not fit the trials.
    """
    if effects not in EFFECTS:
        raise UsageError(f"effects is one of {', '.join(EFFECTS)}; found {effects!r}.")
    standard = default_likelihood(trials, measure)
    likelihood = likelihood or standard
    if likelihood not in ("binomial", "normal"):
        raise UsageError(f"likelihood is binomial or normal; found {likelihood!r}.")
    if likelihood == "binomial" and standard != "binomial":
        raise UsageError(
            f"A binomial likelihood needs counts and OR, RR or RD; {trials.path} with {measure} "
            "has only the normal one."
        )
    prior = parse_prior(phi, "phi") if isinstance(phi, str) else phi
    return _build(trials, measure, likelihood, effects, prior, double_zero)


def _build(
    trials: Trials,
    measure: str,
    likelihood: str,
    effects: str,
    phi: Prior,
    double_zero: str,
    fineness: float = 1.0,
) -> Surface:
    source = {
        "trials": trials,
        "measure": measure,
        "likelihood": likelihood,
        "effects": effects,
        "phi": phi,
        "double_zero": double_zero,
    }
    names = np.array(trials.names)
    terms: Sequence[TrialLikelihood]
    if likelihood == "binomial":
        columns = ["events_treatment", "n_treatment", "events_control", "n_control"]
        arms = trials.frame[columns].to_numpy(dtype=float)
        centre, width = rough_effects(measure, arms)
        terms = counts_likelihoods(measure, arms, centre, width, phi, fineness)
        informing = int(np.sum(informative(measure, arms)))
        kept = names
    else:
        effects_table = effect_sizes(trials, measure, double_zero=double_zero)
        used = effects_table["used"].to_numpy(dtype=bool)
        if not used.any():
            raise DataError(
                f"{trials.path}: no trial informs the {measure}: none has an event in one arm and "
                "a patient without it in the other. Use the binomial likelihood, or the RD."
            )
        rows = effects_table.loc[used, ["estimate", "se"]].to_numpy(dtype=float)
        terms = [Estimate(float(y), float(s)) for y, s in rows]
        informing, kept = len(terms), names[used]
    return Surface(
        trials=trials,
        measure=measure,
        likelihood=likelihood,
        effects=effects,
        scale=scale_of(measure, likelihood),
        phi=phi if likelihood == "binomial" else None,
        kept=[str(name) for name in kept],
        terms=terms,
        frame=frame(terms, informing),
        fineness=fineness,
        _source=source,
    )


def rough_effects(measure: str, arms: Array) -> tuple[Array, Array]:
    """Estimate and standard error with 1/2 added everywhere: only to place nodes."""
    r1, n1, r0, n0 = arms.T
    p1, p0 = (r1 + 0.5) / (n1 + 1), (r0 + 0.5) / (n0 + 1)
    v1, v0 = p1 * (1 - p1) / (n1 + 1), p0 * (1 - p0) / (n0 + 1)
    if measure == "OR":
        theta = np.log(p1 / (1 - p1)) - np.log(p0 / (1 - p0))
        return theta, np.sqrt(v1 / (p1 * (1 - p1)) ** 2 + v0 / (p0 * (1 - p0)) ** 2)
    if measure == "RR":
        return np.log(p1 / p0), np.sqrt(v1 / p1**2 + v0 / p0**2)
    difference = p1 - p0
    return np.arctanh(difference), np.sqrt(v1 + v0) / (1 - difference**2)
