"""TIFF's directories, of which TIFF files and EXIF blocks are made (TIFF 6.0, section 2; BigTIFF).

A directory is a list of entries: code, type, count and a field that holds the value or, where the
value is longer than the field, its place in the file. Entries that are handed on keep their fields,
so that values stay where they are: maker notes are full of places counted from the file's start.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# Bytes of one value by its type; 16 to 18 are BigTIFF's.
SIZES = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
    16: 8, 17: 8, 18: 8,
}  # fmt: skip
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, LONG8 = 1, 2, 3, 4, 5, 7, 16
_FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
SUB_IFDS, EXIF_IFD, GPS_IFD, INTEROP_IFD = 330, 34665, 34853, 40965
ORIENTATION, SUBFILE_TYPE = 274, 254
_POINTERS = (EXIF_IFD, GPS_IFD, INTEROP_IFD)
_MOST = 1000  # directories of one file


@dataclass(frozen=True)
class Layout:
    """order: "<" or ">". big: whether places are counted in 64 bits (BigTIFF)."""

    order: str
    big: bool

    @property
    def place(self) -> str:
        """The struct format of a place in the file."""
        return self.order + ("Q" if self.big else "I")

    @property
    def room(self) -> int:
        """Bytes of an entry's field."""
        return 8 if self.big else 4

    @property
    def first(self) -> int:
        """Where the place of the first directory is written."""
        return 8 if self.big else 4


@dataclass(frozen=True)
class TiffEntry:
    """field: the value, or its place in the file, as it is written in the directory."""

    code: int
    kind: int
    count: int
    field: bytes


@dataclass(frozen=True)
class Directory:
    """A directory at `place`.

    pointer: where the file says so. fields: where each entry's field is. end: of the entries, where
    the place of the next directory is written; 0 for none.
    """

    place: int
    pointer: int
    entries: dict[int, TiffEntry]
    fields: dict[int, int]
    end: int
    next: int


def layout_of(data: bytes | bytearray) -> Layout:
    """How the file counts; raises ValueError for what is no TIFF structure."""
    for order, word in (("<", b"II"), (">", b"MM")):
        if data[:2] == word and len(data) >= 8:
            magic = struct.unpack_from(order + "H", data, 2)[0]
            if magic == 43 and len(data) >= 16:
                return Layout(order, True)
            if magic == 42:
                return Layout(order, False)
    raise ValueError("not a TIFF structure")


def read_directory(data: bytes | bytearray, layout: Layout, pointer: int) -> Directory:
    """The directory whose place is written at `pointer`; raises ValueError for damage."""
    try:
        (place,) = struct.unpack_from(layout.place, data, pointer)
        head = layout.order + ("Q" if layout.big else "H")
        (count,) = struct.unpack_from(head, data, place)
        line = struct.Struct(layout.order + ("HHQ8s" if layout.big else "HHI4s"))
        start = place + struct.calcsize(head)
        end = start + count * line.size
        if place < 8 or end > len(data):
            raise ValueError("a directory is damaged")
        found = [TiffEntry(*line.unpack_from(data, start + i * line.size)) for i in range(count)]
    except struct.error as error:
        raise ValueError("a directory is damaged") from error
    ends = {e.code: start + (i + 1) * line.size - layout.room for i, e in enumerate(found)}
    whole = end + layout.room <= len(data)
    after = struct.unpack_from(layout.place, data, end)[0] if whole else 0
    return Directory(place, pointer, {e.code: e for e in found}, ends, end, after)


def chain(data: bytes | bytearray, layout: Layout) -> Iterator[Directory]:
    """The directories of the main chain, and below each those of its SubIFDs.

    Each comes once, though several ways may lead to it; those behind damage are passed over. Raises
    ValueError where the first is damaged, or they are too many.
    """
    seen: set[int] = set()
    waiting = [layout.first]
    while waiting:
        pointer = waiting.pop()
        try:
            directory = read_directory(data, layout, pointer)
        except ValueError:
            if not seen:
                raise
            continue
        if directory.place in seen:
            continue
        if len(seen) >= _MOST:
            raise ValueError("its directories have no end")
        seen.add(directory.place)
        yield directory
        if directory.next:
            waiting.append(directory.end)
        if sub := directory.entries.get(SUB_IFDS):
            first = value_place(layout, sub, directory)
            step = SIZES.get(sub.kind, 4)
            if step == layout.room and sub.count <= _MOST:
                waiting.extend(first + step * i for i in reversed(range(sub.count)))


