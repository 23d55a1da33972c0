"""Live Repaint's window, and keeping what an optimisation has so far."""

import os
from collections.abc import Callable
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import (
    APPLY,
    LIVE,
    REPAINT,
    SAVE,
    STATUS,
    differences,
    failed,
    names,
    part_group,
    projection,
    succeeded,
)
from gimp_story import run_story
from gimp_windows import finish, screenshot, until, user, wait_for

from protocol.client import Connection

Call = Callable[..., Gimp.ValueArray]
ASK = Gimp.RunMode.INTERACTIVE
PICTURES = os.environ.get("EDITGAN_TEST_PICTURES")

pytestmark = pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")


def show(name: str) -> None:
    if PICTURES:
        screenshot(Path(PICTURES) / f"{name}.png")


def keep_when_it_can_be(window: str) -> None:
    """Keep the first thing that there is to keep."""
    wait_for(window)
    show(window.lower().replace(" ", "-"))
    finish(window, "alt+k")


def test_keep_writes_what_was_painted(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    group, photo = names(image)
    part_group(image).set_visible(False)
    before = projection(image)
    part_group(image).set_visible(True)
    with user(lambda: keep_when_it_can_be("Live Repaint")):
        report = succeeded(call(LIVE, image, None, run_mode=ASK))
    assert names(image) == [group, report["layer"], photo]
    assert report["previews"] > 0 and report["strokes"] == 1
    outside, inside = differences(before, projection(image), image, image.get_layers()[1])
    assert outside == 0
    assert inside > 0
    assert succeeded(call(SAVE, image, None, name="live"))["saved_as"] == "live"


def test_keep_goes_with_the_other_edits(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    succeeded(call(APPLY, image, None, edit="smile"))
    with user(lambda: keep_when_it_can_be("Live Repaint")):
        report = succeeded(call(LIVE, image, None, run_mode=ASK))
    assert report["layer"] == "Smile 1.0 + Live repaint"
    assert names(image)[1:-1] == [report["layer"]]


def test_goes_on_with_another_backend(
    call: Call, repainted: Gimp.Image, kill_backend: Callable[[], None]
) -> None:
    image = repainted
    succeeded(call(STATUS))  # the backend runs

    def act() -> None:
        wait_for("Live Repaint")
        with Connection.open() as backend:
            until(lambda: backend.status().running == "LiveRepaint", "a preview begins")
            kill_backend()
        keep_when_it_can_be("Live Repaint")

    with user(act):
        report = succeeded(call(LIVE, image, None, run_mode=ASK))
    assert names(image)[1] == report["layer"]
    assert report["strokes"] == 2  # the same again


def test_close_changes_nothing(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    part_group(image).set_visible(False)
    layers = names(image)

    def act() -> None:
        finish("Live Repaint", "Escape")

    with user(act):
        values = call(LIVE, image, None, run_mode=ASK)
    assert values.index(0) == Gimp.PDBStatusType.CANCEL
    assert names(image) == layers
    assert not part_group(image).get_visible()


def test_without_a_window_it_says_so(call: Call, repainted: Gimp.Image) -> None:
    assert "window" in failed(call(LIVE, repainted, None))


def test_follows_what_is_painted_while_it_is_open(
    call: Call, tmp_path: Path, segmented_file: Path
) -> None:
    """In a GIMP with all its windows, with its paintbrush and the mouse."""
    succeeded(call(STATUS))  # the backend runs
    told = run_story("live_in_gimp", tmp_path, segmented_file)
    assert told["report"]["strokes"] >= 1
    assert told["report"]["previews"] > 0
    assert told["painted"] in told["report"]["edited_parts"]
    assert told["undone"] == told["before keep"]  # one step


def test_keep_what_there_is_ends_a_repaint(call: Call, repainted: Gimp.Image) -> None:
    image = repainted

    def act() -> None:
        finish("Apply Repaint", "alt+a")
        keep_when_it_can_be("Applying the repaint")

    with user(act):
        report = succeeded(call(REPAINT, image, None, run_mode=ASK, steps=1000))
    assert report["ended_early"] is True, report
    assert 0 < report["steps"] < 1000
    assert names(image)[1] == report["layer"]


def test_mask_of_a_result_only_takes_away(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    part_group(image).set_visible(False)
    before = projection(image)
    succeeded(call(REPAINT, image, None, steps=2))
    layer = image.get_layers()[1]
    mask = layer.get_mask()
    assert mask is not None and layer.get_apply_mask()
    result = differences(before, projection(image), image, layer)
    assert result[0] == 0 and result[1] > 0
    mask.fill(Gimp.FillType.WHITE)  # as wide as a mask can be
    assert differences(before, projection(image), image, layer) == result
