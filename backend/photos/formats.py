"""The picture formats that the product reads, and the one place where Pillow opens a picture.

Pillow goes by a file's content, not by its name, and one of the formats that it knows is a program:
it hands PostScript to Ghostscript, which runs it. Whatever opens a picture therefore opens it here,
where only formats that hold nothing but a picture are tried.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import sys
from collections.abc import Collection
from pathlib import Path
from typing import IO

from PIL import Image, UnidentifiedImageError

from backend.errors import BadImage
from backend.photos.containers import avif, jpeg

# Pillow's names. JPEG covers MPO, the files with several JPEGs that phones write.
READABLE = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "JPEG2000", "GIF", "BMP", "PPM")
# By which pictures are found in folders; HEIC is one only where its plug-in is installed.
SUFFIXES = frozenset(
    {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".tif", ".tiff", ".webp", ".avif",
     ".avifs", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".gif", ".bmp", ".ppm", ".pgm",
     ".pbm", ".pnm", ".heic", ".heif", ".hif"}
)  # fmt: skip
NAMES = "PNG, JPEG, TIFF, WebP, AVIF, HEIC, JPEG 2000, GIF, BMP or PPM"
HEIF_PACKAGE = "pillow-heif"  # not installed with the rest: its licence is LGPL, its encoder's GPL
_MOST_PIXELS = 178_956_970
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs")
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# Raw files that are no plain TIFF, by their first bytes, and where these are.
_RAW = (
    (0, b"FUJIFILMCCD-RAW"), (0, b"IIRO"), (0, b"IIRS"), (0, b"MMOR"), (0, b"IIU\0"), (0, b"\0MRM"),
    (0, b"FOVb"), (8, b"CR\x02\0"), (6, b"HEAPCCDR"), (4, b"ftypcrx "),
)  # fmt: skip
_HEADS = (  # with which the readable formats begin, and where
    (0, b"\xff\xd8\xff"), (0, b"\x89PNG\r\n"), (0, b"GIF8"), (8, b"WEBP"), (8, b"avi"),
    (4, b"jP  \r\n"),
)  # fmt: skip
_OTHERS = {  # what people give by mistake, by its first bytes
    b"%!PS": "a PostScript file", b"\xc5\xd0\xd3\xc6": "a PostScript file", b"%PDF": "a PDF file",
    b"8BPS": "a Photoshop file", b"gimp xcf": "a GIMP image", b"<svg": "an SVG drawing",
    b"<?xml": "an XML file", b"PK\x03\x04": "a ZIP archive",
}  # fmt: skip


def open_picture(source: Path | IO[bytes], formats: Collection[str] = READABLE) -> Image.Image:
    """A picture in one of `formats`, its pixels not yet read.

    Raises what Pillow raises: UnidentifiedImageError for anything else, OSError, ValueError.
    """
    if formats is READABLE and heif_is_there():
        formats = (*READABLE, "HEIF")
    return Image.open(source, formats=tuple(formats))


@functools.cache
def heif_is_there() -> bool:
    """Whether Pillow's plug-in for HEIC is installed; registers it."""
    if importlib.util.find_spec("pillow_heif") is None:
        return False
    import pillow_heif  # type: ignore[import-not-found, unused-ignore]

    pillow_heif.register_heif_opener()
    return True


def check_size(width: int, height: int, name: str) -> None:
    """Raises BadImage for more pixels than Pillow reads."""
    if width * height > _MOST_PIXELS:
        raise BadImage(f"{name} is too large; scale it below 170 megapixels.")


def _brands_of(data: bytes) -> set[bytes]:
    """What a file of ISO's media format says it is (ISO/IEC 14496-12, 4.3): HEIC, AVIF, a film."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4], "big"), 1024)
    return {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}


def kind_of(data: bytes, name: str) -> str:
    """Pillow's name of the format that the bytes are in; raises BadImage for what is not read."""
    if data[:4] in _TIFF and data[8:12] != b"CR\x02\0":
        return "TIFF"
    if any(data[at : at + len(head)] == head for at, head in _RAW):
        raise BadImage(
            f"{name} is a raw file, which must be developed first; "
            "open it in a raw converter and export a TIFF."
        )
    if not heif_is_there() and not _brands_of(data).isdisjoint(_HEIF_BRANDS):
        raise BadImage(
            f"{name} is a HEIC picture; install what reads it with: {sys.executable} -m pip "
            f"install {HEIF_PACKAGE}; or convert it to PNG or TIFF."
        )
    if data[:3] == b"\xff\xd8\xff":
        coding = jpeg.coding_of(data)
        if coding.lossless or coding.bits != 8:
            sort = "lossless" if coding.lossless else f"{coding.bits}-bit"
            raise BadImage(
                f"{name} is a {sort} JPEG, which few programs read; "
                "convert it to PNG or TIFF first."
            )
    try:
        with open_picture(io.BytesIO(data)) as image:
            found = image.format or ""
            return "JPEG" if found == "MPO" else found
    except UnidentifiedImageError as error:
        check_size(*avif.size_of(data), name)  # Pillow knows no AVIF beyond its decoder's size
        if any(data[at : at + len(head)] == head for at, head in _HEADS):
            raise BadImage(
                f"{name} is damaged or cut short and cannot be read; get a whole copy of it."
            ) from error
        what = next((w for head, w in _OTHERS.items() if data.lstrip()[: len(head)] == head), None)
        if not data:
            what = "empty"
        elif what is None:
            what = "not a picture that can be read"
        raise BadImage(f"{name} is {what}; use {NAMES}.") from error
