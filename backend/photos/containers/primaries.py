"""ICC profiles for colours that a file describes by primaries and a tone curve (ICC.1:2022)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SRGB = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
# White, red, green, blue as x, y, by the codes of ITU-T H.273, table 2.
BY_CODE = {
    9: (0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)  # IEC 61966-2-1


def profile(primaries: Sequence[float], exponent: float | None) -> bytes:
    """A display profile: light = number ** exponent, None for sRGB's curve.

    primaries: x, y of white, red, green, blue. Raises ValueError where these enclose nothing.
    """
    matrix, adaptation = _to_d50(primaries)
    numbers = _SRGB_CURVE if exponent is None else (exponent,)
    curve = struct.pack(">4s4xHH", b"para", 0 if exponent else 3, 0) + _fixed(numbers)
    tags = {
        b"desc": _text("Colours of the photo's PNG file"),
        b"cprt": _text("CC0"),
        b"wtpt": b"XYZ " + bytes(4) + _fixed(_D50),
        b"chad": b"sf32" + bytes(4) + _fixed(adaptation.ravel()),
        **{name: b"XYZ " + bytes(4) + _fixed(column)
           for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), matrix.T, strict=True)},
        b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }  # fmt: skip
    at = 132 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(
        ">I4sI4s4s4s12x4s4sIII8xI", at + len(body), bytes(4), 0x04400000, b"mntr", b"RGB ", b"XYZ ",
        b"acsp", bytes(4), 0, 0, 0, 0,
    ) + _fixed(_D50)  # fmt: skip
    return head.ljust(128, b"\0") + table + body


def _to_d50(primaries: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The matrix from R'G'B' of linear light to XYZ at D50, and the adaptation in it."""
    places = np.asarray(primaries, np.float64).reshape(4, 2)
    if (places[:, 1] <= 0).any():
        raise ValueError("primaries without light")
    xyz = np.column_stack([places, 1 - places.sum(axis=1)]) / places[:, 1:]
    white, colours = xyz[0], xyz[1:].T
    try:
        matrix = colours * np.linalg.solve(colours, white)
    except np.linalg.LinAlgError as error:
        raise ValueError("primaries on a line") from error
    ratio = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    adaptation = np.linalg.inv(_BRADFORD) @ np.diag(ratio) @ _BRADFORD
    if not np.isfinite(matrix).all() or np.abs(adaptation @ matrix).max() > 100:
        raise ValueError("primaries that are nearly on a line")
    return adaptation @ matrix, adaptation


def _fixed(values: Sequence[float] | NDArray[np.float64]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(float(v) * 65536) for v in values))


def _text(text: str) -> bytes:
    data = text.encode("utf-16-be")
    return struct.pack(">4s4xII4sII", b"mluc", 1, 12, b"enUS", len(data), 28) + data
