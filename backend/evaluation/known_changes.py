"""Changes of known size, made by a warp, that tell how much of a change face landmarks see.

The network behind them was taught what faces look like, and expects a usual one: of a nose made a
tenth narrower it reports about a quarter. What it must report for an edit to count as done is
therefore what it reports of a warp of the declared size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.evaluation.face_mesh import FaceShape

Crop = NDArray[np.uint8]  # [S, S, 3]
Outline = tuple[int, int, int, int]  # landmarks at the left, right, top and bottom of a feature
Reader = Callable[[Crop], FaceShape | None]

_ROOM = 1.15  # landmarks lie inside the outlines that people see


@dataclass(frozen=True)
class Stretch:
    """Makes features wider (axis 0) or higher (axis 1), each about its own middle."""

    features: Sequence[Outline]
    axis: int

    def made(self, crop: Crop, face: FaceShape, by: float) -> Crop:
        """The crop with its features (1 + by) times as large along the axis; by: > -1, < 1.

        Beyond a feature the change fades away within half of its size.
        """
        for left, right, top, bottom in self.features:
            x0, x1 = face.landmarks[[left, right], 0]
            y0, y1 = face.landmarks[[top, bottom], 1]
            middle = ((x0 + x1) / 2, (y0 + y1) / 2)
            half = (max(x1 - x0, 2) * _ROOM / 2, max(y1 - y0, 2) * _ROOM / 2)
            crop = _stretched(crop, middle, half, self.axis, 1 + by)
        return crop


def _stretched(
    crop: Crop,
    middle: tuple[float, float],
    half: tuple[float, float],
    axis: int,
    times: float,
) -> Crop:
    places = np.indices(crop.shape[:2], dtype=np.float32)[::-1]  # x, y
    along, across = (places[i] - middle[i] for i in (axis, 1 - axis))
    # Up to half * times the feature shows; from there on its surroundings, up to twice half.
    size, reach = np.abs(along), half[axis]
    source = np.interp(size, [0, times * reach, 2 * reach], [0, reach, 2 * reach])
    source = np.where(size < 2 * reach, source, size)
    fade = np.clip(2 - np.abs(across) / half[1 - axis], 0, 1)
    places[axis] += (np.sign(along) * (source - size) * fade).astype(np.float32)
    x, y = places
    made = cv2.remap(crop, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return made.astype(np.uint8, copy=False)


def change_read(
    stretch: Stretch,
    by: float,
    quantity: Callable[[FaceShape], float],
    seen: Iterable[tuple[Crop, FaceShape]],
    read: Reader,
) -> float | None:
    """By what fraction the quantity changes where the stretch changed it by `by`.

    The median over crops, uint8 [S, S, 3], in which faces were seen; None where none is seen after.
    """
    found = []
    for crop, before in seen:
        if after := read(stretch.made(crop, before, by)):
            found.append(quantity(after) / quantity(before) - 1)
    return float(np.median(found)) if found else None
