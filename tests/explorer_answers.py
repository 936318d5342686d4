"""Settings that a reader may choose, and how far the page's answers are from Python's."""

from functools import cache
from typing import Any

import numpy as np

import bayespool as bp
from bayespool.decisions.nnt import nnt_text
from bayespool.measures import from_natural, to_natural
from bayespool.posterior import Marginal

LEVELS = {"median": 0.5, "lower": 0.025, "upper": 0.975}


def setting(random: np.random.Generator, outcome: dict[str, Any]) -> dict[str, Any]:
    """A state within the reach of the page's own controls, in any family it knows."""
    mean = random.uniform(*outcome["limits"]["mean"])
    sd = _between(random, outcome["limits"]["sd"])
    mu = _one_of(
        random,
        ["Normal", mean, sd],
        ["Normal", mean, sd],
        ["Normal", mean, sd],
        ["StudentT", random.uniform(2, 10), mean, sd],
        ["Cauchy", mean, sd],
        ["Logistic", mean, sd],
        ["Uniform", mean - 3 * sd, mean + 3 * sd],
        ["Flat"],
    )
    tau = None
    if outcome["limits"]["scale"]:
        scale = _between(random, outcome["limits"]["scale"])
        tau = _one_of(
            random,
            ["HalfNormal", scale],
            ["HalfNormal", scale],
            ["HalfCauchy", scale],
            ["HalfStudentT", 4.0, scale],
            ["Exponential", 1 / scale],
            ["LogNormal", float(np.log(scale)), 0.8],
            ["Gamma", 2.0, 2 / scale],
            ["InverseGamma", 2.0, scale],
            ["Uniform", 0.0, 3 * scale],
            # With few trials a flat prior has no posterior, or one that ends in no grid.
            ["Flat"] if len(outcome["trials"]) >= 5 else ["HalfNormal", scale],
        )
    k = len(outcome["trials"])
    without = [i for i in range(k) if random.random() < 0.15]
    unit = outcome["limits"]["mean"][1] / 3
    return {
        "prior": None,
        "mu": mu,
        "tau": tau,
        "threshold": float(to_natural(random.normal(0, unit), outcome["scale"])),
        "without": without[: k - 1],
        "trust": _one_of(random, 1.0, random.uniform(0, 1)) if outcome["doubted"] else 1.0,
        "baseline": random.uniform(0.02, 0.8),
    }


def named_setting(
    random: np.random.Generator, outcome: dict[str, Any], name: str
) -> dict[str, Any]:
    """A random setting under a named prior: an RR may have its odds ratio beside it."""
    (named,) = (each for each in outcome["priors"]["named"] if each["name"] == name)
    priors = {"prior": name, "mu": named["mu"], "tau": named["tau"]}
    return setting(random, outcome) | priors


def main_state(outcome: dict[str, Any]) -> dict[str, Any]:
    """The main analysis as a setting."""
    priors = {each["name"]: each for each in outcome["priors"]["named"]}
    main = priors[outcome["priors"]["main"]]
    absolute = outcome["absolute"]
    return {
        "prior": main["name"],
        "mu": main["mu"],
        "tau": main["tau"],
        "threshold": outcome["no_effect"],
        "without": [],
        "trust": 1.0,
        "baseline": absolute and absolute["baselines"][absolute["headline"]],
    }


def weights_of(outcome: dict[str, Any], state: dict[str, Any]) -> dict[str, float]:
    """Each trial's weight, by its name."""
    weights = {}
    for i, trial in enumerate(outcome["trials"]):
        if trial["row"] >= 0:
            share = state["trust"] if trial["doubted"] else 1.0
            weights[trial["name"]] = 0.0 if i in state["without"] else share
    return weights


def text(spec: list) -> str:
    """Write a family and its numbers as Python's priors are written."""
    family, *numbers = spec
    return f"{family}({', '.join(repr(float(number)) for number in numbers)})"


def differences(
    analysis: bp.Analysis, outcome: dict[str, Any], state: dict[str, Any], live: dict[str, Any]
) -> dict[str, float]:
    """How far each live number is from Python's, by its key; empty where neither has an answer.

    A quantile's distance is in widths of its interval: of ratios on the log scale, as they are
    drawn, of others in natural units.
    """
    weights = weights_of(outcome, state)
    tau = text(state["tau"]) if state["tau"] else analysis.priors.tau
    priors = bp.Priors(text(state["mu"]), tau)
    try:
        posterior = analysis.surface.posterior(priors, weights)
    except bp.PriorError:
        assert live in ({}, {"nnt": "–"}), (state, live)
        return {}
    found = _chances(analysis, posterior, state, live)
    for name in ("mu", "theta_new", "tau"):
        if name in posterior:
            ends = np.array([live[f"{name}.{end}"] for end in LEVELS])
            scale = analysis.scale if name != "tau" else "identity"
            off = _quantiles_off(posterior[name], ends, scale)
            found |= {f"{name}.{end}": each for end, each in zip(LEVELS, off, strict=True)}
    if outcome["absolute"]:
        other = None
        if analysis.measure == "RR" and state["prior"] in ("weak", "vague"):
            other = _odds(analysis).posterior(bp.priors("OR", state["prior"]), weights)
        found |= _absolute(analysis, posterior, other, outcome["absolute"], state, live)
    assert set(found) == set(live) - {"nnt"}, state
    return found


