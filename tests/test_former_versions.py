"""What version 0.1.0 left on disk is still read: a model, an edit, its file, and the settings.

Its XCF file is opened by tests/gimp/test_former_version.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.bundles import find_bundle
from backend.cli import main
from backend.errors import IncompleteBundle
from edit_library import Library
from protocol import paths, settings

FORMER = Path(__file__).parent / "data" / "former"


def test_an_edit_is_listed_and_applies(home: Path) -> None:
    shutil.copytree(FORMER / "former-edit", paths.library_dir() / "faces" / "former-edit")
    library = Library(paths.library_dir(), presets_dir=home / "no presets")
    (info,) = library.list("faces")
    assert (info.name, info.title, info.parts) == ("former-edit", "Former edit", ("skin",))
    assert (info.low, info.default, info.high) == (-1.5, 1.0, 1.5)
    assert (
        info.before and info.after and "CelebA" in library.get("faces", "former-edit").info.license
    )
    vector = library.get("faces", "former-edit").vector
    assert vector.shape == (12, 256) and vector.dtype == np.float32 and vector.any()
    assert library.broken() == []


def test_settings_keep_every_choice(home: Path) -> None:
    shutil.copy(FORMER / "settings.json", paths.settings_file())
    found = settings.load()
    assert (found.declare_ai, found.level, found.idle_minutes) == (False, "faithful", 60)
    assert found.chosen_remote is not None
    assert (found.chosen_remote.address, found.chosen_remote.key) == (
        "workstation:5570",
        "ab" * 32,
    )


def test_an_exported_edit_is_imported(home: Path) -> None:
    library = Library(paths.library_dir(), presets_dir=home / "no presets")
    info = library.import_file(FORMER / "former-edit.editgan")
    assert (info.name, info.title, info.parts) == ("former-edit", "Former edit", ("skin",))
    shutil.copytree(FORMER / "former-edit", home / "other" / "faces" / "former-edit")
    unpacked = Library(home / "other", presets_dir=home / "no presets")
    one, other = (known.get("faces", "former-edit") for known in (library, unpacked))
    assert np.array_equal(one.vector, other.vector) and one.info == other.info


@pytest.mark.model
def test_a_model_draws_the_same_pictures(home: Path, tmp_path: Path) -> None:
    """And opens no photos, as it has a generator only: that is said in the same way."""
    shutil.copytree(FORMER / "former-bundle", home / "bundles" / "former-bundle")
    out = tmp_path / "out.png"
    assert main(["sample", "--bundle", "former-bundle", "--seed", "3", "-o", str(out)]) == 0
    with Image.open(out) as new, Image.open(FORMER / "former-bundle.png") as old:
        assert new.size == old.size
        assert np.abs(np.asarray(new).astype(int) - np.asarray(old)).max() <= 1
    bundle = find_bundle("former-bundle")
    assert bundle.verify() == [] and bundle.missing == ["encoder", "segmentation"]
    with pytest.raises(IncompleteBundle, match="not yet an encoder and parts"):
        bundle.check_complete()
