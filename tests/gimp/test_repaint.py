"""Apply Repaint and Save as Edit, in a real GIMP with the real backend."""

from collections.abc import Callable
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import (
    APPLY,
    REPAINT,
    SAVE,
    alpha,
    differences,
    failed,
    fill,
    load,
    names,
    offsets,
    part_group,
    parts_by_size,
    pixels,
    projection,
    save,
    size,
    succeeded,
)

Call = Callable[..., Gimp.ValueArray]
STEPS = 2


def test_adds_one_layer_between_photo_and_parts(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    group, photo = names(image)
    report = succeeded(call(REPAINT, image, None, steps=STEPS, name="Bigger"))
    assert names(image) == [group, "Bigger", photo]
    assert report["layer"] == "Bigger"
    assert report["edited_parts"] == ["nose"]  # the smallest one, which was made larger
    assert not part_group(image).get_visible()


@pytest.mark.parametrize(
    "precision",
    [
        Gimp.Precision.U8_NON_LINEAR,
        Gimp.Precision.U16_NON_LINEAR,
        Gimp.Precision.U16_LINEAR,
        Gimp.Precision.FLOAT_LINEAR,
    ],
)
def test_outside_the_result_the_photo_is_the_same_to_the_byte(
    call: Call, repainted: Gimp.Image, precision: Gimp.Precision
) -> None:
    image = repainted
    if image.get_precision() != precision:
        image.convert_precision(precision)
    part_group(image).set_visible(False)
    before = projection(image)
    succeeded(call(REPAINT, image, None, steps=STEPS))
    assert image.get_precision() == precision
    outside, inside = differences(before, projection(image), image, image.get_layers()[1])
    assert outside == 0
    assert inside > 0


def test_result_lies_within_the_photo(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    succeeded(call(REPAINT, image, None, steps=STEPS))
    layer = image.get_layers()[1]
    (x, y), (w, h) = offsets(layer), size(layer)
    assert x >= 0 and y >= 0 and x + w <= image.get_width() and y + h <= image.get_height()
    assert max(alpha(layer)) > 0


def test_unpainted_parts_are_no_edit(call: Call, segmented: Gimp.Image) -> None:
    image = segmented
    assert failed(call(REPAINT, image, None, steps=STEPS))
    assert len(image.get_layers()) == 2
    assert part_group(image).get_visible()


def test_visibility_and_names_of_part_layers_do_not_matter(
    call: Call, segmented: Gimp.Image
) -> None:
    image = segmented
    for number, layer in enumerate(part_group(image).get_children()):
        layer.set_visible(False)
        layer.set_opacity(30)
        layer.set_name(f"renamed {number}")
    assert "paint" in failed(call(REPAINT, image, None, steps=STEPS)).lower()


def test_erasing_a_part_is_an_edit(call: Call, segmented: Gimp.Image) -> None:
    image = segmented
    layer = parts_by_size(image)[0]
    fill(layer, (0, 0, *size(layer)), False)
    report = succeeded(call(REPAINT, image, None, steps=STEPS))
    assert report["edited_parts"] == [layer.get_name()]


def test_deleting_a_part_layer_is_erasing(call: Call, segmented: Gimp.Image) -> None:
    image = segmented
    layer = parts_by_size(image)[0]
    name = layer.get_name()
    image.remove_layer(layer)
    report = succeeded(call(REPAINT, image, None, steps=STEPS))
    assert report["edited_parts"] == [name]


def test_moving_and_scaling_a_part_layer_is_an_edit(call: Call, segmented: Gimp.Image) -> None:
    image = segmented
    layer = parts_by_size(image)[0]
    x, y = offsets(layer)
    layer.scale(round(layer.get_width() * 1.3), round(layer.get_height() * 1.3), True)
    layer.set_offsets(x, y - 12)
    report = succeeded(call(REPAINT, image, None, steps=STEPS))
    assert report["edited_parts"] == [layer.get_name()]


def test_mask_on_a_part_layer_counts(call: Call, segmented: Gimp.Image) -> None:
    image = segmented
    layer = parts_by_size(image)[0]
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.BLACK))
    report = succeeded(call(REPAINT, image, None, steps=STEPS))
    assert report["edited_parts"] == [layer.get_name()]


