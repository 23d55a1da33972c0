"""The smile benchmark (paper section 4.2, Table 1 and Fig. 11): neutral faces are made to smile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.editing.editor import Editor, OpenPhoto, ScaledEdit
from backend.editing.objective import Weights
from backend.editing.recipes import claims_of, recipes_for
from backend.errors import NothingChanged
from backend.evaluation.album import Album, composite_crop, generated_crops, rebuilt_crop
from backend.evaluation.judge import Crops, Judge
from backend.evaluation.store import digest
from edit_library import Edit

PRESET = "smile"
REFINEMENTS = (10, 30, 60)
SCRATCH_STEPS = 100
_REBUILT = "Reconstruction, not edited"
SCALES = tuple(i / 4 for i in range(9))  # 0 to 2, as in Fig. 11
NEUTRAL = 0.25  # a face whose probability of a smile is below this counts as neutral

# "We do not use the identity loss (Eq. 4) in this experiment, since identity preservation is
# already a target metric itself."
_WEIGHTS = Weights(identity=0.0)

Code = NDArray[np.float32]  # [n_ws, w_dim]
Shown = dict[str, list[NDArray[np.uint8]]]  # crops by the name of the method


@dataclass(frozen=True, eq=False)
class Method:
    """A row of the table: the delta w+ that makes a photo smile. slow: worth keeping on disk."""

    name: str
    delta: Callable[[OpenPhoto], Code]
    slow: bool = True


def methods(editor: Editor, edit: Edit, baseline: Code | None) -> list[Method]:
    """Vector, vector with refinement, optimisation from scratch (paper 3.4), and InterFaceGAN's
    vector as the baseline."""
    smile = ScaledEdit(edit.vector, edit.info.parts, 1.0)

    def refined(steps: int) -> Callable[[OpenPhoto], Code]:
        return lambda p: editor.apply(p, [smile], refine=steps, weights=_WEIGHTS).vector

    rows = [Method("EditGAN vector", lambda photo: edit.vector, slow=False)]
    rows += [Method(f"EditGAN vector +{steps}", refined(steps)) for steps in REFINEMENTS]
    recipe = next((r for r in recipes_for(editor.bundle) if r.name == PRESET), None)
    if recipe is not None:

        def from_scratch(photo: OpenPhoto) -> Code:
            try:
                claims = claims_of(recipe, photo.labels, editor.bundle)
            except NothingChanged:  # a mouth that was not found stays as it is, and counts
                return np.zeros_like(edit.vector)
            return editor.edit(photo, claims, steps=SCRATCH_STEPS, weights=_WEIGHTS).vector

        rows.append(Method(f"Optimised from scratch, {SCRATCH_STEPS} steps", from_scratch))
    if baseline is not None:
        rows.append(Method("InterFaceGAN", lambda photo: baseline, slow=False))
    return rows


@dataclass(frozen=True, eq=False)
class Pictures:
    """What the methods made of the photos, crops uint8 [R, R, 3]; the first entry of `generated`
    and of `composed` is not edited."""

    photos: list[NDArray[np.uint8]]
    generated: Shown
    composed: Shown


def render(album: Album, names: Sequence[str], edit: Edit, baseline: Code | None) -> Pictures:
    """Every method on the photos `names`: the generator's output, and the composite."""
    editor = album.editor
    rows = methods(editor, edit, baseline)
    photos = [album.crop(name) for name in names]
    generated: Shown = {_REBUILT: [], **{row.name: [] for row in rows}}
    composed: Shown = {"Photo, not edited": photos, **{row.name: [] for row in rows}}
    for name in album.each(names, "smile benchmark"):
        photo = album.open(name)
        generated[_REBUILT].append(rebuilt_crop(photo))
        for row in rows:
            delta = _delta(album, row, name, photo, edit)
            result = editor.apply(photo, [ScaledEdit(delta, edit.info.parts, 1.0)])
            generated[row.name].append(result.crop)
            composed[row.name].append(composite_crop(photo, result.layer, album.size))
    return Pictures(photos, generated, composed)


def smile_table(judge: Judge, shown: Pictures) -> dict[str, Any]:
    """Table 1: rows for the generator's output, compared with photo and reconstruction, and for
    the composite, compared with the photo."""
    photos, rebuilt = shown.photos, shown.generated[_REBUILT]
    return {
        "generator": [_row(judge, n, c, photos, rebuilt) for n, c in shown.generated.items()],
        "composite": [_row(judge, n, c, photos) for n, c in shown.composed.items()],
    }


def _delta(album: Album, row: Method, name: str, photo: OpenPhoto, edit: Edit) -> Code:
    if not row.slow:
        return row.delta(photo)
    depends_on = (_WEIGHTS, digest(edit.vector, photo.w_plus), album.editor.bundle.photo_files)
    return album.store.array(lambda: row.delta(photo), "smile", row.name, *depends_on)


def _row(
    judge: Judge, name: str, shown: Crops, photos: Crops, rebuilt: Crops | None = None
) -> dict[str, Any]:
    scores = {"method": name, **asdict(judge.scores(shown, photos))}
    if rebuilt is not None:
        scores["identity_to_reconstruction"] = judge.identity(shown, rebuilt)
    return scores


def sweep(
    album: Album, names: Sequence[str], vectors: dict[str, Code], judge: Judge
) -> dict[str, Any]:
    """Fig. 11: attribute score against identity (to the photo) as the scale grows, on the
    generator's output."""
    originals = [album.crop(name) for name in names]
    shown: dict[str, list[list[NDArray[np.uint8]]]] = {label: [] for label in vectors}
    for name in album.each(names, "sweep of scales"):
        w_plus = album.code(name, "+100 steps")
        for label, vector in vectors.items():
            deltas = [vector * np.float32(scale) for scale in SCALES]
            shown[label].append(generated_crops(album.editor, w_plus, deltas))
    curves = {
        label: [
            {
                "scale": scale,
                "attribute_score": float(judge.scorer.score(crops).mean()),
                "identity": judge.identity(crops, originals),
            }
            for scale, crops in zip(SCALES, zip(*of_photos, strict=True), strict=True)
        ]
        for label, of_photos in shown.items()
    }
    return {"photos": len(names), "curves": curves}
