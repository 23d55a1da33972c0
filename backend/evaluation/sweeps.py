"""How an edit's scale and the steps of refinement trade the attribute for identity and for likeness
to photos (paper, Figs. 10 and 11), on the generator's output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from backend.editing.editor import ScaledEdit
from backend.editing.options import Optimisation
from backend.evaluation.edit_scorer import EditScorer
from backend.evaluation.methods import REFINEMENTS, WEIGHTS, Code
from backend.evaluation.photo_set import PhotoSet, generated_crops
from backend.evaluation.report import Results
from backend.evaluation.store import digest
from edit_library import Edit

SCALES = tuple(i / 4 for i in range(9))  # 0 to 2, as in Fig. 11
REFINED_SCALES = (0.5, 1.0, 1.5, 2.0)  # fewer: each takes all steps of refinement

Crops = list[NDArray[np.uint8]]  # [R, R, 3] each
Show = Callable[[str], Crops]  # a photo's pictures, one for each scale


def sweep(
    photo_set: PhotoSet,
    names: Sequence[str],
    vectors: Mapping[str, Code],
    edit: Edit,
    scorer: EditScorer,
) -> Results:
    """Attribute score, identity to the photo and Fréchet distance as the scale grows: for vectors
    alone, by name, and for the edit's with steps of refinement."""
    curves = {}
    for label, vector in vectors.items():
        curves[label] = _curve(photo_set, names, _vector(photo_set, vector), SCALES, scorer)
    for steps in REFINEMENTS:
        shown = _refined(photo_set, edit, steps)
        curves[f"EditGAN vector +{steps}"] = _curve(photo_set, names, shown, REFINED_SCALES, scorer)
    return {"photos": len(names), "frechet": scorer.space.frechet_name, "curves": curves}


def _curve(
    photo_set: PhotoSet,
    names: Sequence[str],
    show: Show,
    scales: Sequence[float],
    scorer: EditScorer,
) -> list[dict[str, float | None]]:
    originals = [photo_set.crop(name) for name in names]
    shown = [show(name) for name in photo_set.each(names, "sweep of scales")]
    points = []
    for scale, crops in zip(scales, zip(*shown, strict=True), strict=True):
        scores = scorer.scores(crops, originals)
        found = (scores.attribute_score, scores.identity, scores.frechet)
        keys = ("attribute_score", "identity", "frechet")
        points.append({"scale": scale, **dict(zip(keys, found, strict=True))})
    return points


def _vector(photo_set: PhotoSet, vector: Code) -> Show:
    def show(name: str) -> Crops:
        deltas = [vector * np.float32(scale) for scale in SCALES]
        return generated_crops(photo_set.editor, photo_set.code(name, "+100 steps"), deltas)

    return show


def _refined(photo_set: PhotoSet, edit: Edit, steps: int) -> Show:
    """With self-supervised refinement (paper 3.4), which is slow and therefore kept."""

    def show(name: str) -> Crops:
        def made() -> NDArray[np.uint8]:
            photo = photo_set.open(name)
            edits = (ScaledEdit(edit.vector, edit.info.parts, s) for s in REFINED_SCALES)
            editor = photo_set.editor
            each = [editor.apply(photo, [e], Optimisation(steps, WEIGHTS)) for e in edits]
            return np.stack([result.crop for result in each])

        code = photo_set.code(name, "+100 steps")
        bundle = photo_set.editor.bundle.photo_files
        key = ("sweep", steps, REFINED_SCALES, WEIGHTS, digest(edit.vector, code), bundle)
        return list(photo_set.store.array(made, *key))

    return show
