"""Where a running job shows itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from gi.repository import Gimp

from link.progress import View, describe, overall
from protocol.messages import Event, Preview, Progress


class OwnBar(View, Protocol):
    """A progress bar in a window of ours, and its line of text."""

    def prepare(self) -> None:
        """Before a job."""

    def tell(self, text: str) -> None:
        """What became of it."""


_own: OwnBar | None = None


@contextmanager
def within(bar: OwnBar) -> Iterator[None]:
    """Jobs show themselves in a window of ours, from which they were started.

    GIMP's own progress bar has a Cancel that ends the plug-in, and the window with it.
    """
    global _own
    before, _own = _own, bar
    try:
        yield
    finally:
        _own = before


def tell(text: str) -> None:
    """Say what became of a job."""
    if _own is not None:
        _own.tell(text)
    else:
        Gimp.message(text)


@contextmanager
def showing(title: str, *, preview: Gimp.Image | None = None) -> Iterator[View]:
    """A view for the time of a job; preview: the image that is seen in it, in a window."""
    view: View
    if preview is not None:
        view = PreviewView(title, preview)
    elif _own is not None:
        view = _own
        _own.prepare()
        _own.say(title)
    else:
        view = ProgressView(title)
    try:
        yield view
    finally:
        view.close()


class ProgressView:
    """GIMP's own progress bar. Its Cancel button ends the plug-in; the backend notices."""

    def __init__(self, title: str) -> None:
        self.cancelled = threading.Event()
        Gimp.progress_init(title)

    def begin(self, stop: Callable[[bool], None]) -> None:
        pass

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

    def __init__(self, title: str, image: Gimp.Image) -> None:
        from windows.progress_window import ProgressWindow

        self.cancelled = threading.Event()
        self._stop: Callable[[bool], None] | None = None
        self._window = ProgressWindow(title, image, self._stopped)

    def begin(self, stop: Callable[[bool], None]) -> None:
        self._stop = stop
        if not self.cancelled.is_set():
            self._window.begin()

    def say(self, text: str, fraction: float | None = None) -> None:
        self._window.say(text, fraction)

    def show(self, event: Event, span: tuple[float, float]) -> None:
        if isinstance(event, Progress):
            self.say(describe(event), overall(event.fraction, span))
        elif isinstance(event, Preview):
            self._window.show(event)

    def close(self) -> None:
        self._window.close()

    def _stopped(self, keep: bool) -> None:
        if not keep:
            self.cancelled.set()  # jobs that follow end too
        if self._stop:
            self._stop(keep)


class LabelView:
    """A line of text somewhere in a dialog."""

    def __init__(self, set_text: Callable[[str], None]) -> None:
        self.cancelled = threading.Event()
        self._set_text = set_text

    def begin(self, stop: Callable[[bool], None]) -> None:
        pass

    def say(self, text: str, fraction: float | None = None) -> None:
        self._set_text(text)

    def show(self, event: Event, span: tuple[float, float]) -> None:
        if isinstance(event, Progress):
            self.say(describe(event))

    def close(self) -> None:
        self._set_text("")
