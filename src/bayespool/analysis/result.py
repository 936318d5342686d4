"""What one analysis found: engines, record, tables, and the files they become."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayespool.analysis import tables
from bayespool.errors import BayespoolError
from bayespool.exact import Surface
from bayespool.files import write_csv, write_json
from bayespool.posterior import Posterior
from bayespool.prior import Priors
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
    double_zero: str = "drop"
    harm: bool = False

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

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Tidy tables by name, those that apply (``write`` puts each in tables/<name>.csv).

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
        """
        return tables.all_tables(self)

    def headline(self) -> list[str]:
        """Give the answer in a few lines of text, for a terminal."""
        return tables.headline(self)

    def write(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write record.json, tables/*.csv and figures/forest.svg; return their paths.

        A file that would differ in timings alone is left as it is; a table of an earlier run that
        this one does not have is removed.

        Raises
        ------
        BayespoolError
            A file cannot be written or removed.
        """
        from bayespool import figures

        root = Path(folder)
        written = [root / "record.json"]
        write_json(written[0], self.record, ignoring=("wall_seconds",))
        for name, table in self.tables.items():
            written.append(root / "tables" / f"{name}.csv")
            write_csv(written[-1], table)
        written.append(root / "figures" / "forest.svg")
        figures.save(figures.forest(self), written[-1])
        for name in tables.NAMES:
            if (stale := root / "tables" / f"{name}.csv") not in written:
                _remove(stale)
        return written


def _remove(stale: Path) -> None:
    try:
        stale.unlink(missing_ok=True)
    except OSError as error:
        raise BayespoolError(
            f"{stale} is of an earlier run and cannot be removed: {error}."
        ) from error
