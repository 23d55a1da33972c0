"""What the tests inside GIMP share: images, part layers, pixels. No numpy there."""

from __future__ import annotations

import json
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from operator import and_, ne
from pathlib import Path
from typing import TYPE_CHECKING

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gegl, Gimp, Gio

if TYPE_CHECKING:  # a second GIMP has this folder only
    from protocol.client import Connection

PORTRAIT = Path("assets/portrait.png")
SEGMENT, REPAINT = "plug-in-editgan-segment", "plug-in-editgan-repaint"
APPLY, SAVE = "plug-in-editgan-apply", "plug-in-editgan-save-edit"
STATUS, LIVE = "plug-in-editgan-status", "plug-in-editgan-live"
BORROW = "plug-in-editgan-borrow"


def load(path: Path) -> Gimp.Image:
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(path.absolute())))


def save(image: Gimp.Image, path: Path) -> None:
    file = Gio.File.new_for_path(str(path))
    assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file, None)


@pytest.fixture(scope="session")
def segmented_file(
    call: Callable[..., Gimp.ValueArray], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The portrait with its part layers, as an XCF file: finding the parts once is enough."""
    image = load(PORTRAIT)
    succeeded(call(SEGMENT, image, image.get_layers()))
    path = tmp_path_factory.mktemp("segmented") / "portrait.xcf"
    save(image, path)
    image.delete()
    return path


@pytest.fixture
def segmented(segmented_file: Path) -> Gimp.Image:
    """The portrait with its part layers, nothing painted yet."""
    return load(segmented_file)


@pytest.fixture
def repainted(segmented: Gimp.Image) -> Gimp.Image:
    """The portrait with its part layers, the smallest of them made larger."""
    grow(parts_by_size(segmented)[0])
    return segmented


def saved_edit(
    call: Callable[..., Gimp.ValueArray], segmented_file: Path, title: str, place: int = 0
) -> str:
    """The library's name for a new edit: some part grows, the smallest being number 0."""
    image = load(segmented_file)
    grow(parts_by_size(image)[place])
    report = succeeded(call(REPAINT, image, None, steps=2, save_as=title))
    image.delete()
    return report["saved_as"]


def succeeded(values: Gimp.ValueArray) -> dict:
    """The JSON report of a call that must have worked."""
    assert values.index(0) == Gimp.PDBStatusType.SUCCESS, Gimp.get_pdb().get_last_error()
    return json.loads(values.index(1))


def failed(values: Gimp.ValueArray) -> str:
    """The sentence of a call that must have failed."""
    assert values.index(0) == Gimp.PDBStatusType.EXECUTION_ERROR
    return Gimp.get_pdb().get_last_error()


def idle(backend: Connection) -> bool:
    """Whether the backend has nothing to do for a while."""
    for _ in range(5):
        status = backend.status()
        if status.running or status.queued:
            return False
        time.sleep(0.2)
    return True


def names(image: Gimp.Image) -> list[str]:
    return [layer.get_name() for layer in image.get_layers()]


def part_group(image: Gimp.Image) -> Gimp.GroupLayer:
    return next(layer for layer in image.get_layers() if layer.is_group())


def result_layer(image: Gimp.Image) -> Gimp.Layer:
    """The topmost visible result."""
    return next(layer for layer in walk(image.get_layers()) if is_result(layer))


def is_result(layer: Gimp.Layer) -> bool:
    return layer.get_visible() and layer.get_parasite("editgan-result") is not None


def walk(layers: Sequence[Gimp.Layer]) -> Iterator[Gimp.Layer]:
    """All layers, topmost first."""
    for layer in layers:
        yield layer
        if layer.is_group():
            yield from walk(layer.get_children())


def part(image: Gimp.Image, name: str) -> Gimp.Layer:
    layers = part_group(image).get_children()
    return next(layer for layer in layers if layer.get_name() == name)


_HALF = bytes(value >> 7 for value in range(256))
ENOUGH = 300  # opaque pixels that a small model still sees


def parts_by_size(image: Gimp.Image) -> list[Gimp.Layer]:
    """Part layers with something to repaint on them, the smallest first; not the background."""
    counted = [(opaque(layer), layer) for layer in part_group(image).get_children()[:-1]]
    enough = [pair for pair in counted if pair[0] >= ENOUGH]
    return [layer for _count, layer in sorted(enough, key=lambda pair: pair[0])]


def opaque(layer: Gimp.Layer) -> int:
    """How many of its pixels have an alpha of one half or more."""
    return alpha(layer).translate(_HALF).count(1)


def size(layer: Gimp.Layer) -> tuple[int, int]:
    return layer.get_width(), layer.get_height()


def offsets(layer: Gimp.Layer) -> tuple[int, int]:
    return tuple(layer.get_offsets())[1:]


def pixels(layer: Gimp.Drawable, pixel_format: str | None = None) -> bytes:
    """All of a drawable's pixels; None: in its own format, nothing converted."""
    area = Gegl.Rectangle.new(0, 0, layer.get_width(), layer.get_height())
    return layer.get_buffer().get(area, 1.0, pixel_format, Gegl.AbyssPolicy.NONE)


def alpha(layer: Gimp.Layer) -> bytes:
    return pixels(layer, "cairo-A8")


def fill(layer: Gimp.Layer, rect: tuple[int, int, int, int], opaque: bool) -> None:
    """Paint or erase a rectangle, given in the layer's own pixels."""
    x, y, w, h = rect
    buffer = layer.get_buffer()
    buffer.set(
        Gegl.Rectangle.new(x, y, w, h), "R'G'B'A u8", bytes([80, 80, 80, 255 * opaque]) * w * h
    )
    buffer.flush()
    layer.update(x, y, w, h)


def bounds(layer: Gimp.Layer) -> tuple[int, int, int, int]:
    """The box around what a layer shows, x, y, w, h in its own pixels."""
    width, height = size(layer)
    shown = alpha(layer)
    rows = [y for y in range(height) if any(shown[y * width : (y + 1) * width])]
    columns = [x for x in range(width) if any(shown[x::width])]
    return columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1


def grow(layer: Gimp.Layer) -> None:
    """A repaint that is seen: a third more on each side, as far as the layer reaches."""
    x, y, w, h = bounds(layer)
    width, height = size(layer)
    left, top = max(0, x - w // 3), max(0, y - h // 3)
    fill(
        layer,
        (left, top, min(width - left, w + 2 * (w // 3)), min(height - top, h + 2 * (h // 3))),
        True,
    )


def projection(image: Gimp.Image) -> bytes:
    """What the image shows, in its own precision."""
    layer = Gimp.Layer.new_from_visible(image, image, "projection")
    image.insert_layer(layer, None, 0)
    shown = pixels(layer)
    image.remove_layer(layer)
    return shown


def differences(
    before: bytes, after: bytes, image: Gimp.Image, result: Gimp.Layer
) -> tuple[int, int]:
    """Bytes of the projection that changed outside the result layer's alpha, and inside it."""
    assert len(before) == len(after)
    inside = shown_by(result, image)
    depth = len(before) // len(inside)
    outside_it = inside_it = 0
    for byte in range(depth):
        changed = list(map(ne, before[byte::depth], after[byte::depth]))
        within = sum(map(and_, changed, inside))
        inside_it += within
        outside_it += sum(changed) - within
    return outside_it, inside_it


def shown_by(result: Gimp.Layer, image: Gimp.Image) -> bytes:
    """For every pixel of the image whether the result layer's alpha is above 0 there, 1 or 0."""
    inside = bytearray(image.get_width() * image.get_height())
    (x, y), (w, h) = offsets(result), size(result)
    shown = bytes(map(bool, array("f", pixels(result, "A float"))))
    for row in range(h):
        start = (y + row) * image.get_width() + x
        inside[start : start + w] = shown[row * w : (row + 1) * w]
    return bytes(inside)
