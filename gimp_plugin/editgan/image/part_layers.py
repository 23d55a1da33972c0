"""The part group: one layer per part, which the photographer paints on.

Only a layer's alpha at full size counts (and its mask, where it has one). Visibility, opacity and
colour are for looking at. A layer's part is the one it was made for, whatever its name is now;
a layer that the photographer adds counts by its name.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Sequence

from gi.repository import Gimp

from image import frames, layers, part_pixels, photos, state
from link.errors import PlugInError
from link.texts import _
from protocol.geometry import Rect
from protocol.messages import PaintedPart, PartLayer

OPACITY = 50.0  # %, so that the photo shows through
_FEW = 3  # layers: of fewer it cannot be told whether they or the photo was moved
_SLACK = 0.03  # of the frame's side: a layer that lies farther off was not moved with the photo
_READ = "editgan-read"  # on a group: what its layers held when they were made or last read
_FLAGS = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
_COPY = re.compile(r"(?: copy)?(?: ?#\d+)?$")  # what GIMP adds to a second layer's name


def group_name(bundle: str, subject: int | None = None) -> str:
    """subject: its number, where the photo has several."""
    name = _("EditGAN parts ({bundle})").format(bundle=bundle)
    return name if subject is None else f"{name} {subject}"


def find_group(image: Gimp.Image, subject: int) -> Gimp.GroupLayer | None:
    for layer in layers.walk(image.get_layers()):
        mark = state.recall(layer, state.GROUP, state.GroupMark) if layer.is_group() else None
        if mark is not None and mark.subject == subject:
            return layer
    return None


def hide(image: Gimp.Image, subject: int) -> None:
    """Hide a subject's part layers, so that a result can be seen."""
    if group := find_group(image, subject):
        group.set_visible(False)


def build(
    photo: photos.PhotoLayer,
    parts: Sequence[PartLayer],
    mark: state.GroupMark,
    within: Rect,
    added: list[Gimp.Item],
) -> Gimp.GroupLayer:
    """Add the group at the top of the image. parts: the topmost first.

    within: the subject's rectangle; what is painted beyond it would not count.
    """
    image = photo.image
    group = Gimp.GroupLayer.new(image, group_name(mark.bundle))
    group.set_visible(False)  # else GIMP would merge the group anew with every layer
    image.insert_layer(group, None, 0)
    added.append(group)
    for place, part in enumerate(parts):
        layer = _new_layer(photo, part, part_pixels.with_margin(part.rect, within))
        image.insert_layer(layer, group, place)
        state.keep(layer, state.PART, state.PartMark(part.name, mark.bundle, _rect(photo, layer)))
    group.set_opacity(OPACITY)
    group.set_visible(True)
    state.keep(group, state.GROUP, mark)
    return group


def ensure(
    photo: photos.PhotoLayer,
    subject: state.SubjectRecord,
    part: PartLayer,
    order: Sequence[PartLayer],
    added: list[Gimp.Item],
) -> Gimp.Layer:
    """The part's own layer, made if it has none yet, and its group shown. Other parts get none.

    order: all parts, the topmost first.
    """
    image = photo.image
    group = find_group(image, subject.number)
    if group is None:
        empty = state.GroupMark(
            subject.photo, subject.bundle, subject.number, made=(), quad=subject.quad
        )
        group = build(photo, [], empty, subject.rect, added)
    group.set_visible(True)
    mark = state.recall(group, state.GROUP, state.GroupMark)
    if (found := layer_of(group, part.name)) is not None:
        return found
    layer = _new_layer(photo, part, part_pixels.with_margin(part.rect, subject.rect))
    rank = {one.name: place for place, one in enumerate(order)}
    above = [
        one
        for one in group.get_children()
        if rank.get(_name_of(one), len(rank)) < rank.get(part.name, 0)
    ]
    image.insert_layer(layer, group, len(above))
    added.append(layer)
    mark_of = state.PartMark(part.name, subject.bundle, _rect(photo, layer))
    state.keep(layer, state.PART, mark_of)
    if mark is not None and mark.made is not None:
        made = tuple(dict.fromkeys((*mark.made, part.name)))
        state.keep(group, state.GROUP, dataclasses.replace(mark, made=made))
    return layer


def made_in(group: Gimp.GroupLayer) -> tuple[str, ...] | None:
    """The parts that were given layers; None: all of them."""
    mark = state.recall(group, state.GROUP, state.GroupMark)
    return mark.made if mark else None


def layer_of(group: Gimp.GroupLayer, part: str) -> Gimp.Layer | None:
    """The layer that was made for a part."""
    for layer in part_layers(group):
        mark = state.recall(layer, state.PART, state.PartMark)
        if mark is not None and mark.name == part:
            return layer
    return None


def set_names(group: Gimp.GroupLayer, mark: state.GroupMark, *, several: bool) -> None:
    """Name the group and its layers, with the subject's number where the photo has several.

    Once no other layers have these names: GIMP numbers layers of one name in its own way.
    """
    group.set_name(group_name(mark.bundle, mark.subject if several else None))
    for layer in part_layers(group):
        if part := state.recall(layer, state.PART, state.PartMark):
            layer.set_name(f"{part.name} {mark.subject}" if several else part.name)


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


