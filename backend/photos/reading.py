"""Photos out of files' bytes, upright, in their own precision, with what else the file says.

TIFF is taken apart by tifffile and decoded by imagecodecs, as are deep PNG and AVIF files: Pillow
reads these at 8 bits. Everything else is Pillow's (`pillow_reading`), from a list of formats.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import UnidentifiedImageError

from backend.errors import BadImage
from backend.photos import transfer
from backend.photos.containers import avif, jpeg, jpeg_rest, png, tiff, webp
from backend.photos.containers.directories import EXIF_IFD, ORIENTATION, numbers_of
from backend.photos.containers.exif import PREFIX, exif_of_tiff, orientation_of
from backend.photos.containers.primaries import BY_CODE, profile
from backend.photos.containers.tiff_write import IPTC, PROFILE, XMP, can_patch
from backend.photos.formats import check_size, kind_of, open_picture
from backend.photos.metadata import Metadata, SourceFile, turn_upright
from backend.photos.photo import Photo
from backend.photos.pillow_reading import read_other, with_pillow
from backend.photos.profiles import transfer_of

_PALETTE = "Its palette is written as RGB, without a loss."
_WIDER = "Its {}-bit channels are written as {}-bit ones, without a loss."


def decode(data: bytes, name: str) -> Photo:
    """The photo in a file's bytes.

    Raises BadImage for what cannot be edited, and what Pillow raises for damage.
    """
    readers: Mapping[str, Callable[[bytes, str], Photo]] = {
        "TIFF": _tiff, "PNG": _png, "AVIF": _avif, "JPEG": _jpeg, "WEBP": _webp, "HEIF": _heif,
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd metadata, of no use to anybody here
        return readers.get(kind_of(data, name), read_other)(data, name)


def _tiff(data: bytes, name: str) -> Photo:
    place = tiff.main_picture(data, name)
    page = tiff.open_page(data, place)
    stored = tiff.read_values(page, data, name)
    profile, xmp, iptc = (tiff.block_of(data, place, code) for code in (PROFILE, XMP, IPTC))
    turned = numbers_of(data, place.layout, place.directory.entries.get(ORIENTATION))
    orientation = turned[0] if turned else 1
    exif = exif_of_tiff(data, place.of_tag(EXIF_IFD).pointer)
    metadata = Metadata(exif, xmp, iptc)
    notes = _pages_note(place)
    if stored is None:
        try:
            pixels, grey, converted = with_pillow(data, name, "TIFF", max(place.number, 0))
        except UnidentifiedImageError as error:
            raise BadImage(
                f"{name} is neither RGB nor greyscale; convert it to RGB first."
            ) from error
        profile = None if converted else profile
        said = None if converted else _of_tiff_anew(page, None)
        source = SourceFile(
            "TIFF", data, orientation, pages=place.others, converted=converted, anew=said
        )
        return Photo(
            turn_upright(pixels, orientation), profile, grey, False,
            transfer_of(profile), metadata, source, tuple(notes),
        )  # fmt: skip
    pixels = stored.pixels()
    further = len(stored.extra) - (stored.alpha is not None)
    source = SourceFile(
        "TIFF", data, orientation, stored.values, further, place.others,
        anew=_of_tiff_anew(page, stored),
    )  # fmt: skip
    curve = transfer_of(profile)
    if curve is None and pixels.dtype.kind == "f" and profile is None and pixels[..., :3].max() > 2:
        curve = transfer.Transfer("gamma")  # only linear light goes that far beyond white
    return Photo(
        turn_upright(pixels, orientation), profile, stored.colors == 1, stored.premultiplied,
        curve, metadata, source, tuple(notes),
    )  # fmt: skip


def _of_tiff_anew(page: tifffile.TiffPage, stored: tiff.Stored | None) -> str | None:
    """How pixels of a kind that cannot be patched are stored with an edit; None for others.

    stored: None for those that Pillow converts.
    """
    bits, packing = page.bitspersample, tifffile.COMPRESSION(page.compression)
    if stored and can_patch(page, stored):
        return None
    if page.photometric == tifffile.PHOTOMETRIC.PALETTE:
        return _PALETTE
    if page.photometric == tifffile.PHOTOMETRIC.YCBCR:
        return "Its YCbCr colours are written as RGB."
    if bits < 16 and bits != 8:
        return _WIDER.format(bits, 8 if bits < 8 else 16)
    return f"Its {packing.name} compression becomes one without a loss."


def _pages_note(place: tiff.PicturePlace) -> list[str]:
    notes = []
    if place.others:
        notes.append(f"The file has {place.others + 1} pages: the first is edited.")
    if place.smaller:
        notes.append("The file also holds a smaller copy of the picture, which stays as it is.")
    return notes


def _png(data: bytes, name: str) -> Photo:
    header, chunks = png.header_of(data), png.chunks_of(data)
    check_size(header.width, header.height, name)
    if header.colour_type == png.PALETTE or header.depth < 8:
        pixels, grey, _ = with_pillow(data, name, "PNG")
        key = png.one(chunks, b"tRNS")
        if grey and key and len(key) == 2:  # Pillow looks for the number as the file has it
            clear = png.key_of(key, header)[0] * (255 // (2**header.depth - 1))
            alpha = np.where(pixels[..., :1] == clear, 0, 255).astype(np.uint8)
            pixels = np.concatenate([pixels[..., :3], alpha], axis=2)
    else:
        values = np.asarray(imagecodecs.png_decode(_still(data, chunks)))
        values = values[..., None] if values.ndim == 2 else values
        grey = header.colour_type in (png.GREY, png.GREY_ALPHA)
        pixels = (
            np.concatenate([values[..., :1]] * 3 + [values[..., 1:]], axis=2) if grey else values
        )
    exif = png.exif_of(chunks)
    orientation = orientation_of(exif)
    profile = png.profile_of(chunks)
    metadata = Metadata(
        exif,
        png.xmp_of(chunks),
        png.iptc_of(chunks),
        png.density_of(chunks),
        png.comment_of(chunks),
        tuple(png.texts_of(chunks)),
    )
    frames = png.further_frames(chunks)
    notes = [f"The animation has {frames + 1} frames: the first is edited."] if frames else []
    anew = _WIDER.format(header.depth, 8) if header.depth < 8 else None
    anew = _PALETTE if header.colour_type == png.PALETTE else anew
    source = SourceFile("PNG", data, orientation, pages=frames, anew=anew)
    return Photo(
        turn_upright(pixels, orientation), profile or png.colours_of(chunks), grey, False,
        _png_transfer(chunks, profile), metadata, source, tuple(notes),
    )  # fmt: skip


def _still(data: bytes, chunks: list[png.PngChunk]) -> bytes:
    """The file, or of an animation the picture alone, which damage to the others does not touch."""
    if png.one(chunks, b"acTL") is None:
        return data
    kinds = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
    return png.packed([c for c in chunks if c.kind in kinds])


def _png_transfer(chunks: list[png.PngChunk], profile: bytes | None) -> transfer.Transfer | None:
    """By the chunks' order of precedence: cICP, iCCP, sRGB, gAMA (specification, section 13.13)."""
    code, gamma = png.one(chunks, b"cICP"), png.one(chunks, b"gAMA")
    if code is not None and len(code) == 4:
        return transfer.of_code(code[1])
    if profile is not None:
        return transfer_of(profile)
    if png.one(chunks, b"sRGB") is None and gamma is not None and len(gamma) == 4:
        return transfer.of_gamma(struct.unpack(">I", gamma)[0] / 100000)
    return None


