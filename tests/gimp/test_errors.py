"""Bad input and accidents: a clear sentence, and nothing is harmed."""

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import (
    PORTRAIT,
    REPAINT,
    SAVE,
    SEGMENT,
    STATUS,
    failed,
    fill,
    grow,
    load,
    names,
    offsets,
    part_group,
    parts_by_size,
    pixels,
    succeeded,
)
from gimp_windows import until

from protocol.launch import ensure_backend

Call = Callable[..., Gimp.ValueArray]
LONG = 1000  # steps


def plain(width: int, height: int) -> Gimp.Image:
    """A grey picture without a subject."""
    image = Gimp.Image.new(width, height, Gimp.ImageBaseType.RGB)
    layer = Gimp.Layer.new(
        image, "grey", width, height, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL
    )
    image.insert_layer(layer, None, 0)
    layer.fill(Gimp.FillType.WHITE)
    return image


def test_no_subject(call: Call) -> None:
    image = plain(300, 200)
    sentence = failed(call(SEGMENT, image, image.get_layers()))
    assert sentence.endswith(".")
    assert names(image) == ["grey"]


def test_tiny_image(call: Call) -> None:
    image = plain(20, 20)
    assert "32" in failed(call(SEGMENT, image, image.get_layers()))


def test_indexed_image(call: Call) -> None:
    image = load(PORTRAIT)
    image.convert_indexed(
        Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 64, False, False, ""
    )
    assert "Mode > RGB" in failed(call(SEGMENT, image, image.get_layers()))


def test_unknown_bundle(call: Call) -> None:
    image = load(PORTRAIT)
    assert "no-such-bundle" in failed(
        call(SEGMENT, image, image.get_layers(), bundle="no-such-bundle")
    )


def test_repaint_before_segment(call: Call) -> None:
    image = load(PORTRAIT)
    assert "Segment Parts" in failed(call(REPAINT, image, image.get_layers()))


def test_photo_layer_deleted(call: Call, segmented: Gimp.Image) -> None:
    image = segmented
    image.remove_layer(image.get_layers()[1])
    assert "deleted" in failed(call(REPAINT, image, None))


def test_layer_that_is_no_part(call: Call, segmented: Gimp.Image) -> None:
    image = segmented
    layer = Gimp.Layer.new(
        image, "third ear", 90, 90, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL
    )
    image.insert_layer(layer, part_group(image), 0)
    layer.set_offsets(*offsets(parts_by_size(image)[0]))
    fill(layer, (0, 0, 90, 90), True)
    assert "third ear" in failed(call(REPAINT, image, None, steps=2))


def test_part_layers_of_another_bundle(call: Call, segmented: Gimp.Image) -> None:
    image = segmented
    layer = parts_by_size(image)[0]
    flags = Gimp.PARASITE_PERSISTENT
    text = bytes(layer.get_parasite("editgan-part").get_data()).replace(b"faces", b"whales")
    layer.attach_parasite(Gimp.Parasite.new("editgan-part", flags, text))
    assert "whales" in failed(call(REPAINT, image, None, steps=2))


def test_another_generator_of_the_same_name(
    call: Call, segmented: Gimp.Image, kill_backend: Callable[[], None]
) -> None:
    image = segmented
    document = json.loads(bytes(image.get_parasite("editgan-state").get_data()))
    document["record"]["sha"] = "0" * 64
    text = json.dumps(document).encode()
    image.attach_parasite(Gimp.Parasite.new("editgan-state", Gimp.PARASITE_PERSISTENT, text))
    grow(parts_by_size(image)[0])
    kill_backend()  # the photo must be sent again, with an embedding that fits another generator
    assert "Segment Parts" in failed(call(REPAINT, image, None, steps=2))


