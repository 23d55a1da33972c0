"""One editor with the built-in bundle, and the shipped portrait, opened once; and one with a small
bundle of random weights, for what has nothing to do with faces."""

from pathlib import Path

import pytest
from cli_harness import make_bundle

from backend.bundles import find_bundle
from backend.bundles.bundle import read_bundle
from backend.editing.editor import Editor, OpenPhoto
from backend.photos.folder import read_rgb


@pytest.fixture(scope="session")
def editor() -> Editor:
    return Editor(find_bundle("faces"))


@pytest.fixture(scope="session")
def photo(editor: Editor) -> OpenPhoto:
    pixels = read_rgb(Path("assets/portrait.png"))
    return editor.open(pixels, editor.find_subjects(pixels)[0].frame)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Editor:
    """32 pixels, three parts: background, fur, eyes; no identity network."""
    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    make_bundle(folder)
    return Editor(read_bundle(folder))
