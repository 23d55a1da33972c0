"""The benchmark's baselines, made ready for one bundle: rows beside EditGAN's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from backend.bundles.networks import load_mask_network, load_picture_network
from backend.editing.editor import OpenPhoto
from backend.editing.recipes import find_recipe, label_edit_of
from backend.errors import NothingChanged
from backend.evaluation.local_editing import LocalEditing
from backend.evaluation.methods import PRESET, PictureMethod
from backend.evaluation.photo_set import PhotoSet
from backend.evaluation.smile import Ratings
from edit_library import Edit

_CLUSTERED = 100  # rated photos whose activations are clustered
_REFERENCES = 4  # the happiest faces, lent to the photos by turns


def local_editing(
    photo_set: PhotoSet, ratings: Ratings, edit: Edit, names: Sequence[str]
) -> tuple[PictureMethod, float]:
    """LocalEditing with the happiest of the rated training photos as references, and how well its
    cluster agrees with the edited parts (intersection over union)."""
    editor = photo_set.editor
    some = photo_set.each(ratings.fit[:_CLUSTERED], "clustering activations")
    codes = np.stack([photo_set.code(name, "encoder only") for name in some])
    parts = editor.engine.indices(edit.info.parts)
    made = LocalEditing(editor.networks, torch.from_numpy(codes).to(editor.device), parts)
    happiest = sorted(ratings.fit, key=lambda name: -ratings.values[name])[:_REFERENCES]
    lent = {name: happiest[i % len(happiest)] for i, name in enumerate(names)}

    def picture(name: str, photo: OpenPhoto) -> Tensor:
        reference = editor.engine.tensor(photo_set.code(lent[name], "+20 steps"))
        return made.edited(editor.engine.tensor(photo.w_plus), reference)

    return PictureMethod("LocalEditing", picture, edit), made.agreement


def distilled(photo_set: PhotoSet, weights: Path, edit: Edit) -> PictureMethod:
    """StyleGAN2 Distillation (Viazovetskyi et al. 2020), by a network of `editgan train distilled`:
    from the photo itself, without an embedding. Raises BadBundle."""
    network = load_picture_network(weights).to(photo_set.editor.device)

    @torch.no_grad()
    def picture(name: str, photo: OpenPhoto) -> Tensor:
        found: Tensor = network(photo_set.tensors(name)[0])
        return found

    return PictureMethod("StyleGAN2 Distillation", picture, edit)


def mask_conditioned(photo_set: PhotoSet, weights: Path, edit: Edit) -> PictureMethod:
    """MaskGAN (Lee et al. 2020), by a network of `editgan train maskgan`: the photo's own label
    map, read by the face parser and changed as the preset's recipe says, is painted in the photo's
    style. Raises BadBundle."""
    editor = photo_set.editor
    parts = len(editor.bundle.parts)
    network = load_mask_network(weights, parts).to(editor.device)
    recipe = find_recipe(editor.bundle, PRESET)

    def maps(labels: NDArray[np.uint8]) -> Tensor:
        flat = torch.from_numpy(labels.astype(np.int64)).to(editor.device)
        planes = F.one_hot(flat, parts).permute(2, 0, 1)[None].float()
        return F.interpolate(planes, size=photo_set.size, mode="area")

    @torch.no_grad()
    def picture(name: str, photo: OpenPhoto) -> Tensor:
        labels = photo.seen.labels if photo.seen else photo.labels
        try:
            wanted = label_edit_of(recipe, labels, editor.bundle).target
        except NothingChanged:  # a mouth that was not found stays as it is, and counts
            wanted = labels
        found: Tensor = network(photo_set.tensors(name)[0], maps(labels), maps(wanted))
        return found

    return PictureMethod("MaskGAN (700 labelled photos)", picture, edit)
