"""Runs in a GIMP with windows: somebody paints while Live Repaint is open. See test_live.py."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from gi.repository import Gimp
from gimp_helpers import LIVE, bounds, load, offsets, part_group, parts_by_size
from gimp_story import run
from gimp_windows import drag, finish, move, press, screenshot, until, user, wait_for

from protocol.client import Connection

PICTURES = os.environ.get("EDITGAN_TEST_PICTURES")
CANVAS = 200  # image pixels
REACH = 60  # screen pixels: how far from the middle a stroke goes


def story() -> dict[str, Any]:
    image = load(Path(os.environ["EDITGAN_TEST_IMAGE"]))
    layer = parts_by_size(image)[0]
    put_in_the_middle(layer, image)
    Gimp.Display.new(image)
    image.set_selected_layers([layer])
    part_group(image).set_visible(False)  # as the last result left it
    Gimp.displays_flush()
    before = look(image)
    with user(paint_and_keep):
        values = run(LIVE, image=image, run_mode=Gimp.RunMode.INTERACTIVE)
    kept = look(image)
    wait_for(".*GIMP")
    press("ctrl+z")
    until(lambda: look(image) != kept, "the undo")
    return {
        "report": json.loads(values.index(1)),
        "painted": layer.get_name(),
        "before keep": before,
        "undone": look(image),
    }


def put_in_the_middle(layer: Gimp.Layer, image: Gimp.Image) -> None:
    """A smaller canvas around what the layer shows."""
    (left, top), (x, y, width, height) = offsets(layer), bounds(layer)
    middle = left + x + width // 2, top + y + height // 2
    image.resize(CANVAS, CANVAS, *(CANVAS // 2 - at for at in middle))


def look(image: Gimp.Image) -> list[Any]:
    return [[layer.get_name(), layer.get_visible()] for layer in image.get_layers()]


def paint_and_keep() -> None:
    """The photographer: strokes with a brush, looks, and keeps. Makes no call to GIMP."""
    wait_for("Live Repaint")
    move(850, 0)
    wait_for(".*GIMP")
    press("p", "Tab", "ctrl+shift+j")  # the paintbrush; no docks; the image fills the window
    if PICTURES:
        screenshot(Path(PICTURES) / "live-canvas.png")
    drag((-REACH, -20), (REACH, -20))
    with Connection.open() as backend:
        until(lambda: backend.status().running == "LiveRepaint", "the face follows the brush")
        drag((REACH, 20), (-REACH, 20))
        if PICTURES:
            screenshot(Path(PICTURES) / "live-brush.png")
    finish("Live Repaint", "alt+k")
