"""Whether another layer hides a face, so that nobody can see what is done to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gi.repository import Gegl, Gimp

from image import frames, layers, photos, state

_PLACES = (0.3, 0.5, 0.7)  # of the frame, across and down: on the face itself
_OPAQUE = 250  # of 255
_PLAIN = (Gimp.LayerMode.NORMAL, Gimp.LayerMode.NORMAL_LEGACY)


def hiding(photo: photos.PhotoLayer, quad: Sequence[float]) -> Gimp.Layer | None:
    """The topmost layer of the user's that lies over the face in that frame and lets none of it
    through: a copy of the photo, say; None where there is none.
    """
    places = [frames.at(quad, u, v) for u in _PLACES for v in _PLACES]
    dx, dy = photo.offset
    on_canvas = [(round(x) + dx, round(y) + dy) for x, y in places]
    return next((one for one in _above(photo) if _is_opaque(one, on_canvas)), None)


def _above(photo: photos.PhotoLayer) -> Iterator[Gimp.Layer]:
    """The user's own visible layers over the photo, topmost first."""
    for layer in layers.walk(photo.image.get_layers()):
        if layer == photo.layer:
            return
        if not layer.is_group() and layers.is_shown(layer) and not state.is_ours(layer):
            yield layer


def _is_opaque(layer: Gimp.Layer, places: Sequence[tuple[int, int]]) -> bool:
    plain = all(
        one.get_opacity() == 100.0 and (one.get_mode() in _PLAIN or one.is_group())
        for one in layers.lineage(layer)
    )
    return plain and all(_alpha(layer, place) >= _OPAQUE for place in places)


def _alpha(layer: Gimp.Layer, place: tuple[int, int]) -> int:
    """How much a layer covers at a place of the canvas, its mask applied; 0..255."""
    _found, x, y = layer.get_offsets()
    spot = place[0] - x, place[1] - y
    if not (0 <= spot[0] < layer.get_width() and 0 <= spot[1] < layer.get_height()):
        return 0
    area = Gegl.Rectangle.new(*spot, 1, 1)
    mask = layers.mask_in(layer, area)
    return min(layers.alpha_in(layer, area)[0], mask[0] if mask else 255)
