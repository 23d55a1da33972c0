"""Pictures in folders: finding them, calling them by name, reading them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.errors import BadImage
from backend.photos.files import read_photo
from backend.photos.formats import SUFFIXES


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """A photo at 8 bits, upright, uint8 [H, W, 3]; raises BadImage."""
    return read_photo(path).to_u8()


def find_images(folders: Sequence[Path]) -> list[Path]:
    """All pictures below the folders, and the files named themselves, in a stable order.

    Raises BadImage where one is missing, or they hold no picture.
    """
    for folder in folders:
        if not folder.exists():
            raise BadImage(f"There is no file or folder {folder}; check the name.")
    below = [p for f in folders if f.is_dir() for p in f.rglob("*")]
    found = [p for p in below if p.suffix.lower() in SUFFIXES and p.is_file()]
    found += [f for f in folders if not f.is_dir()]
    if folders and not found:
        raise BadImage(f"There are no pictures in {', '.join(map(str, folders))}.")
    return sorted(found, key=lambda p: (p.parent.name, p.name))


def photo_name(path: Path) -> str:
    """How a photo is called in lists: `folder/file`."""
    return f"{path.parent.name}/{path.name}"
