"""Where an image has a subject's stack: on one layer; in older images also on layers of their own.

Before there was one stack, each repaint and each borrowed part was a layer. Those that can be seen
are entries from now on, and go into the one layer with the next change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gi.repository import Gegl, Gimp

from image import layers, photos, results, state
from image.layer_numbers import find as find_layer
from image.patches import Patch
from image.stacks import STACK, Stack, StackEntry, borrowed, painted
from link.errors import PlugInError
from link.texts import _
from protocol.geometry import Rect
from protocol.messages import Pixels

_PLAIN = (Gimp.LayerMode.NORMAL, Gimp.LayerMode.NORMAL_LEGACY)


@dataclass(frozen=True)
class StackInImage:
    """layer: that holds the stack, None where there is none yet; former: results of their own
    layers whose edits are entries of the stack.
    """

    stack: Stack
    layer: Gimp.Layer | None = None
    former: tuple[Gimp.Layer, ...] = ()

    def below(self, photo: photos.PhotoLayer) -> photos.PhotoLayer:
        """The photo with what lies on it and is none of this stack's."""
        return results.under(photo, self.layer, self.former)


def find(
    image: Gimp.Image, drawables: Sequence[Gimp.Drawable], subject: state.SubjectRecord
) -> StackInImage:
    """The subject's stack and its layer: the selected one, else the uppermost, else an empty one.

    A stack of another generator is left alone: its vectors mean nothing to the present one.
    """
    layer, stack = _written(image, drawables, subject)
    former = list(_former(image, subject))
    entries = _named_apart([entry for _layer, entry in former], stack.entries)
    stack = replace(stack, entries=(*entries, *stack.entries))
    return StackInImage(stack, layer, tuple(one for one, _entry in former))


def stamp(image: Gimp.Image) -> tuple[tuple[int, bool, bytes], ...]:
    """Another one whenever a result in the image was added, changed, hidden or removed: by undo, or
    by another command.
    """
    found = []
    for layer in layers.walk(image.get_layers()):
        if state.is_marked(layer, state.RESULT):
            stack = layer.get_parasite(STACK)
            shown = stack is not None or layer.get_visible()  # a preview hides the stack's own
            found.append((layer.get_id(), shown, bytes(stack.get_data()) if stack else b""))
    return tuple(found)


def _written(
    image: Gimp.Image, drawables: Sequence[Gimp.Drawable], subject: state.SubjectRecord
) -> tuple[Gimp.Layer | None, Stack]:
    for layer in _candidates(image, drawables):
        record = state.recall(layer, state.RESULT, state.EditRecord)
        if record is not None and record.subject == subject.number:
            stack = state.recall(layer, STACK, Stack)
            if stack is not None and stack.sha == subject.sha:
                return layer, stack
    return None, Stack(subject.bundle, subject.sha)


def _candidates(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> Iterator[Gimp.Layer]:
    chosen = [Gimp.Layer.from_mask(d) if d.is_layer_mask() else d for d in drawables]
    for layer in [*(c for c in chosen if c), *layers.walk(image.get_layers())]:
        if state.is_marked(layer, STACK):
            yield layer


def _former(
    image: Gimp.Image, subject: state.SubjectRecord
) -> Iterator[tuple[Gimp.Layer, StackEntry]]:
    """The subject's visible results that are no stacks, the uppermost first."""
    known = {edit.layer for edit in subject.stack}  # of this generator
    for layer in layers.walk(image.get_layers()):
        if state.is_marked(layer, STACK) or not layers.is_shown(layer):
            continue
        try:
            record = state.recall(layer, state.RESULT, state.EditRecord)
        except PlugInError:  # damaged: it stays what it is, a layer
            continue
        if record is None or record.subject != subject.number or record.layer not in known:
            continue
        its_own = find_layer(image, record.layer) == layer and layer.get_mode() in _PLAIN
        if its_own and record.kind in ("repaint", "borrow"):
            yield layer, _entry(image, layer, record, subject)


def _entry(
    image: Gimp.Image, layer: Gimp.Layer, record: state.EditRecord, subject: state.SubjectRecord
) -> StackEntry:
    """A result layer's edit, by its pixels: what the image shows stays what it was."""
    patch = _patch(image, layer, subject)
    borrows = tuple(text.partition("{")[0] for text in ("Borrowed {parts}", _("Borrowed {parts}")))
    if record.kind == "borrow" or record.name.startswith(borrows):  # 0.1 knew repaints only
        made = borrowed(record.name, record.parts, record.vector, patch)
    else:
        made = replace(painted(record.name, record.parts, record.vector), patch=patch)
    return replace(made, scale=layer.get_opacity() / 100, high=1.0)


def _patch(image: Gimp.Image, layer: Gimp.Layer, subject: state.SubjectRecord) -> Patch | None:
    """What a layer shows, in the photo's pixels, its mask applied."""
    photo = find_layer(image, subject.layer)
    if photo is None:
        return None
    width, height = layer.get_width(), layer.get_height()
    deep = photos.is_deep(image)
    kind = "R'G'B'A float" if deep else "R'G'B'A u8"
    area = Gegl.Rectangle.new(0, 0, width, height)
    data = layer.get_buffer().get(area, 1.0, kind, Gegl.AbyssPolicy.NONE)
    pixels = Pixels(width, height, 4, "f32" if deep else "u8", data)
    if (limit := layers.mask_in(layer, area)) is not None:
        pixels = results.covered(pixels, limit)
    (_a, x, y), (_b, photo_x, photo_y) = layer.get_offsets(), photo.get_offsets()
    rect = Rect(x - photo_x, y - photo_y, width, height)
    return Patch(rect, pixels, subject.quad)


def _named_apart(entries: Sequence[StackEntry], others: Sequence[StackEntry]) -> list[StackEntry]:
    """With names that occur once: of several repaints the uppermost is the one that goes on."""
    taken = {entry.name for entry in others}
    found = []
    for entry in entries:
        name, number = entry.name, 2
        while name in taken:
            name, number = f"{entry.name} #{number}", number + 1
        taken.add(name)
        found.append(replace(entry, name=name))
    return found
