"""Looking for subjects at several sizes, twice, and what a selection means."""

import cv2
import numpy as np
import pytest

from backend.errors import BadImage
from backend.photos.align import CropFrame
from backend.photos.detect import Subject
from backend.photos.subject_detector import SubjectDetector
from protocol.geometry import Rect

USUAL = 80.0


def look(image: np.ndarray) -> list[Subject]:
    """Finds red squares of about the usual size, wherever they are turned to."""
    assert min(image.shape[:2]) >= 128 and image.dtype == np.uint8
    red = (image[..., 0] > 200) & (image[..., 1] < 90)
    count, marks = cv2.connectedComponents(red.astype(np.uint8))
    found = []
    for mark in range(1, count):
        points = np.argwhere(marks == mark)[:, ::-1].astype(np.float32)
        centre, size, degrees = cv2.minAreaRect(points)
        angle = np.deg2rad((degrees + 45) % 90 - 45)
        half = max(size) / 2 * np.array([np.cos(angle), np.sin(angle)])
        fit = 1 - abs(np.log(max(size) / USUAL)) / np.log(2)
        if fit > 0:
            found.append(Subject(CropFrame.from_axes(np.array(centre) + 0.5, half), fit))
    return sorted(found, key=lambda subject: -subject.score)


def scene(*squares: tuple[int, int, int, float]) -> np.ndarray:
    """Grey, 400 x 300, with red squares: centre, side, degrees."""
    image = np.full((300, 400, 3), 128, np.uint8)
    for x, y, side, angle in squares:
        box = cv2.boxPoints(((x, y), (side, side), angle)).round().astype(np.int32)
        cv2.fillConvexPoly(image, box, (255, 0, 0))
    return image


@pytest.fixture
def detector() -> SubjectDetector:
    return SubjectDetector(look, USUAL)


@pytest.mark.parametrize("side", [40, 90, 200])
@pytest.mark.parametrize("angle", [0.0, 25.0])
def test_a_subject_is_found_once_at_its_own_size(
    detector: SubjectDetector, side: int, angle: float
) -> None:
    (found,) = detector.find(scene((200, 150, side, angle)))
    assert found.frame.quad.mean(axis=0) == pytest.approx([200, 150], abs=0.04 * side + 1)
    assert found.frame.size == pytest.approx(side, rel=0.08)
    right = found.frame.quad[3] - found.frame.quad[0]
    assert np.degrees(np.arctan2(right[1], right[0])) == pytest.approx(angle, abs=4)


def test_two_subjects_the_larger_first_and_the_one_that_is_selected(
    detector: SubjectDetector,
) -> None:
    image = scene((90, 150, 60, 0), (290, 150, 120, 10))
    found = detector.find(image)
    assert [round(s.frame.size, -1) for s in found] == [120, 60]
    (chosen,) = detector.find(image, Rect(60, 120, 50, 50))
    assert chosen.frame.quad.mean(axis=0) == pytest.approx([90, 150], abs=4)


def test_where_nothing_is_found_the_selection_says_it_or_the_whole_picture(
    detector: SubjectDetector,
) -> None:
    (whole,) = detector.find(scene())
    assert whole.frame.size == 300
    (selected,) = detector.find(scene((90, 150, 60, 0)), Rect(250, 100, 80, 60))
    assert selected.frame.size == 80
    assert selected.frame.quad.mean(axis=0) == pytest.approx([290, 130])


def test_a_picture_of_any_shape_is_looked_at(detector: SubjectDetector) -> None:
    for height, width in ((40, 40), (64, 2000), (1000, 33)):
        (found,) = detector.find(np.full((height, width, 3), 128, np.uint8))
        assert found.frame.size == min(height, width)
    with pytest.raises(BadImage):
        detector.find(np.zeros((20, 20, 3), np.uint8))
