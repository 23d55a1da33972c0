"""Blurs that are wide for the picture that they are of."""

from __future__ import annotations

import cv2

from backend.photos.arrays import Floats

_FINE = 10  # sigma, in pixels, that says enough of a wide blur


def wide_blur(field: Floats, sigma: float) -> Floats:
    """A Gaussian blur of [H, W] or [H, W, n] by sigma pixels; a wide one by way of fewer pixels,
    since its time grows with sigma, and nothing fine is left of it."""
    step = int(sigma // _FINE)
    if step < 2:
        return cv2.GaussianBlur(field, (0, 0), sigma)
    height, width = field.shape[:2]
    size = max(1, width // step), max(1, height // step)
    small = cv2.resize(field, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
