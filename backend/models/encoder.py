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
    """Residual pyramid; the features at 4x4, 8x8 and 16x16 (pooled to 4x4) give every w.

    It reads the picture at a quarter of the generator's resolution, at no less than 64, as pSp
    does: the codes are few, and the finest levels would cost as much as all others.
    The heads are linear, so that a change of basis of W can be folded into them.
    """

    def __init__(
        self, config: GeneratorConfig, *, base: int = 32, most: int = 256, taps: int = 64
    ) -> None:
        super().__init__()
        self.config = config
        self.reads = max(min(config.resolution, 64), config.resolution // 4)
        levels = [r for r in config.block_resolutions if r <= self.reads]
        widths = [min(base * 2**i, most) for i in range(len(levels))]
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1)
        self.downs = nn.ModuleList(ResidualDown(i, o) for i, o in pairwise(widths))
        self.taps = nn.ModuleList(nn.Conv2d(widths[-1 - n], taps, 1) for n in range(3))
        self.heads = nn.Linear(3 * taps * 16, config.n_ws * config.w_dim)
        nn.init.normal_(self.heads.weight, std=0.01)  # codes of about unit size, as mapping gives
        nn.init.zeros_(self.heads.bias)

    def forward(self, image: Tensor, w_avg: Tensor) -> Tensor:
        """image (B, 3, R, R) in [-1, 1], w_avg (w_dim,) -> w_plus (B, n_ws, w_dim)."""
        if image.shape[-1] > self.reads:
            image = F.avg_pool2d(image, image.shape[-1] // self.reads)
        pyramid = [self.stem(image)]
        for down in self.downs:
            pyramid.append(down(pyramid[-1]))
        read = [
            F.leaky_relu(tap(F.adaptive_avg_pool2d(level, 4)), 0.2).flatten(1)
            for tap, level in zip(self.taps, reversed(pyramid), strict=False)
        ]
        offsets = self.heads(torch.cat(read, dim=1)).float()
        return w_avg + offsets.unflatten(1, (self.config.n_ws, self.config.w_dim))


@torch.no_grad()
def within_codes(encoder: Encoder, w_avg: Tensor, mean: Tensor, basis: Tensor) -> dict[str, Tensor]:
    """The weights of an encoder whose answers are moved into the space of some codes, its heads as
    two factors, a fraction of their size.

    w_avg (w_dim,); mean (n_ws, w_dim) and basis (z_dim, n_ws, w_dim): of the codes, as
    `CodeDistribution` has them.
    """
    rows = basis.flatten(1)
    unit = rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-12)  # (z_dim, n_ws * w_dim)
    middle = (mean - w_avg).flatten()
    state = encoder.state_dict()
    weight, bias = state.pop("heads.weight"), state.pop("heads.bias")
    return state | {
        "heads.left": unit.t(),
        "heads.right": unit @ weight,
        "heads.bias": middle + (bias - middle) @ unit.t() @ unit,
    }
