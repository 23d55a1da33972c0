"""Result layers: right above the photo, so that layers over the photo still apply to them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace

from gi.repository import Gimp

from image import layer_numbers, layers, masks, metadata, photos, state, subjects
from protocol.messages import Edited, Pixels

Added = list[Gimp.Layer]


def record_of(
    kind: str, name: str, scale: float, refine: int, edited: Edited, bundle: str
) -> state.EditRecord:
    return state.EditRecord(
        kind=kind,
        name=name,
        scale=scale,
        refine=refine,
        parts=edited.parts,
        vector=edited.vector,
        bundle=bundle,
        layer=0,  # known once the layer is in the image
    )


def add(
    photo: photos.Photo,
    title: str,
    edited: Edited,
    edit: state.EditRecord,
    kept: state.State,
    added: Added,
    previous: Gimp.Layer | None = None,
) -> Gimp.Layer:
    """Write a result layer and remember its edit; earlier repaints are hidden by a new one.

    Hidden, not deleted: they are the photographer's. Call inside `layers.undo_step`. previous: the
    result that this one will replace, whose mask goes on.
    """
    image = photo.image
    for earlier in _earlier(image, kept.stack, edit):
        earlier.set_visible(False)
    layer = layers.new_layer(image, title, edited.layer.rect.moved(*photo.offset))
    # Filled first: GIMP kills a plug-in that writes to a layer in a group with locked pixels
    pixels = covered(edited.layer.pixels, photo.cover(edited.layer.rect))
    layers.write(layer, pixels)
    masks.add(layer, pixels)
    if previous is not None:
        masks.take_over(layer, previous)
    image.insert_layer(layer, photo.layer.get_parent(), _place(photo))
    added.append(layer)
    edit = replace(edit, layer=layer_numbers.of(layer), subject=kept.subject)
    layer_numbers.keep(layer, edit.layer)
    layer_numbers.keep(photo.layer, kept.layer)
    state.keep(layer, state.RESULT, edit)
    metadata.declare(image)
    alive = tuple(e for e in kept.stack if layer_numbers.find(image, e.layer) is not None)
    subjects.keep(image, replace(kept, stack=(*alive, edit)))
    return layer


def covered(pixels: Pixels, cover: bytes | None) -> Pixels:
    """A result where the photo is transparent: its alpha times the photo's, or holes would fill."""
    if cover is None:
        return pixels
    if pixels.dtype == "u8":
        data = bytearray(pixels.data)
        data[3::4] = bytes((a * c + 127) // 255 for a, c in zip(data[3::4], cover, strict=True))
        return replace(pixels, data=bytes(data))
    values = array("f", bytes(pixels.data))
    values[3::4] = array("f", (a * c / 255 for a, c in zip(values[3::4], cover, strict=True)))
    return replace(pixels, data=values.tobytes())


def newest(
    image: Gimp.Image, drawables: Sequence[Gimp.Drawable], kept: state.State
) -> state.EditRecord | None:
    """The edit of the selected result layer, else of the last repaint that is still there."""
    for drawable in drawables:
        if edit := state.recall(drawable, state.RESULT, state.EditRecord):
            return edit
    for edit in reversed(kept.stack):
        if edit.kind == "repaint" and layer_numbers.find(image, edit.layer) is not None:
            return edit
    return None


def _earlier(
    image: Gimp.Image, stack: Sequence[state.EditRecord], edit: state.EditRecord
) -> list[Gimp.Layer]:
    repaints = [earlier for earlier in stack if earlier.kind == edit.kind == "repaint"]
    found = [layer_numbers.find(image, earlier.layer) for earlier in repaints]
    return [layer for layer in found if layer is not None and layer.get_visible()]


def _place(photo: photos.Photo) -> int:
    """Right above the photo and the results that lie on it already."""
    parent, place = photo.layer.get_parent(), layers.position(photo.image, photo.layer)
    siblings = parent.get_children() if parent else photo.image.get_layers()
    while place > 0 and state.is_marked(siblings[place - 1], state.RESULT):
        place -= 1
    return place
