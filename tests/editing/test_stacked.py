"""What was painted on a photo, at a part of its strength: shapes on their way."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from backend.editing.options import ScaledEdit
from backend.editing.stacked import painted_in, shown_from
from backend.photos.label_edit import LabelEdit

SIDE, WALL, HAIR, SKIN, NOSE = 64, 0, 1, 2, 3
NO_VECTOR = np.zeros((12, 4), np.float32)


def head(line: int) -> np.ndarray:
    """Hair above a row, the face below it."""
    labels = np.full((SIDE, SIDE), SKIN, np.uint8)
    labels[:8], labels[8:line] = WALL, HAIR
    return labels


def asked(before: np.ndarray, after: np.ndarray, *parts: str) -> LabelEdit:
    return LabelEdit(after, before != after, np.zeros_like(before), parts)


def at(strength: float, before: np.ndarray, *painted: LabelEdit) -> np.ndarray:
    """The labels that some paintings ask for at a strength."""
    edits = [ScaledEdit(NO_VECTOR, edit.parts, strength, edit) for edit in painted]
    found = painted_in(edits, before)
    assert found is not None
    return found.target


def uneven_fringe(before: np.ndarray) -> np.ndarray:
    """A fringe below a hairline that is higher in the middle."""
    after = before.copy()
    after[15:40, 12:52] = HAIR
    return after


@pytest.mark.parametrize("strength", [0.25, 0.5, 0.75, 1.0])
def test_a_fringe_at_a_part_of_its_strength_is_so_long(strength: float) -> None:
    before = head(20)
    after = uneven_fringe(before)
    found = at(strength, before, asked(before, after, "hair"))
    ends = (found == HAIR).sum(axis=0) + 8  # the wall is above
    assert np.abs(ends[14:50] - (20 + strength * 20)).max() <= 1
    assert (ends[:11] == 20).all() and (ends[53:] == 20).all()


def test_an_uneven_hairline_comes_down_as_one() -> None:
    """No part of it runs ahead: half of a fringe has neither horns nor a notch."""
    before = head(20)
    before[14:20, 25:39] = SKIN  # the hairline is higher in the middle
    found = at(0.5, before, asked(before, uneven_fringe(before), "hair"))
    ends = (found[:, 13:51] == HAIR).sum(axis=0) + 8
    assert np.abs(np.diff(ends)).max() <= 2 and 24 <= ends.min() < ends.max() <= 33


def test_more_strength_never_shows_less() -> None:
    before = head(20)
    edit = asked(before, uneven_fringe(before), "hair")
    shown = [at(s, before, edit) == HAIR for s in np.linspace(0.1, 1, 10)]
    assert all((less <= more).all() for less, more in itertools.pairwise(shown))
    assert shown[0].sum() < shown[4].sum() < shown[9].sum()
    assert (at(1.0, before, edit) == edit.target).all()


def test_what_touches_nothing_of_its_kind_grows_out_of_its_middle() -> None:
    before, after = head(20), head(20)
    cv2.circle(after, (32, 45), 9, NOSE, -1)
    found = at(0.4, before, asked(before, after, "nose"))
    rows, columns = np.nonzero(found == NOSE)
    assert len(rows) and abs(rows.mean() - 45) < 1 and abs(columns.mean() - 32) < 1
    assert np.hypot(rows - 45, columns - 32).max() < 6


def test_what_was_erased_goes_from_its_border() -> None:
    before = head(20)
    cv2.circle(before, (32, 45), 9, NOSE, -1)
    gone = before == NOSE
    removed = np.where(gone, NOSE + 1, 0).astype(np.uint8)
    strength = shown_from(LabelEdit(before, gone, removed, ("nose",)), before)
    assert strength[45, 32] > 0.9 and strength[45, 24] < 0.25
    assert (strength[~gone] == 1).all()


def test_a_weak_painting_leaves_the_one_below_it() -> None:
    """The first of a stack lies on top, as far as it shows."""
    before = head(20)
    low, high = head(20), head(20)
    low[20:40, 20:44], high[20:40, 20:44] = HAIR, NOSE
    below = ScaledEdit(NO_VECTOR, ("hair",), 1.0, asked(before, low, "hair"))
    above = ScaledEdit(NO_VECTOR, ("nose",), 0.3, asked(before, high, "nose"))
    found = painted_in([above, below], before)
    assert found is not None
    assert (found.target == NOSE).any() and (found.target == HAIR).sum() > (before == HAIR).sum()
    assert found.changed[20:40, 20:44].all()
