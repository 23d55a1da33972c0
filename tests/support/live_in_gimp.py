"""Runs in a GIMP with windows: somebody paints while Live Repaint is open. See test_live.py."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from gi.repository import Gimp
from gimp_helpers import LIVE, SEGMENT, load, parts_by_size
from gimp_story import run, wait_until
from gimp_windows import focus, press, screenshot, user, wait_for

A_WHILE = 8.0  # seconds, for some previews on a busy machine
PICTURES = os.environ.get("EDITGAN_TEST_PICTURES")


def story() -> dict[str, Any]:
    image = load(Path(os.environ["EDITGAN_TEST_IMAGE"]))
    Gimp.Display.new(image)
    run(SEGMENT, image=image)
    layer = parts_by_size(image)[0]
    image.set_selected_layers([layer])
    Gimp.displays_flush()
    before = look(image)
    with user(paint_and_keep):
        values = run(LIVE, image=image, run_mode=Gimp.RunMode.INTERACTIVE)
    kept = look(image)
    focus("GIMP$")
    press("ctrl+z")
    wait_until(lambda: look(image) != kept)
    time.sleep(0.5)
    return {
        "report": json.loads(values.index(1)),
        "painted": layer.get_name(),
        "before keep": before,
        "undone": look(image),
    }


def look(image: Gimp.Image) -> list[Any]:
    return [[layer.get_name(), layer.get_visible()] for layer in image.get_layers()]


def paint_and_keep() -> None:
    """The photographer: paints with the mouse, looks, and keeps. Makes no call to GIMP."""
    wait_for("Live Repaint")
    time.sleep(A_WHILE)
    focus("GIMP$")
    press("ctrl+comma")  # Edit > Fill with FG Colour: all brushes but the clipboard may be missing
    time.sleep(2 * A_WHILE)
    if PICTURES:
        screenshot(Path(PICTURES) / "live-brush.png")
    wait_for("Live Repaint")
    press("alt+k")
