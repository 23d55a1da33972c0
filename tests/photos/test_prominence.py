"""Somebody small and out of focus in the background is told from the people in a photo."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.photos.align import CropFrame
from backend.photos.prominence import prominent

PORTRAIT = Path(__file__).resolve().parents[2] / "assets/portrait.png"
LARGE = 400


def beside(small: int, blur: float) -> tuple[np.ndarray, list[CropFrame]]:
    """The portrait, LARGE pixels, and a smaller, blurred copy of it on its right; their frames."""
    picture = np.full((LARGE, LARGE + small, 3), 90, np.uint8)
    portrait = cv2.imread(str(PORTRAIT))
    picture[:, :LARGE] = cv2.resize(portrait, (LARGE, LARGE), interpolation=cv2.INTER_AREA)
    copy = cv2.resize(portrait, (small, small), interpolation=cv2.INTER_AREA)
    picture[:small, LARGE:] = cv2.GaussianBlur(copy, (0, 0), blur) if blur else copy
    places = ((LARGE / 2, LARGE / 2, LARGE), (LARGE + small / 2, small / 2, small))
    return picture, [
        CropFrame.from_axes(np.array([x, y]), np.array([side / 2, 0.0])) for x, y, side in places
    ]


@pytest.mark.parametrize(
    ("small", "blur", "expected"),
    [
        (160, 0.0, True),  # a child, or somebody farther back, in focus
        (60, 0.0, True),
        (160, 4.0, False),
        (100, 3.0, False),
        (360, 6.0, True),  # as large as the other: the focus was wrong
    ],
)
def test_small_and_blurred_is_left_out(small: int, blur: float, expected: bool) -> None:
    picture, frames = beside(small, blur)
    assert prominent(picture, frames) == [True, expected]
    assert prominent(picture, frames[::-1]) == [expected, True]


def test_one_alone_is_meant_however_blurred() -> None:
    picture, frames = beside(100, 5.0)
    assert prominent(picture, frames[1:]) == [True]
