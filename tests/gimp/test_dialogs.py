"""The dialogs, under Xvfb, operated with the keyboard as a user does."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gtk", "3.0")
import pytest
from gi.repository import Gimp, GLib, Gtk
from gimp_helpers import (
    PORTRAIT,
    REPAINT,
    SAVE,
    SEGMENT,
    STATUS,
    load,
    names,
    succeeded,
)
from gimp_story import run_story
from gimp_windows import finish, is_open, press, screenshot, until, user, wait_for, write
from menu_in_gimp import order

from protocol.client import Connection

Call = Callable[..., Gimp.ValueArray]
ASK = Gimp.RunMode.INTERACTIVE
# Names a folder to keep pictures of all windows in, for people to look at.
PICTURES = os.environ.get("EDITGAN_TEST_PICTURES")

pytestmark = pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")


@contextmanager
def answering(title: str, key: str, *, text: str = "") -> Iterator[None]:
    """Somebody types `text` in the window called `title`, once it comes, and ends it with `key`."""

    def act() -> None:
        wait_for(title)
        if text:
            write(text)
        if PICTURES:
            screenshot(Path(PICTURES) / f"{title.lower().replace(' ', '-')}.png")
        finish(title, key)

    with user(act):
        yield


def test_segment(call: Call) -> None:
    image = load(PORTRAIT)
    with answering("Segment Parts", "alt+e"):
        values = call(SEGMENT, image, image.get_layers(), run_mode=ASK)
    assert succeeded(values)["bundle"] == "faces"
    assert image.get_layers()[0].is_group()


def indexed_portrait() -> Gimp.Image:
    image = load(PORTRAIT)
    palette = Gimp.ConvertPaletteType.GENERATE
    image.convert_indexed(Gimp.ConvertDitherType.FS, palette, 255, False, False, "")
    return image


def test_indexed_image_is_converted_if_wanted(call: Call) -> None:
    image = indexed_portrait()

    def act() -> None:
        wait_for("Convert to RGB")
        if PICTURES:
            screenshot(Path(PICTURES) / "convert-to-rgb.png")
        finish("Convert to RGB", "alt+r")
        finish("Segment Parts", "alt+e")

    with user(act):
        succeeded(call(SEGMENT, image, image.get_layers(), run_mode=ASK))
    assert image.get_base_type() == Gimp.ImageBaseType.RGB
    assert image.get_layers()[0].is_group()


def test_indexed_image_stays_if_not(call: Call) -> None:
    image = indexed_portrait()
    with answering("Convert to RGB", "Escape"):
        values = call(SEGMENT, image, image.get_layers(), run_mode=ASK)
    assert values.index(0) == Gimp.PDBStatusType.CANCEL
    assert image.get_base_type() == Gimp.ImageBaseType.INDEXED


def test_a_dialog_goes_with_its_image(plug_in: None) -> None:
    from windows import dialogs

    image = Gimp.Image.new(8, 8, Gimp.ImageBaseType.RGB)
    dialog = Gtk.Dialog(title="About an image")
    GLib.timeout_add(100, lambda: image.delete() and GLib.SOURCE_REMOVE)
    assert dialogs.run(dialog, image) == Gtk.ResponseType.CANCEL
    dialog.destroy()


def test_escape_changes_nothing(call: Call) -> None:
    image = load(PORTRAIT)
    with answering("Segment Parts", "Escape"):
        values = call(SEGMENT, image, image.get_layers(), run_mode=ASK)
    assert values.index(0) == Gimp.PDBStatusType.CANCEL
    assert len(image.get_layers()) == 1


def test_save(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    succeeded(call(REPAINT, image, None, steps=2))
    with answering("Save as Edit", "alt+v", text="from a dialog"):
        saved = succeeded(call(SAVE, image, None, run_mode=ASK))["saved_as"]
    assert saved == "from-a-dialog"


def test_cancel_while_repainting(call: Call, repainted: Gimp.Image, backend: Connection) -> None:
    image = repainted
    layers = names(image)

    def act() -> None:
        finish("Apply Repaint", "alt+a")
        wait_for("Applying the repaint")
        if PICTURES:
            screenshot(Path(PICTURES) / "progress.png")
        finish("Applying the repaint", "alt+c")

    with user(act):
        values = call(REPAINT, image, None, run_mode=ASK, steps=1000)
    assert values.index(0) == Gimp.PDBStatusType.CANCEL
    assert names(image) == layers
    # It hears at its next step, and several times before its first one.
    until(lambda: backend.status().running is None, "the end of the repaint")
    values = call(REPAINT, image, None, run_mode=Gimp.RunMode.NONINTERACTIVE, steps=2)
    assert succeeded(values)


def test_the_menu_lists_the_commands_as_one_needs_them(call: Call, tmp_path: Path) -> None:
    """The window first, the backend last; a photographer finds it so in the real menu."""
    working = ["window", "segment", "correct", "repaint", "live", "borrow", "best-take"]
    working += ["everywhere", "save-edit", "apply", "status"]
    wanted = [f"plug-in-editgan-{name}" for name in working]
    assert order(sorted(wanted)) == wanted
    succeeded(call(STATUS))  # the backend runs
    assert run_story("menu_in_gimp", tmp_path) == {"first": "window"}


def test_cancel_ends_the_job_within_a_step(
    call: Call, repainted: Gimp.Image, backend: Connection
) -> None:
    """In the middle of the optimisation, not at its end."""
    measured: list[tuple[float, float]] = []

    def step() -> int:
        found = re.match(r"Step (\d+) of 1000", backend.status().stage)
        return int(found[1]) if found else 0

    def act() -> None:
        finish("Apply Repaint", "alt+a")
        wait_for("Applying the repaint")
        first, began = until(step, "the first step"), time.monotonic()
        last = until(lambda: (now := step()) >= first + 5 and now, "five steps more")
        each, pressed = (time.monotonic() - began) / (last - first), time.monotonic()
        finish("Applying the repaint", "alt+c")
        until(lambda: backend.status().running is None, "the end of the repaint")
        measured.append((time.monotonic() - pressed, each))

    with user(act):
        values = call(REPAINT, repainted, None, run_mode=ASK, steps=1000)
    assert values.index(0) == Gimp.PDBStatusType.CANCEL
    ((waited, each),) = measured
    assert waited < 4 * each + 3  # the keys' own pauses included; 990 steps were to come


def test_last_values_are_those_of_the_dialog(call: Call, repainted: Gimp.Image) -> None:
    image = repainted

    def act() -> None:
        wait_for("Apply Repaint")
        press("alt+p")
        write("2")
        press("alt+n")
        write("typed")
        if PICTURES:
            screenshot(Path(PICTURES) / "apply-repaint.png")
        finish("Apply Repaint", "alt+a")

    with user(act):
        assert succeeded(call(REPAINT, image, None, run_mode=ASK))["layer"] == "typed"
    again = succeeded(call(REPAINT, image, None, run_mode=Gimp.RunMode.WITH_LAST_VALS))
    assert again["layer"].startswith("typed")


def test_status(call: Call) -> None:
    with answering("EditGAN Backend", "alt+c"):
        succeeded(call(STATUS, run_mode=ASK))
    assert not is_open("EditGAN Backend")


@pytest.mark.parametrize("question", ["keep", "name", "open", "save"])
def test_a_question_goes_with_the_window_that_it_is_about(plug_in: None, question: str) -> None:
    """The image was closed while it was open: nobody can answer it any more."""
    from windows.closing import ask_whether_to_keep
    from windows.edit_files import ask_to_open, ask_to_save
    from windows.name_question import ask_for_name

    ask = {
        "keep": lambda parent: ask_whether_to_keep(parent, 1),
        "name": lambda parent: ask_for_name(parent, "Smile"),
        "open": ask_to_open,
        "save": lambda parent: ask_to_save(parent, "smile.editgan"),
    }[question]
    for parent, go in (
        (Gtk.Window(), lambda parent: parent.hide()),
        (Gtk.Dialog(), lambda parent: parent.response(Gtk.ResponseType.CANCEL)),
    ):
        parent.show()
        GLib.timeout_add(500, lambda go=go, parent=parent: go(parent) and False)
        assert not ask(parent)
        parent.destroy()
