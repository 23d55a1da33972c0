"""AVIF files as boxes (ISO/IEC 14496-12 and 23008-12): how a picture is coded, and what is added.

Encoders write the picture alone; EXIF, XMP and a profile become items and a property beside it.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_FULL = 4  # bytes of version and flags at the head of some boxes
_ID = 1  # of the picture in a file that an encoder has just written
_DEEP, _TWELVE, _GREY = 0x40, 0x20, 0x10  # bits of av1C's third byte
_IDENTITY = bytes(2)  # of matrix coefficients
_OF_LIGHT = (b"clli", b"mdcv")  # properties about an HDR picture's brightness


class Box(NamedTuple):
    """kind: four letters. data: what is in it."""

    kind: bytes
    data: bytes

    def packed(self) -> bytes:
        return struct.pack(">I", 8 + len(self.data)) + self.kind + self.data


class Coding(NamedTuple):
    """bits: per channel. grey: whether there is only one beside alpha. primaries, transfer: codes
    of ITU-T H.273, 0 where the file does not say. light: boxes about an HDR picture's brightness.
    lossless: whether it is coded as R'G'B', which only lossless files are.
    """

    bits: int = 8
    grey: bool = False
    primaries: int = 0
    transfer: int = 0
    light: tuple[Box, ...] = ()
    lossless: bool = False


def boxes_of(data: bytes) -> Iterator[Box]:
    """The boxes one after the other; raises ValueError where one is cut short."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        end = at + size if size else len(data)
        if not at + head <= end <= len(data):
            raise ValueError("an AVIF box is cut short")
        yield Box(kind, data[at + head : end])
        at = end


