"""Frames of a series: Best Take, and the same edits in all open images."""

import os
from collections.abc import Callable
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp, Gio
from gimp_helpers import (
    APPLY,
    PORTRAIT,
    differences,
    failed,
    load,
    names,
    part_group,
    pixels,
    projection,
    succeeded,
)
from gimp_windows import finish, press, screenshot, user, wait_for

Call = Callable[..., Gimp.ValueArray]
BEST, EVERYWHERE = "plug-in-editgan-best-take", "plug-in-editgan-everywhere"
ASK = Gimp.RunMode.INTERACTIVE
PICTURES = os.environ.get("EDITGAN_TEST_PICTURES")


@pytest.fixture
def frame(call: Call) -> Gimp.Image:
    """Another frame of the series, a broader smile in it; the camera was held a little lower."""
    image = load(PORTRAIT)
    succeeded(call(APPLY, image, None, edit="smile", scale=0.75))
    image.flatten()
    for name in [n for n in image.get_parasite_list() if n.startswith("editgan")]:
        image.detach_parasite(name)
    for path in image.get_paths():
        image.remove_path(path)
    image.scale(image.get_width(), round(image.get_height() * 1.04))
    return image


def stranger() -> Gimp.Image:
    """Somebody else: the portrait without what makes a face that face."""
    image = load(PORTRAIT)
    (photo,) = image.get_layers()
    photo.fill(Gimp.FillType.WHITE)
    return image


def test_the_better_smile_is_suggested_and_taken(
    call: Call, segmented: Gimp.Image, frame: Gimp.Image
) -> None:
    image = segmented
    part_group(image).set_visible(False)
    before, alone = projection(image), pixels(frame.get_layers()[0])
    stranger()
    frame.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 20, 20)  # beside the face: no matter
    report = succeeded(call(BEST, image, None, parts="mouth", steps=2))
    assert report["people"] == 1
    (taken,) = report["taken"]
    assert taken["from"] == frame.get_name()
    assert names(image)[1] == taken["layer"]
    outside, inside = differences(before, projection(image), image, image.get_layers()[1])
    assert outside == 0 and inside > 0
    assert pixels(frame.get_layers()[0]) == alone and len(frame.get_layers()) == 1


def test_a_frame_that_is_flipped_while_one_chooses_is_left_alone(
    plug_in: None, segmented: Gimp.Image, frame: Gimp.Image
) -> None:
    """The window that asks whom to take is open beside GIMP's own."""
    from commands import best_take
    from link.errors import PlugInError
    from link.session import Session
    from windows.views import LabelView

    before = names(segmented)
    with Session(LabelView(str)) as session:
        takes = best_take.look(session, segmented, [])
        ((theirs,),) = takes.frames
        frame.flip(Gimp.OrientationType.HORIZONTAL)
        with pytest.raises(PlugInError, match="meanwhile, so nothing was added"):
            best_take.take(session, takes, [theirs], "mouth", 2)
    assert names(segmented) == before


def test_an_image_is_called_as_its_file_is(plug_in: None) -> None:
    from image.names import short

    image = Gimp.Image.new(8, 8, Gimp.ImageBaseType.RGB)
    assert short(image) == image.get_name()
    image.set_file(Gio.File.new_for_path("/frames/two.xcf"))
    assert short(image) == "two.xcf"


def test_who_looks_best_already_stays(call: Call, frame: Gimp.Image, segmented: Gimp.Image) -> None:
    assert "best in this photo" in failed(call(BEST, frame, None, parts="mouth", steps=2))
    assert len(frame.get_layers()) == 1


def test_without_other_frames_it_says_so(call: Call, frame: Gimp.Image) -> None:
    assert "open the other photos" in failed(call(BEST, frame, None))
    stranger()
    assert "found again" in failed(call(BEST, frame, None))


@pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")
def test_a_frame_is_taken_by_hand(call: Call, segmented: Gimp.Image, frame: Gimp.Image) -> None:
    """Not what is suggested: the other photo smiles less."""

    def take_the_other() -> None:
        wait_for("Best Take")
        if PICTURES:
            screenshot(Path(PICTURES) / "best-take.png")
        press("Right", "space")  # from this photo's face to the other frame's
        finish("Best Take", "alt+t")

    with user(take_the_other):
        report = succeeded(call(BEST, frame, None, run_mode=ASK, steps=2))
    (taken,) = report["taken"]
    assert taken["from"] == segmented.get_name()
    assert frame.get_layers()[0].get_name() == taken["layer"]


def test_the_same_edits_in_all_open_images(
    call: Call, segmented: Gimp.Image, frame: Gimp.Image
) -> None:
    image, other = segmented, stranger()
    assert "choose some" in failed(call(EVERYWHERE, image, None))
    succeeded(call(APPLY, image, None, edit="smile", scale=0.5))
    succeeded(call(APPLY, frame, None, edit="bigger-eyes", scale=0.25))
    report = succeeded(call(EVERYWHERE, image, None))
    assert [one["image"] for one in report["images"]] == [frame.get_name()]
    (layer,) = frame.get_layers()[:-1]  # what was there is in it, not beside it
    assert "Smile 0.5" in layer.get_name() and "0.25" in layer.get_name()
    assert len(other.get_layers()) == 1


def test_a_frame_that_is_closed_while_one_chooses(
    plug_in: None, segmented: Gimp.Image, frame: Gimp.Image
) -> None:
    """Nothing is taken from it; the other images get the same edits all the same."""
    from commands import best_take, everywhere, series
    from image import stacks
    from link.errors import PlugInError
    from link.session import Session
    from windows.views import LabelView

    third = frame.duplicate()
    with Session(LabelView(str)) as session:
        takes = best_take.look(session, frame, [])
        closed = next(one for one in takes.frames[0] if one.image == segmented)
        open_still = next(one for one in takes.frames[0] if one.image == third)
        name = closed.image_name
        segmented.delete()
        with pytest.raises(PlugInError, match="closed meanwhile"):
            best_take.take(session, takes, [closed], "mouth", 2)
        assert len(frame.get_layers()) == 1
        ((_face, subject),) = series.embedded(session, [open_still], (0.0, 1.0))
        entry = stacks.painted("Painted", ("nose",), subject.w_plus)
        stack = stacks.Stack(subject.bundle, subject.sha, entries=(entry,))
        report = everywhere.put(session, stack, [closed, open_still])
    assert list(report["failed"]) == [name]
    assert len(report["images"]) == 1 and len(third.get_layers()) == 2


@pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")
def test_somebody_unticked_is_left_alone(
    call: Call, segmented: Gimp.Image, frame: Gimp.Image
) -> None:
    third = frame.duplicate()
    succeeded(call(APPLY, segmented, None, edit="smile", scale=0.5))

    def untick_the_first() -> None:
        wait_for("Same Edits in All Open Images")
        if PICTURES:
            screenshot(Path(PICTURES) / "everywhere.png")
        press("space")
        finish("Same Edits in All Open Images", "alt+a")

    with user(untick_the_first):
        succeeded(call(EVERYWHERE, segmented, None, run_mode=ASK))
    assert len(frame.get_layers()) == 1
    assert len(third.get_layers()) == 2
