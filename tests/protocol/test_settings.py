"""What settings may hold. How the file is read and written: tests/gimp_plugin/test_settings.py."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from protocol import paths, remote, settings
from protocol.errors import BackendError
from protocol.settings import Remote, Settings, split_address

KEY = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("workstation:5570", ("workstation", 5570)),
        (" 192.168.1.5:1 ", ("192.168.1.5", 1)),
        ("[fe80::1]:5570", ("[fe80::1]", 5570)),
    ],
)
def test_addresses(text: str, parts: tuple[str, int]) -> None:
    assert split_address(text) == parts


@pytest.mark.parametrize(
    "text",
    ["", "host", "host:", ":5570", "host:0", "host:65535", "host:-1", "host:1.5", "::1:5570",
     "tcp://host:5570", "a b:5570", "me@host:5570", "host:٣"],
)  # fmt: skip
def test_what_is_no_address(home: Path, text: str) -> None:
    with pytest.raises(ValueError):
        split_address(text)
    with pytest.raises(BackendError, match="HOST:PORT"):
        settings.save(Settings(remote=Remote(text, KEY)))


@pytest.mark.parametrize("key", ["", "xyz", KEY[:-1], KEY + "0", "g" * 64])
def test_what_is_no_key(home: Path, key: str) -> None:
    with pytest.raises(BackendError, match="64 hexadecimal digits"):
        settings.save(Settings(remote=Remote("host:5570", key)))


@pytest.mark.parametrize(
    "change", [{"idle_minutes": -1}, {"idle_minutes": 20_000}, {"level": "best"}]
)
def test_values_out_of_range(home: Path, change: dict[str, object]) -> None:
    with pytest.raises(BackendError):
        settings.save(dataclasses.replace(Settings(), **change))
    assert not paths.settings_file().exists()


def test_a_remote_that_is_not_used_is_kept(home: Path) -> None:
    kept = Settings(remote=Remote("host:5570", KEY), level="faithful", idle_minutes=0)
    settings.save(kept)
    assert settings.load() == kept
    assert remote.chosen() is None
    settings.save(dataclasses.replace(kept, use_remote=True))
    info = remote.chosen()
    assert info is not None
    assert (info.jobs, info.control) == ("tcp://host:5570", "tcp://host:5571")
    assert info.curve is not None and info.lock is None


def write(text: str) -> None:
    paths.settings_file().write_text(text, encoding="utf-8")


def test_what_a_later_version_added_is_left_aside_and_kept(home: Path) -> None:
    write('{"level": "faithful", "tomorrow": {"a": [1]}}')
    assert settings.load() == Settings(level="faithful")
    settings.save(Settings(idle_minutes=3))
    assert json.loads(paths.settings_file().read_text())["tomorrow"] == {"a": [1]}
    assert settings.load() == Settings(idle_minutes=3)


def test_a_preference_that_does_not_fit_is_the_default(home: Path) -> None:
    write('{"level": "best", "declare_ai": "no", "idle_minutes": 7}')
    assert settings.load() == Settings(idle_minutes=7)
    assert settings.odd_values() == ["declare_ai", "level"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "[" * 100_000, '{"use_remote": 1}', '{"remote": {"address": "a:1"}}', "1e999"],
)
def test_what_must_not_be_guessed(home: Path, text: str) -> None:
    write(text)
    with pytest.raises(BackendError, match="mend or delete"):
        settings.load()
