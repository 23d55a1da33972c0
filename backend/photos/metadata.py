"""What a file says beside its picture, and which way up it holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEAST, _MOST = 0.1, 1e6  # dots per inch


@dataclass(frozen=True)
class Metadata:
    """What files of several kinds can say, each as its standard writes it.

    exif: a TIFF structure, without the "Exif" before it in JPEG. xmp: a packet. iptc: IIM records.
    density: dots per inch across and down. comment: plain text. texts: PNG's, by keyword.
    extension: the second part of a large packet in JPEG.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    density: tuple[float, float] | None = None
    comment: str | None = None
    texts: tuple[tuple[str, str], ...] = ()
    extension: bytes | None = None


def resolution(x: float, y: float) -> tuple[float, float] | None:
    """A resolution in dots per inch; None for one that no device has and not every file holds."""
    sensible = all(_LEAST <= value <= _MOST for value in (x, y))
    return (float(x), float(y)) if sensible else None


@dataclass(frozen=True, eq=False)
class SourceFile:
    """The file that a photo was read from; one of the same kind is written around its blocks.

    kind: Pillow's name of the format. orientation: EXIF's, how the file holds the picture.
    stored: the values of a TIFF's main picture, so that they need not be decoded again. channels:
    further ones that the photo's pixels do not have. pages: further pages or frames. others: what
    else it shows, in words, as "a film". converted: from which colours its pixels were converted.
    anew: a sentence on how a file of its kind stores an edited picture; None for as it was.
    """

    kind: str
    data: bytes
    orientation: int = 1
    stored: NDArray[Any] | None = None
    channels: int = 0
    pages: int = 0
    others: tuple[str, ...] = ()
    converted: str | None = None
    anew: str | None = None


def turn_upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo an EXIF orientation, 1..8 (other values: as it is)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def turn_back(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """An upright picture as a file with this EXIF orientation holds it."""
    return turn_upright(pixels, {6: 8, 8: 6}.get(orientation, orientation))
