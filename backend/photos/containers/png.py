"""PNG files as chunks (PNG specification, third edition, section 5)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.photos.containers import iptc
from backend.photos.containers.primaries import BY_CODE, SRGB, profile
from backend.photos.metadata import resolution

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP = b"XML:com.adobe.xmp\0"
_IPTC = b"Raw profile type iptc\0"  # ImageMagick's way, which other programs read too
_RAW_XMP = b"Raw profile type xmp\0"
_RAW_EXIF = (b"Raw profile type exif\0", b"Raw profile type APP1\0")
_EXIF = b"Exif\0\0"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_PICTURE = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_OF_COLOUR_TYPE = (b"tRNS", b"hIST", b"acTL", b"fcTL", b"fdAT")
_OF_PALETTE = (b"tRNS", b"bKGD", b"hIST")
_NEAR = 0.003  # within which two descriptions of colours are the same
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
_LENGTHS = {GREY: 2, PALETTE: 1}  # bytes of a background


class PngChunk(NamedTuple):
    kind: bytes
    data: bytes

    def packed(self) -> bytes:
        body = self.kind + self.data
        return struct.pack(">I", len(self.data)) + body + struct.pack(">I", zlib.crc32(body))


class Header(NamedTuple):
    width: int
    height: int
    depth: int
    colour_type: int
    interlaced: bool


def chunks_of(data: bytes) -> list[PngChunk]:
    """All chunks up to IEND; raises ValueError where they are cut short or damaged."""
    if data[:8] != SIGNATURE:
        raise ValueError("not a PNG file")
    found, at = [], 8
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        found.append(PngChunk(kind, body))
        if data[at + 8 + length : at + 12 + length] != struct.pack(">I", zlib.crc32(kind + body)):
            raise ValueError("a PNG chunk is damaged")
        if kind == b"IEND":
            return found
        at += 12 + length
    raise ValueError("a PNG file is cut short")


def header_of(data: bytes) -> Header:
    """What IHDR says; raises ValueError."""
    if data[:8] != SIGNATURE or len(data) < 29:
        raise ValueError("not a PNG file")
    width, height, depth, colour_type = struct.unpack_from(">IIBB", data, 16)
    return Header(width, height, depth, colour_type, data[28] == 1)


def with_chunks(encoded: bytes, source: list[PngChunk], *, same_kind: bool) -> bytes:
    """An encoded picture with everything that `source` says beside its picture, in its order.

    same_kind: whether the pixels have the source's colour type and depth. Otherwise what depends on
    these is left out; `of_wider` has seen to the rest.
    """
    own = chunks_of(encoded)
    leave = _PICTURE if same_kind else _PICTURE + _OF_COLOUR_TYPE
    kinds = [c.kind for c in source]
    middle = kinds.index(b"IDAT") if b"IDAT" in kinds else len(source)
    before = [c for c in source[:middle] if c.kind not in leave]
    after = [c for c in source[middle:] if c.kind not in leave]
    palette = [c for c in own if c.kind == b"PLTE"]
    if palette:  # some chunks come before it, others behind it (specification, 5.6)
        behind = [c for c in before if c.kind in _OF_PALETTE]
        before = [*(c for c in before if c.kind not in _OF_PALETTE), *palette, *behind]
    picture = [c for c in own if c.kind == b"IDAT"]
    return packed([own[0], *before, *picture, *after])


def packed(chunks: list[PngChunk]) -> bytes:
    """The file of these chunks, without the last."""
    return SIGNATURE + b"".join(c.packed() for c in [*chunks, PngChunk(b"IEND", b"")])


def of_wider(chunks: list[PngChunk], old: Header, new: Header) -> list[PngChunk]:
    """The chunks of a palette, or of less than 8 bits, with what they say of colours as RGB's or
    grey's of 8 bits: the background, and how many bits count.
    """
    palette, found = one(chunks, b"PLTE") or b"", []
    for chunk in chunks:
        if chunk.kind == b"bKGD" and len(chunk.data) == _LENGTHS.get(old.colour_type):
            if old.colour_type == PALETTE:
                colour = palette[3 * chunk.data[0] : 3 * chunk.data[0] + 3]
            else:
                colour = bytes((chunk.data[1] * 255 // (2**old.depth - 1),))
            colour = colour * 3 if new.colour_type in (RGB, RGBA) and len(colour) == 1 else colour
            chunk = PngChunk(b"bKGD", b"".join(bytes((0, value)) for value in colour))
        elif chunk.kind == b"sBIT":
            alpha = bytes((8,)) if new.colour_type in (GREY_ALPHA, RGBA) else b""
            chunk = PngChunk(b"sBIT", chunk.data + alpha)
        found.append(chunk)
    return found


def with_xmp(chunks: list[PngChunk], packet: bytes) -> list[PngChunk]:
    """The chunks with the packet in the place of the old one, or before everything else."""
    return _with(chunks, _is_xmp, PngChunk(b"iTXt", _XMP + bytes(4) + packet))


def with_exif(chunks: list[PngChunk], exif: bytes) -> list[PngChunk]:
    """The chunks with the block in the place of the old one, or before everything else."""
    return _with(chunks, _is_exif, PngChunk(b"eXIf", exif))


def _with(
    chunks: list[PngChunk], is_old: Callable[[PngChunk], bool], new: PngChunk
) -> list[PngChunk]:
    old = [i for i, chunk in enumerate(chunks) if is_old(chunk)]
    place = old[0] if old else int(bool(chunks) and chunks[0].kind == b"IHDR")
    rest = chunks[place + 1 :] if old else chunks[place:]
    return [*chunks[:place], new, *(c for c in rest if not is_old(c))]


def xmp_of(chunks: list[PngChunk]) -> bytes | None:
    """The XMP packet, unpacked where it is compressed, in any kind of text chunk."""
    for chunk in chunks:
        if chunk.kind == b"iTXt" and chunk.data.startswith(_XMP):
            text = chunk.data[len(_XMP) + 2 :].split(b"\0", 2)[-1]
            packed = chunk.data[len(_XMP) : len(_XMP) + 1] == b"\1"
            return (_unpacked(text) or None) if packed else text
        if _is_xmp(chunk) and chunk.data.startswith(_XMP):
            text = chunk.data[len(_XMP) :]
            return (_unpacked(text[1:]) or None) if chunk.kind == b"zTXt" else text
    return _raw_profile(chunks, _RAW_XMP)


def exif_of(chunks: list[PngChunk]) -> bytes | None:
    """The EXIF block, also where an older program has put it into a text."""
    if (block := one(chunks, b"eXIf")) is not None:
        return block
    found = (_raw_profile(chunks, name) for name in _RAW_EXIF)
    return next((block[len(_EXIF) :] for block in found if block and block.startswith(_EXIF)), None)


def key_of(data: bytes, header: Header) -> NDArray[np.unsignedinteger[Any]]:
    """tRNS's colour, which stands for transparent pixels: one or three values."""
    values = np.frombuffer(data, ">u2")
    return values.astype(np.uint16 if header.depth == 16 else np.uint8)


