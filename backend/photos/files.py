"""Photos on the disk: read upright and in their own precision, written back as they were.

Formats: PNG (8 and 16 bit), JPEG, TIFF (8, 16 bit and float), WebP and whatever else Pillow reads.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin

from backend.errors import BadImage
from backend.photos import deep
from backend.photos.formats import open_picture
from backend.photos.metadata import PNG_XMP, clean_exif, tiff_tags, turn_upright
from backend.photos.photo import Photo, to_grey

# What a file of each kind can hold: bits per channel, and whether it keeps transparency.
_DEPTHS = {
    ".png": (8, 16),
    ".tif": (8, 16, 32),
    ".tiff": (8, 16, 32),
    ".jpg": (8,),
    ".jpeg": (8,),
    ".webp": (8,),
}
_NO_ALPHA = (".jpg", ".jpeg")


def read_photo(path: Path) -> Photo:
    """The photo in a file; raises BadImage with one sentence when it cannot be used."""
    path = Path(path)
    with reading(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd metadata, of no use to anybody here
        photo = deep.read(path) or _read_with_pillow(path)
    if photo.depth == 32 and not np.isfinite(photo.pixels).all():
        raise BadImage(f"{path.name} holds values that are not finite numbers.")
    return photo


def check_output(path: Path, photo: Photo | None = None) -> None:
    """Raises BadImage unless `path` can be written and, given a photo, can hold it unharmed."""
    depths = _DEPTHS.get(path.suffix.lower())
    if depths is None:
        raise BadImage(
            f"Pictures cannot be written as '{path.name}'; "
            f"use a name ending in {', '.join(_DEPTHS)}."
        )
    if not path.absolute().parent.is_dir():
        raise BadImage(f"There is no folder {path.absolute().parent}; create it first.")
    if path.is_dir():
        raise BadImage(f"{path} is a folder; add the name of a file.")
    if photo is None:
        return
    if photo.depth not in depths:
        kind = "floating-point" if photo.depth == 32 else "16-bit"
        better = ".tif" if photo.depth == 32 else ".png or .tif"
        raise BadImage(f"A {path.suffix} file cannot hold a {kind} photo; write to {better}.")
    if photo.has_alpha and path.suffix.lower() in _NO_ALPHA:
        raise BadImage(f"A {path.suffix} file cannot hold transparency; write to .png or .tif.")


def write_photo(photo: Photo, path: Path) -> None:
    """Write a photo with its profile and EXIF, in its own precision, all at once or not at all.

    JPEG is lossy everywhere; PNG, TIFF and WebP keep every value. Raises BadImage.
    """
    check_output(path, photo)
    if photo.depth == 8:
        write_atomically(path, lambda temporary: _write_with_pillow(photo, temporary))
    else:
        write_atomically(path, lambda temporary: deep.write(photo, temporary))


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Call `write` with a temporary name beside `path`, then rename; raises BadImage."""
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(
            prefix=".new-", suffix=path.suffix, dir=path.absolute().parent
        )
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadImage(f"{path} could not be written: {reason}.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _read_with_pillow(path: Path) -> Photo:
    with open_picture(path) as image:
        image.load()
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        profile, exif = image.info.get("icc_profile"), clean_exif(image)
        picture: Image.Image = image
        if image.mode in ("CMYK", "LAB"):
            picture, profile = _to_srgb(image, profile), None
        grey = picture.mode in ("1", "L", "LA", "La")
        alpha = picture.has_transparency_data
        pixels = np.asarray(picture.convert("RGBA" if alpha else "RGB"))
    return Photo(turn_upright(pixels, orientation), profile, exif, grey)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A print or Lab picture as sRGB, by its own profile if it has a usable one."""
    if image.mode == "CMYK" and profile is None:
        return image.convert("RGB")
    import io

    from PIL import ImageCms

    srgb = ImageCms.createProfile("sRGB")
    source = ImageCms.createProfile("LAB") if profile is None else io.BytesIO(profile)
    try:
        converted = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
    except ImageCms.PyCMSError:
        return image.convert("RGB")
    assert converted is not None  # only a conversion in place returns nothing
    return converted


def _write_with_pillow(photo: Photo, path: Path) -> None:
    pixels = photo.pixels
    if photo.grey:
        grey = to_grey(pixels[..., :3])
        pixels = np.dstack([grey, pixels[..., 3]]) if photo.has_alpha else grey
    image = Image.fromarray(pixels)
    options: dict[str, Any] = {"icc_profile": photo.profile}
    if photo.exif:
        options["exif"] = photo.exif
    if photo.xmp:
        options["xmp"] = photo.xmp
    match path.suffix.lower():
        case ".jpg" | ".jpeg":
            options |= {"quality": 95, "subsampling": 0}
        case ".webp":
            options |= {"lossless": True, "exact": True, "method": 2}
            image = image.convert("RGBA" if photo.has_alpha else "RGB")
        case ".tif" | ".tiff":
            options |= {"compression": "tiff_adobe_deflate", "exif": tiff_tags(photo)}
        case ".png" if photo.xmp:
            options["pnginfo"] = PngImagePlugin.PngInfo()
            options["pnginfo"].add_itxt(PNG_XMP, photo.xmp.decode("utf-8"))
    image.save(path, **options)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what goes wrong while a picture is read into BadImage, with a sentence about `path`."""
    if path.is_dir():
        raise BadImage(f"{path} is a folder; name a picture in it.")
    if not path.is_file():
        raise BadImage(f"There is no file {path}; check the name.")
    try:
        yield
    except Image.DecompressionBombError as error:
        raise BadImage(f"{path.name} is too large; scale it below 170 megapixels.") from error
    except Image.UnidentifiedImageError as error:
        raise BadImage(
            f"{path.name} is not a picture that can be read; use PNG, JPEG, TIFF or WebP."
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError) as error:
        raise BadImage(
            f"{path.name} is damaged or cut short and cannot be read; get a whole copy of it."
        ) from error
    except MemoryError as error:
        raise BadImage(f"{path.name} is too large for this computer's memory.") from error


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
