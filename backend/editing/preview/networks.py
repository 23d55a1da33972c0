"""What the light path asks of the networks: small pictures and coarse labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from backend.bundles.networks import Networks

GRID = 256  # side of the pictures, unless the generator's are smaller
_HEADS = 3
_LABELS = 128  # side of the label map: as fine as the grid that motion is found on

RenderPreview = Callable[[Tensor], tuple[Tensor, Tensor]]
"""A `Glance`, recorded or not."""


def on_grid(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Flags of a generator's pixels, [R, R], as those of such pictures, [G, G]."""
    step = max(1, len(flags) // GRID)
    return flags[::step, ::step]


class PreviewNetworks:
    """The generator and a few heads of the ensemble."""

    def __init__(self, networks: Networks) -> None:
        self._generator = networks.generator
        self._branch = networks.segmentation.lighter(_HEADS, _LABELS)

    @torch.no_grad()
    def __call__(self, w_plus: Tensor) -> tuple[Tensor, Tensor]:
        """(B, n_ws, w_dim) -> pictures (B, G, G, 3) in [-1, 1], labels uint8 (B, L, L)."""
        images, features = self._generator(w_plus)
        labels = [
            self._branch.labels([feature[i : i + 1] for feature in features])
            for i in range(len(images))
        ]
        if images.shape[-1] > GRID:
            images = F.interpolate(images, GRID, mode="area")
        return images.clamp(-1, 1).permute(0, 2, 3, 1), torch.stack(labels)
