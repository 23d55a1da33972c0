"""Where the window was: it opens there again, and never over the face at first."""

from __future__ import annotations

import json

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, GLib, Gtk

from protocol import paths, private_file

_FILE = "window.json"
_MARGIN = 8  # px
_RIGHT_HALF = 0.55  # of the photo's width: a face beyond it is covered by a window on the right


def put(window: Gtk.Window, size: tuple[int, int], face: float | None) -> None:
    """Place a window that is about to be shown. face: the face's middle, a part of the width.

    What is in the window may need more room than `size`: then it gets that, on the screen.
    """
    area = _screen()
    x, y, width, height = _remembered() or (-1, -1, *size)
    window.get_child().show_all()  # else it needs no room yet
    least, _natural = window.get_preferred_size()
    width = min(max(width, least.width), area.width)
    height = min(max(height, least.height), area.height)
    window.set_default_size(width, height)
    if x < 0:
        on_the_left = face is not None and face > _RIGHT_HALF
        x = area.x + (_MARGIN if on_the_left else max(area.width - width - _MARGIN, 0))
        y = area.y + max((area.height - height) // 2, 0)
    # a place on a screen that is not there any more
    x = min(max(x, area.x), area.x + area.width - width)
    y = min(max(y, area.y), area.y + area.height - height)
    window.move(x, y)
    sizes = [(width, height)]
    window.connect("size-allocate", lambda *_event: _stay(window, sizes))


def _stay(window: Gtk.Window, sizes: list[tuple[int, int]]) -> None:
    """Come back onto the screen where the window has grown beyond its edge: by what is in it now.

    sizes: those that it has had; one that is new is appended.
    """
    (x, y), size, area = window.get_position(), window.get_size(), _screen()
    if size == sizes[-1] or not window.get_mapped():
        return
    sizes.append(size)
    inside = (
        max(min(x, area.x + area.width - size[0]), area.x),
        max(min(y, area.y + area.height - size[1]), area.y),
    )
    if inside != (x, y):
        GLib.idle_add(lambda: window.move(*inside) and False)


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
