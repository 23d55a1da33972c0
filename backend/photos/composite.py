"""Put an edit into the photo at the photo's own resolution and precision (DESIGN, section 3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from backend.photos.align import CropFrame, Rect, extract
from backend.photos.arrays import Flags, Floats, Picture
from backend.photos.blur import wide_blur
from backend.photos.doubt import doubt_about, grey_of
from backend.photos.feather import feathered_alpha
from backend.photos.flow import Motion, estimate_motion, sample
from backend.photos.warp import resize, support_rect, to_photo

_BAND = 256  # rows worked on at a time: temporaries stay small however large the photo
_SAMPLE = 512  # side of the sample in the region's middle that tells how strong the grain is
_GRAIN = 1.5  # blur whose remainder is grain, photo pixels
_MARGIN = 6  # rows and columns that this blur reaches
_AROUND = 0.1  # how far around the region its motion is looked for, in crop sides
_TONE = 0.04  # blur that leaves only light and colour of an inversion's error, in crop sides


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


@dataclass(frozen=True, eq=False)
class _Change:
    """What happens near the region, in the square `frame` of the photo.

    replacement: float32 [S, S, 3] in 0..1, what to show where the motion cannot be trusted; it gets
    the photo's grain up to `grain`, or it would look pasted. Edges are stronger than grain.
    """

    frame: CropFrame
    motion: Motion
    replacement: Floats
    grain: float


def composite(
    photo: Picture,
    frame: CropFrame,
    before: Floats,
    after: Floats,
    roi: Floats | Flags,
    *,
    grid: int = 512,
) -> ResultLayer:
    """The edit from `before` to `after`, as a layer over `photo`.

    photo: uint8 or float32 (nominally 0..1, values beyond are kept) [H, W, 3 or 4], R'G'B'.
    before, after: float32 [R, R, 3] in [-1, 1], the generator's picture without and with the edit.
    roi: bool or float [R, R], the region that may change. Alpha is exactly zero outside it, and
    there RGB is the photo's own. The photo's pixels are moved as the generator's picture moves; the
    generator only adds what motion cannot explain, and replaces the photo where the motion cannot
    be believed. An empty region, or one that misses the photo, gives a layer of one clear pixel.
    grid: motion and feather are computed on so many pixels across the crop, at least.
    """
    height, width = photo.shape[:2]
    alpha = feathered_alpha(roi, grid)
    rect = support_rect(alpha, frame, width, height)
    if not rect[2] or not rect[3]:
        return ResultLayer.empty(photo.dtype)
    old, new = (np.asarray(p, np.float32) / 2 + 0.5 for p in (before, after))
    change = _change(photo, frame, old, new, roi, grid, _grain_strength(photo, rect))
    x, y, w, h = rect
    pixels = np.empty((h, w, 4), photo.dtype)
    for top in range(0, h, _BAND):
        band = (x, y + top, w, min(_BAND, h - top))
        opacity = to_photo(alpha, frame, band, outside_zero=True)
        pixels[top : top + _BAND] = _band(photo, change, opacity, band)
    return ResultLayer(x, y, pixels)


def _change(
    photo: Picture,
    frame: CropFrame,
    before: Floats,
    after: Floats,
    roi: Floats | Flags,
    grid: int,
    grain: float,
) -> _Change:
    """The change near the region; before, after: [R, R, 3] in 0..1, the whole pictures."""
    resolution = len(before)
    crop, valid = _crop(photo, frame, resolution)
    missed = crop - before
    left, top, side = _surroundings(roi, resolution)
    near = np.s_[top : top + side, left : left + side]
    doubt = doubt_about(missed, valid).cut(near)
    pixel = max(1.0, grid / resolution)
    motion = estimate_motion(before[near], after[near], pixel, resolution, doubt)
    replacement = _replacement(crop[near], _tone(missed, valid)[near], motion)
    part = frame.part(left / resolution, top / resolution, side / resolution)
    return _Change(part, motion, replacement, grain)


def _surroundings(roi: Floats | Flags, resolution: int) -> tuple[int, int, int]:
    """The square around the region in which motion is looked for: left, top, side, in pixels of
    the generator's picture."""
    scale = resolution / len(roi)
    x, y, w, h = (v * scale for v in cv2.boundingRect((roi > 0.5).astype(np.uint8)))
    side = min(math.ceil(max(w, h) + 2 * _AROUND * resolution), resolution)
    left, top = (
        min(max(round(middle - side / 2), 0), resolution - side)
        for middle in (x + w / 2, y + h / 2)
    )
    return left, top, side


