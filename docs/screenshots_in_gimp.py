"""The half of make_screenshots.py that runs inside GIMP: a repaint, and the edit library."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
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
    """Write the pictures into `folder`, and end GIMP."""
    try:
        _story(Path(folder))
    except Exception:
        traceback.print_exc()  # GIMP would keep it to itself
    finally:
        _run("gimp-quit", force=True)


def _story(folder: Path) -> None:
    image = _open(os.environ["EDITGAN_PORTRAIT"])
    _run("plug-in-editgan-segment", image)
    image.get_layers()[0].set_expanded(True)
    Gimp.displays_flush()
    _arrange()
    _shoot(folder / "gimp-parts.png")
    (mouth,) = (p for p in image.get_layers()[0].get_children() if p.get_name() == "mouth")
    mouth.scale(round(mouth.get_width() * 1.3), round(mouth.get_height() * 1.9), True)
    _run("plug-in-editgan-repaint", image)
    time.sleep(2)
    _shoot(folder / "gimp-result.png")
    user = threading.Thread(target=_look_at_dialog, args=(folder / "gimp-apply-edit.png",))
    user.start()
    _run("plug-in-editgan-apply", image, mode=Gimp.RunMode.INTERACTIVE)
    user.join()


def _look_at_dialog(picture: Path) -> None:
    """Somebody who opens the dialog, takes its picture and leaves; makes no call to GIMP."""
    window = _window("^Apply Edit$")
    time.sleep(4)  # until the thumbnails are there
    _shoot(picture)
    _xdotool("windowactivate", "--sync", window)
    _xdotool("key", "Escape")


def _open(photo: str) -> Gimp.Image:
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(photo))
    image.crop(*FACE)
    Gimp.Display.new(image)
    Gimp.displays_flush()
    return image


def _run(
    name: str,
    image: Gimp.Image | None = None,
    mode: Gimp.RunMode = Gimp.RunMode.NONINTERACTIVE,
    **arguments: object,
) -> None:
    """Call a procedure. Raises RuntimeError with its sentence unless it worked or was cancelled."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    if image is not None:
        config.set_property("run-mode", mode)
        config.set_property("image", image)
        config.set_core_object_array("drawables", image.get_layers()[-1:])
    for key, value in arguments.items():
        config.set_property(key, value)
    status = procedure.run(config).index(0)
    if status not in (Gimp.PDBStatusType.SUCCESS, Gimp.PDBStatusType.CANCEL):
        raise RuntimeError(f"{name}: {Gimp.get_pdb().get_last_error()}")
    Gimp.displays_flush()


def _window(title: str) -> str:
    """The window of that title (a regular expression), once it is there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := _xdotool("search", "--onlyvisible", "--name", title).split():
            return found[0]
        time.sleep(0.2)
    raise TimeoutError(title)


def _arrange() -> None:
    """One large window, the whole photo in it."""
    window = _window("GIMP$")
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
