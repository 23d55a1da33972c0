"""Eyes that shut: skin from around lies over them, with a clean line, and nothing else moves."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from backend.editing.preview.optimisation import laid_over
from backend.photos.align import CropFrame
from backend.photos.composite import composite
from backend.photos.motion.closing import shut_gaps
from backend.photos.motion.lids import Lids, lids_over
from backend.photos.motion.part_change import PartChange
from tests.photos.motion.test_closing import (
    HEIGHT,
    LASH,
    LEFT,
    LEFT_BROW,
    OPEN,
    RIGHT,
    RIGHT_BROW,
    ROLES,
    SIZE,
    SKIN,
    SKIN_COLOR,
    WIDTH,
    around,
    finished,
    is_white,
    labels_of,
    photo,
)
from tests.photos.motion.test_motion import ellipse, face

FRAME = CropFrame(((0, 0), (0, SIZE), (SIZE, SIZE), (SIZE, 0)))
EYES = (LEFT, RIGHT)
Pixels = np.ndarray


def shut(own: Pixels, covered: Pixels | None = None, before: Pixels | None = None) -> Pixels:
    """A photo of SIZE pixels with both eyes shut; the generator's pictures say nothing."""
    old, new = labels_of(1, 1) if before is None else before, labels_of(0, 0)
    if before is not None:
        new = np.where(np.isin(before, (4, 5)), np.uint8(SKIN), before)
    grey = np.zeros((128, 128, 3), np.float32)
    change = PartChange(old, new, ROLES, covered=covered)
    return laid_over(own, composite(own, FRAME, grey, grey, old != new, change))


def at(x: float, y: float) -> tuple[int, int]:
    return round(x * SIZE), round(y * SIZE)


def lid_of(picture: Pixels, x: float, *, half: float = 0.6) -> Pixels:
    """The middle of a lid: between where the eye began and the line, [h, w, 3]."""
    rows = slice(at(0, HEIGHT - 0.8 * OPEN)[1], at(0, HEIGHT + 0.4 * OPEN)[1])
    return picture[rows, at(x - half * WIDTH, 0)[0] : at(x + half * WIDTH, 0)[0]].astype(int)


def line_of(picture: Pixels, x: float) -> Pixels:
    """The darkest row of each column of an eye's middle."""
    top, bottom = at(0, HEIGHT - OPEN)[1], at(0, HEIGHT + 1.5 * OPEN)[1]
    columns = slice(at(x - 0.7 * WIDTH, 0)[0], at(x + 0.7 * WIDTH, 0)[0])
    grey = cv2.GaussianBlur(picture.astype(np.float32).mean(axis=2), (0, 0), 1.5)
    return top + grey[top:bottom, columns].argmin(axis=0)


def lids_in(before: Pixels, after: Pixels, own: Pixels) -> Lids:
    maps = PartChange(before, after, ROLES).resolved(128)[0]
    grey = np.full((128, 128), 0.5, np.float32)
    covered = np.zeros((128, 128), bool)
    eyes = shut_gaps(grey, maps, covered)[2]
    return lids_over(own.astype(np.float32) / 255, maps, eyes, covered)


def test_a_lid_is_skin_and_its_line_lies_at_the_lower_lid() -> None:
    done = finished(labels_of(1, 1), labels_of(0, 0))
    for x in EYES:
        assert np.abs(lid_of(done, x).mean(axis=(0, 1)) - SKIN_COLOR).max() < 25
        columns = np.linspace(-0.7, 0.7, len(line_of(done, x)))
        lower = (HEIGHT + OPEN * np.sqrt(1 - columns**2)) * SIZE
        assert np.abs(line_of(done, x) - lower).max() < 6


def test_the_line_is_even_where_labels_are_ragged() -> None:
    before = labels_of(1, 1)
    bottom = round((HEIGHT + OPEN) * 128)
    for x in EYES:
        for column in range(round((x - 0.06) * 128), round((x + 0.06) * 128), 4):
            before[bottom - 2 : bottom + 2, column : column + 2] = before[bottom - 4, column]
    done = shut(photo(), before=before)
    for x in EYES:
        line = line_of(done, x)
        bend = np.polyval(np.polyfit(np.arange(len(line)), line, 2), np.arange(len(line)))
        assert np.abs(line - bend).max() < 2.5


@pytest.mark.parametrize("dark", ["lashes", "liner", "pupil"])
def test_lashes_liner_and_pupil_are_not_drawn_out_over_a_lid(dark: str) -> None:
    own = photo()
    for x in EYES:
        middle = at(x, HEIGHT)
        if dark == "pupil":
            cv2.circle(own, middle, round(0.8 * OPEN * SIZE), (30, 40, 90), -1)
        elif dark == "liner":
            axes = round(WIDTH * SIZE), round(OPEN * SIZE)
            cv2.ellipse(own, middle, axes, 0, 180, 360, LASH, 9)
        else:
            for away in np.linspace(-0.8, 0.8, 12):
                root = at(x + away * WIDTH, HEIGHT - OPEN * (1 - away**2) ** 0.5)
                cv2.line(own, root, (root[0] + round(6 * away), root[1] - 12), LASH, 2)
    done = shut(own)
    for x in EYES:
        lid = lid_of(done, x)
        assert np.abs(lid.mean(axis=(0, 1)) - SKIN_COLOR).max() < 30
        assert (lid.mean(axis=2) < 110).mean() < 0.005


