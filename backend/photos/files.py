"""Photos on the disk: read upright and in their own precision, written back as they were.

Formats: `formats.READABLE` to read; PNG (8 and 16 bit), JPEG, TIFF (8, 16 bit and float), WebP
(8 bit) and AVIF (8 bit, or the 10 or 12 that it was read with) to write.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError

from backend.errors import BadImage
from backend.photos import formats
from backend.photos.output import check_target, replace_file
from backend.photos.photo import Photo
from backend.photos.reading import decode
from backend.photos.writing import KINDS, can_hold, encode, is_lossy, left_out

STDIN = Path("-")
_LARGEST = 1 << 32  # bytes of a file: TIFF's own limit
_PART = 1 << 20
_USUAL = ".png, .tif, .jpg, .webp or .avif"
_ANEW = "{} stores all pixels anew; in .png or .tif those outside the edit stay as they were."


def read_photo(path: Path) -> Photo:
    """The photo in a file, or on the standard input for "-".

    Raises BadImage with one sentence when it cannot be used.
    """
    path = Path(path)
    with reading(path):
        data = read_bytes(path)
    return photo_in(data, path)


def photo_in(data: bytes, path: Path) -> Photo:
    """The photo in the bytes of the file at `path`, which need not be there any more.

    Raises BadImage with one sentence when it cannot be used.
    """
    name = _called(path)
    with _explained(path):
        photo = decode(data, name)
        if photo.depth == 32 and not np.isfinite(photo.pixels).all():
            raise BadImage(f"{name} holds values that are not finite numbers.")
    return photo


def _called(path: Path) -> str:
    """A photo's name in sentences; of a pipe between programs the place, which is all it has."""
    if path == STDIN:
        return "The standard input"
    return str(path) if path.parent.name == "fd" else path.name


def read_bytes(path: Path) -> bytes:
    """All of a file, a pipe or, for "-", the standard input. Raises BadImage, OSError."""
    if path == STDIN:
        return _bounded(sys.stdin.buffer, path)
    with open(path, "rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if 0 < size <= _LARGEST:
            return stream.read(size)
        return _bounded(stream, path)


def _bounded(stream: IO[bytes], path: Path) -> bytes:
    """All of a stream of unknown length, bit by bit, so that no memory is taken in vain."""
    parts, size = [], 0
    while part := stream.read(_PART):
        parts.append(part)
        size += len(part)
        if size > _LARGEST:
            raise BadImage(f"{_called(path)} is larger than 4 GB; scale the picture down.")
    return b"".join(parts)


def check_output(path: Path, photo: Photo | None = None) -> None:
    """Raises BadImage unless `path` can be written and, given a photo, can hold it unharmed."""
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise BadImage(
            f"Pictures cannot be written as '{path.name}'; use a name ending in {_USUAL}."
        )
    check_target(path)
    if photo is not None:
        check_holds(path, photo)


def check_holds(path: Path, photo: Photo) -> None:
    """Raises BadImage unless a file of that ending can hold the photo unharmed."""
    kind = KINDS[path.suffix.lower()]
    if not can_hold(kind, photo):
        sort = "floating-point" if photo.depth == 32 else "16-bit"
        better = ".tif" if photo.depth == 32 else ".png or .tif"
        raise BadImage(f"A {path.suffix} file cannot hold a {sort} photo; write to {better}.")
    if photo.has_alpha and kind == "JPEG":
        raise BadImage(f"A {path.suffix} file cannot hold transparency; write to .png or .tif.")


def notes(photo: Photo, path: Path) -> str | None:
    """What a user should know about this photo, edited, in this file; None for nothing."""
    kind, source, said = KINDS[path.suffix.lower()], photo.source, list(photo.notes)
    if source and source.converted:
        name = {"LAB": "Lab"}.get(source.converted, source.converted)
        said.append(f"The photo is {name}; it is edited and written as sRGB.")
    if source and source.anew and source.kind == kind:
        said.append(source.anew)
    if source and source.others and source.kind == kind != "AVIF":
        said.append(f"The file also holds {' and '.join(source.others)}, unchanged.")
    if photo.transfer and photo.transfer.is_hdr:
        said.append(photo.transfer.sentence())
    said += filter(None, [losses(photo, path)])
    return " ".join(said) or None


def losses(photo: Photo, path: Path) -> str | None:
    """What the photo's file holds and this one cannot, in sentences; None for nothing."""
    said = []
    if gone := left_out(photo, path.suffix):
        said.append(f"A {path.suffix} file cannot hold all of the photo's: {', '.join(gone)}.")
    if is_lossy(photo, path.suffix):
        said.append(_ANEW.format(KINDS[path.suffix.lower()]))
    return " ".join(said) or None


def write_photo(photo: Photo, path: Path) -> None:
    """Write a photo with all that its file says, in its own precision, whole or not at all.

    JPEG is lossy everywhere; PNG, TIFF and WebP keep every value. Raises BadImage.
    """
    check_output(path, photo)
    replace_file(path, encoded(photo, path))


def encoded(photo: Photo, path: Path) -> bytes:
    """The bytes of the file that `write_photo` writes; raises BadImage."""
    try:
        return encode(photo, path.suffix)
    except MemoryError as error:
        raise BadImage(f"{path} is too large for this computer's memory.") from error
    except Exception as error:
        raise BadImage(
            f"{path} could not be written: {error}; try another format, such as .tif."
        ) from error


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what goes wrong while a picture is read into BadImage, with a sentence about `path`."""
    if path != STDIN:
        if path.is_dir():
            raise BadImage(f"{path} is a folder; name a picture in it.")
        if not path.exists():
            raise BadImage(f"There is no file {path}; check the name.")
    with _explained(path):
        yield


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except BadImage:
        raise
    except Image.DecompressionBombError as error:
        raise BadImage(f"{_called(path)} is too large; scale it below 170 megapixels.") from error
    except UnidentifiedImageError as error:
        raise BadImage(
            f"{_called(path)} is not a picture that can be read; use {formats.NAMES}."
        ) from error
    except PermissionError as error:
        raise BadImage(f"{path} cannot be read: {error.strerror}.") from error
    except MemoryError as error:
        raise BadImage(f"{_called(path)} is too large for this computer's memory.") from error
    except Exception as error:  # decoders meet damage with many kinds of exceptions
        what = "is damaged or cut short and cannot be read; get a whole copy of it."
        if "unsupported" in str(error).lower():
            what = "is of a rare kind that cannot be read; convert it to PNG or TIFF first."
        raise BadImage(f"{_called(path)} {what}") from error
