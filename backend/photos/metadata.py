"""What a picture says beside its pixels: which way is up, and what is worth keeping."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from backend.photos.photo import Photo

PNG_XMP = "XML:com.adobe.xmp"  # the keyword of the text chunk that holds XMP
XMP_TAG = 700  # TIFF
_KEPT_TAGS = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)


def turn_upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo an EXIF orientation, 1..8 (other values: as it is)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def clean_exif(image: Image.Image) -> bytes | None:
    """The camera's and author's EXIF of a picture; without orientation and thumbnail."""
    old, new = image.getexif(), Image.Exif()
    for tag in _KEPT_TAGS:
        if tag in old:
            new[tag] = old[tag]
    for block in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        if values := old.get_ifd(block):
            new.get_ifd(block).update(values)
    try:
        return new.tobytes() if len(new) or new._ifds else None
    except Exception:  # EXIF is written by thousands of programs; the picture matters more
        return None


def tiff_tags(photo: Photo) -> Image.Exif:
    """What a TIFF file says beside its pixels: EXIF's own tags and XMP.

    Without EXIF's blocks: Pillow cannot nest those in compressed files.
    """
    old, new = Image.Exif(), Image.Exif()
    if photo.exif:
        old.load(photo.exif)
    for tag in _KEPT_TAGS:
        if tag in old:
            new[tag] = old[tag]
    if photo.xmp:
        new[XMP_TAG] = photo.xmp
    return new
