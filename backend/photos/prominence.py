"""Which of a photo's subjects are what it is about, rather than passers-by out of focus."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.photos.align import CropFrame, extract

_SMALL = 0.6  # of the largest frame's side
_BLURRED = 0.25  # of the largest one's detail
_FACE = (0.2, 0.6)  # where the face lies in its frame: corner and side, in sides of it
_MOST = 128  # px: finer detail is not compared


def prominent(image: NDArray[np.uint8], frames: Sequence[CropFrame]) -> list[bool]:
    """For each frame in uint8 [H, W, 3] whether its subject is meant when all are asked for.

    Left out is who is both clearly smaller than the largest subject and, looked at at the same
    size, has hardly any of its detail: somebody in the background, out of focus.
    """
    if not frames:
        return []
    largest = max(frames, key=lambda frame: frame.size)
    found = []
    for frame in frames:
        side = int(min(frame.size * _FACE[1], _MOST))
        small = side >= 8 and frame.size < _SMALL * largest.size
        found.append(
            not small or _detail(image, frame, side) > _BLURRED * _detail(image, largest, side)
        )
    return found


def _detail(image: NDArray[np.uint8], frame: CropFrame, side: int) -> float:
    """The energy of the finest detail of a face drawn `side` pixels large, over its contrast."""
    corner, share = _FACE
    crop, _valid = extract(image, frame.part(corner, corner, share), side)
    grey = crop.mean(axis=2)
    contrast = float(grey.std())
    return float(cv2.Laplacian(grey, cv2.CV_32F).std()) / max(contrast, 1e-3)
