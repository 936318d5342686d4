"""The groups beside the posterior that ArviZ's functions look for."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bayespool.axes import Array
from bayespool.errors import UsageError
from bayespool.predictive.model import Model, model_of, new_effects
from bayespool.prior import DEFAULT_PHI, Prior, Priors, parse_prior
from bayespool.trials import Trials

__all__ = ["with_predictive"]

FARTHEST = 1e100  # of a prior's draw: between two infinities there is no number


def with_predictive(
    fit: xr.DataTree, trials: Trials, priors: Priors | None = None, seed: int = 2026
) -> xr.DataTree:
    """Copy a fit and add the groups that ArviZ's checks and pictures expect.

    Parameters
    ----------
    fit : xr.DataTree
        By `sample`, of a model by `binomial` or `normal`.
    trials : Trials
        Those of the fit.
    priors : Priors, optional
        Those of the fit, which remembers them; others are an error.
    seed : int
        The same seed gives the same bytes.

    Returns
    -------
    xr.DataTree
        The fit, and

        - posterior_predictive: new patients in each trial, with the trial's own effect;
        - log_likelihood: of each trial's arms (events_control, events_treatment) or estimate;
        - log_prior: densities of mu and tau at the draws. Not of the trials' own effects and
          baselines: to scale those is to scale the model, and would raise alarms in
          `psense` that say nothing about the prior (Kallioinen et al. 2024, Stat Comput
          34:57, on hierarchical models);
        - prior: draws of mu and tau; prior_predictive: the trials with baselines, mean effect and
          heterogeneity from the priors, and an effect of its own for each trial;
        - constant_data: patients in each arm, or standard errors.

        A flat prior has no draws and no density. What needs it is left out, and so is a group of
        which nothing remains.

    Raises
    ------
    UsageError
        The trials or the priors are not the fit's, or the fit is of another model.
    """
    model = model_of(fit, trials)
    priors = _priors_of(fit, priors)
    for_posterior, for_prior = np.random.default_rng(seed).spawn(2)
    groups = {
        "posterior_predictive": model.replicates(model.theta, model.phi, for_posterior),
        "log_likelihood": model.log_likelihood(),
        "log_prior": _log_prior(model, priors),
        **_from_priors(model, priors, for_prior),
    }
    tree: xr.DataTree = fit.copy()
    for name, arrays in groups.items():
        if arrays:
            tree[name] = xr.DataTree(_dataset(arrays, fit, model.data))
    constants = [name for name in ("n_control", "n_treatment", "se") if name in model.data]
    tree["constant_data"] = xr.DataTree(model.data[constants])
    return tree


def _dataset(arrays: dict[str, Array], fit: xr.DataTree, data: xr.Dataset) -> xr.Dataset:
    posterior = fit["posterior"]
    coords = {"chain": posterior["chain"], "draw": posterior["draw"]}
    if any(array.ndim == 3 for array in arrays.values()):
        coords["trial"] = data["trial"]
    dims = ("chain", "draw", "trial")
    return xr.Dataset({name: (dims[: a.ndim], a) for name, a in arrays.items()}, coords)


def _priors_of(fit: xr.DataTree, given: Priors | None) -> Priors:
    """The priors that the fit was made with; those given have to be the same."""
    about = fit.attrs
    own = Priors(str(about["prior_mu"]), str(about["prior_tau"]), about.get("prior_phi"))
    if given is None:
        return own
    pairs = [(own.mu, given.mu)]
    if about["effects"] != "common":
        pairs.append((own.tau, given.tau))
    if own.phi is not None and given.phi is not None:
        pairs.append((own.phi, given.phi))
    for prior, other in pairs:
        if prior != other:
            raise UsageError(
                f"the fit has the prior {prior} on {prior.role}, not {other}. Leave priors out."
            )
    return own


def _proper(model: Model, priors: Priors) -> dict[str, Prior]:
    """The priors on the model's mean effect and heterogeneity that have draws and densities."""
    present = {"mu": priors.mu} | ({} if model.tau is None else {"tau": priors.tau})
    return {name: prior for name, prior in present.items() if prior.proper}


def _log_prior(model: Model, priors: Priors) -> dict[str, Array]:
    draws = {"mu": model.mu} | ({} if model.tau is None else {"tau": model.tau})
    return {name: prior.logpdf(draws[name]) for name, prior in _proper(model, priors).items()}


def _from_priors(
    model: Model, priors: Priors, random: np.random.Generator
) -> dict[str, dict[str, Array]]:
    """Draws of mu and tau, and of the data that they imply, as many as the posterior has."""
    prior = {
        name: _draws(prior, model.mu.shape, random)
        for name, prior in _proper(model, priors).items()
    }
    if "mu" not in prior or ("tau" not in prior) != (model.tau is None):
        return {"prior": prior}
    k = model.data.sizes["trial"]
    theta = new_effects(prior["mu"], prior.get("tau"), model.effects, k, random)
    phi = None
    if model.phi is not None:
        baseline = priors.phi or parse_prior(DEFAULT_PHI, "phi")
        if not baseline.proper:
            return {"prior": prior}
        phi = _draws(baseline, theta.shape, random)
    return {"prior": prior, "prior_predictive": model.replicates(theta, phi, random)}


def _draws(prior: Prior, shape: tuple[int, ...], random: np.random.Generator) -> Array:
    # The generator's 0 would be an infinite draw of many a prior.
    uniform = np.maximum(random.random(shape), 2.0**-53)
    return np.clip(prior.ppf(uniform), -FARTHEST, FARTHEST)
