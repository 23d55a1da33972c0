"""The EditGAN window's work without the window: the real workbench, at which nobody looks."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gi.repository import Gimp, GLib

if TYPE_CHECKING:
    from windows.workbench import Workbench

PATIENCE = 200  # seconds


class Looker:
    """Stands where the window does. problems: what it was warned of; action: what the button
    beside the last one does; model: the one that it would choose."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.action: Callable[[], None] = lambda: None
        self.model = ""

    def warn(self, text: str, _button: str = "", action: Callable[[], None] = lambda: None) -> None:
        self.problems.append(text)
        self.action = action

    lost = warn

    def ask_model(self, _models: object, _chosen: str) -> str:
        return self.model

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_arguments: None


@contextmanager
def workbench(image: Gimp.Image) -> Iterator[Workbench]:
    """Opened on the image's photo, its lowest layer; nothing may be warned of meanwhile."""
    folder = str(Path(os.environ["GIMP3_DIRECTORY"], "plug-ins/editgan"))
    sys.path.insert(0, folder)  # the plug-in's own modules
    try:
        with warnings.catch_warnings(), _workbench(image) as bench:
            # GEGL says so of the first buffer in a process, and nothing comes of it
            warnings.filterwarnings("ignore", message="g_hash_table_lookup")
            yield bench
    finally:
        sys.path.remove(folder)


@contextmanager
def _workbench(image: Gimp.Image) -> Iterator[Workbench]:
    from image import photos
    from windows.workbench import Workbench

    looker = Looker()
    bench = Workbench(photos.find(image, image.get_layers()[-1:]), [], looker)
    bench.start()
    try:
        yield bench
    finally:
        bench.close()
    assert not looker.problems


def turn(condition: Callable[[], object]) -> None:
    """Let the main loop run until something holds."""
    late: list[bool] = []
    timer = GLib.timeout_add_seconds(PATIENCE, lambda: late.append(True) or GLib.SOURCE_CONTINUE)
    tick = GLib.timeout_add(100, lambda: GLib.SOURCE_CONTINUE)
    try:
        while not condition():
            assert not late, "in vain"
            GLib.MainContext.default().iteration(True)
    finally:
        GLib.source_remove(timer)
        GLib.source_remove(tick)
