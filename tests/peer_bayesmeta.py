"""R's bayesmeta, posterior by posterior, beside the exact engine under the same priors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pandas as pd
from peers import Comparison, data_of, reference
from scipy.special import ndtr, ndtri

from bayespool.exact import closed, surface
from bayespool.frequentist import inverse_variance
from bayespool.prior import parse_prior
from bayespool.trials import Trials, read_trials


def estimates(y: list[float], se: list[float]) -> Trials:
    names = [f"t{i}" for i in range(len(y))]
    return read_trials(pd.DataFrame({"trial": names, "estimate": y, "se": se}))


@dataclass(frozen=True)
class DataPrior:
    """A density of tau that depends on the standard errors: bayesmeta has four, we have none."""

    log_density: Callable[[np.ndarray], np.ndarray]
    tail: float
    proper: bool
    support: tuple[float, float] = (0.0, np.inf)

    def logpdf(self, tau: np.ndarray) -> np.ndarray:
        return self.log_density(tau)

    def cdf(self, tau: np.ndarray) -> np.ndarray:
        return np.exp(self.logpdf(tau)) * tau  # of a millionth: right to its own size

    def ppf(self, p: np.ndarray) -> np.ndarray:
        return np.full_like(p, np.inf)


def tau_prior(spec: dict, s: np.ndarray) -> object:
    harmonic = len(s) / np.sum(s**-2.0)
    texts = {
        "halfnormal": "HalfNormal({scale})",
        "halfcauchy": "HalfCauchy({scale})",
        "halft": "HalfStudentT({df}, {scale})",
        "exponential": "Exponential({rate})",
        "lognormal": "LogNormal({meanlog}, {sdlog})",
        "uniform_improper": "Flat()",
        "log_student_t": "LogStudentT({df}, {location_tau2}, {scale_tau2})",
    }
    of_data = {
        "bayesmeta_DuMouchel": DataPrior(
            lambda t: 0.5 * np.log(harmonic) - 2 * np.log(np.sqrt(harmonic) + t), 2, True
        ),
        "bayesmeta_shrinkage": DataPrior(
            lambda t: np.log(2 * harmonic * t) - 2 * np.log(harmonic + t**2), 3, True
        ),
        "bayesmeta_Jeffreys": DataPrior(
            lambda t: 0.5 * np.log(np.sum((t / (s[:, None] ** 2 + t**2)) ** 2, axis=0)), 1, False
        ),
        "bayesmeta_conventional": DataPrior(
            lambda t: np.mean(np.log(t) - 1.5 * np.log(s[:, None] ** 2 + t**2), axis=0), 2, False
        ),
        "halflogistic": DataPrior(
            lambda t: (
                np.log(2 / spec.get("scale", 1))
                - t / spec.get("scale", 1)
                - 2 * np.log1p(np.exp(-t / spec.get("scale", 1)))
            ),
            np.inf,
            True,
        ),
    }
    family = spec["family"]
    if family in texts:
        return parse_prior(texts[family].format(**spec), "tau")
    return of_data[family]


class Fit(NamedTuple):
    """One of bayesmeta's fits beside our posterior under the same priors."""

    label: str
    theirs: dict
    y: np.ndarray
    s: np.ndarray
    priors: SimpleNamespace
    ours: object
    log_evidence_common: float | None


def bayesmeta_fits(name: str, refused: bool = False) -> Iterator[Fit]:
    """Yield each fit of one data set that R gave an answer to, or those it refused."""
    data = data_of("bayesmeta", name)
    y, s = np.array(data["yi"]), np.array(data["sei"])
    terms = surface(estimates(data["yi"], data["sei"]), "generic")
    alone = surface(estimates(data["yi"], data["sei"]), "generic", effects="common")
    for fit in reference("bayesmeta")["fits"]:
        if fit["dataset"] != name or ("error" in fit) != refused:
            continue
        spec = fit["mu_prior_spec"]
        mu = "Flat()" if spec["family"] == "uniform_improper" else "Normal({mean}, {sd})"
        # Priors takes text or Prior; a data-dependent density stands in for the tau prior.
        priors = SimpleNamespace(
            mu=parse_prior(mu.format(**spec), "mu"),
            tau=tau_prior(fit["tau_prior_spec"], s),
            phi=None,
            name="",
            reason="",
            source="",
        )
        about = {
            "trials": terms.trials,
            "measure": "generic",
            "scale": "identity",
            "likelihood": "normal",
            "effects": "random",
            "priors": priors,
            "engine": "exact",
        }
        yield Fit(
            f"{name}, tau {fit['tau_prior']}, mu {fit['mu_prior']}",
            fit,
            y,
            s,
            priors,
            closed.posterior(terms, priors, about),
            closed.posterior(alone, priors, about | {"effects": "common"}).log_marginal_likelihood,
        )


