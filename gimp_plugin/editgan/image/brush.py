"""The photographer's brush, made to fit a part, and given back in the end.

A plug-in may change the brush, its colour and its mode, but not the tool that is in the hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from gi.repository import Gegl, Gimp

NAME = "EditGAN"
_GIMPS_OWN, _ITS_SIZE = "2. Hardness 050", 51.0
_HARDNESS = 0.9
_SHARE = 0.5  # of a part's breadth
_SIZES = 4.0, 400.0  # px


@dataclass(frozen=True)
class Before:
    """What the photographer had."""

    brush: Gimp.Brush
    size: float
    color: Gegl.Color
    mode: Gimp.LayerMode
    opacity: float


class Brush:
    """Call `fit` for every part, `erase` for the eraser, `give_back` in the end."""

    def __init__(self) -> None:
        self._before: Before | None = None

    def fit(self, breadth: float, color: tuple[int, int, int]) -> None:
        """A round brush in a part's colour. breadth: the part's, image pixels."""
        if self._before is None:
            self._before = _in_hand()
        low, high = _SIZES
        size = min(max(_SHARE * breadth, low), high)
        brush = Gimp.Brush.get_by_name(NAME) or Gimp.Brush.new(NAME)
        brush.set_shape(Gimp.BrushGeneratedShape.CIRCLE)
        brush.set_hardness(_HARDNESS)
        brush.set_radius(size / 2)
        # Chosen anew, a brush brings its own size along where "size" is linked to it, as it comes
        Gimp.context_set_brush(self._before.brush)
        Gimp.context_set_brush(brush)
        Gimp.context_set_brush_size(size)
        Gimp.context_set_opacity(100.0)
        Gimp.context_set_foreground(_color(color))

    def erase(self, on: bool) -> None:
        """The same brush takes away instead of adding."""
        mode = Gimp.LayerMode
        Gimp.context_set_paint_mode(mode.ERASE if on else mode.NORMAL)

    def give_back(self) -> None:
        """The brush that was there before."""
        if self._before is None:
            return
        before, self._before = self._before, None
        Gimp.context_set_brush(before.brush)
        Gimp.context_set_brush_size(before.size)
        Gimp.context_set_foreground(before.color)
        Gimp.context_set_paint_mode(before.mode)
        Gimp.context_set_opacity(before.opacity)


def _in_hand() -> Before:
    """What the photographer paints with; as GIMP comes, where a window that GIMP ended has left
    its own brush.
    """
    brush = Gimp.context_get_brush()
    if brush.get_name() == NAME:
        others = [one for one in Gimp.brushes_get_list("") if one.get_name() != NAME]
        brush = next((one for one in others if one.get_name() == _GIMPS_OWN), others[0])
        return Before(brush, _ITS_SIZE, _color((0, 0, 0)), Gimp.LayerMode.NORMAL, 100.0)
    return Before(
        brush,
        Gimp.context_get_brush_size(),
        Gimp.context_get_foreground(),
        Gimp.context_get_paint_mode(),
        Gimp.context_get_opacity(),
    )


def _color(values: tuple[int, int, int]) -> Gegl.Color:
    """values: sRGB, 0..255; `set_rgba` would take them for linear light."""
    return Gegl.Color.new("#{:02x}{:02x}{:02x}".format(*values))
