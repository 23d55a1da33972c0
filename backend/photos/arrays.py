"""Names for arrays: OpenCV's type stubs know no element types, so these say them to the reader."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Floats = NDArray[Any]  # float32
Bytes = NDArray[Any]  # uint8
Flags = NDArray[Any]  # bool
Indices = NDArray[Any]  # int64
Picture = NDArray[Any]  # uint8 0..255, or float32 nominally 0..1