def coding_of(data: bytes) -> Coding:
    """How the file's picture is coded, as far as its properties say."""
    found, first = Coding(), True  # the picture's av1C comes before that of its alpha
    for kind, body in _properties(data):
        if kind == b"av1C" and len(body) > 2:
            bits = 8 if not body[2] & _DEEP else 12 if body[2] & _TWELVE else 10
            grey = bool(body[2] & _GREY) if first else found.grey
            found, first = found._replace(bits=max(bits, found.bits), grey=grey), False
        elif kind == b"colr" and body[:4] == b"nclx" and len(body) >= 8:
            primaries, transfer = struct.unpack_from(">HH", body, 4)
            lossless = body[8:10] == _IDENTITY
            found = found._replace(primaries=primaries, transfer=transfer, lossless=lossless)
        elif kind in _OF_LIGHT:
            found = found._replace(light=(*found.light, Box(kind, body)))
    return found


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height of the largest picture that the file describes; 0, 0 for what is none."""
    found = [(0, 0)]
    with contextlib.suppress(ValueError):  # where it is cut short
        found += [
            struct.unpack_from(">II", body, _FULL)
            for kind, body in _properties(data)
            if kind == b"ispe" and len(body) >= _FULL + 8
        ]
    return max(found, key=lambda size: size[0] * size[1])


def has_gain_map(data: bytes) -> bool:
    """Whether the file has a second picture that brightens the first on HDR screens."""
    meta = next((box.data[_FULL:] for box in boxes_of(data) if box.kind == b"meta"), b"")
    items = next((box.data for box in boxes_of(meta) if box.kind == b"iinf"), b"")
    return b"tmap" in items


def _properties(data: bytes) -> Iterator[Box]:
    """Of all pictures in the file: in its meta box, or in the tracks of an animation."""
    inside = {b"meta": _FULL, b"iprp": 0, b"ipco": 0, b"moov": 0, b"trak": 0, b"mdia": 0}
    inside |= {b"minf": 0, b"stbl": 0, b"stsd": 8, b"av01": 78}
    waiting = [data]
    while waiting:
        for box in boxes_of(waiting.pop()):
            if box.kind in inside:
                waiting.append(box.data[inside[box.kind] :])
            else:
                yield box


def with_blocks(
    encoded: bytes,
    exif: bytes | None,
    xmp: bytes | None,
    profile: bytes | None,
    light: Sequence[Box] = (),
) -> bytes:
    """What an encoder wrote, a file of one picture, with metadata. Raises ValueError."""
    items = []
    if exif:
        items.append((b"Exif\0", bytes(4) + exif))  # the TIFF structure begins at once
    if xmp:
        items.append((b"mime\0application/rdf+xml\0", xmp))
    properties = [Box(b"colr", b"prof" + profile)] if profile else []
    properties += light
    head, meta, *rest = boxes_of(encoded)
    if (head.kind, meta.kind) != (b"ftyp", b"meta"):
        raise ValueError("an AVIF file of another order")
    size, shift = len(meta.packed()), 0
    for _ in range(2):  # the second time with the places that the first has shown
        new = _meta(meta.data, items, properties, shift, len(encoded) + shift + 8)
        shift = len(new.packed()) - size
    tail = Box(b"mdat", b"".join(body for _, body in items))
    return b"".join(box.packed() for box in [head, new, *rest, *([tail] if items else [])])


def _meta(
    data: bytes,
    items: Sequence[tuple[bytes, bytes]],
    properties: Sequence[Box],
    shift: int,
    place: int,
) -> Box:
    """The box that lists everything. shift: of what is in the file. place: of the first item."""
    old = {box.kind: box.data for box in boxes_of(data[_FULL:])}
    (count,) = struct.unpack_from(">H", old[b"iinf"], _FULL)
    numbers = range(count + 1, count + 1 + len(items))
    kinds = [Box(b"infe", b"\2\0\0\0" + struct.pack(">HH", n, 0) + kind)
             for n, (kind, _) in zip(numbers, items, strict=True)]  # fmt: skip
    listed = struct.pack(">H", count + len(items)) + old[b"iinf"][_FULL + 2 :]
    about = [Box(b"cdsc", struct.pack(">HHH", n, 1, _ID)).packed() for n in numbers]
    new = {
        **old,
        b"iloc": _places(old[b"iloc"], shift, numbers, [body for _, body in items], place),
        b"iinf": old[b"iinf"][:_FULL] + listed + b"".join(box.packed() for box in kinds),
        b"iprp": _with_properties(old[b"iprp"], properties),
    }
    if about:
        new[b"iref"] = old.get(b"iref", bytes(_FULL)) + b"".join(about)
    order = (b"hdlr", b"pitm", b"iloc", b"iinf", b"iref", b"iprp")
    return Box(b"meta", data[:_FULL] + b"".join(Box(k, new[k]).packed() for k in order if k in new))


def _places(
    data: bytes, shift: int, numbers: Sequence[int], bodies: Sequence[bytes], place: int
) -> bytes:
    """Where the items are: iloc of version 0 with places and lengths of four bytes."""
    if data[: _FULL + 2] != b"\0\0\0\0\x44\0":
        raise ValueError("an AVIF file with places of another kind")
    line = struct.Struct(">HHHII")
    (count,) = struct.unpack_from(">H", data, _FULL + 2)
    lines = [line.unpack_from(data, _FULL + 4 + line.size * i) for i in range(count)]
    new = [(n, index, extents, at + shift, size) for n, index, extents, at, size in lines]
    for number, body in zip(numbers, bodies, strict=True):
        new.append((number, 0, 1, place, len(body)))
        place += len(body)
    packed = b"".join(line.pack(*one) for one in new)
    return data[: _FULL + 2] + struct.pack(">H", len(new)) + packed


def _with_properties(data: bytes, properties: Sequence[Box]) -> bytes:
    """The property boxes with further ones of the picture, which come first in ipma."""
    container, association = boxes_of(data)
    known = len(list(boxes_of(container.data)))
    added = container.data + b"".join(box.packed() for box in properties)
    body, at = association.data, _FULL + 4
    number, count = struct.unpack_from(">HB", body, at)
    if number != _ID or known + len(properties) > 127:
        raise ValueError("an AVIF file with properties of another kind")
    old = body[at + 3 : at + 3 + count]
    own = old + bytes(range(known + 1, known + 1 + len(properties)))
    ends = body[:at] + struct.pack(">HB", number, len(own)) + own + body[at + 3 + count :]
    return Box(b"ipco", added).packed() + Box(b"ipma", ends).packed()
