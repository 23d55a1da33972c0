"""Smooth invertible maps of a square onto itself.

A stationary velocity field v is integrated by scaling and squaring (Arsigny et al., MICCAI 2006):
exp(v) is a diffeomorphism, so what it moves never folds. All fields are float32 [n, n, 2] (x, y),
in pixels of their own grid.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from backend.photos.arrays import Floats

_STEP = 0.25  # pixels that the smallest step may move
_MOST_SQUARINGS = 9
_SMALLEST_DETERMINANT = 0.08  # below, a motion would press an area flat
_SHRINK = 0.85
_TRIES = 24


def exponential(velocity: Floats) -> Floats:
    """The displacement exp(v)(x) - x of a velocity field [n, n, 2]."""
    fastest = float(np.abs(velocity).max(initial=0.0))
    squarings = math.ceil(math.log2(max(fastest / _STEP, 1.0)))
    squarings = min(squarings, _MOST_SQUARINGS)
    shift = (velocity / 2**squarings).astype(np.float32)
    for _ in range(squarings):
        shift = shift + warp(shift, shift)
    return shift


def warp(field: Floats, shift: Floats, interpolation: int = cv2.INTER_LINEAR) -> Floats:
    """A field [n, n] or [n, n, C] read at every pixel's own place plus shift [n, n, 2]."""
    height, width = shift.shape[:2]
    rows, columns = np.indices((height, width), dtype=np.float32)
    x, y = columns + shift[..., 0], rows + shift[..., 1]

    def read(channels: Floats) -> Floats:
        moved = cv2.remap(channels, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE)
        return moved.reshape(height, width, -1)

    if field.ndim == 2:
        return read(field)[..., 0]
    # OpenCV reads at most four channels at a time.
    moved = np.empty((height, width, field.shape[2]), np.float32)
    for i in range(0, field.shape[2], 4):
        moved[..., i : i + 4] = read(np.ascontiguousarray(field[..., i : i + 4]))
    return moved


def determinants(shift: Floats) -> Floats:
    """The determinant of the Jacobian of x + shift at every pixel: below 0, the map folds."""
    dx, dy = np.gradient(shift, axis=1), np.gradient(shift, axis=0)
    return (1 + dx[..., 0]) * (1 + dy[..., 1]) - dx[..., 1] * dy[..., 0]


def fold_free(velocity: Floats) -> Floats:
    """The displacement of a velocity field, which is weakened until nothing is pressed flat.

    The continuous map never folds, but its samples on a grid can. A field that is not finite moves
    nothing.
    """
    if not np.isfinite(velocity).all():
        return np.zeros_like(velocity, dtype=np.float32)
    for _ in range(_TRIES):
        shift = exponential(velocity)
        if determinants(shift).min() >= _SMALLEST_DETERMINANT:
            return shift
        velocity = velocity * _SHRINK
    return np.zeros_like(velocity, dtype=np.float32)
