"""Painting in the EditGAN window, with the mouse on the canvas: see support/paint_in_gimp.py."""

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gtk", "3.0")
import pytest
from gi.repository import Gimp, Gtk
from gimp_helpers import STATUS, part_group, pixels, succeeded
from gimp_story import run_story

Call = Callable[..., Gimp.ValueArray]


def test_the_brush_has_the_parts_colour_and_size(plug_in: None) -> None:
    from image.brush import Brush

    before = Gimp.context_get_brush_size()
    image = Gimp.Image.new(8, 8, Gimp.ImageBaseType.RGB)
    layer = Gimp.Layer.new(image, "x", 8, 8, Gimp.ImageType.RGB_IMAGE, 100.0, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    brush = Brush()
    brush.fit(40, (90, 160, 230))
    try:
        layer.fill(Gimp.FillType.FOREGROUND)
        assert pixels(layer, "R'G'B' u8")[:3] == bytes((90, 160, 230))
        assert Gimp.context_get_brush_size() == 20.0
    finally:
        brush.give_back()
    assert Gimp.context_get_brush_size() == before


def test_the_brush_is_as_broad_as_a_tyre_not_as_the_wheel(plug_in: None) -> None:
    """A part's box holds the hole of a ring, and both wheels of a car."""
    from image.part_pixels import breadth
    from protocol.geometry import Rect
    from protocol.messages import PartLayer, Pixels

    def part(width: int, height: int, inside: Callable[[int, int], bool]) -> PartLayer:
        alpha = bytes(255 * inside(x, y) for y in range(height) for x in range(width))
        rect = Rect(0, 0, width, height)
        return PartLayer("tyre", 1, (9, 9, 9), rect, Pixels(width, height, 1, "u8", alpha))

    def ring(x: int, y: int) -> bool:
        return 60 <= math.dist((x, y), (80, 80)) <= 80 or 60 <= math.dist((x, y), (480, 80)) <= 80

    assert 20 <= breadth(part(561, 161, ring)) <= 30
    assert breadth(part(161, 161, lambda x, y: math.dist((x, y), (80, 80)) <= 80)) == 161
    assert breadth(part(200, 40, lambda _x, _y: True)) == 40
    assert breadth(part(40, 30, lambda _x, _y: False)) == 30


def test_a_brush_that_was_left_behind_is_not_taken_for_the_users_own(plug_in: None) -> None:
    """GIMP ended a window before it could give the brush back."""
    from image.brush import Brush

    before = Gimp.context_get_brush()
    try:
        Brush().fit(40, (90, 160, 230))
        assert Gimp.context_get_brush().get_name() == "EditGAN"
        brush = Brush()
        brush.fit(20, (1, 2, 3))
        brush.give_back()
        assert Gimp.context_get_brush().get_name() != "EditGAN"
    finally:
        Gimp.context_set_brush(before)
        Gimp.context_set_default_colors()


@pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")
@pytest.mark.parametrize(("parts", "again"), [(("nose",), False), (("upper", "lower"), True)])
def test_only_a_chip_of_several_parts_promises_the_next_one(
    plug_in: None, parts: tuple[str, ...], again: bool
) -> None:
    from image.chips import Chip
    from windows.paint_bar import PaintBar

    bar = PaintBar(Mock())  # nobody presses anything
    bar.fill([Chip("chip", parts)], {parts[0]: (1, 2, 3)})
    tips = [widget.get_tooltip_text() or "" for widget in descendants(bar.widget)]
    (tip,) = [tip for tip in tips if ", ".join(parts) in tip]
    assert ("Again" in tip) == again


@pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")
def test_what_is_kept_is_no_longer_painted_on(plug_in: None, segmented: Gimp.Image) -> None:
    """The brush in the part's colour would hit the result, whose layer is selected then."""
    from commands.people import remembered_person
    from image import photos, subjects
    from image.chips import Chip
    from protocol.geometry import Rect
    from protocol.messages import PartLayer, Pixels
    from windows.painting import Painting
    from windows.workbench import Workbench

    (subject,) = subjects.all_of(segmented)
    bench = Workbench(photos.find(segmented, []), [], Mock())  # a window that nobody looks at
    painting = Painting(bench)
    bench.person = remembered_person(bench.photo, subject)
    nose = PartLayer("nose", 6, (200, 100, 50), Rect(9, 9, 8, 8), Pixels(8, 8, 1, "u8", bytes(64)))
    bench.person.parts = [nose]
    brush, mode = Gimp.context_get_brush(), Gimp.context_get_paint_mode()
    try:
        painting.show(bench.person)
        painting.take(Chip("nose", ("nose",)))
        texts = labels(painting.bar.widget)
        assert Gimp.context_get_brush() != brush and "nose" in texts
        (eraser,) = [
            one
            for one in descendants(painting.bar.widget)
            if isinstance(one, Gtk.ToggleButton) and one.get_label() == "Era_ser"
        ]
        eraser.set_active(True)
        bench.keep()
        assert Gimp.context_get_brush() == brush and Gimp.context_get_paint_mode() == mode
        assert not eraser.get_active() and "Paint" in labels(painting.bar.widget)
    finally:
        painting.close()
        bench.close()


@pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")
def test_keeping_waits_for_the_round_that_ends(plug_in: None, segmented: Gimp.Image) -> None:
    """Its answer came after Keep, and was another change; so did that of a round of later."""
    from image import photos
    from windows.painting import Painting
    from windows.workbench import Workbench

    window, round_ = Mock(), Mock(busy=True)
    bench = Workbench(photos.find(segmented, []), [], window)
    painting = Painting(bench)
    painting._latest = round_
    try:
        bench.keep()
        round_.end_soon.assert_called_once()
        window.say.assert_not_called()
        round_.busy = False
        painting._go_on()  # a timer from before
        round_.offer.assert_not_called()
        bench.drawn()
        window.say.assert_called_once()
    finally:
        painting.close()
        bench.close()


def test_paint_is_lifted_off_the_photo_without_a_trace(
    plug_in: None, segmented: Gimp.Image
) -> None:
    from image.covering import Covering

    group = part_group(segmented)
    segmented.clean_all()
    covering = Covering(segmented)
    for _again in range(2):  # a key that is held is pressed again and again
        covering.lift([1, 2])
        assert not group.get_visible()
    covering.put_back()
    assert group.get_visible() and not segmented.is_dirty()


@pytest.mark.parametrize("seen", [True, False])
def test_before_shows_again_what_was_seen(plug_in: None, segmented: Gimp.Image, seen: bool) -> None:
    from image import photos
    from image.canvas_preview import CanvasPreview

    photo = photos.find(segmented, [])
    result = photo.layer.copy()
    segmented.insert_layer(result, None, 0)
    result.set_visible(seen)
    canvas = CanvasPreview(photo, result)
    for before in (True, True, False):  # a key that is held is pressed again and again
        canvas.show_before(before)
        assert result.get_visible() == (seen and not before)


def labels(widget: Gtk.Widget) -> list[str]:
    return [one.get_text() for one in descendants(widget) if isinstance(one, Gtk.Label)]


def descendants(widget: Gtk.Widget) -> Iterator[Gtk.Widget]:
    yield widget
    for child in widget.get_children() if isinstance(widget, Gtk.Container) else []:
        yield from descendants(child)


@pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")
def test_a_chip_and_a_stroke_become_an_entry_of_the_stack(
    call: Call, segmented_file: Path, tmp_path: Path
) -> None:
    succeeded(call(STATUS))  # the backend runs
    told = run_story("paint_in_gimp", tmp_path, segmented_file)
    assert told["report"] == {"people": 1, "kept": 1}
    ((kind, parts, scale),) = told["entries"]
    assert (kind, scale) == ("repaint", 1.0)
    assert parts and set(parts) <= set(told["parts"])
    group, photo = told["before"]
    assert told["after"][0] == group and told["after"][-1] == photo
    assert len(told["after"]) == 3
