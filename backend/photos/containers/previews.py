"""Small copies of the picture in a file's metadata: they must show what the picture shows.

EXIF's thumbnail (Exif 2.32, 4.5.8), Photoshop's resource 1036 and XMP's xmpGImg:image, all JPEG.
"""

from __future__ import annotations

import base64
import io
import re
import struct
from collections.abc import Callable

from PIL import Image

from backend.photos.containers import iptc
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

Draw = Callable[[tuple[int, int]], bytes]  # a JPEG of this width and height
_START, _LENGTH = 513, 514  # JPEGInterchangeFormat
_SIZE = (160, 120)
_LARGEST = 1024  # pixels of a side
_THUMBNAIL = 1036
_IN_XMP = re.compile(rb"(<(?:\w+:)image>)([A-Za-z0-9+/=\s]|&#x[AD];)+(</\w+:image>)")


def in_exif(exif: bytes, draw: Draw) -> bytes:
    """The block with its thumbnail drawn anew; one that is no JPEG is taken out of reach."""
    try:
        layout = layout_of(exif)
        first = read_directory(exif, layout, layout.first)
        if not first.next:
            return exif
        second = read_directory(exif, layout, first.end)
        places = (numbers_of(exif, layout, second.entries.get(c)) for c in (_START, _LENGTH))
        found = [number for place in places for number in place]
    except (ValueError, struct.error):  # damaged: nobody sees a thumbnail in it
        return exif
    out = bytearray(exif)
    if len(found) != 2 or sum(found) > len(exif):
        struct.pack_into(layout.place, out, first.end, 0)
        return bytes(out)
    start, length = found
    new = draw(_size_of(exif[start : start + length]))
    out[start : start + length] = bytes(length)
    if len(new) <= length:
        out[start : start + len(new)] = new
    else:
        start = append(out, new)
    _set(out, layout, second, _START, start)
    _set(out, layout, second, _LENGTH, len(new))
    return bytes(out)


def _set(out: bytearray, layout: Layout, directory: Directory, code: int, value: int) -> None:
    form = "H" if directory.entries[code].kind == SHORT and value < 1 << 16 else "I"
    struct.pack_into(layout.order + form, out, directory.fields[code], value)
    if form == "I":  # also where it was a short number, which the new one does not fit
        struct.pack_into(layout.order + "H", out, directory.fields[code] - 6, 4)


def in_resources(data: bytes, draw: Draw) -> bytes:
    """Photoshop's image resources with its thumbnail drawn anew."""
    out, done = bytearray(), 0
    for code, start, end in iptc.resources(data):
        body = data[start:end]
        if code != _THUMBNAIL or len(body) < 28:
            continue
        size = _size_of(body[28:])
        new = draw(size)
        line = (size[0] * 24 + 31) // 32 * 4
        head = struct.pack(">6I2H", 1, *size, line, line * size[1], len(new), 24, 1)
        out += data[done : start - 4] + struct.pack(">I", len(head) + len(new)) + head + new
        out += bytes(len(new) % 2)
        done = end + (end - start) % 2
    return bytes(out) + data[done:]


def in_xmp(packet: bytes, draw: Draw) -> bytes:
    """The packet with its thumbnails drawn anew."""

    def drawn(found: re.Match[bytes]) -> bytes:
        old = found[0][len(found[1]) : -len(found[3])]
        try:
            size = _size_of(base64.b64decode(re.sub(rb"&#x[AD];", b"", old)))
        except ValueError:
            size = _SIZE
        return found[1] + base64.b64encode(draw(size)) + found[3]

    return _IN_XMP.sub(drawn, packet)


def _size_of(picture: bytes) -> tuple[int, int]:
    try:
        with open_picture(io.BytesIO(picture), ("JPEG",)) as image:
            return image.size if max(image.size) <= _LARGEST else _SIZE
    except (OSError, ValueError, Image.DecompressionBombError):
        return _SIZE
