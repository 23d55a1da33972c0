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

from backend.photos.containers import jpeg, png, tiff, tiff_write, webp
from backend.photos.containers.exif import PREFIX, upright
from backend.photos.metadata import Metadata, turn_back
from backend.photos.photo import Photo, to_grey

KINDS = {
    ".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".jpg": "JPEG", ".jpeg": "JPEG",
    ".webp": "WEBP",
}  # fmt: skip
# What a file of each kind can hold: bits per channel.
DEPTHS = {"PNG": (8, 16), "TIFF": (8, 16, 32), "JPEG": (8,), "WEBP": (8,)}
_ROWS = 64
_TRAILER = 4096  # bytes: shorter ones are a program's notes
_QUALITY = {"quality": 95, "subsampling": 0}


def encode(photo: Photo, suffix: str) -> bytes:
    """The bytes of a file with this ending; the photo must fit it."""
    kind = KINDS[suffix.lower()]
    encoders: Mapping[str, Callable[[Photo, bool], bytes]] = {
        "PNG": _png, "TIFF": _tiff, "JPEG": _jpeg, "WEBP": _webp,
    }  # fmt: skip
    same = photo.source is not None and photo.source.kind == kind
    return encoders[kind](photo if same else photo.straight(), same)


def left_out(photo: Photo, suffix: str) -> list[str]:
    """What the photo's file says or holds and one with this ending cannot."""
    kind, said, source = KINDS[suffix.lower()], photo.metadata, photo.source
    gone: list[str] = []
    if source and source.kind == kind:
        lost = kind == "PNG" and source.pages and not _keeps_colour_type(source.data)
        return [_pages(source.pages)] if lost else []
    if source and source.pages:
        gone.append(_pages(source.pages))
    if source and source.channels:
        gone.append(f"{source.channels} further channel{'s' if source.channels > 1 else ''}")
    if source and source.rest > _TRAILER:
        gone.append("further pictures (a gain or depth map, a film)")
    if kind == "JPEG":
        sizes = (
            ("EXIF", said.exif, PREFIX),
            ("XMP", said.xmp, jpeg.XMP),
            ("IPTC", said.iptc, b"."),
        )
        for block, data, head in sizes:
            if data and not _fits_segment(data, head):
                gone.append(f"{block} ({len(data) // 1000} kB, of which JPEG holds 65)")
    if kind == "WEBP":
        gone += ["IPTC"] if said.iptc else []
        gone += ["the comment"] if said.comment else []
    texts = [word for word, _ in said.texts if word not in ("Comment", "Description")]
    if texts and kind != "PNG":
        gone.append(f"PNG's texts ({', '.join(texts[:5])})")
    if photo.transfer and not photo.profile:
        gone.append("what its numbers mean as light")
    return gone


def _keeps_colour_type(data: bytes) -> bool:
    """Whether a PNG's pixels are written as they were, and not as RGB or with 8 bits."""
    header = png.header_of(data)
    return header.colour_type != png.PALETTE and header.depth >= 8


def _pages(count: int) -> str:
    return f"{count} further page{'s' if count > 1 else ''} or frame{'s' if count > 1 else ''}"


def _fits_segment(data: bytes, head: bytes) -> bool:
    return len(head) + len(data) <= jpeg.ROOM


def _upright_metadata(photo: Photo) -> Metadata:
    """For a file of another kind, which holds the picture upright."""
    said = photo.metadata
    return replace(said, exif=upright(said.exif)) if said.exif else said


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
        if photo.profile is None:  # converted: the old one is of other colours
            segments = [s for s in segments if not s.data.startswith(jpeg.PROFILE)]
    else:
        segments = _new_segments(photo)
    xmp = photo.metadata.xmp
    if xmp and _fits_segment(xmp, jpeg.XMP):
        segments = jpeg.with_xmp(segments, xmp)
    picture = jpeg.with_segments(encoded, segments)
    return jpeg.with_rest(picture, photo.source.data) if same and photo.source else picture


def _new_segments(photo: Photo) -> list[jpeg.JpegSegment]:
    said = _upright_metadata(photo)
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
    if old and key is not None and old.colour_type in (png.GREY, png.RGB):
        pixels = _with_key(pixels, png.key_of(key, old))
    encoded = bytes(
        imagecodecs.png_encode(np.squeeze(pixels, 2) if pixels.shape[2] == 1 else pixels)
    )
    new = png.header_of(encoded)
    same_kind = old is not None and (old.colour_type, old.depth) == (new.colour_type, new.depth)
    if photo.metadata.xmp:
        chunks = png.with_xmp(chunks, photo.metadata.xmp)
    return png.with_chunks(encoded, chunks, same_kind=same_kind)


def _with_key(pixels: NDArray[Any], key: NDArray[Any]) -> NDArray[Any]:
    """Colours [H, W, 1 or 3] without alpha, in which `key` stands for transparent pixels."""
    colours, clear = pixels[..., :-1].copy(), pixels[..., -1] == 0
    colours[clear] = key
    alike = ~clear & (colours == key).all(axis=2)
    colours[alike, 0] += np.where(key[0] == 0, 1, -1).astype(colours.dtype)  # the nearest other
    return colours


def _new_chunks(photo: Photo) -> list[png.PngChunk]:
    said = _upright_metadata(photo)
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
    else:
        said = _upright_metadata(photo)
        chunks = webp.with_one([], b"ICCP", photo.profile)
        chunks = webp.with_one(chunks, b"EXIF", said.exif)
    if photo.metadata.xmp:
        chunks = webp.with_one(chunks, b"XMP ", photo.metadata.xmp)
    return webp.with_chunks(encoded, chunks, image.size, alpha=photo.has_alpha)


def _tiff(photo: Photo, same: bool) -> bytes:
    if same and photo.source:
        return _tiff_of_tiff(photo, photo.source.data)
    said = _upright_metadata(photo)
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


def _changed(old: NDArray[Any], new: NDArray[Any]) -> NDArray[np.bool_]:
    """Where pixels differ, [H, W]; most of a photo is passed over quickly."""
    changed = np.zeros(old.shape[:2], bool)
    for y in range(0, len(old), _ROWS):
        rows = np.s_[y : y + _ROWS]
        if not np.array_equal(old[rows], new[rows]):
            changed[rows] = (old[rows] != new[rows]).any(axis=2)
    return changed


def _tiff_of_tiff(photo: Photo, data: bytes) -> bytes:
    assert photo.source is not None
    place = tiff.main_picture(data, "the photo")
    page = tiff.open_page(data, place)
    xmp = photo.metadata.xmp if photo.metadata.xmp != tiff_write.xmp_of(data, place) else None
    pixels = turn_back(photo.pixels, photo.source.orientation)
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
