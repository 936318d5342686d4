"""What one trial says about its own effect: g(theta), the nuisance integrated out.

g_i(theta) = integral of p(data_i | theta, phi) p(phi) dphi for counts, the normal density
for an estimate with a standard error. Both know how to average themselves over
theta ~ Normal(mu, tau), which is all that the surface needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.special import betainc, gammaln, logsumexp

from bayespool.axes import Array, CutAxis, SinhAxis, log_weights, nodes, step, uniform
from bayespool.measures import risks
from bayespool.posterior import CLIFF, over_cliffs

LOG_NEGLIGIBLE = -120.0  # e^-120: beyond this a trial's likelihood is nobody's posterior
THETA_LIMIT = 300.0  # where `risks` ends: e^-300 is no risk
PHI_LIMIT = 165.0
T_NU = 4.0  # degrees of freedom of effects="t"
_SETTLED = 1e-7  # of a standard deviation: the next Newton step is its square
_UNSEEN = -50.0  # terms of a sum below e^-50 of the largest do not count, were there thousands
_SQUARES = 10  # in a row: they multiply the rounding by a thousand
_CACHE = 32768  # numbers that a processor's cache holds with room to work on them
_HERMITE_Z, _HERMITE_W = np.polynomial.hermite_e.hermegauss(11)
_HERMITE_LOG_W = np.log(_HERMITE_W / _HERMITE_W.sum())


class TrialLikelihood(Protocol):
    """One trial's likelihood of its own effect theta, on the analysis scale."""

    @property
    def centre(self) -> float: ...
    @property
    def width(self) -> float: ...
    def log(self, theta: Array) -> Array: ...
    def averaged(self, mu: Array, tau: Array, halving: int = 0) -> Array: ...


@dataclass(frozen=True)
class Estimate:
    """y ~ Normal(theta, s): the likelihood of an estimate with its standard error."""

    centre: float
    width: float

    def log(self, theta: Array) -> Array:
        return _log_normal(theta, self.centre, self.width)

    def averaged(self, mu: Array, tau: Array, halving: int = 0) -> Array:
        """log of the average of g over Normal(mu, tau); shape (mu, tau)."""
        return _log_normal(mu[:, None], self.centre, np.hypot(self.width, tau)[None, :])


@dataclass(frozen=True)
class Counts:
    """The binomial likelihood of two arms with phi integrated out, tabulated in theta."""

    centre: float
    width: float
    axis: SinhAxis
    log_g: Array
    corner: bool = False

    @cached_property
    def spline(self) -> LogSpline:
        """log g between the nodes."""
        return LogSpline(self.axis, self.log_g)

    def log(self, theta: Array) -> Array:
        return self.spline(theta)

    def averaged(self, mu: Array, tau: Array, halving: int = 0) -> Array:
        """log of the average of g over Normal(mu, tau); shape (mu, tau)."""
        return averaged(self.axis, self.log_g, mu, tau, self.spline, halving)


def _log_normal(x: Array, mean: Any, sd: Any) -> Array:
    return -0.5 * ((x - mean) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)


