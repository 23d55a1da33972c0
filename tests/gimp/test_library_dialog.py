"""The dialog of Edit Library, under Xvfb, operated with keyboard and mouse as a user does."""

import json
import os
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
    idle,
    load,
    names,
    part_group,
    parts_by_size,
    projection,
    saved_edit,
    succeeded,
)
from gimp_windows import (
    drop,
    finish,
    insist,
    is_open,
    press,
    screenshot,
    until,
    user,
    wait_for,
    write,
)

from protocol import paths
from protocol.client import Connection
from protocol.launch import ensure_backend
from protocol.messages import EditInfo, ListEdits

Call = Callable[..., Gimp.ValueArray]
ASK = Gimp.RunMode.INTERACTIVE
TITLE, STACK = "Edit Library", "editgan-stack"
PICTURES = os.environ.get("EDITGAN_TEST_PICTURES")

pytestmark = pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")


@pytest.fixture(scope="module")
def edit(call: Call, segmented_file: Path) -> str:
    """The name of an edit of the user's own, titled `Wonder`."""
    return saved_edit(call, segmented_file, "Wonder")


@contextmanager
def working(act: Callable[[], None]) -> Iterator[None]:
    """Somebody does `act` in the dialog once it is there."""

    def work() -> None:
        wait_for(TITLE)
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


def test_a_stack_is_chosen_changed_and_taken_away(
    call: Call, edit: str, segmented: Gimp.Image, backend: Connection
) -> None:
    image = segmented
    part_group(image).set_visible(False)  # as a result hides it
    before = projection(image)

    def add_two() -> None:
        picture("empty")
        choose("Wonder")
        press("plus")
        choose("smile")
        press("Return")
        picture("two")
        finish(TITLE, "alt+o")

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
        press("Home")
        finish(TITLE, "alt+o")

    with working(weaken):
        succeeded(call(APPLY, image, None, run_mode=ASK))
    (first, scale), (_second, other) = kept(image)
    assert (first, scale) == ("Wonder", listed(backend, "Wonder").low)
    assert other > 0

    def take_away() -> None:
        press("alt+e")
        picture("reset")
        finish(TITLE, "alt+o")

    with working(take_away):
        succeeded(call(APPLY, image, None, run_mode=ASK))
    assert len(names(image)) == 2
    assert projection(image) == before


def test_escape_leaves_nothing_behind(
    call: Call, edit: str, segmented: Gimp.Image, backend: Connection
) -> None:
    image = segmented
    image.clean_all()
    before, layers = projection(image), names(image)
    image.clean_all()

    def look_around() -> None:
        choose("Wonder")
        press("plus", "alt+v")
        until(lambda: idle(backend))  # the preview is on the canvas by now
        picture("canvas")
        finish(TITLE, "Escape")

    with working(look_around):
        values = call(APPLY, image, None, run_mode=ASK)
    assert values.index(0) == Gimp.PDBStatusType.CANCEL
    assert names(image) == layers
    assert not image.is_dirty()
    assert projection(image) == before


def test_escape_leads_out_of_the_search_first(call: Call, segmented: Gimp.Image) -> None:
    def change_ones_mind() -> None:
        write("smile")
        press("Escape")
        assert is_open(TITLE)
        press("Escape")
        until(lambda: not is_open(TITLE))

    with working(change_ones_mind):
        values = call(APPLY, segmented, None, run_mode=ASK)
    assert values.index(0) == Gimp.PDBStatusType.CANCEL


def test_a_backend_that_ends_takes_nothing_along(
    call: Call, edit: str, segmented: Gimp.Image, kill_backend: Callable[[], None]
) -> None:
    def lose_it_twice() -> None:
        choose("Wonder")
        press("plus")
        with ensure_backend() as backend:
            until(lambda: idle(backend))  # the edit is on the stack
            kill_backend()
        choose("smile")
        press("plus")
        seen = looks()
        insist(lambda: looks() > seen, "alt+g")
        picture("connected-again")
        choose("smile")
        press("plus")
        with ensure_backend() as backend:
            until(lambda: idle(backend))
            kill_backend()
        finish(TITLE, "alt+o")

    with working(lose_it_twice):
        report = succeeded(call(APPLY, segmented, None, run_mode=ASK))
    assert [title for title, _scale in kept(segmented)] == ["Wonder", "Smile"]
    assert names(segmented)[1] == report["layer"]


def looks() -> int:
    """How often backends were asked for the pictures of edits."""
    log = paths.logs_dir() / "backend.log"
    return log.read_text(encoding="utf-8").count("PreviewEdits starts")


@contextmanager
def reloaded(backend: Connection) -> Iterator[None]:
    """What is done inside changes the library; ends when the dialog shows it as it is now."""
    until(lambda: idle(backend))
    seen = looks()
    yield
    until(lambda: looks() > seen and idle(backend), "the library is read again")


def test_the_library_is_kept(
    call: Call, edit: str, segmented: Gimp.Image, backend: Connection
) -> None:
    def rename(title: str) -> None:
        press("alt+n")
        wait_for("Rename Edit")
        write(title)
        with reloaded(backend):
            finish("Rename Edit", "Return")
        wait_for(TITLE)

    def keep_order() -> None:
        choose("Wonder")
        with reloaded(backend):
            press("alt+f")
        assert listed(backend, "Wonder").favourite
        rename("Marvel")
        assert listed(backend, "Marvel").favourite
        with reloaded(backend):
            press("alt+d")
        assert listed(backend, "Marvel") is None
        picture("deleted")
        with reloaded(backend):
            press("alt+u")
        assert listed(backend, "Marvel")
        picture("restored")
        rename("Wonder")
        assert listed(backend, "Wonder")
        finish(TITLE, "Escape")

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
        finish(TITLE, "Escape")

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
        finish("Save as Edit", "alt+v")

    with user(name_it):
        report = succeeded(call(SAVE, images[0], None, run_mode=ASK))
    assert report["learnt_from"] == 2
    assert listed(backend, "Together").parts == tuple(report["parts"])
