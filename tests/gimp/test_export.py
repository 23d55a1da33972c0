"""What edited photos say in files, exported by GIMP's dialogs: see support/export_in_gimp.py."""

import os
from collections.abc import Callable
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import APPLY, PORTRAIT, STATUS, load, succeeded
from gimp_story import run_story

Call = Callable[..., Gimp.ValueArray]

DECLARATION = b"digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
JPEG = "GimpProcedureConfigRun-file-jpeg-export"


@pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")
def test_the_dialogs_first_values_write_the_note(call: Call, tmp_path: Path) -> None:
    succeeded(call(STATUS))  # the backend runs
    told = run_story("export_in_gimp", tmp_path)
    assert {suffix: DECLARATION in Path(told[suffix]).read_bytes() for suffix in told} == {
        "jpg": True,
        "png": True,
        "webp": True,
        "tif": True,
    }


@pytest.fixture
def last_jpeg() -> None:
    """The user's last JPEG export: a quality of his own, and no XMP; forgotten after the test."""
    folder = Path(Gimp.directory(), "plug-in-settings")
    folder.mkdir(exist_ok=True)
    (folder / f"{JPEG}.last").write_text("(quality 0.63)\n(include-xmp no)\n", encoding="utf-8")


def test_everything_else_is_as_the_user_exported_last(call: Call, last_jpeg: None) -> None:
    image = load(PORTRAIT)
    succeeded(call(APPLY, image, None, edit="smile"))
    assert remembered(image) == "(quality 0.63)\n(include-xmp yes)\n"


def test_what_was_unticked_after_the_edit_stays_so(call: Call) -> None:
    image = load(PORTRAIT)
    succeeded(call(APPLY, image, None, edit="smile"))
    flags = Gimp.PARASITE_PERSISTENT
    image.attach_parasite(Gimp.Parasite.new(f"{JPEG}-last", flags, b"(include-xmp no)\n\0"))
    succeeded(call(APPLY, image, None, edit="smile", scale=0.5))
    assert remembered(image) == "(include-xmp no)\n"


def remembered(image: Gimp.Image) -> str:
    """What GIMP's dialog for JPEG begins with."""
    return bytes(image.get_parasite(f"{JPEG}-last").get_data()).rstrip(b"\0").decode()