def value_place(layout: Layout, entry: TiffEntry, directory: Directory) -> int:
    """Where the value of a directory's entry begins in the file."""
    if SIZES.get(entry.kind, 1) * entry.count > layout.room:
        return int(struct.unpack(layout.place, entry.field)[0])
    return directory.fields[entry.code]


def value_of(data: bytes | bytearray, layout: Layout, entry: TiffEntry) -> bytes:
    """An entry's value as it is written; raises ValueError where it lies outside the file."""
    length = SIZES.get(entry.kind, 1) * entry.count
    if length <= layout.room:
        return entry.field[:length]
    (place,) = struct.unpack(layout.place, entry.field)
    if place + length > len(data):
        raise ValueError("a value lies outside the file")
    return bytes(data[place : place + length])


def numbers_of(data: bytes | bytearray, layout: Layout, entry: TiffEntry | None) -> tuple[int, ...]:
    """An entry's whole numbers; () without the entry or for other types."""
    if entry is None or entry.kind not in _FORMATS:
        return ()
    raw = value_of(data, layout, entry)
    return struct.unpack(f"{layout.order}{entry.count}{_FORMATS[entry.kind]}", raw)


def put(out: bytearray, layout: Layout, code: int, kind: int, value: bytes) -> TiffEntry:
    """An entry for a value in the file's order; what does not fit its field is added to `out`."""
    count = len(value) // SIZES[kind]
    if len(value) <= layout.room:
        return TiffEntry(code, kind, count, value.ljust(layout.room, b"\0"))
    return TiffEntry(code, kind, count, struct.pack(layout.place, append(out, value)))


def put_numbers(out: bytearray, layout: Layout, code: int, kind: int, *values: int) -> TiffEntry:
    """An entry of whole numbers."""
    raw = struct.pack(f"{layout.order}{len(values)}{_FORMATS[kind]}", *values)
    return put(out, layout, code, kind, raw)


def append(out: bytearray, value: bytes) -> int:
    """Add a value at the end, at an even place, and return the place."""
    out += bytes(len(out) % 2)
    place = len(out)
    out += value
    return place


def append_directory(
    out: bytearray, layout: Layout, entries: Mapping[int, TiffEntry], after: int = 0
) -> int:
    """Add a directory at the end and return its place. after: the place of the next one."""
    head = layout.order + ("Q" if layout.big else "H")
    line = struct.Struct(layout.order + ("HHQ8s" if layout.big else "HHI4s"))
    body = struct.pack(head, len(entries))
    for code in sorted(entries):
        entry = entries[code]
        body += line.pack(entry.code, entry.kind, entry.count, entry.field)
    return append(out, body + struct.pack(layout.place, after))


def copy_directory(
    data: bytes | bytearray,
    layout: Layout,
    directory: Directory,
    out: bytearray,
    target: Layout,
    leave: frozenset[int] = frozenset(),
) -> int:
    """Copy a directory with its values, and EXIF, GPS and interoperability below it, into `out`.

    target: of the same byte order. Entries that cannot be copied (damage, types that only BigTIFF
    has) are left out. Returns the copy's place.
    """
    entries: dict[int, TiffEntry] = {}
    for code, entry in directory.entries.items():
        if code in leave or entry.kind not in SIZES or (entry.kind >= LONG8 and not target.big):
            continue
        try:
            if code in _POINTERS:
                pointer = value_place(layout, entry, directory)
                below = read_directory(data, layout, pointer)
                if below.place != directory.place:
                    place = copy_directory(data, layout, below, out, target, leave)
                    entries[code] = put_numbers(out, target, code, LONG, place)
            else:
                entries[code] = put(out, target, code, entry.kind, value_of(data, layout, entry))
        except (ValueError, struct.error, RecursionError):
            continue
    return append_directory(out, target, entries)