def read(
    photo: photos.PhotoLayer, group: Gimp.GroupLayer, subject: state.SubjectRecord
) -> list[PaintedPart]:
    """What is painted, topmost first; a layer whose paint lies off the subject is left out.

    Raises PlugInError for layers of another bundle.
    """
    mark = state.recall(group, state.GROUP, state.GroupMark)
    if mark is not None and mark.bundle != subject.bundle:
        raise _other_bundle(group.get_name(), mark.bundle, subject.bundle)
    if mark is not None and mark.quad is not None:
        _check_place(photo, group, mark.quad, subject.quad)
    return list(_all_read(photo, group, subject))


def is_painted(
    photo: photos.PhotoLayer, group: Gimp.GroupLayer, subject: state.SubjectRecord
) -> bool:
    """Whether the layers are others than when they were made or last read for a result.

    True for those of version 0.1, of which that is not known.
    """
    mark = group.get_parasite(_READ)
    said = None if mark is None else bytes(mark.get_data()).decode("ascii", "replace")
    return said is None or said != _digest(_all_read(photo, group, subject))


def note_read(
    photo: photos.PhotoLayer, group: Gimp.GroupLayer, subject: state.SubjectRecord
) -> None:
    """Remember what the layers hold now. Call inside `layers.undo_step`."""
    if group.is_valid():
        _note(group, _all_read(photo, group, subject))


def note_drawn(
    group: Gimp.GroupLayer, parts: Sequence[PartLayer], subject: state.SubjectRecord
) -> None:
    """The same for layers that were just built of these parts, without reading them back."""
    _note(group, (part_pixels.within(part, subject.rect) for part in parts))


def _note(group: Gimp.GroupLayer, painted: Iterable[PaintedPart]) -> None:
    digest = _digest(painted).encode("ascii")
    group.attach_parasite(Gimp.Parasite.new(_READ, _FLAGS, digest))


def _digest(painted: Iterable[PaintedPart]) -> str:
    sha = hashlib.sha256()
    for part in painted:
        sha.update(repr((part.part, part.rect)).encode())
        sha.update(part.alpha.data)
    return sha.hexdigest()


def _all_read(
    photo: photos.PhotoLayer, group: Gimp.GroupLayer, subject: state.SubjectRecord
) -> Iterator[PaintedPart]:
    for layer in part_layers(group):
        if part := read_part(photo, layer, subject):
            yield part


def drawn_for(group: Gimp.GroupLayer) -> str:
    """The id of the photo (see photos.digest) along whose edges the layers were drawn."""
    mark = state.recall(group, state.GROUP, state.GroupMark)
    return mark.photo if mark else ""


def part_layers(group: Gimp.GroupLayer) -> list[Gimp.Layer]:
    """The group's layers, those of groups within it too, topmost first."""
    return [layer for layer in layers.walk(group.get_children()) if not layer.is_group()]


def _new_layer(photo: photos.PhotoLayer, part: PartLayer, room: Rect) -> Gimp.Layer:
    layer = layers.new_layer(photo.image, part.name, room.moved(*photo.offset))
    part_pixels.draw(part, layer, room)
    return layer


def read_part(
    photo: photos.PhotoLayer, layer: Gimp.Layer, subject: state.SubjectRecord
) -> PaintedPart | None:
    """What is painted on one layer; None where all of it lies off the subject."""
    name = _part_of(layer, subject.bundle)
    whole = _rect(photo, layer)
    rect = whole.intersected(subject.rect)
    if rect.is_empty:
        return None
    return PaintedPart(name, rect, part_pixels.alpha_of(layer, rect.moved(-whole.x, -whole.y)))


def _rect(photo: photos.PhotoLayer, layer: Gimp.Layer) -> Rect:
    """Where a layer lies in the photo's pixels."""
    dx, dy = photo.offset
    _found, x, y = layer.get_offsets()
    return Rect(x - dx, y - dy, layer.get_width(), layer.get_height())


def _check_place(
    photo: photos.PhotoLayer, group: Gimp.GroupLayer, before: frames.Quad, now: frames.Quad
) -> None:
    """Raises PlugInError if the part layers were left behind when the photo was moved or turned.

    before, now: the subject's frame when they were made, and where it is now.
    """
    dx, dy = photo.offset
    canvas = Rect(-dx, -dy, photo.image.get_width(), photo.image.get_height())
    near = []
    for layer in part_layers(group):
        mark = state.recall(layer, state.PART, state.PartMark)
        if mark is not None and mark.rect is not None:
            # cropping the image cuts layers off at its edges
            expected = frames.moved(mark.rect, before, now).intersected(canvas)
            found = _rect(photo, layer).intersected(canvas)
            near.append(
                part_pixels.is_near(expected, found, _SLACK * math.dist(now[0:2], now[6:8]))
            )
    if before == now and len(near) < _FEW:
        return  # one or two that were moved are an edit, not left behind
    if near and 2 * sum(near) < len(near):
        raise PlugInError(
            _(
                "The part layers no longer lie on the face: “{layer}” was moved or turned without"
                " them. Undo that, move them along, or run Segment Parts again."
            ).format(layer=photo.layer.get_name())
        )


def _part_of(layer: Gimp.Layer, bundle: str) -> str:
    mark = state.recall(layer, state.PART, state.PartMark)
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
            "The layer “{layer}” belongs to the model “{its}”, but this photo was segmented with "
            "“{bundle}”: remove the layer, or run Segment Parts again."
        ).format(layer=layer, its=its, bundle=bundle),
        "wrong_bundle",
    )
