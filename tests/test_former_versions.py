"""What version 0.1.0 left on disk is still read: an edit and the settings.

Its XCF file is opened by tests/gimp/test_former_version.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

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