class Mixture(NamedTuple):
    """Given tau, mu is normal: its mean and variance at every tau, with tau's probabilities."""

    tau: np.ndarray
    p: np.ndarray
    mean: np.ndarray
    variance: np.ndarray

    def cdf(self, x: np.ndarray, new: bool) -> np.ndarray:
        """Probability that mu, or a new trial's effect, lies below each x."""
        spread = np.sqrt(self.variance + new * self.tau**2)
        return ndtr((x[:, None] - self.mean) / spread) @ self.p

    def variances(self, beyond: list[float]) -> np.ndarray:
        """Variances of mu and of a new trial's effect, shape (len(beyond), 2).

        Each of ``beyond`` leaves out the part of the posterior of tau with that probability
        above it.
        """
        above = np.cumsum(self.p[::-1])[::-1]
        found = []
        for limit in beyond:
            p = np.where(above >= limit, self.p, 0.0)
            p /= p.sum()
            of_mu = p @ (self.variance + self.mean**2) - (p @ self.mean) ** 2
            found.append((of_mu, of_mu + p @ self.tau**2))
        return np.array(found)


def plain_mixture(fit: Fit) -> Mixture:
    """The normal model by a plain sum over log tau; nothing of the engine in it but the prior."""
    x = np.linspace(np.log(1e-9), np.log(1e12), 8_001)
    tau, spec = np.exp(x), fit.theirs["mu_prior_spec"]
    w = 1 / (fit.s[:, None] ** 2 + tau**2)
    flat = spec["family"] == "uniform_improper"
    m0, p0 = (0.0, 0.0) if flat else (spec["mean"], spec["sd"] ** -2.0)
    precision = w.sum(axis=0) + p0
    mean = (w.T @ fit.y + p0 * m0) / precision
    squares = (w * (fit.y[:, None] - mean) ** 2).sum(axis=0) + p0 * (mean - m0) ** 2
    log_p = 0.5 * (np.log(w).sum(axis=0) - np.log(precision) - squares)
    log_p = log_p + fit.priors.tau.logpdf(tau) + x
    p = np.exp(log_p - log_p.max())
    return Mixture(tau, p / p.sum(), mean, 1 / precision)


class Ledger(NamedTuple):
    """What was compared, and the numbers in which the peer is wrong, each with its evidence."""

    compared: list[Comparison]
    excepted: list[tuple[str, str, bool]]  # kind, label, whether the evidence holds


@cache
def bayesmeta_ledger(name: str) -> Ledger:
    """Every number of bayesmeta's posteriors of one data set that we report too.

    Gaps are in posterior SDs (a normal's from the 5 % and 95 % quantiles, for SDs need not
    exist), in probability, or in log units.
    """
    book = Ledger([], [])
    p = np.array(reference("bayesmeta")["quantile_p"])
    for fit in bayesmeta_fits(name):
        _compare_marginals(book, fit, p)
        _compare_trials(book, fit)
        evidence = fit.theirs.get("marginal_likelihood")
        if evidence and fit.priors.tau.proper:
            log_p = fit.ours.log_marginal_likelihood
            none = np.log(fit.ours["mu"].pdf(0.0)) - fit.priors.mu.logpdf(np.zeros(1))[0]
            factors = fit.theirs["bayes_factor"]
            for kind, ours, theirs in (
                ("log marginal likelihood", log_p, evidence),
                ("log Bayes factor", fit.log_evidence_common - log_p, factors["tau0_actual"]),
                ("log Bayes factor", float(none), factors["mu0_actual"]),
            ):
                book.compared.append(Comparison(kind, fit.label, ours - np.log(theirs), 3e-8))
    return book


