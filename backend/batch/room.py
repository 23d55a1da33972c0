"""How many photos a member holds at once, so that its memory is bounded however large they are."""

from __future__ import annotations

import contextlib
import io
import threading
import warnings
from collections.abc import Iterator

from backend.batch.tasks import Task
from backend.photos.formats import open_picture

MOST_PIXELS = 150_000_000  # six photos of 24 megapixels
_OF_8_BITS = ("JPEG", "MPO", "WEBP")
_DEEPER = 3  # times the memory that what may have 16 bits takes, and its crop in floats


class Room:
    """Photos come in while there is room; the largest of all comes in when it is alone."""

    def __init__(self, most: int = MOST_PIXELS) -> None:
        """most: pixels of all photos together, of 8 bits each."""
        self._most = most
        self._taken: list[int] = []
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def of(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for so many pixels, and hold it."""
        with self._changed:
            self._changed.wait_for(lambda: self._fits(pixels))
            self._taken.append(pixels)
        try:
            yield
        finally:
            with self._changed:
                self._taken.remove(pixels)
                self._changed.notify_all()

    def _fits(self, pixels: int) -> bool:
        return not self._taken or sum(self._taken) + pixels <= self._most


def pixels_of(task: Task) -> int:
    """How many pixels of 8 bits a photo takes the room of, by its head; 0 where that cannot be
    read."""
    # What is wrong with it is said when it is read.
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = task.place() if task.data is None else io.BytesIO(task.data)
        with open_picture(source) as picture:
            depth = 1 if picture.format in _OF_8_BITS else _DEEPER
            return picture.width * picture.height * depth
    return 0
