"""Writing layers: one undo step, and nothing left behind when it fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gi.repository import Gegl, Gimp

from image import precision
from link.errors import PlugInError
from link.texts import _
from protocol.geometry import Rect
from protocol.messages import Pixels

FORMATS = {
    ("u8", 3): "R'G'B' u8",
    ("u8", 4): "R'G'B'A u8",
    ("f32", 4): "R'G'B'A float",
}
_TILE = 64  # px, of a layer that is filled with one colour


def check_open(image: Gimp.Image) -> None:
    """Raises PlugInError if the image was closed meanwhile."""
    if not image.is_valid():
        raise PlugInError(
            _("The image was closed meanwhile, so nothing was added: open it and try again.")
        )


@contextmanager
def undo_step(image: Gimp.Image) -> Iterator[list[Gimp.Item]]:
    """Everything inside is one undo step; append added layers and paths to the list.

    On an error those are removed again. Raises PlugInError if the image was closed meanwhile.
    """
    check_open(image)
    added: list[Gimp.Item] = []
    image.undo_group_start()
    try:
        yield added
    except BaseException:
        for item in reversed(added):
            if item.is_valid():
                (image.remove_path if item.is_path() else image.remove_layer)(item)
        raise
    finally:
        image.undo_group_end()
        Gimp.displays_flush()


def new_layer(image: Gimp.Image, name: str, rect: Rect, opacity: float = 100.0) -> Gimp.Layer:
    """A transparent layer, not in the image yet; rect in canvas coordinates."""
    x, y, w, h = rect
    grey = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kind = Gimp.ImageType.GRAYA_IMAGE if grey else Gimp.ImageType.RGBA_IMAGE
    layer = Gimp.Layer.new(image, name, w, h, kind, opacity, Gimp.LayerMode.NORMAL)
    if layer is None:
        raise PlugInError(
            _(
                "GIMP could not make a layer of {width} by {height} pixels: close other images."
            ).format(width=w, height=h)
        )
    layer.set_offsets(x, y)
    layer.set_composite_space(precision.composite_space(image))
    return layer


def write(layer: Gimp.Layer, pixels: Pixels, corner: tuple[int, int] = (0, 0)) -> None:
    """Fill a layer, or its part from a corner on; pixels: RGB or RGBA, sRGB curve."""
    kind, data = _as_stored(layer, pixels)
    buffer = layer.get_buffer()
    buffer.set(Gegl.Rectangle.new(*corner, pixels.width, pixels.height), kind, data)
    buffer.flush()
    layer.update(*corner, pixels.width, pixels.height)


def flood(layer: Gimp.Layer, color: bytes) -> None:
    """Fill a layer with one colour; color: R'G'B'A u8, sRGB curve."""
    kind, data = _as_stored(layer, Pixels(_TILE, _TILE, 4, "u8", color * _TILE**2))
    buffer, size = layer.get_buffer(), (layer.get_width(), layer.get_height())
    tile = Gegl.Buffer.new(kind, 0, 0, _TILE, _TILE)
    tile.set(Gegl.Rectangle.new(0, 0, _TILE, _TILE), kind, data)
    buffer.set_pattern(Gegl.Rectangle.new(0, 0, *size), tile, 0, 0)
    buffer.flush()
    layer.update(0, 0, *size)


def _as_stored(layer: Gimp.Layer, pixels: Pixels) -> tuple[str, bytes]:
    kind, data = FORMATS[pixels.dtype, pixels.channels], bytes(pixels.data)
    if pixels.dtype == "u8" and precision.of(layer.get_image())[0] != "U8":
        return kind.replace("u8", "u16"), _doubled(data)
    return kind, data


def mask_in(layer: Gimp.Layer, area: Gegl.Rectangle) -> bytes | None:
    """A layer's mask as 8 bits, 0 beyond it; None where it has none that applies."""
    mask = layer.get_mask()
    if mask is None or not layer.get_apply_mask():
        return None
    return mask.get_buffer().get(area, 1.0, "Y u8", Gegl.AbyssPolicy.NONE)


def alpha_in(layer: Gimp.Layer, area: Gegl.Rectangle) -> bytes:
    """A layer's alpha as 8 bits, 0 beyond it. Where it is stored so it is cut out of the stored
    pixels, which is eight times as fast as GEGL's conversion.
    """
    buffer = layer.get_buffer()
    if layer.has_alpha() and precision.of(layer.get_image())[0] == "U8":
        stored = buffer.get(area, 1.0, None, Gegl.AbyssPolicy.NONE)
        size = layer.get_bpp()  # bytes of a pixel, of which alpha is the last
        return stored[size - 1 :: size]
    return buffer.get(area, 1.0, "cairo-A8", Gegl.AbyssPolicy.NONE)


def _doubled(data: bytes) -> bytes:
    """8 bits as 16: GIMP 3.0 stores wrong colours where it gets 8 bits for an image of 16 whose
    profile is not sRGB's.
    """
    wide = bytearray(2 * len(data))
    wide[0::2] = wide[1::2] = data  # 257 times the value
    return bytes(wide)


def walk(layers: Sequence[Gimp.Layer]) -> Iterator[Gimp.Layer]:
    """All layers, topmost first, groups before their children."""
    for layer in layers:
        yield layer
        if layer.is_group():
            yield from walk(layer.get_children())


def lineage(layer: Gimp.Layer) -> Iterator[Gimp.Layer]:
    """The layer, the group that it lies in, the group of that, and so on."""
    within: Gimp.Layer | None = layer
    while within is not None:
        yield within
        within = within.get_parent()


def is_shown(layer: Gimp.Layer) -> bool:
    """Whether it and all groups that it lies in are visible."""
    return all(one.get_visible() for one in lineage(layer))


def position(image: Gimp.Image, layer: Gimp.Layer) -> int:
    """The layer's place among its siblings, 0 = topmost."""
    return image.get_item_position(layer)
