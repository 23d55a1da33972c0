"""Photos of every kind: what the result changes, what it leaves alone, and how it looks."""

from array import array
from collections.abc import Callable
from dataclasses import replace
from operator import mul, sub
from pathlib import Path

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gegl, Gimp, Gio
from gimp_helpers import (
    APPLY,
    PORTRAIT,
    REPAINT,
    SEGMENT,
    alpha,
    differences,
    load,
    offsets,
    part_group,
    pixels,
    projection,
    result_layer,
    shown_by,
    size,
    succeeded,
)
from icc import display_p3

from gimp_harness import LEVEL
from protocol import settings

USUAL = settings.Settings(level=LEVEL)
Call = Callable[..., Gimp.ValueArray]
STEPS = 2
EXPORTS = {"jpg": "jpeg", "png": "png", "tif": "tiff", "webp": "webp"}
DECLARATION = b"digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
Precision = Gimp.Precision


def repaint(call: Call, image: Gimp.Image) -> Gimp.Layer:
    part_group(image).set_visible(False)
    succeeded(call(REPAINT, image, None, steps=STEPS))
    return result_layer(image)


def untouched_outside(call: Call, image: Gimp.Image) -> Gimp.Layer:
    """Repaint; all that the image shows outside the result must stay what it was."""
    part_group(image).set_visible(False)
    before = projection(image)
    result = repaint(call, image)
    outside, inside = differences(before, projection(image), image, result)
    assert outside == 0
    assert inside > 0
    return result


@pytest.mark.parametrize(
    "precision",
    [
        Precision.U16_PERCEPTUAL,
        Precision.FLOAT_NON_LINEAR,
    ],
)
def test_every_precision_is_kept_to_the_byte(
    call: Call, repainted: Gimp.Image, precision: Gimp.Precision
) -> None:
    repainted.convert_precision(precision)
    untouched_outside(call, repainted)
    assert repainted.get_precision() == precision


def to_profile(image: Gimp.Image, profile: Gimp.ColorProfile) -> None:
    intent = Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC
    assert image.convert_color_profile(profile, intent, False)


@pytest.mark.parametrize(
    ("name", "precision"), [("p3", Precision.U8_NON_LINEAR), ("adobe", Precision.U16_NON_LINEAR)]
)
def test_wide_gamuts_keep_their_look(
    call: Call, segmented_file: Path, name: str, precision: Gimp.Precision
) -> None:
    """The same edit in sRGB and in a wider space, looked at in sRGB: the same picture.

    An edit of the library: a repaint that stops after two steps may differ from itself, since its
    optimisation makes much of the last bits.
    """
    image, wide = load(segmented_file), load(segmented_file)
    for one in (image, wide):
        part_group(one).set_visible(False)
        if one.get_precision() != precision:
            one.convert_precision(precision)
    if name == "adobe":
        profile = Gimp.ColorProfile.new_rgb_adobe()
    else:
        profile = Gimp.ColorProfile.new_from_icc_profile(display_p3())
    to_profile(wide, profile)
    expected = pixels(smiling(call, image), "R'G'B'A u8")
    before = projection(wide)
    result = smiling(call, wide)
    # GIMP's own arithmetic in another space than sRGB may round the last of 16 bits anew
    allowed = 0 if precision == Precision.U8_NON_LINEAR else 1
    assert largest_change_outside(before, projection(wide), wide, result) <= allowed
    assert wide.get_color_profile().is_equal(profile)
    found = on_area_of(result, result_layer(image))
    close = [
        abs(a - b) <= 6
        for a, b, cover in zip(rgb(expected), rgb(found), covers(expected), strict=True)
        if cover == 255
    ]
    assert len(close) > 1000
    assert sum(close) >= 0.99 * len(close)


def smiling(call: Call, image: Gimp.Image) -> Gimp.Layer:
    succeeded(call(APPLY, image, None, edit="smile", scale=1.0))
    return result_layer(image)


def largest_change_outside(
    before: bytes, after: bytes, image: Gimp.Image, result: Gimp.Layer
) -> int:
    """By how many steps of the image's precision, 8 or 16 bits, the projection has changed."""
    inside = shown_by(result, image)
    kind = "H" if len(before) >= 6 * len(inside) else "B"
    old, new = array(kind, before), array(kind, after)
    channels = len(old) // len(inside)
    outside = [1 - within for within in inside]
    return max(
        max(map(mul, map(abs, map(sub, new[channel::channels], old[channel::channels])), outside))
        for channel in range(channels)
    )


def on_area_of(layer: Gimp.Layer, other: Gimp.Layer) -> bytes:
    """The layer's pixels where the other one lies on the canvas."""
    (x, y), (left, top) = offsets(other), offsets(layer)
    area = Gegl.Rectangle.new(x - left, y - top, *size(other))
    return layer.get_buffer().get(area, 1.0, "R'G'B'A u8", Gegl.AbyssPolicy.NONE)


def rgb(rgba: bytes) -> list[int]:
    return [value for channel in range(3) for value in rgba[channel::4]]


def covers(rgba: bytes) -> bytes:
    return rgba[3::4] * 3


