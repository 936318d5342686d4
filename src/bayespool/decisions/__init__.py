"""Probabilities of benefit, and what an effect means for a thousand patients."""

from bayespool.decisions.absolute import (
    absolute_effects,
    absolute_part,
)
from bayespool.decisions.baseline import baselines, spread
from bayespool.decisions.chances import (
    NUMBER,
    SIDES,
    chances,
    check_benefit,
    mcse_of,
    prob_benefit,
    thresholds_of,
)
from bayespool.decisions.nnt import nnt_text
from bayespool.decisions.question import Question, question_of

__all__ = [
    "NUMBER",
    "SIDES",
    "Question",
    "absolute_effects",
    "absolute_part",
    "baselines",
    "chances",
    "check_benefit",
    "mcse_of",
    "nnt_text",
    "prob_benefit",
    "question_of",
    "spread",
    "thresholds_of",
]
