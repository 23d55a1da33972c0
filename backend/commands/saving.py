"""Keeping an edit that was learnt from several photos."""

from __future__ import annotations

from backend.editing.editor import Editor, ScaledEdit
from backend.editing.learn import LearntEdit
from backend.editing.recipes import Recipe
from backend.session.edits import save_edit
from backend.session.thumbnails import sample_thumbnail
from edit_library import EditInfo, Library

THUMBNAIL_SEED = 3  # of the picture that thumbnails show


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
    return save_edit(
        library,
        editor.bundle,
        name,
        learnt.vector,
        parts=learnt.parts,
        title=recipe.title if name == recipe.name else None,
        description=recipe.description,
        low=learnt.low,
        high=learnt.high,
        default=min(recipe.usual, learnt.high),
        before=sample_thumbnail(example.pixels),
        after=sample_thumbnail(editor.preview(example, edits).crop),
        learnt_from=learnt.learnt_from,
        overwrite=overwrite,
    )
