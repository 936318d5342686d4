"""Evidence that the engines are right: simulate from the prior, fit, see where the truth lies."""

from bayespool.validation.cells import Cell, exact_answers, simulated
from bayespool.validation.known_truth import Design, characteristics
from bayespool.validation.summary import (
    benefit_table,
    count_table,
    coverage_table,
    sbc_table,
)
from bayespool.validation.uniformity import Uniformity, envelope, uniformity

__all__ = [
    "Cell",
    "Design",
    "Uniformity",
    "benefit_table",
    "characteristics",
    "count_table",
    "coverage_table",
    "envelope",
    "exact_answers",
    "sbc_table",
    "simulated",
    "uniformity",
]
