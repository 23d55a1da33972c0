"""The dialog of Edit Library, under Xvfb, operated with keyboard and mouse as a user does."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import (
    APPLY,
    REPAINT,
    SAVE,
    grow,
    load,
    names,
    parts_by_size,
    projection,
    succeeded,
)
from gimp_windows import PATIENCE, drop, press, screenshot, user, wait_for, write

from protocol.client import Connection
from protocol.messages import EditInfo, ListEdits

Call = Callable[..., Gimp.ValueArray]
ASK = Gimp.RunMode.INTERACTIVE
TITLE, STACK = "Edit Library", "editgan-stack"
PICTURES = os.environ.get("EDITGAN_TEST_PICTURES")

pytestmark = pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")


@pytest.fixture(scope="module")
def edit(call: Call, segmented_file: Path) -> str:
    """The name of an edit of the user's own, titled `Wonder`."""
    image = load(segmented_file)
    grow(parts_by_size(image)[0])
    report = succeeded(call(REPAINT, image, None, steps=2, save_as="Wonder"))
    image.delete()
    return report["saved_as"]


@contextmanager
def working(act: Callable[[], None]) -> Iterator[None]:
    """Somebody does `act` in the dialog once it is there."""

    def work() -> None:
        wait_for(TITLE)
        time.sleep(2.0)  # pictures and a kept stack come after the window
        act()

    with user(work):
        yield


def picture(name: str) -> None:
    if PICTURES:
        screenshot(Path(PICTURES) / f"library-{name}.png")


def choose(title: str) -> None:
    """Search for an edit; the keyboard is on its picture then."""
    press("ctrl+f", "ctrl+a")
    write(title)
    press("Return")


def kept(image: Gimp.Image) -> list[tuple[str, float]]:
    """The edits and scales of the one stack in the image."""
    (layer,) = [layer for layer in image.get_layers() if layer.get_parasite(STACK)]
    record = json.loads(bytes(layer.get_parasite(STACK).get_data()))["record"]
    return [(entry["title"], entry["scale"]) for entry in record["entries"]]


def listed(backend: Connection, title: str) -> EditInfo | None:
    edits = backend.request(ListEdits("faces")).edits
    return next((edit for edit in edits if edit.title == title), None)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.1)


def test_a_stack_is_chosen_changed_and_taken_away(
    call: Call, edit: str, segmented: Gimp.Image
) -> None:
    image = segmented
    before = projection(image)

    def add_two() -> None:
        picture("empty")
        choose("Wonder")
        press("plus")
        choose("smile")
        press("Return")
        picture("two")
        press("alt+o")

    with working(add_two):
        report = succeeded(call(APPLY, image, None, run_mode=ASK))
    chosen = [title for title, _scale in kept(image)]
    assert chosen[0] == "Wonder"
    assert len(chosen) == 2
    assert names(image)[1] == report["layer"]

    def weaken() -> None:
        choose("Wonder")
        press("plus")  # it is there already: the keyboard goes to its slider
        picture("again")
        press("Home", "alt+o")

    with working(weaken):
        succeeded(call(APPLY, image, None, run_mode=ASK))
    (first, scale), (_second, other) = kept(image)
    assert (first, scale) == ("Wonder", -1.0)
    assert other > 0

    def take_away() -> None:
        press("alt+e")
        time.sleep(0.5)  # GTK shows a button pressed for a quarter of a second, then it acts
        picture("reset")
        press("alt+o")

    with working(take_away):
        succeeded(call(APPLY, image, None, run_mode=ASK))
    assert len(names(image)) == 2
    assert projection(image) == before


def test_escape_leaves_nothing_behind(call: Call, edit: str, segmented: Gimp.Image) -> None:
    image = segmented
    image.clean_all()
    before, layers = projection(image), names(image)
    image.clean_all()

    def look_around() -> None:
        choose("Wonder")
        press("plus", "alt+v")
        time.sleep(3)  # something may be on the canvas by now
        picture("canvas")
        press("Escape")

    with working(look_around):
        values = call(APPLY, image, None, run_mode=ASK)
    assert values.index(0) == Gimp.PDBStatusType.CANCEL
    assert names(image) == layers
    assert not image.is_dirty()
    assert projection(image) == before


def test_the_library_is_kept(
    call: Call, edit: str, segmented: Gimp.Image, backend: Connection
) -> None:
    def keep_order() -> None:
        choose("Wonder")
        press("alt+f")
        until(lambda: listed(backend, "Wonder").favourite)
        press("alt+n")
        wait_for("Rename Edit")
        write("Marvel")
        press("Return")
        until(lambda: listed(backend, "Marvel"))
        assert listed(backend, "Marvel").favourite
        wait_for(TITLE)
        press("alt+d")
        until(lambda: listed(backend, "Marvel") is None)
        picture("deleted")
        press("alt+u")
        until(lambda: listed(backend, "Marvel"))
        picture("restored")
        press("alt+n")
        wait_for("Rename Edit")
        write("Wonder")
        press("Return")
        until(lambda: listed(backend, "Wonder"))
        wait_for(TITLE)
        press("Escape")

    with working(keep_order):
        call(APPLY, segmented, None, run_mode=ASK)


def test_edits_leave_and_come_as_files(
    call: Call, edit: str, segmented: Gimp.Image, backend: Connection, tmp_path: Path
) -> None:
    file = tmp_path / "wonder.editgan"

    def exchange() -> None:
        choose("Wonder")
        press("alt+x")
        wait_for("Export Edit")
        press("ctrl+a")
        write(str(file))
        press("alt+e")  # Return might accept a completion instead
        until(file.exists)
        wait_for(TITLE)
        press("alt+i")
        wait_for("Import Edits")
        press("ctrl+l")
        write(str(file))
        picture("import")
        press("alt+i")
        until(lambda: listed(backend, "Wonder 2"))
        wait_for(TITLE)
        picture("imported")
        drop(file, TITLE)
        until(lambda: listed(backend, "Wonder 3"))
        press("Escape")

    with working(exchange):
        call(APPLY, segmented, None, run_mode=ASK)


def test_save_what_several_images_have_learnt(
    call: Call, segmented_file: Path, backend: Connection
) -> None:
    images = [load(segmented_file) for _ in range(2)]
    for image in images:
        grow(parts_by_size(image)[0])
        succeeded(call(REPAINT, image, None, steps=2))

    def name_it() -> None:
        wait_for("Save as Edit")
        write("Together")
        press("Tab", "Tab", "Tab", "space")
        picture("save")
        press("alt+v")

    with user(name_it):
        report = succeeded(call(SAVE, images[0], None, run_mode=ASK))
    assert report["learnt_from"] == 2
    assert listed(backend, "Together").parts == tuple(report["parts"])
