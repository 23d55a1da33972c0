"""One EditGAN window for an image: two would each show work of their own on one canvas."""

from __future__ import annotations

import json
from pathlib import Path

from gi.repository import Gimp

from image.no_trace import no_trace
from protocol import connection_file, paths

_MARK = "editgan-window"  # neither saved with the image nor undone
_CALL = ".call"


def call_open(image: Gimp.Image) -> bool:
    """Let the window that is open on the image come to the front; whether there is one."""
    mark = image.get_parasite(_MARK)
    if mark is None:
        return False
    try:
        of, name = json.loads(bytes(mark.get_data()))
        lock = paths.run_dir() / Path(str(name)).name
        # a copy of the image has a copy of the mark, and a GIMP that crashed leaves it behind
        if of != image.get_id() or not connection_file.is_held(lock):
            return False
        lock.with_suffix(_CALL).touch()
    except (OSError, ValueError, TypeError):
        return False
    return True


def mark(image: Gimp.Image, lock: Path) -> None:
    """A window is open on the image as long as the lock is held."""
    data = json.dumps([image.get_id(), lock.name]).encode()
    lock.with_suffix(_CALL).unlink(missing_ok=True)
    with no_trace(image):
        image.attach_parasite(Gimp.Parasite.new(_MARK, 0, data))


def unmark(image: Gimp.Image) -> None:
    if image.is_valid():
        with no_trace(image):
            image.detach_parasite(_MARK)


def is_called(lock: Path) -> bool:
    """Whether the window was asked for since the last time."""
    call = lock.with_suffix(_CALL)
    if not call.exists():
        return False
    call.unlink(missing_ok=True)
    return True
