"""How often each face is drawn in training, so that ages and skin tones are seen more evenly.

Portraits of celebrities are mostly young and light-skinned; a generator learns what it sees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

_FEWEST = 0.02  # share of a picture that must be skin, or its tone is not known
_MOST = 10  # times that a picture of a rare group is drawn
_AGES = (20, 35, 50)  # years: children, young, middle-aged, old
# Degrees between brown, tan, intermediate and light skin (Chardon et al. 1991; very light and
# light, brown and dark are one each: a photo's own light counts for as much as lies between them).
_TONES = (10, 28, 41)


def skin_angle(picture: NDArray[np.uint8], skin: NDArray[np.bool_]) -> float | None:
    """The individual typology angle of skin, degrees: atan((L* - 50) / b*), of medians.

    picture: uint8 [S, S, 3], R'G'B'; skin: [S, S]. None where hardly any skin is seen.
    """
    if skin.mean() < _FEWEST:
        return None
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lightness, _, yellow = np.median(lab[skin], axis=0)
    return float(np.degrees(np.arctan2(lightness - 50, max(float(yellow), 1e-3))))


def group(angle: float | None, years: float | None) -> tuple[int, ...] | None:
    """The group that a face of this skin angle and age is counted to; None where neither is
    known."""
    if angle is None and years is None:
        return None
    tone = -1 if angle is None else int(np.searchsorted(_TONES, angle))
    age = -1 if years is None else int(np.searchsorted(_AGES, years))
    return tone, age


def draws(groups: Sequence[Hashable | None]) -> list[int]:
    """How often each picture is drawn: those of smaller groups more often, up to ten times, by how
    much larger the largest group is. Pictures without a group are drawn once."""
    sizes = Counter(g for g in groups if g is not None)
    largest = max(sizes.values(), default=1)
    return [1 if g is None else min(round(largest / sizes[g]), _MOST) for g in groups]