def _chances(
    analysis: bp.Analysis, posterior: bp.Posterior, state: dict[str, Any], live: dict[str, Any]
) -> dict[str, float]:
    at = float(from_natural(state["threshold"], analysis.scale))
    higher = analysis.benefit == "higher"
    words = ("prob_benefit", "prob_harm") if analysis.benefit else ("prob_below", "prob_above")
    wanted = {}
    for name, suffix in (("mu", ""), ("theta_new", "_new")):
        if name in posterior:
            sides = [posterior[name].cdf(at), posterior[name].sf(at)]
            better, worse = reversed(sides) if higher else sides
            wanted |= {words[0] + suffix: better, words[1] + suffix: worse}
    wanted.pop(f"{words[1]}_new", None)  # the page does not show it
    if analysis.important is not None:
        tail = posterior["mu"].sf if higher else posterior["mu"].cdf
        wanted["prob_important"] = tail(float(from_natural(analysis.important, analysis.scale)))
    return {word: abs(live[word] - p) for word, p in wanted.items()}


def _quantiles_off(marginal: Marginal, natural: np.ndarray, scale: str) -> np.ndarray:
    """By Python's probability below each value and its density there: no quantile is solved for."""
    # A risk difference that rounds to 1 has no place on the scale of atanh.
    inside = np.clip(natural, -1 + 1e-12, 1 - 1e-12) if scale == "atanh" else natural
    at = natural if scale == "identity" else from_natural(inside, scale)
    off = np.abs(marginal.cdf(at) - list(LEVELS.values())) / marginal.pdf(at)
    if scale == "atanh":
        off, at = off * (1 - inside**2), natural
    _, lower, upper = at
    return off / (upper - lower)


@cache
def _odds(analysis: bp.Analysis) -> bp.Surface:
    return bp.surface(analysis.trials, "OR", effects=analysis.effects)


def _absolute(
    analysis: bp.Analysis,
    posterior: bp.Posterior,
    other: bp.Posterior | None,
    about: dict[str, Any],
    state: dict[str, Any],
    live: dict[str, Any],
) -> dict[str, float]:
    smallest = about["important"]
    table = bp.absolute_effects(
        posterior,
        analysis.trials,
        analysis.benefit,
        state["baseline"],
        per_1000=[smallest],
        other=other,
    ).set_index("quantity")
    found = {}
    for key, quantity, column in (
        ("absolute", "mu", "per_1000"),
        ("absolute_new", "theta_new", "per_1000"),
        ("risk", "mu", "risk_treatment"),
    ):
        if quantity not in table.index:
            continue
        wanted = {end: table.loc[quantity, f"{column}_{end}"] for end in LEVELS}
        # The interval is a point where all of it is held at a risk of 0 or 1.
        width = max(wanted["upper"] - wanted["lower"], 1e-9)
        found |= {f"{key}.{end}": abs(live[f"{key}.{end}"] - wanted[end]) / width for end in LEVELS}
    if analysis.benefit:
        if table.loc["mu", "measure"] != analysis.measure:
            any_benefit = (
                other["mu"].sf(0.0) if analysis.benefit == "higher" else other["mu"].cdf(0.0)
            )
            found["prob_odds"] = abs(live["prob_odds"] - any_benefit)
            assert live["prob_odds"] >= live["prob_absolute"], state
        found["prob_absolute"] = abs(live["prob_absolute"] - table.loc["mu", f"prob_{smallest:g}"])
        # Its text from the page's own numbers: near no effect a NNT multiplies any difference.
        ends = [live[f"absolute.{end}"] / 1000 for end in LEVELS]
        assert live["nnt"] == nnt_text(*ends, analysis.benefit), state
    return found


def _between(random: np.random.Generator, limits: list[float]) -> float:
    return float(np.exp(random.uniform(*np.log(limits))))


def _one_of(random: np.random.Generator, *choices: Any) -> Any:
    return choices[int(random.integers(len(choices)))]