def test_bundle_that_was_removed(
    call: Call, segmented: Gimp.Image, kill_backend: Callable[[], None]
) -> None:
    image = segmented
    document = json.loads(bytes(image.get_parasite("editgan-state").get_data()))
    document["record"]["bundle"] = "whales"
    text = json.dumps(document).encode()
    image.attach_parasite(Gimp.Parasite.new("editgan-state", Gimp.PARASITE_PERSISTENT, text))
    for layer in [part_group(image), *part_group(image).get_children()]:
        name = "editgan-group" if layer.is_group() else "editgan-part"
        mark = bytes(layer.get_parasite(name).get_data()).replace(b"faces", b"whales")
        layer.attach_parasite(Gimp.Parasite.new(name, Gimp.PARASITE_PERSISTENT, mark))
    grow(parts_by_size(image)[0])
    kill_backend()  # else it would still have the photo open
    before = names(image)
    assert "no longer installed" in failed(call(REPAINT, image, None, steps=2))
    assert names(image) == before


@pytest.mark.parametrize("damage", [b"{", b'{"format": 99}', b'{"format": 1, "record": {}}'])
def test_damaged_state(call: Call, segmented: Gimp.Image, damage: bytes) -> None:
    image = segmented
    flags = Gimp.PARASITE_PERSISTENT
    image.attach_parasite(Gimp.Parasite.new("editgan-state", flags, damage))
    assert "Segment Parts" in failed(call(REPAINT, image, None, steps=2))
    succeeded(call(SEGMENT, image, None))  # what the sentence says helps


def test_floating_selection(call: Call) -> None:
    image = load(PORTRAIT)
    photo = image.get_layers()[0]
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 100, 100, 300, 300)
    Gimp.Selection.float(image, [photo], 3, 3)
    assert "anchor" in failed(call(SEGMENT, image, [photo]))


def test_backend_killed_in_the_middle_of_a_job(
    call: Call, segmented: Gimp.Image, kill_backend: Callable[[], None]
) -> None:
    image = segmented
    grow(parts_by_size(image)[0])
    before, layers = pixels(image.get_layers()[1]), names(image)
    killer = once_it_repaints(kill_backend)
    sentence = failed(call(REPAINT, image, None, steps=LONG))
    killer.join()
    assert "backend" in sentence
    assert names(image) == layers
    assert pixels(image.get_layers()[1]) == before
    succeeded(call(REPAINT, image, None, steps=2))  # starts a new one


def test_plug_in_killed_in_the_middle_of_a_job(call: Call, segmented: Gimp.Image) -> None:
    """As GIMP does when the progress bar's Cancel is pressed."""
    image = segmented
    grow(parts_by_size(image)[0])
    layers = names(image)
    killer = once_it_repaints(kill_plug_in)
    values = call(REPAINT, image, None, steps=LONG)
    killer.join()
    assert values.index(0) != Gimp.PDBStatusType.SUCCESS
    assert names(image) == layers
    until(lambda: succeeded(call(STATUS))["running"] is None, "the backend drops the job")
    succeeded(call(REPAINT, image, None, steps=2))


def test_full_disk(call: Call, repainted: Gimp.Image, order: Callable[[str], None]) -> None:
    image = repainted
    succeeded(call(STATUS))  # the backend runs
    order("full")
    try:
        sentence = failed(call(REPAINT, image, None, steps=2, save_as="Too much"))
        assert "The result is in a new layer" in sentence and "disk" in sentence
        assert len(names(image)) == 3
        assert "disk" in failed(call(SAVE, image, None, name="Too much"))
    finally:
        order("room")
    assert succeeded(call(SAVE, image, None, name="Just enough"))["saved_as"] == "just-enough"


def once_it_repaints(act: Callable[[], None]) -> threading.Thread:
    """Do `act`, which must not call GIMP, in the middle of the job that comes."""

    def work() -> None:
        with ensure_backend() as backend:
            until(lambda: backend.status().running == "Repaint", "a repaint")
            act()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def kill_plug_in() -> None:
    for folder in Path("/proc").glob("[0-9]*"):
        words = (folder / "cmdline").read_bytes().split(b"\0") if folder.exists() else []
        if any(word.endswith(b"/editgan.py") for word in words) and b"-run" in words:
            os.kill(int(folder.name), signal.SIGKILL)
