"""Differentiable augmentation of what the discriminator sees (Zhao et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """One draw of colour and translation per picture; the same draw can serve a picture and its
    twin."""

    brightness: Tensor  # (B, 1, 1, 1)
    contrast: Tensor
    saturation: Tensor
    shift: Tensor  # (B, 2), in halves of the picture, as affine_grid wants them

    @classmethod
    def draw(cls, batch: int, strength: float, device: torch.device | None = None) -> Augmentation:
        """strength 0 leaves pictures as they are, 1 is the strength of the paper's policy."""
        colors = (torch.rand(3, batch, 1, 1, 1, device=device) - 0.5) * strength
        brightness, contrast, saturation = colors
        shift = (torch.rand(batch, 2, device=device) - 0.5) * 0.5 * strength
        return cls(brightness, 1 + contrast, 1 + 2 * saturation, shift)

    def __call__(self, image: Tensor) -> Tensor:
        """image (b, 3, R, R) in [-1, 1], b at most B, gets the first b draws -> the same shape."""
        count = len(image)
        x = image + self.brightness[:count]
        grey = x.mean(dim=1, keepdim=True)
        x = grey + (x - grey) * self.saturation[:count]
        middle = x.mean(dim=(1, 2, 3), keepdim=True)
        x = middle + (x - middle) * self.contrast[:count]
        identity = torch.eye(2, device=x.device).expand(count, 2, 2)
        shift = self.shift[:count, :, None]
        grid = F.affine_grid(torch.cat([identity, shift], 2), list(x.shape), False)
        return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