def test_grey_with_alpha_and_16_bit(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    image.convert_grayscale()
    image.convert_precision(Precision.U16_NON_LINEAR)
    image.get_layers()[-1].add_alpha()
    result = untouched_outside(call, image)
    assert result.is_gray()


def test_layer_larger_than_the_canvas(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    image.resize(image.get_width() - 160, image.get_height() - 100, -80, -50)
    untouched_outside(call, image)


@pytest.mark.parametrize("mode", [Gimp.LayerMode.NORMAL, Gimp.LayerMode.PASS_THROUGH])
def test_photo_in_groups(call: Call, repainted: Gimp.Image, mode: Gimp.LayerMode) -> None:
    image = repainted
    photo = image.get_layers()[-1]
    inner = in_group(image, photo)
    inner.set_mode(mode)
    outer = in_group(image, inner)
    outer.set_opacity(70)
    result = untouched_outside(call, image)
    assert result.get_parent() == inner


def in_group(image: Gimp.Image, layer: Gimp.Layer) -> Gimp.GroupLayer:
    """A new group in the layer's place, with it inside."""
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, layer.get_parent(), image.get_item_position(layer))
    image.reorder_item(layer, group, 0)
    return group


def lock(layer: Gimp.Layer) -> None:
    for what in ("content", "position", "visibility"):
        getattr(layer, f"set_lock_{what}")(True)


def test_locked_layers(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    photo = image.get_layers()[-1]
    lock(in_group(image, photo))
    lock(photo)
    for layer in [part_group(image), *part_group(image).get_children()]:
        lock(layer)
    before = pixels(photo)
    untouched_outside(call, image)
    assert pixels(photo) == before
    succeeded(call(SEGMENT, image, None))


def test_hidden_photo(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    photo = image.get_layers()[-1]
    photo.set_visible(False)
    assert max(alpha(repaint(call, image))) == 255
    assert not photo.get_visible()


def test_what_a_layer_mask_hides_stays_hidden(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    photo = image.get_layers()[-1]
    photo.add_mask(photo.create_mask(Gimp.AddMaskType.BLACK))
    assert max(alpha(repaint(call, image))) == 0
    photo.set_apply_mask(False)
    assert max(alpha(repaint(call, image))) == 255


def test_filters_of_the_photo_are_in_the_result(call: Call, repainted: Gimp.Image) -> None:
    """A result lies above the photo, out of reach of the photo's own non-destructive filters."""
    image = repainted
    first = repaint(call, image)
    plain = mean_of(first)
    image.remove_layer(first)  # else it shows where the second one, of another photo, does not
    photo = image.get_layers()[-1]
    darker = Gimp.DrawableFilter.new(photo, "gegl:brightness-contrast", "darker")
    darker.get_config().set_property("brightness", -0.25)  # brighter skin would be cut off at white
    photo.append_filter(darker)
    darker.update()
    assert mean_of(untouched_outside(call, image)) < plain - 30


def mean_of(layer: Gimp.Layer) -> float:
    """The mean brightness of what a layer shows, 0..255."""
    weights = alpha(layer)
    values = zip(pixels(layer, "Y' u8"), weights, strict=True)
    return sum(value * weight for value, weight in values) / sum(weights)


def test_duplicated_image(call: Call, repainted: Gimp.Image) -> None:
    """GIMP deals layers new tattoos then."""
    first = repainted
    succeeded(call(REPAINT, first, None, steps=STEPS, name="first"))
    copy = first.duplicate()
    succeeded(call(REPAINT, copy, None, steps=STEPS, name="second"))
    shown = [layer.get_name() for layer in copy.get_layers() if layer.get_visible()]
    assert shown == ["second", copy.get_layers()[-1].get_name()]
    assert len(first.get_layers()) == 3


def test_duplicated_photo_layer(call: Call, repainted: Gimp.Image) -> None:
    image = repainted
    photo = image.get_layers()[-1]
    image.insert_layer(photo.copy(), None, 1)
    succeeded(call(REPAINT, image, None, steps=STEPS, name="result"))
    assert image.get_item_position(photo) == image.get_item_position(result_layer(image)) + 1


def test_portrait_lying_on_its_side(call: Call) -> None:
    """As a camera leaves it when nobody heeds its EXIF orientation."""
    image = load(PORTRAIT)
    image.rotate(Gimp.RotationType.DEGREES270)
    report = succeeded(call(SEGMENT, image, image.get_layers()))
    assert report["subjects"] == 1


def test_exported_files_say_how_they_were_made(
    call: Call, repainted: Gimp.Image, tmp_path: Path
) -> None:
    """By scripts that ask for XMP; those who use GIMP's dialogs: test_export.py."""
    image = repainted
    repaint(call, image)
    for suffix, name in EXPORTS.items():
        file = tmp_path / f"x.{suffix}"
        values = call(
            f"file-{name}-export", image, file=Gio.File.new_for_path(str(file)), include_xmp=True
        )
        assert values.index(0) == Gimp.PDBStatusType.SUCCESS
        assert DECLARATION in file.read_bytes(), suffix


def test_nothing_is_declared_if_the_user_does_not_want_it(
    call: Call, repainted: Gimp.Image
) -> None:
    settings.save(replace(USUAL, declare_ai=False))
    try:
        repaint(call, repainted)
    finally:
        settings.save(USUAL)
    metadata = repainted.get_metadata()
    assert metadata is None or "DigitalSourceType" not in metadata.serialize()
