"""What a picture's numbers mean as light, where that is not sRGB's curve.

The model knows pictures as screens show them. Linear, PQ and HLG pictures are shown to it that way
and what it draws is turned back; pixels that no edit touches are never turned.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["gamma", "pq", "hlg"]
Floats = NDArray[Any]  # float32
_WHITE = 203.0  # cd/m2 of diffuse white (ITU-R BT.2408)
_PQ = (0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875)  # m1, m2, c1, c2, c3
_HLG = (0.17883277, 0.28466892, 0.55991073)  # a, b, c (ITU-R BT.2100, table 5)
_HLG_WHITE = 0.2645  # scene light at 75 % of the signal, which is diffuse white
_CURVES = (b"rTRC", b"kTRC")  # of colours, of grey
_TRANSFERS: dict[int, Kind] = {16: "pq", 18: "hlg"}  # ITU-T H.273, table 3


@dataclass(frozen=True)
class Transfer:
    """How numbers become light. exponent: for "gamma", light = number ** exponent."""

    kind: Kind
    exponent: float = 1.0

    @property
    def is_hdr(self) -> bool:
        return self.kind in ("pq", "hlg")

    def to_srgb(self, values: Floats) -> Floats:
        """The file's numbers, 1 is its white, as sRGB's; brighter than diffuse white is above 1."""
        return _srgb_of(self._light(values))

    def from_srgb(self, values: Floats) -> Floats:
        """The reverse."""
        return self._numbers(_light_of_srgb(values))

    def sentence(self) -> str:
        """What to tell the user of an HDR picture."""
        return (
            f"This is an HDR picture ({self.kind.upper()}): it is edited as a screen of normal "
            "brightness shows it, and stays HDR."
        )

    def _light(self, values: Floats) -> Floats:
        size = np.abs(values)
        if self.kind == "gamma":
            light = size**self.exponent
        elif self.kind == "pq":  # SMPTE ST 2084
            m1, m2, c1, c2, c3 = _PQ
            root = np.minimum(size, 1) ** (1 / m2)
            light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * (10000 / _WHITE)
        else:
            a, b, c = _HLG
            light = np.where(size <= 0.5, size**2 / 3, (np.exp((size - c) / a) + b) / 12)
            light = light / _HLG_WHITE
        return np.copysign(light, values).astype(np.float32)

    def _numbers(self, light: Floats) -> Floats:
        size = np.abs(light)
        if self.kind == "gamma":
            numbers = size ** (1 / self.exponent)
        elif self.kind == "pq":
            m1, m2, c1, c2, c3 = _PQ
            power = np.minimum(size * (_WHITE / 10000), 1) ** m1
            numbers = ((c1 + c2 * power) / (1 + c3 * power)) ** m2
        else:
            a, b, c = _HLG
            scene = np.minimum(size * _HLG_WHITE, 1)
            upper = a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
            numbers = np.where(scene <= 1 / 12, np.sqrt(3 * scene), upper)
        return np.copysign(numbers, light).astype(np.float32)


def of_code(code: int) -> Transfer | None:
    """A transfer characteristic of ITU-T H.273; None for those that screens show as sRGB."""
    if code in _TRANSFERS:
        return Transfer(_TRANSFERS[code])
    return Transfer("gamma") if code == 8 else None


def of_gamma(encoding: float) -> Transfer | None:
    """PNG's gAMA, the exponent that made the numbers; None about 1/2.2, which is sRGB's."""
    if encoding <= 0 or abs(encoding * 2.2 - 1) < 0.15:
        return None
    return Transfer("gamma", 1 / encoding)


def of_profile(profile: bytes | None) -> Transfer | None:
    """What an ICC profile says: a code of H.273, or a straight tone curve; None for others."""
    tags = _tags_of(profile)
    code = tags.get(b"cicp", b"")
    if len(code) >= 10 and (found := of_code(code[9])):
        return found
    curve = next((tags[name] for name in _CURVES if name in tags), b"")
    return Transfer("gamma") if _is_straight(curve) else None


def has_curves(profile: bytes) -> bool:
    """Whether `of_profile` can tell; a profile of tables alone says nothing there."""
    return any(name in _tags_of(profile) for name in (*_CURVES, b"cicp"))


def _tags_of(profile: bytes | None) -> dict[bytes, bytes]:
    tags: dict[bytes, bytes] = {}
    if not profile or len(profile) < 132:
        return tags
    (count,) = struct.unpack_from(">I", profile, 128)
    for i in range(min(count, 100)):
        if 144 + 12 * i > len(profile):
            break
        name, start, size = struct.unpack_from(">4sII", profile, 132 + 12 * i)
        tags[name] = profile[start : start + size]
    return tags


def _is_straight(curve: bytes) -> bool:
    """Whether a tone curve is that of linear light (ICC.1:2022, 10.6 and 10.18)."""
    if curve[:4] == b"curv" and len(curve) >= 12:
        (count,) = struct.unpack_from(">I", curve, 8)
        if count == 0:
            return True
        values = struct.unpack_from(f">{min(count, (len(curve) - 12) // 2)}H", curve, 12)
        if count == 1:
            return abs(values[0] / 256 - 1) < 0.05
        return abs(values[len(values) // 2] / 65535 - 0.5) < 0.02
    if curve[:4] == b"para" and len(curve) >= 16:
        kind, gamma = struct.unpack_from(">H2xi", curve, 8)
        return kind == 0 and abs(gamma / 65536 - 1) < 0.05
    return False


def _srgb_of(light: Floats) -> Floats:
    size = np.abs(light)
    numbers = np.where(size <= 0.0031308, size * 12.92, 1.055 * size ** (1 / 2.4) - 0.055)
    return np.copysign(numbers, light).astype(np.float32)


def _light_of_srgb(values: Floats) -> Floats:
    size = np.abs(values)
    light = np.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** 2.4)
    return np.copysign(light, values).astype(np.float32)
