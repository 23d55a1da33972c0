"""Repaints that people ask for, painted by script on the part layers of any portrait."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.bundles.bundle import Bundle
from backend.editing.geometry import Close, ScaleShape, ShapeChange, nearest, pieces, without
from backend.editing.recipes import group_of
from backend.editing.results import OpenPhoto
from backend.photos.align import CropFrame
from backend.photos.cv import warp_affine
from backend.photos.label_edit import PaintedLayer
from backend.photos.parts import PartMask
from backend.photos.warp import to_photo

Labels = NDArray[np.uint8]
Named = Callable[[str], list[int]]

_SIDE = 512  # of the map that is painted on
_EDGE = 0.8  # softness of a brush's edge, in its pixels


@dataclass(frozen=True)
class Fringe:
    """Hair over all of the forehead that lies above a line from temple to temple, at this share of
    the way from the hairline to the brows."""

    to: float = 0.7

    def __call__(self, labels: Labels, group: Collection[int], named: Named) -> Labels:
        hair, skin = np.isin(labels, list(group)), np.isin(labels, named("skin"))
        rows, columns = np.nonzero(np.isin(labels, named("brows")))
        if not len(rows) or not hair.any():
            return labels
        brows, between = int(rows.min()), slice(int(columns.min()), int(columns.max()) + 1)
        above = hair[:brows, between]
        lines = brows - above[::-1].argmax(axis=0)[above.any(axis=0)]
        if not len(lines):
            return labels
        line = float(np.median(lines))
        y = np.arange(len(labels))[:, None]
        return np.where(skin & (y < line + self.to * (brows - line)), next(iter(group)), labels)


@dataclass(frozen=True)
class Back:
    """Each piece of a group drawn towards the middle of the picture: ears that lie back."""

    width: float = 0.6

    def __call__(self, labels: Labels, group: Collection[int], named: Named) -> Labels:
        result, behind = without(labels, group), ~np.isin(labels, [*group, *named("skin")])
        result = np.where(np.isin(labels, list(group)), nearest(labels, behind), result)
        for piece in pieces(labels, group):
            columns = np.flatnonzero(piece.any(axis=0))
            inner = columns[-1] if columns.mean() < len(labels) / 2 else columns[0]
            y, x = (np.asarray(a) for a in np.indices(labels.shape, dtype=np.float32))
            source = (inner + (x - inner) / self.width).astype(np.float32)
            moved = cv2.remap(piece.astype(np.uint8), source, y, cv2.INTER_NEAREST) > 0
            result[moved] = labels[piece][0]
        return result


@dataclass(frozen=True)
class Below:
    """A group with as much painted below it as makes it so many times as thick in each column."""

    times: float = 1.5

    def __call__(self, labels: Labels, group: Collection[int], named: Named) -> Labels:
        result, rows = labels.copy(), np.arange(len(labels))
        for piece in pieces(labels, group):
            for x in np.flatnonzero(piece.any(axis=0)):
                thick, last = int(piece[:, x].sum()), int(np.flatnonzero(piece[:, x])[-1])
                added = (rows > last) & (rows <= last + round((self.times - 1) * thick))
                result[added, x] = labels[last, x]
        return result


@dataclass(frozen=True)
class Painting:
    """What is painted: a change of the shape of a part or group of parts."""

    group: str
    change: ShapeChange


PAINTINGS = {
    "thicker brows": Painting("brows", ScaleShape(x=1.05, y=1.6, anchor=0.8)),
    "closed eyes": Painting("eyes", ScaleShape(y=0.25, anchor=0.85)),
    "fringe": Painting("hair", Fringe()),
    "bigger smile": Painting("mouth", ScaleShape(x=1.25, y=1.15, lift=0.1)),
    "closed mouth": Painting("mouth", Close()),
    "slimmer nose": Painting("nose", ScaleShape(x=0.75)),
    "ears back": Painting("ears", Back()),
    "fuller lower lip": Painting("lower lip", Below()),
    "one lifted brow": Painting("left brow", ScaleShape(up=0.7)),
}


def painted_layers(photo: OpenPhoto, bundle: Bundle, painting: Painting) -> list[PaintedLayer]:
    """The photo's part layers with a painting; empty where the photo does not show the part."""
    masks = {mask.index: _in_crop(mask, photo.frame) for mask in photo.parts}
    order = list(masks)
    before = np.stack([masks[i] for i in order]).argmax(axis=0)
    labels = np.array(order, np.uint8)[before]
    group = group_of(bundle, painting.group)
    if not np.isin(labels, group).any():
        return []
    after = painting.change(labels, group, lambda name: group_of(bundle, name))
    return [_layer(mask, labels, after, photo) for mask in photo.parts]


def _layer(mask: PartMask, before: Labels, after: Labels, photo: OpenPhoto) -> PaintedLayer:
    if ((before == mask.index) == (after == mask.index)).all():
        return PaintedLayer(mask.name, mask.x, mask.y, mask.alpha)
    painted = cv2.GaussianBlur((after == mask.index).astype(np.float32), (0, 0), _EDGE)
    height, width = photo.pixels.shape[:2]
    rect = photo.frame.bounds(0.0, width, height)
    alpha = to_photo(painted, photo.frame, rect, outside_zero=True)
    return PaintedLayer(mask.name, rect[0], rect[1], np.rint(255 * alpha).astype(np.uint8))


def _in_crop(mask: PartMask, frame: CropFrame) -> NDArray[np.uint8]:
    """A part's alpha over the aligned crop, [S, S]."""
    matrix = frame.shifted(-mask.x, -mask.y).to_pixels(_SIDE)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return warp_affine(mask.alpha, matrix, (_SIDE, _SIDE), flags=flags)