class LogSpline:
    """log f anywhere: cubic spline in x inside the axis, straight lines beyond its ends.

    ``closed`` says that nothing lies beyond the ends.
    """

    def __init__(self, axis: SinhAxis | CutAxis, log_f: Array, closed: bool = False) -> None:
        self._axis = axis
        self._log_f = np.maximum(log_f, log_f.max() + LOG_NEGLIGIBLE)
        self._cliff = np.abs(np.diff(self._log_f)) > CLIFF
        self._cubics = CubicSpline(axis.x, self._log_f).c
        self._first, self._last, self._step = axis.x[0], axis.x[-1], step(axis)
        ends = nodes(axis)[[0, -1]]
        self._low, self._high = ends
        a, b, c, _, t = self._cubic(axis.x[[0, -1]])
        left, right = ((3 * a * t + 2 * b) * t + c) / axis.slope(ends)
        # Nothing grows outwards.
        self._left = 0.0 if closed else max(float(left), 0.0)
        self._right = 0.0 if closed else min(float(right), 0.0)
        self._closed = closed

    def _cubic(self, x: Array) -> tuple[Array, Array, Array, Array, Array]:
        """The cubic of each x's cell, highest power first, and where in the cell x lies."""
        places = (x - self._first) / self._step
        cell = np.clip(places.astype(int), 0, len(self._log_f) - 2)
        a, b, c, d = self._cubics[:, cell]
        return a, b, c, d, x - self._axis.x[cell]

    def __call__(self, value: Array) -> Array:
        x = self._axis.to_x(value)
        held = np.minimum(np.maximum(x, self._first), self._last)
        a, b, c, d, t = self._cubic(held)
        smooth = ((a * t + b) * t + c) * t + d
        found = over_cliffs(smooth, held, self._axis.x, self._log_f, self._cliff)
        if self._closed:
            beyond = (x < self._first - 1e-9) | (x > self._last + 1e-9)
            return found + LOG_NEGLIGIBLE * beyond
        found = found + np.minimum(value - self._low, 0.0) * self._left
        return found + np.maximum(value - self._high, 0.0) * self._right

    def derivatives(self, value: Array) -> tuple[Array, Array]:
        """First and second derivative with respect to the value."""
        x = self._axis.to_x(value)
        inside = (x > self._first) & (x < self._last)
        slope, bend = self._axis.bent(value)
        a, b, c, _, t = self._cubic(np.minimum(np.maximum(x, self._first), self._last))
        first = (3 * a * t + 2 * b) * t + c
        second = (6 * a * t + 2 * b - first * bend) / slope**2
        if self._closed:  # nothing lies beyond the ends, and nothing slopes there
            first = np.where(inside, first, 0.0)
        return first / slope, np.where(inside, second, 0.0)


def averaged(
    axis: SinhAxis | CutAxis,
    log_f: Array,
    at: Array,
    tau: Array,
    spline: LogSpline | None = None,
    halving: int = 0,
) -> Array:
    """log of the convolution of one f with Normal(0, tau), at points ``at``.

    Where tau is far below the local spacing of the axis, f is a parabola in logs: Laplace's
    form is exact. Where it is below, f is smooth on tau's scale: adaptive Gauss-Hermite on the
    spline of log f, centred at the peak of the product (Liu & Pierce 1994, Biometrika 81:624).
    Elsewhere the axis resolves the product: a trapezoid sum over its nodes.

    Parameters
    ----------
    axis, log_f
        f at the nodes, shape (n,).
    at, tau
        Points, shape (m,), and standard deviations > 0, shape (b,).
    spline : LogSpline, optional
        Of log f, where there is one already.
    halving : int
        Where tau ascends by equal factors and tau[j + halving] has half of tau[j]'s precision,
        few exponentials are needed; 0 says that there is no such pattern.

    Returns
    -------
    array of shape (m, b)
    """
    # The spline needs nodes close together; a sum does as well with every second one.
    spacing = axis.spacing(at)[:, None]
    tiny, narrow = tau < 0.1 * spacing, tau < 2.6 * spacing
    log_at = spline or LogSpline(axis, log_f)
    result = _laplace(log_at, at[:, None], tau)
    points = nodes(axis)[::2]
    summand = (log_f + log_weights(axis))[::2] + np.log(2.0)
    distance = -0.5 * (at[:, None] - points) ** 2
    where, which = np.nonzero(narrow & ~tiny)
    if len(where):
        start = _start(log_at, at, points, distance, where, tau[which], log_f[::2])
        value, peak, width = _hermite(log_at, at[where], tau[which], start)
        result[where, which] = value
        resolved = width > 2.6 * axis.spacing(peak)  # every second node is summed
        narrow[where[resolved], which[resolved]] = False
    if halving:
        result[~narrow] = _by_squares(distance, tau, summand, halving, ~narrow)
        return result
    where, which = np.nonzero(~narrow)
    result[where, which] = _trapezoid(distance, where, tau[which], summand)
    return result


