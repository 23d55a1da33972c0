"""Places in long work at which those who watch over it may end it, by raising."""

from __future__ import annotations

from collections.abc import Callable

Pause = Callable[[], object]


def no_pause() -> None:
    """For work that nobody ends."""
