"""The features of SqueezeNet 1.1 (Iandola et al. 2016), named as torchvision's weights are."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Fire(nn.Module):
    """Few channels by 1 x 1, then many by 1 x 1 and 3 x 3, side by side."""

    def __init__(self, channels: int, squeezed: int, expanded: int) -> None:
        """channels: of the input; expanded: of each of the two outputs."""
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, 2 * expanded, H, W)."""
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], dim=1)


def squeezenet_features() -> nn.Sequential:
    """The 13 layers before the classifier, of random weights: (B, 3, H, W) -> (B, 512, h, w)."""

    def smaller() -> nn.MaxPool2d:
        return nn.MaxPool2d(3, stride=2, ceil_mode=True)

    layers = nn.Sequential(
        nn.Conv2d(3, 64, 3, stride=2),
        nn.ReLU(inplace=True),
        smaller(),
        Fire(64, 16, 64),
        Fire(128, 16, 64),
        smaller(),
        Fire(128, 32, 128),
        Fire(256, 32, 128),
        smaller(),
        Fire(256, 48, 192),
        Fire(384, 48, 192),
        Fire(384, 64, 256),
        Fire(512, 64, 256),
    )
    for module in layers.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return layers
