"""Numbers by which an image's records know its layers.

Kept in the layers themselves: GIMP's own (tattoos) are dealt anew when an image is duplicated.
"""

from __future__ import annotations

import secrets

from gi.repository import Gimp

from image.layers import walk

_NAME = "editgan-number"
_FLAGS = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
_LIMIT = 1 << 52  # JSON numbers are exact below 2^53


def of(layer: Gimp.Layer) -> int:
    """The layer's number, a new one (which is not kept yet) if it has none of its own."""
    number = _kept(layer)
    if number is not None and find(layer.get_image(), number) == layer:
        return number
    return secrets.randbelow(_LIMIT)


def keep(layer: Gimp.Layer, number: int) -> None:
    """Write the number into the layer; undone with the step that it is called in."""
    if _kept(layer) != number:
        layer.attach_parasite(Gimp.Parasite.new(_NAME, _FLAGS, str(number).encode("ascii")))


def find(image: Gimp.Image, number: int) -> Gimp.Layer | None:
    """The layer of that number; the lowest, if the user has duplicated it."""
    found = [layer for layer in walk(image.get_layers()) if _kept(layer) == number]
    return found[-1] if found else None


def _kept(layer: Gimp.Layer) -> int | None:
    parasite = layer.get_parasite(_NAME)
    text = bytes(parasite.get_data()).decode("ascii", "replace") if parasite else ""
    return int(text) if text.isdecimal() else None
