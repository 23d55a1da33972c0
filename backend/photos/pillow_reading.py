"""Photos that Pillow reads, and what their files say beside the picture."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.errors import BadImage
from backend.photos.containers import avif, bmp, gif, jp2
from backend.photos.containers.exif import PREFIX, orientation_of
from backend.photos.formats import check_size, open_picture
from backend.photos.metadata import Metadata, SourceFile, resolution, turn_upright
from backend.photos.photo import Photo
from backend.photos.profiles import to_srgb, transfer_of


def read_other(data: bytes, name: str, kind: str | None = None) -> Photo:
    """What Pillow reads and nothing here writes; kind: of file, None for what Pillow takes it for.

    Raises BadImage for what cannot be edited, and what Pillow raises for damage.
    """
    with open_picture(io.BytesIO(data)) as image:
        info: Mapping[Any, Any] = dict(image.info)
        found = image.format or ""
        frames = getattr(image, "n_frames", 1)
        _check_depth(image, data, name)
    pixels, grey, converted = with_pillow(data, name, kind or found)
    metadata, profile = _said(data, found, info)
    orientation = orientation_of(metadata.exif)
    profile = None if converted else profile
    notes = [f"The file has {frames} frames: the first is edited."] if frames > 1 else []
    others = jp2.others_of(data) if found == "JPEG2000" else ()
    others = ("a gain map",) if found == "AVIF" and avif.has_gain_map(data) else others
    source = SourceFile(
        found, data, orientation, pages=frames - 1, others=others, converted=converted
    )
    return Photo(
        turn_upright(pixels, orientation), profile, grey, False,
        transfer_of(profile), metadata, source, tuple(notes),
    )  # fmt: skip


def _said(data: bytes, kind: str, info: Mapping[Any, Any]) -> tuple[Metadata, bytes | None]:
    """What the file says, and its profile. info: Pillow's."""
    exif, xmp, profile, comment, density = (
        info.get(key) for key in ("exif", "xmp", "icc_profile", "comment", "dpi")
    )
    iptc: bytes | None = None
    if kind == "JPEG2000":
        exif, xmp, iptc, profile = jp2.metadata_of(data)
        comment = None  # that of the program that has packed the pixels
    elif kind == "GIF":
        xmp, profile = gif.metadata_of(data)
    elif kind == "BMP":
        profile = bmp.profile_of(data)
    return Metadata(
        exif.removeprefix(PREFIX) if isinstance(exif, bytes) and exif else None,
        xmp if isinstance(xmp, bytes) else None,
        iptc,
        resolution(*density) if isinstance(density, tuple) else None,
        comment.decode("utf-8", "replace") if isinstance(comment, bytes) else None,
    ), profile


def _check_depth(image: Image.Image, data: bytes, name: str) -> None:
    """Raises BadImage where Pillow would give 8 bits of more."""
    deep = image.mode.startswith(("I", "F"))
    if image.format == "PPM":
        words = data[:64].split()
        deep = deep or (len(words) > 3 and words[3].isdigit() and int(words[3]) > 255)
    if image.format == "JPEG2000":
        at = data.find(b"\xff\x51")  # SIZ: depth of the first channel, less one
        deep = deep or (0 <= at < len(data) - 40 and data[at + 40] & 0x7F > 7)
    if deep:
        raise BadImage(f"{name} has more than 8 bits per channel; convert it to PNG or TIFF first.")


def with_pillow(
    data: bytes, name: str, kind: str, page: int = 0
) -> tuple[NDArray[Any], bool, str | None]:
    """uint8 [H, W, 3 or 4] as stored; whether it is grey; from which colours it was converted."""
    with open_picture(io.BytesIO(data), (kind,)) as image:
        check_size(*image.size, name)
        if page:
            image.seek(page)
        image.load()
        picture: Image.Image = image
        converted = image.mode if image.mode in ("CMYK", "LAB") else None
        if converted:
            picture = to_srgb(image, image.info.get("icc_profile"))
        grey = picture.mode in ("1", "L", "LA", "La")
        alpha = picture.has_transparency_data
        return np.asarray(picture.convert("RGBA" if alpha else "RGB")), grey, converted
