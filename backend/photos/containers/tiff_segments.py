"""A TIFF's pixels in strips and tiles, packed as the file packs them (TIFF 6.0, 3, 14 and 15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from backend.photos.containers.tiff import narrowed

if TYPE_CHECKING:
    import tifffile

LZW, DEFLATE, PACKBITS, WEBP = 5, 8, 32773, 50001
PACK: Mapping[int, Callable[[bytes], bytes]] = {
    1: bytes,
    LZW: lambda raw: bytes(imagecodecs.lzw_encode(raw)),
    DEFLATE: lambda raw: bytes(imagecodecs.deflate_encode(raw, level=6, raw=False)),
    32946: lambda raw: bytes(imagecodecs.deflate_encode(raw, level=6, raw=False)),
    PACKBITS: lambda raw: bytes(imagecodecs.packbits_encode(raw)),
    34925: lambda raw: bytes(imagecodecs.lzma_encode(raw)),
    50000: lambda raw: bytes(imagecodecs.zstd_encode(raw)),
}


@dataclass(frozen=True)
class TiffSegment:
    """A strip or tile. plane: None where it holds all samples. h, w: with a tile's padding."""

    number: int
    y: int
    x: int
    h: int
    w: int
    plane: int | None


def segments_of(page: tifffile.TiffPage) -> Iterator[TiffSegment]:
    """All strips or tiles in the order of the file's lists."""
    height, width, samples = page.imagelength, page.imagewidth, page.samplesperpixel
    planes = range(samples) if page.planarconfig == 2 and samples > 1 else (None,)
    tall, wide = (
        (page.tilelength, page.tilewidth)
        if page.is_tiled
        else (min(page.rowsperstrip, height), width)
    )
    number = 0
    for plane in planes:
        for y in range(0, height, tall):
            for x in range(0, width, wide):
                high = tall if page.is_tiled else min(tall, height - y)
                yield TiffSegment(number, y, x, high, wide, plane)
                number += 1


def touched(segment: TiffSegment, changed: NDArray[np.bool_]) -> bool:
    """Whether any of a segment's pixels `changed` [H, W]."""
    y, x = segment.y, segment.x
    return bool(changed[y : y + segment.h, x : x + segment.w].any())


def cut(values: NDArray[Any], segment: TiffSegment) -> NDArray[Any]:
    """A segment's values [h, w, s]; a tile over the picture's edge is filled with zeros."""
    y, x = segment.y, segment.x
    part = values[y : y + segment.h, x : x + segment.w]
    if segment.plane is not None:
        part = part[..., segment.plane, None]
    short = segment.h - part.shape[0], segment.w - part.shape[1]
    return np.pad(part, ((0, short[0]), (0, short[1]), (0, 0))) if any(short) else part


def encoded(block: NDArray[Any], page: tifffile.TiffPage, order: str) -> bytes:
    """A segment's values [h, w, s] as the page's file holds them; order: "<" or ">"."""
    if int(page.compression) == WEBP:
        return bytes(imagecodecs.webp_encode(np.ascontiguousarray(block), lossless=True))
    predictor = int(page.predictor)
    if predictor == 2:
        block = differences(block)
    if predictor == 3:
        planes = np.asarray(imagecodecs.floatpred_encode(np.ascontiguousarray(block), axis=-2))
        return PACK[int(page.compression)](planes.tobytes())
    pack = PACK[int(page.compression)]
    rows = block[:, None] if int(page.compression) == PACKBITS else [block]
    # With PackBits no run goes on in the next row (section 9).
    body = b"".join(pack(_raw(part, page, order)) for part in rows)
    return bytes(imagecodecs.bitorder_encode(body)) if page.fillorder == 2 else body


def _raw(block: NDArray[Any], page: tifffile.TiffPage, order: str) -> bytes:
    """A segment, or rows of it, before compression; 9 to 15 bits side by side, rows filled up."""
    bits = int(page.bitspersample)
    if bits % 8 == 0:
        return in_order(block, order)
    numbers = np.ascontiguousarray(narrowed(block, bits))
    return bytes(imagecodecs.packints_encode(numbers, bits, runlen=block.shape[1] * block.shape[2]))


def in_order(block: NDArray[Any], order: str) -> bytes:
    """Values as bytes in the file's order, "<" or ">"."""
    dtype = block.dtype.newbyteorder("<" if order == "<" else ">")
    return block.astype(dtype, copy=False).tobytes()


def differences(block: NDArray[Any]) -> NDArray[Any]:
    """Horizontal differencing (section 14); unsigned numbers wrap around, as they should."""
    block = block.copy()
    block[:, 1:] -= block[:, :-1].copy()
    return block
