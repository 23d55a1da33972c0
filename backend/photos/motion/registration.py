"""Find the diffeomorphism that takes one stack of maps to another.

Log-domain diffeomorphic demons (Vercauteren et al., MICCAI 2008) over many channels at once, coarse
to fine. Part maps say where lips end and skin begins, a picture's local contrast says how cheeks
and folds move between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.photos.arrays import Floats
from backend.photos.motion.diffeomorphism import exponential, warp
from backend.photos.pause import Pause, no_pause

_FLUID = 2.0  # blur of an update, grid pixels: neighbours move together
_ELASTIC = 1.2  # blur of the velocity after an update, grid pixels: the smoothest motion wins
_LONGEST_STEP = 1.0  # grid pixels that one update may add
_STILL = 1e-4  # gradient energy below which there is nothing to follow


@dataclass(frozen=True)
class Stage:
    """One stage of a registration.

    scale: its grid, relative to the finest one. sigma: blur of the maps, its grid's pixels.
    """

    scale: float
    sigma: float
    iterations: int


THOROUGH = (Stage(0.5, 3.0, 25), Stage(0.5, 1.5, 15), Stage(1.0, 1.5, 12))
COARSE = (Stage(0.5, 3.0, 20), Stage(0.5, 1.5, 10))
QUICK = (*COARSE, Stage(1.0, 1.5, 6))
FOLLOWING = (Stage(1.0, 1.5, 6),)  # from the velocity of a similar motion


@dataclass(frozen=True, eq=False)
class RegisteredMaps:
    """What is registered: parts float32 [n, n, C] in 0..1, and contrast float32 [n, n], about
    -2..2, of a picture of the same square."""

    parts: Floats
    contrast: Floats

    def stacked(self, size: int, sigma: float, picture_weight: float) -> Floats:
        """All channels on a grid of `size` pixels, blurred by sigma of them: [size, size, C + 1].

        The contrast is blurred less: it has been found in a blurred picture.
        """
        contrast = cv2.GaussianBlur(_fitted(self.contrast, size), (0, 0), sigma / 3)[..., None]
        contrast = contrast * picture_weight**0.5
        if not self.parts.shape[2]:
            return contrast
        parts = cv2.GaussianBlur(_fitted(self.parts, size), (0, 0), sigma)
        return np.concatenate([parts.reshape(size, size, -1), contrast], axis=2)


def register(
    source: RegisteredMaps,
    target: RegisteredMaps,
    window: Floats,
    *,
    picture_weight: float = 0.15,
    trust: Floats | None = None,
    start: Floats | None = None,
    stages: tuple[Stage, ...] = THOROUGH,
    pause: Pause = no_pause,
) -> Floats:
    """The velocity field [n, n, 2], in pixels, whose exponential reads `target` in `source`.

    window: float32 [n, n] in 0..1; there is no motion where it is 0. trust: float32 [n, n, C + 1],
    how much each channel counts at each place of the target; all of them when None. start: a
    velocity field to begin with. pause: called before each iteration.
    """
    size = len(window)
    velocity = start
    for stage in stages:
        side = round(size * stage.scale)
        moving, fixed = (m.stacked(side, stage.sigma, picture_weight) for m in (source, target))
        weight = 1.0 if trust is None else _fitted(trust, side)
        velocity = _on_grid(velocity, side)
        velocity = _descend(velocity, moving, fixed, _fitted(window, side), weight, stage, pause)
    return _on_grid(velocity, size)


def _descend(
    velocity: Floats,
    moving: Floats,
    fixed: Floats,
    window: Floats,
    weight: Floats | float,
    stage: Stage,
    pause: Pause,
) -> Floats:
    inside = window[..., None]
    for _ in range(stage.iterations):
        pause()
        moved = warp(moving, exponential(velocity))  # [n, n, C]
        update = _update((fixed - moved) * weight, moved)  # [n, n, 2]
        velocity = cv2.GaussianBlur(velocity + update * inside, (0, 0), _ELASTIC) * inside
    return velocity


def _update(missing: Floats, moved: Floats) -> Floats:
    """A Gauss-Newton step [n, n, 2] towards what is missing, [n, n, C], in each neighbourhood."""
    dx, dy = _gradient(moved)
    pull = [np.einsum("ijk,ijk->ij", missing, d) for d in (dx, dy)]
    energy = sum(np.einsum("ijk,ijk->ij", f, f) for f in (dx, dy, 0.5 * missing))
    smooth = cv2.GaussianBlur(np.dstack([*pull, energy]), (0, 0), _FLUID)
    step = smooth[..., :2] / (smooth[..., 2:] + _STILL)
    length = np.linalg.norm(step, axis=2, keepdims=True)
    return step * np.minimum(1, _LONGEST_STEP / np.maximum(length, 1e-6))


def _gradient(field: Floats) -> tuple[Floats, Floats]:
    """Central differences along x and y, 0 at the border; numpy's own take twice as long."""
    dx, dy = np.zeros_like(field), np.zeros_like(field)
    dx[:, 1:-1] = (field[:, 2:] - field[:, :-2]) / 2
    dy[1:-1] = (field[2:] - field[:-2]) / 2
    return dx, dy


def _on_grid(velocity: Floats | None, side: int) -> Floats:
    """A velocity field in the pixels of another grid; none at all is no motion."""
    if velocity is None:
        return np.zeros((side, side, 2), np.float32)
    return _fitted(velocity, side) * np.float32(side / len(velocity))


def _fitted(field: Floats, side: int) -> Floats:
    """A field [n, n] or [n, n, C] on another grid."""
    if len(field) == side:
        return field
    method = cv2.INTER_AREA if side < len(field) else cv2.INTER_LINEAR
    return cv2.resize(field, (side, side), interpolation=method)
