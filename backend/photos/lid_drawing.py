"""Lids over eyes that shut, at the photo's own resolution."""

from __future__ import annotations

import cv2
import numpy as np

from backend.photos.align import CropFrame
from backend.photos.arrays import Floats, Picture
from backend.photos.motion.lids import Lids
from backend.photos.warp import moved_pixels, support_rect, to_photo
from protocol.geometry import Rect

_GRAIN = 0.008  # blur whose remainder is a lid's grain, in sides, at least a photo pixel
_STRONGEST = 2.5  # of it, over its median: what is stronger is an edge
_THINNEST = 0.9  # half the width of the line between lids, photo pixels
_CORE, _SKIRT, _WIDER = 0.6, 0.4, 5.0  # of that line: a dark core, a fainter skirt of lashes
_BROWN = (0.93, 1.0, 1.03)  # of the light that lashes take
_LASHES = 0.8  # of the light that mirrored lashes take


def with_lids(pixels: Floats, photo: Picture, lids: Lids, frame: CropFrame, rect: Rect) -> Floats:
    """`pixels`, float32 [h, w, 3] of `rect` in the photo's units, with lids over eyes."""
    part = rect.intersected(support_rect(lids.reach, frame, photo.shape[1], photo.shape[0]))
    if part.is_empty:
        return pixels
    top, left = part.y - rect.y, part.x - rect.x
    here = slice(top, top + part.height), slice(left, left + part.width)
    below = to_photo(lids.below * np.float32(frame.size), frame, part)
    cover = to_photo(lids.cover, frame, part, outside_zero=True) * np.clip(0.5 - below, 0, 1)
    unit = 255.0 if photo.dtype == np.uint8 else 1.0
    lid = unit * to_photo(lids.skin, frame, part) + _grain(photo, lids, frame, part)
    result = pixels.copy()
    covered = pixels[here] + cover[..., None] * (lid - pixels[here])
    taken = _taken(lids, below, frame, part)[..., None] * np.array(_BROWN, np.float32)
    result[here] = covered * (1 - taken)
    return result


def _taken(lids: Lids, below: Floats, frame: CropFrame, rect: Rect) -> Floats:
    """How much light the line between lids and its lashes take, [h, w] in 0..1. below: how far each
    pixel is below that line, in pixels."""
    dark, lashes = (
        to_photo(field, frame, rect, outside_zero=True) for field in (lids.dark, lids.lashes)
    )
    away = (below / max(lids.thick * frame.size, _THINNEST)) ** 2
    line = dark * (_CORE * np.exp(-away) + _SKIRT * np.exp(-away / _WIDER))
    return np.maximum(line, _LASHES * lashes * np.clip(0.5 + below, 0, 1))


def _grain(photo: Picture, lids: Lids, frame: CropFrame, rect: Rect) -> Floats:
    """The grain of lids, [h, w, 3] in the photo's units."""
    to_pixels = frame.to_pixels(1)[:, :2].T.astype(np.float32)
    sigma = max(1.0, _GRAIN * frame.size)
    margin = int(np.ceil(3 * sigma))  # the same grain, however the work is cut into bands
    whole = Rect(rect.x, rect.y - margin, rect.width, rect.height + 2 * margin)
    moved = moved_pixels(photo, to_photo(lids.source @ to_pixels, frame, whole), whole)
    fine = (moved - cv2.GaussianBlur(moved, (0, 0), sigma))[margin:-margin]
    most = _STRONGEST * float(np.median(np.abs(fine)))
    return np.clip(fine, -most, most)
