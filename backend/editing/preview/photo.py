"""The light path: how edits look on a photo, at the size of a picture on a screen.

For sliders and thumbnails. The same steps as `Editor.apply`, on smaller grids: a few heads of the
ensemble say where the parts are, and the edit is put into a small copy of the subject.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.bundles.bundle import Bundle
from backend.editing.engine import summed
from backend.editing.preview.networks import GRID, RenderPreview, on_grid
from backend.editing.preview.optimisation import laid_over
from backend.editing.region import region_of_interest, shown_region
from backend.editing.stacked import asked_by, region_of_edits
from backend.photos.align import CropFrame, extract
from backend.photos.composite import ResultLayer, draw, plan
from backend.photos.cv import resize
from backend.photos.motion.estimate import GRID as MOTION_GRID
from backend.photos.motion.part_change import PartChange
from backend.photos.motion.registration import FOLLOWING, QUICK
from backend.photos.motion.roles import PartRoles
from backend.photos.pixels import to_bytes
from backend.photos.subject_change import SubjectChange

if TYPE_CHECKING:
    from backend.editing.options import ScaledEdit
    from backend.editing.results import OpenPhoto

Window = tuple[float, float, float]  # left, top, side of a square; all are parts of the subject

LARGEST = 512  # side of the largest picture
CLOSEST = 0.45  # of the subject's side: closer, nobody would recognise it
_ALL: Window = (0.0, 0.0, 1.0)
_REMEMBERED = 32  # stacks whose motion is kept
_FARTHEST = 3.0  # how much a known motion is stretched at most
_BATCH = 8  # codes generated at once: bounds memory
_SHARP = 1 << 20  # photo pixels that a layer covers: a larger one is drawn smaller, and enlarged


class PhotoPreviewer:
    """A photo's aligned subject, ready to be looked at with edits."""

    def __init__(
        self, networks: RenderPreview, bundle: Bundle, photo: OpenPhoto, w_plus: Tensor
    ) -> None:
        """w_plus: the photo's, (1, n_ws, w_dim), on the device."""
        self._networks, self._bundle, self._w_plus = networks, bundle, w_plus
        crop, _ = extract(photo.pixels, photo.frame, LARGEST)
        self._crop = to_bytes(crop)
        self._photo, self._frame = photo.pixels, photo.frame
        self._valid = on_grid(photo.valid)
        self._before, self._labels = next(self._generated([torch.zeros_like(w_plus[0])]))
        roles = PartRoles.of(bundle.parts)
        still = photo.part_change(self._labels, roles, rebuilt=self._labels)
        self._parts = still.with_alignment(MOTION_GRID)
        self._changes: dict[bytes, tuple[list[float], SubjectChange]] = {}

    def render(
        self, stacks: Sequence[Sequence[ScaledEdit]], side: int, *, closer: bool = False
    ) -> Iterator[NDArray[np.uint8]]:
        """The subject with each stack of edits, uint8 [side, side, 3]; one without is the photo.

        closer: only what is around the changes, and never less than CLOSEST of the subject.
        Codes are generated in batches; vectors must have w_plus's shape [n_ws, w_dim].
        """
        for change in self._changes_of(stacks):
            if change is None:
                yield self._seen(_ALL, side)
                continue
            window = window_around(change.reach) if closer else _ALL
            photo = self._seen(window, side)
            left, top, width = (value * side / window[2] for value in (*window[:2], 1.0))
            layer = draw(photo, _square(-left, -top, width), change, grid=GRID)
            yield laid_over(photo, layer)

    def on_photo(self, stack: Sequence[ScaledEdit]) -> ResultLayer:
        """A stack that is not empty as a layer over the photo, in its dtype: nearly what
        `apply_edits` makes of it, and softer where it is large.
        """
        (change,) = self._changes_of([stack])
        assert change is not None
        step = math.ceil((change.reach.mean() * self._frame.size**2 / _SHARP) ** 0.5)
        if step <= 1:
            return draw(self._photo, self._frame, change, grid=GRID)
        width, height = (size // step for size in self._photo.shape[1::-1])
        whole = self._photo[: height * step, : width * step]
        small = resize(whole, (width, height), cv2.INTER_AREA)
        layer = draw(small, self._frame.scaled(1 / step), change, grid=GRID)
        height, width = (step * size for size in layer.pixels.shape[:2])
        pixels = resize(layer.pixels, (width, height), cv2.INTER_LINEAR)
        return ResultLayer(step * layer.x, step * layer.y, pixels)

    def _changes_of(self, stacks: Sequence[Sequence[ScaledEdit]]) -> Iterator[SubjectChange | None]:
        """What each stack does to the subject; None for one without edits."""
        known = [self._remembered(stack) for stack in stacks]
        news = [one for one, old in zip(stacks, known, strict=True) if one and old is None]
        generated = self._generated([self._delta(stack) for stack in news])
        for stack, change in zip(stacks, known, strict=True):
            yield change if change or not stack else self._change(stack, *next(generated))

    def _remembered(self, stack: Sequence[ScaledEdit]) -> SubjectChange | None:
        scales, change = self._changes.get(_key(stack), ([], None))
        return change if scales == [edit.applied for edit in stack] else None

    def _change(
        self, stack: Sequence[ScaledEdit], after: NDArray[np.float32], labels: NDArray[np.uint8]
    ) -> SubjectChange:
        """What a stack does to the subject; after: [G, G, 3] in [-1, 1].

        A slider that moves asks for nearly the same again: the last motion of these edits, scaled,
        is where the next one begins.
        """
        key, scales = _key(stack), [edit.applied for edit in stack]
        known = self._changes.pop(key, None)
        start = known and known[1].velocity * _ratio(scales, known[0])
        change = plan(
            self._crop,
            _square(0, 0, LARGEST),
            self._before,
            after,
            self._shown(stack, labels),
            self._part_change(stack, labels),
            start=start,
            stages=QUICK if start is None else FOLLOWING,
        )
        self._changes[key] = scales, change
        if len(self._changes) > _REMEMBERED:
            del self._changes[next(iter(self._changes))]
        return change

    def _seen(self, window: Window, side: int) -> NDArray[np.uint8]:
        """A square of the subject, uint8 [side, side, 3]."""
        left, top, width = (round(value * LARGEST) for value in window)
        part = self._crop[top : top + width, left : left + width]
        return resize(part, (side, side), cv2.INTER_AREA)

    def _shown(self, stack: Sequence[ScaledEdit], labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Where a stack may show, bool [G, G]: R, or at most GRID."""
        region = region_of_edits(stack, self._labels, labels, self._region)
        return shown_region(region, self._valid)

    def _region(
        self,
        after: NDArray[np.uint8],
        parts: Sequence[str],
        changed: NDArray[np.bool_] | None,
    ) -> NDArray[np.bool_]:
        """The region of interest [L, L] of an edit of `parts`; changed: more pixels to include."""
        edited, large = (
            [self._bundle.part(name).index for name in names]
            for names in (parts, self._bundle.large)
        )
        return region_of_interest(self._labels, after, edited, large, changed)

    def _part_change(self, stack: Sequence[ScaledEdit], labels: NDArray[np.uint8]) -> PartChange:
        """What happens to the parts by edits that lead to `labels` [L, L]."""
        return asked_by(stack, replace(self._parts, drawn=labels), self._labels)

    def _delta(self, stack: Sequence[ScaledEdit]) -> Tensor:
        """sum s_i delta_i, (n_ws, w_dim)."""
        vectors = [torch.from_numpy(edit.vector) * edit.applied for edit in stack]
        return summed(vectors).to(self._w_plus)

    def _generated(
        self, deltas: Sequence[Tensor]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.uint8]]]:
        """For each delta (n_ws, w_dim): G(w+ + delta), [G, G, 3] in [-1, 1], and labels
        [L, L]."""
        for first in range(0, len(deltas), _BATCH):
            codes = self._w_plus + torch.stack(tuple(deltas[first : first + _BATCH]))
            pictures, labels = (found.cpu().numpy() for found in self._networks(codes))
            yield from zip(pictures, labels, strict=True)


def _key(stack: Sequence[ScaledEdit]) -> bytes:
    """The same for stacks that differ in their scales only."""
    painted = (b"" if edit.painted is None else edit.painted.packed().tobytes() for edit in stack)
    parts = repr([edit.parts for edit in stack]).encode()
    return b"".join([parts, *(edit.vector.tobytes() for edit in stack), *painted])


def _ratio(scales: Sequence[float], before: Sequence[float]) -> float:
    """How much farther a stack goes than before."""
    size, was = (sum(abs(scale) for scale in values) for values in (scales, before))
    sign = -1 if scales[0] * before[0] < 0 and len(scales) == 1 else 1
    return sign * min(size / was, _FARTHEST) if was else 1.0


def _square(left: float, top: float, side: float) -> CropFrame:
    right, bottom = left + side, top + side
    corners = [[left, top], [left, bottom], [right, bottom], [right, top]]
    return CropFrame(np.array(corners, np.float64))


def window_around(shown: NDArray[np.bool_]) -> Window:
    """The smallest square with all of `shown` [G, G] in it, CLOSEST of the whole at least."""
    places = np.argwhere(shown)
    if not len(places):
        return _ALL
    low, high = places.min(axis=0) / len(shown), (places.max(axis=0) + 1) / len(shown)
    width = max(CLOSEST, *(high - low))
    top, left = np.clip((low + high - width) / 2, 0, 1 - width)
    return float(left), float(top), float(width)
