"""Runs in a GIMP with windows: bad moments that only somebody at its windows can bring about.

Started by test_moments.py. A procedure's caller holds its image, so the moments in which an image
is closed begin as users begin them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gi.repository import Gimp
from gimp_helpers import REPAINT, grow, load, parts_by_size
from gimp_windows import choose, finish, is_open, press, until, user, wait_for

from protocol.client import Connection

LONG = 1000  # steps
ASK = Gimp.RunMode.INTERACTIVE
GIMPS_OWN = ".*GIMP"  # the title of its main window
Told = dict[str, Any]


def story() -> Told:
    return {
        "part deleted in live repaint": part_deleted(),
        "undo in a repaint": undo_in_a_repaint(),
        "closed in a repaint": closed_in_a_repaint(),
        "closed in live repaint": closed_in_live_repaint(),
    }


def part_deleted() -> Told:
    image = opened()
    before = names(image)
    layer = parts_by_size(image)[0]
    name = layer.get_name()
    wait_for(GIMPS_OWN)
    choose("Live Repaint")
    wait_for("Live Repaint")
    image.remove_layer(layer)
    running("LiveRepaint")
    finish("Live Repaint", "alt+k")
    until(lambda: len(names(image)) > len(before), "the result")
    kept = json.loads(bytes(image.get_layers()[1].get_parasite("editgan-result").get_data()))
    return {"deleted": name, "edited": kept["record"]["parts"], "layers": len(names(image))}


def undo_in_a_repaint() -> Told:
    image = opened()
    group = image.get_layers()[0]
    group.set_name("Renamed last")  # what the undo takes back
    Gimp.displays_flush()  # else GIMP's menu does not know yet that there is something to undo
    before = names(image)
    grow(parts_by_size(image)[0])  # in the layer's buffer: no undo step

    def act() -> None:
        finish("Apply Repaint", "alt+a")
        wait_for("Applying the repaint")
        running("Repaint")
        in_gimp("ctrl+z")
        finish("Applying the repaint", "alt+k")

    told = run_while(act, REPAINT, image, run_mode=ASK, steps=LONG)
    return {**told, "before": before, "layers": names(image)}


def closed_in_a_repaint() -> Told:
    image = opened()
    grow(parts_by_size(image)[0])
    image.clean_all()  # else GIMP asks whether to save
    wait_for(GIMPS_OWN)
    choose("Apply Repaint")
    finish("Apply Repaint", "alt+a")
    wait_for("Applying the repaint")
    running("Repaint")
    in_gimp("ctrl+w")
    until(lambda: not image.is_valid(), "the image goes")
    finish("Applying the repaint", "alt+k")
    until(lambda: is_open("GIMP Message"), "a message")
    finish("GIMP Message", "Escape")
    return {"open": image.is_valid()}


def closed_in_live_repaint() -> Told:
    image = opened()
    grow(parts_by_size(image)[0])
    image.clean_all()
    wait_for(GIMPS_OWN)
    choose("Live Repaint")
    wait_for("Live Repaint")
    running("LiveRepaint")
    in_gimp("ctrl+w")
    until(lambda: not image.is_valid(), "the image goes")
    until(lambda: not is_open("Live Repaint"), "the window goes with it")
    return {"open": image.is_valid()}


def opened() -> Gimp.Image:
    image = load(Path(os.environ["EDITGAN_TEST_IMAGE"]))
    Gimp.Display.new(image)
    Gimp.displays_flush()
    return image


def running(kind: str) -> None:
    """Wait until the backend works on a job of that kind."""
    with Connection.open() as backend:
        until(lambda: backend.status().running == kind, f"{kind} runs")


def in_gimp(key: str) -> None:
    """Press a key in GIMP's own window."""
    wait_for(GIMPS_OWN)
    press(key)


def run_while(act: Callable[[], None], name: str, image: Gimp.Image, **arguments: Any) -> Told:
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    for key, value in {"image": image, **arguments}.items():
        config.set_property(key.replace("_", "-"), value)
    with user(act):
        values = procedure.run(config)
    status = values.index(0)
    report = values.index(1) if status == Gimp.PDBStatusType.SUCCESS else ""
    said = Gimp.get_pdb().get_last_error()
    return {"status": int(status), "report": report, "said": said}


def names(image: Gimp.Image) -> list[str]:
    return [layer.get_name() for layer in image.get_layers()]
