"""Learning an edit from what a retoucher did: originals, and the same photos retouched.

Two embeddings of nearly the same photo differ everywhere by chance. So the retouched copy is not
embedded: the difference of the two photos, inside the region where they differ, is added to the
original's reconstruction, and the code follows that picture there, as in an edit (eqs. 1-5). The
difference of the codes then is that of the retouching alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.editing.engine import Engine
from backend.editing.learn import LearnedEdit
from backend.editing.objective import at_resolution
from backend.editing.opening import photo_parts
from backend.editing.options import Optimisation, ScaledEdit
from backend.editing.recipes import USUAL
from backend.editing.repainting import optimise_code
from backend.editing.results import EditResult, OpenPhoto
from backend.errors import NothingChanged
from backend.photos.align import extract
from backend.photos.composite import ResultLayer
from backend.photos.label_edit import LabelEdit
from protocol.facts import RepaintReport

_LEAST = 0.03  # of a difference, where the range of colours is 2: noise and JPEG stay below
_SMOOTH = 0.008  # blur of the difference, crop sides
_SMALLEST = 0.0005  # of the crop: less is a speck
_SHARE = 0.15  # of the differing pixels from which on a part is one that was edited
_COVERED = 0.3  # or of the part's own


@dataclass(frozen=True, eq=False)
class Pair:
    """A photo, open, and what its retouched copy asks of it.

    picture: the one to follow, (1, 3, R, R). region: [L, L], where the two photos differ.
    label_edit: the parts of the copy inside the region. shape: [L, L], where that is another part.
    """

    original: OpenPhoto
    picture: Tensor
    region: NDArray[np.bool_]
    label_edit: LabelEdit

    @property
    def shape(self) -> NDArray[np.bool_]:
        return self.label_edit.target != self.original.labels


def compare(
    engine: Engine,
    original: OpenPhoto,
    copy: NDArray[np.generic],
    parts: Sequence[str] = (),
) -> Pair:
    """What was done in a copy of a photo: uint8 or float32 [H, W, 3 or 4], as `original.pixels`.

    They have one size. parts: Q_edit; the region is then theirs only, for photos that were graded
    all over, say.
    Raises NothingChanged, UnknownPart.
    """
    side = engine.bundle.resolution
    before, after = (extract(p, original.frame, side)[0] for p in (original.pixels, copy))
    differs = _differing(before, after) & original.valid
    region = engine.at_labels(differs)
    labels = _labels_of(engine, original, copy, region)
    if parts:
        region &= _of_parts(engine, original.labels, labels, parts)
        labels = np.where(region, labels, original.labels)
        whole = cv2.resize(region.astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST)
        differs &= whole > 0
    if region.mean() < _SMALLEST:
        raise NothingChanged("The two photos do not differ where the subject is.")
    names = tuple(parts) or _edited_parts(engine, original.labels, labels, region)
    label_edit = LabelEdit(labels, region, np.zeros_like(labels), names)
    return Pair(original, _followed(original, after - before, differs), region, label_edit)


class PairsTarget:
    """A target to learn (see `learn_edit`): what was done in the copies of photos."""

    title = "The retouching"
    limits = USUAL

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._pairs = {id(pair.original): pair for pair in pairs}
        names = [name for pair in pairs for name in pair.label_edit.parts]
        often = [n for n in dict.fromkeys(names) if 2 * names.count(n) >= len(pairs)]
        self.parts = tuple(often or dict.fromkeys(names))

    def wanted(self, engine: Engine, photo: OpenPhoto) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        """The copy's parts; raises NothingChanged where only colours differ."""
        pair = self._pairs[id(photo)]
        if not pair.shape.any():
            raise NothingChanged("The copy has the same parts.")
        return pair.label_edit.target, self.parts

    def edit(
        self, engine: Engine, photo: OpenPhoto, options: Optimisation
    ) -> EditResult[RepaintReport]:
        """The code follows the copy, without a layer."""
        pair = self._pairs[id(photo)]
        label_edit = replace(pair.label_edit, parts=self.parts)
        inside = pair.picture.to(engine.device)
        found = optimise_code(engine, photo, label_edit, options, inside=inside)
        return found.result(ResultLayer.empty(photo.pixels.dtype), found.report)

    def explained(self, engine: Engine, learned: LearnedEdit, photos: Sequence[OpenPhoto]) -> float:
        """How much of the difference of pairs inside their regions the edit makes, on average.

        1 - |G(w+ + delta) - wanted|^2 / |G(w+) - wanted|^2: 1 at most, below 0 where it leads away.
        """
        edit = ScaledEdit(learned.vector, learned.parts, 1.0)
        shares = [_explained(engine, self._pairs[id(photo)], edit) for photo in photos]
        return float(np.mean(shares))


