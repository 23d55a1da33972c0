"""Files of kinds that are read and not written: what they say goes into other files."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from file_tools import NOTE, needs_exiftool, tags_of
from numpy.typing import NDArray
from photo_files import outside, through, values_of
from PIL import Image, ImageOps

from backend.photos.containers import gif
from backend.photos.containers.primaries import BY_CODE, profile
from backend.photos.files import losses, read_photo, write_photo

P3 = profile(BY_CODE[12], None)


def tell(path: Path, *said: str) -> None:
    """Let exiftool write into a file."""
    subprocess.run(["exiftool", "-q", "-overwrite_original", *said, path], check=True)


def gif_file(path: Path, frames: int = 1) -> NDArray[np.uint8]:
    """Write a GIF, and return the colours of its first frame."""
    pictures = [Image.fromarray(values_of(np.uint8, 3)).quantize(16) for _ in range(frames)]
    more = {"append_images": pictures[1:]} if frames > 1 else {}
    pictures[0].save(path, "GIF", save_all=frames > 1, comment="a word", **more)
    return np.asarray(pictures[0].convert("RGB"))


@needs_exiftool
@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
def test_what_a_gif_says(tmp_path: Path, suffix: str, frames: int) -> None:
    colours = gif_file(tmp_path / "in.gif", frames)
    (tmp_path / "p3.icc").write_bytes(P3)
    tell(tmp_path / "in.gif", "-XMP-xmp:Rating=4", f"-ICC_Profile<={tmp_path / 'p3.icc'}")
    before = tags_of(tmp_path / "in.gif")
    photo = through(tmp_path / "in.gif", tmp_path / f"out{suffix}")
    after = tags_of(tmp_path / f"out{suffix}")
    assert np.array_equal(photo.pixels[..., :3], colours) and photo.profile == P3
    assert after["XMP-xmp:Rating"] == before["XMP-xmp:Rating"] == 4
    assert after[NOTE].endswith("compositeWithTrainedAlgorithmicMedia")
    names = [key for key in before if key.startswith("ICC")]
    assert len(names) > 10 and {k: after[k] for k in names} == {k: before[k] for k in names}
    assert suffix == ".webp" or "a word" in after.values()


def test_gifs_that_are_cut_short_say_what_they_can(tmp_path: Path) -> None:
    gif_file(tmp_path / "in.gif")
    data = (tmp_path / "in.gif").read_bytes()
    odd = b"".join((data[:-1], b"!\xff\x0bICCRGBG1012\x02ab\x03cde\0", b"!\xff\x0bXMP DataXMP<x/>"))
    for end in range(len(odd)):
        xmp, found = gif.metadata_of(odd[:end])
        assert xmp is None and found in (None, b"a", b"ab", b"abc", b"abcd", b"abcde")
    assert gif.metadata_of(odd) == (None, b"abcde")


def test_a_bmp_has_a_profile_and_a_resolution(tmp_path: Path) -> None:
    """By a header of version 5, which Windows writes; Pillow writes the older one."""
    Image.fromarray(values_of(np.uint8, 3)).save(tmp_path / "plain.bmp", dpi=(240, 240))
    plain = (tmp_path / "plain.bmp").read_bytes()
    pixels = plain[54:]
    head = struct.pack("<I", 124) + plain[18:54] + bytes(84)
    head = head[:56] + b"DEBM" + head[60:112] + struct.pack("<II", 124 + len(pixels), len(P3))
    head = head.ljust(124, b"\0")
    start = 14 + len(head)
    size = start + len(pixels) + len(P3)
    data = b"BM" + struct.pack("<I4xI", size, start) + head + pixels + P3
    (tmp_path / "in.bmp").write_bytes(data)
    for name, own in (("in.bmp", P3), ("plain.bmp", None)):
        photo = through(tmp_path / name, tmp_path / "out.tif")
        back = read_photo(tmp_path / "out.tif")
        same = outside(photo)
        assert photo.profile == back.profile == own
        assert np.array_equal(back.pixels[same], photo.pixels[same])
        with Image.open(tmp_path / "out.tif") as image:
            assert [round(float(v)) for v in image.info["dpi"]] == [240, 240]


@pytest.mark.parametrize("turned", range(1, 9))
def test_jpeg_2000_is_turned_as_it_says(tmp_path: Path, turned: int) -> None:
    """By its EXIF, which Pillow does not read; what is written stands upright and says so."""
    values = np.zeros((36, 48, 3), np.uint8)
    values[:10, :10] = 255
    exif = Image.Exif()
    exif[0x0112] = turned
    Image.fromarray(values).save(tmp_path / "seen.png", exif=exif)
    Image.fromarray(values).save(tmp_path / "in.jp2", "JPEG2000")
    with open(tmp_path / "in.jp2", "ab") as file:
        body = b"JpgTiffExif->JP2" + exif.tobytes().removeprefix(b"Exif\0\0")
        file.write(struct.pack(">I4s", 8 + len(body), b"uuid") + body)
    with Image.open(tmp_path / "seen.png") as image:
        seen = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(read_photo(tmp_path / "in.jp2").pixels, seen)
    write_photo(read_photo(tmp_path / "in.jp2"), tmp_path / "out.tif")
    with Image.open(tmp_path / "out.tif") as image:
        assert np.array_equal(np.asarray(ImageOps.exif_transpose(image)), seen)


@pytest.mark.parametrize("kind", ["xml ", "uuid", "uuid of GeoTIFF"])
def test_boxes_of_jpeg_2000_alone_are_named(tmp_path: Path, kind: str) -> None:
    geotiff = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03")
    head = {"xml ": b"<a/>", "uuid": bytes(16)}.get(kind, geotiff)
    words = {"xml ": "XML", "uuid": "data of a program's own"}.get(kind, "GeoTIFF")
    Image.fromarray(values_of(np.uint8, 3)).save(tmp_path / "in.jp2", "JPEG2000")
    assert losses(read_photo(tmp_path / "in.jp2"), tmp_path / "x.tif") is None
    with open(tmp_path / "in.jp2", "ab") as file:
        file.write(struct.pack(">I4s", 8 + len(head), kind[:4].encode()) + head)
    assert words in (losses(read_photo(tmp_path / "in.jp2"), tmp_path / "x.tif") or "")
