"""The light path: how edits look on a photo, at the size of a picture on a screen.

For sliders and thumbnails. The same steps as `Editor.apply`, on smaller grids: a few heads of the
ensemble say where the parts are, and the edit is put into a small copy of the subject.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.bundles.bundle import Bundle
from backend.bundles.networks import Networks
from backend.editing.model import summed
from backend.editing.preview import laid_over
from backend.editing.region import region_of_interest, shown_region
from backend.photos.align import CropFrame, extract
from backend.photos.composite import composite

if TYPE_CHECKING:
    from backend.editing.results import OpenPhoto, ScaledEdit

LARGEST = 512  # side of the largest picture
_GRID = 256  # motion and feather are computed on so many pixels across
_HEADS = 3
_LABELS = 64  # side of the label map
_BATCH = 8  # codes generated at once: bounds memory


class PhotoView:
    """A photo's aligned subject, ready to be looked at with edits."""

    def __init__(self, networks: Networks, bundle: Bundle, photo: OpenPhoto) -> None:
        self._generator = networks.generator
        self._branch = networks.segmentation.lighter(_HEADS, _LABELS)
        self._bundle = bundle
        crop, _ = extract(photo.pixels, photo.frame, LARGEST)
        self._crop = np.rint((crop + 1) * 127.5).astype(np.uint8)
        self._valid = photo.valid
        self._w_plus = torch.from_numpy(photo.w_plus).to(next(self._generator.parameters()).device)
        self._before, self._labels = next(self._generated([torch.zeros_like(self._w_plus)]))

    def looks(
        self, stacks: Sequence[Sequence[ScaledEdit]], side: int
    ) -> Iterator[NDArray[np.uint8]]:
        """The subject with each stack of edits, uint8 [side, side, 3]; one without is the photo.

        Codes are generated in batches; vectors must have w_plus's shape [n_ws, w_dim].
        """
        photo = cv2.resize(self._crop, (side, side), interpolation=cv2.INTER_AREA)
        generated = self._generated([self._delta(stack) for stack in stacks if stack])
        for stack in stacks:
            yield self._look(photo, stack, *next(generated)) if stack else photo

    def _look(
        self,
        photo: NDArray[np.uint8],
        stack: Sequence[ScaledEdit],
        after: NDArray[np.float32],
        labels: NDArray[np.uint8],
    ) -> NDArray[np.uint8]:
        edited = [self._bundle.part(name).index for edit in stack for name in edit.parts]
        large = [self._bundle.part(name).index for name in self._bundle.large]
        region = region_of_interest(self._labels, labels, edited, large)
        shown = shown_region(region, self._valid)
        side = float(len(photo))
        frame = CropFrame(np.array([[0, 0], [0, side], [side, side], [side, 0]]))
        layer = composite(photo, frame, self._before, after, shown, grid=_GRID)
        return laid_over(photo, layer)

    def _delta(self, stack: Sequence[ScaledEdit]) -> Tensor:
        """sum s_i delta_i, (n_ws, w_dim)."""
        vectors = [torch.from_numpy(edit.vector) * edit.applied for edit in stack]
        return summed(vectors).to(self._w_plus)

    @torch.no_grad()
    def _generated(
        self, deltas: Sequence[Tensor]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.uint8]]]:
        """For each delta (n_ws, w_dim): G(w+ + delta), [R, R, 3] in [-1, 1], and labels [L, L]."""
        for first in range(0, len(deltas), _BATCH):
            codes = self._w_plus + torch.stack(tuple(deltas[first : first + _BATCH]))
            images, features = self._generator(codes)
            pictures = images.clamp(-1, 1).permute(0, 2, 3, 1).cpu().numpy()
            for i, picture in enumerate(pictures):
                labels = self._branch.labels([feature[i : i + 1] for feature in features])
                yield picture, labels.cpu().numpy()
