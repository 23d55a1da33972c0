"""What a JPEG 2000 file says beside its picture (ISO/IEC 15444-1, annex I; XMP part 3)."""

from __future__ import annotations

from collections.abc import Iterator

from backend.photos.containers.avif import Box, boxes_of

_EXIF = b"JpgTiffExif->JP2"
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_IPTC = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
_GEOTIFF = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03")
_RESTRICTED, _ANY = 2, 3  # kinds of profiles


def metadata_of(data: bytes) -> tuple[bytes | None, bytes | None, bytes | None, bytes | None]:
    """EXIF, XMP, IPTC-IIM and the ICC profile; None for each that the file does not have."""
    found: dict[bytes, bytes] = {}
    for box in _boxes(data):
        if box.kind == b"uuid":
            found.setdefault(box.data[:16], box.data[16:])
        elif box.kind == b"colr" and box.data[:1] in (bytes((_RESTRICTED,)), bytes((_ANY,))):
            found.setdefault(b"colr", box.data[3:])
    return found.get(_EXIF), found.get(_XMP), found.get(_IPTC), found.get(b"colr")


def others_of(data: bytes) -> tuple[str, ...]:
    """What the file says in boxes that no other kind of file has, in words."""
    found = []
    for box in _boxes(data):
        if box.kind == b"xml ":
            found.append("XML")
        elif box.kind == b"uuid" and box.data[:16] not in (_EXIF, _XMP, _IPTC):
            found.append("GeoTIFF" if box.data[:16] == _GEOTIFF else "data of a program's own")
    return tuple(dict.fromkeys(found))


def _boxes(data: bytes) -> Iterator[Box]:
    """Those up to damage, and those in the header."""
    try:
        for box in boxes_of(data):
            yield box
            if box.kind == b"jp2h":
                yield from boxes_of(box.data)
    except ValueError:
        return
