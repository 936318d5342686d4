"""What one analysis found: engines, record, tables, and the files they become."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayespool import studies
from bayespool.analysis import tables
from bayespool.curves import benefit_table, density_table
from bayespool.exact import Surface
from bayespool.posterior import Posterior
from bayespool.prior import Priors
from bayespool.prose import sentences
from bayespool.studies import Finding
from bayespool.trials import Trials

if TYPE_CHECKING:
    from xarray import DataTree


@dataclass(frozen=True, eq=False)
class Analysis:
    """Everything found about one outcome; made by `analyse`.

    Attributes
    ----------
    name, question : str
        "mortality"; the question in one sentence, or "".
    trials : Trials
    measure, scale, likelihood, effects : str
        Numbers are on the analysis scale ``scale`` unless their name says natural.
    benefit : {"lower", "higher"} or None
    thresholds : dict
        The number as given ("0.9") to its value on the analysis scale; no effect is among them.
    important : float or None
        Smallest effect that matters, natural units.
    priors : Priors
    surface, exact : Surface, Posterior or None
        None where the exact engine did not run.
    nuts, fit : Posterior, DataTree or None
        None where NUTS did not run.
    frequentist : DataFrame
        As `pool` returns it, for RD of counts as `pool_rd`; empty where no trial tells the arms
        apart.
    record : dict
        The contract, as ``record.schema.json`` describes it.
    """

    name: str
    question: str
    trials: Trials
    measure: str
    scale: str
    likelihood: str
    effects: str
    benefit: str | None
    thresholds: dict[str, float]
    important: float | None
    priors: Priors
    surface: Surface | None
    exact: Posterior | None
    nuts: Posterior | None
    fit: DataTree | None
    frequentist: pd.DataFrame
    record: dict[str, Any]
    comparisons: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    alternatives: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    characteristics: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    double_zero: str = "drop"
    harm: bool = False
    readings_of: str | os.PathLike[str] | None = None
    doubted: dict[str, Any] = field(default_factory=dict, repr=False)
    findings: dict[str, Finding] = field(default_factory=dict, repr=False)

    @property
    def engine(self) -> str:
        """The engine whose numbers head the report: "exact" where it ran, else "nuts"."""
        return "exact" if self.exact is not None else "nuts"

    @property
    def posterior(self) -> Posterior:
        """The posterior of that engine."""
        found = self.exact if self.exact is not None else self.nuts
        assert found is not None  # one of the two always runs
        return found

    @property
    def notes(self) -> list[str]:
        """What a reader has to know beside the numbers, a sentence or two each."""
        return list(self.record["notes"])

    def study(
        self,
        only: Sequence[str] | str | None = None,
        say: Callable[[str], None] = lambda stage: None,
    ) -> dict[str, Finding]:
        """Ask sensitivity questions (`bayespool.studies`), and keep what is found.

        Parameters
        ----------
        only : names or "all"
            All that apply by default.
        say : callable
            Told each study's title as it begins.

        Returns
        -------
        dict
            By name: ``table``, ``sentence`` and ``figure(record)``. The record gets the sentences
            (``studies``), ``leave_one_out`` and ``prior_atlas``; `tables` and `write` have them.

        Raises
        ------
        UsageError
            An unknown study, one that these data cannot have, or no exact engine.
        """
        found = studies.run(self, only, say)
        self.findings.update(found)
        self.record.update(tables.studied(self.findings))
        self.record["sentences"] = sentences(self.record)
        # What stands last in the record stays there.
        self.record["wall_seconds"] = self.record.pop("wall_seconds", {})
        self.__dict__.pop("tables", None)
        return found

    @cached_property
    def curves(self) -> dict[str, pd.DataFrame]:
        """Tables of what the figures draw as lines (`density_table` and `benefit_table`)."""
        return {
            "density": density_table(self.posterior, self.priors),
            "benefit": benefit_table(self.posterior, self.benefit),
        }

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Tidy tables by name, those that apply (``write`` puts each in ``tables/<name>.csv``).

        summary
            A row an engine and quantity (mu, theta_new, tau, trials): ``engine`` and the columns
            of `summarise`.
        trials
            A row a trial, in the file's order: its counts or means, ``estimate``, ``se``,
            ``natural_estimate``, ``natural_lower``, ``natural_upper`` (its own 95 % interval by
            the normal approximation; NaN where left out), ``weight`` (percent, common effect),
            ``used``, ``note``, and ``shrunken_median``, ``shrunken_lower``, ``shrunken_upper``
            (natural units, this model's effect of that trial).
        prob_benefit
            ``engine, threshold, prob_benefit, prob_harm, prob_benefit_new, mcse``.
        engines
            The engines side by side: ``engine, scale, estimate, lower, upper, natural_estimate,
            natural_lower, natural_upper, tau, prob_benefit, difference, verdict``.
        frequentist, diagnostics, agreement, phi_sensitivity
            As in the record; ``agreement`` has a row a comparison, ``diagnostics`` a row a
            quantity. For RD of counts ``frequentist`` has each method with and without the trials
            that have no contrast (``double_zero``: kept, dropped) and the share of the
            inverse-variance weight that they take (``double_zero_weight``, 0 to 1).
        other_measures, other_priors, alternatives
            The answer by OR, RR and RD; under the prior sets beside the main one; under other
            readings of the data.
        absolute, published, classical_leave_one_out, predictive, psense
            As in the record, a row each.
        """
        return tables.all_tables(self)

    def headline(self) -> list[str]:
        """Give the answer in a few lines of text, for a terminal."""
        return tables.headline(self)

    def write(
        self, folder: str | os.PathLike[str], png: bool = False, diagnostics: bool = False
    ) -> list[Path]:
        """Write ``record.json``, ``report.md``, ``tables/`` and ``figures/``; return the paths.

        The folder changes as a whole (see `bayespool.files.Replacement`). A file that would differ
        in timings alone is left as it is; a table or figure of an earlier run that this one does
        not have is removed; other files in the folder stay.

        Parameters
        ----------
        folder : path
        png : bool
            Write each figure as PNG too, 300 dots an inch.
        diagnostics : bool
            Write ArviZ's pictures of the draws to ``diagnostics/``, where NUTS ran.

        Raises
        ------
        BayespoolError
            The folder cannot be written.
        """
        from bayespool.analysis.writing import write_folder

        return write_folder(self, folder, png, diagnostics)
