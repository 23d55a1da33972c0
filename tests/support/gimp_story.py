"""Stories that need a GIMP with all its windows: started from a test, told by what they write."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, Gtk
from gimp_helpers import PORTRAIT

Told = dict[str, Any]
PROJECT = Path(__file__).resolve().parents[2]
_START = (
    "import os, sys; sys.dont_write_bytecode = True; "
    "sys.path[:0] = os.environ['EDITGAN_TEST_PATH'].split(':'); "
    "from gimp_story import tell; tell('{module}')"
)


def run_story(module: str, tmp_path: Path, image: Path = PORTRAIT) -> Told:
    """Run `story` of a module in a GIMP of its own, on this display; what it told.

    image: the file that the story opens.
    """
    _close_windows()
    profile, answer = tmp_path / "profile", tmp_path / "answer.json"
    shutil.copytree(os.environ["GIMP3_DIRECTORY"], profile, symlinks=True)
    settings = {
        "GIMP3_DIRECTORY": str(profile),
        "EDITGAN_TEST_ANSWER": str(answer),
        "EDITGAN_TEST_PATH": f"{os.environ['EDITGAN_TEST_PATH']}:{PROJECT}",
        "EDITGAN_TEST_IMAGE": str(image.absolute()),
    }
    start = _START.format(module=module)
    words = ["gimp", "-n", "-f", "--batch-interpreter=python-fu-eval", "-b", start]
    done = subprocess.run(
        words, env={**os.environ, **settings}, capture_output=True, text=True, timeout=500
    )
    assert answer.exists(), done.stderr[-3000:]
    told: Told = json.loads(answer.read_text(encoding="utf-8"))
    assert "error" not in told, told
    return told


def _close_windows() -> None:
    """Those that earlier tests have left on this display: the story would take them for its own."""
    for window in Gtk.Window.list_toplevels():
        if window.get_visible():
            window.destroy()
    while Gtk.events_pending():
        Gtk.main_iteration()


def tell(module: str) -> None:
    """Inside that GIMP: write what the story tells to EDITGAN_TEST_ANSWER, and end GIMP."""
    answer: Told = {}
    try:
        answer = importlib.import_module(module).story()
    except Exception as error:
        answer = {"error": repr(error)}
    finally:
        Path(os.environ["EDITGAN_TEST_ANSWER"]).write_text(json.dumps(answer), encoding="utf-8")
        run("gimp-quit", force=True)


def run(name: str, **arguments: object) -> Gimp.ValueArray:
    """Call a procedure that must work."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    for key, value in arguments.items():
        config.set_property(key.replace("_", "-"), value)
    values = procedure.run(config)
    if values.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise RuntimeError(f"{name}: {Gimp.get_pdb().get_last_error()}")
    return values
