"""A picture is a picture: nothing else is opened, whatever a file is called."""

from __future__ import annotations

import ast
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import EpsImagePlugin, Image

from backend.bundles.preview import preview
from backend.errors import BadImage
from backend.photos.files import read_photo
from backend.photos.folder import read_rgb
from backend.photos.formats import READABLE, open_picture
from backend.photos.label_file import LabelMeaning, read_about, read_labels
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
    quietly(lambda: read_about(path))
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


def test_a_format_that_is_not_asked_for_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
    with open_picture(tmp_path / "x.png", ("PNG",)) as image:
        assert image.size == (8, 8)
    with pytest.raises(OSError, match="cannot identify"):
        open_picture(tmp_path / "x.png", ("JPEG",))
