"""The models, written out in PyMC: read them, copy them, change them."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayespool.errors import DataError, UsageError
from bayespool.exact.arms import check_arms
from bayespool.measures import effect_sizes, informative, risks, scale_of
from bayespool.prior import DEFAULT_PHI, Priors, check_proper, parse_prior
from bayespool.trials import Trials

__all__ = ["Effects", "binomial", "continuous", "normal"]

Effects = Literal["random", "common", "t"]
T_NU = 4.0  # degrees of freedom of Student-t effects; tau is their scale


def binomial(
    trials: Trials,
    measure: str,
    priors: Priors,
    effects: Effects = "random",
    centred: bool = False,
) -> pm.Model:
    """Exact binomial model of the events in both arms: no continuity correction anywhere.

    Parameters
    ----------
    trials : Trials
        With counts; trials without events stay in.
    measure : {"OR", "RR", "RD"}
    priors : Priors
        ``phi`` is ``Normal(0, 10)`` where they have none.
    effects : {"random", "common", "t"}
        Normal, one for all trials, or Student-t with 4 degrees of freedom and scale tau.
    centred : bool
        Sample the trial effects themselves instead of their distances from mu in units of tau.

    Returns
    -------
    pm.Model
        mu, tau, theta[trial], theta_new (a new trial's effect) and phi[trial], half the log odds
        product of trial i; mu and phi[trial] alone for a common effect. The effects are log OR,
        log RR or atanh RD.

    Raises
    ------
    UsageError
        Another measure, no counts, or an unknown word for the effects.
    PriorError
        Flat priors under which the posterior does not integrate.

    Notes
    -----
    Odds product: Richardson, Robins & Wang (2017), JASA 112:1121. The model by OR is model 4 of
    Jackson et al. (2018), Stat Med 37:1059.
    """
    r1, n1, r0, n0 = _counts(trials, measure)
    informing = int(informative(measure, np.column_stack([r1, n1, r0, n0])).sum())
    check_proper(priors, informing, random=effects != "common")
    with pm.Model(coords={"trial": trials.names}) as model:
        theta = _trial_effects(priors, effects, centred)
        phi = (priors.phi or parse_prior(DEFAULT_PHI, "phi")).to_pymc("phi", dims="trial")
        p0, q0, p1, q1 = risks(measure, theta, phi, xp=pt)  # q = 1 - p, without cancellation
        pm.Binomial("events_control", n0, logit_p=pt.log(p0 / q0), observed=r0, dims="trial")
        pm.Binomial("events_treatment", n1, logit_p=pt.log(p1 / q1), observed=r1, dims="trial")
    model.about = _about(measure, "binomial", effects, priors)
    return model


def normal(
    trials: Trials,
    measure: str,
    priors: Priors,
    effects: Effects = "random",
    centred: bool = False,
    double_zero: str = "drop",
) -> pm.Model:
    """Model each trial's estimate as normal, with its standard error taken as known.

    Parameters
    ----------
    trials : Trials
    measure : str
        Any measure the trials' layout gives.
    priors, effects, centred
        As in `binomial`; there is no phi.
    double_zero : {"drop", "keep"}
        Trials with no event, or events only, in both arms: see `effect_sizes`.

    Returns
    -------
    pm.Model
        mu, tau, theta[trial] and theta_new, the trials being those that `effect_sizes` uses; mu
        alone for a common effect. Ratio measures are on the log scale, RD is the difference.

    Raises
    ------
    DataError
        No trial has an estimate.
    UsageError
        The layout does not give the measure, or an unknown word for the effects.
    PriorError
        Flat priors under which the posterior does not integrate.
    """
    sizes = effect_sizes(trials, measure, double_zero=double_zero)
    used = sizes[sizes["used"]]
    if used.empty:
        raise DataError(
            f"{trials.path}: no trial has an estimate of the {measure}: none has an event in one "
            "arm and a patient without it in the other. Use the binomial likelihood, or the RD."
        )
    check_proper(priors, len(used), random=effects != "common")
    with pm.Model(coords={"trial": used["trial"].to_list()}) as model:
        theta = _trial_effects(priors, effects, centred)
        se = used["se"].to_numpy()
        pm.Normal("estimate", theta, se, observed=used["estimate"].to_numpy(), dims="trial")
    model.about = _about(measure, "normal", effects, priors)
    return model


def continuous(
    trials: Trials,
    measure: str,
    priors: Priors,
    effects: Effects = "random",
    centred: bool = False,
) -> pm.Model:
    """Model the means and SDs of both arms: the SDs are not taken as known.

    Parameters
    ----------
    trials : Trials
        With mean, SD and n of both arms.
    measure : {"MD", "ROM", "SMD"}
    priors, effects, centred
        As in `binomial`; there is no phi.

    Returns
    -------
    pm.Model
        mu, tau, theta[trial] and theta_new as in `binomial`, and baseline[trial]: how far, in
        standard errors, the control mean lies from the observed one (MD); how far, in relative
        ones, the geometric mean of the two does (ROM); the log of sigma over the pooled SD (SMD).
        Ratios are on the log scale.

    Raises
    ------
    DataError
        An observed mean that is not positive, for ROM.
    UsageError
        Another measure, no means with SDs, or an unknown word for the effects.
    PriorError
        Flat priors under which the posterior does not integrate.

    Notes
    -----
    Flat priors on every arm's mean and log sigma, so nothing depends on the unit. They are
    improper, but the posterior is not. Integrating sigma out leaves an arm's mean Student-t with
    n - 1 degrees of freedom. SMD has one sigma for both arms, which stays in. The baselines count
    in standard errors only so that a sampler meets them on a scale of 1.
    """
    check_arms(trials, measure)
    effect_sizes(trials, measure)  # refuses what has no estimate
    check_proper(priors, len(trials), random=effects != "common")
    (m1, s1, n1), (m0, s0, n0) = (_arm(trials, arm) for arm in ("treatment", "control"))
    se1, se0 = s1 / np.sqrt(n1), s0 / np.sqrt(n0)
    df = n1 + n0 - 2
    pooled = np.sqrt(((n1 - 1) * s1**2 + (n0 - 1) * s0**2) / df)
    with pm.Model(coords={"trial": trials.names}) as model:
        theta = _trial_effects(priors, effects, centred)
        baseline = pm.Flat("baseline", dims="trial")
        if measure == "SMD":
            sigma = pooled * pt.exp(baseline)
            error = sigma * np.sqrt(1 / n1 + 1 / n0)
            pm.Normal("difference", theta * sigma, error, observed=m1 - m0, dims="trial")
            pm.Gamma("variance", df / 2, df / (2 * sigma**2), observed=pooled**2, dims="trial")
        else:
            if measure == "MD":
                control = m0 + se0 * baseline
                treatment = control + theta
            else:
                relative = np.minimum(0.5 * np.hypot(se1 / m1, se0 / m0), 1)
                middle = 0.5 * np.log(m1 * m0) + relative * baseline
                treatment, control = pt.exp(middle + theta / 2), pt.exp(middle - theta / 2)
                pm.Potential("flat_in_both_means", 2 * middle)
            pm.StudentT(
                "mean_treatment", n1 - 1, mu=treatment, sigma=se1, observed=m1, dims="trial"
            )
            pm.StudentT("mean_control", n0 - 1, mu=control, sigma=se0, observed=m0, dims="trial")
    model.about = _about(measure, "arms", effects, priors)
    return model


def _about(measure: str, likelihood: str, effects: str, priors: Priors) -> dict[str, str]:
    """Say what `as_posterior` has to know; `sample` puts it among the fit's attributes."""
    phi = priors.phi.text if priors.phi else DEFAULT_PHI
    return {
        "measure": measure,
        "scale": scale_of(measure, likelihood),
        "likelihood": likelihood,
        "effects": effects,
        "prior_mu": priors.mu.text,
        "prior_tau": priors.tau.text,
        "prior_name": priors.name,
    } | ({"prior_phi": phi} if likelihood == "binomial" else {})


def _trial_effects(priors: Priors, effects: str, centred: bool) -> Any:
    """Mu, tau, theta[trial] and theta_new inside the current model; returns the effects."""
    if effects not in get_args(Effects):
        raise UsageError(f"effects are {', '.join(get_args(Effects))}, not {effects!r}.")
    mu = priors.mu.to_pymc("mu")
    if effects == "common":
        return mu
    tau = priors.tau.to_pymc("tau")
    shape: dict[str, Any] = {} if effects == "random" else {"nu": T_NU}
    family = pm.Normal if effects == "random" else pm.StudentT
    # theta_new is not centred either way: nothing but mu and tau informs it, and tau may be 0.
    pm.Deterministic("theta_new", mu + tau * family("z_new", mu=0, sigma=1, **shape))
    if centred:
        return family("theta", mu=mu, sigma=tau, **shape, dims="trial")
    z = family("z", mu=0, sigma=1, **shape, dims="trial")
    return pm.Deterministic("theta", mu + tau * z, dims="trial")


def _arm(trials: Trials, arm: str) -> list[Any]:
    """Mean, SD and patients of one arm of every trial."""
    columns = [f"{stem}_{arm}" for stem in ("mean", "sd", "n")]
    return [trials.frame[column].to_numpy(dtype=float) for column in columns]


def _counts(trials: Trials, measure: str) -> list[Any]:
    """Events and patients, treatment arm first; UsageError without counts."""
    if measure not in ("OR", "RR", "RD"):
        raise UsageError(f"the binomial model has OR, RR and RD, not {measure!r}.")
    if trials.layout != "binary":
        raise UsageError(
            f"{trials.path}: the binomial model needs counts, and these trials have the "
            f"{trials.layout} layout. Use the normal model."
        )
    columns = ["events_treatment", "n_treatment", "events_control", "n_control"]
    return [trials.frame[column].to_numpy(dtype="int64") for column in columns]
