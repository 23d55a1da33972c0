"""JPEG files as segments (ITU T.81, annex B): what stands before the picture's data."""

from __future__ import annotations

import contextlib
import struct
from typing import NamedTuple

from backend.photos.containers import iptc, xmp_parts
from backend.photos.containers.directories import layout_of, read_directory, value_place

_SOI, _SOS, _EOI = b"\xff\xd8", 0xDA, b"\xff\xd9"
APP0, APP1, APP2, APP13, APP14, COMMENT = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE
EXIF = b"Exif\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
PROFILE = b"ICC_PROFILE\0"
PHOTOSHOP = b"Photoshop 3.0\0"
MANY_PICTURES = b"MPF\0"  # CIPA DC-007: places of the file's other pictures
_PICTURES = 0xB002  # the index's entry that lists them
_IN_A_SCAN = [bytes((value,)) for value in (0x00, 0xFF, *range(0xD0, 0xD8))]
ROOM = 65533  # bytes of one segment
_PART = 65000  # bytes of an extension's segment, without its head


class JpegSegment(NamedTuple):
    """marker: its second byte. data: without marker and length."""

    marker: int
    data: bytes

    def packed(self) -> bytes:
        return struct.pack(">BBH", 0xFF, self.marker, len(self.data) + 2) + self.data


def segments_of(data: bytes) -> tuple[list[JpegSegment], int]:
    """The segments before the first scan, and where that begins. Raises ValueError for damage."""
    if data[:2] != _SOI:
        raise ValueError("not a JPEG file")
    found: list[JpegSegment] = []
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise ValueError("a JPEG segment is damaged")
        marker = data[at + 1]
        if marker == _SOS:
            return found, at
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        found.append(JpegSegment(marker, data[at + 4 : at + 2 + length]))
        at += 2 + length
    raise ValueError("a JPEG file without a picture")


def kept(data: bytes) -> list[JpegSegment]:
    """What a JPEG file says beside its picture, to be put before another one's data.

    Without Adobe's colour transform, which only fits the old data.
    """
    return [
        s
        for s in segments_of(data)[0]
        if (APP0 <= s.marker <= 0xEF or s.marker == COMMENT) and s.marker != APP14
    ]


def with_segments(encoded: bytes, segments: list[JpegSegment]) -> bytes:
    """An encoded picture that says `segments` and nothing else beside its picture."""
    own, scan = segments_of(encoded)
    body = [s for s in own if not (APP0 <= s.marker <= 0xEF or s.marker == COMMENT)]
    return b"".join([_SOI, *(s.packed() for s in [*segments, *body]), encoded[scan:]])


def with_xmp(segments: list[JpegSegment], packet: bytes) -> list[JpegSegment]:
    """The segments with the packet in the place of the old one, or after EXIF's.

    A large one is written in two parts (XMP specification part 3, 1.1.3.1).
    """
    main, extension, digest = xmp_parts.split(packet, ROOM - len(XMP))
    new = [JpegSegment(APP1, XMP + main)]
    for at in range(0, len(extension), _PART):
        head = EXTENSION + digest.encode() + struct.pack(">II", len(extension), at)
        new.append(JpegSegment(APP1, head + extension[at : at + _PART]))
    if extension:
        segments = [s for s in segments if not s.data.startswith(EXTENSION)]
    old = [i for i, s in enumerate(segments) if s.data.startswith(XMP)]
    heads = [i for i, s in enumerate(segments) if s.marker == APP0 or s.data.startswith(EXIF)]
    place = old[0] if old else heads[-1] + 1 if heads else 0
    rest = segments[place + 1 :] if old else segments[place:]
    return [*segments[:place], *new, *(s for s in rest if not s.data.startswith(XMP))]


