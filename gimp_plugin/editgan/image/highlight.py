"""Parts lit up on the canvas while somebody points at them: layers that leave no trace."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gimp

from image import layers, part_pixels, photos, state
from image.no_trace import no_trace
from link.texts import _
from protocol.messages import PartLayer

_OPACITY = 60.0  # %


class Highlight:
    """`show` some parts of a photo, then `clear`."""

    def __init__(self, photo: photos.PhotoLayer) -> None:
        self._photo = photo
        self._layers: list[Gimp.Layer] = []

    def show(self, parts: Sequence[PartLayer]) -> None:
        """These and no others. Nothing happens where image or photo are gone."""
        image = self._photo.image
        if not image.is_valid() or not self._photo.layer.is_valid():
            return
        offset = self._photo.offset
        with no_trace(image):
            self._remove()
            for part in parts:
                name, rect = _("EditGAN highlight"), part.rect.moved(*offset)
                layer = layers.new_layer(image, name, rect, _OPACITY)
                state.mark_preview(layer)
                layers.write(layer, part_pixels.drawn(part, part.rect, image))
                image.insert_layer(layer, None, 0)
                self._layers.append(layer)
        Gimp.displays_flush()

    def clear(self) -> None:
        image = self._photo.image
        if self._layers and image.is_valid():
            with no_trace(image):
                self._remove()
            Gimp.displays_flush()
        self._layers = []

    def _remove(self) -> None:
        for layer in self._layers:
            if layer.is_valid():
                self._photo.image.remove_layer(layer)
        self._layers = []
