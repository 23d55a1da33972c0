"""Pixels of a photo together with the results that lie on it, without touching the image."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gegl, Gimp

from image import patches
from image.patches import LaidPatch


def read(
    photo: Gimp.Layer,
    area: Gegl.Rectangle,
    over: tuple[Sequence[Gimp.Layer], Sequence[LaidPatch]],
    corner: tuple[int, int],
    pixel_format: str,
) -> bytes:
    """A rectangle of the photo's layer with what lies `over` it, laid over it as GIMP does.

    area: in the photo's own pixels; corner: where its top-left pixel lies on the canvas. over:
    results, then patches (in pixels of the area) above those, each lowest first.
    """
    image = photo.get_image()
    size = area.width, area.height
    copy = Gimp.Image.new_with_precision(*size, image.get_base_type(), image.get_precision())
    try:
        copy.undo_disable()
        if (profile := image.get_color_profile()) is not None:
            copy.set_color_profile(profile)
        _lowest(photo, area, copy)
        for result in over[0]:
            layer = Gimp.Layer.new_from_drawable(result, copy)
            copy.insert_layer(layer, None, 0)
            _found, x, y = result.get_offsets()
            layer.set_offsets(x - corner[0], y - corner[1])
            layer.set_visible(True)
        for patch in over[1]:
            patches.insert(copy, patch, (0, 0))
        merged = Gimp.Layer.new_from_visible(copy, copy, photo.get_name())
        copy.insert_layer(merged, None, 0)
        whole = Gegl.Rectangle.new(0, 0, *size)
        return merged.get_buffer().get(whole, 1.0, pixel_format, Gegl.AbyssPolicy.NONE)
    finally:
        copy.delete()


def _lowest(photo: Gimp.Layer, area: Gegl.Rectangle, image: Gimp.Image) -> None:
    """Put a copy of the photo's pixels, whatever its mask and opacity, into the empty `image`."""
    layer = Gimp.Layer.new_from_drawable(photo, image)
    image.insert_layer(layer, None, 0)
    layer.set_offsets(-area.x, -area.y)
    if layer.get_mask() is not None:
        layer.remove_mask(Gimp.MaskApplyMode.DISCARD)
    layer.set_mode(Gimp.LayerMode.NORMAL)
    layer.set_opacity(100.0)
    layer.set_visible(True)