def extension_of(segments: list[JpegSegment]) -> bytes | None:
    """The second part of the XMP packet; None without one, or where it is cut short."""
    head = len(EXTENSION) + 32
    parts = {
        struct.unpack_from(">I", s.data, head + 4)[0]: s.data[head + 8 :]
        for s in segments
        if s.marker == APP1 and s.data.startswith(EXTENSION) and len(s.data) > head + 8
    }
    whole = b""
    for at in sorted(parts):
        if at != len(whole):
            return None
        whole += parts[at]
    return whole or None


def profile_segments(profile: bytes) -> list[JpegSegment]:
    """An ICC profile in as many segments as it takes (ICC.1:2010, B.4)."""
    step = ROOM - len(PROFILE) - 2
    parts = [profile[i : i + step] for i in range(0, len(profile), step)]
    return [
        JpegSegment(APP2, PROFILE + bytes((number, len(parts))) + part)
        for number, part in enumerate(parts, 1)
    ]


def iptc_segment(records: bytes) -> JpegSegment:
    """IPTC-IIM records as Photoshop wraps them."""
    return JpegSegment(APP13, PHOTOSHOP + iptc.wrapped(records))


def iptc_of(segments: list[JpegSegment]) -> bytes | None:
    """The IPTC-IIM records in Photoshop's image resources."""
    for segment in segments:
        if segment.marker != APP13 or not segment.data.startswith(PHOTOSHOP):
            continue
        if records := iptc.unwrapped(segment.data[len(PHOTOSHOP) :]):
            return records
    return None


def density_segment(dpi: tuple[float, float]) -> JpegSegment:
    """JFIF's header with a resolution in dots per inch."""
    x, y = (max(1, min(65535, round(value))) for value in dpi)
    return JpegSegment(APP0, b"JFIF\0\x01\x01\x01" + struct.pack(">HHBB", x, y, 0, 0))


def rest_of(data: bytes) -> bytes:
    """What stands behind the picture: other pictures, a film, a program's trailer."""
    _, at = segments_of(data)
    while at + 4 <= len(data):  # at a marker with a length, then over the data behind it
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
        at = data.find(b"\xff", at)
        while at >= 0 and data[at + 1 : at + 2] in _IN_A_SCAN:
            at = data.find(b"\xff", at + 1)
        if at < 0:
            break
        if data[at : at + 2] == _EOI:
            return data[at + 2 :]
    return b""


def with_rest(encoded: bytes, source: bytes) -> bytes:
    """An encoded picture and behind it what stands behind the source's, which its index follows."""
    rest = rest_of(source)
    if not rest:
        return encoded
    patched = bytearray(encoded)
    shift = len(encoded) - (len(source) - len(rest))
    old, new = source.find(MANY_PICTURES), encoded.find(MANY_PICTURES)
    if old >= 0 and new >= 0:
        with contextlib.suppress(ValueError, struct.error):
            _move_pictures(patched, new + 4, shift + old - new)
    return bytes(patched) + rest


def _move_pictures(data: bytearray, base: int, shift: int) -> None:
    """Let the index at `base` (CIPA DC-007, 5.2.3) point to pictures that were moved."""
    block = bytes(data[base:])
    layout = layout_of(block)
    index = read_directory(block, layout, layout.first)
    entry = index.entries[_PICTURES]
    place = base + value_place(layout, entry, index)
    for number, at in enumerate(range(place, place + entry.count, 16)):
        size, start = struct.unpack_from(layout.order + "II", data, at + 4)
        if number == 0:
            struct.pack_into(layout.order + "I", data, at + 4, len(data))
        elif start:
            struct.pack_into(layout.order + "II", data, at + 4, size, start + shift)


def density_of(segments: list[JpegSegment]) -> tuple[float, float] | None:
    """Dots per inch by JFIF's header; None where it gives no length."""
    for segment in segments:
        if segment.marker == APP0 and segment.data[:5] == b"JFIF\0" and len(segment.data) >= 12:
            unit, x, y = struct.unpack_from(">BHH", segment.data, 7)
            factor = {1: 1.0, 2: 2.54}.get(unit)
            return (x * factor, y * factor) if factor and x and y else None
    return None
