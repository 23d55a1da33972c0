"""Known parts as a term of an embedding: picture *and* parts are reproduced, the joint p(x, y) of
the paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.bundles.networks import Networks
from backend.editing.photo_parts import PhotoParts
from backend.models.segmentation.pixel_logits import PixelLogits

# Of pixels beside another part one in so many is enough, of the others one in that many rows and
# columns: neighbours say nearly the same, and a step's time goes with their number.
_BESIDE, _INNER = 5, 4
_HEADS = 5  # of the ensemble; fewer say the same less surely
_AROUND = 0.02  # how far around the face parts count, crop sides: the hairline, the jaw
_SURE = 0.5  # probability of being covered from which a pixel says nothing


@dataclass(frozen=True, eq=False)
class KnownParts:
    """wanted: float32 [P, L, L], what each pixel shows, probabilities of parts; share: float32 [L,
    L], how much a pixel counts, summing to one."""

    wanted: NDArray[np.float32]
    share: NDArray[np.float32]


def known_parts(seen: PhotoParts, valid: NDArray[np.bool_]) -> KnownParts:
    """What the face in a photo asks of an embedding; valid: bool [L, L], what the photo covers.

    A part counts by the root of its area, so that brows are no trifle beside the skin.
    """
    size = len(valid)
    seen = seen.at(size)
    labels = seen.labels
    reach = 2 * max(1, round(_AROUND * size)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    face = cv2.dilate((seen.face > 0.5).astype(np.uint8), disc) > 0
    pixels = face & valid & (seen.covered < _SURE)
    square = np.ones((3, 3), np.uint8)
    inner = cv2.erode(labels, square) == cv2.dilate(labels, square)
    y, x = np.indices(labels.shape)
    grid = (y % _INNER == 0) & (x % _INNER == 0)
    scattered = (2 * y + x) % _BESIDE == 0  # knight's moves apart: edges of all directions
    counts = np.where(inner, grid * _INNER**2, scattered * _BESIDE) * pixels
    asked, area = (
        np.bincount(labels.ravel(), weights=of.ravel(), minlength=len(seen.parts))
        for of in (counts, pixels)
    )
    share = counts * (np.sqrt(area) / np.maximum(asked, 1))[labels]
    return KnownParts(seen.parts, (share / max(share.sum(), 1e-9)).astype(np.float32))


class PartsTerm:
    """Cross entropy between the segmentation branch and known parts, at the pixels that count."""

    def __init__(
        self, networks: Networks, known: Sequence[KnownParts | None], device: torch.device
    ) -> None:
        """known: of each picture; of one whose parts are not known nothing is asked."""
        self._of_each = [None if one is None else _Asked(networks, one, device) for one in known]

    def __call__(self, features: Sequence[Tensor]) -> Tensor:
        """The mean over each picture's pixels, in nats, (B,); features: the generator's."""
        own = zip(*(feature.split(1) for feature in features), strict=True)
        pairs = zip(self._of_each, own, strict=True)
        nothing = features[0].new_zeros(())
        return torch.stack([nothing if asked is None else asked(maps) for asked, maps in pairs])


class _Asked:
    """The term of one picture."""

    def __init__(self, networks: Networks, known: KnownParts, device: torch.device) -> None:
        share = torch.from_numpy(known.share).flatten()
        pixels = share.nonzero()[:, 0]  # (N,)
        wanted = torch.from_numpy(known.wanted).flatten(1)[:, pixels]  # (P, N)
        self._wanted = (wanted * share[pixels]).t().contiguous().to(device)  # (N, P)
        sides = networks.generator.config.feature_sides
        branch = networks.segmentation
        branch = branch.lighter(_HEADS, branch.resolution)
        self._logits = PixelLogits(branch, pixels.to(device), sides)

    def __call__(self, features: Sequence[Tensor]) -> Tensor:
        return -(self._wanted * self._logits(features).log_softmax(dim=-1)).sum()
