"""The presets that ship with the built-in bundle."""

from pathlib import Path

import numpy as np
import pytest

from backend.editing.editor import Editor, OpenPhoto, ScaledEdit
from backend.editing.recipes import FACES
from edit_library.library import Library


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path)


def test_there_is_a_smile_and_three_more(library: Library, editor: Editor) -> None:
    presets = {info.name: info for info in library.list("faces")}
    assert not library.broken("faces")
    assert "smile" in presets and len(presets) >= 4
    assert set(presets) <= {recipe.name for recipe in FACES}
    for info in presets.values():
        config = editor.bundle.config
        info.check_generator(editor.bundle.sha, (config.n_ws, config.w_dim))
        assert info.low < 0 < info.default <= info.high
        assert info.learnt_from >= 2 and info.before and info.after and info.description
        for part in info.parts:
            editor.bundle.part(part)


def test_each_preset_changes_the_picture_more_inside_its_region(
    library: Library, editor: Editor, photo: OpenPhoto
) -> None:
    plain = editor.preview(photo, [ScaledEdit(np.zeros_like(photo.w_plus), (), 0.0)]).crop
    for info in library.list("faces"):
        vector = library.get("faces", info.name).vector
        shown = editor.preview(photo, [ScaledEdit(vector, info.parts, 1.0)])
        change = np.abs(shown.crop.astype(int) - plain).mean(axis=2)
        edited = [editor.bundle.part(name).index for name in info.parts]
        inside = np.isin(photo.labels, edited) | np.isin(shown.labels, edited)
        assert change[inside].mean() > change[~inside].mean() > 0, info.name
