"""OpenCV with element types: its own stubs forget the dtype, which these calls keep."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)


def resize(image: NDArray[T], size: tuple[int, int], interpolation: int) -> NDArray[T]:
    """[H, W, ...] at another size (width, height)."""
    found = cv2.resize(cast(Any, image), size, interpolation=interpolation)
    return cast("NDArray[T]", found)


def warp_affine(
    image: NDArray[T],
    matrix: NDArray[np.float64],
    size: tuple[int, int],
    *,
    flags: int,
    border: int = cv2.BORDER_CONSTANT,
    outside: float = 0,
) -> NDArray[T]:
    """[H, W, ...] under an affine [2, 3], as a picture of `size` (width, height); outside: the
    value of a constant border."""
    found = cv2.warpAffine(
        cast(Any, image), matrix, size, flags=flags, borderMode=border, borderValue=(outside,)
    )
    return cast("NDArray[T]", found)


def gaussian_blur(image: NDArray[T], sigma: float) -> NDArray[T]:
    """[H, W, ...] blurred, the deviation in pixels."""
    return cast("NDArray[T]", cv2.GaussianBlur(cast(Any, image), (0, 0), sigma))


def disc(radius: float) -> NDArray[np.uint8]:
    """A filled circle for morphology, of the nearest whole radius in pixels, at least 1."""
    size = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