def test_lashes_hang_from_the_line() -> None:
    """Those that stood above the eye, mirrored; without any, the lower lid stays as it is."""
    bare, lashed = photo(), photo()
    for away in np.linspace(-0.6, 0.6, 9):
        root = at(LEFT + away * WIDTH, HEIGHT - OPEN * (1 - away**2) ** 0.5)
        cv2.line(lashed, root, (root[0], root[1] - 14), LASH, 2)
    rows = slice(at(0, HEIGHT + OPEN)[1] + 6, at(0, HEIGHT + OPEN)[1] + 10)
    columns = slice(at(LEFT - 0.3 * WIDTH, 0)[0], at(LEFT + 0.3 * WIDTH, 0)[0])
    below = [shut(own)[rows, columns].mean(axis=2) for own in (bare, lashed)]
    assert below[0].min() > 130
    assert 0.05 < (below[1] < 110).mean() < 0.7


def test_a_lid_has_the_grain_of_skin() -> None:
    def grain(pixels: Pixels) -> float:
        values = pixels.astype(np.float32)
        return float((values - cv2.GaussianBlur(values, (0, 0), 1.5)).std())

    own = photo()
    done = shut(own)
    skin = own[at(0, HEIGHT + 0.15)[1] :][:40, at(LEFT, 0)[0] :][:, :60]
    for x in EYES:
        assert 0.5 < grain(lid_of(done, x, half=0.4)) / grain(skin) < 1.3


def test_brows_the_fold_and_the_cheek_stay_as_they_are() -> None:
    own = photo()
    for x in EYES:
        cv2.ellipse(own, at(x, HEIGHT - 0.16), (51, 10), 0, 0, 360, LASH, -1)
        cv2.ellipse(own, at(x, HEIGHT - 0.055), (60, 30), 0, 230, 310, (176, 130, 112), 5)
    done = shut(own).astype(int)
    brow, fold, cheek = (at(0, HEIGHT + y)[1] for y in (-0.146, -0.1, 3 * OPEN))
    assert np.array_equal(done[:brow], own[:brow])
    assert np.array_equal(done[cheek:], own[cheek:])
    for x in EYES:
        columns = slice(at(x - 0.5 * WIDTH, 0)[0], at(x + 0.5 * WIDTH, 0)[0])
        assert np.abs(done[:fold, columns] - own[:fold, columns]).max() < 12


def test_a_brow_right_above_an_eye_is_not_drawn_onto_its_lid() -> None:
    own, before = photo(), face()
    for x, brow, eye in zip(EYES, (LEFT_BROW, RIGHT_BROW), (4, 5), strict=True):
        before = ellipse(before, brow, x, HEIGHT - OPEN - 0.03, 0.1, 0.025)
        before = ellipse(before, eye, x, HEIGHT, WIDTH, OPEN)
        cv2.ellipse(own, at(x, HEIGHT - OPEN - 0.03), (51, 13), 0, 0, 360, LASH, -1)
    done = shut(own, before=before)
    brow = at(0, HEIGHT - OPEN - 0.035)[1]
    for x in EYES:
        lid, middle = lid_of(done, x), at(x, 0)[0]
        assert np.abs(lid[4:].mean(axis=(0, 1)) - SKIN_COLOR).max() < 35
        assert (lid[8:].mean(axis=2) < 110).mean() < 0.005
        assert np.abs(done[brow, middle - 20 : middle + 20].astype(int) - LASH).max() < 12


def test_an_eye_right_below_the_rim_of_glasses_shuts_and_the_rim_stays() -> None:
    own, rims = photo(), np.zeros((128, 128), np.float32)
    edge = round((HEIGHT - OPEN) * 128)
    rims[edge - 4 : edge, 20:108] = 1
    own[(edge - 4) * 4 : edge * 4, 80:432] = (15, 15, 20)
    done = shut(own, rims)
    for x in EYES:
        assert is_white(around(done, x)).mean() < 0.002
        columns = slice(at(x, 0)[0] - 30, at(x, 0)[0] + 30)
        rim = done[(edge - 4) * 4 : edge * 4 - 4, columns]
        assert np.abs(rim.astype(int) - (15, 15, 20)).max() < 25


def test_a_lid_behind_glasses_takes_its_colour_from_behind_them() -> None:
    """Tinted lenses: skin above the rim is lighter."""
    own, rims = photo(), np.zeros((128, 128), np.float32)
    edge, low = round((HEIGHT - OPEN) * 128) - 4, round((HEIGHT + OPEN) * 128) + 8
    rims[edge - 3 : low + 3, 14:114] = 1
    rims[edge:low, 17:62] = rims[edge:low, 66:111] = 0
    own[edge * 4 : low * 4, 56:456] //= 2
    own[cv2.resize(rims, (SIZE, SIZE)) > 0.5] = (15, 15, 20)
    done = shut(own, rims)
    for x in EYES:
        lid = lid_of(done, x)[12:].mean(axis=(0, 1))
        assert np.abs(lid - np.array(SKIN_COLOR) / 2).max() < 25


