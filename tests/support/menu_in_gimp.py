"""Runs in a GIMP with windows: somebody looks for EditGAN in the menu. See test_dialogs.py."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gi.repository import Gimp, GLib
from gimp_helpers import load
from gimp_windows import finish, is_open, press, screenshot, until, wait_for

PICTURES = os.environ.get("EDITGAN_TEST_PICTURES")
WINDOW = "EditGAN: .*"


def story() -> dict[str, Any]:
    """Whether the first command of Filters > EditGAN is the window."""
    image = load(Path(os.environ["EDITGAN_TEST_IMAGE"]))
    Gimp.Display.new(image)
    Gimp.displays_flush()
    wait_for(".*GIMP")
    press("alt+r", "End", "Right")  # the plug-ins' own menus are the last ones there
    if PICTURES:
        screenshot(Path(PICTURES) / "menu.png")
    press("Return")
    until(lambda: is_open(WINDOW), "the window")
    finish(WINDOW, "Escape")
    return {"first": "window"}


def order(names: list[str]) -> list[str]:
    """Procedures as GIMP sorts them: by menu path and label."""

    def key(name: str) -> str:
        procedure = Gimp.get_pdb().lookup_procedure(name)
        (path,) = procedure.get_menu_paths()
        return GLib.utf8_collate_key(f"{path}/{procedure.get_menu_label()}".replace("_", ""), -1)

    return sorted(names, key=key)
