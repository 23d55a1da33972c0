"""The encoder of pSp (Richardson et al. 2021) and e4e (Tov et al. 2021), for weights trained there.

A squeeze-and-excitation ResNet reads the picture at 256 x 256; a map-to-style network gives each w
from one of three levels of a feature pyramid. pSp's give codes; e4e's give the first code, and what
the others add to it. Layers carry the names that these weights have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.models.fpn_encoder import StyleCode
from backend.models.layers import EqualLinear

_READS = 256  # pixels
_COARSE, _MIDDLE = 3, 7  # the first w that the middle and the finest level give


class SqueezeExcite(nn.Module):
    """Channels weighed by what the whole picture shows (Hu et al. 2018)."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1, bias=False)
        self.fc2 = nn.Conv2d(squeezed, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        means = F.adaptive_avg_pool2d(x, 1)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(means))))


class Unit(nn.Module):
    """A residual unit of the improved ResNet that ArcFace uses."""

    def __init__(self, inputs: int, outputs: int, stride: int, squeezed: int) -> None:
        super().__init__()
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            SqueezeExcite(outputs, squeezed),
        )
        self.shortcut_layer: nn.Module = nn.MaxPool2d(1, stride)
        if inputs != outputs:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.res_layer(x) + self.shortcut_layer(x)


class MapToStyle(StyleCode):
    """The same with StyleGAN2's equalised linear layer at the end."""

    def __init__(self, channels: int, w_dim: int, halvings: int) -> None:
        super().__init__(channels, w_dim, halvings)
        self.linear = EqualLinear(w_dim, w_dim)


class PspEncoder(nn.Module):
    """offsets: whether the codes after the first add to it (e4e), or stand alone (pSp)."""

    latent_avg: Tensor  # (n_ws, w_dim): what the codes are offsets from

    def __init__(
        self,
        widths: list[tuple[int, int, int, int]],
        heads: list[tuple[int, int, int]],
        *,
        offsets: bool,
    ) -> None:
        """widths: inputs, outputs, stride and squeezed channels of each residual unit; heads:
        inputs, w_dim and halvings of each map-to-style network."""
        super().__init__()
        self.offsets = offsets
        first = widths[0][0]
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, first, 3, padding=1, bias=False), nn.BatchNorm2d(first), nn.PReLU(first)
        )
        self.body = nn.Sequential(*(Unit(*width) for width in widths))
        stages = [i for i, width in enumerate(widths) if width[2] == 2]
        self.taps = [i - 1 for i in stages[2:]] + [len(widths) - 1]  # where three levels end
        self.styles = nn.ModuleList(MapToStyle(*head) for head in heads)
        fine, middle = (widths[i][1] for i in self.taps[:2])
        deepest = widths[-1][1]
        self.latlayer1 = nn.Conv2d(middle, deepest, 1)
        self.latlayer2 = nn.Conv2d(fine, deepest, 1)
        self.register_buffer("latent_avg", torch.zeros(len(heads), heads[0][1]))

    @classmethod
    def fitting(cls, state: Mapping[str, Tensor], *, offsets: bool) -> PspEncoder:
        """An encoder of the shape that these weights have; raises KeyError, RuntimeError."""
        units, heads = _numbers(state, r"body\.(\d+)\."), _numbers(state, r"styles\.(\d+)\.")
        widths, before = [], 0
        for i in range(units):
            outputs, inputs = state[f"body.{i}.res_layer.1.weight"].shape[:2]
            squeezed = len(state[f"body.{i}.res_layer.5.fc1.weight"])
            stride = 2 if outputs != before else 1  # each stage begins by halving
            widths.append((inputs, outputs, stride, squeezed))
            before = outputs
        styles = []
        for i in range(heads):
            w_dim, inputs = state[f"styles.{i}.convs.0.weight"].shape[:2]
            halvings = sum(
                bool(re.fullmatch(rf"styles\.{i}\.convs\.\d+\.weight", name)) for name in state
            )
            styles.append((inputs, w_dim, halvings))
        if not widths or not styles:
            raise KeyError("body")
        network = cls(widths, styles, offsets=offsets)
        network.load_state_dict(state)
        return network

    def forward(self, image: Tensor, w_avg: Tensor) -> Tensor:
        """image (B, 3, R, R) in [-1, 1] -> w_plus (B, n_ws, w_dim). Codes are offsets from the
        mean that the encoder was trained with; w_avg is not needed."""
        levels, x = [], self.input_layer(_at_side(image, _READS))
        for i, unit in enumerate(self.body):
            x = unit(x)
            if i in self.taps:
                levels.append(x)
        fine, middle, coarse = levels
        middle = _added(coarse, self.latlayer1(middle))
        fine = _added(middle, self.latlayer2(fine))
        count = len(self.styles)
        read = [coarse if i < _COARSE else middle if i < _MIDDLE else fine for i in range(count)]
        codes = torch.stack([head(x) for head, x in zip(self.styles, read, strict=True)], dim=1)
        if self.offsets:
            codes = torch.cat([codes[:, :1], codes[:, :1] + codes[:, 1:]], dim=1)
        return (codes + self.latent_avg).float()


def _numbers(state: Mapping[str, Tensor], pattern: str) -> int:
    """One more than the largest number that the names hold there."""
    return 1 + max((int(m[1]) for name in state if (m := re.match(pattern, name))), default=-1)


def _at_side(image: Tensor, side: int) -> Tensor:
    """(B, 3, R, R) -> (B, 3, side, side)."""
    if image.shape[-1] >= side:
        return F.adaptive_avg_pool2d(image, side)
    return F.interpolate(image, size=side, mode="bilinear", align_corners=False)


def _added(coarser: Tensor, finer: Tensor) -> Tensor:
    size = finer.shape[-2:]
    return F.interpolate(coarser, size=size, mode="bilinear", align_corners=True) + finer
