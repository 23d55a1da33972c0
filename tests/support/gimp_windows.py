"""Windows of the plug-in, operated as a user does: with xdotool, from outside GIMP's calls."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

# The whole screen, or what a window and its frame cover of it.
_SHOOT = """
import sys, gi
gi.require_version("Gdk", "3.0")
gi.require_version("GdkX11", "3.0")
from gi.repository import Gdk, GdkX11
root = Gdk.get_default_root_window()
x, y, width, height = 0, 0, root.get_width(), root.get_height()
if sys.argv[2]:
    display = Gdk.Display.get_default()
    window = GdkX11.X11Window.foreign_new_for_display(display, int(sys.argv[2]))
    frame = window.get_frame_extents()
    x, y, width, height = frame.x, frame.y, frame.width, frame.height
Gdk.pixbuf_get_from_window(root, x, y, width, height).savev(sys.argv[1], "png", [], [])
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

def tell(word):
    with open(sys.argv[2], "a") as file:
        print(word, file=file)

def watch(context):
    accepted = context.get_selected_action() != 0
    if accepted:
        tell("accepted")
    return not accepted

def begin(widget, context):
    tell("begun")
    GLib.timeout_add(50, watch, context)

def failed(*_):
    tell("failed")
    return False

window.connect("drag-begin", begin)
window.connect("drag-failed", failed)
window.connect("drag-end", lambda *_: tell("ended"))
window.connect("drag-data-get", lambda w, c, data, i, t: data.set_uris([uri]))
window.show()
window.move(1150, 930)
Gtk.main()
"""
PATIENCE = 120.0  # seconds until what must come has come, on a busy machine
ENDING = 240.0  # seconds until a command must have ended, there
SOON = 20.0  # the same, once something went wrong: else the story ends before it is told what
_BETWEEN_KEYS = 0.3  # GTK gives a pressed button the keyboard for a quarter of a second

T = TypeVar("T")
_window = ""  # the X window that gets the keys: the one that `wait_for` went to last


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
            _escape()
        while not self.done.wait(SOON if self.error else ENDING):  # no dialog must stay
            self.error = self.error or TimeoutError("The command did not end.")
            _escape()


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


def until(condition: Callable[[], T], what: str = "what was waited for") -> T:
    """Wait until a condition holds; returns what it gave."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"In vain: {what}")
        time.sleep(0.1)
    return found


def wait_for(title: str) -> None:
    """Go to the window of that title (a pattern), once it is there: it gets the keys from then on.

    Not only now: a window that closes late may take the keyboard along.
    """
    global _window
    _window = until(lambda: _windows(title), f"a window called {title!r}")[-1]


def is_open(title: str) -> bool:
    return bool(_windows(title))


def close_all(title: str) -> bool:
    """Press Escape in each window of that title; whether there is none any more.

    Never waits for one: it may be closing.
    """
    for window in _windows(title):
        _xdotool("windowfocus", window, "key", "Escape")
        time.sleep(_BETWEEN_KEYS)
    return not is_open(title)


def corners(title: str) -> list[tuple[int, int]]:
    """Where each window of that title is on the screen: its left upper corner."""
    return [_geometry(window)[:2] for window in _windows(title)]


def press(*keys: str) -> None:
    for key in keys:
        if not _xdotool("getwindowname", _window):
            return  # it is gone: another one shall not get them
        _xdotool("windowfocus", _window, "key", key)
        time.sleep(_BETWEEN_KEYS)


def hold(key: str, work: Callable[[], None]) -> None:
    """Do `work` while a key is held."""
    _xdotool("windowfocus", _window, "keydown", key)
    time.sleep(1.0)  # until the canvas has followed
    try:
        work()
    finally:
        _xdotool("keyup", key)
        time.sleep(1.0)


def insist(condition: Callable[[], object], *keys: str) -> None:
    """Press keys until a condition holds: a window that is not ready for them ignores them."""
    until(lambda: condition() or press(*keys) or condition(), f"what {keys} do")


def finish(title: str, *keys: str) -> None:
    """Press keys in a window until it is gone."""
    wait_for(title)
    insist(lambda: not is_open(title), *keys)


