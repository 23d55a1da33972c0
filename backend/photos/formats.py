"""The picture formats that the product reads, and the one place where Pillow opens a picture.

Pillow goes by a file's content, not by its name, and one of the formats that it knows is a program:
it hands PostScript to Ghostscript, which runs it. Whatever opens a picture therefore opens it here,
where only formats that hold nothing but a picture are tried.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import IO

from PIL import Image

# Pillow's names. JPEG covers MPO, the files with several JPEGs that phones write.
READABLE = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "JPEG2000", "GIF", "BMP", "PPM")


def open_picture(source: Path | IO[bytes], formats: Collection[str] = READABLE) -> Image.Image:
    """A picture in one of `formats`, its pixels not yet read.

    Raises what Pillow raises: UnidentifiedImageError for anything else, OSError, ValueError.
    """
    return Image.open(source, formats=tuple(formats))
