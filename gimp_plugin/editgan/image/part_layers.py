"""The part group: one layer per part, which the photographer paints on.

Only a layer's alpha at full size counts (and its mask, where it has one). Visibility, opacity and
colour are for looking at. A layer's part is the one it was made for, whatever its name is now;
a layer that the photographer adds counts by its name.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from gi.repository import Gegl, Gimp

from image import layers, photos, state
from link.errors import PlugInError
from link.texts import _
from protocol.geometry import Rect
from protocol.messages import PaintedPart, PartLayer, Pixels

OPACITY = 50.0  # %, so that the photo shows through
MARGIN = 0.5  # of a part's size on each side: room to paint, and scaling stays centred on the part
MIN_MARGIN = 16  # px
BACKGROUND = 0  # part index
_COPY = re.compile(r"(?: copy)?(?: ?#\d+)?$")  # what GIMP adds to a second layer's name


def group_name(bundle: str, subject: int | None = None) -> str:
    """subject: its number, where the photo has several."""
    name = _("EditGAN parts ({bundle})").format(bundle=bundle)
    return name if subject is None else f"{name} {subject}"


def find_group(image: Gimp.Image, subject: int) -> Gimp.GroupLayer | None:
    for layer in layers.walk(image.get_layers()):
        mark = state.recall(layer, state.GROUP, state.Group) if layer.is_group() else None
        if mark is not None and mark.subject == subject:
            return layer
    return None


def build(
    photo: photos.Photo,
    parts: Sequence[PartLayer],
    mark: state.Group,
    within: Rect,
    added: list[Gimp.Layer],
) -> Gimp.GroupLayer:
    """Add the group at the top of the image, the smallest part topmost, the background lowest.

    within: the subject's rectangle; what is painted beyond it would not count.
    """
    image = photo.image
    group = Gimp.GroupLayer.new(image, group_name(mark.bundle))
    image.insert_layer(group, None, 0)
    added.append(group)
    for place, part in enumerate(sorted(parts, key=_depth)):
        layer = _new_layer(photo, part, _with_margin(part.rect, within))
        image.insert_layer(layer, group, place)
        state.keep(layer, state.PART, state.Part(part.name, mark.bundle))
    group.set_opacity(OPACITY)
    state.keep(group, state.GROUP, mark)
    return group


def ensure(
    photo: photos.Photo,
    kept: state.State,
    part: PartLayer,
    order: Sequence[PartLayer],
    added: list[Gimp.Layer],
) -> Gimp.Layer:
    """The part's own layer, made if it has none yet, and its group shown. Other parts get none.

    order: all parts, the topmost first.
    """
    image = photo.image
    group = find_group(image, kept.subject)
    if group is None:
        empty = state.Group(kept.photo, kept.bundle, kept.subject, made=())
        group = build(photo, [], empty, kept.rect, added)
    group.set_visible(True)
    mark = state.recall(group, state.GROUP, state.Group)
    if (found := layer_of(group, part.name)) is not None:
        return found
    layer = _new_layer(photo, part, _with_margin(part.rect, kept.rect))
    rank = {one.name: place for place, one in enumerate(order)}
    above = [
        one
        for one in group.get_children()
        if rank.get(_name_of(one), len(rank)) < rank.get(part.name, 0)
    ]
    image.insert_layer(layer, group, len(above))
    added.append(layer)
    state.keep(layer, state.PART, state.Part(part.name, kept.bundle))
    if mark is not None and mark.made is not None:
        made = tuple(dict.fromkeys((*mark.made, part.name)))
        state.keep(group, state.GROUP, dataclasses.replace(mark, made=made))
    return layer


def made_in(group: Gimp.GroupLayer) -> tuple[str, ...] | None:
    """The parts that were given layers; None: all of them."""
    mark = state.recall(group, state.GROUP, state.Group)
    return mark.made if mark else None


def layer_of(group: Gimp.GroupLayer, part: str) -> Gimp.Layer | None:
    """The layer that was made for a part."""
    for layer in part_layers(group):
        mark = state.recall(layer, state.PART, state.Part)
        if mark is not None and mark.name == part:
            return layer
    return None


def replace(old: Gimp.GroupLayer, new: Gimp.GroupLayer, parts: Sequence[str]) -> None:
    """Remove the group `old` and put `new` where it was.

    What the photographer has put into it and belongs to no part goes above it, it is not ours.
    """
    image, parent = old.get_image(), old.get_parent()
    place = layers.position(image, old)
    image.reorder_item(new, parent, place)
    foreign = [
        layer
        for layer in old.get_children()
        if not state.is_marked(layer, state.PART) and _name_of(layer) not in parts
    ]
    for layer in reversed(foreign):
        image.reorder_item(layer, parent, place)
    image.remove_layer(old)


def read(photo: photos.Photo, group: Gimp.GroupLayer, kept: state.State) -> list[PaintedPart]:
    """What is painted, topmost first; a layer whose paint lies off the subject is left out.

    Raises PlugInError for layers of another bundle.
    """
    mark = state.recall(group, state.GROUP, state.Group)
    if mark is not None and mark.bundle != kept.bundle:
        raise _other_bundle(group.get_name(), mark.bundle, kept.bundle)
    found = (read_part(photo, layer, kept) for layer in part_layers(group))
    return [part for part in found if part is not None]


def part_layers(group: Gimp.GroupLayer) -> list[Gimp.Layer]:
    """The group's layers, those of groups within it too, topmost first."""
    return [layer for layer in layers.walk(group.get_children()) if not layer.is_group()]


