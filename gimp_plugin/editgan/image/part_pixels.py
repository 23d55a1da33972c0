"""The pixels of a part layer, and the room that it gets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from statistics import median

from gi.repository import Gegl, Gimp

from image import layers
from protocol.geometry import Rect
from protocol.messages import PaintedPart, PartLayer, Pixels

MARGIN = 0.5  # of a part's size on each side: room to paint, and scaling stays centred on the part
MIN_MARGIN = 16  # px
_GREYS = (255, 205, 155)  # of neighbouring parts in a greyscale image
_LINE = 0.004  # of the room's longer side: half the width of an outline
_LINES = 64  # rows and columns in which a part's breadth is measured
_ROUND = 1.25  # of a disc's chords this times the median is more than its diameter
_ANY = re.compile(rb"[^\0]")
_RUN = re.compile(rb"[\x80-\xff]+")
_HALF = bytes(255 if value >= 128 else 0 for value in range(256))


def with_margin(rect: Rect, within: Rect) -> Rect:
    """`rect` grown on all sides, as far as `within` allows."""
    x, y, w, h = rect
    grow_x, grow_y = max(MIN_MARGIN, round(w * MARGIN)), max(MIN_MARGIN, round(h * MARGIN))
    left, top = min(x, max(within.x, x - grow_x)), min(y, max(within.y, y - grow_y))
    right = max(rect.right, min(within.right, rect.right + grow_x))
    bottom = max(rect.bottom, min(within.bottom, rect.bottom + grow_y))
    return Rect.between(left, top, right, bottom)


def draw(part: PartLayer, layer: Gimp.Layer, room: Rect) -> None:
    """Fill the part's new layer, which covers `room`."""
    if layer.is_gray():
        layers.write(layer, outlined(part, room))
        return
    layers.flood(layer, bytes((*part.color, 0)))  # much faster than writing as many pixels
    corner = part.rect.x - room.x, part.rect.y - room.y
    layers.write(layer, coloured(part, part.rect), corner)


def drawn(part: PartLayer, room: Rect, image: Gimp.Image) -> Pixels:
    """What the part's layer holds in an image; it covers `room`."""
    grey = image.get_base_type() == Gimp.ImageBaseType.GRAY
    return outlined(part, room) if grey else coloured(part, room)


def coloured(part: PartLayer, room: Rect) -> Pixels:
    """The part's colour all over `room`, with the part's alpha where the part lies."""
    clear, (_x, _y, width, height) = bytes((*part.color, 0)), part.rect
    data = bytearray(clear)
    data *= width * height  # in place: such an area is copied slowly
    data[3::4] = part.alpha.data
    return Pixels(room.width, room.height, 4, "u8", _placed(bytes(data), clear, part.rect, room))


def outlined(part: PartLayer, room: Rect) -> Pixels:
    """The same for greyscale images, in which no colour tells parts apart: a grey, and black along
    the part's border.
    """
    alpha = _alpha(part, room)
    inside = int.from_bytes(alpha.translate(_HALF))
    inner = inside
    reach = max(1, round(_LINE * max(room.width, room.height)))
    for step in (8 * reach, 8 * reach * room.width):
        inner &= (inside << step) & (inside >> step)
    line = (inside ^ inner).to_bytes(len(alpha))
    grey = _GREYS[part.index % len(_GREYS)]
    shades = line.translate(bytes(0 if value else grey for value in range(256)))
    data = bytearray(len(alpha) * 4)
    for channel in range(3):
        data[channel::4] = shades
    data[3::4] = alpha
    return Pixels(room.width, room.height, 4, "u8", bytes(data))


def breadth(part: PartLayer) -> float:
    """How broad a part is, px: of a tyre its own breadth, not that of the wheel, and of two wheels
    that of one.
    """
    data, (_x, _y, width, height) = bytes(part.alpha.data), part.rect
    rows = (data[y * width : (y + 1) * width] for y in range(0, height, height // _LINES + 1))
    columns = (data[x::width] for x in range(0, width, width // _LINES + 1))
    return min(width, height, *(_ROUND * run for run in (_run(rows), _run(columns)) if run))


def _run(lines: Iterable[bytes]) -> float:
    """The median length of what is painted in a row; 0 where nothing is."""
    lengths = [len(run) for line in lines for run in _RUN.findall(line)]
    return median(lengths) if lengths else 0.0


def shows(alpha: Pixels) -> bool:
    """Whether any of it is not 0."""
    return _ANY.search(alpha.data) is not None


def within(part: PartLayer, subject: Rect) -> PaintedPart:
    """What a layer that is made for the part holds within the subject's rectangle."""
    room = with_margin(part.rect, subject)
    rect, seen = room.intersected(subject), part.rect.intersected(subject)
    alpha = _cut(bytes(part.alpha.data), part.rect, seen)
    return PaintedPart(
        part.name,
        rect,
        Pixels(rect.width, rect.height, 1, "u8", _placed(alpha, bytes(1), seen, rect)),
    )


def _cut(data: bytes, rect: Rect, inner: Rect) -> bytes:
    """The bytes of `inner`, which lies in `rect`."""
    if inner == rect:
        return data
    first = (inner.y - rect.y) * rect.width + inner.x - rect.x
    starts = range(first, first + inner.height * rect.width, rect.width)
    return b"".join(data[start : start + inner.width] for start in starts)


def _alpha(part: PartLayer, room: Rect) -> bytes:
    return _placed(bytes(part.alpha.data), bytes(1), part.rect, room)


def _placed(data: bytes, empty: bytes, rect: Rect, room: Rect) -> bytes:
    """The pixels of `rect` in `room`, which holds it; all others there are like `empty`."""
    if rect == room:
        return data
    before, after = empty * (rect.x - room.x), empty * (room.right - rect.right)
    stride = rect.width * len(empty)
    rows = (before + data[at : at + stride] + after for at in range(0, len(data), stride))
    above, below = rect.y - room.y, room.bottom - rect.bottom
    line = empty * room.width
    return b"".join((line * above, *rows, line * below))


def is_near(one: Rect, other: Rect, slack: float) -> bool:
    """Whether all sides of two rectangles lie near one another."""
    sides = ((r.x, r.y, r.right, r.bottom) for r in (one, other))
    return all(abs(a - b) <= slack for a, b in zip(*sides, strict=True))


def alpha_of(layer: Gimp.Layer, rect: Rect) -> Pixels:
    """What a layer shows in a rectangle of its own pixels, its mask applied."""
    area = Gegl.Rectangle.new(*rect)
    alpha = layers.alpha_in(layer, area)
    if (shown := layers.mask_in(layer, area)) is not None:
        # Only alpha >= 0.5 counts, so the product of both may be taken as their bitwise "and"
        both = int.from_bytes(alpha.translate(_HALF)) & int.from_bytes(shown.translate(_HALF))
        alpha = both.to_bytes(len(alpha))
    return Pixels(rect.width, rect.height, 1, "u8", alpha)
