"""Files that are no photographs, or would fill memory: refused by a sentence."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from photo_files import values_of
from PIL import Image

from backend.errors import BadImage
from backend.photos.containers import png
from backend.photos.files import read_photo


def raw_files() -> dict[str, bytes]:
    with io.BytesIO() as buffer:
        tifffile.imwrite(
            buffer, values_of(np.uint16, 1)[..., 0], photometric="cfa",
            extratags=[(33421, "H", 2, (2, 2)), (33422, "B", 4, (0, 1, 1, 2))],
        )  # fmt: skip
        mosaic = buffer.getvalue()
    with io.BytesIO() as buffer:
        tifffile.imwrite(
            buffer, values_of(np.uint8, 3), photometric="rgb", subfiletype=1,
            extratags=[(50706, "B", 4, (1, 4, 0, 0))],
        )  # fmt: skip
        dng = buffer.getvalue()
    return {
        "x.nef": mosaic,
        "x.dng": dng,
        "x.cr2": b"II*\0\x10\0\0\0CR\x02\0" + bytes(99),
        "x.cr3": b"\0\0\0\x18ftypcrx \0\0\0\1" + bytes(99),
        "x.raf": b"FUJIFILMCCD-RAW 0201" + bytes(99),
        "x.orf": b"IIRO\x08\0\0\0" + bytes(99),
        "x.rw2": b"IIU\0\x18\0\0\0" + bytes(99),
    }


@pytest.mark.parametrize("name", raw_files())
def test_raw_files_must_be_developed_first(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(raw_files()[name])
    with pytest.raises(BadImage, match="raw file, which must be developed first"):
        read_photo(tmp_path / name)


@pytest.mark.parametrize(
    ("dtype", "words"),
    [
        (np.int16, "signed 16-bit"), (np.int8, "signed 8-bit"), (np.uint32, "32-bit integers"),
        (np.int32, "signed 32-bit"),
    ],
)  # fmt: skip
def test_odd_numbers_are_called_what_they_are(tmp_path: Path, dtype: Any, words: str) -> None:
    tifffile.imwrite(tmp_path / "x.tif", np.ones((36, 48), dtype), photometric="minisblack")
    with pytest.raises(BadImage, match=words):
        read_photo(tmp_path / "x.tif")


def bombs() -> dict[str, bytes]:
    size = struct.pack(">IIBBBBB", 50000, 50000, 16, 6, 0, 0, 0)
    crc = struct.pack(">I", zlib.crc32(b"IHDR" + size))
    large = png.SIGNATURE + struct.pack(">I", 13) + b"IHDR" + size + crc
    body = (
        png.PngChunk(b"IDAT", zlib.compress(bytes(9))).packed()
        + png.PngChunk(b"IEND", b"").packed()
    )
    text = png.PngChunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(bytes(200 << 20)))
    with io.BytesIO() as buffer:
        Image.new("RGB", (8, 8)).save(buffer, "PNG")
        small = buffer.getvalue()
    circle = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 256, 4, 1, 8) + struct.pack("<I", 8)
    long = bytearray(b"II*\0\x08\0\0\0")
    for i in range(5000):
        long += struct.pack("<HHHIII", 1, 256, 4, 1, 8, 8 + 18 * (i + 1))
    wide = {256: 60000, 257: 60000, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 60000, 279: 9}
    entries = b"".join(struct.pack("<HHII", c, 4, 1, v) for c, v in sorted(wide.items()))
    return {
        "claims.png": large + body,
        "text.png": png.with_chunks(small, [text], same_kind=True),
        "circle.tif": circle,
        "long.tif": bytes(long),
        "claims.tif": b"II*\0\x08\0\0\0" + struct.pack("<H", len(wide)) + entries + bytes(4),
    }


@pytest.mark.parametrize("name", ["claims.png", "text.png", "circle.tif", "long.tif", "claims.tif"])
def test_bombs_are_refused_before_memory_is_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(bombs()[name])
    tracemalloc.start()
    try:
        with pytest.raises(BadImage):
            read_photo(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 150 << 20
    finally:
        tracemalloc.stop()
