"""Small copies of a photo in its metadata show what the photo shows after an edit."""

from __future__ import annotations

import base64
import dataclasses
import io
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from file_tools import complaints_of, needs_exiftool
from numpy.typing import NDArray
from photo_files import Spot
from PIL import Image

from backend.photos.containers import jpeg
from backend.photos.files import read_photo, write_photo
from backend.photos.metadata import Metadata
from backend.photos.photo import Photo

OLD, NEW = 200, 40  # grey of the photo, and of what is painted over all of it


def picture(grey: int, width: int, height: int, quality: int = 75) -> bytes:
    with io.BytesIO() as buffer:
        values = np.full((height, width, 3), grey, np.uint8)
        values[::2] += 3  # so that it does not pack into nothing
        Image.fromarray(values).save(buffer, "JPEG", quality=quality)
        return buffer.getvalue()


def painted(photo: Photo) -> Photo:
    layer = np.full((photo.height, photo.width, 4), NEW, np.uint8)
    layer[..., 3] = 255
    return photo.with_layer(Spot(0, 0, layer))


def exif_with(thumbnail: bytes, *, orientation: int = 1, tight: bool = True) -> bytes:
    """A block with maker notes behind the thumbnail, where they must stay."""
    start = 100
    note = start + len(thumbnail) + (0 if tight else 5000)
    first = struct.pack("<HHHII", 2, 274, 3, 1, orientation)
    first += struct.pack("<HHIII", 37500, 7, 12, note, 50)
    second = struct.pack("<HHHII", 2, 513, 4, 1, start)
    second += struct.pack("<HHIII", 514, 4, 1, len(thumbnail), 0)
    block = (b"II*\0\x08\0\0\0" + first).ljust(50, b"\0") + second
    return (block.ljust(start, b"\0") + thumbnail).ljust(note, b"\0") + b"maker's note"


def grey_of(data: bytes) -> tuple[int, tuple[int, int]]:
    with Image.open(io.BytesIO(data)) as image:
        return int(np.median(np.asarray(image.convert("L")))), image.size


def binary(path: Path, tag: str) -> bytes:
    return subprocess.run(["exiftool", "-b", tag, path], capture_output=True, check=True).stdout


@needs_exiftool
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif"])
@pytest.mark.parametrize("quality", [75, 5])  # the second: the new one is larger than the old
def test_the_thumbnail_shows_the_edited_photo(tmp_path: Path, suffix: str, quality: int) -> None:
    block = exif_with(picture(OLD, 160, 120, quality))
    photo = Photo(np.full((90, 120, 3), OLD, np.uint8), metadata=Metadata(exif=block))
    path, out = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    write_photo(photo, path)
    assert grey_of(binary(path, "-ThumbnailImage"))[0] == pytest.approx(OLD, abs=10)
    write_photo(painted(read_photo(path)), out)
    grey, size = grey_of(binary(out, "-ThumbnailImage"))
    assert grey == pytest.approx(NEW, abs=10) and size == (160, 120)
    exif = read_photo(out).metadata.exif
    assert exif is not None
    at = len(block) - len(b"maker's note")
    assert exif[at : at + 12] == b"maker's note"
    assert complaints_of(out) <= complaints_of(path)


def test_an_edit_that_changes_nothing_leaves_it(tmp_path: Path) -> None:
    block = exif_with(picture(OLD, 160, 120))
    photo = Photo(np.full((90, 120, 3), OLD, np.uint8), metadata=Metadata(exif=block))
    write_photo(photo, tmp_path / "x.png")
    read = read_photo(tmp_path / "x.png")
    same = np.dstack([read.pixels, np.full(read.pixels.shape[:2], 255, np.uint8)])
    for layer in (Spot(0, 0, same), Spot(0, 0, same * np.array([1, 1, 1, 0], np.uint8))):
        again = read.with_layer(layer)
        assert not again.edited
        write_photo(again, tmp_path / "y.png")
        assert read_photo(tmp_path / "y.png").metadata.exif == block


@needs_exiftool
def test_a_turned_photo_and_its_thumbnail_lie_the_same_way(tmp_path: Path) -> None:
    """In its own kind of file as the camera held it, in another upright."""
    values = np.full((120, 90, 3), OLD, np.uint8)
    values[:60] = 20  # above, when upright
    stored = np.rot90(values, 1)  # orientation 6: to be turned clockwise
    block = exif_with(picture(OLD, 160, 120), orientation=6)
    with io.BytesIO() as buffer:
        Image.fromarray(stored).save(buffer, "JPEG", exif=b"Exif\0\0" + block, quality=95)
        (tmp_path / "in.jpg").write_bytes(buffer.getvalue())
    photo = read_photo(tmp_path / "in.jpg")
    assert photo.pixels[5, 5, 0] < 30 and photo.pixels[-5, 5, 0] > 190
    layer = np.zeros((10, 10, 4), np.uint8)
    layer[..., 3] = 255
    for name in ("out.jpg", "out.png"):
        write_photo(photo.with_layer(Spot(0, 110, layer)), tmp_path / name)
        with Image.open(io.BytesIO(binary(tmp_path / name, "-ThumbnailImage"))) as image:
            small = np.asarray(image.convert("L"))
        left, top = small[80:100, 40:50].mean(), small[10:20, 110:120].mean()
        assert (left < 60) == (name == "out.jpg") and (top < 60) == (name == "out.png")


