"""Segment Parts, in a real GIMP with the real backend."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import (
    PORTRAIT,
    REPAINT,
    SEGMENT,
    alpha,
    fill,
    grow,
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
from icc import display_p3

Call = Callable[..., Gimp.ValueArray]


def test_adds_a_group_with_one_layer_for_each_part(call: Call) -> None:
    image = load(PORTRAIT)
    report = succeeded(call(SEGMENT, image, image.get_layers()))
    group = image.get_layers()[0]
    assert group.is_group()
    assert group.get_name().startswith("EditGAN parts")
    assert group.get_opacity() == 50.0
    assert [p.get_name() for p in group.get_children()] == report["layers"]
    assert all(any(alpha(layer)) for layer in group.get_children())  # only what the photo shows
    assert set(report["layers"]) <= set(report["parts"])
    assert (report["layers"][0], report["layers"][-1]) == ("left brow", "background")
    assert len(image.get_layers()) == 2
    (selected,) = image.get_selected_layers()
    assert selected == group.get_children()[0]


def test_part_layers_have_one_colour_each_and_lie_on_the_photo(
    call: Call, segmented: Gimp.Image
) -> None:
    image = segmented
    colours = set()
    for layer in part_group(image).get_children():
        data = pixels(layer, "R'G'B'A u8")
        assert {data[0::4].count(value) for value in set(data[0::4])} == {len(data) // 4}
        colours.add(data[:3])
        x, y = offsets(layer)
        assert x >= 0 and y >= 0
        assert x + layer.get_width() <= image.get_width()
        assert y + layer.get_height() <= image.get_height()
    assert len(colours) == len(part_group(image).get_children())


def test_parts_share_out_the_face(call: Call, segmented: Gimp.Image) -> None:
    """At the middle of the part layers' common area exactly one part is opaque or two share."""
    image = segmented
    total = 0
    centre = image.get_width() // 2, image.get_height() // 3
    for layer in part_group(image).get_children():
        (x, y), (w, h) = offsets(layer), size(layer)
        if x <= centre[0] < x + w and y <= centre[1] < y + h:
            total += alpha(layer)[(centre[1] - y) * w + centre[0] - x]
    assert 235 <= total <= 270


def test_photo_is_not_touched(call: Call) -> None:
    image = load(PORTRAIT)
    before = pixels(image.get_layers()[0])
    succeeded(call(SEGMENT, image, image.get_layers()))
    assert pixels(image.get_layers()[1]) == before


def test_again_replaces_the_group(call: Call, segmented: Gimp.Image) -> None:
    image = segmented
    first = part_group(image).get_id()
    succeeded(call(SEGMENT, image, [image.get_layers()[1]]))
    assert len(image.get_layers()) == 2
    assert part_group(image).get_id() != first


def test_with_a_part_layer_selected_the_photo_is_meant(call: Call, segmented: Gimp.Image) -> None:
    image = segmented
    again = succeeded(call(SEGMENT, image, part_group(image).get_children()[:1]))
    assert again["photo_layer"] == names(image)[-1]


def test_without_selected_layers_the_lowest_visible_one_is_the_photo(call: Call) -> None:
    image = load(PORTRAIT)
    photo = image.get_layers()[0]
    overlay = Gimp.Layer.new(
        image, "notes", 40, 40, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL
    )
    image.insert_layer(overlay, None, 0)
    report = succeeded(call(SEGMENT, image))
    assert report["photo_layer"] == photo.get_name()


def test_layer_away_from_the_canvas_origin(call: Call, segmented: Gimp.Image) -> None:
    expected = {p.get_name(): offsets(p) for p in part_group(segmented).get_children()}
    image = load(PORTRAIT)
    image.resize(image.get_width() + 300, image.get_height() + 200, 130, 70)
    succeeded(call(SEGMENT, image, image.get_layers()))
    for layer in part_group(image).get_children():
        x, y = expected[layer.get_name()]
        assert offsets(layer) == (x + 130, y + 70)


@pytest.mark.parametrize("precision", [Gimp.Precision.U8_NON_LINEAR, Gimp.Precision.U16_LINEAR])
def test_photo_larger_than_the_preview(
    call: Call, segmented: Gimp.Image, precision: Gimp.Precision
) -> None:
    part = parts_by_size(segmented)[0].get_name()  # the smallest, which says most exactly where
    expected = middle(segmented, part) * 3
    image = load(PORTRAIT)
    if image.get_precision() != precision:
        image.convert_precision(precision)
    image.scale(image.get_width() * 3, image.get_height() * 3)
    succeeded(call(SEGMENT, image, image.get_layers()))
    assert abs(middle(image, part) - expected) < 40


