"""Three ways to bring a small generator's edit into a large photo, and their fine detail."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.photos.align import CropFrame, extract
from backend.photos.composite import composite
from backend.photos.warp import resize, to_photo
from protocol.geometry import Rect

Image = NDArray[np.float32]
METHODS = ("paste", "residual", "flow")
_FINE = 1 / 256  # blur whose remainder is called fine detail, in crop sides


def edited_photos(
    photo: Image, frame: CropFrame, before: Image, after: Image, region: NDArray[np.bool_]
) -> tuple[dict[str, Image], Image]:
    """The edited photo by every method, float32 [H, W, 3], and the layer's alpha [H, W, 1].

    photo: float32 in 0..1; before, after: float32 [R, R, 3] in [-1, 1]; region: bool [R, R].
    """
    height, width = photo.shape[:2]
    size = max(512, before.shape[0])
    old, new = (
        to_photo(resize((p + 1) / 2, size), frame, Rect(0, 0, width, height))
        for p in (before, after)
    )
    layer = composite(photo, frame, before, after, region)
    flow, alpha = photo.copy(), np.zeros((height, width, 1), np.float32)
    h, w = layer.pixels.shape[:2]
    place = np.s_[layer.y : layer.y + h, layer.x : layer.x + w]
    flow[place], alpha[place] = layer.pixels[..., :3], layer.pixels[..., 3:]
    return {"paste": new, "residual": photo + new - old, "flow": flow}, alpha


def fine_detail(picture: Image, frame: CropFrame) -> Image:
    """What a blur of 1/256 of the crop takes away, [H, W, 3]."""
    return picture - cv2.GaussianBlur(picture, (0, 0), max(1.0, _FINE * frame.size))


def cut_out(photo: Image, frame: CropFrame, side: int = 320) -> NDArray[np.uint8]:
    """The middle of the face, eyes to mouth, for a contact sheet: uint8 [side, side, 3]."""
    x0, y0, x1, y1 = 0.22, 0.32, 0.78, 0.88
    corners = np.array([[x0, y0], [x0, y1], [x1, y1], [x1, y0]])
    matrix = frame.to_pixels(1)
    part = CropFrame(corners @ matrix[:, :2].T + matrix[:, 2])
    return ((extract(np.clip(photo, 0, 1), part, side)[0] + 1) * 127.5).astype(np.uint8)
