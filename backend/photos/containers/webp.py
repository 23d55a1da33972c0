"""WebP files as RIFF chunks (RFC 9649)."""

from __future__ import annotations

import struct
from typing import NamedTuple

_PICTURE = (b"VP8X", b"VP8 ", b"VP8L", b"ALPH")
_ANIMATION, _XMP, _EXIF, _ALPHA, _PROFILE = 0x02, 0x04, 0x08, 0x10, 0x20
_FLAGS = {b"ANIM": _ANIMATION, b"XMP ": _XMP, b"EXIF": _EXIF, b"ICCP": _PROFILE}


class WebpChunk(NamedTuple):
    kind: bytes
    data: bytes

    def packed(self) -> bytes:
        return self.kind + struct.pack("<I", len(self.data)) + self.data + bytes(len(self.data) % 2)


def chunks_of(data: bytes) -> list[WebpChunk]:
    """All chunks; raises ValueError where they are cut short."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise ValueError("not a WebP file")
    return _chunks(data, 12)


def _chunks(data: bytes, at: int) -> list[WebpChunk]:
    found = []
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > len(data):
            raise ValueError("a WebP file is cut short")
        found.append(WebpChunk(kind, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return found


def one(chunks: list[WebpChunk], kind: bytes) -> bytes | None:
    return next((c.data for c in chunks if c.kind == kind), None)


def with_one(chunks: list[WebpChunk], kind: bytes, data: bytes | None) -> list[WebpChunk]:
    """The chunks with `data` in the place of the old chunk of its kind; None leaves it out."""
    rest = [c for c in chunks if c.kind != kind]
    if data is None:
        return rest
    if kind == b"ICCP":  # it comes before the picture
        return [WebpChunk(kind, data), *rest]
    return [*rest, WebpChunk(kind, data)]


def with_chunks(
    encoded: bytes, source: list[WebpChunk], size: tuple[int, int], *, alpha: bool
) -> bytes:
    """An encoded still picture with what `source` says beside its own.

    In an animation it takes the place of the first frame. size: width, height.
    """
    picture = [c for c in chunks_of(encoded) if c.kind in (b"VP8 ", b"VP8L", b"ALPH")]
    source = [c for c in source if c.kind not in _PICTURE]
    frames = [i for i, c in enumerate(source) if c.kind == b"ANMF"]
    if frames:
        if picture:  # none of its own where the animation is the source itself
            source[frames[0]] = _frame(source[frames[0]], picture, size)
        body = source
    else:
        head = [c for c in source if c.kind == b"ICCP"]
        body = [*head, *picture, *(c for c in source if c.kind != b"ICCP")]
    flags = _ALPHA if alpha else 0
    for chunk in body:
        flags |= _FLAGS.get(chunk.kind, 0)
    if flags & ~_ALPHA or len(body) > 1:
        extent = b"".join(struct.pack("<I", side - 1)[:3] for side in size)
        body = [WebpChunk(b"VP8X", struct.pack("<I", flags) + extent), *body]
    content = b"WEBP" + b"".join(c.packed() for c in body)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def _frame(old: WebpChunk, picture: list[WebpChunk], size: tuple[int, int]) -> WebpChunk:
    """A frame that fills the canvas, shown as long as the old one."""
    extent = b"".join(struct.pack("<I", side - 1)[:3] for side in size)
    head = bytes(6) + extent + old.data[12:15] + bytes((old.data[15] | 2,))  # replaces, no blending
    return WebpChunk(b"ANMF", head + b"".join(c.packed() for c in picture))


def frames_of(chunks: list[WebpChunk]) -> int:
    return sum(c.kind == b"ANMF" for c in chunks)
