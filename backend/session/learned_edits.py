"""Keeping an edit that was learned from several photos."""

from __future__ import annotations

from typing import Protocol

from backend.editing.editor import Editor
from backend.editing.learn import LearnedEdit
from backend.editing.options import ScaledEdit
from backend.session.edits import save_edit
from backend.session.thumbnails import sample_thumbnail
from edit_library import EditInfo, Library

THUMBNAIL_SEED = 3  # of the picture that thumbnails show


class LearnedFrom(Protocol):
    """What an edit was learned from: a recipe, or pairs of photos."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def usual(self) -> float: ...


def save_learned(
    library: Library,
    editor: Editor,
    name: str,
    recipe: LearnedFrom,
    learned: LearnedEdit,
    *,
    seed: int = THUMBNAIL_SEED,
    overwrite: bool = True,
) -> EditInfo:
    """Keep a learned edit. Its thumbnails show a picture of the model's own: nobody's photo leaves
    with the edit. Raises EditLibraryError."""
    example = editor.open_sample(seed)
    edits = [ScaledEdit(learned.vector, learned.parts, 1.0)]
    return save_edit(
        library,
        editor.bundle,
        name,
        learned.vector,
        parts=learned.parts,
        title=recipe.title if name == recipe.name else None,
        description=recipe.description,
        low=learned.low,
        high=learned.high,
        default=min(recipe.usual, learned.high),
        before=sample_thumbnail(example.pixels),
        after=sample_thumbnail(editor.preview(example, edits).crop),
        learnt_from=learned.learnt_from,
        overwrite=overwrite,
    )