def test_added_layer_counts_by_its_name(call: Call, segmented: Gimp.Image) -> None:
    image = segmented
    original = parts_by_size(image)[0]
    stroke = Gimp.Layer.new(
        image, original.get_name(), 60, 40, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL
    )
    image.insert_layer(stroke, part_group(image), 0)
    fill(stroke, (0, 0, 60, 40), True)
    stroke.set_offsets(*offsets(original))
    report = succeeded(call(REPAINT, image, None, steps=STEPS))
    assert report["edited_parts"] == [original.get_name()]


def test_moved_photo_takes_its_result_along(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    succeeded(call(REPAINT, image, None, steps=STEPS))
    x, y = offsets(image.get_layers()[1])
    image.remove_layer(image.get_layers()[1])
    image.resize(image.get_width() + 90, image.get_height() + 60, 50, 30)
    succeeded(call(REPAINT, image, None, steps=STEPS))
    assert offsets(image.get_layers()[1]) == (x + 50, y + 30)


def test_second_repaint_takes_the_place_of_the_first(call: Call, repainted: Gimp.Image) -> None:
    """It holds all that is painted."""
    image = repainted
    group, photo = names(image)
    succeeded(call(REPAINT, image, None, steps=STEPS, name="one"))
    succeeded(call(REPAINT, image, None, steps=STEPS, name="two"))
    assert names(image) == [group, "two", photo]


def test_greyscale(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    image.convert_grayscale()
    part_group(image).set_visible(False)
    before = projection(image)
    succeeded(call(REPAINT, image, None, steps=STEPS))
    assert image.get_base_type() == Gimp.ImageBaseType.GRAY
    assert differences(before, projection(image), image, image.get_layers()[1])[0] == 0


@pytest.mark.parametrize("precision", [Gimp.Precision.U8_NON_LINEAR, Gimp.Precision.U16_LINEAR])
def test_transparent_places_of_the_photo_stay_transparent(
    call: Call, repainted: Gimp.Image, precision: Gimp.Precision
) -> None:
    image = repainted
    if image.get_precision() != precision:
        image.convert_precision(precision)
    photo = image.get_layers()[-1]
    photo.add_alpha()
    hole = (0, 0, image.get_width() // 2, image.get_height())
    fill(photo, hole, False)
    succeeded(call(REPAINT, image, None, steps=STEPS))
    result = image.get_layers()[1]
    (x, _y), (width, _h) = offsets(result), size(result)
    columns = max(0, hole[2] - x)
    shown = alpha(result)
    assert columns > 0
    assert not any(any(shown[column::width]) for column in range(min(columns, width)))


def test_works_again_after_xcf_and_a_new_backend(
    call: Call, repainted: Gimp.Image, kill_backend: Callable[[], None], tmp_path: Path
) -> None:
    image = repainted
    save(image, tmp_path / "a.xcf")
    kill_backend()
    again = load(tmp_path / "a.xcf")
    succeeded(call(REPAINT, again, None, steps=STEPS, name="later"))
    assert again.get_layers()[1].get_name() == "later"


def test_edited_photo_is_sent_again(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    photo = image.get_layers()[-1]
    fill(photo, (0, 0, 200, 200), True)
    before = pixels(photo)
    succeeded(call(REPAINT, image, None, steps=STEPS))
    assert pixels(photo) == before


def test_what_was_learnt_can_be_saved_and_applied(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    succeeded(call(REPAINT, image, None, steps=STEPS))
    report = succeeded(call(SAVE, image, None, name="of a test", description="grown"))
    again = succeeded(call(APPLY, image, None, edit=report["saved_as"], scale=0.5))
    assert again["layer"] == "Repaint + of a test 0.5"


def test_repaint_can_save_at_once(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    report = succeeded(call(REPAINT, image, None, steps=STEPS, save_as="at once"))
    assert report["saved_as"] == "at-once"


def test_nothing_to_save(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    assert "Apply Repaint" in failed(call(SAVE, image, None, name="x"))


def test_with_last_values(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    values = call(REPAINT, image, None, run_mode=Gimp.RunMode.WITH_LAST_VALS)
    assert succeeded(values)["layer"]
