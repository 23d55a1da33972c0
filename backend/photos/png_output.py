"""A photo as a PNG: around the chunks of the file it came from, or with new ones."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from backend.photos.coding import stored
from backend.photos.containers import png
from backend.photos.photo import Photo

# Adam7 (PNG specification, 8.1): where each pass begins, down and across, and its steps.
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
           (1, 0, 2, 1))  # fmt: skip


def keeps_colour_type(data: bytes) -> bool:
    """Whether a PNG's pixels are written as they were, and not as RGB or with 8 bits."""
    header = png.header_of(data)
    return header.colour_type != png.PALETTE and header.depth >= 8


def png_of(photo: Photo, same: bool) -> bytes:
    """The file; `same` where the photo came from a PNG."""
    if not same or photo.source is None:
        chunks, encoded = _new_chunks(photo), coded(stored(photo, same), interlaced=False)
    else:
        chunks = png.chunks_of(photo.source.data)
        encoded = _edited(photo, chunks) if photo.edited else photo.source.data
    old = png.header_of(photo.source.data) if same and photo.source else None
    new = png.header_of(encoded)
    same_kind = old is not None and (old.colour_type, old.depth) == (new.colour_type, new.depth)
    if old is not None and not same_kind:
        chunks = png.of_wider(chunks, old, new)
    if photo.metadata.xmp:
        chunks = png.with_xmp(chunks, photo.metadata.xmp)
    if photo.edited and photo.metadata.exif:
        chunks = png.with_exif(chunks, photo.metadata.exif)
    return png.with_chunks(encoded, chunks, same_kind=same_kind)


def _edited(photo: Photo, chunks: list[png.PngChunk]) -> bytes:
    """The photo's pixels as its file held them."""
    assert photo.source is not None
    pixels, old = stored(photo, True), png.header_of(photo.source.data)
    key = png.one(chunks, b"tRNS")
    if key is not None and old.depth >= 8 and old.colour_type in (png.GREY, png.RGB):
        pixels = _with_key(pixels, png.key_of(key, old))
    return coded(pixels, interlaced=old.interlaced)


def coded(pixels: NDArray[Any], *, interlaced: bool) -> bytes:
    """A picture [H, W, C] and nothing else."""
    pixels = np.squeeze(pixels, 2) if pixels.shape[2] == 1 else pixels
    if not interlaced:
        return bytes(imagecodecs.png_encode(pixels))
    lines = []
    for top, left, down, across in _PASSES:
        part = np.ascontiguousarray(pixels[top::down, left::across])
        if part.size:
            coded = png.chunks_of(bytes(imagecodecs.png_encode(part, level=0)))
            lines.append(zlib.decompress(b"".join(c.data for c in coded if c.kind == b"IDAT")))
    head = bytearray(coded[0].data)
    struct.pack_into(">II", head, 0, pixels.shape[1], pixels.shape[0])
    head[12] = 1
    body = zlib.compress(b"".join(lines))
    return png.packed([png.PngChunk(b"IHDR", bytes(head)), png.PngChunk(b"IDAT", body)])


def _with_key(pixels: NDArray[Any], key: NDArray[Any]) -> NDArray[Any]:
    """Colours [H, W, 1 or 3] without alpha, in which `key` stands for transparent pixels."""
    colours, clear = pixels[..., :-1].copy(), pixels[..., -1] == 0
    colours[clear] = key
    alike = ~clear & (colours == key).all(axis=2)
    colours[alike, 0] += np.where(key[0] == 0, 1, -1).astype(colours.dtype)  # the nearest other
    return colours


def _new_chunks(photo: Photo) -> list[png.PngChunk]:
    said = photo.metadata
    chunks = [png.profile_chunk(photo.profile)] if photo.profile else []
    if said.density:
        chunks.append(png.density_chunk(said.density))
    if said.exif:
        chunks.append(png.PngChunk(b"eXIf", said.exif))
    if said.iptc:
        chunks.append(png.iptc_chunk(said.iptc))
    if said.comment:
        chunks.append(png.text_chunk("Comment", said.comment))
    return chunks
