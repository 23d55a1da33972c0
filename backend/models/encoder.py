"""Image -> W+, as an offset from the mean of w (paper section 3.2; pSp's coarse-to-fine idea)."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.models.config import GeneratorConfig


class ResidualDown(nn.Module):
    """Residual block that halves the resolution; group norm, so a batch of one is no special
    case."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm0 = nn.GroupNorm(8, inputs)
        self.conv0 = nn.Conv2d(inputs, inputs, 3, padding=1)
        self.norm1 = nn.GroupNorm(8, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # (B, I, H, W) -> (B, O, H/2, W/2)
        y = self.conv0(F.leaky_relu(self.norm0(x), 0.2))
        y = self.conv1(F.leaky_relu(self.norm1(y), 0.2))
        return y + self.skip(F.avg_pool2d(x, 2))


class Encoder(nn.Module):
    """Residual pyramid; each w is read from the scale that matters to it.

    Coarse layers read the 4x4 features, middle ones 8x8, fine ones 16x16 (pooled to 4x4).
    """

    def __init__(
        self, config: GeneratorConfig, *, base: int = 32, most: int = 256, taps: int = 64
    ) -> None:
        super().__init__()
        self.config = config
        widths = [min(base * 2**i, most) for i in range(len(config.block_resolutions))]
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1)
        self.downs = nn.ModuleList(ResidualDown(i, o) for i, o in pairwise(widths))
        self.levels = [self._level(i) for i in range(config.n_ws)]  # 0: 4x4, 1: 8x8, 2: 16x16
        self.taps = nn.ModuleList(nn.Conv2d(widths[-1 - n], taps, 1) for n in range(3))
        self.heads = nn.ModuleList(nn.Linear(taps * 16, config.w_dim) for _ in range(config.n_ws))
        for head in self.heads:
            nn.init.normal_(head.weight, std=0.02)  # codes of about unit size, as mapping gives
            nn.init.zeros_(head.bias)

    @staticmethod
    def _level(index: int) -> int:
        return 0 if index < 4 else 1 if index < 7 else 2

    def forward(self, image: Tensor, w_avg: Tensor) -> Tensor:
        """image (B, 3, R, R) in [-1, 1], w_avg (w_dim,) -> w_plus (B, n_ws, w_dim)."""
        x = self.stem(image)
        pyramid = [x]
        for down in self.downs:
            pyramid.append(down(pyramid[-1]))
        read = [
            F.leaky_relu(tap(F.adaptive_avg_pool2d(level, 4)), 0.2).flatten(1)
            for tap, level in zip(self.taps, reversed(pyramid), strict=False)
        ]
        offsets = [head(read[n]) for head, n in zip(self.heads, self.levels, strict=True)]
        return w_avg + torch.stack(offsets, dim=1).float()
