"""Whether a photo is still what it was when people were looked for in it.

GIMP can be worked with meanwhile, and where somebody was found is nowhere in an image that was
flipped, turned, cropped or scaled since.
"""

from __future__ import annotations

from dataclasses import dataclass

from gi.repository import Gimp

from image import thumbnail
from image.layers import check_open
from link.errors import PlugInError
from link.texts import _
from protocol.geometry import Rect
from protocol.messages import Pixels

_SIDE = 48  # px, of the small picture
_DIFFERENT = 4.0  # levels of 255, the mean over that: a brush changes less, any turn more


@dataclass(frozen=True)
class Glance:
    """What a layer looked like; small, and grey."""

    layer: Gimp.Layer
    size: tuple[int, int]
    pixels: Pixels

    @classmethod
    def at(cls, layer: Gimp.Layer) -> Glance:
        size = layer.get_width(), layer.get_height()
        return cls(layer, size, thumbnail.grey(layer, Rect(0, 0, *size), _SIDE))

    def holds(self) -> bool:
        """Whether all in the layer is where it was."""
        now = Glance.at(self.layer)
        pairs = zip(now.pixels.data, self.pixels.data, strict=False)
        far = sum(abs(a - b) for a, b in pairs) / len(self.pixels.data)
        return now.size == self.size and far < _DIFFERENT

    def check(self, image: Gimp.Image) -> None:
        """Raises PlugInError if the image was turned, cropped or closed since."""
        check_open(image)
        if not self.layer.is_valid() or not self.holds():
            raise turned_meanwhile()


def turned_meanwhile() -> PlugInError:
    return PlugInError(
        _("The image was turned, cropped or scaled meanwhile, so nothing was added: try again.")
    )
