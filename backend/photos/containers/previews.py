"""Small copies of the picture in a file's metadata: they must show what the picture shows.

EXIF's thumbnail (Exif 2.32, 4.5.8), what maker notes hold beside it, Photoshop's resource 1036 and
XMP's xmpGImg:image.
"""

from __future__ import annotations

import base64
import io
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.photos.containers import iptc, jpeg
from backend.photos.containers.directories import (
    SHORT,
    Directory,
    Layout,
    append,
    layout_of,
    numbers_of,
    read_directory,
)
from backend.photos.formats import open_picture

Size = tuple[int, int]  # width, height
_START, _LENGTH = 513, 514  # JPEGInterchangeFormat
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _COLOURS, _STRIP = 256, 257, 258, 259, 262, 273
_TILES = 324
_PLAIN, _RGB = 1, 2
_SIZE = (160, 120)
_LARGEST = 1024  # pixels of a side of a thumbnail
_SMALLEST = 64  # of a preview in maker notes
_THUMBNAIL = 1036
_HEAD = b"\xff\xd8\xff"
_MOST = 50  # pictures of one block
_ALIKE = 0.1  # by which the shapes of a preview and its photo may differ
_STEPS = ((1, 80), (1, 50), (1, 25), (2, 50), (4, 40), (8, 30))  # divisor of the size, quality
_IN_XMP = re.compile(rb"(<(?:\w+:)image>)([A-Za-z0-9+/=\s]|&#x[AD];)+(</\w+:image>)")


