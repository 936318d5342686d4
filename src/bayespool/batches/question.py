"""What is asked of every review of a library, and the columns of the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from bayespool.decisions import check_benefit, thresholds_of
from bayespool.errors import BayespoolError, UsageError
from bayespool.exact.surface import EFFECTS
from bayespool.measures import MEASURES, scale_of
from bayespool.prior import Priors
from bayespool.prior import priors as named_priors

__all__ = ["COLUMNS", "KINDS", "NUTS", "Asked"]

LIKELIHOODS = ("binomial", "normal", "arms")
TEXT = ("review", "priors", "measure", "likelihood", "effects", "error", "nuts_error")
WHOLE = ("trials", "used", "participants", "nuts_divergences")
# Types of the columns; all others are float64.
KINDS = dict.fromkeys(TEXT, "string") | dict.fromkeys(WHOLE, "Int64")
KINDS |= dict.fromkeys(("agrees", "nuts_agrees"), "boolean")

COLUMNS: dict[str, str] = {
    "review": "name of the review",
    "priors": "name of the prior set",
    "measure": "OR, RR, RD, MD, SMD, ROM, HR or generic",
    "likelihood": "binomial, normal or arms",
    "effects": "random, common or t",
    "trials": "trials in the file",
    "used": "trials that inform the effect",
    "participants": "people in both arms of all trials; empty where the file does not say",
    "mu_mean": "posterior mean of the mean effect, analysis scale",
    "mu_sd": "its standard deviation",
    "mu_median": "posterior median of the mean effect, analysis scale",
    "mu_lower": "2.5 % quantile",
    "mu_upper": "97.5 % quantile",
    "tau_median": "posterior median of the standard deviation between trials",
    "tau_lower": "2.5 % quantile",
    "tau_upper": "97.5 % quantile",
    "theta_new_median": "posterior median of the effect in a new trial, analysis scale",
    "theta_new_lower": "2.5 % quantile: the prediction interval",
    "theta_new_upper": "97.5 % quantile",
    "natural_median": "mu_median in natural units (a ratio, a difference)",
    "natural_lower": "mu_lower in natural units",
    "natural_upper": "mu_upper in natural units",
    "natural_new_lower": "theta_new_lower in natural units",
    "natural_new_upper": "theta_new_upper in natural units",
    "log_marginal_likelihood": "empty under an improper prior",
    "grid_error": "bound on the error of a probability that the grid's nodes leave",
    "reml_estimate": "classical mean effect, tau by REML, analysis scale (RD: the difference)",
    "reml_lower": "its 95 % limit by Hartung and Knapp",
    "reml_upper": "its 95 % limit by Hartung and Knapp",
    "reml_tau": "standard deviation between trials by REML",
    "agrees": "whether the classical estimate lies in the exact 95 % interval",
    "seconds": "processor time; of reviews that are analysed together, the average",
    "error": "why there is no answer; else empty",
}
NUTS: dict[str, str] = {  # with engine="both"
    "nuts_mu_mean": "posterior mean of the mean effect by NUTS, analysis scale",
    "nuts_mu_sd": "its standard deviation",
    "nuts_mu_lower": "2.5 % quantile",
    "nuts_mu_upper": "97.5 % quantile",
    "nuts_tau_median": "posterior median of the standard deviation between trials by NUTS",
    "nuts_r_hat": "R-hat of mu or tau, the larger",
    "nuts_ess": "effective draws of mu or tau, in bulk or tails, the fewest",
    "nuts_divergences": "divergent transitions",
    "nuts_agrees": "mean of mu and medians of mu and tau within 4 Monte Carlo errors of exact",
    "nuts_error": "why NUTS has no answer, or did not converge; else empty",
}


@dataclass(frozen=True)
class Asked:
    """One question, put to every review: what `bayespool fit` takes, and several prior sets.

    Attributes
    ----------
    by : str
        Column that names the review.
    measure : str or None
        None: each review's own, from the column ``measure``.
    priors : tuple of str
        Names of prior sets, as `bayespool.priors` takes them.
    mu, tau, phi : str or None
        Priors that take the place of a set's own.
    benefit : {"lower", "higher"} or None
    thresholds : tuple of str, natural units
        Of further probabilities; that of any effect is always there.
    engine : "exact" or "both"
        Both adds the columns of NUTS.
    seed : int
        Of NUTS; each review has its own, made of this and its name.
    """

    by: str = "review"
    measure: str | None = None
    priors: tuple[str, ...] = ("weak",)
    mu: str | None = None
    tau: str | None = None
    phi: str | None = None
    benefit: str | None = None
    important: float | None = None
    thresholds: tuple[str, ...] = ()
    likelihood: str | None = None
    effects: str = "random"
    double_zero: str = "drop"
    engine: str = "exact"
    seed: int = 2026

    def check(self) -> None:
        """Raise what is wrong for every review: PriorError or UsageError."""
        check_benefit(self.benefit)
        for word, value, allowed in (
            ("effects", self.effects, EFFECTS),
            ("likelihood", self.likelihood, (None, *LIKELIHOODS)),
            ("double_zero", self.double_zero, ("drop", "keep")),
            ("engine", self.engine, ("exact", "both")),
        ):
            if value not in allowed:
                words = ", ".join(word for word in allowed if word)
                raise UsageError(f"{word} is one of {words}, not {value!r}.")
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"seed is a whole number from 0 to 2^63 - 1, not {self.seed}.")
        if not self.priors or len(set(self.priors)) < len(self.priors):
            raise UsageError("priors names one prior set or several, each once.")
        for name in self.priors:
            self._for_some(partial(self.prior_set, name))
        self._for_some(lambda measure: self.at(measure, scale_of(measure, self.likelihood or "")))

    def _for_some(self, question: Callable[[str], object]) -> None:
        """Raise if a question has no answer for the measure, or for any."""
        errors = []
        for measure in MEASURES if self.measure is None else [self.measure]:
            try:
                question(measure)
            except BayespoolError as error:
                errors.append(error)
            else:
                return
        raise errors[0]

    def prior_set(self, name: str, measure: str) -> Priors:
        """The prior set of this name for this measure."""
        return _prior_set(self, name, measure)

    def at(self, measure: str, scale: str) -> dict[str, float]:
        """Thresholds on the analysis scale, by the end of a column's name; "" is no effect."""
        found = thresholds_of(measure, scale, self.thresholds)
        return {"": 0.0} | {f"_{text}": found[text] for text in self.thresholds}

    @property
    def columns(self) -> dict[str, str]:
        """Every column of the results, in order, with what it holds."""
        words = {"": "no effect"} | {f"_{text}": text for text in self.thresholds}
        chances = {}
        for new, of in (("", "the mean effect"), ("_new", "the effect in a new trial")):
            for end, threshold in words.items():
                chances[f"prob_below{new}{end}"] = f"P({of} is below {threshold})"
                if self.benefit:
                    side = "below" if self.benefit == "lower" else "above"
                    chances[f"prob_benefit{new}{end}"] = f"P({of} is {side} {threshold})"
        before = list(COLUMNS)[: list(COLUMNS).index("log_marginal_likelihood")]
        first = {name: COLUMNS[name] for name in before}
        rest = {name: COLUMNS[name] for name in COLUMNS if name not in first}
        return first | chances | rest | (NUTS if self.engine == "both" else {})


@lru_cache(maxsize=256)
def _prior_set(asked: Asked, name: str, measure: str) -> Priors:
    return named_priors(
        measure,
        name,
        likelihood=asked.likelihood,
        important=asked.important,
        benefit=asked.benefit,
        mu=asked.mu,
        tau=asked.tau,
        phi=asked.phi,
    )
