"""Result layers: right above the photo, so that layers over the photo still apply to them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace

from gi.repository import Gimp

from image import layer_numbers, layers, masks, metadata, photos, state, subjects
from protocol.messages import Edited, Pixels

Added = list[Gimp.Item]


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
    photo: photos.PhotoLayer,
    title: str,
    edited: Edited,
    edit: state.EditRecord,
    subject: state.SubjectRecord,
    added: Added,
    previous: Gimp.Layer | None = None,
) -> Gimp.Layer:
    """Write a result layer and remember its edit. Call inside `layers.undo_step`.

    previous: the result that this one will replace, whose mask goes on.
    """
    image = photo.image
    layer = layers.new_layer(image, title, edited.layer.rect.moved(*photo.offset))
    # Filled first: GIMP kills a plug-in that writes to a layer in a group with locked pixels
    pixels = covered(edited.layer.pixels, photo.cover(edited.layer.rect))
    layers.write(layer, pixels)
    masks.add(layer, pixels)
    if previous is not None:
        masks.take_over(layer, previous)
    image.insert_layer(layer, photo.layer.get_parent(), place(photo))
    added.append(layer)
    edit = replace(edit, layer=layer_numbers.of(layer), subject=subject.number)
    layer_numbers.keep(layer, edit.layer)
    state.keep(layer, state.RESULT, edit)
    metadata.declare(image)
    alive = tuple(e for e in subject.stack if layer_numbers.find(image, e.layer) is not None)
    subjects.keep(image, photo.layer, replace(subject, stack=(*alive, edit)), added)
    return layer


def under(
    photo: photos.PhotoLayer,
    previous: Gimp.Layer | None = None,
    without: Sequence[Gimp.Layer] = (),
) -> photos.PhotoLayer:
    """The photo with the results on it that a new one will lie on, so that it contains them.

    previous: the result that the new one will replace: only what lies below counts then. without:
    results that do not count.
    """
    found = []
    for layer in reversed(_on(photo)):
        if layer == previous:
            break
        edit = state.recall(layer, state.RESULT, state.EditRecord)
        if edit is not None and layers.is_shown(layer) and layer not in without:
            found.append(layer)
    return replace(photo, results=tuple(found), patches=())


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


def place(photo: photos.PhotoLayer) -> int:
    """A new result's place: right above the photo and the results that lie on it already."""
    return layers.position(photo.image, photo.layer) - len(_on(photo))


def _on(photo: photos.PhotoLayer) -> list[Gimp.Layer]:
    """The results that lie right on the photo, topmost first."""
    parent, above = photo.layer.get_parent(), layers.position(photo.image, photo.layer)
    siblings = parent.get_children() if parent else photo.image.get_layers()
    first = above
    while first > 0 and state.is_marked(siblings[first - 1], state.RESULT):
        first -= 1
    return list(siblings[first:above])
