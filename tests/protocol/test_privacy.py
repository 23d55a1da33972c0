"""What lies below the data folder is the user's own, whatever the umask says."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from backend_harness import CHECKOUT, COMMAND, Backend, segment
from edit_library import Library
from protocol import keys, launch, messages, paths, settings
from protocol.errors import BackendError
from protocol.settings import Settings


@pytest.fixture(params=[0o000, 0o022])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    old = os.umask(request.param)
    yield request.param
    os.umask(old)


def open_to_others(folder: Path) -> list[str]:
    """What anybody but its owner could read, enter or change."""
    everything = [folder, *folder.rglob("*")]
    return [
        str(path) for path in everything if path.lstat().st_mode & 0o077 and not path.is_symlink()
    ]


def test_a_backend_at_work(tmp_path: Path, umask: int, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "not yet" / "home"
    monkeypatch.setenv("EDITGAN_HOME", str(home))
    backend = Backend(COMMAND)
    try:
        with backend.connect() as connection:
            connection.request(segment())
            vector = np.ones((4, 8), np.float32)
            library = Library(paths.library_dir())
            library.save("small", "mine", vector, generator_sha="a" * 64, parts=["hair"])
            connection.request(messages.SetFavourite("small", "mine", True))
            connection.request(messages.RenameEdit("small", "mine", "yours"))
            connection.request(messages.DeleteEdit("small", "yours"))
            assert open_to_others(home) == []
    finally:
        backend.kill()


def test_settings_keys_and_libraries(home: Path, umask: int) -> None:
    settings.save(Settings())
    keys.own("client")
    picture = np.zeros((9, 9, 3), np.uint8)
    vector = np.ones((4, 8), np.float32)
    Library(paths.library_dir()).save(
        "faces", "a", vector, generator_sha="a" * 64, parts=["hair"], before=picture, after=picture
    )
    assert [path for path in open_to_others(home) if path != str(home)] == []


def test_what_is_exported_is_an_ordinary_file(home: Path, tmp_path: Path, umask: int) -> None:
    library = Library(paths.library_dir())
    vector = np.ones((4, 8), np.float32)
    library.save("faces", "a", vector, generator_sha="a" * 64, parts=["hair"])
    file = library.export("faces", "a", tmp_path / "a.editgan")
    assert file.stat().st_mode & 0o777 == 0o666 & ~umask


def test_folders_of_an_earlier_version_are_closed(home: Path) -> None:
    for name in ("library", "logs", "cache"):
        (home / name).mkdir(mode=0o755)
    backend = Backend(COMMAND)
    try:
        backend.connect().close()
        for name in ("library", "logs", "cache", "run"):
            assert (home / name).stat().st_mode & 0o777 == 0o700
    finally:
        backend.kill()


def _file_as_home(home: Path) -> None:
    home.rmdir()
    home.write_text("a file")


def _folder_as(name: str) -> object:
    return lambda home: (home / name).mkdir(parents=True)


def _file_as(name: str) -> object:
    return lambda home: (home / name).write_text("")


START_UP = {
    "a file as home": _file_as_home,
    "a file as run": _file_as("run"),
    "a file as logs": _file_as("logs"),
    "a folder as lock": _folder_as("run/backend.lock"),
    "a folder as connection file": _folder_as("run/connection.json"),
    "a folder as socket": _folder_as("run/jobs.sock"),
    "a folder as log": _folder_as("logs/backend.log"),
}


@pytest.mark.parametrize("name", START_UP)
def test_start_up_faults_are_told_in_a_sentence(home: Path, name: str) -> None:
    START_UP[name](home)  # type: ignore[operator]
    command = [COMMAND[0], "-m", "backend.cli", "serve", "--idle", "5"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=240)
    said = done.stderr.strip()
    assert done.returncode == 2 and said.startswith("editgan: "), said
    assert "\n" not in said and str(home) in said and said.endswith(".")


def test_the_client_hears_that_sentence(home: Path) -> None:
    (home / "run" / "backend.lock").mkdir(parents=True)
    command = [COMMAND[0], "-m", "backend.cli", "serve"]
    with pytest.raises(BackendError, match=r"cannot work in .*run") as caught:
        launch.ensure_backend(command, cwd=CHECKOUT, timeout=240)
    assert caught.value.code == "backend_failed"
