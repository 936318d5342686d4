"""Operating characteristics: what is concluded of reviews whose truth is fixed, on a grid."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pandas as pd

from bayespool.files import json_text, sha256_of
from bayespool.prior import Priors
from bayespool.simulate import operating_characteristics
from bayespool.trials import read_trials

__all__ = ["Design", "characteristics"]


@dataclass(frozen=True)
class Design:
    """k trials with two arms of ``arm`` patients and a risk of ``baseline`` without an effect."""

    k: int
    baseline: float
    arm: int
    effects: tuple[float, ...]
    taus: tuple[float, ...]
    measure: str
    mu: str
    tau: str
    reviews: int = 1000

    @property
    def name(self) -> str:
        return (
            f"known truth, {self.measure}, k = {self.k}, risk {self.baseline:g}, {self.arm} an arm"
        )

    @property
    def key(self) -> str:
        """Hash of the settings."""
        return sha256_of(json_text(asdict(self)))[:12]


def characteristics(design: Design, seed: int = 2026) -> pd.DataFrame:
    """`operating_characteristics` of one design, benefit being lower: a row a truth.

    There is no pass mark: at a fixed truth a correct Bayesian interval need not cover 95 %.
    """
    events = round(design.baseline * design.arm)
    arm = {"events": [events] * design.k, "n": [design.arm] * design.k}
    columns = {
        f"{name}_{which}": values
        for which in ("treatment", "control")
        for name, values in arm.items()
    }
    names = [f"trial {i + 1}" for i in range(design.k)]
    found = operating_characteristics(
        read_trials(pd.DataFrame({"trial": names} | columns)),
        design.measure,
        Priors(design.mu, design.tau),
        "lower",
        effect=design.effects,
        tau=design.taus,
        reviews=design.reviews,
        seed=seed,
        workers=1,
    )
    settings = {"measure": design.measure, "k": design.k, "baseline": design.baseline}
    return pd.DataFrame([settings | {"arm": design.arm} | row for row in found.to_dict("records")])