@dataclass(frozen=True)
class Sketch:
    """Draws the photo small. draw: uint8 [H, W, 3] or [H, W] of a size, turned as the file holds
    the picture. size: of the photo, turned so.
    """

    draw: Callable[[Size], NDArray[np.uint8]]
    size: Size

    def jpeg(self, size: Size, room: int | None = None) -> bytes | None:
        """The photo of that size or, to be of at most `room` bytes, rougher; None for no way."""
        for part, quality in _STEPS:
            image = Image.fromarray(self.draw((max(1, size[0] // part), max(1, size[1] // part))))
            with io.BytesIO() as buffer:
                image.save(buffer, "JPEG", quality=quality, optimize=True)
                if room is None or buffer.tell() <= room:
                    return buffer.getvalue()
        return None

    def in_place_of(self, picture: bytes) -> bytes:
        """The photo in the place of an older JPEG of it, with what that says of itself: as long,
        and filled with zeros. What shows something else stays.
        """
        try:
            segments = jpeg.kept(picture)
            size = _size_of(picture)
        except (OSError, ValueError, struct.error, Image.DecompressionBombError):
            return picture
        alike = abs(size[0] * self.size[1] / (size[1] * self.size[0]) - 1) < _ALIKE
        if not alike or min(size) < _SMALLEST:
            return picture
        new = self.jpeg(size, len(picture) - sum(len(s.packed()) for s in segments))
        return jpeg.with_segments(new, segments).ljust(len(picture), b"\0") if new else picture


class _Thumbnail(NamedTuple):
    """EXIF's, which `directory` describes. size: of one without compression, None for a JPEG."""

    layout: Layout
    directory: Directory
    start: int
    length: int
    size: Size | None


def is_known(exif: bytes) -> bool:
    """Whether the block has no thumbnail, or one that can be drawn anew."""
    try:
        return _thumbnail_of(exif) is not None or not _has_thumbnail(exif)
    except (ValueError, struct.error):  # damaged: nobody sees a thumbnail in it
        return True


def in_exif(exif: bytes, sketch: Sketch, room: int | None = None) -> bytes:
    """The block with its thumbnail and previews drawn anew; a thumbnail of another kind, or one
    without room, is taken out of reach. room: bytes of the block, at most.
    """
    try:
        found, has_one = _thumbnail_of(exif), _has_thumbnail(exif)
    except (ValueError, struct.error):
        return exif
    out = bytearray(exif)
    for start, end in list(_pictures_in(exif)):
        if found is None or start != found.start:
            out[start:end] = sketch.in_place_of(exif[start:end])
    if not has_one:
        return bytes(out)
    if found is None or not _draw(out, found, sketch, room):
        layout = layout_of(exif)
        struct.pack_into(layout.place, out, read_directory(exif, layout, layout.first).end, 0)
    return bytes(out)


def _has_thumbnail(exif: bytes) -> bool:
    """Of any kind; the directory may be there and say nothing of a picture. Raises ValueError."""
    layout = layout_of(exif)
    first = read_directory(exif, layout, layout.first)
    if not first.next:
        return False
    second = read_directory(exif, layout, first.end)
    return any(code in second.entries for code in (_START, _STRIP, _TILES))


def _thumbnail_of(exif: bytes) -> _Thumbnail | None:
    """Raises ValueError for damage."""
    layout = layout_of(exif)
    first = read_directory(exif, layout, layout.first)
    if not first.next:
        return None
    second = read_directory(exif, layout, first.end)

    def numbers(code: int) -> tuple[int, ...]:
        return numbers_of(exif, layout, second.entries.get(code))

    places = numbers(_START) + numbers(_LENGTH)
    if len(places) == 2 and sum(places) <= len(exif):
        return _Thumbnail(layout, second, *places, None)
    size, strip = numbers(_WIDTH) + numbers(_HEIGHT), numbers(_STRIP)
    plain = numbers(_COMPRESSION) == (_PLAIN,) and numbers(_COLOURS) == (_RGB,)
    if plain and numbers(_BITS) == (8, 8, 8) and len(size) == 2 and len(strip) == 1:
        length = 3 * size[0] * size[1]
        if strip[0] + length <= len(exif):
            return _Thumbnail(layout, second, strip[0], length, size)
    return None


def _draw(out: bytearray, old: _Thumbnail, sketch: Sketch, room: int | None) -> bool:
    """Draw the thumbnail anew; False where there is no room."""
    start, length = old.start, old.length
    picture = bytes(out[start : start + length])
    if old.size:
        new: bytes | None = np.broadcast_to(
            np.atleast_3d(sketch.draw(old.size)), (old.size[1], old.size[0], 3)
        ).tobytes()
    else:
        most = None if room is None else max(length, room - len(out) - 1)
        new = sketch.jpeg(_size_of_thumbnail(picture), most)
    if new is None:
        return False
    out[start : start + length] = bytes(length)
    if len(new) <= length:
        out[start : start + len(new)] = new
    else:
        start = append(out, new)
    if old.size is None:
        _set(out, old.layout, old.directory, _START, start)
        _set(out, old.layout, old.directory, _LENGTH, len(new))
    return True


def _pictures_in(exif: bytes) -> Iterator[tuple[int, int]]:
    """Where JPEGs begin and end in the block."""
    at = -1
    for _ in range(_MOST):
        if (at := exif.find(_HEAD, at + 1)) < 0:
            return
        try:
            end = jpeg.end_of(exif[at:])
        except (ValueError, struct.error):
            continue
        if end:
            yield at, at + end
            at += end - 1


def _set(out: bytearray, layout: Layout, directory: Directory, code: int, value: int) -> None:
    form = "H" if directory.entries[code].kind == SHORT and value < 1 << 16 else "I"
    struct.pack_into(layout.order + form, out, directory.fields[code], value)
    if form == "I":  # also where it was a short number, which the new one does not fit
        struct.pack_into(layout.order + "H", out, directory.fields[code] - 6, 4)


def in_resources(data: bytes, sketch: Sketch) -> bytes:
    """Photoshop's image resources with its thumbnail drawn anew."""
    out, done = bytearray(), 0
    for code, start, end in iptc.resources(data):
        body = data[start:end]
        if code != _THUMBNAIL or len(body) < 28:
            continue
        size = _size_of_thumbnail(body[28:])
        new = sketch.jpeg(size) or b""
        line = (size[0] * 24 + 31) // 32 * 4
        head = struct.pack(">6I2H", 1, *size, line, line * size[1], len(new), 24, 1)
        out += data[done : start - 4] + struct.pack(">I", len(head) + len(new)) + head + new
        out += bytes(len(new) % 2)
        done = end + (end - start) % 2
    return bytes(out) + data[done:]


def in_xmp(packet: bytes, sketch: Sketch) -> bytes:
    """The packet with its thumbnails drawn anew."""

    def drawn(found: re.Match[bytes]) -> bytes:
        old = found[0][len(found[1]) : -len(found[3])]
        try:
            size = _size_of_thumbnail(base64.b64decode(re.sub(rb"&#x[AD];", b"", old)))
        except ValueError:
            size = _SIZE
        return found[1] + base64.b64encode(sketch.jpeg(size) or b"") + found[3]

    return _IN_XMP.sub(drawn, packet)


def _size_of_thumbnail(picture: bytes) -> Size:
    try:
        size = _size_of(picture)
    except (OSError, ValueError, Image.DecompressionBombError):
        return _SIZE
    return size if max(size) <= _LARGEST else _SIZE


def _size_of(picture: bytes) -> Size:
    with open_picture(io.BytesIO(picture), ("JPEG",)) as image:
        return image.size
