"""A small copy of a layer.

GIMP's own thumbnails: `buffer.get` with a scale below 1 gives black pixels in a plug-in, because
its tiles have no smaller versions there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from gi.repository import Gegl, Gimp

from image import precision
from protocol.geometry import Rect
from protocol.messages import Pixels

SIDE = 1024  # px, GIMP's limit: enough to find a face that covers 3 % of the photo's width
_COLOURS = {"LINEAR": ("RGB", "Y"), "NON_LINEAR": ("R'G'B'", "Y'"), "PERCEPTUAL": ("R~G~B~", "Y~")}


def shrunken(layer: Gimp.Layer) -> tuple[Pixels, float]:
    """The layer as R'G'B' u8, at most SIDE pixels on a side, and its pixels per pixel of that.

    Colours are those of an sRGB image, whatever the profile: good for finding, not for showing.
    """
    width, height = layer.get_width(), layer.get_height()
    scale = max(1.0, max(width, height) / SIDE)
    if scale == 1.0:
        return _as_rgb(layer.get_buffer(), width, height), scale
    small = max(1, round(width / scale)), max(1, round(height / scale))
    pixels = of_part(layer, Rect(0, 0, width, height), small)
    return pixels, width / pixels.width


def of_part(layer: Gimp.Layer, rect: Rect, size: tuple[int, int]) -> Pixels:
    """A rectangle of the layer as R'G'B' u8, about `size` pixels large."""
    return _as_rgb(*_thumbnail(layer, rect, size))


def close_up(layer: Gimp.Layer, quad: Sequence[float], share: float, side: int) -> Pixels:
    """The middle of a frame, `share` of its side wide, about `side` pixels large, as R'G'B' u8."""
    half = math.dist(quad[0:2], quad[6:8]) * share / 2
    edges = []
    for axis, end in ((0, layer.get_width()), (1, layer.get_height())):
        middle = sum(quad[axis::2]) / 4
        low = min(max(round(middle - half), 0), end - 1)
        edges.append((low, max(min(round(middle + half), end), low + 1)))
    (left, right), (top, bottom) = edges
    seen = Rect(left, top, right - left, bottom - top)
    scale = side / min(seen.width, seen.height)
    small = max(1, round(seen.width * scale)), max(1, round(seen.height * scale))
    return of_part(layer, seen, small)


def grey(layer: Gimp.Layer, rect: Rect, side: int) -> Pixels:
    """A rectangle of the layer in grey, u8, at most `side` pixels on a side; 0 where nothing shows,
    at least 1 elsewhere.
    """
    scale = min(1.0, side / max(rect.width, rect.height))
    size = max(1, round(rect.width * scale)), max(1, round(rect.height * scale))
    buffer, w, h = _thumbnail(layer, rect, size)
    area = Gegl.Rectangle.new(0, 0, w, h)
    data = buffer.get(area, 1.0, "Y'A u8", Gegl.AbyssPolicy.NONE)
    shown = zip(data[0::2], data[1::2], strict=True)
    return Pixels(w, h, 1, "u8", bytes(max(1, y) if a >= 128 else 0 for y, a in shown))


def _thumbnail(
    layer: Gimp.Layer, rect: Rect, size: tuple[int, int]
) -> tuple[Gegl.Buffer, int, int]:
    """A rectangle of the layer, shrunken to about that size, with its width and height."""
    data, w, h, bpp = layer.get_sub_thumbnail_data(*rect, *size)
    name = _format(layer)
    if Gimp.MINOR_VERSION > 0 or bpp != layer.get_bpp():  # GIMP 3.2 gives displayed colours
        name = {3: "R'G'B' u8", 4: "R'G'B'A u8"}[bpp]
    Gegl.init(None)  # GIMP does it only with a layer's first buffer
    buffer = Gegl.Buffer.new(name, 0, 0, w, h)
    buffer.set(Gegl.Rectangle.new(0, 0, w, h), name, data.get_data())
    return buffer, w, h


def _as_rgb(buffer: Gegl.Buffer, width: int, height: int) -> Pixels:
    area = Gegl.Rectangle.new(0, 0, width, height)
    data = buffer.get(area, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE)
    return Pixels(width, height, 3, "u8", data)


def _format(layer: Gimp.Layer) -> str:
    """babl's name of the layer's own pixel format."""
    kind, curve = precision.of(layer.get_image())
    colour, grey = _COLOURS[curve]
    alpha = "A" if layer.has_alpha() else ""
    return f"{grey if layer.is_gray() else colour}{alpha} {kind.lower()}"
