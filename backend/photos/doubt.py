"""How far a generator's picture of a photo can be believed.

Where the reconstruction misses the photo by some amount, a change of the picture that is smaller
means nothing: following it would paint the generator's mistakes into the photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.photos.arrays import Flags, Floats
from backend.photos.blur import wide_blur

_AROUND = 0.04  # sigma of the neighbourhood that errors are averaged over, in crop sides
_DETAIL = 2.0  # blur whose remainder counts as shapes, in generator pixels


@dataclass(frozen=True, eq=False)
class Doubt:
    """Errors of a reconstruction around each pixel, in units of 0..1.

    shapes: float32 [R, R], of light, without what a change of brightness explains. colour: float32
    [R, R], of colour; a cast over the whole face does not count, as no edit changes it.
    """

    shapes: Floats
    colour: Floats

    @classmethod
    def none(cls, resolution: int) -> Doubt:
        """For a reconstruction that is perfect."""
        zeros = np.zeros((resolution, resolution), np.float32)
        return cls(zeros, zeros)

    def cut(self, where: tuple[slice, slice]) -> Doubt:
        return Doubt(self.shapes[where], self.colour[where])


def doubt_about(difference: Floats, valid: Flags) -> Doubt:
    """The doubt that photo - reconstruction, [R, R, 3], gives cause for; valid: bool [R, R]."""
    if not valid.any():
        return Doubt.none(len(valid))
    inside = (difference - difference[valid].mean(axis=0)) * valid[..., None]
    grey = grey_of(inside)
    colour = inside - grey
    shapes = grey[..., 0] - cv2.GaussianBlur(grey[..., 0], (0, 0), _DETAIL)
    return Doubt(_around(shapes * shapes), _around((colour * colour).sum(axis=2)))


def grey_of(picture: Floats) -> Floats:
    """The luma of [H, W, 3], as [H, W, 1]."""
    return cv2.cvtColor(np.ascontiguousarray(picture, np.float32), cv2.COLOR_RGB2GRAY)[..., None]


def _around(energy: Floats) -> Floats:
    return np.sqrt(wide_blur(energy, _AROUND * len(energy)))
