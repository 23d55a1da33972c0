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
gi.require_version("GdkX11", "3.0")
from gi.repository import Gdk, GdkX11
display = Gdk.Display.get_default()
window = Gdk.get_default_root_window()
if sys.argv[2]:
    window = GdkX11.X11Window.foreign_new_for_display(display, int(sys.argv[2]))
picture = Gdk.pixbuf_get_from_window(window, 0, 0, window.get_width(), window.get_height())
picture.savev(sys.argv[1], "png", [], [])
"""

FACE = (400, 300, 30, 0)  # what of the portrait is shown: width, height, left, top
MOUTH = ("mouth", "lip")  # in the names of the parts that are repainted
STACK = '[{"edit": "smile", "scale": 1.0}, {"edit": "bigger-eyes", "scale": 0.8}]'
LARGER = (1.3, 1.7)  # how much, horizontally and vertically


def main(folder: str) -> None:
    """Write the pictures into `folder`, and end GIMP."""
    try:
        image = _open(os.environ["EDITGAN_PORTRAIT"])
        for picture in (parts, result, segment_window, library_window, status_window):
            picture(image, Path(folder))
    except Exception:
        traceback.print_exc()  # GIMP would keep it to itself
    finally:
        _run("gimp-quit", force=True)


def parts(image: Gimp.Image, folder: Path) -> None:
    """The part layers over the photo."""
    _run("plug-in-editgan-segment", image)
    image.get_layers()[0].set_expanded(True)
    Gimp.displays_flush()
    _arrange()
    _shoot(folder / "gimp-parts.png")


def result(image: Gimp.Image, folder: Path) -> None:
    """A larger mouth, and the layer that came of it."""
    layers = image.get_layers()[0].get_children()
    _enlarge([one for one in layers if any(word in one.get_name() for word in MOUTH)])
    _run("plug-in-editgan-repaint", image)
    time.sleep(2)
    _shoot(folder / "gimp-result.png")


def segment_window(image: Gimp.Image, folder: Path) -> None:
    _window_of("plug-in-editgan-segment", image, "Segment Parts", folder / "gimp-segment.png")


def library_window(image: Gimp.Image, folder: Path) -> None:
    """Over the photo, with its thumbnails and a stack of two."""
    _run("plug-in-editgan-apply", image, edits=STACK)
    picture = folder / "gimp-edit-library.png"
    _window_of("plug-in-editgan-apply", image, "Edit Library", picture, whole=True)


def status_window(_image: Gimp.Image, folder: Path) -> None:
    _window_of("plug-in-editgan-status", None, "EditGAN Backend", folder / "gimp-status.png")


def _enlarge(layers: list[Gimp.Layer]) -> None:
    """Scale all of them around their common middle."""
    corners = [
        (*layer.get_offsets()[1:], layer.get_width(), layer.get_height()) for layer in layers
    ]
    x = (min(left for left, *_ in corners) + max(c[0] + c[2] for c in corners)) / 2
    y = (min(top for _, top, *_ in corners) + max(c[1] + c[3] for c in corners)) / 2
    for layer, (left, top, width, height) in zip(layers, corners, strict=True):
        layer.transform_scale(
            x + (left - x) * LARGER[0],
            y + (top - y) * LARGER[1],
            x + (left + width - x) * LARGER[0],
            y + (top + height - y) * LARGER[1],
        )


def _window_of(
    command: str, image: Gimp.Image | None, title: str, picture: Path, *, whole: bool = False
) -> None:
    """The window that a command opens, whole: with the screen behind it; nothing is done in it."""

    def look() -> None:  # makes no call to GIMP
        window = _window(f"^{title}$")
        time.sleep(4)  # until the thumbnails are there
        _shoot(picture, "" if whole else window)
        _xdotool("windowactivate", "--sync", window)
        _xdotool("key", "Escape")

    user = threading.Thread(target=look)
    user.start()
    _run(command, image, mode=Gimp.RunMode.INTERACTIVE)
    user.join()


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
    if config.find_property("run-mode"):
        config.set_property("run-mode", mode)
    if image is not None:
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


def _shoot(picture: Path, window: str = "") -> None:
    """window: an X id; without it the whole screen."""
    command = [sys.executable, "-c", _SHOOT, str(picture), window]
    subprocess.run(command, check=True, timeout=60)


def _xdotool(*words: str) -> str:
    return subprocess.run(
        ["xdotool", *words], capture_output=True, text=True, timeout=30, check=False
    ).stdout
