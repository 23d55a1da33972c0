"""A Display P3 profile, built here because it is nobody's to ship (ICC.1:2010, matrix/TRC)."""

from __future__ import annotations

import struct

# Apple's primaries under D50, and the sRGB curve as an ICC parametric curve of type 3
_D50 = (0.9642, 1.0, 0.8249)
_COLUMNS = {
    b"rXYZ": (0.515121, 0.241196, -0.001053),
    b"gXYZ": (0.291977, 0.692245, 0.041885),
    b"bXYZ": (0.157104, 0.066574, 0.784073),
}
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def display_p3() -> bytes:
    curve = b"para" + struct.pack(">IHH", 0, 3, 0) + b"".join(map(_fixed, _SRGB_CURVE))
    tags = {
        b"desc": _text("Display P3"),
        b"cprt": _text("CC0"),
        b"wtpt": _xyz(_D50),
        **{name: _xyz(values) for name, values in _COLUMNS.items()},
        **{name: curve for name in (b"rTRC", b"gTRC", b"bTRC")},
    }
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    content = struct.pack(">I", len(tags)) + table + body
    header = struct.pack(">I4sI4s4s4s12s4s", 128 + len(content), b"", 0x04200000, b"mntr", b"RGB ",
                         b"XYZ ", bytes(12), b"acsp")  # fmt: skip
    return header.ljust(68, b"\0") + b"".join(map(_fixed, _D50)) + bytes(48) + content


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_fixed, values))


def _text(text: str) -> bytes:
    words = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">III2s2sII", 0, 1, 12, b"en", b"US", len(words), 28) + words
