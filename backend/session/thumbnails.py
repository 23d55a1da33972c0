"""The small pictures that an edit is saved with."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.photos.align import CropFrame, extract
from backend.photos.pixels import to_bytes

PHOTO_SIDE = 256  # pixels, of a thumbnail of the user's photo
SAMPLE_SIDE = 128  # pixels, of a picture of the model's own: presets are many and small


def aligned_thumbnail(
    pixels: NDArray[Any], frame: CropFrame, side: int = PHOTO_SIDE
) -> NDArray[np.uint8]:
    """The subject in a photo (u8, or f32 where 1 is white), uint8 [side, side, 3]."""
    crop, _ = extract(pixels, frame, side)
    return to_bytes(crop)


def sample_thumbnail(picture: NDArray[Any], side: int = SAMPLE_SIDE) -> NDArray[np.uint8]:
    """A generated picture uint8 [R, R, 3], resized to [side, side, 3]."""
    resized = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(resized, np.uint8)