def three_people() -> Gimp.Image:
    """Three portraits side by side on one layer, 150, 300 and 200 pixels large."""
    image = load(PORTRAIT)
    image.scale(300, 300)
    image.resize(650, 300, 150, 0)
    for width, x in ((150, 0), (200, 450)):
        copy = image.get_layers()[-1].copy()
        image.insert_layer(copy, None, 0)
        copy.scale(width, width, False)
        copy.set_offsets(x, 0)
    merged = image.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
    merged.flatten()
    return image


def test_every_subject_gets_a_group_or_the_selected_one_does(call: Call) -> None:
    image = three_people()
    report = succeeded(call(SEGMENT, image, image.get_layers()))
    assert (report["subjects"], len(report["groups"])) == (3, 3)
    groups = [layer for layer in image.get_layers() if layer.is_group()]
    assert len({group.get_name() for group in groups}) == 3
    for group in groups:  # the group's number is that of its layers
        number = group.get_name().rsplit(" ", 1)[1]
        assert all(p.get_name().endswith(f" {number}") for p in group.get_children())
    before = {group.get_name(): group.get_id() for group in groups}
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 460, 0, 190, 150)
    report = succeeded(call(SEGMENT, image, image.get_layers()[-1:]))
    after = {x.get_name(): x.get_id() for x in image.get_layers() if x.is_group()}
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} == {report["group"]}
    (anew,) = (layer for layer in image.get_layers() if layer.get_name() == report["group"])
    assert 450 <= offsets(anew)[0] + anew.get_width() / 2 <= 650


def test_a_blurred_bystander_is_segmented_only_when_asked_for(call: Call) -> None:
    image = load(PORTRAIT)
    image.scale(600, 600)
    image.resize(840, 600, 0, 0)
    small = image.get_layers()[0].copy()
    image.insert_layer(small, None, 0)
    small.scale(240, 240, False)
    small.set_offsets(600, 40)
    image.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE).flatten()
    (photo,) = image.get_layers()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 601, 0, 239, 600)
    blur = Gimp.DrawableFilter.new(photo, "gegl:gaussian-blur", "blur")
    blur.get_config().set_property("std-dev-x", 3.0)
    blur.get_config().set_property("std-dev-y", 3.0)
    photo.merge_filter(blur)
    Gimp.Selection.none(image)
    report = succeeded(call(SEGMENT, image, [photo]))
    assert (report["subjects"], len(report["groups"]), report["left_out"]) == (2, 1, 1)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 620, 40, 200, 240)
    report = succeeded(call(SEGMENT, image, [photo]))
    groups = [layer for layer in image.get_layers() if layer.is_group()]
    assert len(groups) == 2
    assert 600 < offsets(groups[0])[0] + groups[0].get_width() / 2 < 840


def test_each_subject_is_repainted_on_its_own(call: Call) -> None:
    image = three_people()
    succeeded(call(SEGMENT, image, image.get_layers()))
    for group in [layer for layer in image.get_layers() if layer.is_group()]:
        children = [p for p in group.get_children() if any(alpha(p))]
        grow(min(children, key=lambda p: p.get_width()))
        succeeded(call(REPAINT, image, group.get_children()[:1], steps=2))
        result = next(x for x in image.get_layers() if x.get_parasite("editgan-result"))
        assert abs(offsets(result)[0] - offsets(group)[0]) < group.get_width()
        image.remove_layer(result)


def test_again_keeps_the_layers_of_the_photographer(call: Call, segmented: Gimp.Image) -> None:
    image = segmented
    for parent, name in ((None, "mine"), (part_group(image), "sketch")):
        own = Gimp.Layer.new(
            image, name, 30, 30, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL
        )
        image.insert_layer(own, parent, 0)
    succeeded(call(SEGMENT, image, image.get_layers()[-1:]))
    group, photo = part_group(image).get_name(), image.get_layers()[-1].get_name()
    assert names(image) == ["mine", "sketch", group, photo]


def test_palette_has_the_parts_for_its_colours(call: Call) -> None:
    image = load(PORTRAIT)
    parts = succeeded(call(SEGMENT, image, image.get_layers()))["parts"]
    palette = Gimp.Palette.get_by_name("EditGAN faces")
    assert [palette.get_entry_name(i)[1] for i in range(palette.get_color_count())] == parts


