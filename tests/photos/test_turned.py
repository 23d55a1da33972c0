"""Faces in photos that lie on their side, or hold none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.errors import NoSubject
from backend.photos.detect import FaceDetector, turned_back

PORTRAIT = Path(__file__).resolve().parents[2] / "assets/portrait.png"


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_points_are_turned_back(turns: int) -> None:
    image = np.arange(15).reshape(3, 5)
    rows, columns = np.mgrid[0:3, 0:5]
    centres = np.stack([columns, rows], axis=2) + 0.5  # (x, y) of every pixel
    turned = np.rot90(image, turns)
    height, width = turned.shape
    points = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=2).reshape(-1, 2)
    back = turned_back(points + 0.5, turns, (5, 3))
    assert np.array_equal(back, np.rot90(centres, turns).reshape(-1, 2))


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_portrait_on_its_side_is_found(detector: FaceDetector, turns: int) -> None:
    with Image.open(PORTRAIT) as portrait:
        image = np.asarray(portrait.convert("RGB"))
    (upright,) = detector.find(image)
    (found,) = detector.find(np.ascontiguousarray(np.rot90(image, turns)))
    corners = turned_back(upright.frame.quad, 4 - turns, image.shape[1::-1])
    assert np.abs(found.frame.quad - corners).max() < 0.06 * upright.frame.size


def test_no_face_in_noise(detector: FaceDetector) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    with pytest.raises(NoSubject):
        detector.find(noise)
