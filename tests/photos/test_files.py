"""Photos come off the disk upright and whole, and go back as they were."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageOps

from backend.errors import BadImage
from backend.photos.files import check_output, read_photo, write_photo
from backend.photos.metadata import Metadata
from backend.photos.photo import Photo
from protocol import provenance

RNG = np.random.default_rng(7)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@dataclass(frozen=True)
class Spot:
    """A layer for tests."""

    x: int
    y: int
    pixels: NDArray[Any]


def pixels(dtype: Any, channels: int = 3, *, grey: bool = False) -> NDArray[Any]:
    values = RNG.random((33, 47, channels)).astype(np.float32) * 1.4 - 0.2
    if dtype is not np.float32:
        values = (np.clip(values, 0, 1) * np.iinfo(dtype).max).astype(dtype)
    if grey:
        values[..., 1] = values[..., 2] = values[..., 0]
    return values


ROUND_TRIPS = [
    (np.uint8, ".png"), (np.uint8, ".tif"), (np.uint8, ".webp"),
    (np.uint16, ".png"), (np.uint16, ".tif"), (np.float32, ".tiff"),
]  # fmt: skip


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize(("dtype", "suffix"), ROUND_TRIPS)
def test_what_is_written_is_read_back_exactly(
    tmp_path: Path, dtype: Any, suffix: str, channels: int
) -> None:
    values = pixels(dtype, channels)
    write_photo(Photo(values, PROFILE), tmp_path / f"x{suffix}")
    photo = read_photo(tmp_path / f"x{suffix}")
    assert photo.pixels.dtype == dtype and np.array_equal(photo.pixels, values)
    assert photo.profile == PROFILE and not photo.grey


@pytest.mark.parametrize(("dtype", "suffix"), ROUND_TRIPS)
def test_grey_stays_grey(tmp_path: Path, dtype: Any, suffix: str) -> None:
    values = pixels(dtype, grey=True)
    path = tmp_path / f"x{suffix}"
    write_photo(Photo(values, grey=True), path)
    assert np.array_equal(read_photo(path).pixels, values)
    if suffix != ".webp":  # which has no grey
        assert read_photo(path).grey


@pytest.mark.parametrize(("dtype", "suffix"), [(np.uint8, ".png"), (np.uint16, ".png")])
def test_camera_data_is_kept_and_orientation_is_not(
    tmp_path: Path, dtype: Any, suffix: str
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Orientation] = "Camera", 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 0.01
    Image.fromarray(pixels(np.uint8)).save(tmp_path / "in.jpg", exif=exif)
    photo = read_photo(tmp_path / "in.jpg")
    assert (photo.width, photo.height) == (33, 47)
    deep = photo.pixels if dtype == np.uint8 else photo.pixels.astype(np.uint16) * 257
    write_photo(Photo(deep, metadata=photo.metadata), tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        kept = image.getexif()
    assert kept[ExifTags.Base.Make] == "Camera"
    assert kept.get(ExifTags.Base.Orientation, 1) == 1
    assert kept.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] == pytest.approx(0.01)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x16.tif"])
def test_every_orientation_is_turned_upright(tmp_path: Path, name: str, orientation: int) -> None:
    values = pixels(np.uint8)
    values[:10, :20] = 250  # tells all eight apart
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    path = tmp_path / name
    if name == "x16.tif":
        tag = (274, 3, 1, orientation, True)
        tifffile.imwrite(path, values.astype(np.uint16), photometric="rgb", extratags=[tag])
        reference = tmp_path / "reference.png"
        Image.fromarray(values).save(reference, exif=exif)
    else:
        Image.fromarray(values).save(path, exif=exif)
        reference = path
    with Image.open(reference) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(read_photo(path).pixels, upright)


def test_cmyk_uses_its_ink_model(tmp_path: Path) -> None:
    red = Image.new("CMYK", (64, 64), (0, 255, 255, 0))
    red.save(tmp_path / "x.jpg", quality=100)
    photo = read_photo(tmp_path / "x.jpg")
    r, g, b = photo.pixels.reshape(-1, 3).mean(axis=0)
    assert r > 200 and g < 60 and b < 60 and photo.profile is None


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_kind_of_picture_becomes_rgb(tmp_path: Path, mode: str) -> None:
    ramp = Image.fromarray(np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1)))
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(ramp).astype(np.uint16) * 257)
    else:
        picture = ramp.convert("RGB").convert(mode) if mode == "P" else ramp.convert(mode)
    picture.save(tmp_path / "x.png")
    photo = read_photo(tmp_path / "x.png")
    assert photo.pixels.shape == (64, 64, 4 if mode in ("LA", "RGBA") else 3)
    assert photo.grey == (mode in ("1", "L", "LA", "I;16"))
    assert photo.depth == (16 if mode == "I;16" else 8)
    assert photo.to_u8()[0, 0, 0] < 10 and photo.to_u8()[0, 63, 0] > 245


def test_palette_transparency_is_kept(tmp_path: Path) -> None:
    picture = Image.new("P", (40, 40), 1)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.save(tmp_path / "x.png", transparency=0)
    photo = read_photo(tmp_path / "x.png")
    assert photo.pixels[0, 0].tolist() == [0, 0, 255, 255]


@pytest.mark.parametrize("compression", [1, 5, 8], ids=["none", "lzw", "deflate"])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_tiffs_of_other_programs(tmp_path: Path, dtype: Any, compression: int) -> None:
    values = pixels(dtype)
    cv2.imwrite(
        str(tmp_path / "x.tif"), values[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, compression]
    )
    assert np.array_equal(read_photo(tmp_path / "x.tif").pixels, values)


def test_unusual_tiffs(tmp_path: Path) -> None:
    values = pixels(np.uint16)
    planes = np.moveaxis(values, -1, 0)
    rgb = {"photometric": "rgb"}
    tifffile.imwrite(tmp_path / "planes.tif", planes, planarconfig="separate", **rgb)
    tifffile.imwrite(tmp_path / "motorola.tif", values, byteorder=">", **rgb)
    tifffile.imwrite(tmp_path / "negative.tif", 65535 - values[..., 0], photometric="miniswhite")
    half = pixels(np.float32).astype(np.float16)
    tifffile.imwrite(tmp_path / "half.tif", half, **rgb)
    assert np.array_equal(read_photo(tmp_path / "planes.tif").pixels, values)
    assert np.array_equal(read_photo(tmp_path / "motorola.tif").pixels, values)
    assert np.array_equal(read_photo(tmp_path / "negative.tif").pixels[..., 1], values[..., 0])
    assert np.array_equal(read_photo(tmp_path / "half.tif").pixels, half.astype(np.float32))


def damaged_files(folder: Path) -> dict[str, Path]:
    for name, values in {
        "8.png": pixels(np.uint8),
        "16.png": pixels(np.uint16),
        "8.jpg": pixels(np.uint8),
        "8.webp": pixels(np.uint8),
        "8.tif": pixels(np.uint8),
        "16.tif": pixels(np.uint16),
        "32.tif": pixels(np.float32),
    }.items():
        write_photo(Photo(values), folder / name)
    files = {}
    for path in list(folder.iterdir()):
        data = path.read_bytes()
        for share in (0.2, 0.5, 0.9):
            files[f"{path.name} {share}"] = path.with_name(f"cut{share}-{path.name}")
            files[f"{path.name} {share}"].write_bytes(data[: int(len(data) * share)])
    return files


def test_truncated_files_are_refused_in_one_sentence(tmp_path: Path) -> None:
    for kind, path in damaged_files(tmp_path).items():
        with pytest.raises(BadImage) as caught:
            read_photo(path)
        assert path.name in caught.value.message and "\n" not in caught.value.message, kind


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"II*\0", b"%PDF-1.7"])
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(BadImage):
        read_photo(tmp_path / "x.png")


def test_other_unusable_photos(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "32.tif", pixels(np.uint16).astype(np.uint32), photometric="rgb")
    values = pixels(np.float32)
    values[3, 4, 1] = np.nan
    tifffile.imwrite(tmp_path / "nan.tif", values, photometric="rgb")
    for name, words in {
        "32.tif": "32-bit integers",
        "nan.tif": "finite",
        "no.png": "no file",
    }.items():
        with pytest.raises(BadImage, match=words):
            read_photo(tmp_path / name)
    with pytest.raises(BadImage):
        read_photo(tmp_path)  # a folder


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_editors_pixels_lose_nothing(dtype: Any) -> None:
    photo = Photo(pixels(dtype, 4))
    part = photo.cut((5, 6, 20, 10))
    own = photo.pixels[6:16, 5:25]
    assert part.dtype == (np.uint8 if dtype is np.uint8 else np.float32)
    back = np.round(part * 65535).astype(np.uint16) if dtype is np.uint16 else part
    assert np.array_equal(back, own)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_layer_changes_nothing_where_it_is_transparent(dtype: Any) -> None:
    photo = Photo(pixels(dtype, 4))
    over = pixels(np.uint8 if dtype is np.uint8 else np.float32, 4)[:12, :9]
    white = 255 if dtype is np.uint8 else 1
    over[:, :3, 3], over[:, 3:6, 3], over[:, 6:, 3] = 0, white, white / 2
    changed = photo.with_layer(Spot(10, 20, over))
    same = np.ones((33, 47), bool)
    same[20:32, 13:19] = False
    assert np.array_equal(changed.pixels[same], photo.pixels[same])
    assert np.array_equal(changed.pixels[..., 3], photo.pixels[..., 3])
    scale = {np.uint8: 1, np.uint16: 65535, np.float32: 1}[dtype]
    opaque = over[:, 3:6, :3].astype(np.float64) * scale
    if dtype is np.uint16:
        opaque = np.clip(np.round(opaque), 0, 65535)
    assert np.abs(changed.pixels[20:32, 13:16, :3] - opaque).max() <= (0 if scale == 1 else 1)


@pytest.mark.parametrize(
    ("name", "dtype", "channels", "words"),
    [
        ("x.jpg", np.uint16, 3, "16-bit"),
        ("x.png", np.float32, 3, "floating-point"),
        ("x.jpg", np.uint8, 4, "transparency"),
        ("x.gif", np.uint8, 3, "ending"),
        ("x", np.uint8, 3, "ending"),
        ("no folder/x.png", np.uint8, 3, "no folder"),
    ],
)
def test_what_a_file_cannot_hold_is_said_before_the_work(
    tmp_path: Path, name: str, dtype: Any, channels: int, words: str
) -> None:
    with pytest.raises(BadImage, match=words):
        check_output(tmp_path / name, Photo(pixels(dtype, channels)))


def test_a_full_disk_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.png"
    write_photo(Photo(pixels(np.uint8)), path)
    before = path.read_bytes()

    def no_space(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(BadImage, match="No space left"):
        write_photo(Photo(pixels(np.uint8)), path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("dtype", "suffix"), [*ROUND_TRIPS, (np.uint8, ".jpg"), (np.uint8, ".tiff")]
)
def test_pictures_say_how_they_were_made(tmp_path: Path, dtype: Any, suffix: str) -> None:
    packet = provenance.xmp("compositeWithTrainedAlgorithmicMedia")
    path = tmp_path / f"x{suffix}"
    write_photo(Photo(pixels(dtype), PROFILE, metadata=Metadata(xmp=packet)), path)
    assert b"digitalsourcetype/compositeWithTrainedAlgorithmicMedia" in path.read_bytes()
    assert read_photo(path).profile == PROFILE
