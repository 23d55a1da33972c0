"""Layer masks of result layers: for the photographer to feather an edit further, or to limit it.

Each is white on the whole region and black elsewhere; the layer's own alpha is feathered already.
Blurring a mask, or painting on it, can only take away from the edit: nothing outside the region can
ever show.
"""

from __future__ import annotations

from array import array

from gi.repository import Gegl, Gimp

from protocol.messages import Pixels


def add(layer: Gimp.Layer, pixels: Pixels) -> None:
    """Give a new result layer its mask. pixels: the layer's own."""
    alpha = pixels.data[3::4] if pixels.dtype == "u8" else array("f", bytes(pixels.data))[3::4]
    mask = layer.create_mask(Gimp.AddMaskType.BLACK)
    layer.add_mask(mask)
    layer.set_edit_mask(False)
    region = bytes(map(bool, alpha)).replace(b"\1", b"\xff")
    _write(mask, Gegl.Rectangle.new(0, 0, pixels.width, pixels.height), "Y u8", region)


def take_over(layer: Gimp.Layer, previous: Gimp.Layer) -> None:
    """Let what was painted on the previous result's mask count on the new one's, where they meet.

    Only within the previous region: outside it that mask was black because there was no edit.
    """
    theirs, mine = previous.get_mask(), layer.get_mask()
    area = _shared(previous, layer)
    if theirs is None or area is None:
        return
    old, new = (_within(one, area) for one in (previous, layer))
    painted = zip(
        _floats(mine, new, "Y float"),
        _floats(theirs, old, "Y float"),
        _floats(previous, old, "A float"),
        strict=True,
    )
    values = array("f", (own * its if edited else own for own, its, edited in painted))
    _write(mine, new, "Y float", values.tobytes())
    layer.set_apply_mask(previous.get_apply_mask())


def _shared(one: Gimp.Layer, other: Gimp.Layer) -> tuple[int, ...] | None:
    """The rectangle on the canvas in which two layers overlap; None if they do not."""
    sides = (number for layer in (one, other) for number in _place(layer))
    meet, *area = Gimp.rectangle_intersect(*sides)
    return tuple(area) if meet else None


def _within(layer: Gimp.Layer, area: tuple[int, ...]) -> Gegl.Rectangle:
    """A rectangle on the canvas in the layer's own pixels."""
    (left, top, *_size), (x, y, width, height) = _place(layer), area
    return Gegl.Rectangle.new(x - left, y - top, width, height)


def _place(layer: Gimp.Layer) -> tuple[int, int, int, int]:
    _found, x, y = layer.get_offsets()
    return x, y, layer.get_width(), layer.get_height()


def _floats(drawable: Gimp.Drawable, area: Gegl.Rectangle, pixel_format: str) -> array[float]:
    return array("f", drawable.get_buffer().get(area, 1.0, pixel_format, Gegl.AbyssPolicy.NONE))


def _write(mask: Gimp.LayerMask, area: Gegl.Rectangle, pixel_format: str, values: bytes) -> None:
    buffer = mask.get_buffer()
    buffer.set(area, pixel_format, values)
    buffer.flush()
    mask.update(area.x, area.y, area.width, area.height)