def _laplace(log_f: LogSpline, at: Array, sd: Array | float) -> Array:
    """log of the average of f over Normal(at, sd), f taken as a parabola in logs."""
    slope, bend = log_f.derivatives(at)
    room = 1 - np.minimum(bend * sd**2, 0.5)
    found: Array = log_f(at) + 0.5 * (slope * sd) ** 2 / room - 0.5 * np.log(room)
    return found


def smeared(
    axis: SinhAxis | CutAxis, columns: Array, at: Array, tau: Array, halving: int = 0
) -> Array:
    """As ``averaged``, with another f for each row of tau.

    A column may be far narrower than the nodes around a point, so each product is looked for
    where it peaks, and summed or integrated by how wide it is there.

    Parameters
    ----------
    axis
    columns : array of shape (n, b)
        log f at the nodes.
    at : array of shape (m,)
    tau : array of shape (b, s)
        Standard deviations to spread each f by; a row may be 0.
    halving : int
        As for ``averaged``, of every row.

    Returns
    -------
    array of shape (m, b, s)
    """
    points, log_w = nodes(axis), log_weights(axis)
    distance = -0.5 * (at[:, None] - points) ** 2
    spacing = axis.spacing(at)[:, None]
    result = np.empty((len(at), *tau.shape))
    for b, sd in enumerate(tau):
        column, found = columns[:, b], result[:, b]
        log_at = LogSpline(axis, column, closed=True)
        if not sd.any():
            found[:] = log_at(at)[:, None]
            continue
        wide, tiny = sd >= 1.3 * spacing, sd < 0.1 * spacing
        if tiny.any():
            found[:] = _laplace(log_at, at[:, None], sd)
        few, which = np.nonzero(~wide & ~tiny)
        if len(few):
            start = _start(log_at, at, points, distance, few, sd[which], column)
            value, peak, width = _hermite(log_at, at[few], sd[which], start)
            found[few, which] = value
            resolved = width > 1.3 * axis.spacing(peak)
            wide[few[resolved], which[resolved]] = True
        if halving:
            found[wide] = _by_squares(distance, sd, column + log_w, halving, wide)
            continue
        where, which = np.nonzero(wide)
        found[where, which] = _trapezoid(distance, where, sd[which], column + log_w)
    return result


def _start(
    log_at: LogSpline,
    at: Array,
    points: Array,
    distance: Array,
    where: NDArray[np.intp],
    sd: Array,
    log_f: Array,
) -> Array:
    """Where a search for the peak of f times Normal(at[where], sd) starts.

    Far from f the product peaks near f's own peak, not near the point, and a search that starts
    at the point can end on the shoulder between them.
    """
    best, top = np.empty(len(where), dtype=int), np.empty(len(where))
    precision = 1 / sd[:, None] ** 2
    for rows in blocks(len(where), len(points)):
        product = distance[where[rows]]
        product *= precision[rows]
        product += log_f
        best[rows] = product.argmax(axis=1)
        top[rows] = np.take_along_axis(product, best[rows, None], axis=1)[:, 0]
    return np.where(top > log_at(at)[where], points[best], at[where])


