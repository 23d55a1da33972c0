"""Pictures as the networks see them, [-1, 1], and as bytes, 0..255."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_bytes(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """[-1, 1] -> uint8, rounded; values beyond are clipped."""
    return np.rint((np.clip(picture, -1, 1) + 1) * 127.5).astype(np.uint8)


def from_bytes(picture: NDArray[Any]) -> NDArray[np.float32]:
    """0..255 -> float32 in [-1, 1]."""
    return picture.astype(np.float32) / np.float32(127.5) - np.float32(1)
