"""The stack on the canvas while its dialog is open: a layer that leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gi.repository import Gimp

from image import layers, photos, results
from link.texts import _
from protocol.messages import Edited


class CanvasPreview:
    """previous: the stack's present layer, hidden as long as the preview is shown."""

    def __init__(self, photo: photos.Photo, previous: Gimp.Layer | None) -> None:
        self._photo = photo
        self._previous = previous if previous and previous.get_visible() else None
        self._layer: Gimp.Layer | None = None

    def show(self, edited: Edited) -> None:
        """Replace the preview. Nothing happens where image or photo are gone."""
        photo, image = self._photo, self._photo.image
        if not image.is_valid() or not photo.layer.is_valid():
            return
        rect = edited.layer.rect
        with _no_trace(image):
            self._remove()
            self._layer = layers.new_layer(image, _("EditGAN preview"), rect.moved(*photo.offset))
            cover = photo.cover(rect)
            layers.write(self._layer, results.covered(edited.layer.pixels, cover))
            below = photo.layer
            if self._previous and self._previous.is_valid():
                below = self._previous
                below.set_visible(False)
            image.insert_layer(self._layer, below.get_parent(), layers.position(image, below))
        Gimp.displays_flush()

    def clear(self) -> None:
        """The image as it was."""
        image = self._photo.image
        if not image.is_valid():
            return
        with _no_trace(image):
            self._remove()
            if self._previous and self._previous.is_valid():
                self._previous.set_visible(True)
        Gimp.displays_flush()

    def _remove(self) -> None:
        if self._layer is not None and self._layer.is_valid():
            self._photo.image.remove_layer(self._layer)
        self._layer = None


@contextmanager
def _no_trace(image: Gimp.Image) -> Iterator[None]:
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
