"""Windows on a photo that was never segmented: nothing is prepared, as a newcomer finds it."""

import os
from collections.abc import Callable

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import (
    APPLY,
    PORTRAIT,
    SAVE,
    differences,
    idle,
    load,
    names,
    projection,
    succeeded,
)
from gimp_windows import finish, press, until, user, wait_for, write

from protocol.client import Connection

Call = Callable[..., Gimp.ValueArray]
ASK = Gimp.RunMode.INTERACTIVE
LIBRARY = "Edit Library"

pytestmark = pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")


def choose_smile() -> None:
    wait_for(LIBRARY)
    press("ctrl+f", "ctrl+a")
    write("smile")
    press("Return", "plus")


@pytest.mark.parametrize("on_canvas", [False, True])
def test_the_library_writes_its_result(call: Call, backend: Connection, on_canvas: bool) -> None:
    image = load(PORTRAIT)
    before, (photo,) = projection(image), names(image)

    def act() -> None:
        choose_smile()
        if on_canvas:
            press("alt+v")
            until(lambda: idle(backend))
        finish(LIBRARY, "alt+o")

    with user(act):
        report = succeeded(call(APPLY, image, image.get_layers(), run_mode=ASK))
    assert names(image) == ["Smile 0.75", photo]
    assert report["layer"] == "Smile 0.75"
    outside, inside = differences(before, projection(image), image, image.get_layers()[0])
    assert (outside, inside > 0) == (0, True)

    def weaken() -> None:
        choose_smile()  # is there: the keyboard goes to its slider
        press("Home")
        finish(LIBRARY, "alt+o")

    with user(weaken):
        succeeded(call(APPLY, image, image.get_layers()[-1:], run_mode=ASK))
    assert names(image) == ["Smile -0.75", photo]


def test_what_the_library_wrote_can_be_saved(call: Call) -> None:
    image = load(PORTRAIT)
    succeeded(call(APPLY, image, image.get_layers(), edit="smile"))

    def act() -> None:
        wait_for("Save as Edit")
        write("My smile")
        finish("Save as Edit", "alt+v")

    with user(act):
        report = succeeded(call(SAVE, image, image.get_layers()[:1], run_mode=ASK))
    assert report["saved_as"] == "my-smile"
