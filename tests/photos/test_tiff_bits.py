"""TIFFs of 9 to 15 bits per channel, and of bits in the other order, stay as they are stored."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from file_tools import complaints_of, needs_exiftool, needs_vips, tags_of
from numpy.typing import NDArray
from photo_files import outside, png_with, through, values_of
from PIL import Image

from backend.photos.containers import png
from backend.photos.files import notes

FILL_ORDER = 266
PLACEHOLDER = (263, "H", 1, 2, True)  # tifffile writes no fill order for these


def deep(bits: int, channels: int) -> NDArray[np.uint16]:
    return (values_of(np.uint16, channels) >> (16 - bits)).astype(np.uint16)


def write(path: Path, values: NDArray[Any], **options: Any) -> None:
    colours = "rgb" if values.shape[2] == 3 else "minisblack"
    tifffile.imwrite(path, np.squeeze(values), photometric=colours, metadata=None, **options)


def turn_bits(path: Path) -> None:
    """Let a file say that its bits are in the other order, as they are from then on."""
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        strips = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    data = bytearray(path.read_bytes())
    for start, size in strips:
        body = bytes(data[start : start + size])
        data[start : start + size] = imagecodecs.bitorder_encode(body)
    old, new = (struct.pack("<HHI", code, 3, 1) for code in (PLACEHOLDER[0], FILL_ORDER))
    path.write_bytes(data.replace(old, new))


@needs_exiftool
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [9, 10, 12, 14, 15])
def test_bits_stay(tmp_path: Path, bits: int, channels: int, turned: bool) -> None:
    """Rows of 48 pixels; for 9 and 15 bits these of one channel end within no byte, others do."""
    values = deep(bits, channels)[:, : 48 - (bits == 15)]
    more = {"extratags": [PLACEHOLDER]} if turned else {}
    path, out = tmp_path / "in.tif", tmp_path / "out.tif"
    write(path, values, bitspersample=bits, rowsperstrip=7, **more)
    if turned:
        turn_bits(path)
    photo = through(path, out)
    before, after = tags_of(path), tags_of(out)
    assert after["IFD0:BitsPerSample"] == before["IFD0:BitsPerSample"]
    assert {k: v for k, v in after.items() if k in before} == before
    assert complaints_of(out) <= complaints_of(path)
    back = tifffile.imread(out).reshape(values.shape)
    same = outside(photo)
    assert np.array_equal(back[same], values[same])
    assert np.abs(back[~same] / (2**bits - 1) - 0.25).max() < 2 / 2**bits
    assert notes(photo, out) is None


@needs_vips
@pytest.mark.parametrize("compression", [None, "lzw", "packbits", "zlib"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_bits_in_the_other_order(tmp_path: Path, dtype: Any, compression: str | None) -> None:
    """Read again by libtiff."""
    values = values_of(dtype, 3)
    path, out = tmp_path / "in.tif", tmp_path / "out.tif"
    write(path, values, rowsperstrip=7, compression=compression, extratags=[PLACEHOLDER])
    turn_bits(path)
    photo = through(path, out)
    with tifffile.TiffFile(out) as file:
        assert file.pages.first.fillorder == 2
    subprocess.run(["vips", "rawsave", out, tmp_path / "raw"], check=True, timeout=60)
    back = np.fromfile(tmp_path / "raw", dtype).reshape(values.shape)
    same = outside(photo)
    assert np.array_equal(back[same], values[same])
    assert np.abs(back[~same] / np.iinfo(dtype).max - 0.25).max() < 0.003


@needs_exiftool
@pytest.mark.parametrize(
    ("mode", "suffix", "words"),
    [
        ("P", ".tif", "palette is written as RGB"), ("P", ".png", "palette is written as RGB"),
        ("YCbCr", ".tif", "YCbCr colours are written as RGB"), ("RGB", ".tif", None),
        ("1", ".tif", "1-bit channels are written as 8-bit"),
        ("1", ".png", "1-bit channels are written as 8-bit"), ("RGB", ".png", None),
    ],
)  # fmt: skip
def test_what_becomes_of_pixels_is_said(
    tmp_path: Path, mode: str, suffix: str, words: str | None
) -> None:
    path, out = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    picture = Image.fromarray(values_of(np.uint8, 3))
    picture.convert(mode).save(path, **({"compression": "jpeg"} if mode == "YCbCr" else {}))
    seen = np.asarray(Image.open(path).convert("RGB"))
    photo = through(path, out)
    back = np.asarray(Image.open(out).convert("RGB"))
    assert np.array_equal(back[outside(photo)], seen[outside(photo)])
    said = notes(photo, out)
    assert said is None if words is None else words in (said or "")
    assert notes(photo, tmp_path / "other.webp") is None


def test_a_resolution_that_no_device_has_stops_nothing(tmp_path: Path) -> None:
    chunk = png.PngChunk(b"pHYs", struct.pack(">IIB", 2**32 - 1, 1, 1))
    photo = through(png_with(tmp_path, [chunk]), tmp_path / "out.tif")
    assert photo.metadata.density is None
    with Image.open(tmp_path / "out.tif") as image:
        assert 282 not in image.tag_v2  # type: ignore[attr-defined]


@pytest.mark.parametrize("bits", [2, 4])
def test_few_bits_become_8(tmp_path: Path, bits: int) -> None:
    """An edit needs more levels than these have; that is said."""
    values = values_of(np.uint8, 1) >> (8 - bits)
    write(tmp_path / "in.tif", values, bitspersample=bits)
    photo = through(tmp_path / "in.tif", tmp_path / "out.tif")
    back = tifffile.imread(tmp_path / "out.tif").reshape(values.shape)
    same = outside(photo)
    assert np.array_equal(back[same], values[same] * (255 // (2**bits - 1)))
    assert f"{bits}-bit channels are written as 8-bit" in (notes(photo, tmp_path / "x.tif") or "")
