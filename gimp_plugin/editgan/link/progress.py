"""How a running job tells of itself; what shows that is in windows/views.py."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from link.backend_texts import backend_text
from link.texts import _
from protocol.messages import Event, Progress


class View(Protocol):
    """Shows events, on the main thread. `cancelled` may be read from any thread."""

    cancelled: threading.Event

    def begin(self, stop: Callable[[bool], None]) -> None:
        """A job begins; `stop` is to be called when the user has had enough of it.

        stop(True): keep what there is; stop(False): cancel.
        """

    def say(self, text: str, fraction: float | None = None) -> None: ...

    def show(self, event: Event, span: tuple[float, float]) -> None: ...

    def close(self) -> None: ...


def describe(event: Progress) -> str:
    if event.seconds_left is None or event.seconds_left < 1:
        return backend_text(event.text)
    return _("{text} (about {seconds} s left)").format(
        text=backend_text(event.text), seconds=round(event.seconds_left)
    )


def overall(fraction: float, span: tuple[float, float]) -> float:
    low, high = span
    return low + (high - low) * fraction
