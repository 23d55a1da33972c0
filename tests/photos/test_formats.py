"""A picture is a picture: nothing else is opened, whatever a file is called."""

from __future__ import annotations

import ast
import io
import os
import stat
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import EpsImagePlugin, Image

from backend.bundles.preview import preview
from backend.errors import BadImage
from backend.photos import formats
from backend.photos.files import read_photo
from backend.photos.folder import find_images, read_rgb
from backend.photos.formats import READABLE, SUFFIXES, open_picture
from backend.photos.label_file import LabelMeaning, read_labels, read_note
from backend.photos.reading import _beside_heic
from backend.photos.writing import KINDS
from backend.training.labelled import read_label_map
from edit_library.errors import BadEdit
from edit_library.storage import check_thumbnail

PROJECT = Path(__file__).resolve().parents[2]
# The whole product with its tools; tests make pictures to look at and may open them as they like.
SOURCES = ("backend", "edit_library", "gimp_plugin", "protocol", "installer", "benchmarks", "docs")
POSTSCRIPT = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 64 64
(canary) (w) file closefile
showpage
%%EOF
"""


@pytest.fixture
def ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `gs` on the path that leaves this file behind when somebody starts it."""
    trace, folder = tmp_path / "gs was started", tmp_path / "bin"
    folder.mkdir()
    program = folder / "gs"
    program.write_text(f"#!{sys.executable}\nopen({str(trace)!r}, 'w').close()\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)  # found once, then remembered
    return trace


def quietly(read: Callable[[], object]) -> None:
    with pytest.raises((BadImage, BadEdit)):
        read()


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.tif", "x.eps", "x.webp", "N_parts.png"])
def test_postscript_is_never_run(tmp_path: Path, ghostscript: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(POSTSCRIPT)
    with Image.open(path) as image, pytest.raises(OSError):
        image.load()  # the stand-in makes no picture, but it is what Pillow starts
    assert ghostscript.exists(), "the stand-in for Ghostscript is out of reach: the test is void"
    ghostscript.unlink()
    quietly(lambda: read_photo(path))
    quietly(lambda: read_rgb(path))
    quietly(lambda: read_note(path))
    quietly(lambda: read_labels(path, LabelMeaning("x", []), (64, 64)))
    quietly(lambda: read_label_map(path, 3))
    quietly(lambda: check_thumbnail(POSTSCRIPT))
    assert not ghostscript.exists()


def test_postscript_in_a_bundle_is_never_run(tmp_path: Path, ghostscript: Path) -> None:
    (tmp_path / "samples.jpg").write_bytes(POSTSCRIPT)
    (tmp_path / "preview.webp").write_bytes(POSTSCRIPT)
    assert preview(tmp_path, 64) is None
    (tmp_path / "preview.webp").unlink()
    assert preview(tmp_path, 64) is None
    assert not ghostscript.exists()


def calls(name: str, attribute: str) -> Iterator[tuple[str, ast.Call]]:
    """Where the product's source calls `name.attribute(...)`, by the file's place."""
    for source in SOURCES:
        for file in sorted((PROJECT / source).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr == attribute
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id == name
                ):
                    yield file.relative_to(PROJECT).as_posix(), node


def test_pictures_are_opened_in_one_place() -> None:
    """The edit library stands apart from the backend; its thumbnails are WebP and nothing else."""
    found = list(calls("Image", "open"))
    assert [place for place, _ in found] == [
        "backend/photos/formats.py",
        "edit_library/storage.py",
    ]
    for place, call in found:
        assert any(word.arg == "formats" for word in call.keywords), place


def test_formats_are_pillows_own_names() -> None:
    Image.init()
    assert set(READABLE) <= set(Image.OPEN)
    assert "EPS" not in READABLE


def test_all_endings_of_these_formats_are_known() -> None:
    """Of floating-point maps alone, which are no photos, none is."""
    Image.init()
    known = {ending for ending, kind in Image.registered_extensions().items() if kind in READABLE}
    assert known - {".pfm"} <= SUFFIXES
    assert set(KINDS) <= SUFFIXES and {KINDS[e] for e in KINDS} <= set(READABLE)


def test_a_format_that_is_not_asked_for_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
    with open_picture(tmp_path / "x.png", ("PNG",)) as image:
        assert image.size == (8, 8)
    with pytest.raises(OSError, match="cannot identify"):
        open_picture(tmp_path / "x.png", ("JPEG",))


def test_all_commands_find_the_same_formats(tmp_path: Path) -> None:
    """What `apply` reads of a folder's pictures, `learn` and `train` find in it."""
    made = {
        "a.avif": "AVIF", "b.jp2": "JPEG2000", "c.gif": "GIF", "d.PNG": "PNG", "e.jpg": "JPEG",
        "f.tiff": "TIFF", "g.webp": "WEBP", "h.bmp": "BMP", "i.ppm": "PPM",
    }  # fmt: skip
    for name, kind in made.items():
        Image.new("RGB", (32, 24), (200, 100, 50)).save(tmp_path / name, kind)
    (tmp_path / "notes.txt").write_text("no picture")
    found = find_images([tmp_path])
    assert [p.name for p in found] == sorted(made)
    for path in found:
        assert read_photo(path).pixels.shape == (24, 32, 3)
        assert abs(int(read_rgb(path)[10, 10, 0]) - 200) < 8


def test_phones_jpegs_with_several_pictures_are_read(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (32, 24), color) for color in ("red", "blue")]
    pictures[0].save(tmp_path / "x.jpg", "MPO", save_all=True, append_images=pictures[1:])
    assert read_photo(tmp_path / "x.jpg").pixels[0, 0].tolist() == [254, 0, 0]


def heic(path: Path, bits: int, **codes: int) -> NDArray[Any]:
    """Write a HEIC picture, a ramp from 0 to 1; skips where nothing here can make one.

    codes: color_primaries and transfer_characteristics.
    """
    pillow_heif = pytest.importorskip(
        "pillow_heif", reason="pillow-heif, which reads HEIC, is missing"
    )
    top = 2**bits - 1
    ramp = np.tile(np.linspace(0, top, 64).round().astype(np.uint16)[:, None], (64, 1, 3))
    values = (ramp << (16 - bits)) if bits > 8 else ramp.astype(np.uint8)
    mode = "RGB;16" if bits > 8 else "RGB"
    try:
        file = pillow_heif.from_bytes(mode=mode, size=(64, 64), data=values.tobytes())
        file.save(path, quality=-1, chroma=444, **codes)
    except (RuntimeError, OSError, ValueError) as error:
        pytest.skip(f"this pillow-heif cannot write HEIC: {error}")
    return ramp / top


@pytest.mark.parametrize("bits", [8, 10])
def test_heic_is_read_in_its_depth(tmp_path: Path, bits: int) -> None:
    values = heic(tmp_path / "x.heic", bits)
    photo = read_photo(tmp_path / "x.heic")
    assert photo.depth == (8 if bits == 8 else 16)
    white = 255 if bits == 8 else 65535
    assert np.abs(photo.pixels / white - values).max() < 0.03


def test_heic_says_what_its_numbers_mean(tmp_path: Path) -> None:
    """By codes, where there is no profile: those of HDR and of a wide screen."""
    pillow_heif = pytest.importorskip("pillow_heif", reason="pillow-heif is missing")

    for primaries, code, kind in ((9, 16, "pq"), (9, 18, "hlg"), (12, 13, None)):
        heic(tmp_path / "x.heic", 10, color_primaries=primaries, transfer_characteristics=code)
        assert pillow_heif.open_heif(tmp_path / "x.heic").info["nclx_profile"]
        photo = read_photo(tmp_path / "x.heic")
        assert (photo.transfer.kind if photo.transfer else None) == kind
        assert (photo.profile is None) == (kind is not None)


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({"aux": {"urn:com:apple:photo:2020:aux:hdrgainmap": [51]}}, ("a gain map",)),
        ({"depth_images": [1], "aux": {"urn:matte": [2]}}, ("a depth map", "auxiliary pictures")),
        ({"aux": {}, "depth_images": []}, ()),
    ],
)
def test_what_heic_shows_beside_its_picture_is_named(
    info: dict[str, Any], words: tuple[str, ...]
) -> None:
    assert _beside_heic(info) == words


