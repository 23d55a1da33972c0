"""This user's key pairs."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from protocol import keys
from protocol.typed import ProtocolError


def test_keys_are_made_once_and_private(home: Path) -> None:
    pair = keys.own("client")
    assert keys.own("client") == pair
    assert keys.own("server") != pair
    assert stat.S_IMODE((home / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "keys" / "client.json").stat().st_mode) == 0o600
    assert sorted(path.name for path in (home / "keys").iterdir()) == ["client.json", "server.json"]


def test_keys_are_shown_in_hexadecimal_digits(home: Path) -> None:
    public = keys.own("client").public
    shown = keys.to_hex(public)
    assert keys.is_key(shown) and keys.from_hex(shown.upper()) == public
    with pytest.raises(ProtocolError, match="64 hexadecimal"):
        keys.from_hex("12")


@pytest.mark.parametrize("text", ["", "{", '{"public": "x"}'])
def test_damaged_keys_are_told(home: Path, text: str) -> None:
    keys.own("client")
    (home / "keys" / "client.json").write_text(text)
    with pytest.raises(ProtocolError):
        keys.own("client")
