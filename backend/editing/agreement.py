"""How much of a repaint there is: in the generator's picture, and in the finished photo."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.bundles.bundle import Part
from backend.editing.photo_parts import read_parts
from backend.editing.results import OpenPhoto
from backend.models.parser import FaceParser
from backend.photos.composite import ResultLayer
from backend.photos.cv import resize
from backend.photos.label_edit import LabelEdit

Labels = NDArray[np.uint8]


def agreement(label_edit: LabelEdit, labels: Labels) -> float:
    """The share, 0..1, of the claimed pixels whose part in `labels` [L, L] is the one asked for;
    where a part was only taken away, any other one will do."""
    reached = np.where(
        label_edit.removed > 0, labels + 1 != label_edit.removed, labels == label_edit.target
    )
    return float(reached[label_edit.changed].mean())


def finished_parts(
    parser: FaceParser, photo: OpenPhoto, layer: ResultLayer, parts: Sequence[Part]
) -> Labels:
    """The parts that the parser sees in the photo under its layer: uint8 [256, 256]."""
    height, width = photo.pixels.shape[:2]
    left, top, w, h = photo.frame.bounds(0.02, width, height)
    under = photo.pixels[top : top + h, left : left + w, :3].astype(np.float32)
    white = 255 if photo.pixels.dtype == np.uint8 else 1
    x, y = layer.x - left, layer.y - top
    rows, columns = (
        slice(max(y, 0), y + layer.pixels.shape[0]),
        slice(max(x, 0), x + layer.pixels.shape[1]),
    )
    there = under[rows, columns]
    over = layer.pixels[max(-y, 0) :, max(-x, 0) :][: there.shape[0], : there.shape[1]]
    there += over[..., 3:] / white * (over[..., :3] - there)
    return read_parts(parser, under / white, photo.frame.shifted(-left, -top), parts).labels


def at_grid(labels: Labels, size: int) -> Labels:
    """A label map at another resolution, nearest neighbour."""
    return resize(labels, (size, size), cv2.INTER_NEAREST)