def test_uncertainty_is_a_layer_of_its_own(call: Call) -> None:
    image = load(PORTRAIT)
    succeeded(call(SEGMENT, image, image.get_layers(), uncertainty=True))
    unsure = image.get_layers()[0]
    assert unsure.get_parasite("editgan-uncertainty") is not None
    assert len(set(alpha(unsure))) > 8
    succeeded(call(SEGMENT, image, [unsure]))  # not asked for this time: it goes
    assert len(image.get_layers()) == 2


def middle(image: Gimp.Image, part: str) -> float:
    """Where a part lies, horizontally."""
    layer = next(layer for layer in parts_by_size(image) if layer.get_name() == part)
    return offsets(layer)[0] + layer.get_width() / 2


def test_selected_layer_mask_stands_for_its_layer(call: Call) -> None:
    image = load(PORTRAIT)
    photo = image.get_layers()[0]
    mask = photo.create_mask(Gimp.AddMaskType.WHITE)
    photo.add_mask(mask)
    assert succeeded(call(SEGMENT, image, [mask]))["photo_layer"] == photo.get_name()


def test_selection_beside_the_photo_is_told(call: Call) -> None:
    image = load(PORTRAIT)
    image.resize(image.get_width() + 100, image.get_height(), 0, 0)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, image.get_width() - 50, 5, 20, 20)
    values = call(SEGMENT, image, image.get_layers())
    assert values.index(0) == Gimp.PDBStatusType.EXECUTION_ERROR
    assert "selection" in Gimp.get_pdb().get_last_error()
    assert len(image.get_layers()) == 1


@pytest.mark.parametrize("precision", [Gimp.Precision.U16_LINEAR, Gimp.Precision.FLOAT_LINEAR])
def test_deep_images(call: Call, segmented: Gimp.Image, precision: Gimp.Precision) -> None:
    shallow = {p.get_name(): offsets(p) for p in part_group(segmented).get_children()}
    image = load(PORTRAIT)
    image.convert_precision(precision)
    succeeded(call(SEGMENT, image, image.get_layers()))
    assert image.get_precision() == precision
    for layer in part_group(image).get_children():
        x, y = shallow[layer.get_name()]
        assert abs(offsets(layer)[0] - x) <= 8 and abs(offsets(layer)[1] - y) <= 8


@pytest.mark.parametrize(
    ("profile", "precision"),
    [
        ("adobe", Gimp.Precision.U16_NON_LINEAR),
        ("p3", Gimp.Precision.U16_LINEAR),
        ("p3", Gimp.Precision.HALF_NON_LINEAR),
        ("grey", Gimp.Precision.U16_NON_LINEAR),
    ],
)
def test_part_colours_are_the_palette_s_in_every_profile(
    plug_in: None, call: Call, profile: str, precision: Gimp.Precision
) -> None:
    """And what the layers hold is noted as it is read: nothing counts as painted yet."""
    from image import part_layers, photos, subjects

    image = load(PORTRAIT)
    image.convert_precision(precision)
    if profile == "grey":
        image.convert_grayscale()
    else:
        wide = {"adobe": Gimp.ColorProfile.new_rgb_adobe, "p3": display_p3_profile}[profile]()
        intent = Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC
        assert image.convert_color_profile(wide, intent, False)
    succeeded(call(SEGMENT, image, image.get_layers(), uncertainty=True))
    (subject,) = subjects.all_of(image)
    drawn = photos.find(image, []), part_group(image), subject
    assert not part_layers.is_painted(*drawn)
    colours = palette_colours()
    for layer in part_group(image).get_children():
        # read as float: reading 8 bits has the fault of writing them
        values = array("f", pixels(layer, "R'G'B'A float"))
        found = [tuple(values[i : i + 3]) for i in range(0, len(values), 4 * 997)]
        wanted = colours[layer.get_name()]
        if profile == "grey":
            assert len(set(found)) <= 2  # the part's grey, and its outline
        else:
            assert all(near(one, wanted, 0.004) for one in found), (layer.get_name(), found[:3])
    unsure = image.get_layers()[0]
    if profile != "grey":
        values = array("f", pixels(unsure, "R'G'B'A float"))
        assert near(values[0:3], (1.0, 0.0, 1.0), 0.004)


def display_p3_profile() -> Gimp.ColorProfile:
    return Gimp.ColorProfile.new_from_icc_profile(display_p3())


