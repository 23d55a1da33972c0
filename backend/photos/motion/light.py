"""The change of light of an edit, which the photo takes over from the generator."""

from __future__ import annotations

import cv2
import numpy as np

from backend.photos.arrays import Floats
from backend.photos.motion.diffeomorphism import warp
from backend.photos.motion.estimate import Motion
from backend.photos.reconstruction_error import grey_of
from backend.photos.warp import resize

_LIGHT, _COLOR = 1.5 / 128, 3 / 128  # blurs of the change's light and of its colour, in sides
_SHIMMER = 1 / 255  # changes of grey or colour below this are no edit
_UNKNOWN = 0.01  # weight of no change of light, where no place near can tell


def change_of_light(before: Floats, after: Floats, motion: Motion, unsure: Floats) -> Floats:
    """What moving does not explain of the change between two pictures, float32 [R, R, 3] in 0..1:
    its low frequencies, on the motion's grid, [n, n, 3].

    It is read where the moved photo and the edited picture show the same part: elsewhere the
    difference is one of shape. unsure: float32 [R, R], colours below it are an inversion's errors.
    """
    size = len(motion.shift)
    old, new = resize(before, size), resize(after, size)
    residual = new - warp(old, motion.shift * size)
    grey = grey_of(residual)
    weight = motion.agree[..., None] ** 2
    color = _blurred(residual - grey, weight, _COLOR * size)
    doubt = resize(unsure, size)[..., None]
    energy = (color * color).sum(axis=2, keepdims=True)
    color *= energy / (energy + doubt * doubt + 1e-8)
    light = _blurred(grey, weight, _LIGHT * size) + color
    square = light * light
    return light * square / (square + np.float32(_SHIMMER**2))


def _blurred(field: Floats, weight: Floats, sigma: float) -> Floats:
    """A weighted blur of [n, n, C]; 0 far from all weight [n, n, 1]."""
    blurred, total = (
        cv2.GaussianBlur(values, (0, 0), sigma).reshape(*values.shape)
        for values in (field * weight, weight)
    )
    return blurred / (total + _UNKNOWN)