def one(chunks: list[PngChunk], kind: bytes) -> bytes | None:
    """The data of the only chunk of a kind."""
    return next((c.data for c in chunks if c.kind == kind), None)


def profile_of(chunks: list[PngChunk]) -> bytes | None:
    """The ICC profile."""
    data = one(chunks, b"iCCP") or b""
    return _unpacked(data.partition(b"\0")[2][1:]) or None


def colours_of(chunks: list[PngChunk]) -> bytes | None:
    """The profile that cICP, or gAMA and cHRM, stand for; None where they say sRGB, or HDR, which
    no simple profile can. By the chunks' order of precedence (specification, 13.13).
    """
    code, gamma, places = (one(chunks, kind) for kind in (b"cICP", b"gAMA", b"cHRM"))
    exponent: float | None = None
    if code is not None and len(code) == 4:
        primaries = BY_CODE.get(code[0], SRGB)
        if code[1] in (16, 18):
            return None
        exponent = 1.0 if code[1] == 8 else None
    elif one(chunks, b"sRGB") is not None:
        return None
    else:
        primaries = SRGB
        if places is not None and len(places) == 32:
            primaries = tuple(value / 100000 for value in struct.unpack(">8I", places))
        if gamma is not None and len(gamma) == 4 and any(gamma):
            exponent = 100000 / struct.unpack(">I", gamma)[0]
    near = max(abs(a - b) for a, b in zip(primaries, SRGB, strict=True)) < _NEAR
    if near and (exponent is None or abs(exponent / 2.2 - 1) < _NEAR):
        return None
    try:
        return profile(primaries, exponent)
    except ValueError:
        return None


