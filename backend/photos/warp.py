"""Carry fields from a subject's crop onto the photo's own pixels."""

from __future__ import annotations

import cv2
import numpy as np

from backend.photos.align import CropFrame, centred
from backend.photos.arrays import Floats, Picture
from protocol.geometry import Rect

EMPTY = Rect(0, 0, 0, 0)


def support_rect(field: Floats, frame: CropFrame, width: int, height: int) -> Rect:
    """The photo pixels (x, y, w, h) that the non-zero part of a crop field [S, S] can reach.

    Clipped to a photo of `width` x `height`; EMPTY where nothing remains.
    """
    columns, rows = np.flatnonzero(field.any(axis=0)), np.flatnonzero(field.any(axis=1))
    if not len(columns):
        return EMPTY
    # One crop pixel of margin: interpolation reaches half a pixel beyond a pixel's own square.
    left, right = columns[0] - 1, columns[-1] + 2
    top, bottom = rows[0] - 1, rows[-1] + 2
    corners = np.array([[left, top], [left, bottom], [right, bottom], [right, top]], np.float64)
    matrix = frame.to_pixels(field.shape[0])
    return CropFrame(corners @ matrix[:, :2].T + matrix[:, 2]).bounds(0.0, width, height)


def to_photo(field: Floats, frame: CropFrame, rect: Rect, *, outside_zero: bool = False) -> Floats:
    """Interpolate a crop field [S, S] or [S, S, n <= 4] at the photo pixels of `rect`: [h, w, ...].

    Beyond the frame the field's border goes on, or, with `outside_zero`, it falls to zero.
    """
    x, y, w, h = rect
    matrix = centred(frame.shifted(-x, -y).to_pixels(field.shape[0]))
    border = cv2.BORDER_CONSTANT if outside_zero else cv2.BORDER_REPLICATE
    return cv2.warpAffine(field, matrix, (w, h), flags=cv2.INTER_LINEAR, borderMode=border)


def resize(field: Floats, size: int) -> Floats:
    """A square field at another size: by areas when it shrinks, bicubic when it grows."""
    if field.shape[0] == size:
        return field
    method = cv2.INTER_AREA if size < field.shape[0] else cv2.INTER_CUBIC
    return cv2.resize(field, (size, size), interpolation=method)


def moved_pixels(photo: Picture, shift: Floats, rect: Rect) -> Floats:
    """The photo read at every pixel of `rect` plus `shift` [h, w, 2] pixels: float32 [h, w, 3]."""
    x, y, w, h = rect
    reach_x, reach_y = (int(np.abs(shift[..., i]).max()) + 4 for i in range(2))
    left, top = max(x - reach_x, 0), max(y - reach_y, 0)
    right, bottom = x + w + reach_x, y + h + reach_y
    source = np.ascontiguousarray(photo[top:bottom, left:right, :3], np.float32)
    rows, columns = np.indices((h, w), dtype=np.float32)
    map_x, map_y = columns + (x - left) + shift[..., 0], rows + (y - top) + shift[..., 1]
    return cv2.remap(source, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
