"""The EditGAN window, under Xvfb, operated with keyboard and mouse as a user does."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import PORTRAIT, idle, load, names, pixels, save, saved_edit, succeeded
from gimp_windows import finish, is_open, place, press, screenshot, until, user, wait_for, write

from protocol import paths
from protocol.client import Connection
from protocol.launch import ensure_backend
from protocol.messages import RenameEdit

Call = Callable[..., Gimp.ValueArray]
ASK = Gimp.RunMode.INTERACTIVE
WINDOW, TITLE = "plug-in-editgan-window", "EditGAN: .*"
STACK = "editgan-stack"
SCREEN = 1280, 1024
PICTURES = os.environ.get("EDITGAN_TEST_PICTURES")

pytestmark = pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")


def picture(name: str) -> None:
    if PICTURES:
        screenshot(Path(PICTURES) / f"window-{name}.png")


def count(what: str) -> int:
    """How often the backend's log says something."""
    log = paths.logs_dir() / "backend.log"
    return log.read_text(encoding="utf-8").count(what) if log.exists() else 0


def patiently(condition: Callable[[], bool]) -> None:
    """Wait three times as long as `until` does."""
    for _ in range(2):
        with suppress(TimeoutError):
            until(condition)
    until(condition)


def opened(backend: Connection, looked: int) -> None:
    """Go to the window, and wait until the edits have been looked at on the face."""
    patiently(lambda: is_open(TITLE))
    patiently(lambda: count("PreviewEdits ends") > looked)  # a busy machine embeds for minutes
    until(lambda: idle(backend), "pictures of the edits")
    wait_for(TITLE)
    until(is_on_the_screen)


def is_on_the_screen() -> bool:
    x, y, width, height = place()
    return x >= 0 and y >= 0 and x + width <= SCREEN[0] and y + height <= SCREEN[1]


def strengthen(backend: Connection, edit: str, steps: int) -> None:
    """Find an edit, and move its slider to the right; ends when the canvas shows it."""
    drawn = count("Apply ends: done")
    press("ctrl+f", "ctrl+a")
    write(edit)
    press("Return", *["Right"] * steps)
    patiently(lambda: count("Apply ends: done") > drawn)
    until(lambda: idle(backend), "the canvas")


def kept(image: Gimp.Image) -> list[tuple[str, float]]:
    """The edits and scales of the image's one result."""
    (layer,) = [layer for layer in image.get_layers() if layer.get_parasite(STACK)]
    record = json.loads(bytes(layer.get_parasite(STACK).get_data()))["record"]
    return [(entry["title"], round(entry["scale"], 2)) for entry in record["entries"]]


def test_from_a_fresh_photo_to_a_layer_and_back(
    call: Call, backend: Connection, segmented_file: Path, tmp_path: Path
) -> None:
    """Found, embedded, edited, kept; the XCF file opens with the slider where it was.

    What is searched for is found although an edit of the user's own, shown first, has it in its
    title too.
    """
    saved_edit(call, segmented_file, "My smile")
    image = load(PORTRAIT)
    (photo,) = image.get_layers()
    before = pixels(photo)

    def smile_and_keep() -> None:
        looked = count("PreviewEdits ends")
        opened(backend, looked)
        picture("opened")
        strengthen(backend, "smile", 4)
        picture("smile")
        press("alt+k")
        finish(TITLE, "Escape", "Escape")  # out of the search first

    with user(smile_and_keep):
        report = succeeded(call(WINDOW, image, None, run_mode=ASK))
    assert report == {"people": 1, "kept": 1}
    assert kept(image) == [("Smile", 0.2)]
    assert len(names(image)) == 2 and image.get_layers()[1] == photo
    assert pixels(photo) == before

    file = tmp_path / "kept.xcf"
    save(image, file)
    again = load(file)

    def smile_more() -> None:
        opened(backend, count("PreviewEdits ends"))
        strengthen(backend, "smile", 2)
        press("alt+k")
        finish(TITLE, "Escape", "Escape")

    with user(smile_more):
        succeeded(call(WINDOW, again, None, run_mode=ASK))
    assert kept(again) == [("Smile", 0.3)]
    assert len(names(again)) == 2


