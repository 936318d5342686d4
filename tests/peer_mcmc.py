"""brms (Stan) and JAGS: the binomial model with a prior on the control arm's logit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
from peers import Comparison, data_of, reference
from scipy.interpolate import CubicSpline
from scipy.special import ndtri

from bayespool.axes import nodes
from bayespool.exact import surface
from bayespool.exact.surface import Surface
from bayespool.exact.trial import _integrate_phi
from bayespool.prior import Priors
from bayespool.trials import Trials, read_trials


@dataclass(frozen=True, eq=False)
class ControlLogit:
    """The prior on phi, given theta, that alpha ~ Normal(0, sd) independent of theta implies.

    alpha is the control arm's logit, phi the mean of both arms', so phi = alpha + theta / 2 and
    phi | theta ~ Normal(theta / 2, sd); ours is Normal(0, sd) whatever theta is.
    """

    theta: np.ndarray
    sd: float = 10.0

    def ppf(self, p: np.ndarray) -> np.ndarray:
        farthest = 0.5 * np.abs(self.theta).max()
        return self.sd * ndtri(p) + farthest * np.array([-1.0, 1.0])

    def logpdf(self, phi: np.ndarray) -> np.ndarray:
        theta = self.theta[(...,) + (None,) * (phi.ndim - self.theta.ndim)]
        return -0.5 * ((phi - theta / 2) / self.sd) ** 2 - np.log(self.sd * np.sqrt(2 * np.pi))


def counts_of(name: str) -> tuple[Trials, np.ndarray]:
    """Return a data set of brms.json, and its arms as rows of (a, n1, c, n2)."""
    data = data_of("brms", name)
    arms = np.array([data[key] for key in ("ai", "n1i", "ci", "n2i")], dtype=float).T
    columns = ["events_treatment", "n_treatment", "events_control", "n_control"]
    frame = pd.DataFrame(arms, columns=columns).assign(trial=[f"t{i}" for i in range(len(arms))])
    return read_trials(frame), arms


@cache
def our_surface(name: str) -> Surface:
    """Our own model: phi ~ Normal(0, 10)."""
    return surface(counts_of(name)[0], "OR")


@cache
def their_surface(name: str) -> Surface:
    """Our engine on the peers' model: their prior on the baseline, all else as it is."""
    made, (_, arms) = our_surface(name), counts_of(name)
    terms = []
    for term, row in zip(made.terms, arms, strict=True):
        theta = nodes(term.axis)[None]
        log_g = _integrate_phi("OR", row[None], theta, ControlLogit(theta), 48)[0]
        terms.append(replace(term, log_g=log_g))
    return replace(made, terms=terms, _grids={}, _sums={})


def mcmc_priors(tau: str) -> Priors:
    family = reference("brms")["priors"][tau]
    name = {"halfnormal": "HalfNormal", "halfcauchy": "HalfCauchy"}[family["family"]]
    return Priors("Normal(0, 2)", f"{name}({family['scale']})")


def mcmc_fits(engine: str) -> list[dict]:
    return [fit for fit in reference("brms")["fits"] if fit["engine"] == engine]


