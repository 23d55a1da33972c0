"""A TIFF's photo back into its own file: around every block that the file has."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.photos.containers import tiff, tiff_write
from backend.photos.metadata import turn_back
from backend.photos.photo import Photo, to_grey

_ROWS = 64


def tiff_of_tiff(photo: Photo, data: bytes) -> bytes:
    """The file `data` with the photo that was read from it, as it is now."""
    place = tiff.main_picture(data, "the photo")
    xmp = (
        photo.metadata.xmp
        if photo.metadata.xmp != tiff.block_of(data, place, tiff_write.XMP)
        else None
    )
    if xmp and place.of_tag(tiff_write.XMP) is not place.directory:
        return tiff_write.with_xmp_of_head(_with_new_picture(photo, data, place, None), xmp)
    return _with_new_picture(photo, data, place, xmp)


def _with_new_picture(
    photo: Photo, data: bytes, place: tiff.PicturePlace, xmp: bytes | None
) -> bytes:
    assert photo.source is not None
    page = tiff.open_page(data, place)
    pixels = turn_back(photo.pixels, photo.source.orientation)
    if not photo.edited:
        nothing = np.zeros(pixels.shape[:2], bool)
        return tiff_write.patched(data, place, page, pixels, nothing, xmp)
    if photo.source.stored is None:  # colours that Pillow converted
        alpha: tuple[int, ...] = (tiff.UNASSOCIATED,) if photo.has_alpha else ()
        grey = np.dstack([to_grey(pixels[..., :3]), pixels[..., 3:]]) if photo.grey else pixels
        new = tiff.Stored(grey, photo.depth, tiff.GREY if photo.grey else tiff.RGB, alpha)
        if photo.profile is None:
            place = tiff_write.without_profile(place)
        return tiff_write.restored(data, place, new.values, new, xmp)
    extra = tuple(map(int, page.extrasamples))
    old = tiff.Stored(photo.source.stored, page.bitspersample, int(page.photometric), extra)
    changed = _changed(old.pixels(), pixels)
    values = old.with_pixels(pixels, changed)
    if not changed.any() or tiff_write.can_patch(page, old):
        return tiff_write.patched(data, place, page, values, changed, xmp)
    return tiff_write.restored(data, place, values, old, xmp)


def _changed(old: NDArray[Any], new: NDArray[Any]) -> NDArray[np.bool_]:
    """Where pixels differ, [H, W]; most of a photo is passed over quickly."""
    changed = np.zeros(old.shape[:2], bool)
    for y in range(0, len(old), _ROWS):
        rows = np.s_[y : y + _ROWS]
        if not np.array_equal(old[rows], new[rows]):
            changed[rows] = (old[rows] != new[rows]).any(axis=2)
    return changed
