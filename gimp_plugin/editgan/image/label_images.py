"""Images that show a model's own picture, with one layer for each part, to be labelled.

As with part layers only alpha counts, and of two layers the upper one. What no layer covers is not
labelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gi.repository import Gimp

from image import layers, part_pixels, state
from link.errors import PlugInError
from link.part_names import part_name
from link.texts import _
from protocol.geometry import Rect
from protocol.messages import Name, PaintedPart, PartLayer, PartToLabel, Pixels, SampleToLabel

_IMAGE, _PART = "editgan-label-image", "editgan-label-part"
_OPACITY = 50.0  # %, so that the picture shows through
# By the image's number: those that this process opened
_displays: dict[int, Gimp.Display | None] = {}


@dataclass(frozen=True)
class LabelImage:
    """Marks the image: of which model it is, and which picture of its label set it shows."""

    bundle: Name
    sample: Name


@dataclass(frozen=True)
class LabelLayer:
    """Marks a layer: for which part it was made, whatever it is called now."""

    part: Name


def show(
    sample: SampleToLabel, parts: Sequence[PartToLabel], bundle: str, title: str
) -> Gimp.Image:
    """Open the picture in a window of its own, with what the model sees on its part layers.

    parts: all of them; later ones, which are smaller as a rule, lie above.
    """
    width, height = sample.pixels.width, sample.pixels.height
    image = Gimp.Image.new(width, height, Gimp.ImageBaseType.RGB)
    image.undo_disable()
    whole = Rect(0, 0, width, height)
    picture = layers.new_layer(image, title, whole)
    layers.write(picture, sample.pixels)
    image.insert_layer(picture, None, 0)
    group = Gimp.GroupLayer.new(image, _("Parts"))
    group.set_opacity(_OPACITY)
    image.insert_layer(group, None, 0)
    seen = {part.name: part for part in sample.parts}
    for index, part in enumerate(parts):
        shown = seen.get(part.name) or _empty(part, index, whole)
        layer = layers.new_layer(image, part_name(part.name), whole)
        layers.write(layer, part_pixels.coloured(shown, whole))
        image.insert_layer(layer, group, 0)
        state.keep(layer, _PART, LabelLayer(part.name))
    state.keep(image, _IMAGE, LabelImage(bundle, sample.sample))
    image.set_selected_layers(group.get_children()[:1])
    image.undo_enable()
    image.clean_all()
    _displays[image.get_id()] = Gimp.Display.new(image)
    return image


def close(image: Gimp.Image) -> None:
    """Close the window of an image that `show` opened; what was found open stays."""
    if image.get_id() not in _displays:
        return
    image.clean_all()
    if display := _displays.pop(image.get_id()):
        display.delete()
    else:  # GIMP has no windows
        image.delete()


def find(bundle: str) -> Gimp.Image | None:
    """The newest open image of a model's pictures."""
    found = [image for image in Gimp.get_images() if _bundle_of(image) == bundle]
    return max(found, key=lambda image: image.get_id(), default=None)


def sample_of(image: Gimp.Image) -> str:
    """Which picture an image shows; raises PlugInError where it is closed."""
    mark = state.recall(image, _IMAGE, LabelImage) if image.is_valid() else None
    if mark is None:
        raise PlugInError(_("The picture was closed: choose Next Picture to paint another one."))
    return mark.sample


def read(image: Gimp.Image) -> list[PaintedPart]:
    """What is painted, the topmost first; raises PlugInError where the image is closed."""
    sample_of(image)
    canvas = Rect(0, 0, image.get_width(), image.get_height())
    found = []
    for layer in _part_layers(image):
        mark = state.recall(layer, _PART, LabelLayer)
        _found, x, y = layer.get_offsets()
        rect = Rect(x, y, layer.get_width(), layer.get_height())
        inside = rect.intersected(canvas)
        if mark is None or inside.is_empty:
            continue
        found.append(
            PaintedPart(mark.part, inside, part_pixels.alpha_of(layer, inside.moved(-x, -y)))
        )
    return found


def choose(image: Gimp.Image, part: str) -> Gimp.Layer | None:
    """Make a part's layer the one that is painted on; None where the user has removed it."""
    for layer in _part_layers(image):
        mark = state.recall(layer, _PART, LabelLayer)
        if mark is not None and mark.part == part:
            image.set_selected_layers([layer])
            Gimp.displays_flush()
            return layer
    return None


def is_painted(image: Gimp.Image) -> bool:
    """Whether anything is painted on any part's layer."""
    return any(part_pixels.shows(part.alpha) for part in read(image))


def note_saved(image: Gimp.Image) -> None:
    """Nothing in it would be lost by closing it."""
    image.clean_all()


def _bundle_of(image: Gimp.Image) -> str | None:
    try:
        mark = state.recall(image, _IMAGE, LabelImage)
    except PlugInError:
        return None
    return mark.bundle if mark else None


def _part_layers(image: Gimp.Image) -> list[Gimp.Layer]:
    return [one for one in layers.walk(image.get_layers()) if state.is_marked(one, _PART)]


def _empty(part: PartToLabel, index: int, whole: Rect) -> PartLayer:
    nothing = Pixels(whole.width, whole.height, 1, "u8", bytes(whole.area))
    return PartLayer(part.name, index, part.color, whole, nothing)
