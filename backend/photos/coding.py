"""What the writers of all kinds of files share: pixels as a file holds them, coded by Pillow."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.photos.containers import previews
from backend.photos.metadata import turn_back
from backend.photos.photo import Photo, to_grey


def stored(photo: Photo, same: bool) -> NDArray[Any]:
    """The pixels [H, W, C] as the file holds them: one colour channel where the photo is grey, and
    turned, in the kind of file that it came from (`same`).
    """
    pixels = photo.pixels
    if same and photo.source:
        pixels = turn_back(pixels, photo.source.orientation)
    if photo.grey:
        grey = to_grey(pixels[..., :3])[..., None]
        pixels = np.concatenate([grey, pixels[..., 3:]], axis=2)
    return np.ascontiguousarray(pixels)


def image_of(pixels: NDArray[Any]) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of Pillow's file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def sketch_of(photo: Photo) -> previews.Sketch:
    """How to draw the photo small, turned as its file holds the picture."""
    orientation = photo.source.orientation if photo.source else 1
    turned = orientation >= 5

    def draw(size: previews.Size) -> NDArray[np.uint8]:
        small = turn_back(photo.small(*(size[::-1] if turned else size)), orientation)
        return to_grey(small) if photo.grey else small

    size = photo.width, photo.height
    return previews.Sketch(draw, size[::-1] if turned else size)


def with_previews(photo: Photo, room: int | None) -> Photo:
    """The photo with thumbnails in its metadata that show what it shows now.

    room: bytes of the file's EXIF block, None for any.
    """
    said, sketch = photo.metadata, sketch_of(photo)
    exif = previews.in_exif(said.exif, sketch, room) if said.exif else None
    xmp = previews.in_xmp(said.xmp, sketch) if said.xmp else None
    return replace(photo, metadata=replace(said, exif=exif, xmp=xmp))
