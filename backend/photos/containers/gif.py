"""What a GIF file says beside its pictures, in its application extensions (GIF89a, section 26)."""

from __future__ import annotations

from collections.abc import Iterator

_XMP, _PROFILE = b"XMP DataXMP", b"ICCRGBG1012"
_TRAILER = b"\x01\xff\xfe\xfd"  # behind a packet, which is no chain of blocks (XMP part 3, 1.1.2)
_EXTENSION, _APPLICATION, _PICTURE, _END = 0x21, 0xFF, 0x2C, 0x3B


def metadata_of(data: bytes) -> tuple[bytes | None, bytes | None]:
    """The XMP packet and the ICC profile; None for each that the file does not have."""
    xmp = profile = None
    for name, start, end in _extensions(data):
        if name == _XMP and xmp is None:
            packet = data[start:end]
            at = packet.rfind(_TRAILER)
            xmp = packet[:at] if at > 0 else None
        elif name == _PROFILE and profile is None:
            profile = b"".join(data[a:b] for a, b in _blocks(data, start)) or None
    return xmp, profile


def _extensions(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Application extensions up to damage: their names, and where their data is."""
    at = 13 + _table(data, 10)
    while at + 2 < len(data) and data[at] != _END:
        start, name = at + 2, b""
        if data[at] == _PICTURE:
            start = at + 11 + _table(data, at + 9)  # 10 of its head, 1 of the code size
        elif data[at] == _EXTENSION and data[at + 1] == _APPLICATION:
            start += 1 + data[start]
            name = data[at + 3 : start]
        elif data[at] != _EXTENSION:
            at += 1  # a block's end that was read as its last length
            continue
        end = start
        for _, stop in _blocks(data, start):
            end = stop
        yield name, start, end
        at = end + 1


def _blocks(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Where the data of the blocks that begin at `at` are, up to the empty one."""
    while at < len(data) and data[at]:
        yield at + 1, at + 1 + data[at]
        at += 1 + data[at]


def _table(data: bytes, at: int) -> int:
    """Bytes of a colour table, by the flags at `at`."""
    flags = data[at] if at < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