def _depth(part: PartLayer) -> tuple[bool, int]:
    return part.index == BACKGROUND, sum(bytes(part.alpha.data))


def _new_layer(photo: photos.Photo, part: PartLayer, room: Rect) -> Gimp.Layer:
    layer = layers.new_layer(photo.image, part.name, room.moved(*photo.offset))
    layers.write(layer, coloured(part, room))
    return layer


def _with_margin(rect: Rect, within: Rect) -> Rect:
    """`rect` grown on all sides, as far as `within` allows."""
    x, y, w, h = rect
    grow_x, grow_y = max(MIN_MARGIN, round(w * MARGIN)), max(MIN_MARGIN, round(h * MARGIN))
    left, top = min(x, max(within.x, x - grow_x)), min(y, max(within.y, y - grow_y))
    right = max(rect.right, min(within.right, rect.right + grow_x))
    bottom = max(rect.bottom, min(within.bottom, rect.bottom + grow_y))
    return Rect.between(left, top, right, bottom)


def coloured(part: PartLayer, room: Rect) -> Pixels:
    """The part's colour all over `room`, with the part's alpha where the part lies."""
    x, y, w, h = part.rect
    left, top, width, height = room
    alpha, source = bytearray(width * height), memoryview(part.alpha.data)
    for row in range(h):
        start = (y - top + row) * width + x - left
        alpha[start : start + w] = source[row * w : (row + 1) * w]
    data = bytearray(width * height * 4)
    for channel, value in enumerate(part.color):
        data[channel::4] = bytes([value]) * (width * height)
    data[3::4] = alpha
    return Pixels(width, height, 4, "u8", data)


def read_part(photo: photos.Photo, layer: Gimp.Layer, kept: state.State) -> PaintedPart | None:
    """What is painted on one layer; None where all of it lies off the subject."""
    name = _part_of(layer, kept.bundle)
    dx, dy = photo.offset
    _found, x, y = layer.get_offsets()
    x, y = x - dx, y - dy
    rect = Rect(x, y, layer.get_width(), layer.get_height()).intersected(kept.rect)
    if rect.is_empty:
        return None
    alpha = _alpha(layer, Gegl.Rectangle.new(*rect.moved(-x, -y)))
    return PaintedPart(name, rect, Pixels(rect.width, rect.height, 1, "u8", alpha))


def _alpha(layer: Gimp.Layer, area: Gegl.Rectangle) -> bytes:
    alpha = layer.get_buffer().get(area, 1.0, "cairo-A8", Gegl.AbyssPolicy.NONE)
    mask = layer.get_mask()
    if mask is None or not layer.get_apply_mask():
        return alpha
    # Only alpha >= 0.5 counts, so the product of both may be taken as their bitwise "and"
    shown = mask.get_buffer().get(area, 1.0, "Y u8", Gegl.AbyssPolicy.NONE)
    half = bytes(0 if value < 128 else 255 for value in range(256))
    both = int.from_bytes(alpha.translate(half)) & int.from_bytes(shown.translate(half))
    return both.to_bytes(len(alpha))


def _part_of(layer: Gimp.Layer, bundle: str) -> str:
    mark = state.recall(layer, state.PART, state.Part)
    if mark is None:
        return _name_of(layer)
    if mark.bundle != bundle:
        raise _other_bundle(layer.get_name(), mark.bundle, bundle)
    return mark.name


def _name_of(layer: Gimp.Layer) -> str:
    """A layer's name without what GIMP adds to that of a copy."""
    return _COPY.sub("", layer.get_name()) or layer.get_name()


def _other_bundle(layer: str, its: str, bundle: str) -> PlugInError:
    return PlugInError(
        _(
            "The layer “{layer}” belongs to the bundle “{its}”, this photo was segmented with "
            "“{bundle}”: remove the layer, or run Segment Parts again."
        ).format(layer=layer, its=its, bundle=bundle),
        "wrong_bundle",
    )
