"""`editgan serve`: what it is told, and what it tells. That it serves: tests/server."""

from __future__ import annotations

from typing import Any

import pytest
from cli_harness import Run

from backend.server import main
from protocol import keys

KEY = "0123456789ABCDEF" * 4


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the server was started with."""
    calls: list[Any] = []
    monkeypatch.setattr(main, "serve", lambda *a, **k: calls.append((a, k)) or 0)
    return calls


def test_another_computer_is_let_in_by_its_key(run: Run, served: list[Any]) -> None:
    done = run("serve", "--tcp", "0.0.0.0:5570", "--allow", KEY)
    assert done.code == 0
    assert keys.to_hex(keys.own("server").public) in done.err and "GIMP" in done.err
    assert served == [((None, "0.0.0.0:5570", "auto"), {"allowed": [keys.from_hex(KEY)]})]


def test_tcp_without_a_key_says_that_nobody_is_let_in(run: Run, served: list[Any]) -> None:
    assert "--allow KEY" in run("serve", "--tcp", "0.0.0.0").err
    assert served[0][1] == {"allowed": []}


@pytest.mark.parametrize("words", [("--allow", "12"), ("--allow", KEY)])
def test_keys_that_would_do_nothing(run: Run, served: list[Any], words: tuple[str, ...]) -> None:
    done = run("serve", *words)
    assert done.code == 2 and served == []
    assert "64 hexadecimal digits" in done.err or "--tcp" in done.err