def choose(command: str) -> None:
    """Choose a command in GIMP's own window, by name in its search for actions."""
    press("slash")
    wait_for("Search Actions")
    write(command)
    insist(lambda: not is_open("Search Actions"), "Return")


def write(text: str) -> None:
    _xdotool("windowfocus", _window, "type", text)
    time.sleep(_BETWEEN_KEYS)


def move(x: int, y: int) -> None:
    """Put the window there: no window manager finds a place for it beside the others."""
    _xdotool("windowmove", "--sync", _window, str(x), str(y))


def resize(width: int, height: int) -> None:
    _xdotool("windowsize", "--sync", _window, str(width), str(height))


def click(place: tuple[int, int], *, button: int = 1, times: int = 1) -> None:
    """place: pixels from the middle of the window; button 4 and 5: the wheel, up and down."""
    x, y = (str(m + a) for m, a in zip(_middle(), place, strict=True))
    _xdotool("mousemove", x, y, "click", "--repeat", str(times), str(button))


def drag(start: tuple[int, int], end: tuple[int, int]) -> None:
    """Draw a line with the mouse; from and to are pixels from the middle of the window."""
    points = [
        [str(m + a + (b - a) * step // 10) for m, a, b in zip(_middle(), start, end, strict=True)]
        for step in range(11)
    ]
    _xdotool("mousemove", *points[0], "mousedown", "1")
    for point in points:
        _xdotool("mousemove", *point)
    _xdotool("mouseup", "1")


def drop(file: Path, title: str) -> None:
    """Drag a file from a window of another program and drop it on the one called `title`.

    As a hand does it: on once the drag has begun, let go once the window accepts it, and again
    where nobody took it.
    """
    said = file.with_name(f"{file.name}.drag")
    source = subprocess.Popen([sys.executable, "-c", _SOURCE, str(file), str(said)])
    try:
        wait_for("A file to drag")
        while not _dropped(said):
            pass
        wait_for(title)
    finally:
        source.kill()
        source.wait()


def _dropped(said: Path) -> bool:
    """Drag and drop once; whether it was taken. said: the file in which the source says how far
    it is."""
    said.write_text("")
    _xdotool("mousemove", "1200", "970", "mousedown", "1")
    _move_until(said, "begun", (("1150", "900"), ("1140", "890")))
    _move_until(said, "accepted", (("350", "330"), ("340", "320")))
    _xdotool("mouseup", "1")
    until(lambda: "ended" in said.read_text(), "the end of the drag")
    return "failed" not in said.read_text()


def _move_until(said: Path, word: str, places: Sequence[tuple[str, str]]) -> None:
    """Move to and fro between places until the source says a word."""

    def moved() -> bool:
        for place in places:
            _xdotool("mousemove", *place)
            time.sleep(0.1)
        return word in said.read_text()

    until(moved, f"a drag that has {word}")


def screenshot(path: Path, title: str = "") -> None:
    """title: of the window that shall be in it with its frame; without one the whole screen."""
    time.sleep(1.5)  # until everything is drawn, pictures in lists included
    window = _windows(title)[-1] if title else ""
    subprocess.run([sys.executable, "-c", _SHOOT, str(path), window], check=True, timeout=60)


def place() -> tuple[int, int, int, int]:
    """Where the window is on the screen: x, y, width, height."""
    return _geometry(_window)


def _geometry(window: str) -> tuple[int, int, int, int]:
    lines = _xdotool("getwindowgeometry", "--shell", window).splitlines()
    found = {name: int(value) for name, value in (line.split("=") for line in lines)}
    return found["X"], found["Y"], found["WIDTH"], found["HEIGHT"]


def _middle() -> tuple[int, int]:
    x, y, width, height = place()
    return x + width // 2, y + height // 2


def _escape() -> None:
    """Out of every window."""
    for window in _windows(".+"):
        _xdotool("windowfocus", window, "key", "Escape")


def _windows(title: str) -> list[str]:
    return _xdotool("search", "--onlyvisible", "--name", f"^{title}$").split()


def _xdotool(*words: str) -> str:
    return subprocess.run(
        ["xdotool", *words], capture_output=True, text=True, timeout=30, check=False
    ).stdout
