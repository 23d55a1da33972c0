"""The encoder of EditGAN's release, for weights trained there: a ResNet with a feature pyramid,
and a small network for each w. Layers carry the names that these weights have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_STRIDE = 16  # of the coarsest level that codes are read from


class Bottleneck(nn.Module):
    """A residual block of three convolutions (He et al. 2016)."""

    def __init__(self, inputs: int, inner: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.shortcut(x))


class FeaturePyramid(nn.Module):
    """ResNet and feature pyramid (Lin et al. 2017): levels of a quarter to a sixteenth."""

    def __init__(
        self, first: int, stages: Sequence[Sequence[tuple[int, int, int]]], width: int
    ) -> None:
        """first: channels after the first convolution; stages: (inputs, inner, outputs) of each
        block of the four; width: channels of the pyramid."""
        super().__init__()
        self.conv1 = nn.Conv2d(3, first, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        for number, blocks in enumerate(stages):
            strides = [2 if number else 1] + [1] * (len(blocks) - 1)
            pairs = zip(blocks, strides, strict=True)
            layer = nn.Sequential(*(Bottleneck(*block, stride) for block, stride in pairs))
            self.add_module(f"layer{number + 1}", layer)
        outputs = [blocks[-1][2] for blocks in stages]
        self.toplayer = nn.Conv2d(outputs[3], width, 1)
        for number in (1, 2, 3):
            self.add_module(f"smooth{number}", nn.Conv2d(width, width, 3, padding=1))
            self.add_module(f"latlayer{number}", nn.Conv2d(outputs[3 - number], width, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 3, R, R) -> three levels, fine to coarse: (B, width, R/4, R/4) to R/16."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, padding=1)
        levels = []
        for number in (1, 2, 3, 4):
            x = self.get_submodule(f"layer{number}")(x)
            levels.append(x)
        top, found = self.toplayer(levels[3]), []
        for number in (1, 2, 3):
            lateral = self.get_submodule(f"latlayer{number}")(levels[3 - number])
            size = lateral.shape[-2:]
            top = F.interpolate(top, size=size, mode="bilinear", align_corners=False) + lateral
            found.append(self.get_submodule(f"smooth{number}")(top))
        coarse, middle, fine = found
        return fine, middle, coarse


class StyleCode(nn.Module):
    """Halves a feature map until one vector is left of it."""

    def __init__(self, channels: int, w_dim: int, halvings: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i in range(halvings):
            layers.append(nn.Conv2d(w_dim if i else channels, w_dim, 3, 2, padding=1))
            layers.append(nn.LeakyReLU())
        self.convs = nn.Sequential(*layers)
        self.linear: nn.Module = nn.Linear(w_dim, w_dim)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, w_dim)
        return self.linear(self.convs(x).flatten(1))


class FpnEncoder(nn.Module):
    """heads: how many codes the coarse, the middle and the fine level give, then channels, w_dim
    and halvings of each level's."""

    def __init__(self, pyramid: FeaturePyramid, heads: Sequence[tuple[int, int, int, int]]) -> None:
        super().__init__()
        self.FPN_module = pyramid
        self.reads = _STRIDE << heads[0][3]
        for level, (count, *shape) in zip(("course", "medium", "fine"), heads, strict=True):
            codes = nn.ModuleList(StyleCode(*shape) for _ in range(count))
            self.add_module(f"{level}_styles", codes)

    @classmethod
    def fitting(cls, state: Mapping[str, Tensor]) -> FpnEncoder:
        """An encoder of the shape that these weights have; raises KeyError, RuntimeError."""
        stages = [_blocks_of(state, f"FPN_module.layer{number}") for number in (1, 2, 3, 4)]
        first = len(state["FPN_module.bn1.weight"])
        pyramid = FeaturePyramid(first, stages, len(state["FPN_module.toplayer.weight"]))
        heads = [_heads_of(state, f"{level}_styles") for level in ("course", "medium", "fine")]
        network = cls(pyramid, heads)
        network.load_state_dict(state)
        return network

    def forward(self, image: Tensor, w_avg: Tensor) -> Tensor:
        """image (B, 3, R, R) in [-1, 1] -> w_plus (B, n_ws, w_dim); w_avg is not needed."""
        if image.shape[-1] != self.reads:
            image = F.interpolate(
                image, size=self.reads, mode="bilinear", align_corners=False, antialias=True
            )
        fine, middle, coarse = self.FPN_module(image)
        codes = []
        for level, features in (("course", coarse), ("medium", middle), ("fine", fine)):
            heads = self.get_submodule(f"{level}_styles").children()
            codes += [head(features) for head in heads]
        return torch.stack(codes, dim=1).float()


def _count(state: Mapping[str, Tensor], pattern: str) -> int:
    return 1 + max((int(m[1]) for name in state if (m := re.match(pattern, name))), default=-1)


def _blocks_of(state: Mapping[str, Tensor], layer: str) -> list[tuple[int, int, int]]:
    found = []
    for i in range(_count(state, re.escape(layer) + r"\.(\d+)\.")):
        inner, inputs = state[f"{layer}.{i}.conv1.weight"].shape[:2]
        found.append((inputs, inner, len(state[f"{layer}.{i}.conv3.weight"])))
    return found


def _heads_of(state: Mapping[str, Tensor], name: str) -> tuple[int, int, int, int]:
    count = _count(state, re.escape(name) + r"\.(\d+)\.")
    w_dim, channels = state[f"{name}.0.convs.0.weight"].shape[:2]
    pattern = re.escape(name) + r"\.0\.convs\.\d+\.weight"
    halvings = sum(bool(re.fullmatch(pattern, key)) for key in state)
    return count, channels, w_dim, halvings
