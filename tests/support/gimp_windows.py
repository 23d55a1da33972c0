"""Windows of the plug-in, operated as a user does: with xdotool, from outside GIMP's calls."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_SHOOT = """
import sys, gi
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk
root = Gdk.get_default_root_window()
Gdk.pixbuf_get_from_window(root, 0, 0, root.get_width(), root.get_height()).savev(
    sys.argv[1], "png", [], [])
"""
# A window to drag a file from; it stands in the screen's lower right corner.
_SOURCE = """
import sys, gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GLib, Gtk
window = Gtk.Window(title="A file to drag", default_width=120, default_height=80)
window.drag_source_set(Gdk.ModifierType.BUTTON1_MASK, [], Gdk.DragAction.COPY)
window.drag_source_add_uri_targets()
uri = GLib.filename_to_uri(sys.argv[1])
window.connect("drag-data-get", lambda w, c, data, i, t: data.set_uris([uri]))
window.show()
window.move(1150, 930)
Gtk.main()
"""
PATIENCE = 30.0  # seconds until a window must have come
ENDING = 120.0  # seconds until a command must have ended, on a busy machine


class User(threading.Thread):
    """Runs `act` while the test waits in a call to GIMP; `act` must not call GIMP itself."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._act = act
        self.error: Exception | None = None
        self.done = threading.Event()

    def run(self) -> None:
        try:
            self._act()
        except Exception as error:  # raised again in the test's own thread
            self.error = error
            _xdotool("key", "Escape")
        while not self.done.wait(ENDING):  # a dialog that did not understand must not stay
            self.error = self.error or TimeoutError("The command did not end.")
            _xdotool("key", "Escape")


@contextmanager
def user(act: Callable[[], None]) -> Iterator[None]:
    """Somebody who does `act` meanwhile; what goes wrong there fails the test."""
    someone = User(act)
    someone.start()
    try:
        yield
    finally:
        someone.done.set()
        someone.join(PATIENCE)
    if someone.error is not None:
        raise someone.error


def wait_for(title: str) -> str:
    """The id of the window of that title, once it is there; it gets the keyboard."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = _xdotool("search", "--onlyvisible", "--name", f"^{title}$").split()
        if found:
            time.sleep(0.5)  # its content is drawn after it is mapped
            _xdotool("windowfocus", "--sync", found[-1])
            return found[-1]
        time.sleep(0.1)
    raise TimeoutError(f"No window called {title!r} came.")


def focus(pattern: str) -> None:
    """Give the keyboard to the window whose title matches."""
    found = _xdotool("search", "--onlyvisible", "--name", pattern).split()
    if found:
        _xdotool("windowfocus", "--sync", found[0])
        time.sleep(0.3)


def is_open(title: str) -> bool:
    return bool(_xdotool("search", "--onlyvisible", "--name", f"^{title}$").split())


def press(*keys: str) -> None:
    for key in keys:
        _xdotool("key", key)
        time.sleep(0.15)


def write(text: str) -> None:
    _xdotool("type", text)
    time.sleep(0.15)


def drop(file: Path, title: str) -> None:
    """Drag a file from a window of another program and drop it on the one called `title`."""
    source = subprocess.Popen([sys.executable, "-c", _SOURCE, str(file)])
    try:
        wait_for("A file to drag")
        _xdotool("mousemove", "1200", "970", "mousedown", "1")
        for place in (("1150", "900"), ("900", "700"), ("350", "330"), ("340", "320")):
            _xdotool("mousemove", *place)
            time.sleep(0.3)
        _xdotool("mouseup", "1")
        time.sleep(0.5)
        wait_for(title)
    finally:
        source.kill()
        source.wait()


def screenshot(path: Path) -> None:
    time.sleep(1.5)  # until everything is drawn, pictures in lists included
    subprocess.run([sys.executable, "-c", _SHOOT, str(path)], check=True, timeout=30)


def _xdotool(*words: str) -> str:
    return subprocess.run(
        ["xdotool", *words], capture_output=True, text=True, timeout=30, check=False
    ).stdout
