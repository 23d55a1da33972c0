"""Runs in a GIMP with windows: an edited photo is exported, nothing chosen in GIMP's dialogs.

Started by test_export.py.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gi.repository import Gimp
from gimp_helpers import APPLY, load
from gimp_story import run
from gimp_windows import finish, insist, is_open, press, screenshot, wait_for, write

GIMPS_OWN = ".*GIMP"
KINDS = {"jpg": "JPEG", "png": "PNG", "webp": "WebP", "tif": "TIFF"}
PICTURES = os.environ.get("EDITGAN_TEST_PICTURES")


def story() -> dict[str, Any]:
    """The files that came of it."""
    image = load(Path(os.environ["EDITGAN_TEST_IMAGE"]))
    Gimp.Display.new(image)
    run(APPLY, image=image, edit="smile")
    Gimp.displays_flush()
    folder = Path(os.environ["EDITGAN_TEST_ANSWER"]).parent
    return {suffix: str(export(folder / f"as_{suffix}.{suffix}")) for suffix in KINDS}


def export(file: Path) -> Path:
    wait_for(GIMPS_OWN)
    insist(lambda: is_open("Export Image"), "ctrl+shift+e")
    wait_for("Export Image")
    press("ctrl+a")
    write(str(file))
    press("Return")
    settings = f"Export Image as {KINDS[file.suffix[1:]]}"
    wait_for(settings)
    if PICTURES:
        screenshot(Path(PICTURES) / f"export-{file.suffix[1:]}.png")
    finish(settings, "Return")
    wait_for(rf".*\[{file.stem}\] \(exported\).*GIMP")
    return file
