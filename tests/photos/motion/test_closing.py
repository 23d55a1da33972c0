"""Eyes that narrow, mouths that shut, and which eyes do: what comes over them, and what stays."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from backend.editing.preview.optimisation import laid_over
from backend.photos.align import CropFrame
from backend.photos.composite import composite
from backend.photos.motion.closing import Closing, shut_gaps
from backend.photos.motion.gap import Gap
from backend.photos.motion.part_change import PartChange, PartMaps
from backend.photos.motion.roles import ClosingRole, PartRoles
from tests.photos.motion.test_motion import Part, ellipse, face

NAMES = ("background", "skin", "left brow", "right brow", "left eye", "right eye")
SKIN, LEFT_BROW, RIGHT_BROW, LEFT_EYE, RIGHT_EYE = 1, 2, 3, 4, 5
ROLES = PartRoles.of([Part(name, index) for index, name in enumerate(NAMES)])
LEFT, RIGHT, HEIGHT = 0.33, 0.67, 0.45
WIDTH, OPEN = 0.09, 0.045
SKIN_COLOR, WHITE, LASH = (200, 150, 130), (250, 250, 250), (40, 20, 20)
SIZE = 512


def labels_of(left: float, right: float) -> np.ndarray:
    """A face whose eyes are so high, in parts of an open one; the lower lid stays where it is."""
    labels = face()
    for brow, eye, x, share in (
        (LEFT_BROW, LEFT_EYE, LEFT, left),
        (RIGHT_BROW, RIGHT_EYE, RIGHT, right),
    ):
        labels = ellipse(labels, brow, x, HEIGHT - 0.16, 0.1, 0.02)
        if share:
            middle = HEIGHT + OPEN * (1 - share)
            labels = ellipse(labels, eye, x, middle, WIDTH, OPEN * share)
    return labels


def photo() -> np.ndarray:
    """A face of SIZE pixels with white eyes, dark upper lashes and noise for pores."""
    noise = np.random.default_rng(0).normal(0, 3, (SIZE, SIZE, 1))
    picture = np.clip(np.array(SKIN_COLOR) + noise, 0, 255).astype(np.uint8)
    for x in (LEFT, RIGHT):
        middle = (round(x * SIZE), round(HEIGHT * SIZE))
        axes = (round(WIDTH * SIZE), round(OPEN * SIZE))
        cv2.ellipse(picture, middle, axes, 0, 0, 360, WHITE, -1)
        cv2.ellipse(picture, middle, axes, 0, 190, 350, LASH, 5)
    return picture


def finished(
    before: np.ndarray, after: np.ndarray, covered: np.ndarray | None = None
) -> np.ndarray:
    """The photo with other parts; the generator's pictures say nothing."""
    own = photo()
    frame = CropFrame(((0, 0), (0, SIZE), (SIZE, SIZE), (SIZE, 0)))
    grey = np.zeros((128, 128, 3), np.float32)
    change = PartChange(before, after, ROLES, covered=covered)
    layer = composite(own, frame, grey, grey, before != after, change)
    return laid_over(own, layer)


def around(picture: np.ndarray, x: float) -> np.ndarray:
    """The pixels around the eye at x."""
    left, top = round((x - 0.12) * SIZE), round((HEIGHT - 0.1) * SIZE)
    return picture[top : top + round(0.18 * SIZE), left : left + round(0.24 * SIZE)]


def is_white(pixels: np.ndarray) -> np.ndarray:
    return pixels.min(axis=-1) > 215


def gaps_in(
    before: np.ndarray, after: np.ndarray, covered: np.ndarray | None = None
) -> tuple[PartMaps, Closing | None, list[tuple[ClosingRole, Gap]]]:
    grey = cv2.resize(photo(), (128, 128), interpolation=cv2.INTER_AREA).mean(axis=2) / 255
    maps = PartChange(before, after, ROLES).resolved(128)[0]
    none = np.zeros((128, 128), bool)
    return shut_gaps(grey.astype(np.float32), maps, none if covered is None else covered)


def lids_of(
    before: np.ndarray, after: np.ndarray, covered: np.ndarray | None = None
) -> tuple[PartMaps, Closing | None]:
    return gaps_in(before, after, covered)[:2]


