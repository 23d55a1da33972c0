"""The half of make_screenshots.py that runs inside GIMP: opens the portrait and shows its parts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

from gi.repository import Gimp, Gio

_SHOOT = """
import sys, gi
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk
root = Gdk.get_default_root_window()
Gdk.pixbuf_get_from_window(root, 0, 0, root.get_width(), root.get_height()).savev(
    sys.argv[1], "png", [], [])
"""


FACE = (400, 300, 30, 0)  # what of the portrait is shown: width, height, left, top


def main(folder: str) -> None:
    """Write gimp-parts.png into `folder`, and end GIMP."""
    try:
        image = _open(os.environ["EDITGAN_PORTRAIT"])
        _segment(image)
        _arrange()
        _shoot(Path(folder) / "gimp-parts.png")
    except Exception:
        traceback.print_exc()  # GIMP would keep it to itself
    finally:
        quit_gimp = Gimp.get_pdb().lookup_procedure("gimp-quit")
        config = quit_gimp.create_config()
        config.set_property("force", True)
        quit_gimp.run(config)


def _open(photo: str) -> Gimp.Image:
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(photo))
    image.crop(*FACE)
    Gimp.Display.new(image)
    Gimp.displays_flush()
    return image


def _segment(image: Gimp.Image) -> None:
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-editgan-segment")
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_layers())
    values = procedure.run(config)
    if values.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise RuntimeError(Gimp.get_pdb().get_last_error())
    image.get_layers()[0].set_expanded(True)
    Gimp.displays_flush()


def _arrange() -> None:
    """One large window, the whole photo in it."""
    deadline = time.monotonic() + 60
    window = ""
    while not window and time.monotonic() < deadline:
        window = _xdotool("search", "--onlyvisible", "--name", "GIMP$").split("\n")[0]
        time.sleep(0.2)
    _xdotool("windowmove", window, "0", "0")
    _xdotool("windowsize", window, "100%", "100%")
    _xdotool("windowactivate", "--sync", window)
    time.sleep(2)
    _drag((1205, 475), (1060, 475))  # the dock with the layers wider
    _drag((1250, 514), (1250, 330))  # and higher
    _xdotool("windowfocus", window)
    _xdotool("key", "ctrl+shift+j")  # View > Zoom > Fit Image in Window
    time.sleep(3)
    _xdotool("mousemove", "1300", "800", "click", "--repeat", "9", "4")  # scroll to the group
    _xdotool("mousemove", "1100", "5")
    time.sleep(1)


def _drag(start: tuple[int, int], end: tuple[int, int]) -> None:
    _xdotool("mousemove", *map(str, start), "mousedown", "1")
    _xdotool("mousemove", *map(str, end))
    time.sleep(0.3)
    _xdotool("mouseup", "1")
    time.sleep(0.5)


def _shoot(picture: Path) -> None:
    subprocess.run([sys.executable, "-c", _SHOOT, str(picture)], check=True, timeout=60)


def _xdotool(*words: str) -> str:
    return subprocess.run(
        ["xdotool", *words], capture_output=True, text=True, timeout=30, check=False
    ).stdout
