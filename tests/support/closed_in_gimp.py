"""Runs in a GIMP with windows: an image is closed while a window about it is open. See
test_moments.py."""

from __future__ import annotations

import os
import time
from pathlib import Path

from gi.repository import Gimp
from gimp_helpers import idle, load
from gimp_windows import choose, is_open, press, until, wait_for

from protocol.client import Connection

GIMPS_OWN, MESSAGE = ".*GIMP", "GIMP Message"
WINDOWS = {"EditGAN...": "EditGAN: .*", "Edit Library": "Edit Library"}  # by command


def story() -> dict[str, dict[str, bool]]:
    return {command: closed(command, title) for command, title in WINDOWS.items()}


def closed(command: str, title: str) -> dict[str, bool]:
    image = load(Path(os.environ["EDITGAN_TEST_IMAGE"]))
    Gimp.Display.new(image)
    Gimp.displays_flush()
    image.clean_all()  # else GIMP asks whether to save
    wait_for(GIMPS_OWN)
    choose(command)
    wait_for(title)
    wait_for_pictures()  # GIMP kills a plug-in that reads pixels of a closed image
    wait_for(GIMPS_OWN)
    press("ctrl+w")
    until(lambda: not image.is_valid(), "the image goes")
    until(lambda: not any(map(is_the_window, Path("/proc").glob("[0-9]*"))), "the plug-in ends")
    until(lambda: not is_open(title), "the window goes with it")
    Gimp.get_images()  # GIMP has heard all that the plug-in said
    return {"open": image.is_valid(), "message": is_open(MESSAGE)}


def wait_for_pictures() -> None:
    """Until the window has asked for something, and that is done."""
    with Connection.open() as backend:
        for _ in range(100):
            if backend.status().running:
                break
            time.sleep(0.1)
        until(lambda: idle(backend), "the pictures in the window")


def is_the_window(process: Path) -> bool:
    """Whether a plug-in of ours runs in it; the story's own one is GIMP's Python."""
    try:
        return b"editgan/editgan.py" in (process / "cmdline").read_bytes()
    except OSError:  # it has ended
        return False
