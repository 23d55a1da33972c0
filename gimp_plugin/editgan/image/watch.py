"""Watching the part layers while somebody paints on them."""

from __future__ import annotations

import time

from gi.repository import Gimp

from image import part_layers, photos, state
from link.errors import PlugInError
from link.texts import _
from protocol.messages import PaintedPart

ALL_S = 2.0  # how often layers are read that are not selected: scripts change those, brushes do not
_PATIENCE = 4  # a look at large layers may take a while: it is worth this many times itself of rest

Place = tuple[object, ...]


class Watch:
    """Reads the part layers and tells when they have changed.

    One look costs little: the selected layers are read again, the others only when they have been
    moved, masked or renamed, or from time to time.
    """

    def __init__(
        self, image: Gimp.Image, photo: photos.PhotoLayer, subject: state.SubjectRecord
    ) -> None:
        self._image, self._photo, self._subject = image, photo, subject
        self._seen: dict[int, tuple[Place, PaintedPart | None]] = {}
        self._all_read = 0.0
        self._rested = 0.0

    def changed(self) -> list[PaintedPart] | None:
        """What is painted, topmost first; None if it is what it was the last time, or too early.

        Raises PlugInError when there are no part layers any more.
        """
        begin = time.monotonic()
        if begin < self._rested:
            return None
        group = part_layers.find_group(self._image, self._subject.subject)
        if group is None:
            self._seen = {}
            raise PlugInError(_("The part layers are gone: undo that, or close this window."))
        seen = self._look(part_layers.part_layers(group), begin)
        same = list(seen.items()) == list(self._seen.items())
        self._seen = seen
        now = time.monotonic()
        self._rested = now + _PATIENCE * (now - begin)
        return None if same else [part for _place, part in seen.values() if part is not None]

    def forget(self) -> None:
        """Read everything the next time, at once."""
        self._all_read = self._rested = 0.0

    def _look(
        self, layers: list[Gimp.Layer], now: float
    ) -> dict[int, tuple[Place, PaintedPart | None]]:
        everything = now - self._all_read > ALL_S
        self._all_read = now if everything else self._all_read
        selected = {layer.get_id() for layer in self._image.get_selected_layers()}
        seen = {}
        for layer in layers:
            number, place = layer.get_id(), _place(layer)
            before = self._seen.get(number)
            if everything or number in selected or before is None or before[0] != place:
                before = place, part_layers.read_part(self._photo, layer, self._subject)
            seen[number] = before
        return seen


def _place(layer: Gimp.Layer) -> Place:
    """What counts about a layer besides its pixels."""
    mask = layer.get_mask() if layer.get_apply_mask() else None
    size = layer.get_width(), layer.get_height()
    return layer.get_name(), *tuple(layer.get_offsets())[1:], *size, mask and mask.get_id()
