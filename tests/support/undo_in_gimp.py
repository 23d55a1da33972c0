"""Runs in a GIMP with windows: each command is undone with one Ctrl+Z. Started by test_undo.py."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from gi.repository import Gimp
from gimp_helpers import REPAINT, SEGMENT, grow, load, part_group, parts_by_size
from gimp_story import run
from gimp_windows import press, until, wait_for

State = dict[str, Any]


def story() -> State:
    image = load(Path(os.environ["EDITGAN_TEST_IMAGE"]))
    Gimp.Display.new(image)
    Gimp.displays_flush()
    told = {"start": look(image)}
    run(SEGMENT, image=image)
    told["segmented"] = look(image)
    told["segment undone"] = after_key("ctrl+z", image)
    told["segment redone"] = after_key("ctrl+y", image)
    grow(parts_by_size(image)[0])
    run(REPAINT, image=image, steps=2)
    told["repainted"] = look(image)
    told["repaint undone"] = after_key("ctrl+z", image)
    return told


def look(image: Gimp.Image) -> State:
    return {
        "layers": [[layer.get_name(), layer.get_visible()] for layer in image.get_layers()],
        "parts": len(part_group(image).get_children()) if len(image.get_layers()) > 1 else 0,
        "declared": "DigitalSourceType"
        in (image.get_metadata() or Gimp.Metadata.new()).serialize(),
        "state": image.get_parasite("editgan-state") is not None,
    }


def after_key(key: str, image: Gimp.Image) -> State:
    """What the image is like once a key press has changed it and nothing more follows."""
    before = look(image)
    wait_for(".*GIMP")
    press(key)
    until(lambda: look(image) != before, key)
    return settled(image)


def settled(image: Gimp.Image) -> State:
    """What it is like once nothing changes any more."""
    seen = [look(image)]
    while seen.count(seen[-1]) < 3:
        time.sleep(0.2)
        seen.append(look(image))
    return seen[-1]
