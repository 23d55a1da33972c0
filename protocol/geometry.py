"""Rectangles of pixels."""

from __future__ import annotations

from typing import NamedTuple


class Rect(NamedTuple):
    """An upright rectangle: its left upper corner and its size, in whole pixels, y downwards."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column beyond it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row beyond it."""
        return self.y + self.height

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def is_empty(self) -> bool:
        return self.width <= 0 or self.height <= 0

    @classmethod
    def between(cls, left: int, top: int, right: int, bottom: int) -> Rect:
        """The rectangle with these edges; of no size where they cross."""
        return cls(left, top, max(right - left, 0), max(bottom - top, 0))

    def intersected(self, other: Rect) -> Rect:
        """What both cover."""
        left, top = max(self.x, other.x), max(self.y, other.y)
        return Rect.between(left, top, min(self.right, other.right), min(self.bottom, other.bottom))

    def moved(self, dx: int, dy: int) -> Rect:
        return self._replace(x=self.x + dx, y=self.y + dy)

    def scaled(self, factor: float) -> Rect:
        """The same in a picture `factor` times as large; at least one pixel."""
        x, y = round(self.x * factor), round(self.y * factor)
        right, bottom = round(self.right * factor), round(self.bottom * factor)
        return Rect(x, y, max(right - x, 1), max(bottom - y, 1))

    def grown(self, margin: int) -> Rect:
        """Larger by `margin` pixels on every side."""
        size = self.width + 2 * margin, self.height + 2 * margin
        return Rect(self.x - margin, self.y - margin, *size)
