"""What a model sees of a photo: the aligned crop, with bars and grey as it was trained with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.models.letterbox import GREY
from backend.photos.align import CropFrame, extract, within_aspect


def cut_out(
    pixels: NDArray[np.generic],
    frame: CropFrame,
    resolution: int,
    aspect: float = 1.0,
    *,
    whole: bool = False,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The crop float32 [R, R, 3] in [-1, 1], and what the photo covers of it between the bars, bool
    [R, R].

    pixels: uint8 or float [H, W, 3 or 4]; aspect: width by height of what is between the bars,
    which are black; whole: what the photo does not cover is grey, else its border is repeated.
    """
    crop, valid = extract(pixels, frame, resolution)
    if whole:
        crop[~valid] = GREY / 127.5 - 1
    between = within_aspect(resolution, aspect)
    crop[~between] = -1
    return crop, valid & between
