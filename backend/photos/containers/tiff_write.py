"""Writing TIFF files: around the source's own bytes, or new ones around an EXIF block.

A TIFF that goes back into a TIFF keeps every byte of its own. Only the strips or tiles that an edit
touched are encoded again, as the file encodes them; what no longer fits its old place is added at
the end, with a new copy of the one directory. Other pages, other channels, EXIF, maker notes and
whatever a program put there are left as they are.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backend.photos.containers.directories import (
    ASCII,
    BYTE,
    LONG,
    LONG8,
    RATIONAL,
    SHORT,
    UNDEFINED,
    Layout,
    TiffEntry,
    append,
    append_directory,
    layout_of,
    put,
    put_numbers,
    read_directory,
)
from backend.photos.containers.tiff import (
    GREY,
    RGB,
    UNASSOCIATED,
    PicturePlace,
    Stored,
)
from backend.photos.containers.tiff_segments import (
    DEFLATE,
    LZW,
    PACK,
    WEBP,
    TiffSegment,
    cut,
    differences,
    encoded,
    in_order,
    segments_of,
    touched,
)

if TYPE_CHECKING:
    import tifffile

XMP, IPTC, PROFILE = 700, 33723, 34675
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _ORIENTATION, _SAMPLES, _ROWS, _COUNTS = 273, 274, 277, 278, 279
_X_DENSITY, _Y_DENSITY, _PLANAR, _UNIT, _PREDICTOR = 282, 283, 284, 296, 317
_TILES, _TILE_COUNTS, _EXTRA, _FORMAT, _DESCRIPTION = 324, 325, 338, 339, 270
# What describes how pixels are stored, apart from what is written anew.
_OLD_STORAGE = (
    254, 255, 263, 264, 265, 266, _ORIENTATION, 280, 281, 288, 289, 290, 291, 292, 293, _PREDICTOR,
    320, 321, 322, 323, _TILES, _TILE_COUNTS, 330, 332, 333, 334, 336, _EXTRA, 340, 341, 342, 343,
    347, 512, 513, 514, 515, 519, 520, 521, 529, 530, 532,
)  # fmt: skip
_STRIP_BYTES = 1 << 20


def patched(
    data: bytes,
    place: PicturePlace,
    page: tifffile.TiffPage,
    values: NDArray[Any],
    changed: NDArray[np.bool_],
    xmp: bytes | None,
) -> bytes:
    """The file `data` with new values [H, W, S] in its main picture, where they `changed` [H, W].

    xmp: the packet, None to keep the file's own. Only for files that `can_patch`.
    """
    out = bytearray(data)
    entries = dict(place.directory.entries)
    segments = [s for s in segments_of(page) if touched(s, changed)]
    if segments:
        entries |= _replace(out, place.layout, page, segments, values)
    if xmp is not None:
        entries[XMP] = put(out, place.layout, XMP, BYTE, xmp)
    if entries != place.directory.entries:
        _redirect(out, place, entries)
    return bytes(out)


def can_patch(page: tifffile.TiffPage, stored: Stored) -> bool:
    """Whether the file's own way to store pixels is one that can be written without a loss."""
    if int(page.compression) == WEBP:
        return stored.values.shape[2] == 3 and int(page.planarconfig) == 1
    whole = stored.bits == stored.values.dtype.itemsize * 8
    little = page.parent.byteorder == "<"
    float_kind = stored.values.dtype.kind == "f"
    predictor = int(page.predictor)
    simple = predictor == 1 or (predictor == 2 and not float_kind) or (predictor == 3 and little)
    between = 8 < stored.bits < 16 and predictor == 1  # fewer bits are too few to edit in
    return (between or (whole and simple)) and int(page.compression) in PACK


def restored(
    data: bytes, place: PicturePlace, values: NDArray[Any], stored: Stored, xmp: bytes | None
) -> bytes:
    """The file `data` with its main picture stored anew, without a loss: values [H, W, S]."""
    out = bytearray(data)
    gone = frozenset(_OLD_STORAGE) - {_ORIENTATION, 254, 330}
    entries = {c: e for c, e in place.directory.entries.items() if c not in gone}
    entries |= _store(out, place.layout, values, stored.photometric, stored.extra)
    if xmp is not None:
        entries[XMP] = put(out, place.layout, XMP, BYTE, xmp)
    _redirect(out, place, entries)
    return bytes(out)


def with_xmp_of_head(data: bytes, xmp: bytes) -> bytes:
    """The file `data` with a packet in its first directory."""
    out, layout = bytearray(data), layout_of(data)
    head = read_directory(data, layout, layout.first)
    entries = {**head.entries, XMP: put(out, layout, XMP, BYTE, xmp)}
    place = append_directory(out, layout, entries, head.next)
    struct.pack_into(layout.place, out, layout.first, place)
    return bytes(out)


def without_profile(place: PicturePlace) -> PicturePlace:
    """The place of a picture whose colour profile no longer holds."""
    entries = {c: e for c, e in place.directory.entries.items() if c != PROFILE}
    return replace(place, directory=replace(place.directory, entries=entries))


