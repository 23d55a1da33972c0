"""The light path shows what the whole one will do, at the size of a screen."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch.nn.functional as F
from torch import Tensor, nn

from backend.editing.editor import Editor, OpenPhoto, ScaledEdit
from backend.editing.preview.networks import PreviewNetworks
from backend.editing.preview.photo import CLOSEST, LARGEST, PhotoPreviewer, window_around
from backend.models.generator import Generator
from backend.photos.align import extract
from backend.photos.composite import ResultLayer
from backend.photos.label_edit import UNKNOWN, LabelEdit
from edit_library import PRESETS_DIR, Library

SIDE = 128


@pytest.fixture(scope="module")
def edits(editor: Editor) -> list[ScaledEdit]:
    """The bundle's presets, at the scale that they start with."""
    library = Library.for_presets(PRESETS_DIR)
    found = [library.get(editor.bundle.name, i.name) for i in library.list(editor.bundle.name)]
    return [ScaledEdit(e.vector, e.info.parts, e.info.default) for e in found]


@pytest.fixture(scope="module")
def view(editor: Editor, photo: OpenPhoto) -> PhotoPreviewer:
    return editor.view(photo)


def applied(editor: Editor, photo: OpenPhoto, edit: ScaledEdit) -> np.ndarray:
    """The aligned crop of the photo under the whole path's layer, uint8 [SIDE, SIDE, 3]."""
    return under(photo, editor.apply(photo, [edit]).layer)


def under(photo: OpenPhoto, layer: ResultLayer) -> np.ndarray:
    """The aligned crop of the photo under a layer, uint8 [SIDE, SIDE, 3]."""
    shown = photo.pixels.astype(np.float32)
    h, w = layer.pixels.shape[:2]
    place = shown[layer.y : layer.y + h, layer.x : layer.x + w]
    place += layer.pixels[..., 3:] / np.float32(255) * (layer.pixels[..., :3] - place)
    crop, _ = extract(shown.astype(np.uint8), photo.frame, SIDE)
    return np.rint((crop + 1) * 127.5).astype(np.uint8)


@pytest.mark.parametrize("other", ["parts", "painted"])
def test_one_vector_is_not_taken_for_another_edit_of_it(
    editor: Editor, photo: OpenPhoto, edits: list[ScaledEdit], other: str
) -> None:
    edit, labels = edits[0], photo.labels
    largest = int(np.bincount(labels[labels > 0]).argmax())
    parts = (editor.bundle.parts[largest].name,)
    changed = replace(edit, parts=parts)
    if other == "painted":
        claims = np.where(labels == largest, 0, UNKNOWN).astype(np.uint8)
        changed = replace(edit, painted=LabelEdit.unpacked(claims, labels, parts))
    used = editor.view(photo)
    (_picture,) = used.render([[edit]], SIDE)
    (alone,) = editor.view(photo).render([[changed]], SIDE)
    (after,) = used.render([[changed]], SIDE)
    assert np.array_equal(after, alone)


def test_without_edits_it_is_the_photo(view: PhotoPreviewer, photo: OpenPhoto) -> None:
    crop, _ = extract(photo.pixels, photo.frame, SIDE)
    (picture,) = view.render([[]], SIDE)
    assert np.abs(picture - (crop + 1) * 127.5).mean() < 2


def test_it_looks_like_the_whole_path(
    view: PhotoPreviewer, editor: Editor, photo: OpenPhoto, edits: list[ScaledEdit]
) -> None:
    (before,) = view.render([[]], SIDE)
    (light,) = view.render([edits[:1]], SIDE)
    whole = applied(editor, photo, edits[0]).astype(float)
    assert np.abs(light - whole).mean() < 0.25 * np.abs(before - whole).mean() + 1


