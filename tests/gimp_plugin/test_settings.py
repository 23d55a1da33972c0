"""The settings file: typed, private, and never half written."""

from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path

import pytest

from link import settings
from link.errors import PlugInError
from protocol import paths

OTHER = settings.Settings(declare_ai=False)


def test_defaults_without_a_file(home: Path) -> None:
    assert settings.load() == settings.Settings()
    assert not paths.settings_file().exists()


def test_what_was_saved_is_loaded(home: Path) -> None:
    settings.save(OTHER)
    assert settings.load() == OTHER
    assert stat.S_IMODE(paths.settings_file().stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["settings.json"]


def test_older_files_get_defaults_for_newer_settings(home: Path) -> None:
    paths.settings_file().write_text("{}")
    assert settings.load() == settings.Settings()


@pytest.mark.parametrize("text", ["", "[]", '{"use_remote": "yes"}', '{"remote": 1}', "\x00"])
def test_bad_files_are_named_and_stay(home: Path, text: str) -> None:
    paths.settings_file().write_text(text)
    with pytest.raises(PlugInError, match=r"settings\.json"):
        settings.load()
    assert paths.settings_file().read_text() == text


def test_ill_typed_values_are_not_saved(home: Path) -> None:
    with pytest.raises(PlugInError, match="true or false"):
        settings.save(dataclasses.replace(OTHER, declare_ai="no"))
    assert not paths.settings_file().exists()


def test_full_disk_keeps_the_old_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.save(OTHER)

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(PlugInError, match="No space left"):
        settings.save(settings.Settings())
    assert settings.load() == OTHER
    assert [path.name for path in home.iterdir()] == ["settings.json"]


def test_a_command_that_names_no_level_takes_the_settings(home: Path) -> None:
    assert settings.level("default") == "balanced"
    settings.save(dataclasses.replace(OTHER, level="faithful"))
    assert settings.level("default") == "faithful"
    assert settings.level("balanced") == "balanced"
