"""Repaints that go on while somebody paints, what they show, and parts borrowed elsewhere."""

import dataclasses

import numpy as np
import pytest

from backend.editing.borrow import as_seen_in, borrowed_claims
from backend.editing.editor import Editor, OpenPhoto
from backend.editing.preview import PhotoPreview, laid_over
from backend.editing.progress import Progress
from backend.errors import NothingChanged, UnknownPart
from backend.photos.align import CropFrame, extract
from backend.photos.painted import PaintedLayer


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
    first = editor.follow(photo, painted, steps=3)
    second = editor.follow(photo, painted, steps=1, start=first.delta)
    assert second.report["loss"][0] == pytest.approx(min(first.report["loss"]), rel=1e-3)
    kept = editor.repaint(photo, painted, steps=0, start=first.delta)
    np.testing.assert_array_equal(kept.vector, first.delta)
    assert kept.layer.pixels[..., 3].max() > 0


def test_previews_show_the_photo_itself(editor: Editor, photo: OpenPhoto) -> None:
    shown: list[Progress] = []
    editor.follow(photo, grown(photo, a_small_part(editor, photo)), steps=2, progress=shown.append)
    picture, line = shown[-1].preview(), shown[-1].outline
    assert picture.shape[:2] == line.shape
    crop, _ = extract(photo.pixels, photo.frame, len(picture))
    same = (picture == np.rint((crop + 1) * 127.5).astype(np.uint8)).all(axis=2)
    assert 0.3 < same.mean() < 1
    assert 0 < (line > 0).mean() < 0.1


def test_without_a_change_the_preview_is_the_photo(photo: OpenPhoto) -> None:
    before = photo.rebuilt.transpose(1, 2, 0).clip(-1, 1)
    everywhere = np.ones(before.shape[:2], bool)
    preview = PhotoPreview(photo.pixels, photo.frame, before, everywhere)
    picture = preview.draw(np.rint((before + 1) * 127.5).astype(np.uint8))
    crop, _ = extract(photo.pixels, photo.frame, len(picture))
    assert np.abs(picture - (crop + 1) * 127.5).mean() < 2


def test_a_part_of_the_other_photo_becomes_the_target() -> None:
    own, other = np.zeros((6, 6), np.uint8), np.ones((6, 6), np.uint8)
    own[1:3, 1:3], other[2:5, 2:5] = 2, 2
    known = np.ones((6, 6), bool)
    known[4] = False
    claims = borrowed_claims(own, other, known, [2], ("eyes",))
    either = (own == 2) | (other == 2)
    np.testing.assert_array_equal(claims.changed, either & known)
    np.testing.assert_array_equal(claims.target[claims.changed], other[claims.changed])
    assert (claims.target[~claims.changed] == 0).all()
    with pytest.raises(NothingChanged, match="hat"):
        borrowed_claims(own, other, known, [5], ("hat",))


def test_the_other_subject_is_laid_over_this_one() -> None:
    rows, columns = np.indices((80, 80))
    other = np.stack([rows * 3, columns * 3, rows + columns], axis=2).astype(np.uint8)
    frame = CropFrame(np.array([[10, 20], [10, 50], [40, 50], [40, 20]], float))
    moved = frame.shifted(25, 5)
    laid = as_seen_in(np.zeros((90, 90, 4), np.float32), moved, other, frame)
    assert (laid.shape, laid.dtype) == ((90, 90, 3), np.float32)
    inside = laid[27:53, 37:63] * 255
    np.testing.assert_allclose(inside, other[22:48, 12:38], atol=2)


@pytest.mark.parametrize("take", ["look", "shape"])
def test_borrowing_changes_only_the_region(editor: Editor, photo: OpenPhoto, take: str) -> None:
    part = a_small_part(editor, photo)
    other = dataclasses.replace(photo, labels=np.roll(photo.labels, 2, axis=0))
    result = editor.borrow(photo, other, [part], take=take, steps=2)
    assert result.parts == (part,)
    clear = result.layer.pixels[..., 3] == 0
    y, x = result.layer.y, result.layer.x
    own = photo.pixels[y : y + len(clear), x : x + clear.shape[1], :3]
    np.testing.assert_array_equal(result.layer.pixels[..., :3][clear], own[clear])
    assert (laid_over(photo.pixels[..., :3], result.layer) != photo.pixels[..., :3]).any()
    with pytest.raises(UnknownPart):
        editor.borrow(photo, other, ["antenna"], steps=1)
