"""The photo layer: which one it is, and reading its pixels.

Everything that travels is in the photo layer's own pixels, so that moving layers or cropping the
canvas changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

from gi.repository import Gegl, Gimp

from image import frames, layer_numbers, merging, state
from image.glance import turned_meanwhile
from image.layers import alpha_in, check_open, mask_in, walk
from image.patches import LaidPatch
from link.errors import PlugInError
from link.texts import _
from protocol.geometry import Rect
from protocol.messages import PaintedPart, Pixels

NOT_SELECTED = "not_selected"  # code of an error: the selection lies beside the photo
MIN_SIDE = 32  # px: nothing smaller shows a subject


@dataclass(frozen=True)
class PhotoLayer:
    """A layer with a photograph in it.

    results: layers that lie on it and count as part of the photo, lowest first; patches: borrowed
    pixels above those.
    """

    image: Gimp.Image
    layer: Gimp.Layer
    results: tuple[Gimp.Layer, ...] = ()
    patches: tuple[LaidPatch, ...] = ()

    @property
    def width(self) -> int:
        return self.layer.get_width()

    @property
    def height(self) -> int:
        return self.layer.get_height()

    @property
    def offset(self) -> tuple[int, int]:
        """Where the layer's top-left corner lies on the canvas."""
        _found, x, y = self.layer.get_offsets()
        return x, y

    @cached_property
    def number(self) -> int:
        """By which the image's records know the layer."""
        return layer_numbers.of(self.layer)

    def pixels(self, rect: Rect) -> Pixels:
        """The pixels of a rectangle, at the precision that the image needs."""
        x, y, w, h = rect
        if x < 0 or y < 0 or rect.right > self.width or rect.bottom > self.height:
            raise PlugInError(
                _("The subject's frame does not lie in the photo: run Segment Parts again.")
            )
        deep = is_deep(self.image)
        pixel_format = "R'G'B'A float" if deep else "R'G'B' u8"
        with _as_shown(self.layer) as (layer, dx, dy):
            area = Gegl.Rectangle.new(x + dx, y + dy, w, h)
            if self.results or self.patches:
                corner = self.offset[0] + x, self.offset[1] + y
                over = self.results, [replace(p, rect=p.rect.moved(-x, -y)) for p in self.patches]
                data = merging.read(layer, area, over, corner, pixel_format)
            else:
                data = layer.get_buffer().get(area, 1.0, pixel_format, Gegl.AbyssPolicy.NONE)
        return Pixels(w, h, 4, "f32", data) if deep else Pixels(w, h, 3, "u8", data)

    def fingerprint(self, rect: Rect) -> bytes:
        """A digest of what `pixels` reads, taken of the pixels as GIMP stores them: converted to
        float, their last bits depend on the way that babl finds fastest at that moment.
        """
        profile = self.image.get_color_profile()
        sha = hashlib.sha256(profile.get_icc_profile() if profile else b"")
        kind = int(self.image.get_precision()), int(self.image.get_base_type())
        sha.update(repr(kind).encode())
        with _as_shown(self.layer) as (layer, dx, dy):
            sha.update(_stored(layer, rect.moved(dx, dy)))
        on_canvas = rect.moved(*self.offset)
        for result in self.results:
            _found, x, y = result.get_offsets()
            sha.update(repr((result.get_opacity(), int(result.get_mode()))).encode())
            sha.update(_stored(result, on_canvas.moved(-x, -y)))
            if (mask := result.get_mask()) is not None and result.get_apply_mask():
                sha.update(b"mask" + _stored(mask, on_canvas.moved(-x, -y)))
        for patch in self.patches:
            place = patch.rect.moved(-rect.x, -rect.y)
            sha.update(repr((*place, patch.opacity)).encode() + patch.pixels.data)
        return sha.digest()

    def cover(self, rect: Rect) -> bytes | None:
        """How much of the photo shows in a rectangle, by its own alpha and its layer mask, 0..255.

        None where all of it does.
        """
        area = Gegl.Rectangle.new(*rect)
        found = []
        if self.layer.has_alpha():
            found.append(alpha_in(self.layer, area))
        if (mask := mask_in(self.layer, area)) is not None:
            found.append(mask)
        found = [values for values in found if values.count(255) < len(values)]
        if len(found) == 2:
            return bytes((a * b + 127) // 255 for a, b in zip(*found, strict=True))
        return found[0] if found else None

    def selection(self) -> Rect | None:
        """The selection's bounds within the photo; None if nothing is selected.

        Raises PlugInError for a selection beside the photo.
        """
        _found, some, x1, y1, x2, y2 = Gimp.Selection.bounds(self.image)
        if not some:
            return None
        dx, dy = self.offset
        x1, y1 = max(x1 - dx, 0), max(y1 - dy, 0)
        x2, y2 = min(x2 - dx, self.width), min(y2 - dy, self.height)
        if x1 >= x2 or y1 >= y2:
            raise PlugInError(
                _(
                    "The selection lies outside the layer “{layer}”: "
                    "select the subject in it, or choose Select > None."
                ).format(layer=self.layer.get_name()),
                NOT_SELECTED,
            )
        return Rect.between(x1, y1, x2, y2)


def digest(
    photo: PhotoLayer,
    rect: Rect,
    quad: Sequence[float],
    bundle: str,
    level: str,
    corrected: Sequence[PaintedPart],
) -> str:
    """The id of a photo's subject as it was embedded: the same pixels, frame, level and corrected
    parts give the same id, on any machine.

    Images that show one photo but remember other embeddings of it must not meet in the backend.
    """
    sha = hashlib.sha256(photo.fingerprint(rect))
    sha.update(repr((rect.width, rect.height, bundle, level)).encode())
    sha.update(repr([round(float(value), 3) for value in quad]).encode())
    for part in corrected:
        sha.update(repr((part.part, *part.rect)).encode() + part.alpha.data)
    return sha.hexdigest()


def is_deep(image: Gimp.Image) -> bool:
    """Whether u8 sRGB would lose something: more than 8 bits, linear light or another profile."""
    if image.get_precision() != Gimp.Precision.U8_NON_LINEAR:
        return True
    profile = image.get_color_profile()
    return profile is not None and not (
        profile.is_equal(Gimp.ColorProfile.new_rgb_srgb())
        or profile.is_equal(Gimp.ColorProfile.new_d65_gray_srgb_trc())
    )


def find(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> PhotoLayer:
    """The photo that a command is meant for.

    The selected layer, if it is not one of EditGAN's own; else the photo of the last Segment Parts;
    else the lowest visible layer. Raises PlugInError if there is none, or one that cannot be used.
    """
    chosen = next((layer for layer in map(_as_layer, drawables) if layer and _is_own(layer)), None)
    layer = chosen or _remembered(image) or _lowest_visible(image)
    if layer is None:
        raise PlugInError(
            _("This image shows no layer with a photo: show one, or select it, and try again.")
        )
    return checked(image, layer)


def remembered(
    image: Gimp.Image, subject: state.SubjectRecord
) -> tuple[PhotoLayer, state.SubjectRecord]:
    """The photo that a record belongs to, and the record with its frame where the subject is now.

    Raises PlugInError if either is gone.
    """
    layer = layer_numbers.find(image, subject.layer)
    if layer is None:
        raise _deleted()
    return checked(image, layer), frames.carried(image, layer, subject)


def again(
    photo: PhotoLayer, subject: state.SubjectRecord
) -> tuple[PhotoLayer, state.SubjectRecord]:
    """`remembered` for a photo that was opened before a dialog: the image may not know it yet.

    Raises PlugInError if the image was closed meanwhile, too.
    """
    check_open(photo.image)
    layer = photo.layer
    if not layer.is_valid() or layer not in walk(photo.image.get_layers()):
        raise _deleted()
    return checked(photo.image, layer), frames.carried(photo.image, layer, subject)


def check_unmoved(photo: PhotoLayer, subject: state.SubjectRecord) -> None:
    """Raises PlugInError if the image was turned, cropped or closed since the subject was sent."""
    if again(photo, subject)[1] is not subject:
        raise turned_meanwhile()


def _deleted() -> PlugInError:
    return PlugInError(
        _("The photo's layer has been deleted: undo that, or run Segment Parts again.")
    )


def checked(image: Gimp.Image, layer: Gimp.Layer) -> PhotoLayer:
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise PlugInError(
            _(
                "This image has indexed colours, which cannot hold a photo's shades: "
                "choose Image > Mode > RGB first."
            )
        )
    if image.get_floating_sel() is not None:
        raise PlugInError(
            _("There is a floating selection: anchor it (Layer > Anchor Layer) and try again.")
        )
    photo = PhotoLayer(image, layer)
    if min(photo.width, photo.height) < MIN_SIDE:
        raise PlugInError(
            _(
                "The layer “{layer}” measures {width} by {height} pixels; EditGAN needs at least "
                "{least} on each side: choose a larger photo."
            ).format(layer=layer.get_name(), width=photo.width, height=photo.height, least=MIN_SIDE)
        )
    return photo


@contextmanager
def _as_shown(layer: Gimp.Layer) -> Iterator[tuple[Gimp.Layer, int, int]]:
    """The layer with its non-destructive filters applied, and where its old corner lies in it.

    Results lie above the photo, out of its filters' reach, so they must start from what is seen.
    """
    if not any(f.get_visible() for f in layer.get_filters()):
        yield layer, 0, 0
        return
    copy = layer.copy()
    try:
        copy.merge_filters()
        _found, x, y = layer.get_offsets()
        _found, its_x, its_y = copy.get_offsets()
        yield copy, x - its_x, y - its_y
    finally:
        copy.delete()


def _stored(drawable: Gimp.Drawable, rect: Rect) -> bytes:
    """The pixels of a rectangle of the drawable in its own format; 0 outside it."""
    area = Gegl.Rectangle.new(*rect)
    return drawable.get_buffer().get(area, 1.0, None, Gegl.AbyssPolicy.NONE)


def _as_layer(drawable: Gimp.Drawable) -> Gimp.Layer | None:
    if drawable.is_layer_mask():
        return Gimp.Layer.from_mask(drawable)
    return drawable if drawable.is_layer() else None


def _is_own(layer: Gimp.Layer) -> bool:
    """Whether it is the user's own layer of pixels, not a group and none of EditGAN's."""
    return not layer.is_group() and not state.is_ours(layer)


def _remembered(image: Gimp.Image) -> Gimp.Layer | None:
    try:
        subject = state.recall(image, state.STATE, state.SubjectRecord)
    except PlugInError:  # unreadable: Segment Parts must still work, it writes a new one
        return None
    return layer_numbers.find(image, subject.layer) if subject else None


def _lowest_visible(image: Gimp.Image) -> Gimp.Layer | None:
    own = [layer for layer in walk(image.get_layers()) if _is_own(layer) and layer.get_visible()]
    return own[-1] if own else None
