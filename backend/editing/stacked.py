"""Several edits of one photo: where they may show, and what of them was painted on that photo."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.editing.options import ScaledEdit
from backend.photos.label_edit import REMOVED, UNKNOWN, LabelEdit
from backend.photos.motion.part_change import PartChange

Labels = NDArray[np.uint8]  # [L, L]
Region = NDArray[np.bool_]  # [L, L]
Floats = NDArray[np.float32]  # [L, L]
RegionOf = Callable[[Labels, Sequence[str], "Region | None"], Region]

_BESIDE = 3.0  # pixels between a painted part and the part that it continues


def region_of_edits(
    edits: Sequence[ScaledEdit], before: Labels, after: Labels, region_of: RegionOf
) -> Region:
    """The union of the edits' regions of interest (eq. 1).

    before, after: the photo's labels and those of the edited picture. A vector alone shows wherever
    `after` differs; what was painted on this photo shows there only. region_of(after, parts,
    changed) is the region of one edit; changed: more pixels to include.
    """
    plain = [name for edit in edits if edit.painted is None for name in edit.parts]
    region = region_of(after, list(dict.fromkeys(plain)), None)
    for edit in edits:
        if edit.painted is not None:
            painted = edit.painted.on(before)
            region = region | region_of(painted.target, edit.parts, painted.changed)
    return region


def painted_in(edits: Sequence[ScaledEdit], before: Labels) -> LabelEdit | None:
    """What was painted on this photo, the first edit lying on top; None where nothing was.

    before: the photo's labels. Below full strength the painted shapes are on their way; against
    what was painted (a negative strength), the edited picture's own shapes count.
    """
    claims, names = np.full(before.shape, UNKNOWN, np.uint8), dict[str, None]()
    for edit in reversed(edits):
        if edit.painted is None:
            continue
        painted = edit.painted.on(before)
        if edit.applied > 0:
            there = painted.changed & (shown_from(painted, before) <= edit.applied)
            claims = np.where(there, painted.packed(), claims).astype(np.uint8)
        else:
            claims = np.where(painted.changed, REMOVED + before, claims).astype(np.uint8)
        names.update(dict.fromkeys(edit.parts))
    return LabelEdit.unpacked(claims, before, tuple(names)) if names else None


def asked_by(edits: Sequence[ScaledEdit], change: PartChange, before: Labels) -> PartChange:
    """A change of a photo's parts, towards what was painted; before: the photo's labels."""
    painted = painted_in(edits, before)
    if painted is None:
        return change
    return change.asking(painted, alone=all(edit.painted for edit in edits))


def shown_from(painted: LabelEdit, before: Labels) -> Floats:
    """The strength in 0..1 from which each claim shows, float32 [L, L]; 1 where there is none.

    A painted part grows from where it was before, at one pace: at half of its strength a fringe is
    half as long. What lies beside nothing of its kind grows out of its own middle.
    """
    claims, strength = painted.packed(), np.ones(before.shape, np.float32)
    for code in np.unique(claims[painted.changed]):
        gained = claims == code
        grown = (before != code - REMOVED if code >= REMOVED else before == code) & ~gained
        away, inside = _distance(~grown), _distance(gained)
        count, pieces = cv2.connectedComponents(gained.astype(np.uint8))
        for piece in (pieces == index for index in range(1, count)):
            beside = away[piece].min() <= _BESIDE
            depth = away[piece] if beside else inside[piece].max() - inside[piece]
            strength[piece] = (depth - depth.min() + 1) / (np.ptp(depth) + 1)
    return strength


def _distance(flags: Region) -> Floats:
    """How far each pixel lies from the next one that is false: float32 [L, L] in pixels."""
    if flags.all():
        return np.full(flags.shape, np.hypot(*flags.shape), np.float32)
    distance = cv2.distanceTransform(flags.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance, np.float32)
