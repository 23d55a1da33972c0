"""Changes of an image that nobody can undo and that do not count as unsaved work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gi.repository import Gimp


@contextmanager
def no_trace(image: Gimp.Image) -> Iterator[None]:
    """Nothing inside can be undone, and an image that was saved is still taken for saved."""
    saved = not image.is_dirty()
    chosen = image.get_selected_layers()
    image.undo_freeze()
    try:
        yield
    finally:
        image.set_selected_layers([layer for layer in chosen if layer.is_valid()])
        image.undo_thaw()
        if saved:
            image.clean_all()
