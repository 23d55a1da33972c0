"""Pictures in folders: finding them, calling them by name, reading them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.errors import BadImage

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """An 8-bit picture, uint8 [H, W, 3]; raises BadImage."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise BadImage(f"{path} is not a picture that can be read.")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def find_images(folders: Sequence[Path]) -> list[Path]:
    """All pictures below the folders, and those named themselves, in a stable order.

    Raises BadImage where one is missing, or they hold no picture.
    """
    for folder in folders:
        if not folder.exists():
            raise BadImage(f"There is no file or folder {folder}; check the name.")
    below = [p for f in folders for p in ([f] if f.is_file() else f.rglob("*"))]
    found = [p for p in below if p.suffix.lower() in SUFFIXES]
    if folders and not found:
        raise BadImage(f"There are no pictures in {', '.join(map(str, folders))}.")
    return sorted(found, key=lambda p: (p.parent.name, p.name))


def photo_name(path: Path) -> str:
    """How a photo is called in lists: `folder/file`."""
    return f"{path.parent.name}/{path.name}"