def mcmc_comparisons(fit: dict, model: Callable[[str], Surface]) -> list[Comparison]:
    """Every number of a fit by brms or JAGS beside a surface's, in Monte Carlo standard errors."""
    name, tau = fit["dataset"], fit["tau_prior"]
    ours = model(name).posterior(mcmc_priors(tau))
    label, found = f"{fit['engine']}, {name}, {tau}", []

    def add(kind, ours, theirs, mcse):
        found.append(Comparison(kind, label, float((ours - theirs) / mcse), 4.0))

    for quantity in ("mu", "tau", "theta_new"):
        theirs, marginal = fit[quantity], ours[quantity]
        add(f"{quantity}: mean", marginal.mean, theirs["mean"], theirs["mcse_mean"])
        add(f"{quantity}: SD", marginal.sd, theirs["sd"], theirs["mcse_sd"])
        values = marginal.quantile(np.array(reference("brms")["quantile_p"]))
        for value, quantile, mcse in zip(
            values, theirs["quantiles"], theirs["mcse_quantiles"], strict=True
        ):
            add(f"{quantity}: quantiles", value, quantile, mcse)
        if "p_below_0" in theirs:
            # Where all draws are below 0 there is no MCSE: then that of the exact probability.
            p, ess = float(marginal.cdf(0.0)), theirs["ess_bulk"]
            mcse = theirs["mcse_p_below_0"] or max(np.sqrt(p * (1 - p) / ess), 1 / ess)
            add(f"{quantity}: P(below 0)", p, theirs["p_below_0"], mcse)
    for i, (mean, mcse) in enumerate(
        zip(fit["theta"]["mean"], fit["theta"]["mcse_mean"], strict=True)
    ):
        add("trials' own effects: mean", ours[f"t{i}"].mean, mean, mcse)
    return found


def plain_sum(arms: np.ndarray, alpha_sd: float, mu_sd: float) -> dict[str, float]:
    """Log odds ratios by plain sums over alpha, theta, mu and tau; nothing of the engine in it.

    alpha, the control arm's logit, ~ Normal(0, alpha_sd); mu ~ Normal(0, mu_sd);
    tau ~ HalfNormal(0.5). Right to 1e-5: with doubled nodes a quarter of that.
    """
    alpha_unit = np.linspace(-1, 1, 401)
    theta = np.linspace(-16.0, 10.0, 2601)
    log_g = []
    for a, n1, c, n2 in arms:
        start = np.log((c + 0.5) / (n2 - c + 0.5))
        reach = 14 * np.sqrt(1 / (c + 0.5) + 1 / (n2 - c + 0.5))
        alpha = start + reach * alpha_unit
        control = c * alpha - n2 * np.logaddexp(0, alpha) - 0.5 * (alpha / alpha_sd) ** 2
        treated = alpha + theta[:, None]
        terms = control + a * treated - n1 * np.logaddexp(0, treated)
        top = terms.max(axis=1)
        log_g.append(top + np.log(np.exp(terms - top[:, None]).sum(axis=1)))
    g = np.exp(np.array(log_g) - np.max(log_g, axis=1, keepdims=True))
    mu = np.linspace(-5.0, 2.5, 151)
    u = np.linspace(0.0, 1.0, 101)[:-1]
    scale = 0.5
    tau = scale * u / (1 - u)
    log_p = np.empty((len(mu), len(tau)))
    for j, sd in enumerate(tau):
        if sd < 0.04:  # between the nodes of theta: a parabola's worth of spread
            z, w = np.polynomial.hermite_e.hermegauss(9)
            at = mu[:, None] + sd * z
            each = np.array([CubicSpline(theta, np.log(row + 1e-300))(at) for row in g])
            average = np.exp(each) @ (w / w.sum())
        else:
            kernel = np.exp(-0.5 * ((theta - mu[:, None]) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
            average = g @ kernel.T * (theta[1] - theta[0])
        log_p[:, j] = np.log(average + 1e-300).sum(axis=0)
    log_p += -0.5 * (tau / scale) ** 2 - 2 * np.log1p(-u) - 0.5 * (mu[:, None] / mu_sd) ** 2
    weight = np.ones(len(tau))
    weight[0] = 0.5
    p = np.exp(log_p - log_p.max()) * weight
    of_mu, of_tau = p.sum(axis=1) / p.sum(), p.sum(axis=0) / p.sum()
    mean_mu, mean_tau = of_mu @ mu, of_tau @ tau
    return {
        "mu mean": mean_mu,
        "mu sd": np.sqrt(of_mu @ (mu - mean_mu) ** 2),
        "tau mean": mean_tau,
        "tau sd": np.sqrt(of_tau @ (tau - mean_tau) ** 2),
    }