@pytest.mark.parametrize("left", [0.0, 0.25], ids=["gone", "a line is left"])
def test_lids_cover_an_eye_that_shuts(left: float) -> None:
    done = finished(labels_of(1, 1), labels_of(left, left))
    for x in (LEFT, RIGHT):
        assert is_white(around(photo(), x)).mean() > 0.1
        assert is_white(around(done, x)).mean() < 0.002


def test_a_brow_that_rises_keeps_its_colour() -> None:
    """The generator's brow fades on its way, and skin comes where it was."""
    before, own = labels_of(1, 1), photo()
    after = np.where(np.isin(before, (LEFT_BROW, RIGHT_BROW)), np.uint8(SKIN), before)
    for brow, x in ((LEFT_BROW, LEFT), (RIGHT_BROW, RIGHT)):
        after = ellipse(after, brow, x, HEIGHT - 0.2, 0.1, 0.02)
        middle = (round(x * SIZE), round((HEIGHT - 0.16) * SIZE))
        cv2.ellipse(own, middle, (51, 10), 0, 0, 360, LASH, -1)
    dark = np.isin(before, (LEFT_BROW, RIGHT_BROW))[..., None]
    faint = np.isin(after, (LEFT_BROW, RIGHT_BROW))[..., None]
    skin = np.full((128, 128, 3), 0.3, np.float32)
    old, new = np.where(dark, np.float32(-0.8), skin), np.where(faint, np.float32(0), skin)
    frame = CropFrame(((0, 0), (0, SIZE), (SIZE, SIZE), (SIZE, 0)))
    layer = composite(own, frame, old, new, before != after, PartChange(before, after, ROLES))
    row, columns = round((HEIGHT - 0.2) * SIZE), slice(round(LEFT * SIZE) - 20, None)
    brow = laid_over(own, layer)[row - 2 : row + 3, columns][:, :40].astype(int)
    assert np.abs(brow.mean(axis=(0, 1)) - LASH).max() < 15


def test_one_eye_can_wink() -> None:
    done = finished(labels_of(1, 1), labels_of(0, 1))
    assert (around(done, RIGHT) == around(photo(), RIGHT)).all()
    assert is_white(around(done, LEFT)).mean() < 0.002


def test_the_other_parts_are_told_that_the_eye_is_skin() -> None:
    parts, _, eyes = gaps_in(labels_of(1, 1), labels_of(0, 1))
    (role,) = ROLES.closings
    assert len(eyes) == 1
    for maps in (parts.photo, parts.old, parts.new):
        assert not maps[:, :64, role.gap].any()
    assert parts.old[:, 64:, role.gap].any()
    assert parts.old.sum() == pytest.approx(lids_of(labels_of(1, 1), labels_of(1, 1))[0].old.sum())


def test_neither_lid_folds() -> None:
    _, lids = lids_of(labels_of(1, 1), labels_of(0.5, 0.5))
    assert lids is not None
    rows = np.arange(128, dtype=np.float32)[:, None]
    for lid in (lids.upper, lids.lower):
        assert np.diff(rows + 128 * lid[..., 1], axis=0).min() > 0.2
        assert np.isfinite(lid).all()


def test_the_fold_of_a_lid_stays_above_it() -> None:
    """It is not drawn down towards the lashes, however far away the brow is."""
    _, lids = lids_of(labels_of(1, 1), labels_of(0.4, 0.4))
    assert lids is not None
    fold, lash = round((HEIGHT - OPEN - 0.055) * 128), round(HEIGHT * 128)
    for x in (LEFT, RIGHT):
        way = -128 * lids.upper[:, round(x * 128), 1]
        assert way[lash] > 3 and way[fold] < 0.2 * way[lash]


def test_specks_beside_an_eye_are_no_part_of_it() -> None:
    """The parser finds some on thick rims."""
    found = []
    for speck in (0, 1):
        maps = PartChange(labels_of(1, 1), labels_of(0, 0), ROLES).resolved(128)[0]
        photo = maps.photo.copy()
        photo[44:46, 56:59, ROLES.closings[0].gap] = speck
        grey = np.full((128, 128), 0.5, np.float32)
        maps = replace(maps, photo=photo)
        found.append(shut_gaps(grey, maps, np.zeros((128, 128), bool))[2])
    for (_, without), (_, beside) in zip(*found, strict=True):
        assert np.array_equal(without.upper, beside.upper)


