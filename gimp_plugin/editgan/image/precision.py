"""An image's precision: how its values are stored, and on which curve."""

from __future__ import annotations

from gi.repository import Gimp

TYPES = ("U8", "U16", "U32", "HALF", "FLOAT", "DOUBLE")
# In another space, GIMP would convert what lies below there and back, and change its last bits.
_SPACES = {
    "LINEAR": Gimp.LayerColorSpace.RGB_LINEAR,
    "NON_LINEAR": Gimp.LayerColorSpace.RGB_NON_LINEAR,
    "PERCEPTUAL": Gimp.LayerColorSpace.RGB_PERCEPTUAL,
}


def of(image: Gimp.Image) -> tuple[str, str]:
    """The type of the image's values, one of TYPES, and their curve: LINEAR, NON_LINEAR (that of
    the image's profile) or PERCEPTUAL (that of sRGB).
    """
    precision = image.get_precision()
    for kind in TYPES:
        for curve in _SPACES:
            if precision == getattr(Gimp.Precision, f"{kind}_{curve}"):
                return kind, curve
    raise ValueError(f"precision {precision}")


def composite_space(image: Gimp.Image) -> Gimp.LayerColorSpace:
    """The space in which a layer leaves what it does not cover exactly as it is."""
    return _SPACES[of(image)[1]]
