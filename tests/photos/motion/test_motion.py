"""The motion of an edit: it follows the parts, opens mouths, and leaves the rest where it is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from backend.photos.motion.diffeomorphism import determinants
from backend.photos.motion.estimate import (
    GRID,
    Motion,
    estimate_motion,
    motion_window,
)
from backend.photos.motion.opening import side_above
from backend.photos.motion.part_change import PartChange
from backend.photos.motion.roles import PartRoles

SIDE = 128
GREY = np.full((SIDE, SIDE, 3), 0.5, np.float32)
EVERYWHERE = motion_window(np.ones((SIDE, SIDE), bool), None, GRID)


@dataclass(frozen=True)
class Part:
    name: str
    index: int


NAMES = ("background", "skin", "left brow", "right brow", "upper lip", "mouth interior",
         "lower lip", "hair")  # fmt: skip
PARTS = [Part(name, index) for index, name in enumerate(NAMES)]
ROLES = PartRoles.of(PARTS)
SKIN, LEFT_BROW, UPPER, GAP, LOWER, HAIR = 1, 2, 4, 5, 6, 7


def ellipse(
    labels: np.ndarray, label: int, x: float, y: float, width: float, height: float
) -> np.ndarray:
    """Labels with an ellipse of a part; its middle and half axes in sides."""
    rows, columns = (np.indices(labels.shape) + 0.5) / len(labels)
    inside = ((columns - x) / width) ** 2 + ((rows - y) / height) ** 2 < 1
    return np.where(inside, np.uint8(label), labels)


def face() -> np.ndarray:
    return ellipse(np.zeros((SIDE, SIDE), np.uint8), SKIN, 0.5, 0.5, 0.35, 0.42)


def closed_mouth() -> np.ndarray:
    return split_mouth(face(), 0.0)


def split_mouth(labels: np.ndarray, opening: float) -> np.ndarray:
    """A mouth at (0.5, 0.7): two lips 0.03 thick with a gap of `opening` between them."""
    upper = ellipse(labels, UPPER, 0.5, 0.7 - opening / 2, 0.12, 0.03)
    whole = ellipse(upper, LOWER, 0.5, 0.7 + opening / 2, 0.12, 0.03)
    rows = (np.arange(SIDE) + 0.5)[:, None] / SIDE
    columns = (np.arange(SIDE) + 0.5)[None] / SIDE
    half = opening / 2 * np.sqrt(np.clip(1 - ((columns - 0.5) / 0.12) ** 2, 0, 1))
    between = np.abs(rows - 0.7) < half
    lips = np.isin(whole, (UPPER, LOWER))
    mouth = np.where(lips, np.where(rows < 0.7, UPPER, LOWER), whole)
    return np.where(between, GAP, mouth).astype(np.uint8)


def motion_of(source: np.ndarray, target: np.ndarray, window: np.ndarray = EVERYWHERE) -> Motion:
    return estimate_motion(GREY, GREY, window, PartChange(source, target, ROLES).resolved(GRID)[0])


def moved_labels(labels: np.ndarray, motion: Motion) -> np.ndarray:
    rows, columns = np.indices(labels.shape, dtype=np.float32)
    shift = motion.shift * SIDE
    x, y = columns + shift[..., 0], rows + shift[..., 1]
    return cv2.remap(labels, x, y, cv2.INTER_NEAREST)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def test_sides_share_a_channel_and_behind_is_no_surface() -> None:
    assert ROLES.channels == ((1,), (2, 3), (4,), (5,), (6,), (7,))
    assert ROLES.surface == (0, 1, 2, 3, 4)
    assert ROLES.hair == (5,)
    (mouth,) = ROLES.openings
    assert (mouth.above, mouth.gap, mouth.below) == (2, 3, 4)


def test_a_model_without_lips_opens_nowhere() -> None:
    cat = [Part(name, i) for i, name in enumerate(("background", "head", "left ear", "mouth"))]
    assert PartRoles.of(cat).openings == ()


@pytest.mark.parametrize(
    ("x", "y", "width", "height"),
    [(0.35, 0.3, 0.09, 0.03), (0.38, 0.34, 0.09, 0.025), (0.35, 0.33, 0.1, 0.045)],
    ids=["as it was", "moved", "thicker"],
)
def test_a_part_takes_the_shape_that_was_asked_for(
    x: float, y: float, width: float, height: float
) -> None:
    source = ellipse(face(), LEFT_BROW, 0.35, 0.3, 0.09, 0.03)
    target = ellipse(face(), LEFT_BROW, x, y, width, height)
    motion = motion_of(source, target)
    assert iou(moved_labels(source, motion) == LEFT_BROW, target == LEFT_BROW) > 0.88
    assert determinants(motion.shift * GRID).min() > 0
    assert not motion.fresh.any()


def test_nothing_moves_where_nothing_was_asked_for() -> None:
    assert np.abs(motion_of(closed_mouth(), closed_mouth()).shift).max() < 1e-4


def test_nothing_moves_outside_the_window() -> None:
    source = ellipse(face(), LEFT_BROW, 0.35, 0.3, 0.09, 0.03)
    target = ellipse(face(), LEFT_BROW, 0.35, 0.25, 0.09, 0.03)
    near = np.zeros((SIDE, SIDE), bool)
    near[20:50, 20:60] = True
    motion = motion_of(source, target, motion_window(near, None, GRID))
    assert np.abs(motion.shift).max() * SIDE > 3
    assert not motion.shift[~near].any()


def test_lips_part_without_being_stretched() -> None:
    source, target = closed_mouth(), split_mouth(face(), 0.1)
    motion = motion_of(source, target)
    gap = target == GAP
    moved = np.where(gap, GAP, moved_labels(source, motion))
    for lip in (UPPER, LOWER):
        assert iou(moved == lip, target == lip) > 0.7
        # The lip moved as a whole: its rows come from as many rows of the photo.
        inside = (target == lip)[:, SIDE // 2]
        stretched = np.gradient(motion.shift[:, SIDE // 2, 1] * SIDE)[inside]
        assert np.abs(np.median(stretched)) < 0.4
    assert motion.fresh[gap].mean() > 0.7
    assert motion.fresh[~gap].mean() < 0.01


@pytest.mark.parametrize("opening", [0.012, 0.018])
def test_lips_that_hardly_part_stay_together_and_as_thick_as_they_are(opening: float) -> None:
    """What lies in so thin a gap cannot be drawn, and lips that were stretched over it would swell
    when they smile."""
    source = closed_mouth()
    motion = motion_of(source, split_mouth(face(), opening))
    moved = moved_labels(source, motion)
    assert motion.fresh.max() == 0
    before, after = (np.isin(labels[:, 50:78], (UPPER, LOWER)).sum() for labels in (source, moved))
    assert 0.9 < after / before < 1.12


def test_a_mouth_that_the_generator_leaves_closed_is_not_cut() -> None:
    """There would be nothing to draw between the lips."""
    source, asked = closed_mouth(), split_mouth(face(), 0.1)
    change = PartChange(source, source, ROLES, asked=asked, changed=asked != source)
    motion = estimate_motion(GREY, GREY, EVERYWHERE, change.resolved(GRID)[0])
    assert determinants(motion.shift * GRID).min() > 0
    assert not motion.fresh.any()


def test_an_open_mouth_that_opens_wider_keeps_its_own_teeth() -> None:
    source, target = split_mouth(face(), 0.06), split_mouth(face(), 0.09)
    motion = motion_of(source, target)
    assert iou(moved_labels(source, motion) == GAP, target == GAP) > 0.85
    assert not motion.fresh.any()


def test_a_part_that_appears_from_nothing_is_new() -> None:
    target = ellipse(face(), LEFT_BROW, 0.35, 0.3, 0.09, 0.03)
    fresh = motion_of(face(), target).fresh
    assert fresh[target == LEFT_BROW].mean() > 0.6
    assert fresh[target != LEFT_BROW].mean() < 0.01


def test_what_the_picture_does_not_show_is_not_drawn() -> None:
    """The generator drew no brow where one was painted: its skin must not replace the photo's."""
    target = ellipse(face(), LEFT_BROW, 0.35, 0.3, 0.09, 0.03)
    change = PartChange(face(), face(), ROLES, asked=target, changed=target != face())
    assert not estimate_motion(GREY, GREY, EVERYWHERE, change.resolved(GRID)[0]).fresh.any()


