"""The half of window_times.py that runs inside GIMP: keys are pressed, the screen is watched."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import gimp_windows
from gi.repository import Gimp
from gimp_helpers import SEGMENT, grow, idle, load, parts_by_size
from gimp_story import run
from gimp_windows import choose, finish, move, place, press, until, wait_for, write

from protocol.client import Connection

WINDOW, GIMPS_OWN = "EditGAN: .*", ".*(GIMP|GNU Image Manipulation Program)"
# In the EditGAN window, from its top left corner: x, y, width, height
FACE, FIRST_PRESET = (14, 14, 80, 80), (160, 55, 80, 60)
CANVAS = (300, 250, 300, 300)  # on the screen
COLOURFUL = 200  # different colours: a photo, neither an icon nor an empty frame
_PATIENCE = 300.0
_EYES = """
import sys, gi
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk
root = Gdk.get_default_root_window()
for line in sys.stdin:
    picture = Gdk.pixbuf_get_from_window(root, *map(int, line.split()))
    data, stride = picture.get_pixels(), picture.get_rowstride()
    pixels = {data[y * stride + 3 * x:y * stride + 3 * x + 3]
              for y in range(0, picture.get_height(), 2) for x in range(0, picture.get_width(), 2)}
    print(len(pixels), hash(data), flush=True)
"""
Box = tuple[int, int, int, int]


class Eyes:
    """Looks at boxes of the screen."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _EYES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def see(self, box: Box) -> tuple[int, str]:
        """How many colours there are, and a word that differs where the picture does."""
        assert self._process.stdin and self._process.stdout
        print(*box, file=self._process.stdin, flush=True)
        colours, picture = self._process.stdout.readline().split()
        return int(colours), picture

    def wait(self, seen: Callable[[], object]) -> float:
        """Seconds until the screen shows it."""
        begin = time.monotonic()
        while not seen():
            if time.monotonic() - begin > _PATIENCE:
                raise TimeoutError("The screen does not show it.")
            time.sleep(0.01)
        return time.monotonic() - begin


def story() -> dict[str, float]:
    gimp_windows.PATIENCE = _PATIENCE
    eyes = Eyes()
    warm_up()
    image = load(Path(os.environ["EDITGAN_TEST_IMAGE"]))
    display = Gimp.Display.new(image)
    Gimp.displays_flush()
    wait_for(GIMPS_OWN)
    move(0, 0)
    press("ctrl+shift+j")  # the whole photo in the window
    told = in_the_window(eyes)
    told["layers"] = of_layers(image)
    told["preview"] = of_preview(eyes, image)
    display.delete()
    return told


def warm_up() -> None:
    """The backend runs and has its networks."""
    small = load(Path("assets/portrait.png"))
    run(SEGMENT, image=small)
    small.delete()


def in_the_window(eyes: Eyes) -> dict[str, float]:
    """From the command to the people, to the presets, and from a slider to the canvas."""
    begin = time.monotonic()
    choose("EditGAN...")
    wait_for(WINDOW)
    eyes.wait(lambda: eyes.see(within(FACE))[0] > COLOURFUL)
    people = time.monotonic()
    eyes.wait(lambda: eyes.see(within(FIRST_PRESET))[0] > COLOURFUL)
    presets = time.monotonic()
    with Connection.open() as backend:
        until(lambda: idle(backend), "the other presets")
    press("ctrl+f")
    write("smile")
    press("Return")
    before = eyes.see(CANVAS)[1]
    moved = time.monotonic()
    gimp_windows._xdotool("key", "Right")
    eyes.wait(lambda: eyes.see(CANVAS)[1] != before)
    canvas = time.monotonic() - moved
    wait_for(WINDOW)
    press("Escape", "Escape")
    finish("Keep the Changes.", "alt+d")
    return {"people": people - begin, "presets": presets - people, "canvas": canvas}


def of_layers(image: Gimp.Image) -> float:
    """A second Segment Parts: what the backend knows it answers at once."""
    run(SEGMENT, image=image)
    begin = time.monotonic()
    run(SEGMENT, image=image)
    return time.monotonic() - begin


def of_preview(eyes: Eyes, image: Gimp.Image) -> float:
    """From the dialog's Apply to the picture in the window of progress."""
    grow(parts_by_size(image)[0])
    wait_for(GIMPS_OWN)
    choose("Apply Repaint")
    finish("Apply Repaint", "alt+a")
    begin = time.monotonic()
    wait_for("Applying the repaint")
    middle = (place()[2] // 2 - 60, 60, 120, 120)
    eyes.wait(lambda: eyes.see(within(middle))[0] > COLOURFUL)
    seconds = time.monotonic() - begin
    finish("Applying the repaint", "Escape")
    return seconds


def within(box: Box) -> Box:
    """A box of the window that gets the keys, on the screen."""
    x, y, _width, _height = place()
    return x + box[0], y + box[1], box[2], box[3]
