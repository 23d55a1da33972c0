"""Pixels of the wire <-> numpy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import BadImage, BadSetting
from edit_library.edit import MAX_VALUE
from protocol.messages import Pixels

_DTYPES: dict[str, np.dtype[Any]] = {"u8": np.dtype("u1"), "f32": np.dtype("<f4")}


def to_array(pixels: Pixels) -> NDArray[Any]:
    """[H, W, channels], or [H, W] for one channel; a copy of its own, uint8 or float32.

    Raises BadImage for values that are not finite.
    """
    array = np.frombuffer(pixels.data, _DTYPES[pixels.dtype]).copy()
    if pixels.dtype == "f32" and not np.isfinite(array).all():
        raise BadImage(
            "The photo has pixels that are not numbers (NaN or infinite); "
            "flatten them, for instance with Colors > Clip, and try again."
        )
    shape = (pixels.height, pixels.width, pixels.channels)
    return array.reshape(shape if pixels.channels > 1 else shape[:2])


def to_code(pixels: Pixels) -> NDArray[np.float32]:
    """A code or an editing vector, float32 [n_ws, w_dim].

    Raises BadSetting for values from which no picture can be drawn.
    """
    code: NDArray[np.float32] = to_array(pixels)
    if np.abs(code).max() > MAX_VALUE:
        raise BadSetting(
            f"A code or vector has values beyond {MAX_VALUE:g}, which no edit has; learn it again."
        )
    return code


def to_pixels(array: NDArray[Any]) -> Pixels:
    """uint8 or float32 [H, W] or [H, W, channels] as Pixels."""
    name = "u8" if array.dtype == np.uint8 else "f32"
    height, width = array.shape[:2]
    channels = array.shape[2] if array.ndim == 3 else 1
    data = np.ascontiguousarray(array, _DTYPES[name]).tobytes()
    return Pixels(width, height, channels, "u8" if name == "u8" else "f32", data)