def test_the_sides_of_a_gap_change_sharply_within_it_and_softly_beside_it() -> None:
    gap = (split_mouth(face(), 0.1) == GAP).astype(np.float32)
    above = side_above(gap)
    line = round(0.7 * SIDE)
    assert above[line - 4, SIDE // 2] > 0.99
    assert above[line + 4, SIDE // 2] < 0.01
    assert 0.3 < above[line - 3, 5] < 0.75


def test_an_edit_of_a_badly_rebuilt_face_moves_the_photos_own_parts() -> None:
    """The generator puts the brow elsewhere: the motion is that of the edit alone."""
    own = ellipse(face(), LEFT_BROW, 0.35, 0.34, 0.09, 0.03)
    rebuilt = ellipse(face(), LEFT_BROW, 0.36, 0.31, 0.09, 0.03)
    drawn = ellipse(face(), LEFT_BROW, 0.36, 0.27, 0.09, 0.03)
    parts, alignment = PartChange(rebuilt, drawn, ROLES, seen=own).resolved(GRID)
    assert alignment is not None
    motion = estimate_motion(GREY, GREY, EVERYWHERE, parts)
    wanted = ellipse(face(), LEFT_BROW, 0.35, 0.30, 0.09, 0.03)
    assert iou(moved_labels(own, motion) == LEFT_BROW, wanted == LEFT_BROW) > 0.8


def test_a_repaint_begins_with_the_photos_own_parts() -> None:
    own = ellipse(face(), LEFT_BROW, 0.35, 0.34, 0.09, 0.03)
    rebuilt = ellipse(face(), LEFT_BROW, 0.36, 0.31, 0.09, 0.03)
    asked = ellipse(own, LEFT_BROW, 0.35, 0.33, 0.09, 0.045)
    change = PartChange(rebuilt, rebuilt, ROLES, own, asked, asked != own)
    motion = estimate_motion(GREY, GREY, EVERYWHERE, change.resolved(GRID)[0])
    assert iou(moved_labels(own, motion) == LEFT_BROW, asked == LEFT_BROW) > 0.88


@pytest.mark.parametrize("seed", range(6))
def test_no_pair_of_label_maps_folds_the_photo(seed: int) -> None:
    """Parts painted where they cannot be, upside down, everywhere or nowhere."""
    random = np.random.default_rng(seed)
    source, target = (
        cv2.resize(random.integers(0, 8, (9, 9), np.uint8), (SIDE, SIDE),
                   interpolation=cv2.INTER_NEAREST)
        for _ in range(2)
    )  # fmt: skip
    pictures = random.random((2, SIDE, SIDE, 3)).astype(np.float32)
    parts = PartChange(source, target, ROLES).resolved(GRID)[0]
    motion = estimate_motion(*pictures, EVERYWHERE, parts)
    for field in (motion.shift, motion.fresh, motion.agree):
        assert np.isfinite(field).all()
    covered = cv2.dilate(parts.new[..., ROLES.openings[0].gap], np.ones((5, 5))) > 0
    assert determinants(motion.shift * GRID)[~covered].min() > 0
    smooth = estimate_motion(*pictures, EVERYWHERE)
    assert determinants(smooth.shift * GRID).min() > 0


@pytest.mark.parametrize("shift", [(0, 0), (2, -1), (-3, 2)])
def test_pictures_alone_tell_the_motion(shift: tuple[int, int]) -> None:
    random = np.random.default_rng(4)
    old = cv2.GaussianBlur(random.random((64, 64, 3)).astype(np.float32), (0, 0), 2.0)
    new = np.roll(old, shift, axis=(1, 0))
    motion = estimate_motion(old, new, EVERYWHERE)
    middle = np.s_[40:-40, 40:-40]
    found = np.median(motion.shift[middle].reshape(-1, 2), axis=0) * 64
    np.testing.assert_allclose(found, (-shift[0], -shift[1]), atol=0.25)


def test_shimmer_moves_nothing() -> None:
    """Two pictures that differ by noise alone."""
    random = np.random.default_rng(8)
    old = cv2.resize(random.random((16, 16, 3)).astype(np.float32), (64, 64))
    noise = random.normal(0, 1.5 / 255, old.shape).astype(np.float32)
    assert np.abs(estimate_motion(old, old + noise, EVERYWHERE).shift).mean() * 64 < 0.1


def test_an_edit_of_a_brow_leaves_hair_alone_that_the_generator_changes() -> None:
    """Only hair within the edit's region comes or goes."""
    fringe = ellipse(face(), HAIR, 0.5, 0.12, 0.3, 0.1)
    longer = ellipse(fringe, HAIR, 0.75, 0.4, 0.08, 0.2)
    maps = PartChange(fringe, longer, ROLES).resolved(GRID)[0]
    rows, columns = np.indices((GRID, GRID)) / GRID
    brow = (np.abs(columns - 0.35) < 0.15) & (np.abs(rows - 0.3) < 0.1)
    assert maps.new[..., 5].sum() > maps.old[..., 5].sum() + 100
    assert np.array_equal(maps.with_hair_within(brow).new, maps.old)
    everywhere = np.ones((GRID, GRID), bool)
    assert np.array_equal(maps.with_hair_within(everywhere).new, maps.new)
