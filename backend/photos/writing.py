"""Photos into files' bytes: around the blocks of the file they came from, if it was of that kind.

Otherwise what the photo's metadata says is written the way the new kind of file writes it, and what
that cannot hold is named by `left_out`, before the work.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.photos.containers import avif, jpeg, png, previews, tiff_write, webp, xmp_parts
from backend.photos.containers.exif import PREFIX, orientation_of, upright
from backend.photos.metadata import SourceFile, turn_back
from backend.photos.photo import Photo, to_grey
from backend.photos.tiff_output import tiff_of_tiff

KINDS = {
    ".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".jpg": "JPEG", ".jpeg": "JPEG",
    ".webp": "WEBP", ".avif": "AVIF",
}  # fmt: skip
# What a file of each kind can hold: bits per channel.
DEPTHS = {"PNG": (8, 16), "TIFF": (8, 16, 32), "JPEG": (8,), "WEBP": (8,), "AVIF": (8,)}
LOSSY = ("JPEG", "AVIF")
_AVIF_LEVEL = 95
_WIDE = 9  # ITU-R BT.2020's primaries, and its matrix, by ITU-T H.273
_TRAILER = 4096  # bytes: shorter ones are a program's notes
_FURTHER = "further pictures (a gain or depth map, a film)"
_QUALITY = {"quality": 95, "subsampling": 0}


def encode(photo: Photo, suffix: str) -> bytes:
    """The bytes of a file with this ending; the photo must fit it."""
    kind = KINDS[suffix.lower()]
    encoders: Mapping[str, Callable[[Photo, bool], bytes]] = {
        "PNG": _png, "TIFF": _tiff, "JPEG": _jpeg, "WEBP": _webp,
        "AVIF": _avif,
    }  # fmt: skip
    same = photo.source is not None and photo.source.kind == kind != "AVIF"
    photo = photo if same else _for_another_kind(photo)
    if photo.edited:
        photo = _with_previews(photo)
    return encoders[kind](photo if same else photo.straight(), same)


def can_hold(kind: str, photo: Photo) -> bool:
    """Whether a file of this kind holds the photo's depth: AVIF's 10 or 12 bits those it had."""
    deep_avif = kind == "AVIF" and photo.depth == 16 and _is_avif(photo)
    return deep_avif or photo.depth in DEPTHS[kind]


def _is_avif(photo: Photo) -> bool:
    return photo.source is not None and photo.source.kind == "AVIF"


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


def _draws(photo: Photo) -> previews.Draw:
    """How to draw thumbnails, turned as the file holds the picture."""

    def draw(size: tuple[int, int]) -> bytes:
        orientation = photo.source.orientation if photo.source else 1
        size = size[::-1] if orientation >= 5 else size
        return _saved(_image(turn_back(photo.small(*size), orientation)), "JPEG", quality=80)

    return draw


def _with_previews(photo: Photo) -> Photo:
    """The photo with thumbnails in its metadata that show what it shows now."""
    said, draw = photo.metadata, _draws(photo)
    exif = previews.in_exif(said.exif, draw) if said.exif else None
    xmp = previews.in_xmp(said.xmp, draw) if said.xmp else None
    return replace(photo, metadata=replace(said, exif=exif, xmp=xmp))


def left_out(photo: Photo, suffix: str) -> list[str]:
    """What the photo's file says or holds and one with this ending cannot."""
    kind, said, source = KINDS[suffix.lower()], photo.metadata, photo.source
    gone: list[str] = []
    if source and source.kind == kind:
        anew = kind == "AVIF" or (kind == "PNG" and not _keeps_colour_type(source.data))
        gone += [_pages(source.pages)] if source.pages and anew else []
        return gone + ([_FURTHER] if _has_further_pictures(source) and kind == "AVIF" else [])
    if source and source.pages:
        gone.append(_pages(source.pages))
    if source and source.channels:
        gone.append(f"{source.channels} further channel{'s' if source.channels > 1 else ''}")
    if source and _has_further_pictures(source):
        gone.append(_FURTHER)
    if kind == "JPEG":
        for block, data, head in (("EXIF", said.exif, PREFIX), ("IPTC", said.iptc, b".")):
            if data and not _fits_segment(data, head):
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


def _has_further_pictures(source: SourceFile) -> bool:
    """Behind a JPEG's picture, or beside an AVIF's."""
    if source.kind == "AVIF":
        return avif.has_gain_map(source.data)
    return source.rest > _TRAILER


def _keeps_colour_type(data: bytes) -> bool:
    """Whether a PNG's pixels are written as they were, and not as RGB or with 8 bits."""
    header = png.header_of(data)
    return header.colour_type != png.PALETTE and header.depth >= 8


def _pages(count: int) -> str:
    return f"{count} further page{'s' if count > 1 else ''} or frame{'s' if count > 1 else ''}"


def _fits_segment(data: bytes, head: bytes) -> bool:
    return len(head) + len(data) <= jpeg.ROOM


def _stored(photo: Photo, same: bool) -> NDArray[Any]:
    """The pixels as the file holds them: turned, and one channel where the photo is grey."""
    pixels = photo.pixels
    if same and photo.source:
        pixels = turn_back(pixels, photo.source.orientation)
    if photo.grey:
        grey = to_grey(pixels[..., :3])[..., None]
        pixels = np.concatenate([grey, pixels[..., 3:]], axis=2)
    return np.ascontiguousarray(pixels)


