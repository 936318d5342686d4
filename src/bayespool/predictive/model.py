"""The models of `nuts_models` again, in NumPy: replicates and likelihood for every draw at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import gammaln, xlogy

from bayespool.axes import Array
from bayespool.errors import UsageError
from bayespool.exact.trial import T_NU
from bayespool.measures import effect_sizes, risks
from bayespool.trials import Trials

__all__ = ["Model", "model_of", "new_effects"]

COUNTS = ("events_control", "events_treatment")
HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True)
class Model:
    """A fit's draws, arrays of shape (chain, draw) or (chain, draw, trial), and its data.

    ``data`` has dim trial: observations, and ``n_control, n_treatment`` or ``se``. Without
    heterogeneity tau is None; without baselines phi is.
    """

    measure: str
    likelihood: str
    effects: str
    data: xr.Dataset
    mu: Array
    tau: Array | None
    theta: Array
    phi: Array | None

    def replicates(
        self, theta: Array, phi: Array | None, random: np.random.Generator
    ) -> dict[str, Array]:
        """Data of the same trials with new patients, shape of theta."""
        if phi is None:
            return {"estimate": random.normal(theta, self.data["se"].to_numpy())}
        p0, _, p1, _ = risks(self.measure, theta, phi)
        sizes = (self.data["n_control"].to_numpy(), self.data["n_treatment"].to_numpy())
        # Rounding may carry a risk past 1.
        return {
            name: random.binomial(n, np.minimum(p, 1.0))
            for name, n, p in zip(COUNTS, sizes, (p0, p1), strict=True)
        }

    def log_likelihood(self) -> dict[str, Array]:
        """Log probability of what each trial observed, by arm where there are arms."""
        data = {str(name): array.to_numpy() for name, array in self.data.data_vars.items()}
        if self.phi is None:
            z = (data["estimate"] - self.theta) / data["se"]
            return {"estimate": -0.5 * z * z - np.log(data["se"]) - HALF_LOG_2PI}
        p0, q0, p1, q1 = risks(self.measure, self.theta, self.phi)
        found = {}
        for arm, p, q in (("control", p0, q0), ("treatment", p1, q1)):
            r, n = data[f"events_{arm}"], data[f"n_{arm}"]
            ways = gammaln(n + 1.0) - gammaln(r + 1.0) - gammaln(n - r + 1.0)
            found[f"events_{arm}"] = ways + xlogy(r, p) + xlogy(n - r, q)
        return found


def new_effects(
    mu: Array, tau: Array | None, effects: str, k: int, random: np.random.Generator
) -> Array:
    """Effects of k new trials for each mu and tau; k times mu where there is no tau."""
    shape = (*mu.shape, k)
    if tau is None:
        return np.repeat(mu[..., None], k, axis=-1)
    z = random.standard_t(T_NU, shape) if effects == "t" else random.normal(size=shape)
    return np.asarray(mu[..., None] + tau[..., None] * z)


def model_of(fit: xr.DataTree, trials: Trials) -> Model:
    """Read a fit; UsageError if it is of another model, or of other trials."""
    words = ("measure", "likelihood", "effects")
    missing = [word for word in words if word not in fit.attrs]
    if missing:
        raise UsageError(
            f"this fit does not say its {' or '.join(missing)}: predictions are made for the "
            "models that binomial() and normal() write."
        )
    data = _data(fit, trials)
    posterior = fit["posterior"]

    def drawn(name: str) -> Any:
        if name not in posterior:
            return None
        return posterior[name].transpose("chain", "draw", ...).to_numpy()

    mu, theta = drawn("mu"), drawn("theta")
    return Model(
        **{word: str(fit.attrs[word]) for word in words},
        data=data,
        mu=mu,
        tau=drawn("tau"),
        theta=np.repeat(mu[..., None], data.sizes["trial"], axis=-1) if theta is None else theta,
        phi=drawn("phi"),
    )


def _data(fit: xr.DataTree, trials: Trials) -> xr.Dataset:
    """Observations and sizes of the fit's trials, in its order."""
    observed = fit["observed_data"].to_dataset()
    if fit.attrs["likelihood"] == "normal":
        # With "keep" every trial that any fit can use has the estimate it would have there.
        table = effect_sizes(trials, fit.attrs["measure"], double_zero="keep")
        table = table[["trial", "estimate", "se"]]
    elif trials.layout == "binary":
        table = trials.frame[["trial", *COUNTS, "n_control", "n_treatment"]]
        table = table.astype(dict.fromkeys(table.columns[1:], "int64"))
    else:
        raise _other(trials)
    rows = table.reset_index(drop=True).set_index("trial")
    names = [str(name) for name in observed["trial"].to_numpy()]
    if not set(names) <= set(rows.index):
        raise _other(trials)
    rows = rows.loc[names]
    if any(not np.array_equal(rows[name], observed[name]) for name in observed.data_vars):
        raise _other(trials)
    columns = {str(name): ("trial", rows[name].to_numpy()) for name in rows.columns}
    return xr.Dataset(columns, {"trial": observed["trial"]})


def _other(trials: Trials) -> UsageError:
    return UsageError(f"{trials.path}: these are not the trials that the fit was made of.")
