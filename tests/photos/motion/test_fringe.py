"""Hair that is painted over the face: the photo's own comes down, the face below stays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.editing.preview.optimisation import laid_over
from backend.photos.align import CropFrame
from backend.photos.composite import composite, plan
from backend.photos.label_edit import LabelEdit
from backend.photos.motion.fringe import drawn_down
from backend.photos.motion.part_change import PartChange, PartMaps
from tests.photos.motion.test_motion import HAIR, ROLES, SKIN, UPPER, ellipse, face

SIZE, GRID = 512, 128
LINE = 0.32  # height of the hairline, in sides
NOWHERE = np.zeros((GRID, GRID), bool)
HAIR_COLOR, SKIN_COLOR = (40, 30, 20), (210, 170, 150)


def head(line: float, top: float = 0.1) -> np.ndarray:
    """A face with hair between two heights."""
    rows = (np.arange(GRID) + 0.5)[:, None] / GRID
    whole = ellipse(face(), SKIN, 0.5, 0.45, 0.3, 0.4)
    return np.where((whole == SKIN) & (rows < line) & (rows > top), np.uint8(HAIR), whole)


def photo() -> np.ndarray:
    """Hair above LINE, skin below it, each with noise; what is painted changes neither."""
    rows = np.arange(SIZE)[:, None, None] / SIZE
    colors = np.where(rows < LINE, np.array(HAIR_COLOR), np.array(SKIN_COLOR))
    noise = np.random.default_rng(0).normal(0, 4, (SIZE, SIZE, 1))
    return np.clip(colors + noise, 0, 255).astype(np.uint8)


def finished(after: np.ndarray) -> np.ndarray:
    own = photo()
    frame = CropFrame(((0, 0), (0, SIZE), (SIZE, SIZE), (SIZE, 0)))
    grey = np.zeros((GRID, GRID, 3), np.float32)
    before = head(LINE)
    layer = composite(own, frame, grey, grey, before != after, PartChange(before, after, ROLES))
    return laid_over(own, layer)


def hair_at(picture: np.ndarray, x: float) -> np.ndarray:
    """Which rows of a column show hair, [SIZE]."""
    column = round(x * SIZE)
    return picture[:, column - 2 : column + 3].mean(axis=(1, 2)) < 100


def painted(to: float, first: float = 0.35, last: float = 0.65) -> np.ndarray:
    """Hair down to a height, between two columns."""
    rows, columns = (np.indices((GRID, GRID)) + 0.5) / GRID
    here = (rows > LINE - 0.02) & (rows < to) & (columns > first) & (columns < last)
    return np.where(here & (head(LINE) == SKIN), np.uint8(HAIR), head(LINE))


def maps_of(before: np.ndarray, after: np.ndarray) -> PartMaps:
    return PartChange(before, after, ROLES).resolved(GRID)[0]


@pytest.mark.parametrize("to", [0.38, 0.45])
def test_hair_comes_down_as_far_as_it_was_painted(to: float) -> None:
    done = finished(painted(to))
    for x in (0.4, 0.5, 0.6):
        ends = np.flatnonzero(hair_at(done, x))[-1] / SIZE
        assert ends == pytest.approx(to, abs=0.012)


def test_the_face_below_stays_to_the_byte() -> None:
    done, below = finished(painted(0.4)), round(0.47 * SIZE)
    assert (done[below:] == photo()[below:]).all()
    beside = round(0.25 * SIZE)
    assert (done[:, :beside] == photo()[:, :beside]).all()


def test_a_fringe_leaves_the_light_of_the_face_as_it_is() -> None:
    """The generator's hair shades the forehead, and all of its face is another shade, too."""
    own, frame = photo(), CropFrame(((0, 0), (0, SIZE), (SIZE, SIZE), (SIZE, 0)))
    before, after, to = head(LINE), painted(0.4), round(0.4 * GRID)
    bare, shaded = (
        np.where((labels == HAIR)[..., None], np.float32(-0.8), np.full(3, 0.4, np.float32))
        for labels in (before, after)
    )
    shaded[to : to + 4] -= 0.5
    asked = LabelEdit(after, before != after, np.zeros_like(after), ("hair",))
    change = PartChange(before, after, ROLES).asking(asked, alone=True)
    done = laid_over(own, composite(own, frame, bare, shaded + 0.1, before != after, change))
    assert (done[SIZE // 2 :] == own[SIZE // 2 :]).all()
    middle = slice(round(0.45 * SIZE), round(0.55 * SIZE))
    forehead = slice(round(0.415 * SIZE), round(0.47 * SIZE))
    assert np.abs(done[forehead, middle].astype(int) - own[forehead, middle]).mean() < 6


def test_a_face_that_the_generator_moves_stays_below_a_painted_fringe() -> None:
    """Its picture with other hair has another face, too; hair alone was painted."""
    own, frame = photo(), CropFrame(((0, 0), (0, SIZE), (SIZE, SIZE), (SIZE, 0)))
    spots = np.random.default_rng(3).normal(0, 1, (GRID, GRID)).astype(np.float32)
    pattern = np.repeat(cv2.GaussianBlur(spots, (0, 0), 4)[..., None], 3, axis=2)
    rows, columns = np.indices((GRID, GRID), dtype=np.float32)
    moved = cv2.remap(pattern, columns, rows + 3, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    before, after = head(LINE), painted(0.4)
    asked = LabelEdit(after, before != after, np.zeros_like(after), ("hair",))
    change = PartChange(before, after, ROLES).asking(asked, alone=True)
    found = plan(own, frame, pattern, moved, before != after, change)
    assert not found.shift.any() and found.fronts
    lips = ellipse(after, UPPER, 0.5, 0.7, 0.12, 0.05)
    both = LabelEdit(lips, before != lips, np.zeros_like(lips), ("hair", "upper lip"))
    change = PartChange(before, lips, ROLES).asking(both, alone=True)
    assert plan(own, frame, pattern, moved, before != lips, change).shift.any()


def test_the_skin_is_not_squeezed_together() -> None:
    """Hair is a layer over it: as far as everything else goes, nothing happened."""
    maps, fringe = drawn_down(maps_of(head(LINE), painted(0.42)), NOWHERE)
    assert fringe is not None
    assert np.abs(maps.new - maps.old).mean() < 1e-3
    rows = np.arange(GRID, dtype=np.float32)[:, None]
    assert np.diff(rows + GRID * fringe.shift[..., 1], axis=0).min() > 0.2


def test_a_bald_head_has_nothing_to_draw_down() -> None:
    bald = ellipse(face(), SKIN, 0.5, 0.45, 0.3, 0.4)
    maps, fringe = drawn_down(maps_of(bald, np.where(painted(0.4) == HAIR, HAIR, bald)), NOWHERE)
    assert fringe is None
    assert (maps.new != maps.old).any(), "the generator draws it"
    bare, _ = drawn_down(maps, NOWHERE, generated=False)
    assert np.abs(bare.new - bare.old).mean() < 1e-3


def test_a_fine_photo_shows_no_patch_of_generated_hair() -> None:
    """The face stays as it was; the report's agreement tells."""
    bald = ellipse(face(), SKIN, 0.5, 0.45, 0.3, 0.4)
    after = np.where(painted(0.4) == HAIR, np.uint8(HAIR), bald)
    own = np.full((SIZE, SIZE, 3), SKIN_COLOR, np.uint8)
    frame = CropFrame(((0, 0), (0, SIZE), (SIZE, SIZE), (SIZE, 0)))
    before_picture = np.full((GRID, GRID, 3), 0.5, np.float32)
    after_picture = np.where((after == HAIR)[..., None], np.float32(-0.8), before_picture)
    change = PartChange(bald, after, ROLES)
    layer = composite(own, frame, before_picture, after_picture, bald != after, change)
    assert np.abs(layer.pixels[..., :3].astype(int) - SKIN_COLOR).max() < 12
    small = own[::4, ::4].copy()
    frame = CropFrame(((0, 0), (0, GRID), (GRID, GRID), (GRID, 0)))
    layer = composite(small, frame, before_picture, after_picture, bald != after, change)
    assert layer.pixels[..., :3].min() < 100, "as fine as the generator: its hair will do"


def test_a_little_hair_is_not_drawn_far() -> None:
    before = head(LINE, LINE - 0.03)
    after = np.where(painted(0.5) == HAIR, np.uint8(HAIR), before)
    after[: round((LINE - 0.03) * GRID)] = before[: round((LINE - 0.03) * GRID)]
    assert drawn_down(maps_of(before, after), NOWHERE)[1] is None


def test_thin_hair_at_the_temple_leaves_no_gap_in_a_fringe() -> None:
    """It comes down as far as it bears, though not so far as was painted."""
    before = head(LINE)
    _, columns = (np.indices((GRID, GRID)) + 0.5) / GRID
    thin = (columns > 0.4) & (columns < 0.46) & (before == HAIR)
    thin[round((LINE - 0.03) * GRID) :] = False
    before = np.where(thin, np.uint8(SKIN), before)
    after = np.where(painted(0.45) == HAIR, np.uint8(HAIR), before)
    after = np.where(thin, np.uint8(SKIN), after)
    _, fringe = drawn_down(maps_of(before, after), NOWHERE)
    assert fringe is not None
    row, inside = round((LINE + 0.01) * GRID), slice(round(0.4 * GRID), round(0.6 * GRID))
    assert -fringe.shift[row, inside, 1].max() > 0.02


def test_a_hand_stays_before_the_hair() -> None:
    hand = NOWHERE.copy()
    hand[:, GRID // 2 :] = True
    _, fringe = drawn_down(maps_of(head(LINE), painted(0.42)), hand)
    assert fringe is not None
    assert not fringe.share[:, GRID // 2 :].any()


def test_hair_that_stays_is_no_fringe() -> None:
    assert drawn_down(maps_of(head(LINE), head(LINE)), NOWHERE)[1] is None
