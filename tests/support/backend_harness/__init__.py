"""A real backend process with a small engine, and requests for it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocol import messages as m
from protocol import paths
from protocol.client import Connection
from protocol.errors import BackendError

CHECKOUT = Path(__file__).resolve().parents[3]
PROGRAM = Path(__file__).with_name("small_backend.py")
COMMAND = [sys.executable, str(PROGRAM)]
REAL_COMMAND = [sys.executable, "-m", "backend.cli", "serve", "--device", "cpu"]
PATIENCE_S = 60.0  # for what must happen at all; nothing is timed


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.02)


def connect(check: Callable[[], None] = lambda: None) -> Connection:
    """A connection to the data folder's backend, once it answers; check: called meanwhile."""

    def answers() -> bool:
        check()
        with contextlib.suppress(BackendError), Connection.open(timeout=PATIENCE_S):
            return True
        return False

    wait_until(answers, "the backend's first answer")
    return Connection.open(timeout=PATIENCE_S)


class Backend:
    """The backend process of one data folder, started as its users start it."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.process = subprocess.Popen(command, cwd=CHECKOUT)

    def connect(self) -> Connection:
        return connect(self._has_not_ended)

    def _has_not_ended(self) -> None:
        assert self.process.poll() is None, "the backend ended"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        return (paths.logs_dir() / "backend.log").read_text(encoding="utf-8")


def rgb(width: int, height: int, value: int = 100) -> m.Pixels:
    return m.Pixels(width, height, 3, "u8", bytes([value]) * (width * height * 3))


def told(answer: m.Segmented) -> dict[str, Any]:
    """What the small engine was asked for."""
    found: dict[str, Any] = json.loads(answer.report.verdict)
    return found


def segment(photo: str = "p1", value: int = 100, **changes: object) -> m.Segment:
    """A subject at (30, 20) of a 100 x 80 photo, 40 pixels wide, sent with a border of 10 or so."""
    fields: dict[str, object] = {
        "bundle": "small",
        "photo": photo,
        "quad": (30.0, 20.0, 30.0, 60.0, 70.0, 60.0, 70.0, 20.0),
        "rect": (20, 10, 60, 58),
        "pixels": rgb(60, 58, value),
        "width": 100,
        "height": 80,
    }
    return m.Segment(**{**fields, **changes})


def repaint(part: str, steps: int = 5, photo: str = "p1") -> m.Repaint:
    alpha = m.Pixels(4, 2, 1, "u8", bytes([255] * 8))
    return m.Repaint(photo, [m.PaintedPart(part, (33, 21, 4, 2), alpha)], steps)


def live(part: str, steps: int = 5, photo: str = "p1", **changes: object) -> m.LiveRepaint:
    request = repaint(part, steps, photo)
    return m.LiveRepaint(photo, request.layers, steps, **changes)


def error_of(connection: Connection, request: m.JobRequest) -> BackendError:
    """The error that a request ends with."""
    with pytest.raises(BackendError) as caught:
        connection.request(request)
    assert caught.value.message.endswith((".", "?")), "a sentence for the user"
    return caught.value
