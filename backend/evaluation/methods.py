"""Ways to make a photo smile that the benchmark compares: each is a row of its table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.editing.editor import Editor, OpenPhoto, ScaledEdit
from backend.editing.inversion import LEVELS, invert
from backend.editing.options import Optimisation, Weights
from backend.editing.recipes import label_edit_of, recipes_for
from backend.errors import NothingChanged
from backend.evaluation.photo_set import PhotoSet
from backend.evaluation.store import digest
from backend.models.pictures import to_uint8
from backend.photos.composite import ResultLayer
from edit_library import Edit

PRESET = "smile"
REFINEMENTS = (10, 30, 60)
SCRATCH_STEPS = 100

# "We do not use the identity loss (Eq. 4) in this experiment, since identity preservation is
# already a target metric itself."
WEIGHTS = Weights(identity=0.0)

Code = NDArray[np.float32]  # [n_ws, w_dim]
Crop = NDArray[np.uint8]  # [R, R, 3]


class Method(Protocol):
    """A row of the table."""

    @property
    def name(self) -> str: ...

    def show(self, photo_set: PhotoSet, name: str, photo: OpenPhoto) -> tuple[Crop, ResultLayer]:
        """The edited picture itself, and the layer that brings it into the photo."""


@dataclass(frozen=True, eq=False)
class CodeMethod:
    """A method that moves the code: the delta w+ for a photo. slow: worth keeping on disk."""

    name: str
    delta: Callable[[OpenPhoto], Code]
    edit: Edit  # whose parts the composite may change
    slow: bool = True

    def show(self, photo_set: PhotoSet, name: str, photo: OpenPhoto) -> tuple[Crop, ResultLayer]:
        delta = self.delta(photo) if not self.slow else self._kept(photo_set, photo)
        scaled = ScaledEdit(delta, self.edit.info.parts, 1.0)
        result = photo_set.editor.apply(photo, [scaled])
        return result.crop, result.layer

    def _kept(self, photo_set: PhotoSet, photo: OpenPhoto) -> Code:
        made_from = digest(self.edit.vector, photo.w_plus)
        depends_on = (WEIGHTS, made_from, photo_set.editor.bundle.photo_files)
        return photo_set.store.array(lambda: self.delta(photo), "smile", self.name, *depends_on)


@dataclass(frozen=True, eq=False)
class PictureMethod:
    """A method that gives a picture and no code: (1, 3, R, R), about [-1, 1].

    Its composite changes the parts that the edit changes; where they are in the picture is read
    from the picture's own embedding.
    """

    name: str
    picture: Callable[[str, OpenPhoto], Tensor]
    edit: Edit

    def show(self, photo_set: PhotoSet, name: str, photo: OpenPhoto) -> tuple[Crop, ResultLayer]:
        editor, after = photo_set.editor, self.picture(name, photo)
        labels = self._labels(photo_set, after)
        region = editor.engine.region(photo, labels, self.edit.info.parts)
        change = photo.part_change(labels, editor.engine.roles)
        return to_uint8(after)[0], editor.engine.composite(photo, after, region, change)

    def _labels(self, photo_set: PhotoSet, picture: Tensor) -> NDArray[np.uint8]:
        """The parts in a picture of the method's, [L, L]."""
        editor = photo_set.editor

        def found() -> NDArray[np.uint8]:
            everywhere = torch.ones_like(picture[:, :1])
            code = invert(editor.networks, picture.clamp(-1, 1), everywhere, LEVELS["fast"])
            return editor.engine.segmented(code)[1]

        bundle = editor.bundle.photo_files
        return photo_set.store.array(found, "parts", digest(picture.cpu().numpy()), bundle)


def editgan_methods(editor: Editor, edit: Edit) -> list[Method]:
    """Vector, vector with refinement, optimisation from scratch (paper 3.4)."""
    smile = ScaledEdit(edit.vector, edit.info.parts, 1.0)

    def refined(steps: int) -> Callable[[OpenPhoto], Code]:
        return lambda p: editor.apply(p, [smile], Optimisation(steps, WEIGHTS)).vector

    rows: list[Method] = [CodeMethod("EditGAN vector", lambda photo: edit.vector, edit, slow=False)]
    rows += [CodeMethod(f"EditGAN vector +{n}", refined(n), edit) for n in REFINEMENTS]
    recipe = next((r for r in recipes_for(editor.bundle) if r.name == PRESET), None)
    if recipe is not None:

        def from_scratch(photo: OpenPhoto) -> Code:
            try:
                label_edit = label_edit_of(recipe, photo.labels, editor.bundle)
            except NothingChanged:  # a mouth that was not found stays as it is, and counts
                return np.zeros_like(edit.vector)
            return editor.optimise(photo, label_edit, Optimisation(SCRATCH_STEPS, WEIGHTS)).vector

        name = f"Optimised from scratch, {SCRATCH_STEPS} steps"
        rows.append(CodeMethod(name, from_scratch, edit))
    return rows


def constant(name: str, vector: Code, edit: Edit) -> Method:
    """One vector for all photos, as InterFaceGAN has."""
    return CodeMethod(name, lambda photo: vector, edit, slow=False)
