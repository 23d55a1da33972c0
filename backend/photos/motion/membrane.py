"""Colours continued smoothly from where they are known."""

from __future__ import annotations

import cv2
import numpy as np

from backend.photos.arrays import Floats

_PULL = 4.0  # of a known pixel, against its four neighbours
_ROUNDS = 16  # on each grid
_CROSS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)


def membrane(picture: Floats, weight: Floats, step: float) -> Floats:
    """The smoothest picture that is as `picture`, float32 [h, w, 3], where `weight`, float32 [h, w]
    in 0..1, says that it is known. step: how many pixels apart it is found."""
    height, width = weight.shape
    step = max(step, 1.0)
    size = max(2, round(width / step)), max(2, round(height / step))
    weighted, trust = (
        cv2.resize(field, size, interpolation=cv2.INTER_AREA)
        for field in (picture * weight[..., None], weight)
    )
    return cv2.resize(_filled(weighted, trust), (width, height), interpolation=cv2.INTER_CUBIC)


def _filled(weighted: Floats, weight: Floats) -> Floats:
    """The smoothest colours, of colours [h, w, 3] times weights [h, w]: from coarse to fine."""
    height, width = weight.shape
    if min(height, width) <= 2:
        mean = weighted.sum(axis=(0, 1)) / max(float(weight.sum()), 1e-3)
        return np.tile(mean, (height, width, 1)).astype(np.float32)
    half = (width + 1) // 2, (height + 1) // 2
    coarse = (cv2.resize(field, half, interpolation=cv2.INTER_AREA) for field in (weighted, weight))
    colour = cv2.resize(_filled(*coarse), (width, height), interpolation=cv2.INTER_LINEAR)
    known, pull = weighted / np.maximum(weight, 1e-3)[..., None], _PULL * weight[..., None]
    for _ in range(_ROUNDS):
        around = cv2.filter2D(colour, -1, _CROSS, borderType=cv2.BORDER_REPLICATE)
        colour = (around + pull * known) / (4 + pull)
    return colour
