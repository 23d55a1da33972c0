"""A discriminator on frozen pretrained features (Projected GANs, Sauer et al. 2021), used in
training only."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

JUDGED = (0, 1, 2, 6)  # of SqueezeNet's layers


class FeatureHead(nn.Module):
    """Patch discriminator on one layer of features."""

    def __init__(self, channels: int, width: int = 128) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                spectral_norm(nn.Conv2d(channels, width, 1)),
                spectral_norm(nn.Conv2d(width, width, 3, stride=2, padding=1)),
                spectral_norm(nn.Conv2d(width, 1, 3, padding=1)),
            ]
        )
        # Spectral norm bounds the slope at one: too little to part pictures that differ in blur.
        self.gain = nn.Parameter(torch.full((), 4.0))

    def forward(self, x: Tensor) -> Tensor:  # (B, C, h, w) -> (B, patches)
        for layer in self.layers[:-1]:
            x = F.leaky_relu(layer(x), 0.2)
        return self.layers[-1](x).flatten(1) * self.gain


class ProjectedDiscriminator(nn.Module):
    """One head per chosen layer of the perceptual network, and one on the pixels themselves.

    The pretrained features judge content; the pixel head sees the fine texture that they lose.
    """

    def __init__(self, channels: Sequence[int], layers: Sequence[int] = JUDGED) -> None:
        super().__init__()
        self.used = tuple(layers)
        self.heads = nn.ModuleList(FeatureHead(channels[i]) for i in self.used)
        self.pixels = nn.Sequential(
            spectral_norm(nn.Conv2d(3, 64, 3, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            FeatureHead(64),
        )

    def forward(self, image: Tensor, features: Sequence[Tensor]) -> list[Tensor]:
        """image (B, 3, R, R) and its unit-length features -> logits (B, patches) per head."""
        scaled = [features[i] * features[i].shape[1] ** 0.5 for i in self.used]
        logits = [head(x) for head, x in zip(self.heads, scaled, strict=True)]
        return [*logits, self.pixels(image)]
