"""Warps of known size, and an observer that sees only a part of them."""

import cv2
import numpy as np
import pytest

from backend.evaluation.face_mesh import FaceShape
from backend.evaluation.known_changes import Stretch, change_read
from backend.evaluation.measures import FaceMeasure, LeastChange

SIDE = 200
LEFT, RIGHT = (0, 1, 2, 3), (4, 5, 6, 7)  # landmarks around two discs


def discs() -> np.ndarray:
    crop = np.zeros((SIDE, SIDE, 3), np.uint8)
    for x in (60, 140):
        cv2.circle(crop, (x, 100), 10, (255, 255, 255), cv2.FILLED)
    return crop


def outlined(crop: np.ndarray) -> FaceShape:
    """Landmarks where the two bright shapes end."""
    landmarks = np.zeros((478, 2))
    landmarks[[33, 263]] = (0, 0), (SIDE, 0)
    for outline, columns in ((LEFT, slice(0, 100)), (RIGHT, slice(100, SIDE))):
        y, x = np.nonzero(crop[:, columns, 0] > 127)
        x0, x1, middle = x.min() + columns.start, x.max() + columns.start, x.mean() + columns.start
        ends = (x0, y.mean()), (x1, y.mean()), (middle, y.min()), (middle, y.max())
        landmarks[list(outline)] = ends
    return FaceShape(landmarks, np.zeros(52, np.float32))


def width_of_left(face: FaceShape) -> float:
    return face.span(LEFT[0], LEFT[1])


@pytest.mark.parametrize(("axis", "by"), [(0, -0.3), (0, 0.3), (1, -0.5), (1, 0.2)])
def test_features_change_by_what_was_said_each_about_its_middle(axis: int, by: float) -> None:
    crop = discs()
    before = outlined(crop)
    made = Stretch((LEFT, RIGHT), axis).made(crop, before, by)
    after = outlined(made)
    for outline in (LEFT, RIGHT):
        pairs = (outline[:2], outline[2:])
        along, across = (
            after.span(*p) / before.span(*p) - 1 for p in (pairs[axis], pairs[1 - axis])
        )
        assert along == pytest.approx(by, abs=0.08) and across == pytest.approx(0, abs=0.06)
        places = list(outline)
        moved = after.landmarks[places].mean(axis=0) - before.landmarks[places].mean(axis=0)
        assert np.abs(moved).max() <= 0.6
    assert np.array_equal(made[:, 85:115], crop[:, 85:115])  # what lies between them stays


def sees_half(crop: np.ndarray) -> FaceShape:
    """An observer that expects discs, and reports half of what is different from them."""
    seen, usual = outlined(crop).landmarks, outlined(discs()).landmarks
    return FaceShape((seen + usual) / 2, np.zeros(52, np.float32))


def test_what_is_read_of_a_change_can_be_less_than_it_is() -> None:
    stretch, seen = Stretch((LEFT,), axis=0), [(discs(), outlined(discs()))] * 3
    true = change_read(stretch, -0.3, width_of_left, seen, outlined)
    half = change_read(stretch, -0.3, width_of_left, seen, sees_half)
    assert true == pytest.approx(-0.3, abs=0.06) and half == pytest.approx(true / 2, abs=0.02)
    assert change_read(stretch, -0.3, width_of_left, seen, lambda crop: None) is None


def test_a_measure_asks_for_what_its_observer_can_see() -> None:
    measure = FaceMeasure(width_of_left, LeastChange(-0.3), Stretch((LEFT,), axis=0))
    crop = discs()
    narrower = measure.known.made(crop, outlined(crop), -0.35)
    shapes = sees_half(crop), sees_half(narrower)
    assert measure.worked(*shapes) is False
    fitted = measure.calibrated([(crop, sees_half(crop))], sees_half)
    assert fitted.worked(*shapes) is True and fitted.worked(shapes[0], shapes[0]) is False
    assert "read as -1" in fitted.describe() and "read" not in measure.describe()
    plain = FaceMeasure(width_of_left, LeastChange(-0.3))
    assert plain.calibrated([(crop, sees_half(crop))], sees_half) is plain
