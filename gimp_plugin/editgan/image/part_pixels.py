"""The pixels of a part layer, and the room that it gets."""

from __future__ import annotations

from protocol.geometry import Rect
from protocol.messages import PartLayer, Pixels

MARGIN = 0.5  # of a part's size on each side: room to paint, and scaling stays centred on the part
MIN_MARGIN = 16  # px


def with_margin(rect: Rect, within: Rect) -> Rect:
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


def is_near(one: Rect, other: Rect, slack: float) -> bool:
    """Whether all sides of two rectangles lie near one another."""
    sides = ((r.x, r.y, r.right, r.bottom) for r in (one, other))
    return all(abs(a - b) <= slack for a, b in zip(*sides, strict=True))
