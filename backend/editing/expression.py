"""How a face looks just now: whether its eyes are open, and whether it smiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_SEEN = 0.5  # probability from which a pixel belongs to a part
_SMALLEST = 4  # pixels: less of a part says nothing
_CLOSED, _WIDE = 0.10, 0.40  # an eye's height over its width
_EYE_WIDTH = 0.11  # of the crop's side, of an eye of which nothing else is known
_CORNER = 0.12  # of the mouth's width, at each end
_STRAIGHT, _LIFTED = -0.02, 0.16  # how far its corners lie above its middle, over its width
_NARROW, _BROAD = 0.17, 0.27  # the mouth's width, crop sides
_TEETH = 0.25  # share of what is between the lips from which on it counts fully


@dataclass(frozen=True, eq=False)
class SeenFace:
    """identity: float32 [D] of unit length; eyes, smile: 0..1. None where no network says so."""

    identity: Floats | None
    eyes: float | None
    smile: float | None


def eyes_open(seen: dict[str, Floats]) -> float:
    """How wide the less open eye is open, 0..1.

    seen: what the parser sees, probabilities by class, [S, S] of an aligned crop.
    """
    return min(_openness(seen[name]) for name in ("left eye", "right eye"))


def _openness(eye: Floats) -> float:
    shown = eye > _SEEN
    if shown.sum() < _SMALLEST:
        return 0.0
    columns = np.flatnonzero(shown.any(axis=0))
    width = max(float(columns[-1] - columns[0] + 1), _EYE_WIDTH * len(eye) / 2)
    height = float(shown.sum()) / width  # on average: lashes and corners do not count
    return _between(height / width, _CLOSED, _WIDE)


def smiling(seen: dict[str, Floats]) -> float:
    """How much the mouth smiles, 0..1: its corners are lifted, it is broad, teeth show.

    seen: as in `eyes_open`.
    """
    inside = seen["mouth inside"]
    shown = (seen["upper lip"] + seen["lower lip"] + inside) > _SEEN
    if shown.sum() < _SMALLEST:
        return 0.0
    rows, columns = np.nonzero(shown)
    left, width = columns.min(), float(columns.max() - columns.min() + 1)
    place = (columns - left) / width
    ends = (place < _CORNER) | (place > 1 - _CORNER)
    middle = np.abs(place - 0.5) < _CORNER
    if not middle.any() or not ends.any():
        return 0.0
    lift = (rows[middle].mean() - rows[ends].mean()) / width
    broad = _between(width / len(inside), _NARROW, _BROAD)
    teeth = _between(float((inside > _SEEN).sum()) / shown.sum(), 0.0, _TEETH)
    return (_between(lift, _STRAIGHT, _LIFTED) + broad + teeth) / 3


def _between(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))
