"""Who a face is, and whether it smiles with its eyes open: as the built-in bundle sees it."""

import numpy as np
import pytest

from backend.editing.editor import Editor, OpenPhoto, ScaledEdit
from backend.editing.expression import SeenFace
from backend.errors import BadImage
from backend.photos.align import CropFrame
from edit_library.library import Library


@pytest.fixture(scope="module")
def face(editor: Editor, photo: OpenPhoto) -> SeenFace:
    return editor.recognise(photo.pixels, photo.frame)


def with_edit(editor: Editor, photo: OpenPhoto, name: str) -> np.ndarray:
    """The photo with a preset at its full strength."""
    edit = Library.for_presets().get(editor.bundle.name, name)
    layer = editor.apply(photo, [ScaledEdit(edit.vector, edit.info.parts, edit.info.high)]).layer
    out = photo.pixels.astype(np.float32)
    h, w = layer.pixels.shape[:2]
    alpha = layer.pixels[..., 3:].astype(np.float32) / 255
    view = out[layer.y : layer.y + h, layer.x : layer.x + w]
    view[:] = layer.pixels[..., :3] * alpha + view * (1 - alpha)
    return np.round(out).astype(np.uint8)


def with_skin_over(photo: OpenPhoto, parts: tuple[str, ...]) -> np.ndarray:
    out = photo.pixels.copy()
    skin = next(part for part in photo.parts if part.name == "skin")
    h, w = skin.alpha.shape
    tone = np.median(out[skin.y : skin.y + h, skin.x : skin.x + w][skin.alpha > 200], axis=0)
    for part in photo.parts:
        if part.name in parts:
            h, w = part.alpha.shape
            out[part.y : part.y + h, part.x : part.x + w][part.alpha > 64] = tone
    return out


def test_a_smile_is_seen(editor: Editor, photo: OpenPhoto, face: SeenFace) -> None:
    assert face.smile is not None
    smiling = editor.recognise(with_edit(editor, photo, "smile"), photo.frame)
    assert smiling.smile > face.smile + 0.1


def test_closed_eyes_are_seen(editor: Editor, photo: OpenPhoto, face: SeenFace) -> None:
    assert face.eyes is not None
    closed = editor.recognise(with_edit(editor, photo, "closed-eyes"), photo.frame)
    assert closed.eyes < 0.1
    one = editor.recognise(with_skin_over(photo, ("left eye",)), photo.frame)
    assert one.eyes < face.eyes - 0.2


def test_the_same_person_is_known_again(editor: Editor, photo: OpenPhoto, face: SeenFace) -> None:
    assert np.isclose(np.linalg.norm(face.identity), 1, atol=1e-5)
    smiling = editor.recognise(with_edit(editor, photo, "smile"), photo.frame)
    strangers = [editor.open_sample(seed) for seed in (1, 2, 3)]
    others = [editor.recognise(one.pixels, one.frame).identity for one in strangers]
    alike = float(face.identity @ smiling.identity)
    assert alike > 0.6 > max(float(face.identity @ other) for other in others)


def test_without_a_parser_only_the_person_is_told(small: Editor) -> None:
    """The small bundle has neither parser nor identity network."""
    pixels = np.full((64, 64, 3), 90, np.uint8)
    frame = CropFrame.from_axes(np.array([32.0, 32.0]), np.array([30.0, 0.0]))
    seen = small.recognise(pixels, frame)
    assert (seen.identity, seen.eyes, seen.smile) == (None, None, None)


def test_a_frame_beside_the_photo_is_refused(editor: Editor, photo: OpenPhoto) -> None:
    with pytest.raises(BadImage):
        editor.recognise(photo.pixels, photo.frame.shifted(5000, 0))
