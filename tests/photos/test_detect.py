"""Which subject is meant."""

import numpy as np
import pytest

from backend.errors import BadImage, NoSubject
from backend.photos.align import CropFrame
from backend.photos.detect import CentreDetector, Subject, meeting, overlap
from protocol.geometry import Rect

GREY = np.full((60, 100, 3), 128, np.uint8)


def test_a_subject_without_detector_fills_the_picture() -> None:
    (found,) = CentreDetector().find(GREY)
    assert found.frame.size == 60
    assert found.frame.quad.mean(axis=0) == pytest.approx([50, 30])


def test_a_selection_says_where_a_subject_without_detector_is() -> None:
    (found,) = CentreDetector().find(GREY, Rect(10, 20, 30, 20))
    assert found.frame.size == 30
    assert found.frame.quad.mean(axis=0) == pytest.approx([25, 30])


def test_a_tiny_picture_is_refused() -> None:
    with pytest.raises(BadImage, match="too small"):
        CentreDetector().find(np.zeros((20, 20, 3), np.uint8))


def test_the_selection_puts_what_it_meets_most_first() -> None:
    half = np.array([10.0, 0.0])
    left, right = (Subject(CropFrame.from_axes(np.array([x, 30.0]), half), 1) for x in (20, 70))
    assert meeting([left, right], None, 100, 60) == [left, right]
    assert meeting([left, right], Rect(25, 25, 60, 10), 100, 60) == [right, left]
    assert meeting([left, right], Rect(15, 25, 5, 10), 100, 60) == [left]
    with pytest.raises(NoSubject, match="selection"):
        meeting([left, right], Rect(40, 0, 10, 10), 100, 60)


def test_overlap_is_a_share_of_the_smaller() -> None:
    assert overlap(Rect(0, 0, 10, 10), Rect(5, 5, 10, 10)) == 0.25
    assert overlap(Rect(0, 0, 10, 10), Rect(2, 2, 2, 2)) == 1
    assert overlap(Rect(0, 0, 10, 10), Rect(20, 0, 5, 5)) == 0
