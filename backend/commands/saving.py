"""Keeping an edit that was learnt from several photos."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.editing.editor import Editor, ScaledEdit
from backend.editing.learn import LearntEdit
from backend.editing.recipes import Recipe
from edit_library import EditInfo, Library

THUMBNAIL_SEED = 3  # of the picture that thumbnails show
_THUMBNAIL = 128


def save_learnt(
    library: Library,
    editor: Editor,
    name: str,
    recipe: Recipe,
    learnt: LearntEdit,
    *,
    seed: int = THUMBNAIL_SEED,
    overwrite: bool = True,
) -> EditInfo:
    """Keep a learnt edit. Its thumbnails show a picture of the model's own: nobody's photo leaves
    with the edit. Raises EditLibraryError."""
    example = editor.open_sample(seed)
    edits = [ScaledEdit(learnt.vector, learnt.parts, 1.0)]
    return library.save(
        editor.bundle.name,
        name,
        learnt.vector,
        generator_sha=editor.bundle.sha,
        parts=learnt.parts,
        title=recipe.title if name == recipe.name else None,
        description=recipe.description,
        low=learnt.low,
        high=learnt.high,
        default=min(recipe.usual, learnt.high),
        before=_enlarged(example.pixels),
        after=_enlarged(editor.preview(example, edits).crop),
        learnt_from=learnt.learnt_from,
        licence=editor.bundle.license,
        overwrite=overwrite,
    )


def _enlarged(picture: NDArray[Any]) -> NDArray[np.uint8]:
    size = (_THUMBNAIL, _THUMBNAIL)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)
