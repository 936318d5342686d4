"""The surface: log L[trial, mu, tau], computed once, summed for every question after.

Given (mu, tau) the trials are independent, so each trial's effect and baseline integrate
out one trial at a time; a posterior is the sum of the trials' rows plus a log prior.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayespool.axes import Array, nodes
from bayespool.errors import DataError, PriorError, UsageError
from bayespool.exact import closed
from bayespool.exact.arms import arms_likelihoods, check_arms
from bayespool.exact.build import Evidence, Grid, grid_for
from bayespool.exact.grid import Frame, frame
from bayespool.exact.marginals import grid_posterior
from bayespool.exact.sums import Batch, Sums
from bayespool.exact.trial import Estimate, TrialLikelihood, counts_likelihoods
from bayespool.measures import default_likelihood, effect_sizes, informative, scale_of
from bayespool.posterior import Posterior
from bayespool.prior import DEFAULT_PHI, Prior, Priors, check_proper, parse_prior
from bayespool.trials import Trials

EFFECTS = ("random", "common", "t")
TOLERANCE = 1e-4  # of any reported probability: beyond it a posterior refines its grid
HALVED = 3e-3  # of the evidence by half the nodes: all of them then err by its square
PEAKS = 6  # places of mu that a batch may add to its grid


@dataclass(eq=False)
class Surface:
    """Every trial's integrated likelihood of (mu, tau), for one model of the data.

    Made by :func:`surface`. ``log_likelihood`` is the table itself; ``posterior`` turns it
    into an answer, ``batch`` into many; ``weighted`` leaves trials out or discounts them. Priors
    on phi, the likelihood and the kind of effects are fixed in it.

    Attributes
    ----------
    trials : Trials
        Those with a weight above 0.
    kept : list of str
        The trials that have a row in the table; the normal likelihood leaves out those without
        an estimate.
    weights : array of shape (len(kept),)
        Between 0 and 1: the power of each trial's likelihood.
    """

    trials: Trials
    measure: str
    likelihood: str
    effects: str
    scale: str
    phi: Prior | None
    kept: list[str]
    terms: Sequence[TrialLikelihood]
    informing: NDArray[np.bool_]
    weights: Array
    frame: Frame
    fineness: float = 1.0
    _finer: Callable[[], Surface] | None = field(default=None, repr=False)
    _grids: dict[tuple[str, str], Grid] = field(default_factory=dict, repr=False)
    _sums: dict[tuple[str, ...], Sums] = field(default_factory=dict, repr=False)

    @cached_property
    def log_likelihood(self) -> xr.DataArray:
        """log L_i(mu, tau), dims trial × mu × tau; natural log, constants included."""
        # Ten units of the outcome's natural spread hold every prior of the catalogue.
        unit = 1.0 if self.scale != "identity" else max(self.frame.reach, 1e-300)
        wide = Priors(f"Normal(0, {10 * unit!r})", f"HalfCauchy({unit!r})")
        grid = grid_for(self.evidence, wide, self.fineness)
        tau = [0.0] if grid.tau is None else np.concatenate([[0.0], nodes(grid.tau)])
        return xr.DataArray(
            grid.log_l,
            coords={"trial": self.kept, "mu": nodes(grid.mu), "tau": tau},
            dims=("trial", "mu", "tau"),
            name="log_likelihood",
        )

    def weighted(self, weights: Mapping[str, float] | Sequence[float] | Array) -> Surface:
        """Leave trials out (0), keep them (1) or discount them: L_i becomes L_i^w.

        A power prior (Ibrahim & Chen 2000, Stat Sci 15:46) on the trial's whole contribution.

        Parameters
        ----------
        weights : mapping or array
            By trial's name (others keep 1), or one a trial of ``kept``; between 0 and 1.

        Raises
        ------
        UsageError
            A trial that is not there, a weight outside [0, 1], or another number of weights.
        """
        w = self.weights * self._read_weights(weights)
        keep = w > 0
        names = [name for name, kept in zip(self.kept, keep, strict=True) if kept]
        terms = [term for term, kept in zip(self.terms, keep, strict=True) if kept]
        mass = float(w @ self.informing)
        return replace(
            self,
            trials=self.trials.take(_rows(self.trials, names)) if names else self.trials,
            kept=names,
            terms=terms,
            informing=self.informing[keep],
            weights=w[keep],
            frame=frame(terms, mass, w[keep]) if terms else replace(self.frame, k=0.0),
            _finer=lambda: self.refined().weighted(weights),
            _grids={},
            _sums={},
        )

    def posterior(
        self, priors: Priors, weights: Mapping[str, float] | Sequence[float] | Array | None = None
    ) -> Posterior:
        """The posterior under a prior set, of all trials or with weights (see ``weighted``).

        Where mu integrates out in closed form (normal likelihood, normal effects, normal or
        flat prior on mu) only tau is summed (Roever 2020, J Stat Softw 93(6), section 2).
        Otherwise the trials' rows are summed on a grid that holds this prior's posterior, made
        finer until half of its nodes agree: ``posterior.grid_error`` bounds what remains, in
        probability. A trial's own effect is
        given for trials of weight 1, the log marginal likelihood where all weights are 0 or 1.

        Raises
        ------
        PriorError
            If ``priors.phi`` differs from the surface's, or the posterior would be improper.
        UsageError
            See ``weighted``.
        """
        if weights is not None:
            return self.weighted(weights).posterior(priors)
        self.check_phi(priors)
        check_proper(priors, int(self.frame.k + 1e-9), random=self.effects != "common")
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
            return closed.posterior(self, priors, about)
        return self._summed(priors, about)

    def batch(self, priors: Priors, weights: Array) -> Batch:
        """Many posteriors under one prior set, each with its own weights, on one grid.

        Parameters
        ----------
        priors : Priors
        weights : array of shape (sets, len(kept))
            Between 0 and 1. A set whose posterior would be improper has NaN for answers.

        Raises
        ------
        PriorError
            See ``posterior``.
        """
        self.check_phi(priors)
        weights = np.atleast_2d(np.asarray(weights, dtype=float))
        proper = self.proper_sets(priors, weights)
        weights = weights * self.weights
        if self.effects == "common":
            priors = Priors(priors.mu, "HalfNormal(1)", priors.phi)  # tau is not there
        peaks: list[tuple[float, float]] = []
        while True:
            sums = self.sums(priors, peaks)
            log_l = np.tensordot(weights, sums.grid.log_l, axes=1)
            found = Batch.of(sums, priors, log_l, proper)
            worst = int(np.nanargmax(np.where(proper, found.halved, 0.0)))
            if found.halved[worst] < HALVED or len(peaks) == PEAKS or not proper.any():
                return found
            w = weights[worst]
            some = [term for term, kept in zip(self.terms, w > 0, strict=True) if kept]
            own = frame(some, float(w @ self.informing), w[w > 0])
            peaks.append((own.centre, own.width))

    def draws(
        self, priors: Priors, draws: int = 1000, chains: int = 4, seed: int = 2026
    ) -> xr.DataTree:
        """Draw from the exact posterior: an ArviZ DataTree of every quantity, without a sampler.

        Parameters
        ----------
        priors : Priors
        draws, chains : int
            The draws are independent; chains give them the shape that ArviZ expects.
        seed : int

        Returns
        -------
        xr.DataTree
            As of `sample`: mu, tau, theta_new, theta[trial] and, for counts, phi[trial].

        Raises
        ------
        PriorError, UsageError
            See ``posterior``; an impossible number of draws.
        """
        from bayespool.exact import draws as drawing

        return drawing.draws(self, priors, draws, chains, seed)

    def sums(self, priors: Priors, peaks: Sequence[tuple[float, float]] = ()) -> Sums:
        """The grid on which any subset of the trials is summed under these priors."""
        key = (priors.mu.text, priors.tau.text, str(peaks))
        if key not in self._sums:
            # With as few trials left as there can be, the tails are at their heaviest.
            least = 1.0 if priors.tau.proper else 2.0 + (not priors.mu.proper)
            few = replace(self.evidence, frame=replace(self.frame, k=min(self.frame.k, least)))
            grid = grid_for(few, priors, self.fineness, whole=True, peaks=peaks)
            self._sums[key] = Sums(grid, self.effects)
        return self._sums[key]

    def refined(self) -> Surface:
        """The same surface with twice the nodes in mu, tau, theta and phi."""
        assert self._finer is not None  # `surface` gives it one
        return self._finer()

    def check_phi(self, priors: Priors) -> None:
        """Raise PriorError if ``priors.phi`` is not the prior this surface was made with."""
        if priors.phi is not None and self.phi is None:
            raise PriorError(
                f"phi ~ {priors.phi.text} is a prior on the baseline of the binomial likelihood, "
                f"and this surface has the {self.likelihood} one. Leave phi out."
            )
        if priors.phi is not None and self.phi is not None and priors.phi.text != self.phi.text:
            raise PriorError(
                f"The surface was made with phi ~ {self.phi.text}, the prior set has "
                f"phi ~ {priors.phi.text}. A prior on phi needs its own surface: "
                f'surface(trials, measure, phi="{priors.phi.text}").'
            )

    def proper_sets(self, priors: Priors, weights: Array) -> NDArray[np.bool_]:
        """Say which sets of weights have a proper posterior.

        Parameters
        ----------
        priors : Priors
        weights : array of shape (sets, len(kept))
            Between 0 and 1.

        Returns
        -------
        array of bool, shape (sets,)
        """
        # Rounding must not take a trial from a sum of weights.
        trials = np.floor((weights * self.weights) @ self.informing + 1e-9).astype(int)
        fit = {}
        for k in np.unique(trials):
            try:
                check_proper(priors, int(k), random=self.effects != "common")
            except PriorError:
                fit[k] = False
            else:
                fit[k] = True
        return np.array([fit[k] for k in trials], dtype=bool)

    # --- within ----------------------------------------------------------------------

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.terms, self.weights, self.frame, self.effects)

    def _summed(self, priors: Priors, about: dict[str, Any]) -> Posterior:
        """Sum the rows on a grid laid out for these priors, wider and finer as they need."""
        key = (priors.mu.text, priors.tau.text)
        if key not in self._grids:
            self._grids[key] = grid_for(self.evidence, priors, self.fineness)
        fineness = self.fineness

        def at(grid: Grid, fineness: float) -> tuple[Posterior, bool]:
            return grid_posterior(grid, self, priors, about, lambda: finer(2 * fineness))

        def finer(fineness: float) -> Posterior | None:
            # Once: what is left then lies in tails without moments.
            if fineness > 3 * self.fineness:
                return None
            return at(grid_for(self.evidence, priors, fineness, generous=True), fineness)[0]

        posterior, inside = at(self._grids[key], fineness)
        # Prior and data may pull mu to where neither would have it.
        while not inside or (posterior.grid_error or 0.0) > TOLERANCE:
            # Half as many nodes again do where few are missing: the error falls geometrically.
            fineness *= 1 if not inside else 1.5 if fineness == self.fineness else 2
            if fineness > 12 * self.fineness:
                break
            self._grids[key] = grid_for(self.evidence, priors, fineness, generous=True)
            posterior, _ = at(self._grids[key], fineness)
            inside = True
        return posterior

    def _read_weights(self, weights: Mapping[str, float] | Sequence[float] | Array) -> Array:
        if isinstance(weights, Mapping):
            if unknown := sorted(set(weights) - {*self.kept, *self.trials.names}):
                raise UsageError(
                    f"{self.trials.path} has no trial {' or '.join(unknown)} to weigh."
                )
            found = np.array([weights.get(name, 1.0) for name in self.kept], dtype=float)
        else:
            found = np.asarray(weights, dtype=float)
        if found.shape != (len(self.kept),):
            raise UsageError(
                f"weights are one a trial: {len(self.kept)} of them, not {found.size}."
            )
        if not ((found >= 0) & (found <= 1)).all():
            raise UsageError("a weight lies between 0 (left out) and 1 (kept as it is).")
        return found


def _rows(trials: Trials, names: list[str]) -> list[int]:
    place = {name: i for i, name in enumerate(trials.names)}
    return [place[name] for name in names]


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
    likelihood : "binomial", "normal" or "arms", default binomial for counts, else normal
        "arms" is for means with SDs (MD, ROM, SMD): the SDs are not taken as known, as they
        are not in small trials, but integrated out under flat priors on each arm's mean and
        log sigma (SMD: one sigma). Its marginal likelihoods compare within one measure and
        with no other likelihood.
    effects : "random" (normal), "common" (tau = 0) or "t" (nu = 4, tau its scale)
    phi : prior of phi_i, half the log odds product of trial i's two risks (binomial only;
        refused with arms)
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
    PriorError
        If there is a phi of one's own with the arms likelihood.
    UsageError
        If the measure, likelihood or effects do not fit the trials.

    References
    ----------
    Two means: Box & Tiao (1973), Bayesian Inference in Statistical Analysis, 2.5.
    """
    if effects not in EFFECTS:
        raise UsageError(f"effects is one of {', '.join(EFFECTS)}; found {effects!r}.")
    standard = default_likelihood(trials, measure)
    likelihood = likelihood or standard
    if likelihood not in ("binomial", "normal", "arms"):
        raise UsageError(f"likelihood is binomial, normal or arms; found {likelihood!r}.")
    if likelihood == "binomial" and standard != "binomial":
        raise UsageError(
            f"A binomial likelihood needs counts and OR, RR or RD; {trials.path} with {measure} "
            "has only the normal one."
        )
    prior = parse_prior(phi, "phi") if isinstance(phi, str) else phi
    if likelihood == "arms":
        check_arms(trials, measure)
        if prior.text != DEFAULT_PHI:
            raise PriorError(
                f"phi ~ {prior.text} is a prior on the baseline of the binomial likelihood, and "
                "the arms likelihood has a flat one. Leave phi out."
            )
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
    names = np.array(trials.names)
    terms: Sequence[TrialLikelihood]
    if likelihood == "binomial":
        columns = ["events_treatment", "n_treatment", "events_control", "n_control"]
        arms = trials.frame[columns].to_numpy(dtype=float)
        centre, width = rough_effects(measure, arms)
        terms = counts_likelihoods(measure, arms, centre, width, phi, fineness)
        informing, kept = informative(measure, arms), names
    elif likelihood == "arms":
        terms = arms_likelihoods(trials, measure, fineness)
        informing, kept = np.ones(len(terms), dtype=bool), names
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
        informing, kept = np.ones(len(terms), dtype=bool), names[used]
    return Surface(
        trials=trials,
        measure=measure,
        likelihood=likelihood,
        effects=effects,
        scale=scale_of(measure, likelihood),
        phi=phi if likelihood == "binomial" else None,
        kept=[str(name) for name in kept],
        terms=terms,
        informing=informing,
        weights=np.ones(len(terms)),
        frame=frame(terms, float(informing.sum()), np.ones(len(terms))),
        fineness=fineness,
        _finer=lambda: _build(trials, measure, likelihood, effects, phi, double_zero, 2 * fineness),
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
