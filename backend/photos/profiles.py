"""ICC profiles where numbers have to become sRGB's: of print, Lab, and grey among colours."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from PIL import Image, ImageCms

from backend.photos import transfer
from backend.photos.photo import Photo

_LINEAR_MIDDLE = 68  # L* of the middle number: 76 in linear light, 53 in sRGB


def space_of(profile: bytes | None) -> str:
    """Of which colours a profile is: "RGB", "GRAY", "CMYK" or "Lab"; "" without one."""
    return profile[16:20].decode("latin-1").strip() if profile else ""


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture of print, Lab or grey as sRGB, by its own profile if it has a usable one."""
    if profile is None and image.mode != "LAB":
        return image.convert("RGB")
    srgb = ImageCms.createProfile("sRGB")
    source = ImageCms.createProfile("LAB") if profile is None else io.BytesIO(profile)
    try:
        converted = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image.convert("RGB")
    assert converted is not None  # only a conversion in place returns nothing
    return converted


def for_kind(photo: Photo, kind: str) -> Photo:
    """The photo with pixels that its profile is of, in a file of another kind.

    Grey pictures often have a profile of colours, which PNG and others take for an error; WebP has
    no grey, so that a profile of grey has to go.
    """
    space = space_of(photo.profile)
    if not photo.grey or not space or kind == "AVIF":  # which takes primaries for grey, too
        return photo
    if space != "GRAY":
        return replace(photo, grey=False)
    if kind != "WEBP":
        return photo
    assert photo.profile is not None
    grey = Image.fromarray(np.ascontiguousarray(photo.pixels[..., 0]))
    colours = np.asarray(to_srgb(grey, photo.profile))
    pixels = np.concatenate([colours, photo.pixels[..., 3:]], axis=2)
    return replace(photo, pixels=pixels, profile=None, grey=False)


def transfer_of(profile: bytes | None) -> transfer.Transfer | None:
    """How a profile's numbers become light: by its code and curves, or by its tables where it has
    nothing else; None for sRGB's way, those close to it, and no profile.
    """
    if profile and not transfer.has_curves(profile) and is_linear(profile):
        return transfer.Transfer("gamma")
    return transfer.of_profile(profile)


def is_linear(profile: bytes) -> bool:
    """Whether the numbers of a profile of tables are linear light."""
    mode = {"RGB": "RGB", "GRAY": "L"}.get(space_of(profile))
    if mode is None:
        return False
    middle = Image.new(mode, (1, 1), 128 if mode == "L" else (128, 128, 128))
    try:
        lab = ImageCms.createProfile("LAB")
        seen = ImageCms.profileToProfile(
            middle, io.BytesIO(profile), lab, ImageCms.Intent.RELATIVE_COLORIMETRIC, "LAB"
        )
    except (ImageCms.PyCMSError, OSError):
        return False
    assert seen is not None
    return float(np.asarray(seen)[0, 0, 0]) * 100 / 255 > _LINEAR_MIDDLE