def _jpeg(data: bytes, name: str) -> Photo:
    arithmetic = jpeg.coding_of(data).arithmetic
    pixels, grey, converted = (
        _arithmetic(data, name) if arithmetic else with_pillow(data, name, "JPEG")
    )
    segments, _ = jpeg.segments_of(data)
    exif = jpeg.exif_of(segments)
    xmp = next((s.data[len(jpeg.XMP) :] for s in segments if s.data.startswith(jpeg.XMP)), None)
    with open_picture(io.BytesIO(data), ("JPEG",)) as image:
        info: Mapping[Any, Any] = image.info
    profile = None if converted else info.get("icc_profile")
    comment = info.get("comment")
    metadata = Metadata(
        exif, xmp, jpeg.iptc_of(segments), jpeg.density_of(segments),
        comment.decode("utf-8", "replace").rstrip("\0") if isinstance(comment, bytes) else None,
        extension=jpeg.extension_of(segments),
    )  # fmt: skip
    orientation = orientation_of(exif)
    others = jpeg_rest.names_of(data)
    anew = "Its arithmetic coding becomes the usual one." if arithmetic else None
    source = SourceFile("JPEG", data, orientation, others=others, converted=converted, anew=anew)
    return Photo(
        turn_upright(pixels, orientation), profile, grey, False,
        transfer_of(profile), metadata, source,
    )  # fmt: skip


