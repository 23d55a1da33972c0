"""A small picture of what a bundle draws."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from backend.photos.formats import open_picture
from protocol import bounded_file

FILE = "preview.webp"
_SAMPLES = "samples.jpg"  # a grid of the generator's pictures, at their own size
_COLUMNS, _ROWS = 4, 2
_LARGEST = 512 << 10  # bytes


def preview(folder: Path, resolution: int) -> bytes | None:
    """WebP: the bundle's preview, else the first samples of its grid; None without either."""
    try:
        if (folder / FILE).is_file():
            data = bounded_file.read(folder / FILE, _LARGEST)
            return data if data[8:12] == b"WEBP" else None
        if not (folder / _SAMPLES).is_file():  # a FIFO would be waited for
            return None
        with open_picture(folder / _SAMPLES, ("JPEG",)) as grid:
            size = min(_COLUMNS * resolution, grid.width), min(_ROWS * resolution, grid.height)
            return _as_webp(grid.convert("RGB").crop((0, 0, *size)))
    except (OSError, ValueError, Image.DecompressionBombError):
        return None  # a picture is no reason to fail


def _as_webp(picture: Image.Image) -> bytes:
    picture.thumbnail((512, 256))
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=85)
    return file.getvalue()
