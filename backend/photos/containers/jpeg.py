"""JPEG files as segments (ITU T.81, annex B): what stands before the picture's data."""

from __future__ import annotations

import contextlib
import re
import struct
from typing import NamedTuple

from backend.photos.containers import iptc, xmp_parts

_SOI, _SOS, _EOI = b"\xff\xd8", 0xDA, b"\xff\xd9"
APP0, APP1, APP2, APP13, APP14, COMMENT = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE
EXIF = b"Exif\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
PROFILE = b"ICC_PROFILE\0"
PHOTOSHOP = b"Photoshop 3.0\0"
ADOBE = b"Adobe"
# Frames by their markers (annex B, table B.1; JPEG-LS: ITU T.87).
_LOSSLESS, _ARITHMETIC = (0xC3, 0xC7, 0xCB, 0xCF, 0xF7), (0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC5, 0xC6, *_LOSSLESS, *_ARITHMETIC}
_MARKER = re.compile(rb"\xff[^\x00\xff]")  # what stands before it libjpeg passes over, too
_IN_A_SCAN = [bytes((value,)) for value in (0x00, 0xFF, *range(0xD0, 0xD8))]
ROOM = 65533  # bytes of one segment
_PART = 65000  # bytes of an extension's segment, without its head


class JpegSegment(NamedTuple):
    """marker: its second byte. data: without marker and length."""

    marker: int
    data: bytes

    def packed(self) -> bytes:
        return struct.pack(">BBH", 0xFF, self.marker, len(self.data) + 2) + self.data


class JpegCoding(NamedTuple):
    """bits: per channel. lossless: JPEG's own way, or JPEG-LS. arithmetic: not Huffman's codes."""

    bits: int
    lossless: bool
    arithmetic: bool


def segments_of(data: bytes) -> tuple[list[JpegSegment], int]:
    """The segments before the first scan, and where that begins. Raises ValueError for damage."""
    if data[:2] != _SOI:
        raise ValueError("not a JPEG file")
    found: list[JpegSegment] = []
    at = 2
    while mark := _MARKER.search(data, at):
        at, marker = mark.start(), data[mark.end() - 1]
        if marker == _SOS:
            return found, at
        if at + 4 > len(data):
            break
        (length,) = struct.unpack_from(">H", data, at + 2)
        found.append(JpegSegment(marker, data[at + 4 : at + 2 + length]))
        at += 2 + length
    raise ValueError("a JPEG file without a picture")


def coding_of(data: bytes) -> JpegCoding:
    """How the picture is coded, by the frame's header; as usual where that is damaged."""
    with contextlib.suppress(ValueError, IndexError, struct.error):
        for segment in segments_of(data)[0]:
            if segment.marker in _FRAMES:
                return JpegCoding(
                    segment.data[0], segment.marker in _LOSSLESS, segment.marker in _ARITHMETIC
                )
    return JpegCoding(8, False, False)


def kept(data: bytes, *, anew: bool = True) -> list[JpegSegment]:
    """What a JPEG file says beside its picture.

    anew: to be put before data that is coded anew, as YCbCr or grey: so Adobe's segment says.
    """
    segments = segments_of(data)[0]
    found = [s for s in segments if APP0 <= s.marker <= 0xEF or s.marker == COMMENT]
    return [
        s._replace(data=s.data[:11] + b"\1" + s.data[12:])
        if anew and s.marker == APP14 and s.data.startswith(ADOBE) and len(s.data) >= 12
        else s
        for s in found
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
    return [*segments[:place], *new, *segments[place + bool(old) :]]


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
    return iptc.unwrapped(resources_of(segments))


def exif_of(segments: list[JpegSegment]) -> bytes | None:
    """The EXIF block; one larger than a segment goes on in those that follow."""
    return b"".join(segments[i].data[len(EXIF) :] for i in _exif_places(segments)) or None


def with_exif(segments: list[JpegSegment], exif: bytes) -> list[JpegSegment]:
    """The segments with the block in the place of the old one."""
    return _in_place(segments, _exif_places(segments), APP1, EXIF, exif)


def _exif_places(segments: list[JpegSegment]) -> list[int]:
    """The numbers of the first EXIF block's segments."""
    every = [i for i, s in enumerate(segments) if s.marker == APP1 and s.data.startswith(EXIF)]
    heads = [i for i in every if segments[i].data[len(EXIF) :][:4] in (b"II*\0", b"MM\0*")]
    first = heads[0] if heads else every[0] if every else 0
    return [i for i in every if i == first or (i > first and i not in heads)]


def resources_of(segments: list[JpegSegment]) -> bytes:
    """Photoshop's image resources, of all segments that hold a part of them."""
    parts = _resource_places(segments)
    return b"".join(segments[i].data[len(PHOTOSHOP) :] for i in parts)


def with_resources(segments: list[JpegSegment], resources: bytes) -> list[JpegSegment]:
    """The segments with Photoshop's image resources in the place of the old ones."""
    return _in_place(segments, _resource_places(segments), APP13, PHOTOSHOP, resources)


def _resource_places(segments: list[JpegSegment]) -> list[int]:
    found = enumerate(segments)
    return [i for i, s in found if s.marker == APP13 and s.data.startswith(PHOTOSHOP)]


def _in_place(
    segments: list[JpegSegment], places: list[int], marker: int, head: bytes, data: bytes
) -> list[JpegSegment]:
    """A block in as many segments as it takes, where its old ones began."""
    step = ROOM - len(head)
    new = [JpegSegment(marker, head + data[i : i + step]) for i in range(0, len(data), step)]
    rest = [s for i, s in enumerate(segments) if i not in places]
    first = places[0] if places else 0
    return [*rest[:first], *new, *rest[first:]]


def density_segment(dpi: tuple[float, float]) -> JpegSegment:
    """JFIF's header with a resolution in dots per inch."""
    x, y = (max(1, min(65535, round(value))) for value in dpi)
    return JpegSegment(APP0, b"JFIF\0\x01\x01\x01" + struct.pack(">HHBB", x, y, 0, 0))


def end_of(data: bytes) -> int:
    """Where the picture ends, behind its last marker; 0 where it does not. Raises ValueError."""
    _, at = segments_of(data)
    while at + 4 <= len(data):  # at a marker with a length, then over the data behind it
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
        at = data.find(b"\xff", at)
        while at >= 0 and data[at + 1 : at + 2] in _IN_A_SCAN:
            at = data.find(b"\xff", at + 1)
        if at < 0:
            break
        if data[at : at + 2] == _EOI:
            return at + 2
    return 0


def density_of(segments: list[JpegSegment]) -> tuple[float, float] | None:
    """Dots per inch by JFIF's header; None where it gives no length."""
    for segment in segments:
        if segment.marker == APP0 and segment.data[:5] == b"JFIF\0" and len(segment.data) >= 12:
            unit, x, y = struct.unpack_from(">BHH", segment.data, 7)
            factor = {1: 1.0, 2: 2.54}.get(unit)
            return (x * factor, y * factor) if factor and x and y else None
    return None
