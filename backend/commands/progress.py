"""The progress bar, and Ctrl-C that means "enough"."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any


@contextlib.contextmanager
def enough_on_interrupt(active: bool) -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether Ctrl-C was pressed; pressed again, it interrupts."""
    pressed = threading.Event()
    if not active or threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return

    def on_first(number: int, frame: FrameType | None) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, on_first)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def progress_bar(label: str, *, quiet: bool, keep: bool = False) -> Iterator[Callable[[Any], bool]]:
    """A bar on stderr, if that is a terminal; gives a callback for the editor's Progress.

    keep: Ctrl-C says "enough" instead of interrupting.
    """
    from tqdm import tqdm

    layout = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with (
        enough_on_interrupt(keep) as enough,
        tqdm(
            total=1000,
            desc=label,
            file=sys.stderr,
            disable=quiet or None,
            bar_format=layout,
            leave=False,
        ) as bar,
    ):

        def show(progress: Any) -> bool:
            bar.set_description_str(progress.text or label, refresh=False)
            bar.update(max(0, round(min(progress.fraction, 1.0) * 1000) - bar.n))
            return enough()

        yield show
