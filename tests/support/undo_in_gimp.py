"""Runs in a GIMP with windows: each command is undone with one Ctrl+Z. Started by test_undo.py."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gi.repository import Gimp
from gimp_helpers import REPAINT, SEGMENT, grow, load, part_group, parts_by_size
from gimp_windows import PATIENCE, focus, press

State = dict[str, Any]


def main() -> None:
    """Write what the image was like after each step to EDITGAN_TEST_ANSWER, and end GIMP."""
    answer: State = {}
    try:
        answer = story()
    except Exception as error:
        answer = {"error": repr(error)}
    finally:
        Path(os.environ["EDITGAN_TEST_ANSWER"]).write_text(json.dumps(answer), encoding="utf-8")
        run("gimp-quit", force=True)


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
    focus("GIMP$")
    press(key)
    wait_until(lambda: look(image) != before)
    time.sleep(0.5)
    return look(image)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)


def run(name: str, **arguments: object) -> None:
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    for key, value in arguments.items():
        config.set_property(key, value)
    values = procedure.run(config)
    if values.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise RuntimeError(f"{name}: {Gimp.get_pdb().get_last_error()}")
