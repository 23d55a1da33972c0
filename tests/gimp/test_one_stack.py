"""One result for each person: repaints, borrowed parts and presets are entries of one stack."""

import json
from collections.abc import Callable
from operator import sub
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import (
    APPLY,
    BORROW,
    PORTRAIT,
    REPAINT,
    differences,
    load,
    names,
    part_group,
    pixels,
    projection,
    save,
    size,
    succeeded,
)
from gimp_workbench import turn, workbench

Call = Callable[..., Gimp.ValueArray]
STACK = "editgan-stack"
FORMER = Path("tests/data/former-version.xcf.xz")  # see test_former_version.py


@pytest.fixture
def other() -> Gimp.Image:
    image = load(PORTRAIT)
    image.scale(image.get_width(), round(image.get_height() * 1.06))
    return image


def results(image: Gimp.Image) -> list[Gimp.Layer]:
    return [x for x in image.get_layers() if x.get_parasite("editgan-result")]


def entries(layer: Gimp.Layer) -> list[dict[str, Any]]:
    return json.loads(bytes(layer.get_parasite(STACK).get_data()))["record"]["entries"]


def kinds(layer: Gimp.Layer) -> list[tuple[str, str, bool]]:
    """Of each entry its kind, its title, and whether it has pixels of its own."""
    return [(e["kind"], e["title"], e["patch"] is not None) for e in entries(layer)]


def distance(one: bytes, other: bytes) -> int:
    """How far two pictures of 8 bits are apart, all channels together."""
    return sum(map(abs, map(sub, one, other)))


def test_all_kinds_of_edits_are_one_layer_and_come_back(
    call: Call, repainted: Gimp.Image, other: Gimp.Image, tmp_path: Path
) -> None:
    image = repainted
    part_group(image).set_visible(False)
    before = projection(image)
    succeeded(call(APPLY, image, None, edit="smile", scale=0.5))
    succeeded(call(REPAINT, image, None, steps=2))
    succeeded(call(BORROW, image, None, other=other, parts="eyes", steps=2))
    succeeded(call(BORROW, image, None, other=other, parts="mouth", take="shape", steps=2))
    (layer,) = results(image)
    wanted = [
        ("borrow", "Borrowed mouth", False),
        ("borrow", "Borrowed eyes", True),
        ("edit", "Smile", False),
        ("repaint", "Repaint", False),
    ]
    assert kinds(layer) == wanted
    assert layer.get_name() == "Borrowed mouth + Borrowed eyes + Smile 0.5 + 1 more"
    outside, inside = differences(before, projection(image), image, layer)
    assert outside == 0 and inside > 0

    file = tmp_path / "stack.xcf"
    save(image, file)
    again = load(file)
    shown = pixels(results(again)[0])
    succeeded(call(APPLY, again, None, edit="smile", scale=0.25))
    succeeded(call(APPLY, again, None, edit="smile", scale=0.5))
    (layer,) = results(again)
    assert sorted(kinds(layer)) == sorted(wanted)
    assert pixels(layer) == shown  # nothing is lost on the way, nor added


def test_borrowed_pixels_alone_are_what_was_borrowed(
    call: Call, segmented: Gimp.Image, other: Gimp.Image
) -> None:
    """Another entry far from them leaves them as they are."""
    succeeded(call(BORROW, segmented, None, other=other, parts="eyes", steps=2))
    (eyes,) = results(segmented)
    (entry,) = entries(eyes)
    assert size(eyes) == tuple(entry["patch"]["rect"][2:])
    succeeded(call(BORROW, segmented, None, other=other, parts="eyes", steps=2))
    assert len(entries(results(segmented)[0])) == 1  # the same parts again: in its place


def test_what_the_former_version_made_becomes_one_layer(call: Call) -> None:
    image = load(FORMER)
    hidden = [x.get_name() for x in results(image) if not x.get_visible()]
    succeeded(call(APPLY, image, None, edit="smile", scale=0.25))
    shown = [x for x in results(image) if x.get_visible()]
    assert [x.get_name() for x in results(image) if not x.get_visible()] == hidden
    (layer,) = shown
    assert hidden == ["Repaint"]  # as it was left
    assert kinds(layer) == [("borrow", "Borrowed mouth", True), ("edit", "Smile", False)]


def test_strength_switch_order_and_bin_of_borrowed_and_painted_entries(
    call: Call, repainted: Gimp.Image, other: Gimp.Image
) -> None:
    """What the window's sliders, ticks, arrows and bins do, on the real workbench."""
    image = repainted
    succeeded(call(REPAINT, image, None, steps=2))
    succeeded(call(BORROW, image, None, other=other, parts="eyes", steps=2))
    succeeded(call(BORROW, image, None, other=other, parts="mouth", steps=2))
    with workbench(image) as bench:
        from image import stacks

        turn(lambda: bench.person and bench.person.is_open)
        person = bench.person
        assert person is not None and person.stack is not None
        assert [e.kind for e in person.stack.entries] == ["borrow", "borrow", "repaint"]

        def kept(stack: stacks.Stack) -> tuple[list[dict[str, Any]], bytes]:
            """The layer's entries, and what the image shows, once it is written."""
            done = bench.faces_kept
            bench.set_stack(stack)
            bench.keep()
            turn(lambda: bench.faces_kept > done)
            (layer,) = results(image)
            return entries(layer), projection(image)

        whole = projection(image)
        its, half = kept(stacks.set_scale(person.stack, 0, 0.5))
        assert its[0]["scale"] == 0.5
        its, off = kept(stacks.switched(person.stack, 0, False))
        assert not its[0]["on"] and its[0]["scale"] == 0.5
        assert 0 < distance(half, off) < distance(whole, off)
        its, moved = kept(stacks.moved(person.stack, 0, 1))
        assert [entry["title"] for entry in its][:2] == ["Borrowed eyes", "Borrowed mouth"]
        assert moved == off  # one of the two is off, so the order does not show
        its, _shown = kept(stacks.without(person.stack, 2))
        assert [entry["kind"] for entry in its] == ["borrow", "borrow"]
        bench.set_stack(stacks.Stack(person.stack.bundle, person.stack.sha))
        bench.keep()
        turn(lambda: not results(image))
        assert names(image)[-1] == bench.photo.layer.get_name()
