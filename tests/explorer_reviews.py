"""The reviews that the explorer is tested with."""

from pathlib import Path

import numpy as np
import pandas as pd

import bayespool as bp

DATA = Path(__file__).resolve().parents[1] / "data"
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    '=HYPERLINK("http://example.invalid","here")',
    "</script><script>alert(1)</script>",
    '"><svg onload=alert(1)>',
]


def mortality() -> bp.Analysis:
    """Ten trials' counts, two of them without a death; some trials doubted."""
    return bp.analyse(
        DATA / "mortality.csv",
        "RR",
        bp.priors("RR", "weak"),
        benefit="lower",
        thresholds=[1, 0.9, 0.8],
        important=0.7,
        beside=bp.named_priors("RR", 0.7, "lower"),
        question="Do mesenchymal stem cells lower mortality from COVID-19?",
        treatment="mesenchymal stem cells",
        event="deaths",
        doubted={"confidence": ["low", "medium"]},
        engine="exact",
    )


def hospital_stay() -> bp.Analysis:
    """Two trials of medians, by the normal likelihood."""
    return bp.analyse(
        DATA / "hospital_stay.csv",
        "ROM",
        benefit="lower",
        important=0.8,
        beside=bp.named_priors("ROM", 0.8, "lower"),
        engine="exact",
    )


def cure() -> bp.Analysis:
    """Fourteen trials' counts, by odds ratio."""
    random = np.random.default_rng(14)
    n = random.integers(20, 200, size=(14, 2))
    odds = 0.5 * np.exp(random.normal(0, 0.4, 14))
    treated = odds * np.exp(random.normal(0.3, 0.3, 14))
    trials = pd.DataFrame(
        {
            "trial": [f"study {i}" for i in range(1, 15)],
            "year": np.arange(2001, 2015),
            "events_treatment": random.binomial(n[:, 0], treated / (1 + treated)),
            "n_treatment": n[:, 0],
            "events_control": random.binomial(n[:, 1], odds / (1 + odds)),
            "n_control": n[:, 1],
            "risk_of_bias": ["high" if i % 5 == 0 else "low" for i in range(14)],
        }
    )
    return bp.analyse(
        trials, "OR", benefit="higher", important=1.25, name="cure", event="cures", engine="exact"
    )


def pain() -> bp.Analysis:
    """Six mean differences with Student-t effects, and neither side declared the better."""
    random = np.random.default_rng(6)
    se = random.uniform(2, 6, 6)
    trials = pd.DataFrame(
        {
            "trial": [f"centre {i}" for i in range(1, 7)],
            "year": np.arange(2010, 2016),
            "estimate": random.normal(-4, np.hypot(se, 3)),
            "se": se,
        }
    )
    weak = bp.Priors("Normal(0, 10)", "HalfNormal(5)", name="weak in points")
    return bp.analyse(trials, "MD", weak, effects="t", name="pain", engine="exact")


def clinical_improvement() -> bp.Analysis:
    """A common risk ratio, whose absolute effects are by the odds ratio."""
    return bp.analyse(
        DATA / "clinical_improvement.csv",
        "RR",
        effects="common",
        benefit="higher",
        important=1.25,
        event="improvements",
        engine="exact",
    )


def serious_adverse_events() -> bp.Analysis:
    """A risk difference of counts."""
    return bp.analyse(
        DATA / "serious_adverse_events.csv",
        "RD",
        benefit="lower",
        important=-0.05,
        event="serious adverse events",
        engine="exact",
    )


REVIEWS = {
    each.__name__: each
    for each in (
        mortality,
        hospital_stay,
        cure,
        pain,
        clinical_improvement,
        serious_adverse_events,
    )
}


def hostile() -> bp.Analysis:
    """Text of every kind that tries to be more than text."""
    trials = pd.DataFrame(
        {
            "trial": HOSTILE,
            "year": [2019, 2020, 2021, 2022],
            "events_treatment": [3, 5, 8, 12],
            "n_treatment": [40, 50, 61, 80],
            "events_control": [6, 9, 9, 20],
            "n_control": [41, 49, 60, 82],
            "risk_of_bias": ["low", "low", "low", "high"],
            "source": [*HOSTILE[1:], "javascript:alert(1)"],
        }
    )
    return bp.analyse(
        trials,
        "RR",
        benefit="lower",
        important=0.8,
        name=HOSTILE[0],
        question=HOSTILE[2],
        treatment=HOSTILE[3],
        event=HOSTILE[0],
        engine="exact",
    )
