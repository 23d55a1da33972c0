"""The small pictures of contact sheets."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.photos.cv import resize
from backend.photos.photo import Photo
from protocol.geometry import Rect

SIDE = 360  # pixels, the longer one
_QUALITY = 75


def before_and_after(before: Photo, after: Photo, rects: Sequence[Rect]) -> tuple[bytes, bytes]:
    """What was edited, as WebP: the part of the photo that holds all subjects, before and after."""
    left, top = min(r.x for r in rects), min(r.y for r in rects)
    right, bottom = max(r.right for r in rects), max(r.bottom for r in rects)
    window = np.s_[top:bottom, left:right]
    first, second = (
        dataclasses.replace(photo, pixels=photo.pixels[window]).to_u8() for photo in (before, after)
    )
    return webp(first), webp(second)


def webp(pixels: NDArray[np.uint8], side: int = SIDE) -> bytes:
    """uint8 [H, W, 3], made smaller where a side is longer than `side`, as a WebP file."""
    height, width = pixels.shape[:2]
    share = side / max(height, width)
    if share < 1:
        size = max(1, round(width * share)), max(1, round(height * share))
        pixels = resize(pixels, size, cv2.INTER_AREA)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "WEBP", quality=_QUALITY)
    return buffer.getvalue()
