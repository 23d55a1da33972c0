"""Where an edit shows: its region, and what moves along with it."""

from __future__ import annotations

import math

import cv2
import numpy as np

from backend.photos.arrays import Flags, Floats
from backend.photos.cv import disc
from backend.photos.feather import FEATHER

_COHERENT = 0.15  # of the strongest motion in the region: what moves less is not part of the edit
_NOTICED = 0.1 / 128  # motion below this is none, in sides
_SMOOTH = 1.5  # blur that rounds the outline of what moves, grid pixels


def reached(
    shift: Floats, over: list[Floats], region: Flags, valid: Flags, *, alone: bool
) -> Flags:
    """Where the edit shows, bool [n, n]: its region, and unless `alone` what moves along.

    shift, over: [n, n, 2] in sides, how the subject moves, and what comes over it.
    """
    size = len(shift)
    inside, covered = (
        cv2.resize(flags.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR) > 0.5
        for flags in (region, valid)
    )
    if alone:
        return inside & covered
    length, *coming = (np.linalg.norm(way, axis=2) for way in (shift, *over))
    strongest = max(way[inside].max(initial=0.0) for way in (length, *coming))
    moving = length > max(_COHERENT * strongest, _NOTICED)
    for way in coming:
        moving |= way > _NOTICED
    moved = moving.astype(np.uint8)
    pieces = cv2.connectedComponents(moved | inside.astype(np.uint8))[1]
    along = np.isin(pieces, np.unique(pieces[inside])) & (moved > 0)
    radius = math.ceil(FEATHER * size)
    around = cv2.dilate(along.astype(np.float32), disc(radius))
    return (inside | (cv2.GaussianBlur(around, (0, 0), _SMOOTH) > 0.5)) & covered


def eroded(flags: Flags, radius: int) -> Flags:
    """Flags [R, R] without what is so many pixels from their border or nearer; beyond the square
    there is nothing."""
    inside = cv2.copyMakeBorder(
        flags.astype(np.uint8), radius, radius, radius, radius, cv2.BORDER_CONSTANT, value=0
    )
    return cv2.erode(inside, disc(radius))[radius:-radius, radius:-radius] > 0
