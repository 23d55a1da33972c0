"""Photos into files' bytes: around the blocks of the file they came from, if it was of that kind.

Otherwise what the photo's metadata says is written the way the new kind of file writes it, and what
that cannot hold is named by `left_out`, before the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import imagecodecs
import numpy as np
from PIL import Image

from backend.photos.coding import saved, stored, with_previews
from backend.photos.containers import avif, previews, tiff_write, webp, xmp_parts
from backend.photos.containers.exif import PREFIX, orientation_of, upright
from backend.photos.jpeg_output import fits_segment, jpeg_of, room_for_exif
from backend.photos.photo import Photo
from backend.photos.png_output import keeps_colour_type, png_of
from backend.photos.profiles import for_kind
from backend.photos.tiff_output import tiff_of_tiff

KINDS = {
    ".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".jpg": "JPEG", ".jpeg": "JPEG",
    ".webp": "WEBP", ".avif": "AVIF", ".jpe": "JPEG", ".jfif": "JPEG", ".mpo": "JPEG",
    ".apng": "PNG",
}  # fmt: skip
# What a file of each kind can hold: bits per channel.
DEPTHS = {"PNG": (8, 16), "TIFF": (8, 16, 32), "JPEG": (8,), "WEBP": (8,), "AVIF": (8,)}
_LOSSY = ("JPEG", "AVIF")
_AVIF_LEVEL, _LOSSLESS = 95, 100
_WIDE = 9  # ITU-R BT.2020's primaries, and its matrix, by ITU-T H.273


def encode(photo: Photo, suffix: str) -> bytes:
    """The bytes of a file with this ending; the photo must fit it."""
    kind = KINDS[suffix.lower()]
    encoders: Mapping[str, Callable[[Photo, bool], bytes]] = {
        "PNG": png_of, "TIFF": _tiff, "JPEG": jpeg_of, "WEBP": _webp, "AVIF": _avif,
    }  # fmt: skip
    same = photo.source is not None and photo.source.kind == kind != "AVIF"
    photo = photo if same else for_kind(_for_another_kind(photo), kind)
    if photo.edited:
        photo = with_previews(photo, room_for_exif(photo, same) if kind == "JPEG" else None)
    return encoders[kind](photo if same else photo.straight(), same)


def can_hold(kind: str, photo: Photo) -> bool:
    """Whether a file of this kind holds the photo's depth: AVIF's 10 or 12 bits those it had."""
    deep_avif = kind == "AVIF" and photo.depth == 16 and _is_avif(photo)
    return deep_avif or photo.depth in DEPTHS[kind]


def _is_avif(photo: Photo) -> bool:
    return photo.source is not None and photo.source.kind == "AVIF"


def is_lossy(photo: Photo, suffix: str) -> bool:
    """Whether a file with this ending stores pixels that no edit touches anew: not an AVIF that
    came from a lossless one.
    """
    kind = KINDS[suffix.lower()]
    return kind in _LOSSY and not (kind == "AVIF" and _avif_coding(photo).lossless)


def _avif_coding(photo: Photo) -> avif.Coding:
    """That of the file, if it is an AVIF."""
    source = photo.source
    return avif.coding_of(source.data) if source and _is_avif(photo) else avif.Coding()


def _for_another_kind(photo: Photo) -> Photo:
    """Upright, its thumbnail too, and with one packet that says what only its own kind has room
    for elsewhere.
    """
    said, source = photo.metadata, photo.source
    xmp = said.xmp
    if xmp and said.extension:
        xmp = xmp_parts.joined(xmp, said.extension)
    photo = replace(photo, metadata=replace(said, xmp=xmp_parts.with_texts(xmp, said.texts)))
    if said.exif is None or orientation_of(said.exif) == 1:
        return photo
    source = replace(source, orientation=1) if source else None
    metadata = replace(photo.metadata, exif=upright(said.exif))
    return replace(photo, metadata=metadata, source=source, edited=True)


def left_out(photo: Photo, suffix: str) -> list[str]:
    """What the photo's file says or holds and one with this ending cannot."""
    kind, said, source = KINDS[suffix.lower()], photo.metadata, photo.source
    gone: list[str] = []
    if source and source.kind == kind:
        anew = kind == "AVIF" or (kind == "PNG" and not keeps_colour_type(source.data))
        gone += [_pages(source.pages)] if source.pages and anew else []
        gone += source.others if kind == "AVIF" else []
        return gone + _old_thumbnail(photo)
    if source and source.pages:
        gone.append(_pages(source.pages))
    if source and source.channels:
        gone.append(f"{source.channels} further channel{'s' if source.channels > 1 else ''}")
    gone += [*(source.others if source else ()), *_old_thumbnail(photo)]
    if kind == "JPEG":
        for block, data, head in (("EXIF", said.exif, PREFIX), ("IPTC", said.iptc, b".")):
            if data and not fits_segment(data, head):
                gone.append(f"{block} ({len(data) // 1000} kB, of which JPEG holds 65)")
    if kind in ("WEBP", "AVIF"):
        gone += ["IPTC"] if said.iptc else []
        gone += ["the comment"] if said.comment else []
    texts = [word for word, _ in said.texts if word not in ("Comment", *xmp_parts.KNOWN)]
    if texts and kind != "PNG":
        gone.append(f"PNG's texts ({', '.join(texts[:5])})")
    if photo.transfer and not photo.profile:
        gone.append("what its numbers mean as light")
    return gone


