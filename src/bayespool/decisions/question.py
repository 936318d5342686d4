"""One question, asked of many posteriors: on which side of a threshold does the effect lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bayespool.decisions.chances import check_benefit, thresholds_of
from bayespool.exact import Surface
from bayespool.posterior import Marginal

__all__ = ["Question", "question_of"]


@dataclass(frozen=True)
class Question:
    """What is asked: the effect beyond a threshold, on the better side where one is declared.

    Attributes
    ----------
    label : str
        The threshold in natural units, as given.
    at : float
        The threshold on the analysis scale.
    benefit : {"lower", "higher"} or None
        Which side is better.
    new : bool
        Of the effect in a new trial instead of the mean effect.
    """

    label: str
    at: float
    benefit: str | None
    new: bool = False

    @property
    def word(self) -> str:
        """The column of its answers."""
        return self._of("prob_benefit" if self.benefit else "prob_below")

    @property
    def other(self) -> str:
        """The column of the other side."""
        return self._of("prob_harm" if self.benefit else "prob_above")

    def better(self, below: Any) -> Any:
        """From the probability below the threshold to the one that is asked for. Any shape."""
        return 1 - below if self.benefit == "higher" else below

    def chance(self, marginal: Marginal) -> float:
        """Its answer from a posterior's mean effect, or effect in a new trial.

        A small probability keeps its digits, on either side.
        """
        tail = marginal.sf if self.benefit == "higher" else marginal.cdf
        return min(float(tail(self.at)), 1.0)  # a sum of weights may pass 1 by its last digit

    def _of(self, word: str) -> str:
        return f"{word}_new" if self.new else word


def question_of(
    surface: Surface, benefit: str | None, threshold: float | str | None, new: bool = False
) -> Question:
    """Read which side is better, and a threshold in natural units (None: no effect).

    Raises
    ------
    UsageError
        Another word than lower or higher, or a threshold that the measure cannot have.
    """
    check_benefit(benefit)
    found = thresholds_of(surface.measure, surface.scale, threshold)
    label, at = list(found.items())[-1]
    return Question(label, at, benefit, new)