def _image(pixels: NDArray[Any]) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _jpeg(photo: Photo, same: bool) -> bytes:
    encoded = _saved(_image(_stored(photo, same)), "JPEG", **_QUALITY)
    if same and photo.source:
        segments = jpeg.kept(photo.source.data)
        if photo.edited:
            segments = [_with_new_thumbnail(photo, s) for s in segments]
        if photo.profile is None:  # converted: the old one is of other colours
            segments = [s for s in segments if not s.data.startswith(jpeg.PROFILE)]
    else:
        segments = _new_segments(photo)
    if photo.metadata.xmp:
        segments = jpeg.with_xmp(segments, photo.metadata.xmp)
    picture = jpeg.with_segments(encoded, segments)
    return jpeg.with_rest(picture, photo.source.data) if same and photo.source else picture


def _with_new_thumbnail(photo: Photo, segment: jpeg.JpegSegment) -> jpeg.JpegSegment:
    if segment.data.startswith(PREFIX) and photo.metadata.exif:
        data = PREFIX + photo.metadata.exif
    elif segment.marker == jpeg.APP13 and segment.data.startswith(jpeg.PHOTOSHOP):
        rest = segment.data[len(jpeg.PHOTOSHOP) :]
        data = jpeg.PHOTOSHOP + previews.in_resources(rest, _draws(photo))
    else:
        return segment
    return segment._replace(data=data) if len(data) <= jpeg.ROOM else segment


def _new_segments(photo: Photo) -> list[jpeg.JpegSegment]:
    said = photo.metadata
    segments = [jpeg.density_segment(said.density or (72, 72))]
    if said.exif and _fits_segment(said.exif, PREFIX):
        segments.append(jpeg.JpegSegment(jpeg.APP1, PREFIX + said.exif))
    if photo.profile:
        segments += jpeg.profile_segments(photo.profile)
    if said.iptc and _fits_segment(said.iptc, bytes(30)):
        segments.append(jpeg.iptc_segment(said.iptc))
    if said.comment:
        segments.append(jpeg.JpegSegment(jpeg.COMMENT, said.comment.encode()[: jpeg.ROOM]))
    return segments


def _png(photo: Photo, same: bool) -> bytes:
    pixels = _stored(photo, same)
    chunks = png.chunks_of(photo.source.data) if same and photo.source else _new_chunks(photo)
    key = png.one(chunks, b"tRNS") if same and photo.source else None
    old = png.header_of(photo.source.data) if same and photo.source else None
    if old and key is not None and old.depth >= 8 and old.colour_type in (png.GREY, png.RGB):
        pixels = _with_key(pixels, png.key_of(key, old))
    encoded = bytes(
        imagecodecs.png_encode(np.squeeze(pixels, 2) if pixels.shape[2] == 1 else pixels)
    )
    new = png.header_of(encoded)
    same_kind = old is not None and (old.colour_type, old.depth) == (new.colour_type, new.depth)
    if photo.metadata.xmp:
        chunks = png.with_xmp(chunks, photo.metadata.xmp)
    if photo.edited and photo.metadata.exif:
        chunks = png.with_exif(chunks, photo.metadata.exif)
    return png.with_chunks(encoded, chunks, same_kind=same_kind)


def _with_key(pixels: NDArray[Any], key: NDArray[Any]) -> NDArray[Any]:
    """Colours [H, W, 1 or 3] without alpha, in which `key` stands for transparent pixels."""
    colours, clear = pixels[..., :-1].copy(), pixels[..., -1] == 0
    colours[clear] = key
    alike = ~clear & (colours == key).all(axis=2)
    colours[alike, 0] += np.where(key[0] == 0, 1, -1).astype(colours.dtype)  # the nearest other
    return colours


def _new_chunks(photo: Photo) -> list[png.PngChunk]:
    said = photo.metadata
    chunks = [png.profile_chunk(photo.profile)] if photo.profile else []
    if said.density:
        chunks.append(png.density_chunk(said.density))
    if said.exif:
        chunks.append(png.PngChunk(b"eXIf", said.exif))
    if said.iptc:
        chunks.append(png.iptc_chunk(said.iptc))
    if said.comment:
        chunks.append(png.text_chunk("Comment", said.comment))
    return chunks


def _webp(photo: Photo, same: bool) -> bytes:
    pixels = _stored(replace(photo, grey=False), same)
    image = Image.fromarray(pixels)
    encoded = _saved(image, "WEBP", lossless=True, exact=True, method=2)
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
    said, values = photo.metadata, _stored(photo, same)
    source = photo.source
    coding = avif.coding_of(source.data) if source and source.kind == "AVIF" else avif.Coding()
    if photo.depth == 16:
        table = np.round(np.arange(1 << 16) * ((2**coding.bits - 1) / 65535)).astype(np.uint16)
        values = table[values]
    said_so = coding.primaries > 0
    encoded = imagecodecs.avif_encode(
        np.squeeze(values, 2) if values.shape[2] == 1 else values,
        _AVIF_LEVEL,
        speed=6,
        bitspersample=coding.bits if photo.depth == 16 else 8,
        pixelformat="444" if values.shape[2] > 2 else None,
        primaries=coding.primaries if said_so else None,
        transfer=coding.transfer if said_so else None,
        matrix=_WIDE if coding.primaries == _WIDE else None,
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
    pixels = _stored(photo, same)
    try:
        return tiff_write.new_file(pixels, said.exif, blocks, said.density, photo.has_alpha)
    except ValueError:  # EXIF is written by thousands of programs; the picture matters more
        return tiff_write.new_file(pixels, None, blocks, said.density, photo.has_alpha)
