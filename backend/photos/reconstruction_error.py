"""How far the colours of a generator's picture of a photo can be believed."""

from __future__ import annotations

import cv2
import numpy as np

from backend.photos.arrays import Flags, Floats
from backend.photos.blur import wide_blur

_AROUND = 0.04  # sigma of the neighbourhood that errors are averaged over, in crop sides
_TONE = 0.04  # blur that leaves only light and colour of an inversion's error, in crop sides


def color_error(difference: Floats, valid: Flags) -> Floats:
    """The typical error of colour around each pixel, float32 [R, R] in units of 0..1.

    difference: photo - reconstruction, [R, R, 3]; valid: bool [R, R], what the photo covers. A cast
    over the whole face does not count, as no edit changes it.
    """
    if not valid.any():
        return np.zeros(valid.shape, np.float32)
    inside = (difference - difference[valid].mean(axis=0)) * valid[..., None]
    color = inside - grey_of(inside)
    energy = wide_blur((color * color).sum(axis=2), _AROUND * len(valid))
    return np.sqrt(np.maximum(energy, 0))


def tone_error(difference: Floats, valid: Flags) -> Floats:
    """The low frequencies of photo - reconstruction, [R, R, 3], where the photo covers the crop."""
    sigma = _TONE * len(valid)
    weight = wide_blur(valid.astype(np.float32), sigma)[..., None]
    blurred = wide_blur(difference * valid[..., None], sigma)
    return blurred / np.maximum(weight, 1e-3)


def grey_of(picture: Floats) -> Floats:
    """The luma of [H, W, 3], as [H, W, 1]."""
    return cv2.cvtColor(np.ascontiguousarray(picture, np.float32), cv2.COLOR_RGB2GRAY)[..., None]