def test_the_library_is_read_again_after_a_command(
    call: Call, backend: Connection, segmented_file: Path
) -> None:
    """An edit that was saved or renamed from the menu More is there at once."""
    name = saved_edit(call, segmented_file, "My edit")
    image = load(segmented_file)

    def rename_and_use() -> None:
        opened(backend, count("PreviewEdits ends"))
        backend.request(RenameEdit("faces", name, "Zebra"))
        looked = count("PreviewEdits ends")
        press("alt+m", "y")
        patiently(lambda: count("PreviewEdits ends") > looked)  # the dialog's own
        looked = count("PreviewEdits ends")  # what follows may end before the dialog is seen to go
        finish("Edit Library", "Escape")
        opened(backend, looked)
        strengthen(backend, "zebra", 2)
        press("alt+k")
        finish(TITLE, "Escape", "Escape")

    with user(rename_and_use):
        succeeded(call(WINDOW, image, None, run_mode=ASK))
    assert [title for title, _scale in kept(image)] == ["Zebra"]


def test_closing_without_keeping_leaves_no_trace(
    call: Call, segmented: Gimp.Image, backend: Connection
) -> None:
    image = segmented
    image.clean_all()
    layers = names(image)

    def change_ones_mind() -> None:
        opened(backend, count("PreviewEdits ends"))
        strengthen(backend, "smile", 4)
        press("Escape", "Escape")
        finish("Keep the Changes.", "alt+c")
        wait_for(TITLE)  # it is still there
        press("Escape")
        finish("Keep the Changes.", "alt+d")

    with user(change_ones_mind):
        report = succeeded(call(WINDOW, image, None, run_mode=ASK))
    assert report["kept"] == 0
    assert names(image) == layers
    assert not image.is_dirty()


def test_a_backend_that_ends_takes_nothing_along(
    call: Call, segmented: Gimp.Image, kill_backend: Callable[[], None]
) -> None:
    def lose_it() -> None:
        with ensure_backend() as backend:
            opened(backend, count("PreviewEdits ends"))
            strengthen(backend, "smile", 4)
            kill_backend()
        drawn = count("Apply ends: done")
        press("Right")  # the slider has the keyboard
        patiently(lambda: count("Apply ends: done") > drawn)  # by another backend
        with ensure_backend() as backend:
            until(lambda: idle(backend))
        press("alt+k")
        finish(TITLE, "Escape", "Escape")

    with user(lose_it):
        report = succeeded(call(WINDOW, segmented, None, run_mode=ASK))
    assert report["kept"] == 1
    assert kept(segmented) == [("Smile", 0.25)]


def test_a_face_is_known_better_while_one_looks(call: Call, backend: Connection) -> None:
    image = load(PORTRAIT)

    def look_and_keep() -> None:
        known = count("Segment ends: done")
        opened(backend, count("PreviewEdits ends"))
        patiently(lambda: count("Segment ends: done") > known + 1)  # nobody has asked for it
        strengthen(backend, "smile", 4)
        press("alt+k")
        finish(TITLE, "Escape", "Escape")

    with user(look_and_keep):
        succeeded(call(WINDOW, image, None, run_mode=ASK))
    state = json.loads(bytes(image.get_parasite("editgan-state").get_data()))["record"]
    assert state["level"] in ("balanced", "faithful")
    assert state["report"]["level"] == state["level"]
    assert kept(image) == [("Smile", 0.2)]


def test_without_a_window_it_says_so(call: Call, segmented: Gimp.Image) -> None:
    values = call(WINDOW, segmented, None)
    assert values.index(0) == Gimp.PDBStatusType.EXECUTION_ERROR
    assert "window" in Gimp.get_pdb().get_last_error()