def blocks(rows: int, columns: int) -> list[slice]:
    """Rows of a table in blocks that a processor's cache holds."""
    size = max(_CACHE // columns, 1)
    return [slice(i, i + size) for i in range(0, rows, size)]


def _trapezoid(distance: Array, where: NDArray[np.intp], sd: Array, log_f: Array) -> Array:
    """log of the sum over nodes of f times Normal(at[where], sd); distance = -(at - node)^2/2."""
    found, precision = np.empty(len(where)), 1 / sd[:, None] ** 2
    for rows in blocks(len(where), len(log_f)):
        terms = distance[where[rows]]
        terms *= precision[rows]
        terms += log_f
        found[rows] = log_sum(terms)
    return found - np.log(sd) - 0.5 * np.log(2 * np.pi)


def _by_squares(
    distance: Array, sd: Array, log_f: Array, halving: int, wanted: NDArray[np.bool_]
) -> Array:
    """As ``_trapezoid`` at the points and SDs that are ``wanted``, in the order of that mask.

    The normal kernel of SD s is the square of that of SD sqrt(2) s. A square costs a twentieth of
    an exponential and doubles the rounding, so every eleventh kernel is made anew.
    """
    if not wanted.any():
        return np.empty(0)
    # Points in the order in which they are done with: the rows of those that are, are dropped.
    least = np.where(wanted.any(axis=1), wanted.argmax(axis=1), len(sd))
    order = np.argsort(least, kind="stable")
    left = np.searchsorted(least[order], np.arange(len(sd)), side="right")
    distance = distance[order]
    near = distance.max(axis=1)  # at the node nearest to the point the kernel is 1: no sum is 0
    apart = distance - near[:, None]
    top = log_f.max()
    f = np.exp(np.maximum(log_f - top, -700.0))
    found = np.empty(wanted.shape)
    kernels: dict[int, Array] = {}
    for turn, j in enumerate(range(len(sd) - 1, int(least.min()) - 1, -1)):
        rows = slice(0, int(left[j]))
        if turn // halving % (_SQUARES + 1) == 0:
            kernel = np.exp(np.maximum(apart[rows] / sd[j] ** 2, -700.0))
        else:
            kernel = np.square(kernels[j % halving][rows])
        kernels[j % halving] = kernel
        found[order[rows], j] = np.log(kernel @ f) + near[rows] / sd[j] ** 2
    found += top - np.log(sd) - 0.5 * np.log(2 * np.pi)
    return np.asarray(found[wanted])


def _hermite(
    log_f: LogSpline, at: Array, sd: Array | float, start: Array | None = None
) -> tuple[Array, Array, Array]:
    """log of the average of f over Normal(at, sd), pointwise, with the product's peak and width."""
    sd = np.broadcast_to(np.maximum(sd, 1e-300), at.shape)
    peak = at if start is None else start
    for _ in range(6):
        slope, bend = log_f.derivatives(peak)
        # In units of sd; a convex f is held back, or the step would run away from the peak.
        bend = np.minimum(bend * sd**2, 0.5)
        move = (slope * sd - (peak - at) / sd) / (1 - bend)
        move = np.minimum(np.maximum(move, -20.0), 20.0)
        peak = peak + sd * move
        if np.abs(move).max() < _SETTLED:
            break
    width = 1 / np.sqrt(1 - np.minimum(log_f.derivatives(peak)[1] * sd**2, 0.5))
    offset = (peak - at) / sd
    z = offset[:, None] + width[:, None] * _HERMITE_Z
    terms = log_f(at[:, None] + sd[:, None] * z) - 0.5 * z**2 + 0.5 * _HERMITE_Z**2
    return log_sum(terms + _HERMITE_LOG_W) + np.log(width), peak, width * sd


def log_sum(terms: Array) -> Array:
    """logsumexp over the last axis, without SciPy's generality. It overwrites the terms.

    Its time is that of the exponentials, those that underflow above all. So the ends of the
    axis are left out where no term counts, and no other falls below e^-700.
    """
    top = terms.max(axis=-1)
    terms -= top[..., None]
    counts = np.flatnonzero(terms.max(axis=tuple(range(terms.ndim - 1))) > _UNSEEN)
    terms = terms[..., counts[0] : counts[-1] + 1]
    np.maximum(terms, -700.0, out=terms)
    np.exp(terms, out=terms)
    return np.log(terms.sum(axis=-1)) + top


def gamma_mixture(nu: float, step: float = 0.35) -> tuple[Array, Array]:
    """Nodes log G and log weights of G ~ Gamma(nu/2, rate nu/2): trapezoid in log G."""
    log_g = np.arange(-14.0, 3.2, step)
    log_w = log_gamma(nu, log_g)
    return log_g, log_w - logsumexp(log_w)


def log_gamma(nu: float, log_g: Array) -> Array:
    """log density of log G, G ~ Gamma(nu/2, rate nu/2), but for its constant."""
    half = nu / 2
    return np.asarray(half * log_g - half * np.exp(log_g))


# --- counts -------------------------------------------------------------------------------

CORE = 8.0  # within this many standard errors of the estimate the theta axis is nearly even
BENT = 20  # patients free of the event: with so few an arm bends g(theta) at no effect
CORNER = 2  # with so few the bend is seen after averaging over tau, too, and mu needs nodes there


def counts_likelihoods(
    measure: str,
    arms: Array,
    centre: Array,
    width: Array,
    phi_prior: Any,
    fineness: float = 1.0,
) -> list[Counts]:
    """Integrate phi out of each trial's two binomials and tabulate log g(theta).

    Parameters
    ----------
    measure : "OR", "RR" or "RD"
    arms : array of shape (k, 4)
        Events and size of the treatment arm, events and size of the control arm.
    centre, width : arrays of shape (k,)
        A rough estimate of theta and its standard error: they only place the nodes.
    phi_prior : Prior
    fineness : float
        2 doubles the nodes in theta and in phi.
    """
    scout = np.linspace(-1.0, 1.0, 33)
    # Which arm can reach risk 0 or 1 changes at no effect, so an arm with few patients free of
    # the event bends the likelihood of RR there, sharply with two or less; for RD one with few
    # events does too. Nodes crowd at it geometrically.
    events, rest = arms[:, [0, 2]], arms[:, [1, 3]] - arms[:, [0, 2]]
    fewest = (rest if measure == "RR" else np.minimum(events, rest)).min(axis=1)
    corner = (fewest <= CORNER) & (measure != "OR")
    bent = (fewest <= BENT) & (measure != "OR")
    axes = [
        SinhAxis((0.0, c), (0.02 * w, w), scout) if sharp else SinhAxis((c,), (CORE * w,), scout)
        for c, w, sharp in zip(centre, width, bent, strict=True)
    ]
    limits = np.array([-THETA_LIMIT, THETA_LIMIT])
    reach = [np.abs(axis.to_x(limits)).min() * scout for axis in axes]
    theta = np.array([axis.value(x) for axis, x in zip(axes, reach, strict=True)])
    log_g = _integrate_phi(measure, arms, theta, phi_prior, 24)
    finest: list[SinhAxis] = []
    for i, axis in enumerate(axes):
        seen = np.nonzero(log_g[i] > log_g[i].max() + LOG_NEGLIGIBLE)[0]
        low = min(reach[i][max(seen[0] - 1, 0)], -1.0)
        high = max(reach[i][min(seen[-1] + 1, len(scout) - 1)], 1.0)
        x = uniform(low, high, (0.125 if bent[i] else 0.2 / CORE) / fineness)
        finest.append(replace(axis, x=_odd(x[np.abs(axis.value(x)) <= THETA_LIMIT])))
    # One rectangular call for all trials: shorter axes are padded with their own last node.
    longest = max(len(axis.x) for axis in finest)
    padded = np.array([np.pad(nodes(a), (0, longest - len(a.x)), mode="edge") for a in finest])
    table = _integrate_phi(measure, arms, padded, phi_prior, int(48 * fineness))
    return [
        Counts(float(centre[i]), float(width[i]), axis, table[i, : len(axis.x)], bool(corner[i]))
        for i, axis in enumerate(finest)
    ]


def _odd(x: Array) -> Array:
    return x[: len(x) - 1 + len(x) % 2]


def log_of_phi(measure: str, arms: Array, theta: Array, phi_prior: Any) -> Callable[[Array], Array]:
    """log of prior and likelihood at phi, of shape (k, m, any) or (k, m) like ``theta``."""
    r1, n1, r0, n0 = (column[:, None] for column in arms.T)

    def log_f(phi: Array) -> Array:
        extra = phi.ndim - theta.ndim
        shape = (...,) + (None,) * extra
        p0, q0, p1, q1 = risks(measure, theta[shape], phi)
        total = phi_prior.logpdf(phi)
        for p, events in ((p0, r0), (q0, n0 - r0), (p1, r1), (q1, n1 - r1)):
            total = total + events[shape] * np.log(np.maximum(p, 1e-300))
        return np.asarray(total)

    return log_f


def log_ways(arms: Array) -> Array:
    """log of both binomial coefficients, shape (k, 1)."""
    r1, n1, r0, n0 = (column[:, None] for column in arms.T)
    found: Array = sum(
        gammaln(n + 1) - gammaln(r + 1) - gammaln(n - r + 1) for r, n in ((r0, n0), (r1, n1))
    )
    return found


def reach_of_phi(
    arms: Array, theta: Array, phi_prior: Any
) -> tuple[Array, Array, Array, float, float]:
    """Where to look for phi: guess, scale and asinh of the reach in scales, and the prior's ends.

    The first three have the shape of ``theta``.
    """
    r1, n1, r0, n0 = (column[:, None] for column in arms.T)
    half0, half1 = (r0 + 0.5) / (n0 - r0 + 0.5), (r1 + 0.5) / (n1 - r1 + 0.5)
    guess = 0.5 * (np.log(half0) + np.log(half1)) + 0 * theta
    information = sum(n * o / (1 + o) ** 2 for n, o in ((n0 + 1, half0), (n1 + 1, half1)))
    scale = 1 / np.sqrt(information) + 0 * theta
    low, high = phi_prior.ppf(np.array([1e-12, 1 - 1e-12]))
    low, high = max(low, -PHI_LIMIT), min(high, PHI_LIMIT)
    span = np.arcsinh((max(high, 0.0) - min(low, 0.0) + np.abs(guess)) / scale)
    return guess, scale, span, low, high


def _integrate_phi(measure: str, arms: Array, theta: Array, phi_prior: Any, count: int) -> Array:
    """log g at ``theta`` (k, m): a trapezoid sum over phi, centred on the mode for each theta."""
    log_f = log_of_phi(measure, arms, theta, phi_prior)
    # Each trial has its own, so that its numbers do not depend on the company it is in.
    guess, scale, span, low, high = reach_of_phi(arms, theta, phi_prior)

    def to_phi(x: Array) -> Array:
        return np.clip(guess[..., None] + scale[..., None] * np.sinh(x), low, high)

    # A scout over the whole prior finds the mode and how far the integrand reaches.
    at = np.linspace(-1.0, 1.0, 49)
    scouted = to_phi(span[..., None] * at)
    values = log_f(scouted)
    best = values.argmax(axis=-1)[..., None]
    seen = values > np.take_along_axis(values, best, -1) - 45.0
    first = at[np.maximum(seen.argmax(axis=-1) - 1, 0)]
    last = at[np.minimum(len(at) - seen[..., ::-1].argmax(axis=-1), len(at) - 1)]
    ends = to_phi(span[..., None] * np.stack([first, last], axis=-1))
    # Newton steps on the parabola through three points polish the mode and its width.
    mode = np.take_along_axis(scouted, best, -1)[..., 0]
    width = np.maximum(scale, np.abs(mode - guess) * span * (at[1] - at[0]))
    best_mode, best_value, scale = mode, np.full(mode.shape, -np.inf), width
    for _ in range(7):
        delta = 0.3 * scale
        left, middle, right = np.moveaxis(
            log_f(mode[..., None] + delta[..., None] * np.array([-1.0, 0.0, 1.0])), -1, 0
        )
        curvature = np.maximum((2 * middle - left - right) / delta**2, 1e-3 / scale**2)
        better = middle >= best_value
        width = np.where(better, 1 / np.sqrt(curvature), width)
        best_mode = np.where(better, mode, best_mode)
        best_value = np.where(better, middle, best_value)
        # A step that climbed is followed by a Newton step; one that fell is taken back, halved.
        shift = np.clip((right - left) / (2 * delta) / curvature, -2 * scale, 2 * scale)
        mode = np.clip(np.where(better, mode + shift, 0.5 * (mode + best_mode)), low, high)
        scale = np.where(better, width, 0.5 * scale)
    mode = best_mode
    start = np.arcsinh((ends[..., 0] - mode) / width)
    stop = np.arcsinh((ends[..., 1] - mode) / width)
    h = (stop - start) / (count - 1)
    grid = start[..., None] + h[..., None] * np.arange(count)
    terms = log_f(mode[..., None] + width[..., None] * np.sinh(grid))
    terms += np.log(width * h)[..., None] + np.log(np.cosh(grid))
    return log_sum(terms) + log_ways(arms)


# --- the treatment arm's events given the control arm's ------------------------------------


@dataclass(frozen=True, eq=False)
class _NoMoreEvents:
    """A prior on phi times the chance of no more treated events than there were (mid-p)."""

    prior: Any
    measure: str
    theta: Array
    events: Array
    size: Array

    def ppf(self, q: Array) -> Array:
        return self.prior.ppf(q)

    def logpdf(self, phi: Array) -> Array:
        shape = (...,) + (None,) * (phi.ndim - self.theta.ndim)
        q = np.minimum(risks(self.measure, self.theta[shape], phi)[3], 1.0)  # rounding may pass 1
        r, n = self.events[shape], self.size[shape]
        # I_q(n - r, r + 1) is the binomial CDF at r; it is 1 at r = n and 0 below r = 0.
        upto = np.where(r < n, betainc(np.maximum(n - r, 0.5), r + 1, q), 1.0)
        under = np.where(r > 0, betainc(n - r + 1, np.maximum(r, 0.5), q), 0.0)
        return self.prior.logpdf(phi) + np.log(np.maximum(0.5 * (upto + under), 1e-300))


def conditional_likelihoods(
    measure: str,
    arms: Array,
    centre: Array,
    width: Array,
    phi_prior: Any,
    fineness: float = 1.0,
) -> tuple[list[Counts], list[Counts]]:
    """What the control arm alone says of theta, and the same with no more treated events.

    The first is the likelihood with the treatment arm left out; the second has the binomial CDF
    at the treated events (half of the last step, mid-p) where the likelihood has their
    probability. The ratio of their averages over a posterior is the probability of no more
    treated events than there were, given the control arm's.

    Parameters
    ----------
    measure, arms, centre, width, phi_prior, fineness
        As for ``counts_likelihoods``.
    """
    alone = arms * np.array([0.0, 0.0, 1.0, 1.0])
    control = counts_likelihoods(measure, alone, centre, width, phi_prior, fineness)
    longest = max(len(term.axis.x) for term in control)
    theta = np.array(
        [np.pad(nodes(t.axis), (0, longest - len(t.axis.x)), mode="edge") for t in control]
    )
    upto = _NoMoreEvents(phi_prior, measure, theta, arms[:, :1], arms[:, 1:2])
    table = _integrate_phi(measure, alone, theta, upto, int(48 * fineness))
    seen = [
        replace(term, log_g=row[: len(term.axis.x)])
        for term, row in zip(control, table, strict=True)
    ]
    return control, seen
