"""Borrow from Another Photo, in a real GIMP with the real backend."""

import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import GdkPixbuf, Gimp
from gimp_helpers import (
    APPLY,
    BORROW,
    PORTRAIT,
    REPAINT,
    SAVE,
    SEGMENT,
    differences,
    failed,
    load,
    names,
    part_group,
    pixels,
    projection,
    succeeded,
)
from gimp_windows import finish, screenshot, user, wait_for

Call = Callable[..., Gimp.ValueArray]
PICTURES = os.environ.get("EDITGAN_TEST_PICTURES")


@pytest.fixture
def other() -> Gimp.Image:
    """The portrait's left side, squeezed: another expression of a sort, not segmented."""
    image = load(PORTRAIT)
    image.scale(image.get_width(), round(image.get_height() * 1.06))
    return image


@pytest.mark.parametrize("take", ["look", "shape"])
def test_borrows_into_a_layer_of_its_own(
    call: Call, segmented: Gimp.Image, other: Gimp.Image, take: str
) -> None:
    image = segmented
    part_group(image).set_visible(False)
    before = projection(image)
    report = succeeded(call(BORROW, image, None, other=other, parts="eyes", take=take, steps=2))
    assert names(image)[1] == report["layer"] == "Borrowed eyes"
    assert len(other.get_layers()) == 1  # the lender stays as it was
    assert not any(name.startswith("editgan") for name in other.get_parasite_list())
    outside, inside = differences(before, projection(image), image, image.get_layers()[1])
    assert outside == 0
    assert inside > 0 or take == "shape"  # which hardly moves in two steps
    assert succeeded(call(SAVE, image, None, name=f"borrowed {take}"))["parts"]


def test_in_deep_images_borrowed_pixels_look_as_they_do_in_others(
    call: Call, segmented_file: Path, other: Gimp.Image
) -> None:
    """And so does what an edit of the library makes of them."""
    looks = []
    for precision in (Gimp.Precision.U8_NON_LINEAR, Gimp.Precision.U16_NON_LINEAR):
        image = load(segmented_file)
        for one in (image, other):
            if one.get_precision() != precision:
                one.convert_precision(precision)
        part_group(image).set_visible(False)
        before = projection(image)
        succeeded(call(BORROW, image, None, other=other, parts="eyes", steps=2))
        succeeded(call(APPLY, image, None, edit="smile"))
        outside, inside = differences(before, projection(image), image, image.get_layers()[1])
        assert outside == 0 and inside > 0
        seen = Gimp.Layer.new_from_visible(image, image, "seen")
        looks.append(pixels(seen, "R'G'B' u8"))
    one, deep = looks
    assert sum(abs(a - b) for a, b in zip(one, deep, strict=True)) < len(one)  # one step each


def test_only_the_same_parts_are_replaced(
    call: Call, repainted: Gimp.Image, other: Gimp.Image
) -> None:
    image = repainted
    succeeded(call(REPAINT, image, None, steps=2))
    part_group(image).set_visible(True)
    for parts in ("mouth", "eyes", "mouth"):
        succeeded(call(BORROW, image, None, other=other, parts=parts, steps=2))
    assert names(image)[1:-1] == ["Borrowed mouth + Borrowed eyes + Repaint"]
    assert not part_group(image).get_visible()
    succeeded(call(REPAINT, image, None, steps=2, name="again"))
    assert names(image)[1:-1] == ["Borrowed mouth + Borrowed eyes + again"]


def test_both_photos_are_sent_again(
    call: Call, segmented: Gimp.Image, other: Gimp.Image, kill_backend: Callable[[], None]
) -> None:
    succeeded(call(SEGMENT, other, None))
    kill_backend()
    report = succeeded(call(BORROW, segmented, None, other=other, parts="eyes", steps=2))
    assert names(segmented)[1] == report["layer"]


def test_what_cannot_be_borrowed_is_told(
    call: Call, segmented: Gimp.Image, other: Gimp.Image
) -> None:
    image = segmented
    assert "another open image" in failed(call(BORROW, image, None, parts="eyes"))
    assert "another open image" in failed(call(BORROW, image, None, other=image, parts="eyes"))
    assert "no part was chosen" in failed(call(BORROW, image, None, other=other, parts="")).lower()
    assert "antenna" in failed(call(BORROW, image, None, other=other, parts="eyes, antenna"))
    blank = Gimp.Image.new(64, 64, Gimp.ImageBaseType.RGB)
    assert "no layer with a photo" in failed(call(BORROW, blank, None, other=image, parts="eyes"))


def test_a_photo_need_not_be_segmented_before(
    call: Call, segmented_file: Path, other: Gimp.Image
) -> None:
    """As with the edit library; the face that borrows is remembered with its stack."""
    image = load(PORTRAIT)
    report = succeeded(call(BORROW, image, None, other=load(segmented_file), parts="eyes", steps=2))
    assert names(image)[0] == report["layer"] == "Borrowed eyes"
    assert len(image.get_layers()) == 2


def test_somebody_who_stands_elsewhere_is_not_taken_for_the_other(
    call: Call, segmented_file: Path, plug_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two people the other frame may know the wrong one only: the right one is looked for."""
    from commands import borrow
    from image import state, subjects
    from link.session import Session
    from windows.views import LabelView

    image, frame = load(segmented_file), load(segmented_file)
    (mine,) = subjects.all_of(image)
    asked: list[str] = []
    ask = Session.request

    def note(session: Session, message: object, *span: tuple[float, float]) -> object:
        asked.append(type(message).__name__)
        return ask(session, message, *span)

    monkeypatch.setattr(Session, "request", note)
    with Session(LabelView(str)) as session:
        _photo, theirs = borrow._subject_of(session, frame, mine)
        assert asked == [] and theirs == mine
        moved = tuple(value + 200.0 * (place % 2 == 0) for place, value in enumerate(mine.quad))
        elsewhere = replace(mine, quad=moved, look=None)
        frame.detach_parasite(state.STATE)
        subjects.keep(frame, frame.get_layers()[-1], elsewhere, [])
        _photo, theirs = borrow._subject_of(session, frame, mine)
    assert "Detect" in asked
    assert math.dist(subjects.centre(theirs.quad), subjects.centre(mine.quad)) < 4


@pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")
def test_dialog_shows_the_other_photo(
    call: Call, segmented: Gimp.Image, other: Gimp.Image, tmp_path: Path
) -> None:
    small = other.get_thumbnail(192, 192, Gimp.PixbufTransparency.SMALL_CHECKS)
    start = small.get_height() // 2 * small.get_rowstride()
    row = small.get_pixels()[start : start + 3 * small.get_width()]

    def act() -> None:
        wait_for("Borrow from Another Photo")
        seen = (Path(PICTURES) if PICTURES else tmp_path) / "borrow.png"
        screenshot(seen)
        assert row in GdkPixbuf.Pixbuf.new_from_file(str(seen)).get_pixels()
        finish("Borrow from Another Photo", "alt+b")

    with user(act):
        values = call(BORROW, segmented, None, run_mode=Gimp.RunMode.INTERACTIVE, steps=2)
    assert succeeded(values)["other"] == other.get_name()
