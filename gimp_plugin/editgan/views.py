"""Where a running job shows itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from gi.repository import Gimp
from texts import _

from protocol.messages import Event, Preview, Progress


class View(Protocol):
    """Shows events, on the main thread. `cancelled` may be read from any thread.

    on_stop: to be called on the main thread when the user has had enough; True: keep what there is.
    """

    cancelled: threading.Event
    on_stop: Callable[[bool], None] | None

    def say(self, text: str, fraction: float | None = None) -> None: ...

    def show(self, event: Event, span: tuple[float, float]) -> None: ...

    def close(self) -> None: ...


class ProgressView:
    """GIMP's own progress bar. Its Cancel button ends the plug-in; the backend notices."""

    on_stop = None

    def __init__(self, title: str) -> None:
        self.cancelled = threading.Event()
        Gimp.progress_init(title)

    def say(self, text: str, fraction: float | None = None) -> None:
        Gimp.progress_set_text(text)
        if fraction is not None:
            Gimp.progress_update(fraction)

    def show(self, event: Event, span: tuple[float, float]) -> None:
        if isinstance(event, Progress):
            self.say(describe(event), overall(event.fraction, span))

    def close(self) -> None:
        Gimp.progress_end()


class PreviewView:
    """A small window with a live preview, a progress bar, Keep and Cancel."""

    on_stop: Callable[[bool], None] | None = None

    def __init__(self, title: str) -> None:
        from progress_window import ProgressWindow

        self.cancelled = threading.Event()
        self._window = ProgressWindow(title, self._stop)

    def say(self, text: str, fraction: float | None = None) -> None:
        self._window.say(text, fraction)

    def show(self, event: Event, span: tuple[float, float]) -> None:
        if isinstance(event, Progress):
            self.say(describe(event), overall(event.fraction, span))
        elif isinstance(event, Preview):
            self._window.show(event)

    def close(self) -> None:
        self._window.close()

    def _stop(self, keep: bool) -> None:
        if not keep:
            self.cancelled.set()
        if self.on_stop:
            self.on_stop(keep)


class LabelView:
    """A line of text somewhere in a dialog."""

    on_stop = None

    def __init__(self, set_text: Callable[[str], None]) -> None:
        self.cancelled = threading.Event()
        self._set_text = set_text

    def say(self, text: str, fraction: float | None = None) -> None:
        self._set_text(text)

    def show(self, event: Event, span: tuple[float, float]) -> None:
        if isinstance(event, Progress):
            self.say(describe(event))

    def close(self) -> None:
        self._set_text("")


def describe(event: Progress) -> str:
    if event.seconds_left is None or event.seconds_left < 1:
        return event.text
    return _("{text} (about {seconds} s left)").format(
        text=event.text, seconds=round(event.seconds_left)
    )


def overall(fraction: float, span: tuple[float, float]) -> float:
    low, high = span
    return low + (high - low) * fraction