@pytest.mark.parametrize("brands", [b"heic\0\0\0\0mif1heic", b"mif1\0\0\0\0mif1heic"])
def test_heic_without_the_plug_in_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, brands: bytes
) -> None:
    (tmp_path / "x.heic").write_bytes(b"\0\0\0\x18ftyp" + brands + bytes(64))
    monkeypatch.setattr(formats, "heif_is_there", lambda: False)
    with pytest.raises(BadImage, match="pip install pillow-heif"):
        read_photo(tmp_path / "x.heic")


def test_an_avif_that_is_too_large_is_called_so(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "x.avif")
    data = (tmp_path / "x.avif").read_bytes()
    size = b"ispe\0\0\0\0" + struct.pack(">II", 64, 48)
    assert size in data
    large = data.replace(size, size[:8] + struct.pack(">II", 17000, 17000))
    (tmp_path / "x.avif").write_bytes(large)
    with pytest.raises(BadImage, match="too large; scale it below 170 megapixels"):
        read_photo(tmp_path / "x.avif")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "JPEG2000", "TIFF"])
def test_a_picture_that_is_cut_short_is_called_so(tmp_path: Path, kind: str) -> None:
    """Wherever it is: it is not of an unknown format."""
    values = np.random.default_rng(1).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    Image.fromarray(values).save(tmp_path / "whole", kind)
    data = (tmp_path / "whole").read_bytes()
    for end in (16, 24, 60, len(data) // 2):
        (tmp_path / "x.jpg").write_bytes(data[:end])
        with pytest.raises(BadImage, match=r"^x\.jpg is damaged or cut short"):
            read_photo(tmp_path / "x.jpg")


def test_a_kind_that_pillow_does_not_know_is_no_damage(tmp_path: Path) -> None:
    """A BMP whose channels have bits of their own."""
    Image.new("RGB", (64, 48)).save(tmp_path / "x.bmp")
    data = bytearray((tmp_path / "x.bmp").read_bytes())
    struct.pack_into("<I", data, 30, 3)  # compression: by masks
    struct.pack_into("<III", data, 54, 0xF00, 0xF0, 0xF)
    (tmp_path / "x.bmp").write_bytes(data)
    with pytest.raises(BadImage, match="of a rare kind that cannot be read; convert it"):
        read_photo(tmp_path / "x.bmp")


def test_the_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with io.BytesIO() as buffer:
        Image.new("RGB", (32, 24), "red").save(buffer, "PNG")
        data = buffer.getvalue()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert read_photo(Path("-")).pixels.shape == (24, 32, 3)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data[:60])))
    with pytest.raises(BadImage, match=r"^The standard input is damaged"):
        read_photo(Path("-"))


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="pipes have places on Unix only")
@pytest.mark.parametrize("data", [b"", b"%!PS-Adobe", b"\x89PNG\r\n\x1a\n"])
def test_a_pipe_is_called_by_its_place(data: bytes) -> None:
    """As a shell's <(...) gives it, which has no other name."""
    end, start = os.pipe()
    os.write(start, data)
    os.close(start)
    with pytest.raises(BadImage, match=f"^/dev/fd/{end} is "):
        read_photo(Path(f"/dev/fd/{end}"))
    os.close(end)