def profile_chunk(profile: bytes) -> PngChunk:
    return PngChunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))


def density_chunk(dpi: tuple[float, float]) -> PngChunk:
    """A resolution, from dots per inch."""
    return PngChunk(b"pHYs", struct.pack(">IIB", *(round(v / 0.0254) for v in dpi), 1))


def density_of(chunks: list[PngChunk]) -> tuple[float, float] | None:
    """Dots per inch; None where the file gives no length."""
    data = one(chunks, b"pHYs")
    if data is None or len(data) != 9 or data[8] != 1:
        return None
    x, y = struct.unpack(">II", data[:8])
    return resolution(x * 0.0254, y * 0.0254)


def iptc_chunk(records: bytes) -> PngChunk:
    """IPTC-IIM records as hexadecimal text."""
    records = iptc.wrapped(records)
    digits = records.hex()
    lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    text = f"\niptc\n{len(records):8d}\n{lines}\n"
    return PngChunk(b"zTXt", _IPTC + b"\0" + zlib.compress(text.encode("ascii")))


def iptc_of(chunks: list[PngChunk]) -> bytes | None:
    """IPTC-IIM records from such text."""
    records = _raw_profile(chunks, _IPTC)
    return iptc.unwrapped(records) if records else None


def _raw_profile(chunks: list[PngChunk], name: bytes) -> bytes | None:
    """What ImageMagick and others have written as hexadecimal text; None where it is damaged."""
    for chunk in chunks:
        if chunk.kind in (b"zTXt", b"tEXt") and chunk.data.startswith(name):
            text = chunk.data[len(name) :]
            text = _unpacked(text[1:]) if chunk.kind == b"zTXt" else text
            try:
                return bytes.fromhex(text.split(b"\n", 3)[3].decode("ascii"))
            except (ValueError, IndexError):
                return None
    return None


def text_chunk(keyword: str, text: str) -> PngChunk:
    return PngChunk(b"iTXt", keyword.encode("latin-1") + b"\0" + bytes(4) + text.encode())


def _is_xmp(chunk: PngChunk) -> bool:
    return chunk.kind in _TEXTS and chunk.data.startswith((_XMP, _RAW_XMP))


def _is_exif(chunk: PngChunk) -> bool:
    in_a_text = chunk.kind in _TEXTS and chunk.data.startswith(_RAW_EXIF)
    return in_a_text or chunk.kind == b"eXIf"


_MOST = 64 << 20


def _unpacked(data: bytes) -> bytes:
    """Decompressed; nothing where it is damaged, for the picture is not. Raises ValueError beyond a
    size that no honest metadata reaches.
    """
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(data, _MOST)
    except zlib.error:
        return b""
    if unpacker.unconsumed_tail:
        raise ValueError("compressed metadata is too large")
    return text


def comment_of(chunks: list[PngChunk]) -> str | None:
    """The text with the keyword Comment or, without one, Description."""
    found = dict(texts_of(chunks))
    return found.get("Comment") or found.get("Description")


def texts_of(chunks: list[PngChunk]) -> list[tuple[str, str]]:
    """Keyword and text of all text chunks that are for people."""
    found = []
    for chunk in chunks:
        keyword, _, rest = chunk.data.partition(b"\0")
        if _is_xmp(chunk) or keyword.startswith(b"Raw profile"):
            continue
        if chunk.kind == b"tEXt":
            found.append((keyword.decode("latin-1"), rest.decode("latin-1")))
        elif chunk.kind == b"zTXt":
            found.append((keyword.decode("latin-1"), _unpacked(rest[1:]).decode("latin-1")))
        elif chunk.kind == b"iTXt":
            text = rest[2:].split(b"\0", 2)[-1]
            text = _unpacked(text) if rest[:1] == b"\1" else text
            found.append((keyword.decode("latin-1"), text.decode("utf-8", "replace")))
    return found


def further_frames(chunks: list[PngChunk]) -> int:
    """Frames of an animation behind the picture, which may be the first of them or none."""
    kinds = [c.kind for c in chunks]
    behind = kinds[kinds.index(b"IDAT") :] if b"IDAT" in kinds else []
    return behind.count(b"fcTL")