@pytest.mark.parametrize("before", ["background", "brow"])
def test_a_lid_ends_where_the_face_does(before: str) -> None:
    """At the far side of a turned head; a lid does not lie over what is beside it."""
    labels, own = labels_of(1, 1), photo()
    edge = LEFT - 0.75 * WIDTH
    beyond = np.s_[:, : round(edge * 128)]
    labels[beyond] = {"background": 0, "brow": LEFT_BROW}[before]
    own[:, : at(edge, 0)[0]] = (10, 10, 10)
    done = shut(own, before=labels)
    assert done[:, : at(edge, 0)[0] - 4].max() < 25


def test_lids_do_not_shine_where_the_generator_had_lashes() -> None:
    """Its open eye has shade around it, its shut one has none: that is no change of light."""
    before, after, own = labels_of(1, 1), labels_of(0, 0), photo()
    skin = np.full((128, 128, 3), 0.3, np.float32)
    shaded = skin.copy()
    for x in EYES:
        ring = ellipse(np.zeros((128, 128), np.uint8), 1, x, HEIGHT, 1.2 * WIDTH, 1.4 * OPEN)
        shaded[ring > 0] = -0.7
    layer = composite(own, FRAME, shaded, skin, before != after, PartChange(before, after, ROLES))
    for x in EYES:
        lids = cv2.GaussianBlur(around(laid_over(own, layer), x), (0, 0), 2).astype(int)
        assert (lids - SKIN_COLOR).max() < 15


def test_corners_of_an_eye_that_labels_miss_are_covered_too() -> None:
    maps = PartChange(labels_of(1, 1), labels_of(0, 0), ROLES).resolved(128)[0]
    (role,) = ROLES.closings
    seen = np.zeros((128, 128), np.float32)
    seen[53:63, 36:48] = 1
    maps = replace(maps, photo=maps.photo.copy(), old=maps.old.copy())
    for found in (maps.photo, maps.old):
        found[..., role.above] += found[..., role.gap] - seen
        found[..., role.gap] = seen
    grey, covered = np.full((128, 128), 0.5, np.float32), np.zeros((128, 128), bool)
    lids = lids_over(photo() / np.float32(255), maps, shut_gaps(grey, maps, covered)[2], covered)
    cover = (lids.cover * (lids.below < 0)).max(axis=0)[::4]
    assert cover[34:50].min() > 0.5
    assert max(cover[:28].max(), cover[56:64].max()) < 0.05


def test_an_eye_that_the_generator_hardly_sees_shuts_with_the_other() -> None:
    """Hair hangs into it: its share says nothing, but it is there."""
    before = labels_of(1, 1)
    seen = np.repeat(np.repeat(before, 2, axis=0), 2, axis=1)
    hidden = before[: round((HEIGHT + 0.6 * OPEN) * 128), :64]
    hidden[hidden == 4] = SKIN
    change = PartChange(before, labels_of(0, 0), ROLES, seen=seen)
    maps = change.resolved(128)[0]
    grey, covered = np.full((128, 128), 0.5, np.float32), np.zeros((128, 128), bool)
    assert len(shut_gaps(grey, maps, covered)[2]) == 2


def test_a_photo_that_lies_on_its_side_gets_the_same_lids() -> None:
    own = photo()
    upright = shut(own)
    turned = np.ascontiguousarray(np.rot90(own))
    frame = CropFrame(((0, SIZE), (SIZE, SIZE), (SIZE, 0), (0, 0)))
    old, new = labels_of(1, 1), labels_of(0, 0)
    grey = np.zeros((128, 128, 3), np.float32)
    layer = composite(turned, frame, grey, grey, old != new, PartChange(old, new, ROLES))
    done = np.rot90(laid_over(turned, layer), -1)
    assert np.abs(done.astype(int) - upright).max() < 40
    assert np.abs(done.astype(int) - upright).mean() < 0.5


@pytest.mark.parametrize("seed", range(6))
def test_lids_over_whatever_is_labelled_are_numbers(seed: int) -> None:
    random = np.random.default_rng(seed)
    before = face()
    for label in (LEFT_BROW, RIGHT_BROW, 4, 5, 4):
        x, y, width, height = random.uniform((0.05, 0.05, 0.01, 0.01), (0.95, 0.95, 0.3, 0.2))
        before = ellipse(before, label, x, y, width, height)
    after = np.where(np.isin(before, (4, 5)), np.uint8(SKIN), before)
    lids = lids_in(before, after, photo())
    assert all(np.isfinite(field).all() for field in vars(lids).values())
    assert lids.cover.min() >= 0 and lids.cover.max() <= 1.001
