"""Where lashes begin in a photo: the edge of the upper lid, finer than labels know it."""

from __future__ import annotations

import cv2
import numpy as np

from backend.photos.arrays import Floats, Indices

_UP, _DOWN, _STEP = 3.5, 2.5, 0.25  # how far from the parts' border lashes are sought, grid pixels
_STEADY = 0.25  # cost of a jump between columns
# Cost of distance from the border; above it a deep eye may lie in the shade.
_HIGH, _LOW = 0.02, 0.12
_NEVER = 1e3  # of what lies above the ceiling
_THICK = 0.6  # of lashes, grid pixels
_ACROSS = 0.6  # half the distance that a step from light to dark is read over


def upper_edge(grey: Floats, columns: Indices, border: Floats, ceiling: Floats) -> Floats:
    """The row in which lashes end and the eye begins, in each of its columns [m].

    grey: float32 [n, n] in 0..1; border: float32 [m], where labels say that the eye begins;
    ceiling: float32 [m], above which there is no lid. The path of the strongest step from light to
    dark is found by dynamic programming.
    """
    offsets = np.arange(-_UP, _DOWN + _STEP, _STEP, dtype=np.float32)
    x = np.repeat(columns[:, None], len(offsets), axis=1).astype(np.float32)
    y = (border[:, None] + offsets).astype(np.float32)  # [m, K]
    above, under = (cv2.remap(grey, x, y + side, cv2.INTER_LINEAR) for side in (-_ACROSS, _ACROSS))
    step = above - under
    away = np.where(offsets < 0, _HIGH, _LOW) * offsets**2
    cost = away - step / max(float(np.quantile(step, 0.9)), 1e-3)
    cost[(offsets < 0) & (y < ceiling[:, None])] = _NEVER
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
