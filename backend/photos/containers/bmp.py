"""The colour profile in a BMP file (BITMAPV5HEADER of Windows)."""

from __future__ import annotations

import struct

_HEAD = 14  # bytes before the header that profiles are counted from
_V5 = 124  # bytes of the only header that has one
_SPACE, _PLACE = 56, 112  # within it
_EMBEDDED = b"DEBM"  # "MBED", as a number of that order


def profile_of(data: bytes) -> bytes | None:
    """The ICC profile; None without one."""
    if len(data) < _HEAD + _V5 or struct.unpack_from("<I", data, _HEAD)[0] < _V5:
        return None
    if data[_HEAD + _SPACE : _HEAD + _SPACE + 4] != _EMBEDDED:
        return None
    start, size = struct.unpack_from("<II", data, _HEAD + _PLACE)
    return data[_HEAD + start : _HEAD + start + size] or None