def _compare_marginals(book: Ledger, fit: Fit, p: np.ndarray) -> None:
    loose = fit.theirs["delta"] > 1e-4
    delta = ", delta 1e-3" if loose else ", delta 1e-4"
    for name in ("mu", "tau", "theta_new"):
        theirs, ours = fit.theirs[name], fit.ours[name]
        quantiles = np.array(theirs["quantiles"])
        unit = (quantiles[8] - quantiles[2]) / (2 * ndtri(0.95))
        exact = name == "tau"
        label = f"{fit.label}, {name}"
        head, tail = ("tau", "") if exact else ("mu and a new trial", delta)

        def add(kind, gap, limit, head=head, tail=tail, label=label):
            book.compared.append(Comparison(f"{head}: {kind}{tail}", label, float(gap), limit))

        main = "mean, quantiles" if exact else "mean, quantiles from 2.5 % to 97.5 %"
        limit = 2e-5 if exact else 7e-4 if loose else 1e-4
        for i, gap in enumerate((ours.quantile(p) - quantiles) / unit):
            if exact or 0 < i < len(p) - 1:
                add(main, gap, limit)
            else:
                add("quantiles at 0.5 % and 99.5 %", gap, 6e-3 if loose else 1e-4)
        add(main, (ours.mean - theirs["mean"]) / unit, limit)
        for end, bound in zip(ours.hdi(0.95), theirs["shortest95"], strict=True):
            # A shift d of both ends changes the width by d^2: R's search stops early.
            add("shortest 95 % interval", (end - bound) / unit, 1e-3)
        if not exact:
            gap = float(ours.cdf(0.0)) - theirs["p_below_0"]
            add("P(below 0)", gap, 3e-4 if loose else 3e-5)
        sd = fit.theirs[name].get("sd")
        if ours.sd is not None and abs(ours.sd - sd) <= limit * unit:
            add("SD", (ours.sd - sd) / unit, limit)
        else:
            book.excepted.append(_excepted_sd(fit, name, label))


def _excepted_sd(fit: Fit, name: str, label: str) -> tuple[str, str, bool]:
    """Who is right about an SD that differs, or that only one of us gives."""
    ours, theirs = fit.ours[name].sd, fit.theirs[name].get("sd")
    if name == "tau":
        return "no SD: R agrees", label, ours is None and theirs is None
    epsilon = fit.theirs["epsilon"]
    tails = [epsilon, epsilon / 2, 0.0, 1e-6, 1e-8, 1e-10]
    variances = plain_mixture(fit).variances(tails)[:, 0 if name == "mu" else 1]
    shorter, longer, whole = np.sqrt(variances[:3])
    # R keeps the part of tau's posterior with between epsilon/2 and epsilon above it.
    truncated = shorter * (1 - 1e-4) <= theirs <= longer * (1 + 1e-4)
    if ours is None:  # the integral of the square never ends: a hundred times less, as much more
        first, second = np.diff(variances[3:])
        endless = second > 0.9 * first > 0
        return "no SD: R gives a truncated one", label, bool(truncated and endless)
    right = abs(whole / ours - 1) < 1e-6
    return "SD: R's is truncated", label, bool(truncated and right)


def _compare_trials(book: Ledger, fit: Fit) -> None:
    loose = fit.theirs["delta"] > 1e-4
    fineness, limit = (", delta 1e-3", 1e-3) if loose else (", delta 1e-4", 1e-4)
    theirs = fit.theirs["theta"]
    for i in range(len(fit.y)):
        ours = fit.ours[f"t{i}"]
        ends = np.array([theirs["shortest95_lower"][i], theirs["shortest95_upper"][i]])
        heights = np.log(ours.pdf(ends))
        label = f"{fit.label}, trial {i}"
        for gap in (
            (ours.quantile(0.5) - theirs["median"][i]) / ours.sd,
            (ours.mean - theirs["mean"][i]) / ours.sd,
            (ours.sd - theirs["sd"][i]) / ours.sd,
        ):
            kind = f"trials' own effects: median, mean, SD{fineness}"
            book.compared.append(Comparison(kind, label, float(gap), limit))
        # An interval is the shortest where it holds 95 % and is as likely at either end.
        inside = float(np.diff(ours.cdf(ends))[0])
        head = "trials' own effects: shortest 95 % interval"
        limits = (3e-4 if loose else 3e-5, 4e-3 if loose else 2e-3)
        for kind, gap, most in (
            (f"{head}, its probability{fineness}", inside - 0.95, limits[0]),
            (
                f"{head}, log ratio of its ends' densities{fineness}",
                heights[1] - heights[0],
                limits[1],
            ),
        ):
            book.compared.append(Comparison(kind, label, float(gap), most))


@cache
def bayesmeta_ml(name: str) -> list[Comparison]:
    """The joint maximum of the likelihood, which bayesmeta searches and we solve for."""
    data = data_of("bayesmeta", name)
    row = inverse_variance("ML", np.array(data["yi"]), np.array(data["sei"]) ** 2)
    found = []
    for fit in reference("bayesmeta")["fits"]:
        if fit["dataset"] == name and "error" not in fit:
            tau, mu = fit["ML"]["joint"]
            for what, gap in (("tau", row["tau2"] ** 0.5 - tau), ("mu", row["estimate"] - mu)):
                label = f"{name}, {what}"
                found.append(Comparison("joint ML", label, float(gap / row["se"]), 2e-3))
    return found
