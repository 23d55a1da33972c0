"""One editor with the built-in bundle, and the shipped portrait, opened once."""

from pathlib import Path

import pytest

from backend.bundles import find_bundle
from backend.editing.editor import Editor, OpenPhoto
from backend.training.dataset import read_rgb


@pytest.fixture(scope="session")
def editor() -> Editor:
    return Editor(find_bundle("faces"))


@pytest.fixture(scope="session")
def photo(editor: Editor) -> OpenPhoto:
    pixels = read_rgb(Path("assets/portrait.png"))
    return editor.open(pixels, editor.find_subjects(pixels)[0].frame)
