"""The paint that covers a photo, out of sight for a while."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gi.repository import Gimp

from image import layers, state
from image.no_trace import no_trace


class Covering:
    """`lift` the paint off the photo, then `put_back` what was seen before; no trace is left."""

    def __init__(self, image: Gimp.Image) -> None:
        self._image = image
        self._lifted: list[Gimp.Layer] = []

    def lift(self, subjects: Iterable[int]) -> None:
        """Hide these subjects' part layers, and where the model is unsure of them; nothing happens
        where they are hidden already.
        """
        wanted = set(subjects)
        seen = [one for one in self._covering(wanted) if one.get_visible()]
        self._show(seen, False)
        self._lifted += seen

    def put_back(self) -> None:
        lifted, self._lifted = self._lifted, []
        self._show([layer for layer in lifted if layer.is_valid()], True)

    def _covering(self, subjects: set[int]) -> Iterator[Gimp.Layer]:
        for layer in layers.walk(self._image.get_layers()):
            for name in (state.GROUP, state.UNSURE):
                mark = state.recall(layer, name, state.GroupMark)
                if mark is not None and mark.subject in subjects:
                    yield layer

    def _show(self, covering: list[Gimp.Layer], visible: bool) -> None:
        if not covering:
            return
        with no_trace(self._image):
            for layer in covering:
                layer.set_visible(visible)
        Gimp.displays_flush()
