"""Looking at the image again and again while a window is open."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from gi.repository import GLib


def every(milliseconds: int, look: Callable[[], None]) -> int:
    """Call `look` again and again on the main thread; returns the source's id, for its removal.

    An image can be closed in the middle of a look, and GLib drops a source whose callback raises:
    the window would never learn that its image is gone. So an error ends one look, not all of them.
    """
    told = ""

    def again() -> bool:
        nonlocal told
        try:
            look()
        except Exception:
            if (problem := traceback.format_exc()) != told:  # once, not every quarter of a second
                print(problem, file=sys.stderr)
            told = problem
        return GLib.SOURCE_CONTINUE

    return GLib.timeout_add(milliseconds, again)
