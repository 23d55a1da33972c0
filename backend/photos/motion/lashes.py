"""Where lashes begin in a photo: the edge of the upper lid, finer than labels know it."""

from __future__ import annotations

import cv2
import numpy as np

from backend.photos.arrays import Floats, Indices

_UP, _DOWN, _STEP = 3.5, 2.5, 0.25  # how far from the parts' border lashes are sought, grid pixels
# Cost of an arch's distance from the border, above which a deep eye may lie in the shade, of its
# being another arch than the border, of a path's distance from it and of its jumps.
_HIGH, _LOW, _OTHER, _NEAR, _STEADY = 0.02, 0.6, 0.02, 0.3, 0.4
_NEVER = 1e3  # of what lies above the ceiling
_THICK = 0.6  # of lashes, grid pixels
_ACROSS = 0.6  # half the distance that a step from light to dark is read over


def upper_edge(grey: Floats, columns: Indices, border: Floats, ceiling: Floats) -> Floats:
    """The row in which lashes end and the eye begins, in each of its columns [m].

    grey: float32 [n, n] in 0..1; border: float32 [m], where labels say that the eye begins;
    ceiling: float32 [m], above which there is no lid. The arch with the strongest step from light
    to dark is found first, so that no shade beside the lid counts, and then the best path near it,
    by dynamic programming.
    """
    offsets = np.arange(-_UP, _DOWN + _STEP, _STEP, dtype=np.float32)
    x = np.repeat(columns[:, None], len(offsets), axis=1).astype(np.float32)
    y = (border[:, None] + offsets).astype(np.float32)  # [m, K]
    above, under = (cv2.remap(grey, x, y + side, cv2.INTER_LINEAR) for side in (-_ACROSS, _ACROSS))
    step = above - under
    cost = -step / max(float(np.quantile(step, 0.9)), 1e-3)
    cost[(offsets < 0) & (y < ceiling[:, None])] = _NEVER
    cost += _NEAR * (offsets - _arch(cost, offsets)[:, None]) ** 2
    jumps = _STEADY * np.abs(offsets[:, None] - offsets)  # [K, K]
    total, came = cost[0], []
    for column in cost[1:]:
        ways = total[:, None] + jumps
        came.append(ways.argmin(axis=0))
        total = ways.min(axis=0) + column
    path = [int(total.argmin())]
    for previous in reversed(came):
        path.append(int(previous[path[-1]]))
    return border + offsets[path[::-1]] + _THICK


def _arch(cost: Floats, offsets: Floats) -> Floats:
    """The cheapest parabola through costs [m, K] of offsets [K]: [m]."""
    aside = np.linspace(-1, 1, len(cost), dtype=np.float32)
    grids = np.arange(-3, 1, 0.25), np.arange(-2, 2.5, 0.5), np.arange(-1.5, 2, 0.5)
    height, tilt, bend = (g.ravel()[:, None] for g in np.meshgrid(*grids, indexing="ij"))
    arches = height + tilt * aside + bend * (aside**2 - 1 / 3)  # [N, m]
    arches = arches.clip(offsets[0], offsets[-1]).astype(np.float32)
    nearest = np.rint((arches - offsets[0]) / _STEP).astype(int)
    away = np.where(arches < 0, _HIGH, _LOW) * arches**2
    along = (cost[np.arange(len(cost)), nearest] + away).mean(axis=1)
    other = _OTHER * (tilt**2 + bend**2)[:, 0]
    best: Floats = arches[(along + other).argmin()]
    return best
