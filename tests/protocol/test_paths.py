"""Where things are kept."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from protocol import paths


def test_home_variable_wins(home: Path) -> None:
    assert paths.data_dir() == home
    assert paths.connection_file() == home / "run" / "connection.json"
    folders = paths.bundles_dir(), paths.library_dir(), paths.cache_dir(), paths.logs_dir()
    assert [folder.relative_to(home).as_posix() for folder in folders] == [
        "bundles",
        "library",
        "cache",
        "logs",
    ]
    assert list(home.iterdir()) == [], "asking creates nothing"


@pytest.mark.skipif(sys.platform != "linux", reason="XDG is of Linux")
def test_linux_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EDITGAN_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    usual = tmp_path / ".local" / "share" / "editgan"
    assert paths.data_dir() == usual
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/invalid")
    assert paths.data_dir() == usual
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert paths.data_dir() == tmp_path / "data" / "editgan"


def test_other_systems(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EDITGAN_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "darwin")
    assert paths.data_dir() == tmp_path / "Library" / "Application Support" / "editgan"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert paths.data_dir() == tmp_path / "local" / "editgan"


def test_the_run_folder_is_the_owners_alone(home: Path) -> None:
    assert stat.S_IMODE(paths.run_dir().stat().st_mode) == 0o700
    paths.run_dir().chmod(0o755)
    assert stat.S_IMODE(paths.run_dir().stat().st_mode) == 0o700
