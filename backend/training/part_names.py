"""What the classes of other people's label maps are called, and which side is left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SIDED = ("eye", "brow", "ear")
_EQUAL = (  # names of one part: ours, and CelebAMask-HQ's (Lee et al. 2020), long and short
    ("mouth interior", "mouth inside", "mouth"),
    ("clothes", "cloth"),
    ("upper lip", "u lip"),
    ("lower lip", "l lip"),
    ("eye glasses", "eye g"),
    ("earring", "ear r"),
    ("necklace", "neck l"),
    *((f"{side} {part}", f"{side[0]} {part}") for side in ("left", "right") for part in _SIDED),
)


def named_as(classes: Sequence[str], parts: Sequence[str]) -> tuple[str, ...]:
    """The names of classes, those of the same things as parts by the parts' names."""
    words = {name: part for names in _EQUAL for part in names if part in parts for name in names}
    return tuple(name if name in parts else words.get(name, name) for name in classes)


def mirror_table(parts: Sequence[str]) -> NDArray[np.uint8]:
    """uint8 [C]: for each part, the one it becomes in a mirror image."""
    twin = {"left": "right", "right": "left"}
    table = []
    for name in parts:
        side, _, rest = name.partition(" ")
        other = f"{twin.get(side, side)} {rest}"
        table.append(parts.index(other if other in parts else name))
    return np.array(table, np.uint8)


def mirrored_names(labels: NDArray[np.uint8], parts: Sequence[str]) -> NDArray[np.uint8]:
    """Labels with the names of left and right exchanged."""
    table = np.arange(256, dtype=np.uint8)
    table[: len(parts)] = mirror_table(parts)
    return table[labels]


def own_sides(labels: NDArray[np.uint8], parts: Sequence[str]) -> NDArray[np.uint8]:
    """Labels of an upright face, [H, W], whose left and right are the subject's own: of
    CelebAMask-HQ's maps some were mirrored without exchanging the names.

    Every pair of parts says where left is, one that is seen alone by its side of the nose.
    """
    columns = np.arange(labels.shape[1])
    at = {name: _middle(labels == index, columns) for index, name in enumerate(parts)}
    nose, votes = at.get("nose", np.nan), 0.0
    for name in parts:
        other = name.replace("left ", "right ", 1)
        if name.startswith("left ") and other in at:
            left, right = at[name], at[other]
            votes += np.nan_to_num(np.sign(left - (nose if np.isnan(right) else right)))
            votes += np.nan_to_num(np.sign((nose if np.isnan(left) else left) - right))
    return labels if votes >= 0 else mirrored_names(labels, parts)


def _middle(mask: NDArray[np.bool_], columns: NDArray[np.int64]) -> float:
    counts = mask.sum(axis=0)
    return float((counts * columns).sum() / counts.sum()) if counts.any() else float("nan")
