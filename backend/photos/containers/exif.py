"""EXIF blocks: TIFF structures that cameras put into files of every kind (Exif 2.32, section 4)."""

from __future__ import annotations

import struct

from backend.photos.containers.directories import (
    ORIENTATION,
    SHORT,
    Layout,
    chain,
    copy_directory,
    layout_of,
    numbers_of,
    read_directory,
)

PREFIX = b"Exif\0\0"  # before the block in JPEG
# Of a TIFF file's directory, what describes its pixels or is a block of its own elsewhere.
_NOT_EXIF = frozenset(
    (254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284,
     288, 289, 290, 291, 292, 293, 317, 320, 321, 322, 323, 324, 325, 330, 332, 333, 334, 336, 338,
     339, 340, 341, 342, 343, 347, 512, 513, 514, 515, 519, 520, 521, 529, 530, 532, 700, 33723,
     34377, 34675, 37724, 50838, 50839)
)  # fmt: skip


def orientation_of(exif: bytes | None) -> int:
    """1 to 8; 1 where the block does not say or is damaged."""
    try:
        data = exif or b""
        layout = layout_of(data)
        directory = read_directory(data, layout, layout.first)
        found = numbers_of(data, layout, directory.entries.get(ORIENTATION))
    except (ValueError, struct.error):
        return 1
    return found[0] if found and 1 <= found[0] <= 8 else 1


def upright(exif: bytes) -> bytes:
    """The block of a picture that was turned upright: its orientation is 1. Nothing else moves."""
    if orientation_of(exif) == 1:
        return exif
    layout = layout_of(exif)
    place = struct.unpack_from(layout.place, exif, layout.first)[0]
    (count,) = struct.unpack_from(layout.order + "H", exif, place)
    patched = bytearray(exif)
    for at in range(place + 2, place + 2 + 12 * count, 12):
        code, kind = struct.unpack_from(layout.order + "HH", exif, at)
        if code == ORIENTATION:
            form = layout.order + ("H" if kind == SHORT else "I")
            struct.pack_into(form, patched, at + 8, 1)
    return bytes(patched)


def exif_of_tiff(data: bytes, pointer: int) -> bytes | None:
    """What the directory of a TIFF file at `pointer` says of the photo, as an EXIF block.

    None where it says nothing.
    """
    layout = layout_of(data)
    target = Layout(layout.order, big=False)
    out = bytearray(data[:2] + struct.pack(target.order + "HI", 42, 0))
    directory = read_directory(data, layout, pointer)
    place = copy_directory(data, layout, directory, out, target, _NOT_EXIF)
    struct.pack_into(target.place, out, target.first, place)
    block = bytes(out)
    return block if next(chain(block, target)).entries else None
