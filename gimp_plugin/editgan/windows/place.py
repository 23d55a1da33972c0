"""Where a window was: it opens there again, but never over the face, nor on another of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, Gimp, GLib, Gtk

from protocol import connection_file, paths, private_file
from protocol.geometry import Rect
from windows.free_spot import free_spot, seen_at

_MOST = 20  # windows whose places are known to one another
_FRAME = 40  # px, at most, of a window's title bar and lower edge: they come to its own height
_NEAR = 4  # px: a window that is no farther from where it was put was not moved
Corner = tuple[int, int]


class Place:
    """One window's. Call `put` before it is shown, `close` when it goes.

    name: windows of one name share what is remembered.
    """

    def __init__(self, window: Gtk.Window, name: str, size: tuple[int, int]) -> None:
        self._window, self._size = window, size
        self._file = paths.data_dir() / f"{name}.json"
        self._stack = ExitStack()
        self.lock: Path | None = None  # held as long as the window is open; beside it its place
        self._put = Rect(0, 0, 0, 0)
        self._sizes: list[tuple[int, int]] = []

    def put(self, image: Gimp.Image | None = None, faces: Sequence[Rect] = ()) -> None:
        """Place the window that is about to be shown. faces: in pixels of the image's canvas.

        What is in the window may need more room than its size: then it gets that, on the screen.
        """
        gimp, (wanted, size) = _gimps_window(), self._remembered()
        area = _screen(Rect(*wanted, *size) if wanted else gimp)
        self._window.get_child().show_all()  # else it needs no room yet
        least, _natural = self._window.get_preferred_size()
        width = min(max(size[0], least.width), area.width)
        height = min(max(size[1], least.height), area.height)
        self._window.set_default_size(width, height)
        seen = [_seen(gimp or area, image, face) for face in faces] if image else []
        spot = free_spot(area, (width, height), seen, list(self._others()), wanted)
        self._move(spot, (width, height))
        self._sizes = [(width, height)]
        self._window.connect("size-allocate", lambda *_event: self._stay())

    def make_way(self, image: Gimp.Image, faces: Sequence[Rect]) -> None:
        """By now the faces are found: go aside, unless the user has moved the window."""
        gimp = _gimps_window()
        now = Rect(*self._window.get_position(), *self._window.get_size())
        if not self._window.get_mapped() or self._is_moved(now):
            return
        area = _screen(now)
        seen = [_seen(gimp or area, image, face) for face in faces]
        here, size = (now.x, now.y), (now.width, now.height)
        spot = free_spot(area, size, seen, list(self._others()), here)
        if spot != here:
            self._move(spot, size)

    def close(self) -> None:
        """Remember the window's size, and where the user has put it."""
        now = Rect(*self._window.get_position(), *self._window.get_size())
        corner = (now.x, now.y) if self._is_moved(now) else self._remembered()[0]
        with suppress(OSError):  # a convenience
            private_file.write(self._file, json.dumps([*(corner or (None, None)), *now[2:]]))
        if self.lock is not None:
            self.lock.with_suffix(".json").unlink(missing_ok=True)
        self._stack.close()

    def _move(self, spot: Corner, size: tuple[int, int]) -> None:
        self._put = Rect(*spot, *size)
        self._window.move(*spot)
        self._tell()

    def _is_moved(self, now: Rect) -> bool:
        return max(abs(now.x - self._put.x), abs(now.y - self._put.y)) > _NEAR

    def _stay(self) -> None:
        """Come back onto the screen where the window has grown beyond its edge: by what is in it
        now.
        """
        (x, y), size = self._window.get_position(), self._window.get_size()
        if size == self._sizes[-1] or not self._window.get_mapped():
            return
        self._sizes.append(size)
        area = _screen(Rect(x, y, *size))
        inside = (
            max(min(x, area.right - size[0]), area.x),
            max(min(y, area.bottom - size[1]), area.y),
        )
        if inside != (x, y):
            GLib.idle_add(self._move, inside, size)

    def _remembered(self) -> tuple[Corner | None, tuple[int, int]]:
        """Where the user has put the window, if ever, and its size."""
        try:
            x, y, width, height = json.loads(self._file.read_text(encoding="utf-8"))
            size = int(width), int(height)
            corner = None if x is None else (int(x), int(y))
        except (OSError, ValueError, TypeError):
            return None, self._size
        return (corner, size) if min(size) > 0 else (None, self._size)

    # --- the other windows, each of a process of its own ---

    def _tell(self) -> None:
        with suppress(OSError):
            if self.lock is None:
                self.lock = self._free_lock()
            if self.lock is not None:
                private_file.write(self.lock.with_suffix(".json"), json.dumps(self._put))

    def _free_lock(self) -> Path | None:
        """A lock that nobody has; the system gives it back however this process ends."""
        for lock in _locks():
            if self._stack.enter_context(connection_file.held(lock)):
                return lock
        return None

    def _others(self) -> Iterator[Corner]:
        for lock in _locks():
            with suppress(OSError, ValueError):  # of another version, say
                if lock != self.lock and lock.exists() and connection_file.is_held(lock):
                    x, y, *_size = json.loads(lock.with_suffix(".json").read_text("utf-8"))
                    yield int(x), int(y)


def _locks() -> list[Path]:
    folder = paths.run_dir()
    return [folder / f"window-{number}.lock" for number in range(1, _MOST + 1)]


def _seen(gimp: Rect, image: Gimp.Image, face: Rect) -> Rect:
    display = Gdk.Display.get_default()
    scale = display.get_monitor_at_point(gimp.x, gimp.y).get_scale_factor()
    return seen_at(gimp, (image.get_width(), image.get_height()), face, scale)


def _gimps_window() -> Rect | None:
    """Where GIMP's window is; None where the desktop does not tell, as Wayland and macOS."""
    display = Gimp.default_display()
    try:
        gi.require_version("GdkX11", "3.0")
        from gi.repository import GdkX11

        handle = display.get_window_handle().get_data() if display else b""
        number = int.from_bytes(handle, "little") if handle else 0
        window = GdkX11.X11Window.foreign_new_for_display(Gdk.Display.get_default(), number)
    except (ImportError, ValueError, TypeError):
        return None
    if window is None:
        return None
    _found, x, y = window.get_origin()
    return Rect(x, y, window.get_width(), window.get_height())


def _screen(near: Rect | None) -> Rect:
    """Of the screen that most of a window is on what is free of panels, and of its own frame."""
    display = Gdk.Display.get_default()
    monitor = display.get_primary_monitor() or display.get_monitor(0)
    if near is not None:
        middle = near.x + near.width // 2, near.y + near.height // 2
        monitor = display.get_monitor_at_point(*middle)
    area = monitor.get_workarea()
    return Rect(area.x, area.y, area.width, area.height - _FRAME)
