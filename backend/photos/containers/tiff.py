"""TIFF files: which of their pictures is the photo, and its values (TIFF 6.0, Adobe's notes)."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from backend.errors import BadImage
from backend.photos.containers.directories import (
    SUBFILE_TYPE,
    Directory,
    Layout,
    TiffEntry,
    chain,
    layout_of,
    numbers_of,
    value_of,
)
from backend.photos.formats import check_size
from backend.photos.photo import to_grey

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # damage is told in one sentence here
HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
PHOTOMETRIC, EXTRA_SAMPLES = 262, 338
WHITE_IS_ZERO, GREY, RGB = 0, 1, 2
ASSOCIATED, UNASSOCIATED = 1, 2  # kinds of extra samples: alpha, premultiplied or not
_RAW = (32803, 34892)  # a colour filter array, and DNG's linear raw
_DNG_VERSION = 50706
_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_MOST_SAMPLES = 16


@dataclass(frozen=True)
class PicturePlace:
    """The main picture of a file. number: in the main chain, or -1 below it.

    head: the file's first directory. others: further full pictures. smaller: whether reduced copies
    of a picture lie beside it.
    """

    layout: Layout
    directory: Directory
    number: int
    others: int
    smaller: bool
    head: Directory

    def of_tag(self, code: int) -> Directory:
        """The directory that speaks of the photo by a tag: its own, or the head of the file.

        The latter also for what nobody has said, where the picture is below the main chain.
        """
        own = code in self.directory.entries
        above = code in self.head.entries or self.number < 0
        return self.head if above and not own else self.directory


@dataclass(frozen=True, eq=False)
class Stored:
    """A picture as the file holds it.

    values: [H, W, S], in the machine's byte order; whole numbers fill 8 or 16 bits. bits: those of
    the file. photometric: WHITE_IS_ZERO, GREY or RGB. extra: what the samples behind the colours
    are.
    """

    values: NDArray[Any]
    bits: int
    photometric: int
    extra: tuple[int, ...]

    @property
    def colors(self) -> int:
        return 3 if self.photometric == RGB else 1

    @property
    def alpha(self) -> int | None:
        """The number of the sample that is the alpha channel."""
        found = [i for i, kind in enumerate(self.extra) if kind in (ASSOCIATED, UNASSOCIATED)]
        return self.colors + found[0] if found else None

    @property
    def premultiplied(self) -> bool:
        return self.alpha is not None and self.extra[self.alpha - self.colors] == ASSOCIATED

    def pixels(self) -> NDArray[Any]:
        """[H, W, 3 or 4]: uint8, uint16, or float32."""
        colors = self.values[..., : self.colors]
        if self.values.dtype.kind == "f":
            colors = colors.astype(np.float32, copy=False)
        if self.photometric == WHITE_IS_ZERO:
            white = 1 if colors.dtype.kind == "f" else np.iinfo(colors.dtype).max
            colors = white - colors
        if self.colors == 1:
            colors = np.repeat(colors, 3, axis=2)
        if self.alpha is None:
            return colors
        alpha = self.values[..., self.alpha, None].astype(colors.dtype, copy=False)
        return np.concatenate([colors, alpha], axis=2)

    def with_pixels(self, pixels: NDArray[Any], changed: NDArray[np.bool_]) -> NDArray[Any]:
        """The values with other pixels, as `pixels()` gives them, where they `changed` [H, W]."""
        values = self.values.copy()
        rows = np.flatnonzero(changed.any(axis=1))
        if not len(rows):
            return values
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        area, changed = values[top:bottom], changed[top:bottom]
        new = pixels[top:bottom][changed][:, :3]
        if self.colors == 1:
            new = to_grey(new)[:, None]
        if self.photometric == WHITE_IS_ZERO:
            new = (1 if new.dtype.kind == "f" else np.iinfo(new.dtype).max) - new
        area[changed, : self.colors] = new.astype(values.dtype)
        return values


def main_picture(data: bytes, name: str) -> PicturePlace:
    """Where the photo is: the first picture that is no reduced copy and no mask.

    Raises BadImage for raw files, ValueError for damage.
    """
    layout = layout_of(data)
    first: Directory | None = None
    full: list[tuple[int, Directory]] = []
    number, smaller, expected = 0, False, layout.first
    for directory in chain(data, layout):
        entries = directory.entries
        if _DNG_VERSION in entries or _number(data, layout, entries, PHOTOMETRIC) in _RAW:
            raise BadImage(
                f"{name} is a raw file, which must be developed first; "
                "open it in a raw converter and export a TIFF."
            )
        kind = _number(data, layout, entries, SUBFILE_TYPE) or 0
        in_chain = directory.pointer == expected
        if kind & _REDUCED:
            smaller = True
        elif not kind & _MASK and 256 in entries:
            full.append((number if in_chain else -1, directory))
        first = first or directory
        if in_chain:
            number += 1
            expected = directory.end
    if first is None or not (full or 256 in first.entries):
        raise ValueError("a TIFF file without a picture")
    full = full or [(0, first)]
    return PicturePlace(layout, full[0][1], full[0][0], len(full) - 1, smaller, first)


def block_of(data: bytes, place: PicturePlace, code: int) -> bytes | None:
    """What a tag says of the photo; None where it says nothing, or lies outside the file."""
    found = place.of_tag(code).entries.get(code)
    with contextlib.suppress(ValueError):
        return value_of(data, place.layout, found) if found else None
    return None


def open_page(data: bytes, place: PicturePlace) -> tifffile.TiffPage:
    """The main picture's page; raises ValueError for damage."""
    try:
        file = tifffile.TiffFile(io.BytesIO(data))
        file.filehandle.seek(place.directory.place)
        return tifffile.TiffPage(file, 0)
    except Exception as error:  # tifffile meets damage with many kinds of exceptions
        raise ValueError(str(error)) from error


