"""Finding the backend's program and starting it; what happens then is in tests/server."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from protocol import launch, paths, processes
from protocol.errors import BackendError


def error_of(command: list[str] | None) -> BackendError:
    with pytest.raises(BackendError) as caught:
        launch.ensure_backend(command, timeout=20)
    return caught.value


def test_nothing_installed_says_what_to_run(home: Path) -> None:
    error = error_of(None)
    assert error.code == "backend_missing"
    assert "install.py" in error.message


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"python": 5}', '{"python": "/no/such/file"}'])
def test_a_damaged_installation_says_so_too(home: Path, text: str) -> None:
    paths.install_file().write_text(text)
    assert error_of(None).code == "backend_missing"


def test_the_installed_program_is_found(home: Path) -> None:
    paths.install_file().write_text(json.dumps({"python": sys.executable}))
    assert launch.installed_command() == [sys.executable, "-m", "backend.cli", "serve"]
    program = home / "editgan"
    program.touch()
    content = {"python": sys.executable, "editgan": str(program)}
    paths.install_file().write_text(json.dumps(content))
    assert launch.installed_command() == [str(program), "serve"]


def test_a_program_that_cannot_run(home: Path) -> None:
    error = error_of([str(home / "nothing")])
    assert error.code == "backend_missing"
    assert "nothing" in error.detail


def test_a_program_that_ends_at_once_gives_its_last_words(home: Path) -> None:
    error = error_of([sys.executable, "-c", "import sys; sys.exit('no torch here')"])
    assert error.code == "backend_failed"
    assert "no torch here" in error.detail
    assert str(paths.logs_dir()) in error.message


def test_a_program_that_is_no_backend(home: Path) -> None:
    assert error_of([sys.executable, "-c", ""]).code == "backend_failed"


def test_the_environment_of_gimp_is_left_behind() -> None:
    given = {
        "PATH": "/bin",
        "HOME": "/home/a",
        "EDITGAN_HOME": "/e",
        "GIT_DIR": "/keep",
        "PYTHONPATH": "/app",
        "PYTHONHOME": "/app",
        "LD_LIBRARY_PATH": "/app",
        "GI_TYPELIB_PATH": "/app",
        "GIMP3_DIRECTORY": "/app",
        "GEGL_PATH": "/app",
        "BABL_PATH": "/app",
    }
    kept = {"PATH": "/bin", "HOME": "/home/a", "EDITGAN_HOME": "/e", "GIT_DIR": "/keep"}
    assert processes.clean_environment(given) == kept
