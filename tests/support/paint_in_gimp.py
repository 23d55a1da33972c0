"""Runs in a GIMP with windows: somebody paints in the EditGAN window. See test_paint.py."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from gi.repository import Gimp
from gimp_helpers import load, part, part_group
from gimp_story import run
from gimp_windows import drag, finish, move, press, screenshot, until, user, wait_for
from live_in_gimp import REACH, put_in_the_middle

from protocol import paths
from protocol.client import Connection

PICTURES = os.environ.get("EDITGAN_TEST_PICTURES")
WINDOW, TITLE = "plug-in-editgan-window", "EditGAN: .*"
PART = "nose"  # is in the middle of the canvas
BACKWARDS = 12  # from the search over the window's last button to some chip


def story() -> dict[str, Any]:
    image = load(Path(os.environ["EDITGAN_TEST_IMAGE"]))
    put_in_the_middle(part(image, PART), image)
    Gimp.Display.new(image)
    Gimp.displays_flush()
    before = [layer.get_name() for layer in image.get_layers()]
    with user(paint_and_keep):
        values = run(WINDOW, image=image, run_mode=Gimp.RunMode.INTERACTIVE)
    result = image.get_layers()[1]
    stack = json.loads(bytes(result.get_parasite("editgan-stack").get_data()))["record"]
    return {
        "report": json.loads(values.index(1)),
        "before": before,
        "after": [layer.get_name() for layer in image.get_layers()],
        "entries": [[e["kind"], e["parts"], e["scale"]] for e in stack["entries"]],
        "parts": [layer.get_name() for layer in part_group(image).get_children()],
    }


def paint_and_keep() -> None:
    """The photographer: a chip, some strokes, Keep. Makes no call to GIMP."""
    looked = said("PreviewEdits ends")  # by other windows, of earlier tests
    wait_for(TITLE)
    until(lambda: said("PreviewEdits ends") > looked + 2, "the edits on this face")
    move(760, 0)
    press("ctrl+f", *["shift+Tab"] * BACKWARDS, "space")
    wait_for(".*GIMP")
    press("p", "Tab", "ctrl+shift+j")  # the paintbrush; no docks; the image fills the window
    drawn = said("Apply ends: done")
    drag((-REACH, -20), (REACH, -20))
    with Connection.open() as backend:
        until(lambda: backend.status().running == "LiveRepaint", "the face follows the brush")
    until(lambda: said("Apply ends: done") > drawn, "the canvas")
    if PICTURES:
        screenshot(Path(PICTURES) / "window-paint.png")
    wait_for(TITLE)
    press("alt+k")
    finish(TITLE, "Escape")


def said(what: str) -> int:
    """How often the backend's log says something."""
    log = paths.logs_dir() / "backend.log"
    return log.read_text(encoding="utf-8").count(what) if log.exists() else 0
