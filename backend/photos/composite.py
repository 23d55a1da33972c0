"""Put an edit into the photo at the photo's own resolution and precision.

Skin, lips, brows, hair and beard are the photo's own pixels, moved by a map that never folds. The
generator gives the change of light and those parts that no moved pixel of the photo covers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from backend.photos.align import CropFrame, extract
from backend.photos.arrays import Flags, Floats, Picture
from backend.photos.feather import feathered_alpha
from backend.photos.lid_drawing import with_lids
from backend.photos.motion.closing import Closing
from backend.photos.motion.front import FrontChange
from backend.photos.motion.lids import Lids
from backend.photos.motion.part_change import PartChange
from backend.photos.motion.registration import THOROUGH, Stage
from backend.photos.pause import Pause, no_pause
from backend.photos.subject_change import SubjectChange, subject_change
from backend.photos.warp import moved_pixels, resize, support_rect, to_photo
from protocol.geometry import Rect

_BAND = 256  # rows worked on at a time: temporaries stay small however large the photo
_TILE = 256  # columns of a band that fronts are looked for in
_SAMPLE = 512  # side of the sample in the region's middle that says how strong the grain is
_AT_REST = 0.5  # photo pixels within which the background behind hair is the photo's own
_GRAIN = 1.5  # blur whose remainder is grain, photo pixels


@dataclass(frozen=True, eq=False)
class ResultLayer:
    """An edited layer: pixels [h, w, 4] in the photo's dtype, top-left pixel at the photo's (x, y).

    RGB is the unfeathered result, alpha (0..255 or 0..1) the feathered region.
    """

    x: int
    y: int
    pixels: Picture

    @classmethod
    def empty(cls, dtype: np.dtype[Any]) -> ResultLayer:
        """One clear pixel, of an edit that changes nothing in the photo."""
        return cls(0, 0, np.zeros((1, 1, 4), dtype))


def composite(
    photo: Picture,
    frame: CropFrame,
    before: Floats,
    after: Floats,
    roi: Floats | Flags,
    parts: PartChange | None = None,
    *,
    grid: int = 512,
    stages: tuple[Stage, ...] = THOROUGH,
    pause: Pause = no_pause,
) -> ResultLayer:
    """The edit from `before` to `after`, as a layer over `photo`.

    photo: uint8 or float32 (nominally 0..1, values beyond are kept) [H, W, 3 or 4], R'G'B'.
    before, after: float32 [R, R, 3] in [-1, 1], the generator's picture without and with the edit.
    roi: bool or float [R, R], the region that may change. parts: what happens to the parts; with
    them the layer also covers what moves along with the region. Alpha is exactly zero elsewhere,
    and there RGB is the photo's own. An edit that reaches no pixel of the photo gives a layer of
    one clear pixel. grid: the feather is computed on so many pixels across the crop, at least.
    pause: called between the pieces of the work, which it ends by raising.
    """
    change = plan(photo, frame, before, after, roi, parts, stages=stages, pause=pause)
    return draw(photo, frame, change, grid=grid, pause=pause)


def plan(
    photo: Picture,
    frame: CropFrame,
    before: Floats,
    after: Floats,
    roi: Floats | Flags,
    parts: PartChange | None = None,
    *,
    start: Floats | None = None,
    stages: tuple[Stage, ...] = THOROUGH,
    pause: Pause = no_pause,
) -> SubjectChange:
    """What `composite` does to the subject; start: the velocity of a similar change."""
    crop, valid = _crop(photo, frame, len(before))
    old, new = (np.asarray(p, np.float32) / 2 + 0.5 for p in (before, after))
    region = np.asarray(roi, np.float32) > 0.5
    finer = frame.size / len(before)
    return subject_change(
        crop,
        valid,
        old,
        new,
        region,
        parts,
        closer=lambda size: _crop(photo, frame, size)[0],
        finer=finer,
        start=start,
        stages=stages,
        pause=pause,
    )


def draw(
    photo: Picture,
    frame: CropFrame,
    change: SubjectChange,
    *,
    grid: int = 512,
    pause: Pause = no_pause,
) -> ResultLayer:
    """The layer that a change of the subject in `frame` makes of the photo."""
    height, width = photo.shape[:2]
    alpha = feathered_alpha(change.reach, grid)
    rect = support_rect(alpha, frame, width, height)
    if rect.is_empty:
        return ResultLayer.empty(photo.dtype)
    fields = _Fields.of(change, frame, grid, _grain_strength(photo, rect))
    x, y, w, h = rect
    pixels = np.empty((h, w, 4), photo.dtype)
    for top in range(0, h, _BAND):
        pause()
        band = Rect(x, y + top, w, min(_BAND, h - top))
        opacity = to_photo(alpha, frame, band, outside_zero=True)
        pixels[top : top + _BAND] = _band(photo, fields, opacity, band)
    return ResultLayer(x, y, pixels)


@dataclass(frozen=True, eq=False)
class _Fields:
    """A change as smooth fields over the square `frame`, fine enough to be interpolated.

    shift: [S, S, 2], in photo pixels. light, drawn: [S, S, 3] in units of 0..1. fresh: [S, S], None
    where no part is new. grain: how strong the photo's grain is; edges are stronger. fronts,
    closing: see `FrontChange` and `Closing`, in photo pixels; lids: see `Lids`, in sides.
    """

    frame: CropFrame
    shift: Floats
    light: Floats
    drawn: Floats
    fresh: Floats | None
    grain: float
    fronts: tuple[FrontChange, ...]
    closing: Closing | None
    lids: Lids | None

    @classmethod
    def of(cls, change: SubjectChange, frame: CropFrame, size: int, grain: float) -> _Fields:
        to_pixels = frame.to_pixels(1)[:, :2].T.astype(np.float32)
        fresh = resize(change.fresh, size).clip(0, 1) if change.fresh.any() else None
        shift = resize(change.shift @ to_pixels, size)
        light, drawn = (resize(field, size) for field in (change.light, change.drawn))
        fronts = tuple(
            replace(
                front,
                shift=resize(front.shift @ to_pixels, size),
                behind=front.behind @ to_pixels,
            )
            for front in change.fronts
        )
        closing = change.closing and Closing(
            upper=resize(change.closing.upper @ to_pixels, size),
            lower=resize(change.closing.lower @ to_pixels, size),
            below=resize(change.closing.below * frame.size, size),
            over=resize(change.closing.over * frame.size, size),
            shut=resize(change.closing.shut, size),
        )
        return cls(frame, shift, light, drawn, fresh, grain, fronts, closing, change.lids)


def _crop(photo: Picture, frame: CropFrame, size: int) -> tuple[Floats, Flags]:
    """The aligned crop in units of 0..1, with the values beyond that `extract` would cut off."""
    if photo.dtype == np.uint8:
        crop, valid = extract(photo, frame, size)
        return (crop + 1) / 2, valid
    x, y, w, h = frame.bounds(0.02, photo.shape[1], photo.shape[0])
    part = photo[y : y + h, x : x + w, :3]
    low, high = min(float(part.min(initial=0)), 0.0), max(float(part.max(initial=1)), 1.0)
    crop, valid = extract((part - low) / (high - low), frame.shifted(-x, -y), size)
    return (crop + 1) / 2 * (high - low) + low, valid


def _band(photo: Picture, fields: _Fields, opacity: Floats, rect: Rect) -> Picture:
    """The layer's pixels in `rect`: [h, w, 4] in the photo's dtype; opacity: 0..1, [h, w]."""
    x, y, w, h = rect
    frame = fields.frame
    unit = 255.0 if photo.dtype == np.uint8 else 1.0
    own = photo[y : y + h, x : x + w, :3]
    shift = to_photo(fields.shift, frame, rect)
    if fields.closing is None:
        moved = moved_pixels(photo, shift, rect)
    else:
        moved = _between_edges(photo, shift, fields.closing, frame, rect)
    if fields.lids is not None:
        moved = with_lids(moved, photo, fields.lids, frame, rect)
    result = moved + unit * to_photo(fields.light, frame, rect)
    if fields.fresh is not None:
        fresh = to_photo(fields.fresh, frame, rect)[..., None]
        drawn = unit * to_photo(fields.drawn, frame, rect)
        drawn += np.clip(_grain(moved), -fields.grain, fields.grain)
        result += fresh * (drawn - result)
    for front in fields.fronts:
        result = _with_front(result, photo, front, frame, rect)
    layer = np.concatenate([result, unit * opacity[..., None]], axis=2)
    if photo.dtype == np.uint8:
        layer = np.clip(np.rint(layer), 0, 255).astype(np.uint8)
    untouched = layer[..., 3] == 0
    layer[..., :3][untouched] = own[untouched]
    return layer.astype(photo.dtype, copy=False)


def _between_edges(
    photo: Picture, shift: Floats, closing: Closing, frame: CropFrame, rect: Rect
) -> Floats:
    """The photo read at `shift` [h, w, 2] and, around what shuts, at what either edge does."""
    below, over = (to_photo(way, frame, rect)[..., None] for way in (closing.below, closing.over))
    upper, lower = (
        moved_pixels(photo, shift + to_photo(edge, frame, rect, outside_zero=True), rect)
        for edge in (closing.upper, closing.lower)
    )
    between = moved_pixels(photo, shift, rect) if (np.minimum(below, over) > 0).any() else lower
    # Where edges meet, the line between them is a pixel wide, and nothing shows through it.
    closed = between + np.clip(1 - over, 0, 1) * (lower - between)
    closed += np.clip(0.5 - below, 0, 1) * (upper - closed)
    shut = to_photo(closing.shut, frame, rect, outside_zero=True)[..., None]
    return closed * (1 - closing.shade(below, frame.size) * shut)


def _with_front(
    result: Floats, photo: Picture, front: FrontChange, frame: CropFrame, rect: Rect
) -> Floats:
    """`result` [h, w, 3] with what moves in front of a background that does not."""
    x, y, w, h = rect
    share = to_photo(front.share, frame, rect, outside_zero=True)[..., None]
    for left in range(0, w, _TILE):
        columns = slice(left, left + _TILE)
        here = share[:, columns]
        if not here.any():
            continue
        tile = Rect(x + left, y, here.shape[1], h)
        moved = moved_pixels(photo, to_photo(front.shift, frame, tile), tile)
        behind = result[:, columns].copy()  # the face, and the background that was never hidden
        way = to_photo(front.behind, frame, tile)
        hidden = np.abs(way).max(axis=2) > _AT_REST
        behind[hidden] = moved_pixels(photo, way, tile)[hidden]
        matte = to_photo(front.matte, frame, tile)[..., None]
        layered = behind + matte * (moved - behind)
        result[:, columns] += here * (layered - result[:, columns])
    return result


def _grain_strength(photo: Picture, rect: Rect) -> float:
    """How strong grain is in the middle of `rect`: what is stronger is an edge."""
    x, y, w, h = rect
    left, top = x + max(w - _SAMPLE, 0) // 2, y + max(h - _SAMPLE, 0) // 2
    patch = photo[top : top + min(h, _SAMPLE), left : left + min(w, _SAMPLE), :3]
    return 3 * float(np.median(np.abs(_grain(patch.astype(np.float32)))))


def _grain(pixels: Floats) -> Floats:
    """The finest detail of float32 [h, w, 3], in its units."""
    return pixels - cv2.GaussianBlur(pixels, (0, 0), _GRAIN)
