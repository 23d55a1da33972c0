"""A small image-to-image network: a U-Net (Ronneberger et al. 2015) that changes a picture."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.GroupNorm(8, outputs),
        nn.LeakyReLU(0.2),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.LeakyReLU(0.2),
    )


class PictureNetwork(nn.Module):
    """(B, 3 + conditions, R, R) -> (B, 3, R, R); what it gives is added to the picture, and begins
    as nothing."""

    def __init__(self, conditions: int = 0, widths: tuple[int, ...] = (24, 48, 96, 128)) -> None:
        super().__init__()
        self.conditions = conditions
        sizes = (3 + conditions, *widths)
        self.down = nn.ModuleList(_block(a, b) for a, b in pairwise(sizes))
        upwards = list(reversed(list(pairwise(widths))))
        self.up = nn.ModuleList(_block(low + high, low) for low, high in upwards)
        self.last = nn.Conv2d(widths[0], 3, 1)
        for weight in self.last.parameters():
            nn.init.zeros_(weight)

    def forward(self, picture: Tensor, condition: Tensor | None = None) -> Tensor:
        """picture (B, 3, R, R) in [-1, 1], condition (B, conditions, R, R)."""
        x = picture if condition is None else torch.cat([picture, condition], dim=1)
        passed = []
        for i, block in enumerate(self.down):
            x = block(x if i == 0 else F.avg_pool2d(x, 2))
            passed.append(x)
        for block, skip in zip(self.up, reversed(passed[:-1]), strict=True):
            larger = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = block(torch.cat([skip, larger], dim=1))
        return picture + self.last(x)
