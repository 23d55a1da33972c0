"""How much of a repaint there is, counted in label maps and in the finished photo."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch

from backend.bundles import find_bundle
from backend.editing.agreement import agreement, at_grid, finished_parts
from backend.editing.photo_parts import read_parts
from backend.editing.preview.optimisation import laid_over
from backend.editing.results import OpenPhoto
from backend.models.parser import FaceParser
from backend.photos.align import CropFrame
from backend.photos.composite import ResultLayer
from backend.photos.label_edit import LabelEdit


def label_edit(target: np.ndarray, changed: np.ndarray, removed: np.ndarray) -> LabelEdit:
    return LabelEdit(target, changed, removed, ("nose",))


def test_a_claimed_pixel_agrees_when_it_shows_its_part() -> None:
    target, changed = np.zeros((2, 4, 4), np.uint8)
    target[1], changed[1] = 3, 1
    labels = np.zeros((4, 4), np.uint8)
    labels[1, :3] = 3
    assert agreement(label_edit(target, changed > 0, np.zeros_like(target)), labels) == 0.75


def test_what_was_taken_away_agrees_with_any_other_part() -> None:
    labels = np.array([[5, 5], [2, 0]], np.uint8)
    removed = np.full((2, 2), 5 + 1, np.uint8)
    assert agreement(label_edit(labels, np.ones((2, 2), bool), removed), labels) == 0.5


class _Photo:
    """What `finished_parts` needs of an open photo."""

    def __init__(self, pixels: np.ndarray, frame: CropFrame) -> None:
        self.pixels, self.frame = pixels, frame


@pytest.mark.parametrize(("x", "y"), [(60, 40), (0, 0), (150, 110)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_finished_photo_is_read_with_its_layer(x: int, y: int, dtype: type) -> None:
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (180, 220, 3), np.uint8)
    layer = random.integers(0, 256, (60, 70, 4), np.uint8)
    frame = CropFrame.from_axes(np.array([120.0, 90.0]), np.array([60.0, 15.0]))
    torch.manual_seed(0)
    parser, parts = FaceParser().eval(), find_bundle("faces").parts
    merged = laid_over(pixels, ResultLayer(x, y, layer))
    expected = read_parts(parser, merged, frame, parts).labels
    unit = 1 if dtype == np.uint8 else np.float32(1 / 255)
    photo = cast(OpenPhoto, _Photo((pixels * unit).astype(dtype), frame))
    result = ResultLayer(x, y, (layer * unit).astype(dtype))
    found = finished_parts(parser, photo, result, parts)
    assert (found == expected).mean() > 0.99  # an 8-bit photo is rounded where it is merged
    without = read_parts(parser, pixels, frame, parts).labels
    assert (found != without).any()


def test_a_label_map_on_another_grid_keeps_its_labels() -> None:
    labels = np.random.default_rng(2).integers(0, 15, (8, 8), np.uint8)
    np.testing.assert_array_equal(at_grid(labels.repeat(4, 0).repeat(4, 1), 8), labels)
