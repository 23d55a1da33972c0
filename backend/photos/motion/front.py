"""Hair and heads and what is behind them are two layers: the background stays where it is.

A single map would drag lettering or leaves along with the outline of hair, or of an ear. Here the
front's own pixels move with their matte, and where they uncover the background, that is continued
by its own reflection.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.photos.arrays import Flags, Floats
from backend.photos.cv import disc
from backend.photos.guided import guided_filter
from backend.photos.motion.diffeomorphism import fold_free, warp
from backend.photos.motion.fringe import Fringe
from backend.photos.motion.registration import RegisteredMaps, Stage, register
from backend.photos.pause import Pause, no_pause
from backend.photos.warp import resize

_SMALLEST = 1e-3  # of the square: less that comes or goes is the jitter of labels
_AROUND = 0.03  # how far around the change the front may move, in sides
_RADIUS, _EPSILON = 1.2 / 128, 1e-3  # of the guided filter that finds the matte
_STRAY = 0.012  # how far strands stand out of the matte, in sides
_ROUND = 0.015  # blur of the outline that reflects, in sides
_OPAQUE, _CLEAR = 0.9, 0.1  # alpha of the matte beyond which all or nothing is front


@dataclass(frozen=True, eq=False)
class FrontChange:
    """Hair, or a head, that moves over what is behind it, on grids over the aligned square.

    shift: float32 [n, n, 2], where it comes from, in sides. matte: float32 [S, S] in 0..1, how much
    of the edited picture it is. behind: float32 [S, S, 2], where to read the background, in
    sides; 0 where the photo shows it. share: float32 [S, S] in 0..1, where the layers apply.
    """

    shift: Floats
    matte: Floats
    behind: Floats
    share: Floats


def front_change(
    guide: Floats,
    photo: Floats,
    source: Floats,
    target: Floats,
    window: Floats,
    place: Flags,
    fringe: Fringe | None,
    stages: tuple[Stage, ...],
    pause: Pause = no_pause,
) -> FrontChange | None:
    """How a front changes from `source` to `target`, float32 [n, n] in 0..1; None where it stays.

    guide: float32 [S, S, 3] in 0..1, the photo's crop; photo: the front in it, [n, n]. window:
    float32 [n, n], where the edit may show. place: bool [n, n], where the front may move; hair
    moves beyond it only by a `fringe`.
    """
    changed = (np.abs(target - source) > 0.5) & (window > 0.5) & place
    size, fine = len(window), len(guide)
    flat = np.zeros((size, size), np.float32)
    shift: Floats = np.zeros((size, size, 2), np.float32)
    share: Floats = flat
    if changed.mean() >= _SMALLEST:
        near = cv2.dilate(changed.astype(np.uint8), disc(_AROUND * size)).astype(np.float32)
        share = cv2.GaussianBlur(near * place, (0, 0), _AROUND * size / 3) * window * place
        old, new = (RegisteredMaps(front[..., None], flat) for front in (source, target))
        shift = fold_free(register(old, new, share, picture_weight=0.0, stages=stages, pause=pause))
    if fringe is not None:
        shift = shift * (1 - fringe.share)[..., None] + fringe.shift * size
        share = np.maximum(share, fringe.share)
    if not share.any():
        return None
    matte = _matte(guide, photo)
    moved = warp(matte, resize(shift, fine) * (fine / size))
    return FrontChange(shift / size, moved, _reflection(matte), np.clip(resize(share, fine), 0, 1))


def _matte(guide: Floats, front: Floats) -> Floats:
    """A front [n, n] as a matte [S, S] along the edges of the photo."""
    size = len(guide)
    smooth = guided_filter(guide, max(1, round(_RADIUS * size)), _EPSILON)(resize(front, size))
    return np.clip((smooth - _CLEAR) / (_OPAQUE - _CLEAR), 0, 1)


def _reflection(matte: Floats) -> Floats:
    """For each place under the front, where the background nearest to it goes on: [S, S, 2].

    What lies as far beyond its outline as the place lies within it.
    """
    size = len(matte)
    hidden = cv2.dilate((matte > 0.02).astype(np.uint8), disc(_STRAY * size))
    if hidden.all() or not hidden.any():
        return np.zeros((size, size, 2), np.float32)
    _, index = cv2.distanceTransformWithLabels(
        hidden, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    places = np.zeros((int(index.max()) + 1, 2), np.float32)
    rows, columns = np.nonzero(hidden == 0)
    places[index[rows, columns]] = np.stack([columns, rows], axis=1)
    y, x = np.indices((size, size), dtype=np.float32)
    own = np.dstack([x, y])
    inside = hidden[..., None].astype(np.float32)
    outline, weight = (
        cv2.GaussianBlur(values, (0, 0), _ROUND * size)
        for values in ((places[index] - own) * inside, inside)
    )  # the way to the outline, whose kinks would break the reflection
    way = outline / np.maximum(weight.reshape(inside.shape), 1e-3)
    there = np.clip(own + 2 * way, 0, size - 1)  # [S, S, 2]
    return (there - own) * inside / size