@pytest.mark.parametrize("share", [0.8, 0.6, 0.45])
def test_an_eye_that_narrows_is_covered_and_not_squeezed(share: float) -> None:
    """The upper lid comes down with its lashes as far as it was painted; below it the eye stays."""
    done, own = finished(labels_of(1, 1), labels_of(share, share)), photo()
    lid = round((HEIGHT + OPEN * (1 - 2 * share)) * SIZE)
    for x in (LEFT, RIGHT):
        column = round(x * SIZE)
        dark = np.flatnonzero(done[:, column].mean(axis=1) < 80)
        assert abs(dark.mean() - lid) <= 5
        left = slice(lid + 7, round((HEIGHT + OPEN) * SIZE) - 3)
        assert np.array_equal(done[left, column], own[left, column])
    brow = round((HEIGHT - 0.2) * SIZE)
    assert np.array_equal(done[:brow], own[:brow])


def test_an_eye_of_which_a_sliver_is_left_is_squeezed() -> None:
    """Too thin for its lids to be found, though it is not to shut: nothing comes over it."""
    maps = PartChange(labels_of(1, 1), labels_of(1, 1), ROLES).resolved(128)[0]
    eye = ROLES.closings[0].gap
    thin, thinner = np.zeros((2, 128, 128), np.float32)
    thin[58, 30:56], thinner[58, 30:56] = 0.9, 0.45
    photo, old, new = maps.photo.copy(), maps.old.copy(), maps.new.copy()
    photo[..., eye], old[..., eye], new[..., eye] = thin, thin, thinner
    nearly = replace(maps, photo=photo, old=old, new=new)
    grey, nowhere = np.full((128, 128), 0.5, np.float32), np.zeros((128, 128), bool)
    parts, closing, _ = shut_gaps(grey, nearly, nowhere)
    assert closing is None and np.array_equal(parts.new, new)


def test_a_narrower_mouth_is_not_cut() -> None:
    """Between lips that come nearer to each other nothing is hidden."""
    maps = PartChange(mouth(1), mouth(0.6), MOUTH).resolved(128)[0]
    grey, nowhere = np.full((128, 128), 0.5, np.float32), np.zeros((128, 128), bool)
    assert shut_gaps(grey, maps, nowhere)[1] is None


@pytest.mark.parametrize("share", [1.0, 0.96], ids=["as it was", "nearly as it was"])
def test_an_eye_that_stays_open_is_not_cut(share: float) -> None:
    assert lids_of(labels_of(1, 1), labels_of(share, share))[1] is None


def test_an_eye_that_was_shut_stays_as_it_is() -> None:
    assert lids_of(labels_of(0.06, 0.06), labels_of(0, 0))[1] is None


def test_the_rim_of_glasses_below_an_eye_stays() -> None:
    rims = np.zeros((128, 128), bool)
    edge = round((HEIGHT + OPEN) * 128) + 4
    rims[edge : edge + 3] = True
    _, closing = lids_of(labels_of(1, 1), labels_of(0.5, 0.5), rims)
    assert closing is not None
    assert np.abs(128 * closing.moving[edge : edge + 20]).max() < 0.5


def test_a_model_without_brows_shuts_no_eyes() -> None:
    cat = [Part(name, i) for i, name in enumerate(("background", "head", "left eye", "right eye"))]
    assert PartRoles.of(cat).closings == ()


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_painted_gives_numbers(seed: int) -> None:
    """Eyes and brows of any place and size, one above another too."""
    random = np.random.default_rng(seed)
    before = face()
    for label in (LEFT_BROW, RIGHT_BROW, LEFT_EYE, RIGHT_EYE, LEFT_EYE):
        x, y, width, height = random.uniform((0.1, 0.1, 0.01, 0.01), (0.9, 0.9, 0.3, 0.2))
        before = ellipse(before, label, x, y, width, height)
    after = np.where(np.isin(before, (LEFT_EYE, RIGHT_EYE)), np.uint8(SKIN), before)
    _, lids = lids_of(before, after)
    rows = np.arange(128, dtype=np.float32)[:, None]
    for lid in (lids.upper, lids.lower) if lids else ():
        assert np.diff(rows + 128 * lid[..., 1], axis=0).min() > -1e-3  # at the border it stays
    assert lids is None or all(np.isfinite(field).all() for field in vars(lids).values())
    assert finished(before, after).shape == photo().shape


