"""What a request to learn asks for."""

from __future__ import annotations

from collections.abc import Sequence

from backend.bundles import Bundle
from backend.editing.learn import LearningTarget, MeanTarget, RecipeTarget
from backend.editing.options import ScaledEdit
from backend.editing.recipes import find_recipe


def target_of(recipe: str | None, edits: Sequence[ScaledEdit], bundle: Bundle) -> LearningTarget:
    """Raises UnknownRecipe, UnknownPart, NothingChanged."""
    return RecipeTarget(find_recipe(bundle, recipe)) if recipe else MeanTarget(edits)
