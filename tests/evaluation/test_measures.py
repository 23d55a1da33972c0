"""Quantities of drawn shapes, and what counts as a preset that worked."""

import dataclasses

import cv2
import numpy as np
import pytest

from backend.bundles import find_bundle
from backend.evaluation.face_mesh import FaceShape
from backend.evaluation.measures import (
    FACE_MEASURES,
    PART_MEASURES,
    LeastChange,
    PartMeasure,
    area,
    centre_height,
    corner_lift,
    height,
    width,
)

BUNDLE = find_bundle("faces")
MOUTH = BUNDLE.part(BUNDLE.groups["mouth"][0]).index


def box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((64, 64), bool)
    mask[top:bottom, left:right] = True
    return mask


def arc(bend: int) -> np.ndarray:
    """A band whose ends lie `bend` pixels above its middle."""
    x = np.arange(16, 49)
    y = 40 - bend * ((x - 32) / 16) ** 2
    points = np.stack([x, y], axis=1).round().astype(np.int32)
    drawn = cv2.polylines(np.zeros((64, 64), np.uint8), [points], False, 1, thickness=3)
    return drawn.astype(bool)


def test_a_box_has_its_size() -> None:
    mask = box(10, 20, 30, 25)
    assert area(mask) == 100
    assert width(mask) == pytest.approx(20) and height(mask) == pytest.approx(5)
    assert centre_height(box(0, 0, 64, 64)) == pytest.approx(0.5, abs=0.01)
    assert centre_height(box(0, 0, 64, 10)) > centre_height(box(0, 1, 64, 11))


def test_corners_lift_as_they_bend() -> None:
    lifts = [corner_lift(arc(bend)) for bend in (-8, -4, 0, 4, 8)]
    assert lifts == sorted(lifts) and lifts[2] == pytest.approx(0, abs=0.005)
    assert lifts[4] > 0.1
    assert corner_lift(box(10, 10, 11, 20)) == 0.0


@pytest.mark.parametrize(
    ("by", "times", "after", "happened"),
    [
        (0.1, True, 110.1, True),
        (0.1, True, 109, False),
        (-0.1, True, 89, True),
        (-0.1, True, 95, False),
        (5, False, 106, True),
        (-5, False, 96, False),
    ],
)
def test_a_change_has_a_size_and_a_sign(
    by: float, times: bool, after: float, happened: bool
) -> None:
    assert LeastChange(by, times).happened(100, after) is happened


def test_a_part_that_grew_worked() -> None:
    measure = PartMeasure(area, ("mouth",), LeastChange(0.1))
    before, after, none = (np.zeros((64, 64), np.uint8) for _ in range(3))
    before[box(20, 40, 40, 50)] = MOUTH
    after[box(20, 40, 40, 52)] = MOUTH
    assert measure.worked(BUNDLE, before, after) is True
    assert measure.worked(BUNDLE, after, before) is False
    assert measure.worked(BUNDLE, before, none) is False
    assert measure.worked(BUNDLE, none, after) is None
    smaller = dataclasses.replace(measure, change=LeastChange(-0.1))
    assert smaller.worked(BUNDLE, before, none) is True
    slimmer = PartMeasure(width, ("mouth",), LeastChange(-0.1))
    assert slimmer.worked(BUNDLE, before, none) is False


def test_the_first_group_that_the_bundle_has_is_measured() -> None:
    measure = PartMeasure(area, ("tail", "mouth"), LeastChange(0.1))
    assert measure.group(BUNDLE) == "mouth"
    assert measure.describe(BUNDLE) == "area of mouth +10%"
    tail = PartMeasure(area, ("tail",), LeastChange(0.1))
    labels = np.full((64, 64), MOUTH, np.uint8)
    assert tail.worked(BUNDLE, labels, labels) is None


def face(**moved: tuple[float, float]) -> FaceShape:
    """Landmarks on a grid, some of them moved: `p13=(x, y)`."""
    rng = np.random.default_rng(0)
    landmarks = rng.uniform(80, 170, (478, 2))
    landmarks[[33, 263]] = (60, 100), (190, 100)
    for name, place in moved.items():
        landmarks[int(name[1:])] = place
    return FaceShape(landmarks, np.zeros(52, np.float32))


def test_an_opened_mouth_is_seen_in_the_landmarks() -> None:
    measure = FACE_MEASURES["open-mouth"]
    shut, opened = (face(p13=(128, 160), p14=(128, y)) for y in (160, 175))
    assert measure.worked(shut, opened) is True
    assert measure.worked(opened, shut) is False
    assert measure.worked(None, opened) is None and measure.worked(shut, None) is False


def test_lifted_corners_are_no_frown() -> None:
    lips = {"p13": (128, 160), "p14": (128, 162)}
    level, low = (face(p61=(100, y), p291=(156, y), **lips) for y in (161, 168))
    assert FACE_MEASURES["frown"].worked(level, low) is True
    assert FACE_MEASURES["frown"].worked(low, level) is False


def test_landmarks_are_asked_about_presets_that_labels_know_too() -> None:
    assert set(FACE_MEASURES) <= set(PART_MEASURES)
    same = face()
    for measure in FACE_MEASURES.values():
        assert measure.worked(same, same) is False and measure.describe()