def read_values(page: tifffile.TiffPage, data: bytes, name: str) -> Stored | None:
    """The picture's values; None for colours that Pillow converts (CMYK, Lab, YCbCr, palettes).

    Raises BadImage for what cannot be edited, ValueError for damage.
    """
    _check_claims(page, len(data), name)
    deep = page.bitspersample > 8
    if page.photometric not in (WHITE_IS_ZERO, GREY, RGB):
        if deep and page.photometric != 3:
            raise BadImage(f"{name} is neither RGB nor greyscale; convert it to RGB first.")
        return None
    _check_numbers(page, name)
    try:
        values = page.asarray()
    except Exception as error:
        if not deep:
            return None  # Pillow knows some old compressions
        raise ValueError(str(error)) from error
    if page.planarconfig == 2 and page.samplesperpixel > 1:
        values = np.moveaxis(values, 0, -1)
    values = values.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind == "b":
        values = values.astype(np.uint8)
    if values.dtype.kind == "u" and page.bitspersample not in (8, 16):
        values = _widened(values, page.bitspersample)
    return Stored(
        values, page.bitspersample, int(page.photometric), tuple(map(int, page.extrasamples))
    )


def _widened(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """Whole numbers of 1 to 15 bits in all of 8 or 16."""
    dtype = np.uint8 if bits < 8 else np.uint16
    white = np.iinfo(dtype).max
    table = np.round(np.arange(2**bits) * (white / (2**bits - 1))).astype(dtype)
    return table[values]


def narrowed(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """The reverse of `_widened`, exactly for what comes from there."""
    white = np.iinfo(values.dtype).max
    table = np.round(np.arange(white + 1) * ((2**bits - 1) / white)).astype(values.dtype)
    return table[values]


def _check_claims(page: tifffile.TiffPage, size: int, name: str) -> None:
    """Before memory is taken: what the file says of itself."""
    check_size(page.imagewidth, page.imagelength, name)
    if page.samplesperpixel > _MOST_SAMPLES or page.imagedepth > 1:
        raise BadImage(f"{name} has {page.samplesperpixel} channels; flatten it to RGB first.")
    if not page.dataoffsets or len(page.dataoffsets) != len(page.databytecounts):
        raise ValueError("it says nowhere where its pixels are")
    ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if max(ends) > size:
        raise ValueError("the file ends before its pixels do")


_SIGNED, _FLOAT = 2, 3


def _check_numbers(page: tifffile.TiffPage, name: str) -> None:
    bits, kind = page.bitspersample, page.sampleformat
    if kind == _SIGNED:
        raise BadImage(
            f"{name} holds signed {bits}-bit numbers, which pictures rarely do; "
            f"convert it to unsigned {min(16, bits)}-bit integers or floating point."
        )
    if kind == _FLOAT and bits in (16, 32, 64):
        return
    if kind not in (1, 4, _FLOAT) or bits > 16 or kind == _FLOAT:
        sort = {_FLOAT: "floating-point numbers"}.get(kind, "integers")
        raise BadImage(
            f"{name} holds {bits}-bit {sort}; convert it to 16-bit integers or 32-bit floating "
            "point first."
        )
    if page.dtype is None:
        raise BadImage(f"{name} mixes channels of several depths; convert it to 16 bits first.")


def _number(data: bytes, layout: Layout, entries: Mapping[int, TiffEntry], code: int) -> int | None:
    found = numbers_of(data, layout, entries.get(code))
    return found[0] if found else None
