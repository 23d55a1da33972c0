"""Learning an editing vector from several photos: the mean of their deltas transfers better than
one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.editing.editor import Editor, OpenPhoto, ScaledEdit
from backend.editing.progress import Progress, Report, ignore, part_of
from backend.editing.recipes import Recipe, claims_of
from backend.errors import NothingChanged

_SCALES = (0.5, 0.75, 1.0, 1.25, 1.5)  # beyond, colours drift where the model is small
_STILL_THE_SAME = 0.55  # cosine similarity; two photos of one person have about 0.6 to 0.8


@dataclass(frozen=True, eq=False)
class LearntEdit:
    """A vector float32 [n_ws, w_dim], its Q_edit, the scales it is good for, and how it was
    learnt."""

    vector: NDArray[np.float32]
    parts: tuple[str, ...]
    low: float
    high: float
    learnt_from: int
    agreement: float  # on the photos it was learnt from, at the claimed pixels, 0..1
    transfer: float  # the same, applied as a vector to photos it was not learnt from


def learn(
    editor: Editor,
    recipe: Recipe,
    photos: Sequence[OpenPhoto],
    others: Sequence[OpenPhoto],
    *,
    steps: int = 100,
    report: Report = ignore,
) -> LearntEdit:
    """Learn `recipe` from `photos`, try it on `others`.

    Photos on which the recipe changes nothing are passed over; raises NothingChanged when none is
    left.
    """
    deltas, agreements = [], []
    for i, photo in enumerate(photos):
        try:
            claims = claims_of(recipe, photo.labels, editor.bundle)
        except NothingChanged:
            continue
        inner = part_of(report, 0.8 * i / len(photos), 0.8 * (i + 1) / len(photos))
        found = editor.edit(photo, claims, steps=steps, progress=inner)
        deltas.append(found.vector)
        agreements.append(float(found.report["agreement"]))
    if not deltas:
        raise NothingChanged(f"'{recipe.title}' changes nothing in any of these photos.")
    vector = np.mean(deltas, axis=0, dtype=np.float32)
    report(Progress(0.85, "Trying it on other photos"))
    transfer = [_transfer(editor, recipe, vector, photo) for photo in others]
    low, high = _range(editor, vector, others)
    return LearntEdit(
        vector,
        (recipe.part,),
        low,
        high,
        len(deltas),
        float(np.mean(agreements)),
        float(np.nanmean(transfer)) if transfer else float("nan"),
    )


def _transfer(
    editor: Editor, recipe: Recipe, vector: NDArray[np.float32], photo: OpenPhoto
) -> float:
    """Share of the pixels that the recipe claims which the vector gets right; NaN if it claims
    none."""
    try:
        claims = claims_of(recipe, photo.labels, editor.bundle)
    except NothingChanged:
        return float("nan")
    labels = editor.preview(photo, [ScaledEdit(vector, (recipe.part,), 1.0)]).labels
    return float((labels == claims.target)[claims.changed].mean())


def _range(
    editor: Editor, vector: NDArray[np.float32], photos: Sequence[OpenPhoto]
) -> tuple[float, float]:
    """The largest scales of `_SCALES` at which the subject stays the same person on average."""

    def still(scale: float) -> bool:
        kept = [editor.preview(p, [ScaledEdit(vector, (), scale)]).identity for p in photos]
        known = [k for k in kept if k is not None]
        return not known or float(np.mean(known)) >= _STILL_THE_SAME

    high = max((s for s in _SCALES if still(s)), default=_SCALES[0])
    low = -max((s for s in _SCALES if still(-s)), default=_SCALES[0])
    return low, high