def _arithmetic(data: bytes, name: str) -> tuple[NDArray[Any], bool, None]:
    """A JPEG of arithmetic coding as `with_pillow` gives others: Pillow is built without it."""
    with open_picture(io.BytesIO(data), ("JPEG",)) as image:
        check_size(*image.size, name)
    values = np.asarray(imagecodecs.jpeg8_decode(data))
    grey = values.ndim == 2
    if not grey and values.shape[2] != 3:
        raise BadImage(f"{name} is neither RGB nor greyscale; convert it to RGB first.")
    return (np.dstack([values] * 3) if grey else values), grey, None


def _webp(data: bytes, name: str) -> Photo:
    pixels, grey, _ = with_pillow(data, name, "WEBP")
    chunks = webp.chunks_of(data)
    exif = webp.one(chunks, b"EXIF")
    exif = exif.removeprefix(PREFIX) if exif else None
    profile = webp.one(chunks, b"ICCP")
    frames = webp.frames_of(chunks) - 1
    notes = [f"The animation has {frames + 1} frames: the first is edited."] if frames > 0 else []
    orientation = orientation_of(exif)
    source = SourceFile("WEBP", data, orientation, pages=max(frames, 0))
    metadata = Metadata(exif, webp.one(chunks, b"XMP "))
    return Photo(
        turn_upright(pixels, orientation), profile, grey, False,
        transfer_of(profile), metadata, source, tuple(notes),
    )  # fmt: skip


def _avif(data: bytes, name: str) -> Photo:
    photo, coding = read_other(data, name, "AVIF"), avif.coding_of(data)
    if coding.bits > 8:
        values = np.asarray(imagecodecs.avif_decode(data))
        values = values.reshape(*values.shape[:2], -1)
        if values.shape[2] <= 2:
            values = np.concatenate([values[..., :1]] * 3 + [values[..., 1:]], axis=2)
        assert photo.source is not None
        pixels = turn_upright(_widened(values, coding.bits), photo.source.orientation)
        photo = replace(photo, pixels=pixels)
    if coding.grey and (photo.pixels[..., :1] == photo.pixels[..., 1:3]).all():
        photo = replace(photo, grey=True)
    return _with_codes(photo, coding.primaries, coding.transfer)


def _with_codes(photo: Photo, primaries: int, code: int) -> Photo:
    """The photo with what codes of ITU-T H.273 say of its colours; 0 where the file has none."""
    curve = transfer.of_code(code)
    if photo.profile is None and primaries in BY_CODE and not (curve and curve.is_hdr):
        own = profile(BY_CODE[primaries], 1.0 if curve else None)
        photo = replace(photo, profile=own)
    return replace(photo, transfer=curve) if curve else photo


def _widened(values: NDArray[Any], bits: int) -> NDArray[np.uint16]:
    """Whole numbers of 9 to 15 bits in all of 16."""
    table = np.round(np.arange(2**bits) * (65535 / (2**bits - 1))).astype(np.uint16)
    return table[values]


def _heif(data: bytes, name: str) -> Photo:
    """HEIC by the plug-in, which is there: `kind_of` has looked. Deep ones keep their depth."""
    import pillow_heif  # type: ignore[import-not-found, unused-ignore]

    photo = read_other(data, name, "HEIF")
    heif = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    bits = int(heif.info.get("bit_depth", 8))
    if bits > 8:
        values = np.asarray(heif)
        top = values >> (16 - bits)  # the plug-in puts them at the upper end of 16 bits
        photo = replace(photo, pixels=np.ascontiguousarray(_widened(top, bits)))
    assert photo.source is not None
    source = replace(photo.source, others=_beside_heic(heif.info))
    codes = heif.info.get("nclx_profile") or {}
    return _with_codes(
        replace(photo, source=source),
        int(codes.get("color_primaries", 0)),
        int(codes.get("transfer_characteristics", 0)),
    )


def _beside_heic(info: Mapping[str, Any]) -> tuple[str, ...]:
    """What a HEIC file shows beside its picture, in words. info: the plug-in's."""
    kinds = list(info.get("aux") or ())
    gains = [kind for kind in kinds if "gainmap" in kind]
    found = ["a gain map"] if gains else []
    found += ["a depth map"] if info.get("depth_images") else []
    found += ["auxiliary pictures"] if len(kinds) > len(gains) else []
    return tuple(found)