def _explained(engine: Engine, pair: Pair, edit: ScaledEdit) -> float:
    photo = pair.original
    after, _ = engine.segmented(engine.tensor(photo.w_plus) + engine.delta([edit]))
    within = at_resolution(torch.from_numpy(pair.region), after.shape[-1]).to(after)
    picture = pair.picture.to(after)
    left = float((((after - picture) * within) ** 2).sum())
    whole = float((((engine.rebuilt(photo) - picture) * within) ** 2).sum())
    return 1 - left / max(whole, 1e-9)


def _differing(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where two crops [R, R, 3] in [-1, 1] differ by more than noise, without specks."""
    sigma = max(_SMOOTH * len(before), 0.5)
    change = cv2.GaussianBlur(np.abs(after - before).max(axis=2), (0, 0), sigma)
    return np.asarray(change > _LEAST)


def _labels_of(
    engine: Engine,
    original: OpenPhoto,
    copy: NDArray[np.generic],
    region: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """The original's labels [L, L] with those of the copy where the parser sees another part there
    than in the original; the original's where the model has no parser."""
    seen = photo_parts(engine, copy, original.frame)
    if seen is None or original.seen is None:
        return original.labels
    size = len(region)
    own, its = original.seen.at(size).labels, seen.at(size).labels
    return np.where(region & (own != its), its, original.labels).astype(np.uint8)


def _of_parts(
    engine: Engine,
    labels: NDArray[np.uint8],
    others: NDArray[np.uint8],
    parts: Sequence[str],
) -> NDArray[np.bool_]:
    wanted = engine.indices(parts)
    return np.isin(labels, wanted) | np.isin(others, wanted)


def _edited_parts(
    engine: Engine,
    labels: NDArray[np.uint8],
    others: NDArray[np.uint8],
    region: NDArray[np.bool_],
) -> tuple[str, ...]:
    """The parts that the region is made of, or of which it covers much; at least one."""
    found = {}
    for part in engine.bundle.parts:
        own = (labels == part.index) | (others == part.index)
        inside = float((own & region).sum())
        if inside / region.sum() >= _SHARE or (inside and inside / own.sum() >= _COVERED):
            found[part.name] = inside
    if not found:  # a bit of everything: the largest
        counts = np.bincount(labels[region], minlength=len(engine.bundle.parts))
        found = {engine.bundle.parts[int(counts.argmax())].name: 1.0}
    return tuple(found)


def _followed(
    original: OpenPhoto, change: NDArray[np.float32], differs: NDArray[np.bool_]
) -> Tensor:
    """The reconstruction with the photos' difference [R, R, 3] where they differ, (1, 3, R, R)."""
    soft = cv2.GaussianBlur(differs.astype(np.float32), (0, 0), max(_SMOOTH * len(change), 0.5))
    added = (change * np.where(differs, 1.0, soft)[..., None]).transpose(2, 0, 1)
    picture = np.clip(original.rebuilt + added, -1, 1).astype(np.float32)
    return torch.from_numpy(picture)[None]
