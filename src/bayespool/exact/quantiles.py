"""Quantiles of many posteriors on one grid, from their distribution functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import ndtr, ndtri

from bayespool.axes import Array, CutAxis, step

if TYPE_CHECKING:
    from bayespool.exact.sums import Batch

__all__ = ["inverted", "of_new_effect"]

STRIDE = 3  # of the nodes at which the rough cdf is known
AROUND = np.arange(-2, 4)  # nodes about a quantile through which its cdf is interpolated
_LEAST = 1e-13  # a cdf within this of 0 or 1 is not turned into a normal quantile


def inverted(x: Array, below: Array, p: Array) -> tuple[Array, Array]:
    """Where each row of cdf values ``below`` (sets, n) at ``x`` passes ``p``, and how steeply."""
    spline = CubicSpline(x, below, axis=1)
    cell = np.clip((below[:, :, None] < p).sum(axis=1) - 1, 0, len(x) - 2)
    a, b, c, d = spline.c[:, cell, np.arange(len(below))[:, None]]
    low, high = np.zeros(cell.shape), np.diff(x)[cell]
    for _ in range(44):
        middle = 0.5 * (low + high)
        above = ((a * middle + b) * middle + c) * middle + d >= p
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    middle = 0.5 * (low + high)
    return x[cell] + middle, (3 * a * middle + 2 * b) * middle + c


def of_new_effect(batch: Batch, p: Array) -> Array:
    """Quantiles of a new trial's effect where effects are normal, shape (sets, len(p)).

    A rough cdf says between which nodes each quantile lies; the cdf itself is then asked at
    those nodes alone, and interpolated as a normal quantile, which is nearly a line.
    """
    axis, mu, tau = batch.sums.grid.mu, batch.sums.mu, batch.sums.tau
    base = axis.inner if isinstance(axis, CutAxis) else axis
    far = 5 * float(batch.quantile("tau", [0.995]).max())
    ends = base.to_x(np.array([mu[0] - far, mu[-1] + far]))
    gap = step(axis) if base is axis else 0.05  # the ends of a bounded prior bend the cdf
    x = np.arange(ends[0] - 4 * gap, ends[1] + 4 * gap, gap)
    at = np.asarray(base.value(x))
    spread = np.maximum(tau, np.asarray(base.spacing(mu) if base is axis else 1e-300)[..., None])
    coarse = np.arange(0, len(x), STRIDE)
    rough = batch.ask(ndtr((at[coarse, None, None] - mu[:, None]) / spread))
    rough = np.array([np.interp(np.arange(len(x)), coarse, row) for row in rough])
    cell = (rough[:, :, None] < p).sum(axis=1) - 1
    near = np.clip(cell, 2, len(x) - 4)[..., None] + AROUND  # (sets, p, nodes)
    asked = np.unique(near)
    exact = np.clip(batch.cdf("theta_new", at[asked]), _LEAST, 1 - _LEAST)
    which = np.searchsorted(asked, near)
    q = ndtri(exact[np.arange(len(exact))[:, None, None], which])
    return np.asarray(base.value(_crossing(q, x[near], ndtri(p))))


def _crossing(q: Array, x: Array, target: Array) -> Array:
    """Where q(x) reaches the target: Lagrange's polynomial of x in q, over the last axis."""
    apart = q[..., :, None] - q[..., None, :]
    np.einsum("...ii->...i", apart)[...] = 1.0
    ahead = np.broadcast_to((target[:, None] - q)[..., None, :], apart.shape).copy()
    np.einsum("...ii->...i", ahead)[...] = 1.0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = (x * (ahead / apart).prod(axis=-1)).sum(axis=-1)
    # Out in a flat tail, where nodes cannot be told apart, a straight line has to do.
    inside = (found >= x[..., 0]) & (found <= x[..., -1])
    if inside.all():
        return np.asarray(found)
    line = np.empty_like(found)
    for where in np.ndindex(found.shape):
        line[where] = np.interp(target[where[-1]], q[where], x[where])
    return np.where(inside, found, line)