def _old_thumbnail(photo: Photo) -> list[str]:
    """One that would show the photo as it was."""
    exif = photo.metadata.exif
    return ["its thumbnail"] if exif and not previews.is_known(exif) else []


def _pages(count: int) -> str:
    return f"{count} further page{'s' if count > 1 else ''} or frame{'s' if count > 1 else ''}"


def _webp(photo: Photo, same: bool) -> bytes:
    pixels = stored(replace(photo, grey=False), same)
    image = Image.fromarray(pixels)
    if same and photo.source and not photo.edited:
        encoded = photo.source.data
    else:
        encoded = saved(image, "WEBP", lossless=True, exact=True, method=2)
    if same and photo.source:
        chunks = webp.chunks_of(photo.source.data)
        if photo.edited and photo.metadata.exif:
            chunks = webp.with_one(chunks, b"EXIF", photo.metadata.exif)
    else:
        said = photo.metadata
        chunks = webp.with_one([], b"ICCP", photo.profile)
        chunks = webp.with_one(chunks, b"EXIF", said.exif)
    if photo.metadata.xmp:
        chunks = webp.with_one(chunks, b"XMP ", photo.metadata.xmp)
    return webp.with_chunks(encoded, chunks, image.size, alpha=photo.has_alpha)


def _avif(photo: Photo, same: bool) -> bytes:
    """Of as many bits as the file that the photo came from, if that was one, and else of 8."""
    said, values = photo.metadata, stored(photo, same)
    coding = _avif_coding(photo)
    if photo.depth == 16:
        table = np.round(np.arange(1 << 16) * ((2**coding.bits - 1) / 65535)).astype(np.uint16)
        values = table[values]
    said_so = coding.primaries > 0
    encoded = imagecodecs.avif_encode(
        np.squeeze(values, 2) if values.shape[2] == 1 else values,
        _LOSSLESS if coding.lossless else _AVIF_LEVEL,
        speed=6,
        bitspersample=coding.bits if photo.depth == 16 else 8,
        pixelformat="444" if values.shape[2] > 2 else None,
        primaries=coding.primaries if said_so else None,
        transfer=coding.transfer if said_so else None,
        matrix=_WIDE if coding.primaries == _WIDE and not coding.lossless else None,
    )
    return avif.with_blocks(bytes(encoded), said.exif, said.xmp, photo.profile, coding.light)


def _tiff(photo: Photo, same: bool) -> bytes:
    if same and photo.source:
        return tiff_of_tiff(photo, photo.source.data)
    said = photo.metadata
    blocks = {
        tiff_write.XMP: said.xmp,
        tiff_write.IPTC: said.iptc,
        tiff_write.PROFILE: photo.profile,
        **tiff_write.comment_block(said.comment),
    }
    pixels = stored(photo, same)
    try:
        return tiff_write.new_file(pixels, said.exif, blocks, said.density, photo.has_alpha)
    except ValueError:  # EXIF is written by thousands of programs; the picture matters more
        return tiff_write.new_file(pixels, None, blocks, said.density, photo.has_alpha)
