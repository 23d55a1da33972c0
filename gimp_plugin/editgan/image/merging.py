"""Pixels of a photo together with the results that lie on it, without touching the image."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gegl, Gimp


def read(
    photo: Gimp.Layer,
    area: Gegl.Rectangle,
    results: Sequence[Gimp.Layer],
    corner: tuple[int, int],
    pixel_format: str,
) -> bytes:
    """A rectangle of the photo's layer with `results`, lowest first, laid over it as GIMP does.

    area: in the photo's own pixels; corner: where its top-left pixel lies on the canvas.
    """
    image = photo.get_image()
    size = area.width, area.height
    copy = Gimp.Image.new_with_precision(*size, image.get_base_type(), image.get_precision())
    try:
        copy.undo_disable()
        if (profile := image.get_color_profile()) is not None:
            copy.set_color_profile(profile)
        copy.insert_layer(_part(photo, area, copy), None, 0)
        for result in results:
            layer = Gimp.Layer.new_from_drawable(result, copy)
            copy.insert_layer(layer, None, 0)
            _found, x, y = result.get_offsets()
            layer.set_offsets(x - corner[0], y - corner[1])
            layer.set_visible(True)
        merged = Gimp.Layer.new_from_visible(copy, copy, photo.get_name())
        copy.insert_layer(merged, None, 0)
        whole = Gegl.Rectangle.new(0, 0, *size)
        return merged.get_buffer().get(whole, 1.0, pixel_format, Gegl.AbyssPolicy.NONE)
    finally:
        copy.delete()


def _part(photo: Gimp.Layer, area: Gegl.Rectangle, image: Gimp.Image) -> Gimp.Layer:
    """A rectangle of a layer as a new one, its values as they are."""
    layer = Gimp.Layer.new(
        image, photo.get_name(), area.width, area.height, photo.type(), 100.0, Gimp.LayerMode.NORMAL
    )
    values = photo.get_buffer().get(area, 1.0, None, Gegl.AbyssPolicy.NONE)
    buffer = layer.get_buffer()
    buffer.set(Gegl.Rectangle.new(0, 0, area.width, area.height), None, values)
    buffer.flush()
    return layer
