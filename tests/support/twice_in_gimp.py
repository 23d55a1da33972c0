"""Runs in a GIMP with windows: EditGAN is chosen twice on one image, then on another. See
test_place.py."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gi.repository import Gimp
from gimp_helpers import PORTRAIT, load
from gimp_windows import choose, close_all, corners, is_open, until, wait_for

from protocol import paths

GIMPS_OWN, TITLE, MARK = ".*GIMP", "EditGAN: .*", "editgan-window"


def story() -> dict[str, Any]:
    first = opened(Path(os.environ["EDITGAN_TEST_IMAGE"]))
    choose_it()
    wait_for(TITLE)
    until(lambda: first.get_parasite(MARK), "the mark of the window")
    quiet = written()
    choose_it()
    until(lambda: written() != quiet, "the window is called")
    until(lambda: not any(paths.run_dir().glob("window-*.call")), "the window hears it")
    again = len(corners(TITLE))
    second = opened(PORTRAIT)
    choose_it()
    until(lambda: len(corners(TITLE)) == 2, "a window of its own")
    until(lambda: second.get_parasite(MARK), "the mark of that window")
    beside = corners(TITLE)
    until(lambda: close_all(TITLE), "both close")
    until(lambda: not any(image.get_parasite(MARK) for image in (first, second)), "no mark stays")
    return {"again": again, "beside": beside, "message": is_open("GIMP Message")}


def opened(file: Path) -> Gimp.Image:
    image = load(file)
    Gimp.Display.new(image).present()
    Gimp.displays_flush()
    return image


def choose_it() -> None:
    wait_for(GIMPS_OWN)
    choose("EditGAN...")


def written() -> int:
    """When a file came or went where windows call one another."""
    return paths.run_dir().stat().st_mtime_ns
