"""Photos with more than 8 bits per channel: 16-bit PNG, 16-bit and float TIFF.

Pillow reads these at 8 bits or not at all; OpenCV keeps the values but not a TIFF's colour profile;
tifffile keeps both but does not unpack every compression. Each does here what it does well.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags

from backend.errors import BadImage
from backend.photos.formats import open_picture
from backend.photos.metadata import XMP_TAG, clean_exif, turn_upright
from backend.photos.photo import Photo, to_grey

if TYPE_CHECKING:
    import tifffile
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_DEPTH_AT = 24  # the IHDR chunk always comes first
_GREY, _RGB, _WHITE_IS_ZERO = 1, 2, 0  # TIFF's photometric interpretations
_ORIENTATION, _PROFILE, _BITS = 274, 34675, 258


def read(path: Path) -> Photo | None:
    """A deep photo, or None when the file is not one (and Pillow should read it)."""
    with open(path, "rb") as stream:
        head = stream.read(_PNG_DEPTH_AT + 1)
    if head[:8] == _PNG and len(head) > _PNG_DEPTH_AT and head[_PNG_DEPTH_AT] == 16:
        return _read_png(path)
    if head[:4] in _TIFF:
        return _read_tiff(path)
    return None


def write(photo: Photo, path: Path) -> None:
    """Write a 16-bit or float photo to `path`, .png or .tif. Raises OSError."""
    pixels = photo.pixels
    if photo.grey and not photo.has_alpha:
        pixels = to_grey(pixels)
    if path.suffix.lower() == ".png":
        _write_png(pixels, photo, path)
        return
    import tifffile

    tifffile.imwrite(
        path,
        pixels,
        photometric="rgb" if pixels.ndim == 3 else "minisblack",
        extrasamples=["unassalpha"] if photo.has_alpha else None,
        compression="zlib",
        iccprofile=photo.profile,
        metadata=None,
        extratags=[(XMP_TAG, "B", len(photo.xmp), photo.xmp, True)] if photo.xmp else (),
    )


def _read_png(path: Path) -> Photo:
    with open_picture(path, ("PNG",)) as image:
        image.verify()  # OpenCV would hand out half a picture
    with open_picture(path, ("PNG",)) as image:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        profile, exif = image.info.get("icc_profile"), clean_exif(image)
    pixels = _decode(path)
    grey = pixels.ndim == 2 or image.mode in ("LA", "I;16", "I")
    return Photo(turn_upright(_with_channels(pixels), orientation), profile, exif, grey)


def _read_tiff(path: Path) -> Photo | None:
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            bits, kind = page.bitspersample, page.sampleformat
            if bits <= 8 and kind == 1:
                return None
            _check_tiff(page, path)
            pixels = _tiff_pixels(page, path)
            orientation, profile = _tag(page, _ORIENTATION, 1), _tag(page, _PROFILE, None)
            inverted = page.photometric == _WHITE_IS_ZERO
    except BadImage:
        raise
    except Exception as error:  # tifffile meets damage with many kinds of exceptions
        raise ValueError(str(error)) from error
    grey = pixels.ndim == 2 or pixels.shape[2] < 3
    pixels = _with_channels(pixels)
    if pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32)
    if inverted:
        pixels[..., :3] = (65535 if pixels.dtype == np.uint16 else 1) - pixels[..., :3]
    return Photo(turn_upright(pixels, orientation), profile, None, grey)


def _check_tiff(page: tifffile.TiffPage, path: Path) -> None:
    if page.photometric not in (_GREY, _RGB, _WHITE_IS_ZERO):
        raise BadImage(f"{path.name} is neither RGB nor greyscale; convert it to RGB first.")
    if page.dtype is None or page.dtype.newbyteorder("=").str[1:] not in ("u2", "f2", "f4", "f8"):
        raise BadImage(f"{path.name} has {page.bitspersample}-bit integers; convert it to 16 bits.")
    if page.imagewidth * page.imagelength > 178_000_000:
        raise BadImage(f"{path.name} is too large; scale it below 170 megapixels.")
    ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if max(ends, default=0) > path.stat().st_size:
        raise ValueError("the file ends before its pixels do")


def _tiff_pixels(page: tifffile.TiffPage, path: Path) -> NDArray[Any]:
    try:
        pixels = page.asarray()
    except ValueError:  # a compression that tifffile needs more packages for
        pixels = _decode(path)
    else:
        if page.planarconfig == 2 and pixels.ndim == 3:
            pixels = np.moveaxis(pixels, 0, -1)
    return pixels.astype(pixels.dtype.newbyteorder("="))


def _tag(page: tifffile.TiffPage, code: int, default: Any) -> Any:
    tag = page.tags.get(code)
    return default if tag is None else tag.value


def _decode(path: Path) -> NDArray[Any]:
    """The values by OpenCV, [H, W] or [H, W, 3 or 4] in the order R, G, B, A."""
    import cv2

    data = np.fromfile(path, dtype=np.uint8)  # imread cannot open every Unicode path on Windows
    pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("OpenCV could not read it")
    if pixels.ndim == 3 and pixels.shape[2] >= 3:
        pixels = pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    return pixels


def _with_channels(pixels: NDArray[Any]) -> NDArray[Any]:
    """[H, W], [H, W, 1 or 2] (grey, alpha) or more channels than four -> [H, W, 3 or 4]."""
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[2] <= 2:
        return np.concatenate([pixels[..., :1]] * 3 + [pixels[..., 1:]], axis=2)
    return pixels[..., :4].copy()


def _write_png(pixels: NDArray[Any], photo: Photo, path: Path) -> None:
    import cv2

    if pixels.ndim == 3:
        pixels = np.ascontiguousarray(pixels[..., [2, 1, 0, 3][: pixels.shape[2]]])
    kinds, blocks = [], []
    for kind, block in (
        (cv2.IMAGE_METADATA_ICCP, photo.profile),
        (cv2.IMAGE_METADATA_EXIF, photo.exif),
        (cv2.IMAGE_METADATA_XMP, photo.xmp),
    ):
        if block:
            kinds.append(kind)
            blocks.append(np.frombuffer(block.removeprefix(b"Exif\0\0"), np.uint8))
    done, data = cv2.imencodeWithMetadata(".png", pixels, kinds, blocks)
    if not done:
        raise OSError("OpenCV could not pack it")
    path.write_bytes(data.tobytes())
