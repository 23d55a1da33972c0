"""Borrowed pixels, which lie on the photo: what an entry holds where a vector says too little.

They are kept in the photo layer's pixels, with the subject's frame of that moment: when the photo
was turned, flipped or scaled since, they are laid where the subject is now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gi.repository import Gegl, Gimp

from image import layers
from protocol.messages import Layer, Pixels, Quad, Rect, ResultLayer

_SAME = 0.01  # px: corners that are nearer have not moved


@dataclass(frozen=True)
class Patch:
    """rect: in the photo layer's pixels; quad: the subject's frame when they were borrowed."""

    rect: Rect
    pixels: Layer
    quad: Quad


@dataclass(frozen=True)
class LaidPatch:
    """A patch where the subject is now. opacity: 0..1."""

    rect: Rect
    pixels: Layer
    opacity: float = 1.0


def laid(image: Gimp.Image, patch: Patch, quad: Quad, opacity: float) -> LaidPatch:
    """The patch on the subject whose frame is `quad` now."""
    rect, pixels = patch.rect, patch.pixels
    if max(abs(a - b) for a, b in zip(patch.quad, quad, strict=True)) > _SAME:
        rect, pixels = _transformed(image, patch, quad)
    return LaidPatch(rect, pixels, min(max(opacity, 0.0), 1.0))


def insert(image: Gimp.Image, patch: LaidPatch, origin: tuple[int, int]) -> None:
    """Put it on top of a temporary image, whose top-left pixel is `origin` of the photo layer."""
    layer = layers.new_layer(
        image, "patch", patch.rect.moved(-origin[0], -origin[1]), 100 * patch.opacity
    )
    layers.write(layer, patch.pixels)
    image.insert_layer(layer, None, 0)


def flattened(image: Gimp.Image, lowest_first: Sequence[LaidPatch]) -> ResultLayer:
    """Several as one, as GIMP lays them over each other in an image of that kind."""
    if len(lowest_first) == 1 and lowest_first[0].opacity == 1.0:
        return ResultLayer(lowest_first[0].rect, lowest_first[0].pixels)
    left, top = (min(one.rect[axis] for one in lowest_first) for axis in (0, 1))
    right = max(one.rect.right for one in lowest_first)
    bottom = max(one.rect.bottom for one in lowest_first)
    rect = Rect.between(left, top, right, bottom)
    copy = _like(image, rect.width, rect.height)
    try:
        for one in lowest_first:
            insert(copy, one, (left, top))
        merged = Gimp.Layer.new_from_visible(copy, copy, "merged")
        copy.insert_layer(merged, None, 0)
        return ResultLayer(rect, _read(merged, lowest_first[0].pixels.dtype))
    finally:
        copy.delete()


def _transformed(image: Gimp.Image, patch: Patch, quad: Quad) -> tuple[Rect, Pixels]:
    """Carried along with the frame, by the affine map of its corners."""
    copy = _like(image, patch.rect.width, patch.rect.height)
    Gimp.context_push()
    try:
        Gimp.context_set_interpolation(Gimp.InterpolationType.CUBIC)
        Gimp.context_set_transform_resize(Gimp.TransformResize.ADJUST)
        Gimp.context_set_transform_direction(Gimp.TransformDirection.FORWARD)
        layer = layers.new_layer(copy, "patch", patch.rect)
        layers.write(layer, patch.pixels)
        copy.insert_layer(layer, None, 0)
        (a, b, c), (d, e, f) = _affine(patch.quad, quad)
        moved = layer.transform_matrix(a, b, c, d, e, f, 0.0, 0.0, 1.0)
        _found, x, y = moved.get_offsets()
        rect = Rect(x, y, moved.get_width(), moved.get_height())
        return rect, _read(moved, patch.pixels.dtype)
    finally:
        Gimp.context_pop()
        copy.delete()


def _affine(before: Quad, now: Quad) -> tuple[tuple[float, float, float], ...]:
    """Two rows: x' = a x + b y + c, y' = d x + e y + f, by three of the corners."""
    (x0, y0, x1, y1), (x3, y3) = before[0:4], before[6:8]
    across, down = (x3 - x0, y3 - y0), (x1 - x0, y1 - y0)
    area = across[0] * down[1] - across[1] * down[0]
    rows = []
    for axis in (0, 1):
        along, along_down = now[6 + axis] - now[axis], now[2 + axis] - now[axis]
        a = (along * down[1] - along_down * across[1]) / area
        b = (along_down * across[0] - along * down[0]) / area
        rows.append((a, b, now[axis] - a * x0 - b * y0))
    return tuple(rows)


def _like(image: Gimp.Image, width: int, height: int) -> Gimp.Image:
    """An empty image of the same kind, precision and colours."""
    copy = Gimp.Image.new_with_precision(
        width, height, image.get_base_type(), image.get_precision()
    )
    copy.undo_disable()
    if (profile := image.get_color_profile()) is not None:
        copy.set_color_profile(profile)
    return copy


def _read(layer: Gimp.Layer, dtype: str) -> Pixels:
    width, height = layer.get_width(), layer.get_height()
    area = Gegl.Rectangle.new(0, 0, width, height)
    kind = layers.FORMATS[dtype, 4]
    data = layer.get_buffer().get(area, 1.0, kind, Gegl.AbyssPolicy.NONE)
    return Pixels(width, height, 4, "u8" if dtype == "u8" else "f32", data)
