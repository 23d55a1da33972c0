"""Where the window was: it opens there again, and never over the face at first."""

from __future__ import annotations

import json

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, Gtk

from protocol import paths, private_file

_FILE = "window.json"
_MARGIN = 8  # px
_RIGHT_HALF = 0.55  # of the photo's width: a face beyond it is covered by a window on the right


def put(window: Gtk.Window, size: tuple[int, int], face: float | None) -> None:
    """Place a window that is about to be shown. face: the face's middle, a part of the width."""
    area = _screen()
    x, y, width, height = _remembered() or (-1, -1, *size)
    width, height = min(width, area.width), min(height, area.height)
    window.set_default_size(width, height)
    if x < 0:
        on_the_left = face is not None and face > _RIGHT_HALF
        x = area.x + (_MARGIN if on_the_left else max(area.width - width - _MARGIN, 0))
        y = area.y + max((area.height - height) // 2, 0)
    # a place on a screen that is not there any more
    x = min(max(x, area.x), area.x + area.width - width)
    y = min(max(y, area.y), area.y + area.height - height)
    window.move(x, y)


def remember(window: Gtk.Window) -> None:
    place = [*window.get_position(), *window.get_size()]
    try:
        private_file.write(paths.data_dir() / _FILE, json.dumps(place))
    except OSError:
        return  # a convenience


def _remembered() -> tuple[int, int, int, int] | None:
    try:
        place = json.loads((paths.data_dir() / _FILE).read_text(encoding="utf-8"))
        x, y, width, height = (int(value) for value in place)
    except (OSError, ValueError, TypeError):
        return None
    return (x, y, width, height) if width > 0 and height > 0 else None


def _screen() -> Gdk.Rectangle:
    display = Gdk.Display.get_default()
    monitor = display.get_primary_monitor() or display.get_monitor(0)
    return monitor.get_workarea()
