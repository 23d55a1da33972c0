"""Learning for the server: what a request asks for, and what was learnt as a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from backend.bundles import Bundle
from backend.editing.editor import Editor, OpenPhoto, ScaledEdit
from backend.editing.learn import FromEdits, FromRecipe, Lesson, learn
from backend.editing.progress import Report
from backend.editing.recipes import find_recipe
from backend.server.convert import to_pixels
from backend.server.engines import Engine
from backend.session.plain_json import plain
from protocol import messages as m


def lesson_of(recipe: str | None, edits: Sequence[ScaledEdit], bundle: Bundle) -> Lesson:
    """Raises UnknownRecipe, UnknownPart."""
    return FromRecipe(find_recipe(bundle, recipe)) if recipe else FromEdits(edits)


def taught(
    engine: Engine,
    lesson: Lesson,
    photos: Sequence[OpenPhoto],
    others: Sequence[OpenPhoto],
    steps: int,
    progress: Report,
) -> m.Learnt:
    """Learn it; raises NothingChanged, Cancelled."""
    editor = cast(Editor, engine)
    learnt = learn(editor, lesson, photos, others, steps=steps, report=progress)
    return m.Learnt(
        to_pixels(learnt.vector), learnt.parts, learnt.low, learnt.high, plain(learnt.report())
    )
