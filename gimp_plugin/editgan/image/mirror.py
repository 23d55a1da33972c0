"""One brow, eye or ear painted as the other one: what was added and taken away, mirrored."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gi.repository import Gimp

from image import layers, part_pixels, photos
from image.chips import mirrored
from protocol.geometry import Rect
from protocol.messages import PaintedPart, PartLayer, Pixels, Quad

_HALF = 128


def partner(part: PartLayer, parts: Sequence[PartLayer]) -> PartLayer | None:
    """The same part on the other side of the face, if it is there."""
    name = mirrored(part.name)
    return next((p for p in parts if p.name == name and part_pixels.shows(p.alpha)), None)


def write(
    photo: photos.PhotoLayer,
    layer: Gimp.Layer,
    base: tuple[PartLayer, PartLayer],
    painted: PaintedPart,
    quad: Quad,
) -> None:
    """Fill the other side's layer; no undo step of its own: it follows from what was painted.

    base: the painted part and the other one as the photo has them.
    """
    mine, other = base
    dx, dy = photo.offset
    _found, left, top = layer.get_offsets()
    rect = Rect(left - dx, top - dy, layer.get_width(), layer.get_height())
    alpha = reflected(mine, other, painted, rect, _across(quad))
    part = PartLayer(other.name, other.index, other.color, rect, alpha)
    data = bytearray(bytes([*other.color, 0]) * rect.area)
    data[3::4] = bytes(part.alpha.data)
    layers.write(layer, Pixels(rect.width, rect.height, 4, "u8", bytes(data)))


def reflected(
    mine: PartLayer,
    other: PartLayer,
    painted: PaintedPart,
    rect: Rect,
    across: tuple[float, float],
) -> Pixels:
    """The other part over `rect`, with what differs between `painted` and `mine` mirrored into it.

    across: the unit vector from one side of the face to the other.
    """
    (ax, ay), (bx, by) = _middle(mine), _middle(other)
    ex, ey = across
    old, new, its = (_Mask(one.rect, one.alpha) for one in (mine, painted, other))
    left, top, width, height = rect
    values = bytearray(width * height)
    for row in range(height):
        dy = top + row - by
        for column in range(width):
            dx = left + column - bx
            along = dx * ex + dy * ey
            x = round(ax + dx - 2 * along * ex)
            y = round(ay + dy - 2 * along * ey)
            before, after = old.at(x, y), new.at(x, y)
            if (before < _HALF) != (after < _HALF):
                values[row * width + column] = after
            else:
                values[row * width + column] = its.at(left + column, top + row)
    return Pixels(width, height, 1, "u8", bytes(values))


class _Mask:
    """An alpha that can be read anywhere; 0 where it has nothing."""

    def __init__(self, rect: Rect, alpha: Pixels) -> None:
        self._rect, self._data = rect, bytes(alpha.data)

    def at(self, x: int, y: int) -> int:
        left, top, width, height = self._rect
        x, y = x - left, y - top
        return self._data[y * width + x] if 0 <= x < width and 0 <= y < height else 0


def _middle(part: PartLayer) -> tuple[float, float]:
    """The centre of what a part shows, photo pixels."""
    left, top, width, height = part.rect
    data = bytes(part.alpha.data)
    shown = [place for place, value in enumerate(data) if value >= _HALF]
    if not shown:
        return left + width / 2, top + height / 2
    x = sum(place % width for place in shown) / len(shown)
    y = sum(place // width for place in shown) / len(shown)
    return left + x, top + y


def _across(quad: Quad) -> tuple[float, float]:
    """Along the frame's upper edge."""
    dx, dy = quad[6] - quad[0], quad[7] - quad[1]
    length = math.hypot(dx, dy) or 1.0
    return dx / length, dy / length
