"""Where the plug-in's windows open, under Xvfb."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gtk", "3.0")
import pytest
from gi.repository import Gimp, Gtk
from gimp_helpers import PORTRAIT, STATUS, load, size, succeeded
from gimp_story import run_story
from gimp_workbench import turn

from protocol import paths
from protocol.geometry import Rect

if TYPE_CHECKING:
    from windows.place import Place

Call = Callable[..., Gimp.ValueArray]
FILE = "window-test.json"

pytestmark = [
    pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb"),
    pytest.mark.usefixtures("plug_in"),
]


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    yield
    (paths.data_dir() / FILE).unlink(missing_ok=True)


def shown(
    faces: list[Rect], image: Gimp.Image | None = None
) -> tuple["Place", Gtk.Window, tuple[int, int]]:
    """A small window of ours that is on the screen, and where."""
    from windows.place import Place

    window = Gtk.Window()
    window.add(Gtk.Label(label="A window"))
    where = Place(window, "window-test", (300, 400))
    where.put(image, faces)
    window.show_all()
    turn(window.get_mapped)
    return where, window, window.get_position()


def test_a_remembered_place_over_the_face_is_left_and_not_forgotten() -> None:
    image = load(PORTRAIT)
    remembered = [390, 310, 300, 400]
    (paths.data_dir() / FILE).write_text(json.dumps(remembered))
    face = Rect(150, 100, 200, 250)
    where, window, (x, y) = shown([face], image)
    on_screen = face.moved((1280 - size(image)[0]) // 2, (1024 - size(image)[1]) // 2)
    assert Rect(x, y, 300, 400).intersected(on_screen).is_empty
    where.close()
    window.destroy()
    assert json.loads((paths.data_dir() / FILE).read_text())[:2] == remembered[:2]
    where, window, (x, y) = shown([])
    assert [x, y] == remembered[:2]
    where.close()
    window.destroy()


def test_a_second_window_stands_beside_the_first() -> None:
    first, one, here = shown([])
    second, other, there = shown([])
    assert max(abs(a - b) for a, b in zip(here, there, strict=True)) >= 20
    for where, window in ((second, other), (first, one)):
        where.close()
        window.destroy()
    third, window, again = shown([])
    assert again == here
    third.close()
    window.destroy()


def test_a_window_makes_way_once_the_faces_are_found() -> None:
    """Unless the user has moved it by then."""
    image = load(PORTRAIT)
    where, window, (x, y) = shown([])
    offset = (1280 - size(image)[0]) // 2, (1024 - size(image)[1]) // 2
    under = Rect(x, y, 300, 400).moved(-offset[0], -offset[1])
    where.make_way(image, [under])
    turn(lambda: window.get_position() != (x, y))
    assert Rect(*window.get_position(), 300, 400).intersected(Rect(x, y, 300, 400)).is_empty
    window.move(500, 300)
    turn(lambda: window.get_position() == (500, 300))
    where.make_way(image, [Rect(500, 300, 300, 400).moved(-offset[0], -offset[1])])
    assert window.get_position() == (500, 300)
    where.close()
    window.destroy()
    assert json.loads((paths.data_dir() / FILE).read_text())[:2] == [500, 300]


@pytest.mark.parametrize("kind", ["progress", "live"])
def test_windows_of_jobs_open_beside_the_face(segmented: Gimp.Image, kind: str) -> None:
    from windows.faces_seen import faces_in
    from windows.live_window import LiveWindow
    from windows.progress_window import ProgressWindow

    def ignored(_keep: bool) -> None: ...

    window = (
        LiveWindow(segmented, ignored)
        if kind == "live"
        else ProgressWindow("Working", segmented, ignored)
    )
    (dialog,) = (one for one in Gtk.Window.list_toplevels() if isinstance(one, Gtk.Dialog))
    try:
        turn(dialog.get_mapped)
        (face,) = faces_in(segmented)
        corner = (1280 - segmented.get_width()) // 2, (1024 - segmented.get_height()) // 2
        seen = face.moved(*corner)
        here = Rect(*dialog.get_position(), *dialog.get_size())
        assert not seen.is_empty and here.intersected(seen).is_empty
    finally:
        window.close()
        (paths.data_dir() / f"window-{kind}.json").unlink(missing_ok=True)


def test_a_mark_counts_for_its_image_and_window_only() -> None:
    from windows import one_window

    image = load(PORTRAIT)
    clean = image.is_dirty()
    where, window, _corner = shown([])
    assert where.lock is not None and not one_window.call_open(image)
    one_window.mark(image, where.lock)
    copy = image.duplicate()
    assert not one_window.call_open(copy)
    assert not one_window.is_called(where.lock)
    assert one_window.call_open(image) and one_window.is_called(where.lock)
    assert not one_window.is_called(where.lock)  # heard
    where.close()  # or its process died
    window.destroy()
    assert not one_window.call_open(image)
    one_window.unmark(image)
    assert not image.get_parasite("editgan-window") and image.is_dirty() == clean


def test_chosen_again_the_window_comes_to_the_front(
    call: Call, segmented_file: Path, tmp_path: Path
) -> None:
    """And an image beside it has a window of its own, elsewhere on the screen."""
    succeeded(call(STATUS))  # the backend runs
    told = run_story("twice_in_gimp", tmp_path, segmented_file)
    assert told["again"] == 1
    one, other = told["beside"]
    assert max(abs(a - b) for a, b in zip(one, other, strict=True)) >= 20
    assert not told["message"]
