"""Ctrl-C between two steps: the step under way is finished and saved, and nothing is lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def whole_steps() -> Iterator[Callable[[], bool]]:
    """Gives what says whether the user has interrupted; a second Ctrl-C does not wait.

    Raises KeyboardInterrupt at the end where they have.
    """
    deaf = threading.current_thread() is not threading.main_thread()
    if deaf or signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as for jobs in the background
        yield lambda: False
        return
    heard = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        heard = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: heard
    finally:
        signal.signal(signal.SIGINT, before)
    if heard:
        raise KeyboardInterrupt
