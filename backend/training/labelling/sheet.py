"""Pictures for looking at labels."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.bundles.bundle import Part
from backend.photos.cv import resize
from backend.photos.pixels import to_bytes
from backend.training.labelled import UNLABELLED, LabelledCrop
from backend.training.labelling.files import palette

Picture = NDArray[np.uint8]  # [S, S, 3]

_TILE = 256
_GRID = 20  # photo pixels between lines; every second one is numbered, every fifth is bright
_WHITE, _GREY, _YELLOW = (255, 255, 255), (130, 130, 130), (255, 255, 0)


def painted(labels: NDArray[np.uint8], parts: Sequence[Part], size: int) -> Picture:
    """A label map in its parts' colours, enlarged without blur."""
    return resize(palette(parts)[labels], (size, size), cv2.INTER_NEAREST_EXACT)


def comparison(
    crop: LabelledCrop, rebuilt: Picture, found: NDArray[np.uint8], parts: Sequence[Part]
) -> list[Picture]:
    """Photo, its reconstruction uint8 [R, R, 3], its labels, and the labels found [L, L]."""
    photo = to_bytes(crop.image)
    wanted = np.where(crop.labelled, crop.labels, UNLABELLED).astype(np.uint8)
    size = (_TILE, _TILE)
    enlarged = [resize(picture, size, cv2.INTER_CUBIC) for picture in (photo, rebuilt)]
    return [*enlarged, painted(wanted, parts, _TILE), painted(found, parts, _TILE)]


def overlay(
    photo: NDArray[np.uint8], labels: NDArray[np.uint8], parts: Sequence[Part], scale: float
) -> Picture:
    """A photo uint8 [H, W, 3], enlarged, with its parts outlined and tinted and a grid in photo
    pixels, for reading coordinates."""
    size = round(photo.shape[1] * scale), round(photo.shape[0] * scale)
    large = resize(labels, size, cv2.INTER_NEAREST_EXACT)
    picture = _mixed(resize(photo, size, cv2.INTER_CUBIC), palette(parts)[large], 0.2)
    for part in parts[1:]:
        mask = (large == part.index).astype(np.uint8)
        contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, part.color, 1)
    return _with_grid(picture, scale)


def _with_grid(picture: Picture, scale: float) -> Picture:
    height, width = picture.shape[:2]
    lines = picture.copy()
    steps = range(0, round(max(height, width) / scale), _GRID)
    for step in steps:
        at = round(step * scale)
        color = _GREY if step % (5 * _GRID) else _WHITE
        cv2.line(lines, (at, 0), (at, height), color)
        cv2.line(lines, (0, at), (width, at), color)
    picture = _mixed(picture, lines, 0.35)
    for step in steps[::2]:
        at = round(step * scale)
        for place in ((at + 2, 11), (2, at + 11)):
            cv2.putText(picture, str(step), place, cv2.FONT_HERSHEY_SIMPLEX, 0.35, _YELLOW)
    return picture


def _mixed(one: Picture, other: Picture, share: float) -> Picture:
    """Two pictures, `share` of the second."""
    return np.asarray(cv2.addWeighted(one, 1 - share, other, share, 0), np.uint8)
