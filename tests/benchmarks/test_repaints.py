"""Scripted repaints are what people paint: their neighbours stay as they were."""

from __future__ import annotations

import numpy as np

from benchmarks.repaints import Below, Fringe

SKIN, BROW, LIP, TEETH, HAIR = 1, 2, 8, 9, 12
NAMES = {"skin": [SKIN], "brows": [BROW]}


def face() -> np.ndarray:
    """A hairline that recedes at the temples, brows, and a curved lower lip below teeth."""
    labels = np.full((100, 100), SKIN, np.uint8)
    rows, x = np.indices(labels.shape)
    labels[rows < 20 + (np.abs(x - 50) // 4 - 6).clip(-6, 0)] = HAIR
    labels[45:48, 25:40] = labels[45:48, 60:75] = BROW
    curve = 80 - (x - 50) ** 2 / 100
    labels[(rows >= 72) & (rows < curve) & (np.abs(x - 50) < 20)] = TEETH
    labels[(rows >= curve) & (rows < curve + 4) & (np.abs(x - 50) < 20)] = LIP
    return labels


def named(name: str) -> list[int]:
    return NAMES.get(name, [])


def test_a_fuller_lower_lip_leaves_the_teeth_as_they_are() -> None:
    before = face()
    after = Below(1.5)(before, [LIP], named)
    assert ((after == TEETH) == (before == TEETH)).all()
    assert (after[before == LIP] == LIP).all()
    assert (after == LIP).sum() == 1.5 * (before == LIP).sum()


def test_a_fringe_goes_from_temple_to_temple() -> None:
    before = face()
    after = Fringe(0.7)(before, [HAIR], named)
    ends = [int(np.flatnonzero(after[:, x] == HAIR)[-1]) for x in range(100)]
    assert len(set(ends)) == 1
    assert 32 < ends[0] < 40
    assert ((after == BROW) == (before == BROW)).all()
