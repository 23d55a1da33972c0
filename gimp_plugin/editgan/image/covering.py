"""The part layers that cover a photo, out of sight for a while."""

from __future__ import annotations

from collections.abc import Iterable

from gi.repository import Gimp

from image import part_layers
from image.no_trace import no_trace


class Covering:
    """`lift` the paint off the photo, then `put_back` what was seen before; no trace is left."""

    def __init__(self, image: Gimp.Image) -> None:
        self._image = image
        self._lifted: list[Gimp.GroupLayer] = []

    def lift(self, subjects: Iterable[int]) -> None:
        """Hide the part layers of these subjects; nothing happens where they are hidden already."""
        groups = [part_layers.find_group(self._image, number) for number in subjects]
        seen = [group for group in groups if group is not None and group.get_visible()]
        self._show(seen, False)
        self._lifted += seen

    def put_back(self) -> None:
        lifted, self._lifted = self._lifted, []
        self._show([group for group in lifted if group.is_valid()], True)

    def _show(self, groups: list[Gimp.GroupLayer], visible: bool) -> None:
        if not groups:
            return
        with no_trace(self._image):
            for group in groups:
                group.set_visible(visible)
        Gimp.displays_flush()
