"""Generated pictures as arrays, and sheets of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor


def quantized(images: Tensor) -> Tensor:
    """[-1, 1] -> uint8 of the same shape; values beyond are clipped."""
    return ((images.float().clamp(-1, 1) + 1) * 127.5).round().byte()


def to_float(images: Tensor) -> Tensor:
    """0..255 -> float32 in [-1, 1]."""
    return images.float() / 127.5 - 1


def to_uint8(images: Tensor) -> NDArray[np.uint8]:
    """(B, 3, R, R) in [-1, 1] -> uint8 [B, R, R, 3]."""
    return quantized(images).permute(0, 2, 3, 1).cpu().numpy()


def to_picture(image: Tensor) -> NDArray[np.uint8]:
    """(1, 3, R, R) in [-1, 1] -> uint8 [R, R, 3]."""
    return to_uint8(image.detach())[0]


def grid(images: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """uint8 [B, R, R, 3] -> one picture, row by row; an incomplete last row is filled with
    white."""
    missing = -len(images) % columns
    white = np.full((missing, *images.shape[1:]), 255, np.uint8)
    tiles = np.concatenate([images, white]).reshape(-1, columns, *images.shape[1:])
    return tiles.swapaxes(1, 2).reshape(
        tiles.shape[0] * tiles.shape[2], columns * tiles.shape[3], 3
    )


def save_grid(path: Path, images: NDArray[np.uint8], columns: int, zoom: int = 1) -> None:
    """Write a grid (PNG, JPEG ... by name), each picture enlarged `zoom` times."""
    sheet = Image.fromarray(grid(images, columns))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.resize((sheet.width * zoom, sheet.height * zoom), Image.Resampling.BICUBIC).save(
        path, quality=90
    )