def test_a_thumbnail_without_compression_is_left_out(tmp_path: Path) -> None:
    second = struct.pack("<HHHII", 1, 273, 4, 1, 60) + bytes(4)
    block = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 274, 3, 1, 1, 40)
    block = (block.ljust(40, b"\0") + second).ljust(70, b"\0")
    photo = Photo(np.full((90, 120, 3), OLD, np.uint8), metadata=Metadata(exif=block))
    write_photo(painted(photo), tmp_path / "x.png")
    exif = read_photo(tmp_path / "x.png").metadata.exif
    assert exif is not None and struct.unpack_from("<I", exif, 22) == (0,)


@needs_exiftool
def test_photoshops_thumbnail_is_drawn_anew(tmp_path: Path) -> None:
    with io.BytesIO() as buffer:
        Image.new("RGB", (120, 90), (OLD,) * 3).save(buffer, "JPEG")
        data = buffer.getvalue()
    body = struct.pack(">6I2H", 1, 64, 48, 192, 9216, 0, 24, 1) + picture(OLD, 64, 48)
    resources = b"".join(
        b"8BIM" + struct.pack(">HHI", code, 0, len(text)) + text + bytes(len(text) % 2)
        for code, text in ((1028, b"\x1c\x02\x78\0\x04abcd"), (1036, body), (1034, b"\x01"))
    )
    segments = [*jpeg.kept(data), jpeg.JpegSegment(jpeg.APP13, jpeg.PHOTOSHOP + resources)]
    (tmp_path / "in.jpg").write_bytes(jpeg.with_segments(data, segments))
    write_photo(painted(read_photo(tmp_path / "in.jpg")), tmp_path / "out.jpg")
    grey, size = grey_of(binary(tmp_path / "out.jpg", "-PhotoshopThumbnail"))
    assert grey == pytest.approx(NEW, abs=10) and size == (64, 48)
    assert binary(tmp_path / "out.jpg", "-Caption-Abstract") == b"abcd"
    assert binary(tmp_path / "out.jpg", "-CopyrightFlag") in (b"True", b"1")


@needs_exiftool
@pytest.mark.parametrize("folded", [False, True])
def test_thumbnails_in_xmp_are_drawn_anew(tmp_path: Path, folded: bool) -> None:
    text = base64.b64encode(picture(OLD, 64, 48)).decode()
    text = "&#xA;".join(text[i : i + 76] for i in range(0, len(text), 76)) if folded else text
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        'syntax-ns#"><rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:xmpGImg="http://ns.adobe.com/xap/1.0/g/img/"><xmp:Thumbnails><rdf:Alt><rdf:li '
        'rdf:parseType="Resource"><xmpGImg:format>JPEG</xmpGImg:format><xmpGImg:width>64'
        f"</xmpGImg:width><xmpGImg:height>48</xmpGImg:height><xmpGImg:image>{text}"
        "</xmpGImg:image></rdf:li></rdf:Alt></xmp:Thumbnails></rdf:Description></rdf:RDF>"
        "</x:xmpmeta>"
    ).encode()
    photo = Photo(np.full((90, 120, 3), OLD, np.uint8), metadata=Metadata(xmp=packet))
    write_photo(photo, tmp_path / "in.jpg")
    write_photo(painted(read_photo(tmp_path / "in.jpg")), tmp_path / "out.jpg")
    for name, grey in (("in.jpg", OLD), ("out.jpg", NEW)):
        found = grey_of(binary(tmp_path / name, "-XMP-xmp:ThumbnailImage"))
        assert found[0] == pytest.approx(grey, abs=10) and found[1] == (64, 48)


def test_a_premultiplied_or_deep_photo_is_drawn_too() -> None:
    for dtype, white in ((np.uint16, 65535), (np.float32, 1.0)):
        values: NDArray[Any] = np.full((900, 1200, 4), 0.25 * white, dtype)
        values[..., 3] = 0.5 * white
        photo = Photo(values, premultiplied=True)
        small = photo.small(160, 120)
        assert small.shape == (120, 160, 3) and abs(int(small[60, 80, 0]) - 128) <= 1
        tall = dataclasses.replace(photo, pixels=values[:, :300]).small(160, 120)
        assert tall[60, 5, 0] == 0 and abs(int(tall[60, 80, 0]) - 128) <= 1  # amid black
