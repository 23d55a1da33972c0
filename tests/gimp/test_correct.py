"""Correct Parts: layers that the user has put right are the photo's parts, and no edit."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import (
    REPAINT,
    alpha,
    failed,
    grow,
    load,
    offsets,
    part,
    part_group,
    pixels,
    projection,
    save,
    size,
    succeeded,
)
from gimp_workbench import turn, workbench

CORRECT = "plug-in-editgan-correct"
Call = Callable[..., Gimp.ValueArray]


def lower_the_brow(image: Gimp.Image) -> None:
    """As a user does whose left brow was found too high: the layer is moved down."""
    brow = part(image, "left brow")
    brow.transform_translate(0, max(4, size(brow)[1] // 3))


def top_of(image: Gimp.Image, name: str) -> int:
    """The first row of the canvas in which a part shows."""
    layer = part(image, name)
    width = size(layer)[0]
    first = next(i for i, a in enumerate(alpha(layer)) if a > 127)
    return offsets(layer)[1] + first // width


def test_what_was_put_right_is_no_edit(
    call: Call, segmented: Gimp.Image, kill_backend: Callable[[], None], tmp_path: Path
) -> None:
    image = segmented
    before = top_of(image, "left brow")
    photo = pixels(image.get_layers()[-1])
    lower_the_brow(image)
    wanted = top_of(image, "left brow")
    part_group(image).set_visible(False)
    shown = projection(image)
    report = succeeded(call(CORRECT, image, None))
    assert report["verdict"] and report["groups"] == [part_group(image).get_name()]
    part_group(image).set_visible(False)
    assert projection(image) == shown and pixels(image.get_layers()[-1]) == photo
    # drawn anew where the user says, not where the model had seen it
    assert abs(top_of(image, "left brow") - wanted) <= 2 < abs(wanted - before)
    assert "nothing" in failed(call(REPAINT, image, None, steps=2)).lower()
    # also by a backend that never saw the correction, from a file
    save(image, tmp_path / "corrected.xcf")
    kill_backend()
    again = load(tmp_path / "corrected.xcf")
    assert "nothing" in failed(call(REPAINT, again, None, steps=2)).lower()
    # and what is painted from here on is an edit as ever
    grow(part(again, "lower lip"))
    assert "lower lip" in succeeded(call(REPAINT, again, None, steps=2))["edited_parts"]


@pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")
def test_in_the_window_what_was_painted_becomes_where_the_part_is(
    call: Call, segmented: Gimp.Image
) -> None:
    """By the button of the window's own painting; sliders that were moved are kept."""
    image = segmented
    image.remove_layer(part_group(image))
    with workbench(image) as bench:
        from image import stacks
        from image.chips import Chip
        from windows.painting import Painting

        painting = Painting(bench)
        try:
            turn(lambda: bench.person and bench.person.is_open)
            person = bench.person
            painting.show(person)
            painting.take(Chip("brows", ("left brow",)))
            group = part_group(image)
            names_before = [layer.get_name() for layer in group.get_children()]
            layer = group.get_children()[0]
            layer.transform_translate(0, max(4, size(layer)[1] // 3))
            turn(lambda: stacks.place_of(person.stack, stacks.PAINTED) is not None)
            assert not person.subject.corrected
            painting.correct()
            assert not bench.shown.problems
            turn(lambda: person.subject.corrected and person.is_open)
            assert stacks.place_of(person.stack, stacks.PAINTED) is None
            after = [layer.get_name() for layer in part_group(image).get_children()]
            assert after == names_before  # no others are made
            assert not bench.changed
        finally:
            painting.close()
    assert "nothing" in failed(call(REPAINT, image, None, steps=2)).lower()


def test_an_image_without_parts_says_what_to_do_first(call: Call) -> None:
    image = load(Path("assets/portrait.png"))
    assert "Segment Parts first" in failed(call(CORRECT, image, None))