@pytest.mark.parametrize("sharp", [1 << 20, 1 << 14])
def test_its_layer_for_the_canvas_looks_like_the_whole_paths(
    editor: Editor,
    photo: OpenPhoto,
    edits: list[ScaledEdit],
    sharp: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also one that covers more than `sharp` pixels of a large photo, and is enlarged."""
    monkeypatch.setattr("backend.editing.preview.photo._SHARP", sharp)
    pixels = cv2.resize(photo.pixels, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    large = replace(photo, pixels=pixels, frame=photo.frame.scaled(4))
    layer = editor.view(large).on_photo(edits[:1])
    before, _ = extract(large.pixels, large.frame, SIDE)
    before, draft = (before + 1) * 127.5, under(large, layer)
    whole = applied(editor, large, edits[0])
    change, error = (np.abs(shown - whole.astype(float)).mean() for shown in (before, draft))
    assert error < 0.4 * change


class Larger(nn.Module):
    """A generator whose pictures have four times the side."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, w_plus: Tensor) -> tuple[Tensor, list[Tensor]]:
        image, features = self.generator(w_plus)
        return F.interpolate(image, scale_factor=4, mode="bicubic"), features


def test_a_large_generators_pictures_are_reduced_and_look_alike(
    view: PhotoPreviewer, editor: Editor, photo: OpenPhoto, edits: list[ScaledEdit]
) -> None:
    networks = replace(editor.networks, generator=Larger(editor.networks.generator))
    large = replace(photo, valid=photo.valid.repeat(4, axis=0).repeat(4, axis=1))
    w_plus = editor.engine.tensor(photo.w_plus)
    other = PhotoPreviewer(PreviewNetworks(networks), editor.bundle, large, w_plus)
    assert len(other._before) == 256 < len(large.valid)
    before, expected = view.render([[], edits[:1]], SIDE)
    (found,) = other.render([edits[:1]], SIDE)
    change, error = (np.abs(expected.astype(int) - p).mean() for p in (before, found))
    assert error < 0.25 * change


def test_every_stack_has_its_own_look_and_zero_changes_nothing(
    view: PhotoPreviewer, edits: list[ScaledEdit]
) -> None:
    nothing = ScaledEdit(edits[0].vector, edits[0].parts, 0.0)
    stacks = [[], [nothing], *([e] for e in edits), edits]
    before, zero, *looks = view.render(stacks, SIDE)
    assert np.abs(before.astype(int) - zero).max() <= 2
    assert len({picture.tobytes() for picture in (before, *looks)}) == len(edits) + 2
    alone = next(view.render([[edits[-1]]], SIDE))
    assert np.abs(alone.astype(int) - looks[-2]).max() <= 2  # batches do not mix


def test_closer_it_is_a_part_of_the_whole_with_the_change_in_it(
    view: PhotoPreviewer, edits: list[ScaledEdit]
) -> None:
    before, whole = view.render([[], edits[:1]], LARGEST)
    changed = np.abs(whole.astype(int) - before).max(axis=2) > 8
    (near,) = view.render([edits[:1]], LARGEST, closer=True)
    likeness, width, left, top = max(
        place_of(near, width, whole) for width in range(int(CLOSEST * LARGEST), LARGEST, 8)
    )
    assert likeness > 0.97
    assert changed.sum() == changed[top : top + width, left : left + width].sum() > 0


def place_of(near: np.ndarray, width: int, whole: np.ndarray) -> tuple[float, int, int, int]:
    """Where `near`, made `width` wide, is most like `whole`: likeness, width, left, top."""
    small = cv2.resize(near, (width, width), interpolation=cv2.INTER_AREA)
    found = cv2.matchTemplate(whole, small, cv2.TM_CCOEFF_NORMED)
    _least, likeness, _where, (left, top) = cv2.minMaxLoc(found)
    return likeness, width, left, top


def test_a_window_holds_what_is_shown_and_stays_inside() -> None:
    shown = np.zeros((100, 100), bool)
    assert window_around(shown) == (0, 0, 1)
    shown[2:6, 90:99] = True
    assert window_around(shown) == pytest.approx((1 - CLOSEST, 0, CLOSEST))
    shown[2:80, 40:99] = True
    assert window_around(shown) == pytest.approx((0.22, 0.02, 0.78))


def test_the_order_of_a_stack_does_not_matter(
    view: PhotoPreviewer, edits: list[ScaledEdit]
) -> None:
    one, other = view.render([edits, edits[::-1]], SIDE)
    assert np.abs(one.astype(int) - other).max() <= 2