MOUTH_NAMES = (*NAMES, "upper lip", "mouth interior", "lower lip")
UPPER, GAP, LOWER = 6, 7, 8
MOUTH = PartRoles.of([Part(name, index) for index, name in enumerate(MOUTH_NAMES)])
LINE, LIP, TEETH = 0.75, 0.03, 0.05  # of the mouth: its middle, its lips, half its opening


def mouth(opening: float) -> np.ndarray:
    """A face with lips that are so far open, in parts of TEETH; their outer borders stay."""
    whole = ellipse(face(), UPPER, 0.5, LINE, 0.14, LIP + TEETH)
    rows = (np.arange(128) + 0.5)[:, None] / 128
    lips = np.where((whole == UPPER) & (rows > LINE), np.uint8(LOWER), whole)
    return ellipse(lips, GAP, 0.5, LINE, 0.11, TEETH * opening) if opening else lips


def toothy() -> np.ndarray:
    """Red lips around white teeth, on skin, as `mouth(1)` says."""
    colors = np.full((len(MOUTH_NAMES), 3), SKIN_COLOR, np.uint8)
    colors[[UPPER, LOWER]], colors[GAP] = (190, 60, 70), WHITE
    return cv2.resize(colors[mouth(1)], (SIZE, SIZE), interpolation=cv2.INTER_NEAREST)


def with_mouth(opening: float) -> np.ndarray:
    frame = CropFrame(((0, 0), (0, SIZE), (SIZE, SIZE), (SIZE, 0)))
    grey = np.zeros((128, 128, 3), np.float32)
    change = PartChange(mouth(1), mouth(opening), MOUTH)
    layer = composite(toothy(), frame, grey, grey, mouth(1) != mouth(opening), change)
    assert layer.pixels[..., 3].max() == 255
    left, top = layer.x, layer.y
    middle = layer.pixels[round(LINE * SIZE) - top - 40 : round(LINE * SIZE) - top + 40]
    return middle[:, round(0.4 * SIZE) - left : round(0.6 * SIZE) - left, :3]


def test_lips_that_close_leave_no_teeth() -> None:
    assert is_white(with_mouth(0.8)).mean() > 0.3
    assert is_white(with_mouth(0.0)).mean() < 0.01


def test_a_mouth_and_an_eye_can_shut_at_once() -> None:
    before, after = labels_of(1, 1), labels_of(0, 1)
    before, after = (
        np.where(mouth(m) > 5, mouth(m), eyes) for m, eyes in ((1, before), (0, after))
    )
    maps = PartChange(before, after, MOUTH).resolved(128)[0]
    parts, closing, eyes = shut_gaps(
        np.full((128, 128), 0.5, np.float32), maps, np.zeros((128, 128), bool)
    )
    assert closing is not None
    ((_, eye),) = eyes
    assert eye.columns.start < round(LEFT * 128) < eye.columns.stop
    lips = round(LINE * 128)
    assert closing.shut[lips, 64] > 0.9
    assert np.abs(128 * closing.moving[lips - 6 : lips + 7, 64]).max() > 1.5
    assert not parts.new[..., [role.gap for role in MOUTH.closings]][:, :64].any()


def test_an_eye_that_is_nearly_shut_goes_with_the_other() -> None:
    """Vectors seldom close both eyes by the same amount; one alone would be a wink."""
    (role,) = ROLES.closings
    parts, _, eyes = gaps_in(labels_of(1, 1), labels_of(0.3, 0.55))
    assert len(eyes) == 2
    assert not parts.new[..., role.gap].any()
    parts, closing, eyes = gaps_in(labels_of(1, 1), labels_of(0.3, 0.8))
    assert closing is not None and len(eyes) == 1
    assert parts.new[:, 64:, role.gap].any(), "the other one is open"
