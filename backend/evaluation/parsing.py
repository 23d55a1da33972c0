"""How well parts are found: intersection over union with maps drawn by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]

SIX = {  # FASSEG's classes, by the parser's
    "hair": ("hair",),
    "skin": ("skin", "left ear", "right ear", "neck"),
    "nose": ("nose",),
    "mouth": ("mouth inside", "upper lip", "lower lip"),
    "eyes": ("left eye", "right eye"),
    "brows": ("left brow", "right brow"),
}


class Overlap:
    """Intersections and unions of classes, counted over pictures."""

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self.counts = np.zeros((len(self.classes), len(self.classes)), np.int64)

    def add(self, found: Labels, true: Labels, known: NDArray[np.bool_]) -> None:
        """Count the pixels [H, W] that are known."""
        pairs = true[known].astype(np.int64) * len(self.classes) + found[known]
        self.counts += np.bincount(pairs, minlength=self.counts.size).reshape(self.counts.shape)

    def iou(self) -> dict[str, float]:
        """By class; NaN where a class does not occur."""
        return {name: self._of([index]) for index, name in enumerate(self.classes)}

    def merged(self, groups: Mapping[str, Sequence[str]]) -> dict[str, float]:
        """The same of classes taken together."""
        return {
            name: self._of([self.classes.index(m) for m in members if m in self.classes])
            for name, members in groups.items()
        }

    def _of(self, members: Sequence[int]) -> float:
        true, found = self.counts[members].sum(), self.counts[:, members].sum()
        both = self.counts[np.ix_(members, members)].sum()
        return float(both / (true + found - both)) if true else float("nan")
