"""IPTC-IIM records in Photoshop's image resources, as JPEG and PNG hold them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_IPTC = 0x0404


def wrapped(records: bytes) -> bytes:
    """Records as the only one of Photoshop's image resources."""
    head = b"8BIM" + struct.pack(">HHI", _IPTC, 0, len(records))
    return head + records + bytes(len(records) % 2)


def unwrapped(data: bytes) -> bytes | None:
    """The records among Photoshop's image resources, or `data` without them; None for none."""
    if data[:4] != b"8BIM":
        return data or None
    found = (data[start:end] for code, start, end in resources(data) if code == _IPTC)
    return next(found, b"") or None


def resources(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Each of Photoshop's image resources: its number, where its content begins, where it ends."""
    at = 0
    while data[at : at + 4] == b"8BIM" and at + 12 <= len(data):
        (code,) = struct.unpack_from(">H", data, at + 4)
        at += 6 + ((data[at + 6] + 2) & ~1)  # a Pascal string, padded to an even length
        if at + 4 > len(data):
            return
        (size,) = struct.unpack_from(">I", data, at)
        yield code, at + 4, min(at + 4 + size, len(data))
        at += 4 + size + size % 2
