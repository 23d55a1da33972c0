"""The uncertainty layer: where the model is unsure which part it sees."""

from __future__ import annotations

from gi.repository import Gimp

from image import layers, photos, state
from link.texts import _
from protocol.messages import Pixels, PlacedMask

COLOUR = (255, 0, 255)  # no face has it
OPACITY = 60.0


def show(
    photo: photos.PhotoLayer, mask: PlacedMask | None, mark: state.GroupMark, added: list[Gimp.Item]
) -> None:
    """Put the mask above the photo's parts as a layer; the subject's older one goes, always."""
    image = photo.image
    for layer in [*layers.walk(image.get_layers())]:
        if (
            old := state.recall(layer, state.UNSURE, state.GroupMark)
        ) and old.subject == mark.subject:
            image.remove_layer(layer)
    if mask is None:
        return
    rect = mask.rect.moved(*photo.offset)
    name = _("Uncertainty ({bundle})").format(bundle=mark.bundle)
    layer = layers.new_layer(image, name, rect, OPACITY)
    image.insert_layer(layer, None, 0)
    added.append(layer)
    data = bytearray(bytes([*COLOUR, 0]) * rect.area)
    data[3::4] = bytes(mask.alpha.data)
    layers.write(layer, Pixels(rect.width, rect.height, 4, "u8", data))
    state.keep(layer, state.UNSURE, mark)