def palette_colours() -> dict[str, tuple[float, ...]]:
    """The parts' colours, sRGB, 0..1, as the palette has them."""
    file = Path(Gimp.directory(), "palettes/EditGAN-faces.gpl")
    lines = file.read_text(encoding="utf-8").splitlines()[4:]
    rows = (line.split("\t") for line in lines)
    return {name: tuple(int(v) / 255 for v in values.split()) for values, name in rows}


def near(one: Sequence[float], other: Sequence[float], slack: float) -> bool:
    return all(abs(a - b) <= slack for a, b in zip(one, other, strict=True))


def test_greyscale_stays_greyscale(call: Call) -> None:
    image = load(PORTRAIT)
    image.convert_grayscale()
    succeeded(call(SEGMENT, image, image.get_layers()))
    assert image.get_base_type() == Gimp.ImageBaseType.GRAY
    shades = set()
    for layer in part_group(image).get_children():
        data = pixels(layer, "Y'A u8")
        black = [shown for grey, shown in zip(data[0::2], data[1::2], strict=True) if not grey]
        assert black and min(black) > 0  # an outline, on the part itself
        shades |= set(data[0::2])
    assert len(shades) == 4  # three greys, black


def test_state_survives_saving_as_xcf(call: Call, tmp_path: Path) -> None:
    image = load(PORTRAIT)
    succeeded(call(SEGMENT, image, image.get_layers()))
    kept = bytes(image.get_parasite("editgan-state").get_data())
    save(image, tmp_path / "a.xcf")
    again = load(tmp_path / "a.xcf")
    assert bytes(again.get_parasite("editgan-state").get_data()) == kept
    assert names(again) == names(image)
    for layer in part_group(again).get_children():
        assert layer.get_parasite("editgan-part") is not None


def test_group_shows_the_photo_through(segmented: Gimp.Image) -> None:
    with_parts = projection(segmented)
    part_group(segmented).set_visible(False)
    assert projection(segmented) != with_parts


@pytest.mark.usefixtures("plug_in")
def test_other_embeddings_of_one_photo_are_other_photos_to_the_backend(
    segmented: Gimp.Image,
) -> None:
    """Else images that show the same pixels would draw on the parts of whichever came last."""

    from image import photos, sending, subjects
    from link.session import Session
    from windows.views import LabelView

    (mine,) = subjects.all_of(segmented)
    photo = photos.find(segmented, [])
    with Session(LabelView(str)) as session:
        closer = replace(mine, level="faithful")
        names = [sending.ensure_photo(session, photo, one).photo for one in (mine, closer, mine)]
    assert names[0] == names[2] != names[1]


@pytest.mark.usefixtures("plug_in")
def test_a_photos_id_is_of_its_pixels_as_they_are_stored(
    segmented: Gimp.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """babl converts to float by the way that is fastest at that moment, in its last bits another
    one on a busy machine: the backend would not know the photo again."""
    from image import photos, subjects
    from image.patches import LaidPatch
    from protocol.geometry import Rect
    from protocol.messages import Pixels

    (mine,) = subjects.all_of(segmented)
    photo = photos.find(segmented, [])
    assert photos.is_deep(segmented), "the portrait's profile makes it one"
    monkeypatch.setattr(photos.PhotoLayer, "pixels", None)

    def name(one: photos.PhotoLayer) -> str:
        return photos.digest(one, mine.rect, mine.quad, mine.bundle, mine.level, ())

    def patched(opacity: float, value: int) -> photos.PhotoLayer:
        pixels = Pixels(2, 2, 4, "u8", bytes([value] * 16))
        return replace(photo, patches=(LaidPatch(Rect(150, 150, 2, 2), pixels, opacity),))

    result = photo.layer.copy()
    segmented.insert_layer(result, None, 0)
    laid = replace(photo, results=(result,))
    ids = [name(photo), name(laid), name(patched(1.0, 9)), name(patched(0.5, 9))]
    ids.append(name(patched(1.0, 8)))
    result.set_opacity(50.0)
    ids.append(name(laid))
    fill(result, (150, 150, 1, 1), True)
    ids.append(name(laid))
    fill(photo.layer, (150, 150, 1, 1), True)
    ids.append(name(photo))
    assert len(set(ids)) == len(ids)
    assert name(photos.find(segmented, [])) == ids[-1]
    fill(photo.layer, (0, 0, 1, 1), True)  # beside the subject
    assert mine.rect.x > 0 and name(photo) == ids[-1]
