"""The stack of library edits without its dialog, in a real GIMP with the real backend."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gegl, Gimp
from gimp_helpers import (
    APPLY,
    PORTRAIT,
    REPAINT,
    differences,
    failed,
    grow,
    load,
    names,
    offsets,
    part,
    part_group,
    parts_by_size,
    pixels,
    projection,
    save,
    saved_edit,
    shown_by,
    succeeded,
)

Call = Callable[..., Gimp.ValueArray]
STACK = "editgan-stack"


@pytest.fixture(scope="module")
def edit(call: Call, segmented_file: Path) -> str:
    """The name of an edit in the library, whose title is `Learnt for apply`."""
    return saved_edit(call, segmented_file, "Learnt for apply")


@pytest.fixture(scope="module")
def other(call: Call, segmented_file: Path) -> str:
    return saved_edit(call, segmented_file, "Another", 1)


def kept_stack(layer: Gimp.Layer) -> dict:
    return json.loads(bytes(layer.get_parasite(STACK).get_data()))["record"]


def test_photo_that_was_never_segmented(call: Call, edit: str) -> None:
    image = load(PORTRAIT)
    before = projection(image)
    photo = image.get_layers()[0].get_name()
    succeeded(call(APPLY, image, image.get_layers(), edit=edit))
    assert names(image) == ["Learnt for apply 1.0", photo]
    outside, inside = differences(before, projection(image), image, image.get_layers()[0])
    assert outside == 0
    assert inside > 0


def test_segmented_photo_keeps_its_parts(call: Call, edit: str, segmented: Gimp.Image) -> None:
    image = segmented
    group, photo = names(image)
    succeeded(call(APPLY, image, None, edit=edit, scale=-0.25))
    assert names(image) == [group, "Learnt for apply -0.25", photo]
    assert not part_group(image).get_visible()  # else paint would lie over the result


def test_it_contains_the_repaint(call: Call, segmented: Gimp.Image) -> None:
    """Nothing is lost where both change the photo."""
    image = segmented
    grow(part(image, "upper lip"))
    succeeded(call(REPAINT, image, None, steps=4))
    succeeded(call(APPLY, image, None, edit="smile"))
    (layer,) = image.get_layers()[1:-1]
    assert layer.get_name() == "Repaint + Smile 1.0"
    both = pixels(layer, "R'G'B'A u8")
    assert both[3::4].count(255) > 300
    image.remove_layer(layer)
    succeeded(call(APPLY, image, None, edit="smile"))
    without = image.get_layers()[1]
    assert without.get_name() == "Smile 1.0"
    assert both != pixels(without, "R'G'B'A u8")


def test_a_repaint_goes_on_when_the_stack_is_changed(call: Call, segmented: Gimp.Image) -> None:
    image = segmented
    succeeded(call(APPLY, image, None, edit="smile", scale=0.5))
    grow(part(image, "upper lip"))
    succeeded(call(REPAINT, image, None, steps=2))
    both = pixels(image.get_layers()[1], "R'G'B'A u8")
    succeeded(call(APPLY, image, None, edit="smile", scale=0.25))
    succeeded(call(APPLY, image, None, edit="smile", scale=0.5))
    assert names(image)[1:-1] == ["Repaint + Smile 0.5"]
    assert pixels(image.get_layers()[1], "R'G'B'A u8") == both


def test_a_stack_is_one_layer_with_all_its_edits(
    call: Call, edit: str, other: str, segmented: Gimp.Image
) -> None:
    image = segmented
    wanted = json.dumps([{"edit": edit, "scale": 0.5}, {"edit": other}])
    report = succeeded(call(APPLY, image, None, edits=wanted, refine=1))
    assert [(e["edit"], e["scale"]) for e in report["edits"]] == [(edit, 0.5), (other, 1.0)]
    layer = image.get_layers()[1]
    assert layer.get_name() == report["layer"] == "Learnt for apply 0.5 + Another 1.0"
    record = kept_stack(layer)
    assert record["refine"] == 1
    assert [e["title"] for e in record["entries"]] == ["Learnt for apply", "Another"]
    assert all(e["parts"] for e in record["entries"])
    document = json.loads(bytes(layer.get_parasite(STACK).get_data()))
    assert len(document["rasters"]) == 2  # both vectors


def test_changing_the_stack_replaces_its_layer_and_no_other(
    call: Call, edit: str, other: str, segmented: Gimp.Image
) -> None:
    image = segmented
    grow(parts_by_size(image)[0])
    succeeded(call(REPAINT, image, None, steps=2, name="mine"))
    succeeded(call(APPLY, image, None, edit=edit, scale=0.5))
    first = next(layer for layer in image.get_layers() if layer.get_parasite(STACK))
    first.set_opacity(70)
    before = names(image)
    succeeded(call(APPLY, image, None, edits=json.dumps([{"edit": other, "scale": 1.5}])))
    after = names(image)
    (first_title,) = (name for name in before if "Learnt for apply" in name)
    assert first_title == "mine + Learnt for apply 0.5"
    assert after == ["mine + Another 1.5" if name == first_title else name for name in before]
    second = next(layer for layer in image.get_layers() if layer.get_parasite(STACK))
    assert round(second.get_opacity()) == 70


def test_what_was_painted_on_its_mask_stays(call: Call, edit: str, segmented: Gimp.Image) -> None:
    image = segmented
    part_group(image).set_visible(False)
    photo = projection(image)
    succeeded(call(APPLY, image, None, edit=edit))
    layer = image.get_layers()[1]
    mask, region = layer.get_mask(), shown_by(layer, image)
    half = layer.get_width() // 2
    mask.get_buffer().set(
        Gegl.Rectangle.new(0, 0, half, layer.get_height()), "Y u8", bytes(half * layer.get_height())
    )
    border = offsets(layer)[0] + half
    succeeded(call(APPLY, image, None, edit=edit, scale=1.5))
    after, depth, width = projection(image), len(photo) // len(region), image.get_width()
    changed = {
        at % width < border
        for at, within in enumerate(region)
        if within and photo[at * depth : (at + 1) * depth] != after[at * depth : (at + 1) * depth]
    }
    assert changed == {False}  # to the border's right only


def first_name(layers: list[str]) -> str:
    return next(name for name in layers if name.startswith("Learnt for apply"))


def test_the_stack_comes_back_from_a_file(
    call: Call, edit: str, segmented: Gimp.Image, tmp_path: Path
) -> None:
    succeeded(call(APPLY, segmented, None, edit=edit, scale=0.5))
    save(segmented, tmp_path / "later.xcf")
    again = load(tmp_path / "later.xcf")
    layer = next(layer for layer in again.get_layers() if layer.get_parasite(STACK))
    (entry,) = kept_stack(layer)["entries"]
    assert (entry["name"], entry["scale"]) == (edit, 0.5)
    succeeded(call(APPLY, again, None, edit=edit, scale=0.75))
    assert names(again)[1] == "Learnt for apply 0.75"
    assert len(names(again)) == 3


@pytest.mark.parametrize("name", ["", "no such edit"])
def test_unknown_edit(call: Call, name: str, edit: str) -> None:
    image = load(PORTRAIT)
    assert failed(call(APPLY, image, image.get_layers(), edit=name))
    assert len(image.get_layers()) == 1


@pytest.mark.parametrize(
    "text", ["smile", "[]", "{}", '["smile"]', '[{"edit": "smile", "scale": "x"}]', '[{"edit": 3}]']
)
def test_edits_that_are_not_a_list_of_edits(call: Call, text: str) -> None:
    image = load(PORTRAIT)
    assert failed(call(APPLY, image, image.get_layers(), edits=text)).endswith((".", "library."))
    assert len(image.get_layers()) == 1


def test_a_model_that_was_removed_is_told_and_the_stack_stays(
    call: Call, edit: str, segmented: Gimp.Image
) -> None:
    image = segmented
    succeeded(call(APPLY, image, None, edit=edit))
    before = names(image)
    text = bytes(image.get_parasite("editgan-state").get_data())
    gone = text.replace(b'"bundle": "faces"', b'"bundle": "gone"')
    assert gone != text
    image.attach_parasite(Gimp.Parasite.new("editgan-state", 3, gone))
    assert "“gone” is no longer installed" in failed(call(APPLY, image, None, edit=edit))
    assert names(image) == before
    image.attach_parasite(Gimp.Parasite.new("editgan-state", 3, text))
    succeeded(call(APPLY, image, None, edit=edit, scale=0.5))
    assert len(names(image)) == len(before)


def test_an_edit_of_another_generator_is_told(call: Call, edit: str, segmented: Gimp.Image) -> None:
    file = Path(os.environ["EDITGAN_HOME"], "library/faces", edit, "edit.json")
    text = file.read_text(encoding="utf-8")
    document = json.loads(text)
    file.write_text(json.dumps({**document, "generator_sha256": "0" * 64}), encoding="utf-8")
    try:
        sentence = failed(call(APPLY, segmented, None, edit=edit))
    finally:
        file.write_text(text, encoding="utf-8")
    assert "a different version of the model" in sentence
    assert len(names(segmented)) == 2
