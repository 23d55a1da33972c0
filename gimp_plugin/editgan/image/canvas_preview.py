"""The stack on the canvas while its dialog is open: a layer that leaves no trace."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gimp

from image import layers, photos, results, state
from image.no_trace import no_trace
from image.strays import Unkept
from link.texts import _
from protocol.messages import ResultLayer


class CanvasPreview:
    """previous: the stack's present layer; over: what else is hidden as long as the preview is
    shown: part layers that lie over it, results that have become entries of the stack.
    """

    def __init__(
        self,
        photo: photos.PhotoLayer,
        previous: Gimp.Layer | None,
        over: Sequence[Gimp.Layer | None] = (),
    ) -> None:
        self._photo = photo
        self._previous = previous
        self._hidden = [one for one in (previous, *over) if one is not None and one.get_visible()]
        self._layer: Gimp.Layer | None = None
        self._lifted: Gimp.Layer | None = None  # what was seen until `show_before`

    def show(self, result: ResultLayer, note: Unkept | None = None) -> None:
        """Replace the preview. Nothing happens where image or photo are gone. note: for whoever
        opens a file that is saved meanwhile.
        """
        photo, image = self._photo, self._photo.image
        if not image.is_valid() or not photo.layer.is_valid():
            return
        rect = result.rect
        with no_trace(image):
            below = self._uncovered()
            self._layer = layers.new_layer(image, _("EditGAN preview"), rect.moved(*photo.offset))
            state.mark_preview(self._layer)
            if note is not None:
                state.keep(self._layer, state.PREVIEW, note)
            cover = photo.cover(rect)
            layers.write(self._layer, results.covered(result.pixels, cover))
            parent, place = below.get_parent(), layers.position(image, below)
            if below == photo.layer:
                place = results.place(photo)
            image.insert_layer(self._layer, parent, place)
        Gimp.displays_flush()

    def show_nothing(self) -> None:
        """The photo without the stack's present layer."""
        if self._photo.image.is_valid() and self._photo.layer.is_valid():
            with no_trace(self._photo.image):
                self._uncovered()
            Gimp.displays_flush()

    def show_before(self, before: bool) -> None:
        """The photo as it was, as long as a key is held; then what was shown again."""
        image = self._photo.image
        shown = (self._layer or self._previous) if before else self._lifted
        if not image.is_valid() or shown is None or not shown.is_valid():
            return
        if before and not shown.get_visible():
            return  # the user has hidden it, and it stays hidden; or a held key comes again
        with no_trace(image):
            shown.set_visible(not before)
        self._lifted = shown if before else None
        Gimp.displays_flush()

    def _uncovered(self) -> Gimp.Layer:
        """Without the preview and the stack's present layer; the layer to lie above."""
        self._remove()
        self._show_hidden(False)
        if self._previous and self._previous.is_valid():
            return self._previous
        return self._photo.layer

    def clear(self) -> None:
        """The image as it was."""
        image = self._photo.image
        if not image.is_valid():
            return
        with no_trace(image):
            self._remove()
            self._show_hidden(True)
        Gimp.displays_flush()

    def _show_hidden(self, visible: bool) -> None:
        for layer in self._hidden:
            if layer.is_valid():
                layer.set_visible(visible)

    def _remove(self) -> None:
        if self._layer is not None and self._layer.is_valid():
            self._photo.image.remove_layer(self._layer)
        self._layer = None
