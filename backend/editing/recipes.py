"""Scripted mask edits: a change of the parts described once, for any photo of a bundle.

A recipe is what a photographer would paint, said in geometry: scale a part, lift its corners, let
it grow. Presets are learnt from recipes by the same optimisation that a repaint runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.bundles.bundle import Bundle
from backend.editing.region import dilate
from backend.errors import NothingChanged
from backend.photos.painted import Claims

_OVERSAMPLE = 8  # geometry is done on a finer grid, so that small parts keep their shape


@dataclass(frozen=True)
class Scale:
    """Scale each connected piece of a part about its centre; lift: how far its left and right ends
    rise, as a fraction of its width."""

    x: float = 1.0
    y: float = 1.0
    lift: float = 0.0

    def __call__(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """mask: bool [H, W]; returns the new shape of the part."""
        count, pieces = cv2.connectedComponents(mask.astype(np.uint8))
        result = np.zeros_like(mask)
        for piece in range(1, count):
            result |= self._moved((pieces == piece).astype(np.float32))
        return result

    def _moved(self, piece: NDArray[np.float32]) -> NDArray[np.bool_]:
        rows, columns = np.nonzero(piece)
        cx, cy = columns.mean(), rows.mean()
        half = max((columns.max() - columns.min()) / 2 * self.x, 1.0)
        y, x = np.mgrid[: piece.shape[0], : piece.shape[1]].astype(np.float32)
        rise = 2 * half * self.lift * (((x - cx) / half) ** 2).clip(0, 2)
        source_x = cx + (x - cx) / self.x
        source_y = cy + (y + rise - cy) / self.y
        moved = cv2.remap(
            piece, source_x.astype(np.float32), source_y.astype(np.float32), cv2.INTER_LINEAR
        )
        return moved > 0.5


@dataclass(frozen=True)
class Grow:
    """Let a part grow (or shrink, when negative) by a fraction of the picture's width, over
    `over`."""

    by: float
    over: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """One edit: what happens to the shape of one part.

    fill: the part that shows where the edited part went away.
    """

    name: str
    title: str
    description: str
    part: str
    change: Scale | Grow
    fill: str = "skin"


def claims_of(recipe: Recipe, labels: NDArray[np.uint8], bundle: Bundle) -> Claims:
    """What a recipe asks of a photo whose labels are uint8 [L, L].

    Raises NothingChanged when the part is not in the picture or the change is too small for it.
    """
    part, fill = bundle.part(recipe.part).index, bundle.part(recipe.fill).index
    fine = labels.repeat(_OVERSAMPLE, axis=0).repeat(_OVERSAMPLE, axis=1)
    mask = fine == part
    if not mask.any():
        raise NothingChanged(f"The picture has no '{recipe.part}' to change.")
    wanted = _changed(recipe.change, mask, fine, bundle)
    target = _to_labels(fine, mask, wanted, part, fill)
    changed = target != labels
    if not changed.any():
        raise NothingChanged(f"'{recipe.title}' changes nothing in this picture.")
    return Claims(target, changed, np.zeros_like(labels), (recipe.part,))


def _changed(
    change: Scale | Grow, mask: NDArray[np.bool_], fine: NDArray[np.uint8], bundle: Bundle
) -> NDArray[np.bool_]:
    if isinstance(change, Scale):
        return change(mask)
    radius = max(1, round(abs(change.by) * mask.shape[0]))
    over = np.isin(fine, [bundle.part(name).index for name in change.over])
    if change.by > 0:
        return mask | (dilate(mask, radius) & over)
    return mask & ~(dilate(over, radius) & mask)


def _to_labels(
    fine: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    wanted: NDArray[np.bool_],
    part: int,
    fill: int,
) -> NDArray[np.uint8]:
    """Majority of area per label pixel, after the part has its new shape."""
    edited = np.where(wanted, part, np.where(mask, fill, fine))
    side = fine.shape[0] // _OVERSAMPLE
    blocks = edited.reshape(side, _OVERSAMPLE, side, _OVERSAMPLE)
    counts = [(blocks == c).sum(axis=(1, 3)) for c in range(int(edited.max()) + 1)]
    return np.stack(counts).argmax(axis=0).astype(np.uint8)


FACES = (
    Recipe(
        "smile",
        "Smile",
        "Widens the mouth and lifts its corners.",
        "mouth",
        Scale(x=1.6, y=1.35, lift=0.2),
    ),
    Recipe("wider-mouth", "Wider mouth", "Widens the mouth.", "mouth", Scale(x=1.7)),
    Recipe("fuller-lips", "Fuller lips", "Makes the lips fuller.", "mouth", Scale(x=1.1, y=2.1)),
    Recipe("bigger-eyes", "Bigger eyes", "Enlarges both eyes.", "eyes", Scale(x=1.5, y=2.0)),
    Recipe("slimmer-nose", "Slimmer nose", "Narrows the nose.", "nose", Scale(x=0.55, y=0.95)),
)
"""The recipes of the built-in bundle `faces`."""

RECIPES = {"faces": FACES}
