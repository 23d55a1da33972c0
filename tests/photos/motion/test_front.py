"""An outline that moves in front of the background: an ear that lies back, or stands out."""

from __future__ import annotations

import cv2
import numpy as np

from backend.editing.preview.optimisation import laid_over
from backend.photos.align import CropFrame
from backend.photos.composite import composite, plan
from backend.photos.label_edit import LabelEdit
from backend.photos.motion.part_change import PartChange
from backend.photos.motion.roles import PartRoles
from tests.photos.motion.test_motion import Part, ellipse, face

SIZE, GRID = 512, 128
SKIN, EAR, HAIR = 1, 2, 3
ROLES = PartRoles.of([Part(n, i) for i, n in enumerate(("background", "skin", "left ear", "hair"))])
EDGE = 0.845  # of the face, in sides: the ear begins here
SKIN_COLOR, EAR_COLOR = (200, 150, 130), (180, 90, 80)
FRAME = CropFrame(((0, 0), (0, SIZE), (SIZE, SIZE), (SIZE, 0)))
GREY = np.zeros((GRID, GRID, 3), np.float32)


def with_ear(width: float) -> np.ndarray:
    """A face with an ear that stands out so far, in sides."""
    ear = ellipse(np.zeros((GRID, GRID), np.uint8), EAR, EDGE - 0.02, 0.5, width + 0.02, 0.1)
    return np.where(face() == SKIN, np.uint8(SKIN), ear)


def photo(labels: np.ndarray) -> np.ndarray:
    """That in front of lettering: black and white rows, every one 16 pixels high."""
    rows = (np.arange(SIZE) // 16 % 2 * 255).astype(np.uint8)
    picture = np.repeat(np.repeat(rows[:, None, None], SIZE, axis=1), 3, axis=2)
    large = cv2.resize(labels, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST)
    picture[large == SKIN], picture[large == EAR] = SKIN_COLOR, EAR_COLOR
    return picture


def change(before: np.ndarray, after: np.ndarray) -> PartChange:
    asked = LabelEdit(after, before != after, np.zeros_like(before), ("left ear",))
    return PartChange(before, after, ROLES).asking(asked, alone=True)


def around(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The region that such a change may show in."""
    return cv2.dilate((before != after).astype(np.uint8), np.ones((15, 15))) > 0


def finished(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    own = photo(before)
    change_of_ear = change(before, after)
    layer = composite(own, FRAME, GREY, GREY, around(before, after), change_of_ear)
    return laid_over(own, layer)


def ear_ends(picture: np.ndarray) -> float:
    """How far right the ear reaches at its middle, in sides."""
    row = picture[round(0.5 * SIZE) - 4 : round(0.5 * SIZE) + 4].astype(int).mean(axis=0)
    return np.flatnonzero(np.abs(row - EAR_COLOR).max(axis=1) < 40)[-1] / SIZE


def test_an_ear_lies_back_and_stands_out_as_painted() -> None:
    small, large = with_ear(0.05), with_ear(0.1)
    assert abs(ear_ends(finished(large, small)) - ear_ends(photo(small))) < 0.012
    assert abs(ear_ends(finished(small, large)) - ear_ends(photo(large))) < 0.012


def test_the_background_goes_on_where_the_ear_was() -> None:
    """Black and white are seen there, and beyond the change every pixel is the photo's."""
    before, after = with_ear(0.1), with_ear(0.05)
    done = finished(before, after)
    bare = slice(round((EDGE + 0.065) * SIZE), round((EDGE + 0.09) * SIZE))
    middle = slice(round(0.45 * SIZE), round(0.55 * SIZE))
    uncovered = done[middle, bare].astype(int)
    assert np.ptp(uncovered, axis=2).max() < 20 and np.ptp(uncovered[..., 0]) > 200
    beyond = round((EDGE + 0.14) * SIZE)
    assert np.array_equal(done[:, beyond:], photo(before)[:, beyond:])


def test_the_face_stays_when_only_an_ear_was_painted() -> None:
    before, after = with_ear(0.1), with_ear(0.05)
    found = plan(photo(before), FRAME, GREY, GREY, around(before, after), change(before, after))
    assert len(found.fronts) == 1 and not found.shift.any()


def test_a_hand_before_the_ear_stays() -> None:
    before, after = with_ear(0.1), with_ear(0.05)
    hand = ((before == EAR) | (after == EAR)).astype(np.float32)
    covered = PartChange(before, after, ROLES, covered=cv2.dilate(hand, np.ones((5, 5))))
    assert plan(photo(before), FRAME, GREY, GREY, around(before, after), covered).fronts == ()
