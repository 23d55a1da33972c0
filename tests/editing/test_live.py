"""Repaints that go on while somebody paints, what they show, and parts borrowed elsewhere."""

import dataclasses

import cv2
import numpy as np
import pytest

from backend.editing.borrow import borrowed_label_edit, borrowed_layer, tone
from backend.editing.editor import Editor, OpenPhoto
from backend.editing.options import Optimisation
from backend.editing.preview.optimisation import OptimisationPreview, laid_over
from backend.editing.progress import Progress
from backend.errors import NothingChanged, UnknownPart
from backend.photos.align import CropFrame, extract
from backend.photos.label_edit import PaintedLayer
from backend.photos.motion.part_change import PartChange


def grown(photo: OpenPhoto, part: str) -> list[PaintedLayer]:
    """All layers as they are, but that of `part` filled to its box and a third higher, on top."""
    layers = [PaintedLayer(m.name, m.x, m.y, m.alpha) for m in photo.parts]
    own = next(layer for layer in layers if layer.part == part)
    h, w = own.alpha.shape
    full = PaintedLayer(part, own.x, own.y, np.full((h + h // 3, w), 255, np.uint8))
    return [full, *(layer for layer in layers if layer is not own)]


def a_small_part(editor: Editor, photo: OpenPhoto) -> str:
    sizes = np.bincount(photo.labels.ravel(), minlength=len(editor.bundle.parts))
    own = [p for p in editor.bundle.parts if p.name not in editor.bundle.large and sizes[p.index]]
    return max(own, key=lambda part: sizes[part.index]).name


def test_following_goes_on_from_where_it_was(editor: Editor, photo: OpenPhoto) -> None:
    painted = grown(photo, a_small_part(editor, photo))
    first = editor.repaint_live(photo, painted, Optimisation(3))
    second = editor.repaint_live(photo, painted, Optimisation(1, start=first.delta))
    assert second.report.loss[0] == pytest.approx(min(first.report.loss), rel=1e-3)
    kept = editor.repaint(photo, painted, Optimisation(0, start=first.delta))
    np.testing.assert_array_equal(kept.vector, first.delta)
    assert kept.layer.pixels[..., 3].max() > 0


def test_previews_show_the_photo_itself(editor: Editor, photo: OpenPhoto) -> None:
    shown: list[Progress] = []
    editor.repaint_live(
        photo, grown(photo, a_small_part(editor, photo)), Optimisation(2, progress=shown.append)
    )
    picture, line = shown[-1].preview(), shown[-1].outline
    assert picture.shape[:2] == line.shape
    crop, _ = extract(photo.pixels, photo.frame, len(picture))
    same = (picture == np.rint((crop + 1) * 127.5).astype(np.uint8)).all(axis=2)
    assert 0.3 < same.mean() < 1
    assert 0 < (line > 0).mean() < 0.1


def unchanged(photo: OpenPhoto, editor: Editor) -> PartChange:
    return photo.part_change(photo.labels, editor.engine.roles)


def test_without_a_change_the_preview_is_the_photo(editor: Editor, photo: OpenPhoto) -> None:
    before = photo.rebuilt.transpose(1, 2, 0).clip(-1, 1)
    everywhere = np.ones(before.shape[:2], bool)
    preview = OptimisationPreview(
        photo.pixels, photo.frame, before, everywhere, unchanged(photo, editor)
    )
    picture = preview.draw(np.rint((before + 1) * 127.5).astype(np.uint8))
    crop, _ = extract(photo.pixels, photo.frame, len(picture))
    assert np.abs(picture - (crop + 1) * 127.5).mean() < 2


def test_a_large_generators_pictures_give_the_same_preview(
    editor: Editor, photo: OpenPhoto
) -> None:
    before = photo.rebuilt.transpose(1, 2, 0).clip(-1, 1)
    after = np.roll(before, 3, axis=0)
    region = np.zeros(before.shape[:2], bool)
    region[40:100, 30:100] = True
    drawn = []
    for times in (1, 4):
        side = times * len(before)
        old, new = (
            cv2.resize(p, (side, side), interpolation=cv2.INTER_CUBIC) for p in (before, after)
        )
        where = region.repeat(times, axis=0).repeat(times, axis=1)
        parts = unchanged(photo, editor)
        preview = OptimisationPreview(photo.pixels, photo.frame, old.clip(-1, 1), where, parts)
        drawn.append(preview.draw(np.rint((new.clip(-1, 1) + 1) * 127.5).astype(np.uint8)))
    side = len(drawn[0])
    crop, _ = extract(photo.pixels, photo.frame, side)
    large = cv2.resize(drawn[1], (side, side), interpolation=cv2.INTER_AREA)
    change, error = (np.abs(drawn[0] - p).mean() for p in ((crop + 1) * 127.5, large.astype(float)))
    assert error < 0.3 * change


BACKGROUND, SKIN, EYE, BROW, HAIR = range(5)
LARGE = [BACKGROUND, SKIN, HAIR]


def test_a_part_of_the_other_photo_becomes_the_target() -> None:
    own, other = np.full((8, 8), SKIN, np.uint8), np.full((8, 8), SKIN, np.uint8)
    own[2:4, 1:4] = EYE
    other[3:6, 2:7] = EYE
    known = np.ones((8, 8), bool)
    known[5] = False
    label_edit = borrowed_label_edit(own, other, known, [EYE], LARGE, ("eyes",))
    np.testing.assert_array_equal(label_edit.changed, ((own == EYE) | (other == EYE)) & known)
    np.testing.assert_array_equal(label_edit.target, np.where(known, other, own))
    with pytest.raises(NothingChanged, match="hat"):
        borrowed_label_edit(own, other, known, [5], LARGE, ("hat",))


def test_only_the_borrowed_part_changes() -> None:
    own, other = np.full((8, 8), SKIN, np.uint8), np.full((8, 8), SKIN, np.uint8)
    own[1, 1:7], own[3, 1:7] = BROW, EYE
    other[1:4, 2:4], other[3, 5], other[3, 6] = EYE, HAIR, BROW
    label_edit = borrowed_label_edit(own, other, np.ones((8, 8), bool), [EYE], LARGE, ("eyes",))
    expected = own.copy()
    expected[2:4, 2:4] = EYE  # what is larger there is so here, but does not cover the brow
    expected[3, [1, 4]] = SKIN  # what is smaller there leaves skin
    # what hides the eye there, a strand or a brow that is lower, does not come along
    np.testing.assert_array_equal(label_edit.target, expected)
    assert (label_edit.target == own)[~label_edit.changed].all()


def square(x: int, y: int, side: int) -> CropFrame:
    corners = [[x, y], [x, y + side], [x + side, y + side], [x + side, y]]
    return CropFrame(np.array(corners, float))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_other_subject_is_laid_over_this_one(photo: OpenPhoto, dtype: type) -> None:
    rows, columns = np.indices((80, 80))
    scene = np.stack([rows * 3, columns * 3, rows + columns], axis=2).astype(np.uint8)
    here = np.zeros((90, 90, 4), dtype)
    own = dataclasses.replace(photo, pixels=here, frame=square(35, 25, 30))
    other = dataclasses.replace(photo, pixels=scene, frame=square(10, 20, 30))
    shown = np.ones((32, 32), bool)
    layer = borrowed_layer(own, other, shown, np.ones((4, 4, 3), np.float32))
    assert layer.pixels.dtype == dtype
    white = 1 if dtype is np.uint8 else 255
    laid = np.zeros((90, 90, 4))
    h, w = layer.pixels.shape[:2]
    laid[layer.y : layer.y + h, layer.x : layer.x + w] = layer.pixels * white
    np.testing.assert_allclose(laid[27:53, 37:63, :3], scene[22:48, 12:38], atol=2)
    assert laid[40, 50, 3] == 255
    assert not laid[:25].any()
    nowhere = borrowed_layer(own, other, ~shown, np.ones((4, 4, 3), np.float32))
    assert nowhere.pixels.shape == (1, 1, 4)


def test_skin_takes_the_photo_s_light_and_teeth_keep_their_white(photo: OpenPhoto) -> None:
    skin, its_skin = np.array([200, 120, 90]), np.array([150, 120, 120])
    here, there = (np.full((64, 64, 3), color, np.uint8) for color in (skin, its_skin))
    there[24:40, 24:40] = 140  # teeth
    alike = np.ones((64, 64), bool)
    alike[20:44, 20:44] = False
    frame = square(0, 0, 64)
    own = dataclasses.replace(photo, pixels=here, frame=frame)
    other = dataclasses.replace(photo, pixels=there, frame=frame)
    gain = tone(own, other, alike)
    middle, between, corner = gain[128, 128], gain[88, 128], gain[2, 2]
    np.testing.assert_allclose(corner * its_skin, skin, atol=2)
    np.testing.assert_allclose(between * its_skin, skin, atol=2)  # beside the teeth: no ring
    np.testing.assert_allclose(middle, middle.mean(), rtol=0.01)


def test_borrowed_eyes_leave_the_brows_alone(editor: Editor, photo: OpenPhoto) -> None:
    brows, eyes = (editor.engine.indices(editor.bundle.groups[name]) for name in ("brows", "eyes"))
    (skin,) = editor.engine.indices(["skin"])
    its = np.where(np.isin(photo.labels, [*brows, *eyes]), skin, photo.labels)
    moved = np.roll(photo.labels, -10, axis=0)  # the other's eyes reach this one's brows
    its[np.isin(moved, eyes)] = moved[np.isin(moved, eyes)]
    other = dataclasses.replace(photo, labels=its, pixels=255 - photo.pixels)
    result = editor.borrow(photo, other, editor.bundle.groups["eyes"], options=Optimisation(0))
    shown = laid_over(photo.pixels[..., :3], result.layer)
    changed, valid = extract(np.abs(shown.astype(int) - photo.pixels[..., :3]), photo.frame, 128)
    own_brows = np.isin(photo.labels, brows)
    inner = cv2.erode(own_brows.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert inner.any()
    assert (changed[inner & valid] == -1).all()
    assert (changed[np.isin(photo.labels, eyes)] > -1).any()


@pytest.mark.parametrize("take", ["look", "shape"])
def test_borrowing_changes_only_the_region(editor: Editor, photo: OpenPhoto, take: str) -> None:
    part = a_small_part(editor, photo)
    other = dataclasses.replace(photo, labels=np.roll(photo.labels, 2, axis=0))
    result = editor.borrow(photo, other, [part], take, Optimisation(2))
    assert result.parts == (part,)
    clear = result.layer.pixels[..., 3] == 0
    y, x = result.layer.y, result.layer.x
    own = photo.pixels[y : y + len(clear), x : x + clear.shape[1], :3]
    np.testing.assert_array_equal(result.layer.pixels[..., :3][clear], own[clear])
    assert (laid_over(photo.pixels[..., :3], result.layer) != photo.pixels[..., :3]).any()
    with pytest.raises(UnknownPart):
        editor.borrow(photo, other, ["antenna"], options=Optimisation(1))
