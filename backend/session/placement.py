"""Coordinates: the engine sees one rectangle of a photo and counts from its corner."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from backend.photos.composite import ResultLayer
    from backend.photos.label_edit import PaintedLayer
    from backend.photos.parts import PartMask, PlacedMask
    from protocol.geometry import Rect

# What lies somewhere in a photo, by its corner x, y.
Placed = TypeVar("Placed", "PartMask", "PlacedMask", "PaintedLayer", "ResultLayer")

FRAME_MARGIN = 0.05  # of the rectangle around a subject's frame, in sides of the frame


def to_photo(item: Placed, rect: Rect) -> Placed:
    """A mask or layer of the engine, which saw `rect`, in the photo's coordinates."""
    return dataclasses.replace(item, x=int(item.x) + rect.x, y=int(item.y) + rect.y)


def to_engine(item: Placed, rect: Rect) -> Placed:
    """A mask or layer in the photo's coordinates, as the engine that sees `rect` needs it."""
    return dataclasses.replace(item, x=item.x - rect.x, y=item.y - rect.y)
