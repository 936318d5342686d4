"""Labels beside points, each where nothing else is."""

from __future__ import annotations

import numpy as np

from bayespool.figures.plain import SMALL, text_width

__all__ = ["Box", "beside", "spread_out"]

Box = tuple[float, float, float, float]  # left, top, right, bottom, in inches
HEIGHT = 0.13
_NEAR = (0.06, 0.12, 0.2, 0.3, 0.42)
_RISES = (0.0, -0.05, 0.05, -0.1, 0.1, -0.16, 0.16, -0.24, 0.24)
MISSING = 10.0  # what a label without a place costs: more than any distance


def beside(
    points: np.ndarray, texts: list[str], frame: Box, avoid: np.ndarray, size: float = SMALL
) -> list[Box | None]:
    """Find a place for each text near its point.

    Parameters
    ----------
    points : array of shape (n, 2)
        Inches.
    texts : list of n str
    frame : Box
        Labels stay inside.
    avoid : array of shape (m, 2)
        Points that no label may cover, such as curves and the marks themselves.

    Returns
    -------
    list
        A box each, None where there is no room. Of several orders in which labels may choose
        their nearest free place, the one that keeps them nearest in all.
    """
    options = []
    for (x, y), text in zip(points, texts, strict=True):
        boxes = _candidates(float(x), float(y), text_width([text], size))
        options.append(
            [box for box in boxes if _inside(box[1], frame) and not _covers(box[1], avoid)]
        )
    best: tuple[float, list[Box | None]] = (np.inf, [None] * len(texts))
    for order in _orders(points):
        cost, found = _greedy(options, order)
        if cost < best[0]:
            best = (cost, found)
    return best[1]


def _orders(points: np.ndarray) -> list[np.ndarray]:
    """From above, below, left and right, then shuffled: the same for the same points."""
    k = len(points)
    down, across = np.argsort(points[:, 1], kind="stable"), np.argsort(points[:, 0], kind="stable")
    rng = np.random.default_rng(k)
    return [down, down[::-1], across, across[::-1], *(rng.permutation(k) for _ in range(40))]


def _greedy(
    options: list[list[tuple[float, Box]]], order: np.ndarray
) -> tuple[float, list[Box | None]]:
    taken: list[Box] = []
    found: list[Box | None] = [None] * len(options)
    cost = 0.0
    for i in order:
        for far, box in options[i]:
            if not any(_meet(box, other) for other in taken):
                taken.append(box)
                found[i] = box
                cost += far
                break
        else:
            cost += MISSING
    return cost, found


def spread_out(
    places: np.ndarray, widths: list[float], ends: tuple[float, float], gap: float = 0.1
) -> list[float] | None:
    """Move the centres of labels on a line as little as keeps them apart; None where none fit."""
    if sum(widths) + gap * (len(widths) - 1) > ends[1] - ends[0]:
        return None
    order = np.argsort(places, kind="stable")
    found = np.array(places, dtype=float)
    least = ends[0]
    for i in order:
        found[i] = max(found[i], least + widths[i] / 2)
        least = found[i] + widths[i] / 2 + gap
    most = ends[1]
    for i in reversed(order):
        found[i] = min(found[i], most - widths[i] / 2)
        most = found[i] - widths[i] / 2 - gap
    return [float(x) for x in found]


def _candidates(x: float, y: float, width: float) -> list[tuple[float, Box]]:
    """Places round a point with what each costs, the cheapest first."""
    places = []
    for side in _NEAR:
        for rise in _RISES:
            top = y - HEIGHT / 2 + rise
            for left, cost in ((x + side, 0.0), (x - side - width, 0.005)):
                far = side + 1.5 * abs(rise) + cost
                places.append((far, (left, top, left + width, top + HEIGHT)))
    for near in _NEAR:
        for top in (y - HEIGHT - near, y + near):
            places.append((near + 0.1, (x - width / 2, top, x + width / 2, top + HEIGHT)))
    return sorted(places)


def _inside(box: Box, frame: Box) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]


def _meet(a: Box, b: Box, gap: float = 0.03) -> bool:
    return a[0] < b[2] + gap and b[0] < a[2] + gap and a[1] < b[3] and b[1] < a[3]


def _covers(box: Box, points: np.ndarray, gap: float = 0.02) -> bool:
    if not len(points):
        return False
    x, y = points[:, 0], points[:, 1]
    across = (x > box[0] - gap) & (x < box[2] + gap)
    return bool((across & (y > box[1] - gap) & (y < box[3] + gap)).any())