def new_file(
    values: NDArray[Any],
    exif: bytes | None,
    blocks: Mapping[int, bytes | None],
    density: tuple[float, float] | None,
    alpha: bool,
) -> bytes:
    """A TIFF of values [H, W, 1 to 4] that begins with an EXIF block and takes over its directory.

    So everything in the block stays at the place that it is known by. blocks: further values by tag
    (XMP, IPTC, PROFILE, a description). Raises ValueError where the EXIF block is damaged.
    """
    out = bytearray(exif or b"II*\0" + bytes(4))
    layout = layout_of(out)
    entries: dict[int, TiffEntry] = {}
    if exif:
        found = read_directory(exif, layout, layout.first).entries
        entries = {c: e for c, e in found.items() if c not in _OLD_STORAGE}
    colors = 3 if values.shape[2] >= 3 else 1
    extra = (UNASSOCIATED,) if alpha else ()
    entries |= _store(out, layout, values, RGB if colors == 3 else GREY, extra)
    if density and _X_DENSITY not in entries:
        entries |= _density(out, layout, density)
    for code, value in blocks.items():
        if value:
            kind = {PROFILE: UNDEFINED, IPTC: LONG, _DESCRIPTION: ASCII}.get(code, BYTE)
            if kind == LONG:  # as Adobe's programs have it, though it is bytes
                value += bytes(-len(value) % 4)
            entries[code] = put(out, layout, code, kind, value)
    place = append_directory(out, layout, entries)
    struct.pack_into(layout.place, out, layout.first, place)
    return bytes(out)


def comment_block(comment: str | None) -> dict[int, bytes | None]:
    """A comment as TIFF's description."""
    return {_DESCRIPTION: comment.encode() + b"\0" if comment else None}


def _replace(
    out: bytearray,
    layout: Layout,
    page: tifffile.TiffPage,
    segments: list[TiffSegment],
    values: NDArray[Any],
) -> dict[int, TiffEntry]:
    """Put new segments in the place of old ones, or at the end; returns the changed entries."""
    places, counts = list(page.dataoffsets), list(page.databytecounts)

    def packed(segment: TiffSegment) -> bytes:
        return encoded(cut(values, segment), page, layout.order)

    with ThreadPoolExecutor() as pool:
        for segment, body in zip(segments, pool.map(packed, segments), strict=True):
            i = segment.number
            if len(body) > counts[i]:
                places[i] = append(out, body)
            else:
                out[places[i] : places[i] + len(body)] = body
            counts[i] = len(body)
    codes = (_TILES, _TILE_COUNTS) if page.is_tiled else (_STRIPS, _COUNTS)
    same = places == list(page.dataoffsets), counts == list(page.databytecounts)
    kind = LONG8 if layout.big else LONG
    return {
        code: put_numbers(out, layout, code, kind, *new)
        for code, new, old in zip(codes, (places, counts), same, strict=True)
        if not old
    }


def _store(
    out: bytearray,
    layout: Layout,
    values: NDArray[Any],
    photometric: int,
    extra: tuple[int, ...],
) -> dict[int, TiffEntry]:
    """Add a picture in strips; returns the entries that describe it."""
    height, width, samples = values.shape
    rows = max(1, _STRIP_BYTES // (width * samples * values.dtype.itemsize))
    floats = values.dtype.kind == "f"
    packing = DEFLATE if floats else LZW  # which is TIFF 6.0's own

    def packed(y: int) -> bytes:
        block = values[y : y + rows]
        if not floats:
            block = differences(block)
        return PACK[packing](in_order(block, layout.order))

    with ThreadPoolExecutor() as pool:
        strips = list(pool.map(packed, range(0, height, rows)))
    places = [append(out, strip) for strip in strips]
    bits = values.dtype.itemsize * 8
    wide = LONG8 if layout.big else LONG
    numbers: list[tuple[int, int, list[int]]] = [
        (_WIDTH, LONG, [width]),
        (_HEIGHT, LONG, [height]),
        (_BITS, SHORT, [bits] * samples),
        (_COMPRESSION, SHORT, [packing]),
        (_PHOTOMETRIC, SHORT, [photometric]),
        (_STRIPS, wide, places),
        (_SAMPLES, SHORT, [samples]),
        (_ROWS, LONG, [rows]),
        (_COUNTS, wide, [len(strip) for strip in strips]),
        (_PLANAR, SHORT, [1]),
        (_PREDICTOR, SHORT, [1 if floats else 2]),
        (_FORMAT, SHORT, [3 if floats else 1] * samples),
    ]
    if extra:
        numbers.append((_EXTRA, SHORT, list(extra)))
    return {code: put_numbers(out, layout, code, kind, *n) for code, kind, n in numbers}


def _density(out: bytearray, layout: Layout, density: tuple[float, float]) -> dict[int, TiffEntry]:
    found = {
        code: put(
            out, layout, code, RATIONAL, struct.pack(layout.order + "II", round(v * 1000), 1000)
        )
        for code, v in zip((_X_DENSITY, _Y_DENSITY), density, strict=True)
    }
    return {**found, _UNIT: put_numbers(out, layout, _UNIT, SHORT, 2)}


def _redirect(out: bytearray, place: PicturePlace, entries: Mapping[int, TiffEntry]) -> None:
    """Add the new directory and let the file lead to it."""
    new = append_directory(out, place.layout, entries, place.directory.next)
    struct.pack_into(place.layout.place, out, place.directory.pointer, new)
