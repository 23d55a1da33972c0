"""The smile benchmark (paper section 4.2, Table 1): neutral faces are made to smile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.edit_scorer import Crops, EditScorer
from backend.evaluation.methods import Method
from backend.evaluation.photo_set import PhotoSet, composite_crop, rebuilt_crop
from backend.evaluation.report import Results

_REBUILT = "Reconstruction, not edited"
NEUTRAL = 0.25  # a face whose probability of a smile is below this counts as neutral

Shown = dict[str, list[NDArray[np.uint8]]]  # crops by the name of the method


@dataclass(frozen=True, eq=False)
class Pictures:
    """What the methods made of the photos, crops uint8 [R, R, 3]; the first entry of `generated`
    and of `composed` is not edited."""

    photos: list[NDArray[np.uint8]]
    generated: Shown
    composed: Shown


def render(photo_set: PhotoSet, names: Sequence[str], methods: Sequence[Method]) -> Pictures:
    """Every method on the photos `names`: its own output, and the composite."""
    photos = [photo_set.crop(name) for name in names]
    generated: Shown = {_REBUILT: [], **{method.name: [] for method in methods}}
    composed: Shown = {"Photo, not edited": photos, **{method.name: [] for method in methods}}
    for name in photo_set.each(names, "smile benchmark"):
        photo = photo_set.open(name)
        generated[_REBUILT].append(rebuilt_crop(photo))
        for method in methods:
            crop, layer = method.show(photo_set, name, photo)
            generated[method.name].append(crop)
            composed[method.name].append(composite_crop(photo, layer, photo_set.size))
    return Pictures(photos, generated, composed)


def smile_table(edit_scorer: EditScorer, shown: Pictures) -> Results:
    """Table 1: rows for the generator's output, compared with photo and reconstruction, and for
    the composite, compared with the photo."""
    photos, rebuilt = shown.photos, shown.generated[_REBUILT]
    return {
        "generator": [_row(edit_scorer, n, c, photos, rebuilt) for n, c in shown.generated.items()],
        "composite": [_row(edit_scorer, n, c, photos) for n, c in shown.composed.items()],
    }


def _row(
    edit_scorer: EditScorer, name: str, shown: Crops, photos: Crops, rebuilt: Crops | None = None
) -> Results:
    scores = {"method": name, **asdict(edit_scorer.scores(shown, photos))}
    if rebuilt is not None:
        scores["identity_to_reconstruction"] = edit_scorer.identity(shown, rebuilt)
    return scores
