"""What stands behind a JPEG's picture: further pictures, a film, programs' notes.

Where these are, numbers in the file say: those of CIPA DC-007's index, of AFCP's trailer, and of
maker notes that have a preview there. They follow when the picture becomes longer or shorter.
"""

from __future__ import annotations

import contextlib
import re
import struct
from typing import NamedTuple

from backend.photos.containers import jpeg
from backend.photos.containers.directories import EXIF_IFD, layout_of, read_directory, value_place
from backend.photos.containers.previews import Sketch

_INDEX = re.compile(rb"\xff\xe2..MPF\0", re.DOTALL)
_PICTURES = 0xB002  # the index's entry that lists them
_PREVIEWS = (0x010001, 0x010002)  # copies for smaller screens, by the index
_EXIF = re.compile(rb"\xff\xe1..Exif\0\0", re.DOTALL)
_MAKER_NOTE = 37500
_ORDERS = {b"AXS!": ">", b"AXS*": "<"}  # AFCP's heads
_JPEG = re.compile(rb"\xff\xd8\xff")
_FILM = re.compile(rb"\0\0..ftyp", re.DOTALL)
_GAIN = (b"hdrgm:", b"urn:iso:std:iso:ts:21496", b"HDRGainMap")
_DEPTH = (b"GDepth:", b"photos/dd/1.0/", b"DepthMap", b"depthmap", b"DisparityMap")
_NOTES = 4096  # bytes: shorter ones are a program's
_MOST = 20  # pictures that are looked for
_FAR = 1 << 16  # smaller numbers are too many to be taken for places


def rest_of(data: bytes) -> bytes:
    """What stands behind the picture."""
    end = jpeg.end_of(data)
    return data[end:] if end else b""


def names_of(data: bytes) -> tuple[str, ...]:
    """What a file holds beside its picture and shows, in words."""
    rest = rest_of(data)
    found = ["a film"] if _FILM.search(rest) else []
    found += ["a gain map"] if len(rest) > _NOTES and any(mark in data for mark in _GAIN) else []
    found += ["a depth map"] if any(mark in data for mark in _DEPTH) else []
    return tuple(found) or (("further pictures",) if len(rest) > _NOTES else ())


class _Moved(NamedTuple):
    """Both files up to the end of their pictures, and what stands behind them.

    head: of the new file; rest: is patched where it counts from the file's start.
    """

    source: bytes
    head: bytearray
    rest: bytearray
    sketch: Sketch | None

    @property
    def end(self) -> int:
        """Of the source's picture."""
        return len(self.source) - len(self.rest)

    @property
    def shift(self) -> int:
        return len(self.head) - self.end

    def draw(self, place: int, size: int) -> None:
        """Draw the preview at `place` of the source anew."""
        at = place - self.end
        if self.sketch and at >= 0:
            self.rest[at : at + size] = self.sketch.in_place_of(bytes(self.rest[at : at + size]))


def with_rest(encoded: bytes, source: bytes, sketch: Sketch | None) -> bytes:
    """An encoded picture and behind it what stands behind the source's.

    sketch: draws previews among that anew; None leaves them.
    """
    rest = rest_of(source)
    if not rest:
        return encoded
    both = _Moved(source, bytearray(encoded), bytearray(rest), sketch)
    for move in (_move_index, _move_afcp, _move_previews):
        with contextlib.suppress(ValueError, LookupError, struct.error):  # damaged before
            move(both)
    return bytes(both.head + both.rest)


def _move_index(both: _Moved) -> None:
    """CIPA DC-007, 5.2.3: lengths, and places counted from the index."""
    old, new = _INDEX.search(both.source, 0, both.end), _INDEX.search(both.head)
    if not old or not new:
        return
    base = new.end()
    block = bytes(both.head[base:])
    layout = layout_of(block)
    index = read_directory(block, layout, layout.first)
    entry = index.entries[_PICTURES]
    place = base + value_place(layout, entry, index)
    for number, at in enumerate(range(place, place + entry.count, 16)):
        kind, size, start = struct.unpack_from(layout.order + "III", both.head, at)
        if number == 0:
            struct.pack_into(layout.order + "I", both.head, at + 4, len(both.head))
        elif start:
            if kind & 0xFFFFFF in _PREVIEWS:
                both.draw(old.end() + start, size)
            moved = start + both.shift + old.end() - base
            struct.pack_into(layout.order + "I", both.head, at + 8, moved)


def _move_afcp(both: _Moved) -> None:
    """AXS File Concatenation Protocol: places counted from the file's start."""
    rest = both.rest
    order = _ORDERS[bytes(rest[-12:-8])]
    (start,) = struct.unpack_from(order + "I", rest, len(rest) - 8)
    at = start - both.end
    if at < 0 or rest[at : at + 4] != rest[-12:-8]:
        return
    (count,) = struct.unpack_from(order + "H", rest, at + 6)
    fields = [len(rest) - 8, *(at + 12 + 12 * i + 8 for i in range(count))]
    for field in fields:
        (place,) = struct.unpack_from(order + "I", rest, field)
        struct.pack_into(order + "I", rest, field, place + both.shift)


def _move_previews(both: _Moved) -> None:
    """Previews that maker notes have put behind the picture, counted from the file's start, EXIF's
    or their own. A number that is there once and leads to a JPEG is taken for such a place.
    """
    old, new = _EXIF.search(both.source, 0, both.end), _EXIF.search(both.head)
    if not old or not new:
        return
    block = both.source[old.end() : both.end]
    layout = layout_of(block)
    first = read_directory(block, layout, layout.first)
    exif = read_directory(block, layout, value_place(layout, first.entries[EXIF_IFD], first))
    note = exif.entries[_MAKER_NOTE]
    start = value_place(layout, note, exif)
    within = block[start : start + note.count]
    for found in list(_JPEG.finditer(both.rest))[:_MOST]:
        place = both.end + found.start()
        for base in (0, old.end(), old.end() + start):
            number = place - base
            moved = number + both.shift - (new.start() - old.start() if base else 0)
            for order in "<>":
                if number < _FAR or within.count(struct.pack(order + "I", number)) != 1:
                    continue
                at = new.end() + start + within.index(struct.pack(order + "I", number))
                struct.pack_into(order + "I", both.head, at, moved)
                both.draw(place, jpeg.end_of(bytes(both.rest[found.start() :])))
