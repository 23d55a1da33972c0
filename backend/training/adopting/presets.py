"""Edits for a new model, learned from its own samples by the recipes of its kind of subject."""

from __future__ import annotations

from tqdm import tqdm

from backend.bundles.bundle import Bundle
from backend.editing.editor import Editor
from backend.editing.learn import RecipeTarget
from backend.editing.options import Optimisation
from backend.editing.recipes import recipes_for
from backend.errors import NothingChanged
from backend.session.learned_edits import save_learned
from backend.training.adopting.report import LearnedPresets
from edit_library.library import Library

_FIRST_SEED = 60_000
_LEAST = 0.15  # share of the wanted pixels that an edit must change on other samples


def learn_presets(
    bundle: Bundle,
    library: Library,
    *,
    device: str,
    samples: int = 4,
    others: int = 2,
    steps: int = 60,
    quiet: bool = False,
) -> LearnedPresets:
    """Learn every recipe that the bundle has the parts for; those that work are saved with
    thumbnails. What the library holds already is kept, so that an interrupted run resumes.

    Returns names: learnt, left_out.
    """
    editor = Editor(bundle, device)
    photos = [editor.open_sample(_FIRST_SEED + i) for i in range(samples + others)]
    known = {info.name for info in library.list(bundle.name)}
    found = LearnedPresets([], [])
    for recipe in tqdm(recipes_for(bundle), desc="Presets", disable=quiet or None):
        if recipe.name in known:
            found.learnt.append(recipe.name)
            continue
        target = RecipeTarget(recipe)
        try:
            learned = editor.learn(target, photos[:samples], photos[samples:], Optimisation(steps))
        except NothingChanged:
            found.left_out.append(recipe.name)
            continue
        works = learned.transfer is None or learned.transfer >= _LEAST
        (found.learnt if works else found.left_out).append(recipe.name)
        if works:
            save_learned(library, editor, recipe.name, recipe, learned)
    return found
