"""Apply Edit, in a real GIMP with the real backend and an edit that a repaint has taught."""

import json
from collections.abc import Callable
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import (
    APPLY,
    PORTRAIT,
    REPAINT,
    differences,
    failed,
    grow,
    load,
    names,
    part_group,
    parts_by_size,
    projection,
    succeeded,
)

Call = Callable[..., Gimp.ValueArray]


@pytest.fixture(scope="module")
def edit(call: Call, segmented_file: Path) -> str:
    """The name of an edit in the library."""
    image = load(segmented_file)
    grow(parts_by_size(image)[0])
    report = succeeded(call(REPAINT, image, None, steps=2, save_as="learnt for apply"))
    image.delete()
    return report["saved_as"]


def test_photo_that_was_never_segmented(call: Call, edit: str) -> None:
    image = load(PORTRAIT)
    before = projection(image)
    photo = image.get_layers()[0].get_name()
    succeeded(call(APPLY, image, image.get_layers(), edit=edit))
    assert names(image) == [f"{edit} 1.0", photo]
    outside, inside = differences(before, projection(image), image, image.get_layers()[0])
    assert outside == 0
    assert inside > 0


def test_segmented_photo_keeps_its_parts(call: Call, edit: str, segmented: Gimp.Image) -> None:
    image = segmented
    group, photo = names(image)
    succeeded(call(APPLY, image, None, edit=edit, scale=-0.25))
    assert names(image) == [group, f"{edit} -0.25", photo]
    assert part_group(image).get_visible()


def test_other_scale_hides_the_earlier_layer(call: Call, edit: str, segmented: Gimp.Image) -> None:
    image = segmented
    succeeded(call(APPLY, image, image.get_layers(), edit=edit, scale=0.5))
    succeeded(call(APPLY, image, None, edit=edit, scale=1.5, refine=1))
    _group, top, earlier, _photo = image.get_layers()
    assert top.get_name() == f"{edit} 1.5"
    assert not earlier.get_visible()


def test_stack_is_kept_with_the_image(call: Call, edit: str, segmented: Gimp.Image) -> None:
    image = segmented
    succeeded(call(APPLY, image, image.get_layers(), edit=edit, scale=0.5))
    document = json.loads(bytes(image.get_parasite("editgan-state").get_data()))
    (kept,) = document["record"]["stack"]
    assert (kept["name"], kept["scale"]) == (edit, 0.5)
    assert kept["parts"]
    number = image.get_layers()[1].get_parasite("editgan-number")
    assert str(kept["layer"]).encode() == bytes(number.get_data())


@pytest.mark.parametrize("name", ["", "no such edit"])
def test_unknown_edit(call: Call, name: str, edit: str) -> None:
    image = load(PORTRAIT)
    assert failed(call(APPLY, image, image.get_layers(), edit=name))
    assert len(image.get_layers()) == 1
