"""Cut a motion where the subject opens: lips part, nothing between them is stretched.

A single smooth map would stretch the line between closed lips over the whole interior of an open
mouth. Two maps do not: one follows what lies above the gap, one what lies below, and each pixel
takes that of its side. What then lies in the gap is new.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from backend.photos.arrays import Floats
from backend.photos.motion.diffeomorphism import determinants, warp
from backend.photos.motion.roles import OpeningRole

_STRETCH = 2.5  # how many times a part may grow before its own pixels no longer bear it
_SMALLEST = 8e-4  # of the square: a gap below this is a line between lips
_SHARP, _SOFT = 0.5 / 128, 0.08  # width of the change of sides, in sides: in the gap, far beside it
_COVERED = 0.2  # share of the gap in a pixel from which what it shows is new
_COLUMN = 0.25  # of a pixel that a column shows of a gap that it has
_CLOSES = 0.06  # how far from a gap that stays shut all moves, half of it twice as far, in sides
_DRIFT = 1.25, 1.6  # growth of a gap's height that is none of the edit, that is one in full
_ROUND = 1.0 / 128  # blur of its height from column to column, in sides
_TRIES = 10
_WIDENS = 0.7  # how fast the one becomes the other beside the gap's corners

Register = Callable[[Floats], Floats]
"""From trust [n, n, C + 1] to a displacement [n, n, 2]."""


def opens(source: Floats, target: Floats) -> bool:
    """Whether a gap that covers `source` [n, n] in the photo has to be cut open for `target`, which
    the generator draws."""
    old, new = float(source.mean()), float(target.mean())
    return new > _SMALLEST and new > _STRETCH * old


def less_open(opening: OpeningRole, target: Floats, share: float) -> Floats:
    """Maps [n, n, C] of a subject that opens less far: its gap has this share of its height, and
    what is above and below comes along, as thick as it is. Without any of it the gap is shut."""
    gap = target[..., opening.gap]
    size = len(gap)
    height = cv2.GaussianBlur(gap.sum(axis=0)[None], (0, 0), _ROUND * size)[0]
    below = np.arange(size, dtype=np.float32)[:, None] - middle_line(gap)
    near = np.clip(2 - np.abs(below) / (_CLOSES * size), 0, 1)
    most = (1 - share) * height / 2
    shift = np.zeros((size, size, 2), np.float32)
    shift[..., 1] = near * np.clip((1 / max(share, 1e-3) - 1) * below, -most, most)
    result = warp(target, shift)
    if share > 0:
        return result
    rest = result[..., opening.gap].copy()
    result[..., opening.above] += np.where(below < 0, rest, 0)
    result[..., opening.below] += np.where(below < 0, 0, rest)
    result[..., opening.gap] = 0
    return result


def drifted(source: Floats, target: Floats) -> float:
    """The share of a gap's height in `target` [n, n] that is not drift: the generator opens a mouth
    a little whose lips or corners are edited, and would make its teeth longer."""
    old, new = (float(gap.sum(axis=0).max()) for gap in (source, target))
    growth = new / max(old, 1e-3)
    meant = np.clip((growth - _DRIFT[0]) / (_DRIFT[1] - _DRIFT[0]), 0, 1)
    return 1.0 if growth <= 1 else float((1 + meant * (growth - 1)) / growth)


def cut_open(opening: OpeningRole, target: Floats, register: Register) -> Floats:
    """The displacement [n, n, 2] of a subject that opens; target: its maps [n, n, C]."""
    share = side_above(target[..., opening.gap])[..., None]  # [n, n, 1]
    count = target.shape[2] + 1
    upper = register(_trust(share, count, without=(opening.gap, opening.below)))
    lower = register(_trust(1 - share, count, without=(opening.gap, opening.above)))
    return share * upper + (1 - share) * lower


def joined(whole: Floats, cut: Floats, gap: Floats) -> Floats:
    """As much of a displacement that is `cut` [n, n, 2] as folds nowhere but in the gap [n, n],
    where a new part covers it; the rest is that of the uncut one."""
    inside = cv2.dilate((gap > _COVERED).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    for share in np.linspace(1, 0, _TRIES, endpoint=False, dtype=np.float32):
        shift = whole + share * (cut - whole)
        if determinants(shift)[~inside].min(initial=1) > 0:
            return shift
    return whole


def side_above(gap: Floats) -> Floats:
    """1 above the middle line of a gap [n, n], 0 below; the change is sharp only in the gap."""
    size = len(gap)
    rows, columns = np.indices(gap.shape, dtype=np.float32)
    gap = largest_piece(gap)
    inside = np.flatnonzero(gap.sum(axis=0) > _COLUMN)
    if not len(inside):
        return np.full_like(gap, 0.5)
    line = middle_line(gap)
    first, last = float(inside[0]), float(inside[-1])
    beside = np.maximum(np.maximum(first - columns, columns - last), 0)
    width = np.minimum(_SHARP * size + _WIDENS * beside, _SOFT * size)
    return 1 / (1 + np.exp(np.clip((rows - line) / width, -30, 30)))


def middle_line(gap: Floats) -> Floats:
    """The row of a gap's middle in each column of its map [n, n]: [n], level beside it."""
    size = len(gap)
    rows = np.arange(size, dtype=np.float32)[:, None]
    weight = gap.sum(axis=0)
    inside = np.flatnonzero(weight > _COLUMN)
    if not len(inside):
        return np.full(size, size / 2, np.float32)
    heights = (gap * rows).sum(axis=0)[inside] / weight[inside]
    line = np.interp(np.arange(size), inside, heights).astype(np.float32)
    return cv2.GaussianBlur(line[None], (0, 0), size / 64)[0]


def _trust(share: Floats, count: int, without: tuple[int, ...]) -> Floats:
    """Trust [n, n, C + 1] of one side, which the channels of the other one do not concern."""
    trust = np.repeat(share, count, axis=2)
    trust[..., list(without)] = 0
    return trust


def largest_piece(gap: Floats) -> Floats:
    """A gap [n, n] without stray pixels."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats((gap > 0.3).astype(np.uint8))
    if count < 2:
        return gap
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    near = cv2.dilate((pieces == largest).astype(np.uint8), np.ones((3, 3), np.uint8))
    return gap * near
