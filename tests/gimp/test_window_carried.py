"""The image is flipped, turned or cropped while the EditGAN window is open: the window goes on."""

import json
import math
import os
from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import APPLY, PORTRAIT, load, names, offsets, size, succeeded
from gimp_workbench import turn, workbench

Call = Callable[..., Gimp.ValueArray]
STACK = "editgan-stack"
SIDE = 512  # of the portrait

pytestmark = pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")


def flip(image: Gimp.Image) -> None:
    image.flip(Gimp.OrientationType.HORIZONTAL)


def turned(image: Gimp.Image) -> None:
    image.rotate(Gimp.RotationType.DEGREES90)


def crop(image: Gimp.Image) -> None:
    image.crop(430, 470, 40, 25)


PLACES = {
    flip: lambda x, y: (SIDE - x, y),
    turned: lambda x, y: (SIDE - y, x),
    crop: lambda x, y: (x - 40, y - 25),
}


def middle(layer: Gimp.Layer) -> tuple[float, float]:
    (x, y), (w, h) = offsets(layer), size(layer)
    return x + w / 2, y + h / 2


def stack_layer(image: Gimp.Image) -> Gimp.Layer:
    (layer,) = [layer for layer in image.get_layers() if layer.get_parasite(STACK)]
    return layer


def entries(layer: Gimp.Layer) -> list[dict[str, Any]]:
    return json.loads(bytes(layer.get_parasite(STACK).get_data()))["record"]["entries"]


@pytest.mark.parametrize("act", PLACES, ids=lambda act: act.__name__)
def test_sliders_and_result_go_along(call: Call, act: Callable[[Gimp.Image], None]) -> None:
    """What is kept, and what is not kept yet."""
    image = load(PORTRAIT)
    succeeded(call(APPLY, image, None, edit="smile", scale=0.5))
    before = middle(stack_layer(image))
    with workbench(image) as bench:
        from image import stacks

        turn(lambda: bench.person and bench.person.is_open)
        person = bench.person
        bench.set_stack(stacks.set_scale(person.stack, 0, 0.75))
        turn(lambda: person.edited_stack == person.stack)
        quad = person.quad
        act(image)
        turn(lambda: person.quad != quad and person.is_open)
        turn(lambda: person.edited_stack == person.stack)
        bench.keep()
        turn(lambda: bench.faces_kept)
    layer = stack_layer(image)
    assert [(e["title"], e["scale"]) for e in entries(layer)] == [("Smile", 0.75)]
    assert math.dist(middle(layer), PLACES[act](*before)) < 14
    assert len(names(image)) == 2


def test_a_face_that_the_image_does_not_remember_goes_along_and_leaves_no_path(
    call: Call,
) -> None:
    image = load(PORTRAIT)
    with workbench(image) as bench:
        turn(lambda: bench.person and bench.person.is_open)
        person = bench.person
        (x, y), _name = person.middle, names(image)
        crop(image)
        turn(lambda: math.dist(person.middle, (x - 40, y - 25)) < 2 and person.is_open)
    assert not image.get_paths()


@pytest.mark.parametrize("act", PLACES, ids=lambda act: act.__name__)
@pytest.mark.parametrize("slot", ["people", "open"])
def test_a_face_goes_along_while_it_is_looked_for_or_opened(
    call: Call, slot: str, act: Callable[[Gimp.Image], None]
) -> None:
    """Sent as it was before, known at the place of after."""
    image = load(PORTRAIT)
    with workbench(image) as bench:
        turn(lambda: bench.person and bench.person.is_open)
        wanted = PLACES[act](*bench.person.middle)
    image = load(PORTRAIT)
    with workbench(image) as bench:
        turn(lambda: bench.asking and bench.asking.busy(slot))
        act(image)
        turn(lambda: bench.person and bench.person.is_open)
        turn(lambda: math.dist(bench.person.middle, wanted) < 4 and bench.person.is_open)
    assert not image.get_paths()


def test_a_face_that_is_gone_is_told_once(call: Call) -> None:
    image = load(PORTRAIT)
    with workbench(image) as bench:
        turn(lambda: bench.person and bench.person.is_open)
        problems = bench.shown.problems
        bench.photo.layer.fill(Gimp.FillType.WHITE)
        turn(lambda: problems)
        waited = []
        from gi.repository import GLib

        GLib.timeout_add(2500, lambda: waited.append(1) and GLib.SOURCE_REMOVE)
        turn(lambda: waited)
        (sentence,) = problems
        assert "not found again" in sentence
        problems.clear()
