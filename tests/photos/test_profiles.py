"""Colours by ICC profiles of all kinds, as another colour engine sees them."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from file_tools import needs_vips
from numpy.typing import NDArray
from photo_files import outside, through
from PIL import Image

from backend.photos.containers.primaries import SRGB, _to_d50
from backend.photos.files import notes, read_photo, write_photo
from backend.photos.profiles import space_of

XYZ, LAB = b"XYZ ", b"Lab "


def icc(space: bytes, pcs: bytes, tags: dict[bytes, bytes], version: int = 0x04300000) -> bytes:
    """A profile of these tags, and of what every profile has."""
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    text = "a test".encode("utf-16-be")
    name = struct.pack(">4s4xII4sII", b"mluc", 1, 12, b"enUS", len(text), 28) + text
    every = {b"desc": name, b"cprt": name, b"wtpt": white, **tags}
    at, table, body = 132 + 12 * len(every), struct.pack(">I", len(every)), b""
    for tag, data in every.items():
        table += struct.pack(">4sII", tag, at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    head = struct.pack(
        ">I4sI4s4s4s12x4s", at + len(body), bytes(4), version, kind, space, pcs, b"acsp"
    )
    return head.ljust(68, b"\0") + white[8:] + bytes(48) + table + body


def grey_profile(gamma: float) -> bytes:
    curve = struct.pack(">4s4xIH2x", b"curv", 1, round(gamma * 256))
    return icc(b"GRAY", XYZ, {b"kTRC": curve}, 0x02400000)


def table_profile(*, linear: bool) -> bytes:
    """RGB's primaries by tables alone, as v4's profiles of appearance have them."""
    numbers = np.linspace(0, 1, 256)
    light = numbers if linear else np.where(
        numbers <= 0.04045, numbers / 12.92, ((numbers + 0.055) / 1.055) ** 2.4
    )  # fmt: skip
    corners = np.array([[r, g, b] for r in (0, 1) for g in (0, 1) for b in (0, 1)])
    found = np.round(corners @ _to_d50(SRGB)[0].T * 32768).clip(0, 65535)
    ends = np.tile(np.round(np.linspace(0, 65535, 2)), 3)
    data = struct.pack(">4s4x4B9iHH", b"mft2", 3, 3, 2, 0, *(65536, 0, 0, 0) * 2, 65536, 256, 2)
    for values in (np.tile(np.round(light * 65535), 3), found.ravel(), ends):
        data += values.astype(">u2").tobytes()
    return icc(b"RGB ", XYZ, {b"A2B0": data, b"B2A0": data}, 0x02400000)


def print_profile() -> bytes:
    """Four inks on paper: cyan, magenta, yellow, black, each of its own colour."""
    inks = np.array([[0.8, -12, -15], [0.75, 22, 0], [0.95, -3, 25], [0.4, 0, 0]])
    corners = [[c, m, y, k] for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    lab = []
    for corner in corners:
        on = np.array(corner, bool)
        lightness = 255 * np.prod(inks[on, 0]) if on.any() else 255
        lab.append([lightness, *np.clip(128 + inks[on, 1:].sum(axis=0), 0, 255)])
    identity = np.tile(np.arange(256), 4).astype(np.uint8)
    data = struct.pack(">4s4x4B9i", b"mft1", 4, 3, 2, 0, *(65536, 0, 0, 0) * 2, 65536)
    data += identity.tobytes() + np.round(lab).astype(np.uint8).tobytes()
    data += identity[:768].tobytes()
    return icc(b"CMYK", LAB, {b"A2B0": data, b"A2B1": data}, 0x02400000)


def by_vips(path: Path, folder: Path) -> NDArray[np.uint8]:
    """The picture as sRGB."""
    out = folder / "vips.png"
    words = ["vips", "icc_transform", path, out, "srgb", "--embedded", "--intent", "perceptual"]
    subprocess.run(words, check=True, capture_output=True)
    with Image.open(out) as image:
        return np.asarray(image.convert("RGB"))


STEPS = np.add.outer(np.arange(0, 240, 5), np.arange(0, 16, 1)).astype(np.uint8)


@needs_vips
@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_print_is_seen_by_its_profile(tmp_path: Path, suffix: str) -> None:
    inks = np.dstack([STEPS, STEPS[::-1], STEPS[:, ::-1], STEPS // 4])
    path = tmp_path / f"in{suffix}"
    options = {"quality": 100, "subsampling": 0} if suffix == ".jpg" else {}
    Image.fromarray(inks, "CMYK").save(path, icc_profile=print_profile(), **options)
    photo = read_photo(path)
    assert photo.profile is None
    seen = by_vips(path, tmp_path).astype(int)
    by_rule = np.asarray(Image.fromarray(inks, "CMYK").convert("RGB"))
    assert np.abs(photo.pixels - seen).mean() < 5 < 30 < np.abs(by_rule - seen).mean()
    assert "CMYK" in (notes(photo, tmp_path / f"out{suffix}") or "")
    through(path, tmp_path / f"out{suffix}")
    back = read_photo(tmp_path / f"out{suffix}")
    assert back.profile is None and back.source and back.source.converted is None


def test_print_with_a_profile_of_something_else_is_converted_by_rule(tmp_path: Path) -> None:
    red = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    red.save(tmp_path / "x.tif", icc_profile=grey_profile(2.2))
    assert read_photo(tmp_path / "x.tif").pixels[5, 5].tolist() == [255, 0, 0]


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("kind", ["tables", "grey"])
def test_what_profiles_say_of_light(tmp_path: Path, kind: str, linear: bool) -> None:
    """Linear numbers are shown to the model as a screen shows them, others as they are."""
    profile = table_profile(linear=linear) if kind == "tables" else grey_profile(1 if linear else 2)
    values = np.dstack([STEPS] * 3) if kind == "tables" else STEPS
    Image.fromarray(values).save(tmp_path / "in.tif", icc_profile=profile)
    photo = through(tmp_path / "in.tif", tmp_path / "out.tif")
    assert (photo.transfer is not None) == linear
    seen = photo.to_u8()[STEPS == 55][0, 0]
    assert seen == (pytest.approx(128, abs=2) if linear else 55)
    back = read_photo(tmp_path / "out.tif")
    assert back.profile == profile and back.grey == (kind == "grey")
    same = outside(photo)
    assert np.array_equal(back.pixels[same], photo.pixels[same])


@needs_vips
@pytest.mark.parametrize("gamma", [1.8, 2.2])
def test_grey_among_colours_is_converted(tmp_path: Path, gamma: float) -> None:
    """WebP has no grey; PNG and TIFF keep grey and its profile."""
    Image.fromarray(STEPS).save(tmp_path / "in.tif", icc_profile=grey_profile(gamma))
    photo = read_photo(tmp_path / "in.tif")
    for suffix in (".webp", ".png", ".tif"):
        write_photo(photo, tmp_path / f"out{suffix}")
        back = read_photo(tmp_path / f"out{suffix}")
        assert back.grey == (suffix != ".webp")
        assert space_of(back.profile) == ("" if suffix == ".webp" else "GRAY")
    seen = read_photo(tmp_path / "out.webp").pixels.astype(int)
    assert np.abs(seen - by_vips(tmp_path / "in.tif", tmp_path)).max() <= 2


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
def test_grey_with_a_profile_of_colours_becomes_colours(tmp_path: Path, suffix: str) -> None:
    """As it is meant in; in its own kind of file it stays as it was."""
    Image.fromarray(STEPS).save(tmp_path / "in.png", icc_profile=table_profile(linear=False))
    photo = read_photo(tmp_path / "in.png")
    write_photo(photo, tmp_path / f"out{suffix}")
    back = read_photo(tmp_path / f"out{suffix}")
    assert back.profile == photo.profile and back.grey == (suffix == ".png")
    assert np.abs(back.pixels.astype(int) - photo.pixels).max() <= (2 if suffix == ".jpg" else 0)