def _replacement(crop: Floats, tone: Floats, motion: Motion) -> Floats:
    """What to show where the photo cannot be moved: the generator's light, the photo's colours.

    crop, tone: [R, R, 3] in units of 0..1; returns float32 [S, S, 3].
    """
    size = motion.after.shape[0]
    light = grey_of(motion.after + resize(tone, size))
    moved = sample(resize(crop, size), motion.shift * size) + motion.residual
    return light + moved - grey_of(moved)


def _tone(difference: Floats, valid: Flags) -> Floats:
    """The low frequencies of photo - reconstruction, [R, R, 3], where the photo covers the crop."""
    sigma = _TONE * len(valid)
    weight = wide_blur(valid.astype(np.float32), sigma)[..., None]
    blurred = wide_blur(difference * valid[..., None], sigma)
    return blurred / np.maximum(weight, 1e-3)


def _crop(photo: Picture, frame: CropFrame, size: int) -> tuple[Floats, Flags]:
    """The aligned crop in units of 0..1, with the values beyond that `extract` would cut off."""
    if photo.dtype == np.uint8:
        crop, valid = extract(photo, frame, size)
        return (crop + 1) / 2, valid
    x, y, w, h = frame.bounds(0.02, photo.shape[1], photo.shape[0])
    part = photo[y : y + h, x : x + w, :3]
    low, high = min(float(part.min()), 0.0), max(float(part.max()), 1.0)
    crop, valid = extract((part - low) / (high - low), frame.shifted(-x, -y), size)
    return (crop + 1) / 2 * (high - low) + low, valid


def _band(photo: Picture, change: _Change, opacity: Floats, rect: Rect) -> Picture:
    """The layer's pixels in `rect`: [h, w, 4] in the photo's dtype.

    opacity: 0..1, [h, w], zero beyond the change's frame.
    """
    x, y, w, h = rect
    frame, motion = change.frame, change.motion
    unit = 255.0 if photo.dtype == np.uint8 else 1.0
    own = photo[y : y + h, x : x + w, :3]
    shift = to_photo(motion.shift, frame, rect) @ frame.to_pixels(1)[:, :2].T.astype(np.float32)
    moved = _moved(photo, shift, rect) + unit * to_photo(motion.residual, frame, rect)
    trust = to_photo(motion.trust, frame, rect)[..., None]
    drawn = unit * to_photo(change.replacement, frame, rect)
    drawn += np.clip(_grain(photo, rect), -change.grain, change.grain)
    result = drawn + trust * (moved - drawn)
    layer = np.concatenate([result, unit * opacity[..., None]], axis=2)
    if photo.dtype == np.uint8:
        layer = np.clip(np.rint(layer), 0, 255).astype(np.uint8)
    untouched = layer[..., 3] == 0
    layer[..., :3][untouched] = own[untouched]
    return layer.astype(photo.dtype, copy=False)


def _grain_strength(photo: Picture, rect: Rect) -> float:
    """How strong grain is in the middle of `rect`: what is stronger is an edge."""
    x, y, w, h = rect
    middle = (x + max(w - _SAMPLE, 0) // 2, y + max(h - _SAMPLE, 0) // 2)
    patch = _grain(photo, (*middle, min(w, _SAMPLE), min(h, _SAMPLE)))
    return 3 * float(np.median(np.abs(patch)))


def _grain(photo: Picture, rect: Rect) -> Floats:
    """The finest detail of the photo in `rect`, in the photo's units: float32 [h, w, 3]."""
    x, y, w, h = rect
    left, top = min(x, _MARGIN), min(y, _MARGIN)
    source = photo[y - top : y + h + _MARGIN, x - left : x + w + _MARGIN, :3].astype(np.float32)
    detail = source - cv2.GaussianBlur(source, (0, 0), _GRAIN)
    return detail[top : top + h, left : left + w]


def _moved(photo: Picture, shift: Floats, rect: Rect) -> Floats:
    """The photo read at every pixel of `rect` plus `shift` [h, w, 2] pixels: float32 [h, w, 3]."""
    x, y, w, h = rect
    reach_x, reach_y = (int(np.abs(shift[..., i]).max()) + 4 for i in range(2))
    left, top = max(x - reach_x, 0), max(y - reach_y, 0)
    right, bottom = x + w + reach_x, y + h + reach_y
    source = np.ascontiguousarray(photo[top:bottom, left:right, :3], np.float32)
    rows, columns = np.indices((h, w), dtype=np.float32)
    map_x, map_y = columns + (x - left) + shift[..., 0], rows + (y - top) + shift[..., 1]
    return cv2.remap(source, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
