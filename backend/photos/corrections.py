"""Where the parts of a photo really are, as the user says: in a label map, or on part layers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backend.photos.arrays import Bytes
from backend.photos.label_edit import OPAQUE, UNKNOWN, PaintedLayer, names_of, pasted
from backend.photos.parts import ColoredPart
from protocol.geometry import Rect


@dataclass(frozen=True, eq=False)
class Corrections:
    """Where the parts of a photo really are, as the user says.

    labels: uint8 [H, W], part indices, UNKNOWN where nothing is said. complete: indices of the
    parts of which all is said: where the labels do not show them, they are not.
    """

    labels: Bytes
    complete: frozenset[int] = frozenset()

    def cut(self, rect: Rect) -> Corrections:
        """Those of a rectangle of the photo."""
        x, y, width, height = rect
        return Corrections(self.labels[y : y + height, x : x + width], self.complete)

    @property
    def digest(self) -> str:
        """What tells them from others."""
        sha = hashlib.sha256(self.labels.tobytes())
        sha.update(repr(sorted(self.complete)).encode())
        return sha.hexdigest()


def corrections_of(
    layers: Sequence[PaintedLayer], parts: Sequence[ColoredPart], shape: tuple[int, int]
) -> Corrections:
    """What part layers, top first, say of a photo of that shape (H, W); each says all of its part.

    Raises UnknownPart.
    """
    names = names_of(layers, parts)
    labels, rect = np.full(shape, UNKNOWN, np.uint8), Rect(0, 0, shape[1], shape[0])
    strongest, total = np.zeros(shape, np.uint8), np.zeros(shape, np.uint16)
    for layer in reversed(layers):  # bottom first: upper layers overwrite
        alpha = pasted(layer.alpha, layer.x, layer.y, rect)
        # where soft edges meet, no layer is opaque: the strongest counts
        wins = (alpha >= OPAQUE) | ((alpha > strongest) & (strongest < OPAQUE))
        labels[wins] = names[layer.part]
        strongest, total = np.maximum(strongest, alpha), total + alpha
    labels[total < OPAQUE] = UNKNOWN
    return Corrections(labels, frozenset(names[layer.part] for layer in layers))
