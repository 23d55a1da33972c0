"""The face parser: which part of a face every pixel of an aligned *photo* shows.

The segmentation branch reads the generator's features and so knows the parts of a reconstruction;
the parser reads the photo itself. A U-Net (Ronneberger et al. 2015) whose way down is SqueezeNet
1.1 (Iandola et al. 2016), small enough for a fraction of a second on one CPU core.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from backend.models.squeezenet import squeezenet_features

RESOLUTION = 256  # of the crop that the parser reads, pixels
SIZES = (192, 224, RESOLUTION)  # of looks that together tell parts best, but are less sure
CLASSES = (  # CelebAMask-HQ's (Lee et al. 2020), left and right being the subject's own ...
    "background",
    "skin",
    "nose",
    "eye glasses",
    "left eye",
    "right eye",
    "left brow",
    "right brow",
    "left ear",
    "right ear",
    "mouth inside",
    "upper lip",
    "lower lip",
    "hair",
    "hat",
    "earring",
    "necklace",
    "neck",
    "cloth",
    "occluder",  # ... and what covers a face: hands, cups, microphones, masks
)
_STAGES = ((0, 2), (2, 5), (5, 8), (8, 13))  # of SqueezeNet's layers: 1/2 ... 1/16 of the crop
_READS = (64, 128, 256, 512)  # their channels
_WIDTHS = (24, 40, 80, 128, 128)  # the decoder's at 1/2, 1/4 ... 1/32 of the crop


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions, added to what goes in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm0 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        y = F.relu(self.norm0(self.conv0(x)))
        return F.relu(x + self.norm1(self.conv1(y)))


def _convolution(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class FaceParser(nn.Module):
    """Logits of CLASSES for aligned crops."""

    mean: Tensor  # (3, 1, 1)

    def __init__(self) -> None:
        super().__init__()
        layers = squeezenet_features()
        cast(nn.Conv2d, layers[0]).padding = (
            1,
            1,
        )  # so that every stage is half the size of the one before
        self.register_buffer("mean", torch.tensor([122.68, 116.67, 104.0])[:, None, None])
        self.stages = nn.ModuleList(layers[first:last] for first, last in _STAGES)
        self.down = _convolution(_READS[-1], _WIDTHS[-1], 2)
        self.deepest = ResidualBlock(_WIDTHS[-1])
        self.whole = nn.Linear(_WIDTHS[-1], _WIDTHS[-1])  # the face as a whole
        self.across = nn.ModuleList(
            nn.Conv2d(i, o, 1) for i, o in zip(_READS, _WIDTHS[:-1], strict=True)
        )
        self.ups = nn.ModuleList(nn.Conv2d(o, i, 1) for i, o in pairwise(_WIDTHS))
        self.blocks = nn.ModuleList(ResidualBlock(width) for width in _WIDTHS[1:-1])
        self.fine = _convolution(_WIDTHS[0], 32, 1)
        self.head = nn.Conv2d(32, len(CLASSES) * 4, 1)

    def forward(self, image: Tensor) -> Tensor:
        """image (B, 3, H, W) in [-1, 1], sides multiples of 32 -> logits (B, C, H, W)."""
        x = (image + 1) * 127.5 - self.mean
        levels = []
        for stage, across in zip(self.stages, self.across, strict=True):
            x = stage(x)
            levels.append(across(x))
        x = self.deepest(self.down(x))  # (B, 128, H/32, W/32)
        x = x + self.whole(x.mean(dim=(2, 3)))[:, :, None, None]
        blocks = (self.fine, *self.blocks)
        for up, block, level in list(zip(self.ups, blocks, levels, strict=True))[::-1]:
            x = block(level + F.interpolate(up(x), scale_factor=2.0, mode="bilinear"))
        return F.pixel_shuffle(self.head(x), 2)

    def start_from(self, weights: Path) -> None:
        """Begin the way down with SqueezeNet's own weights, a safetensors file."""
        state = load_file(weights)
        for (first, _), stage in zip(_STAGES, self.stages, strict=True):
            for index, layer in enumerate(cast(nn.Sequential, stage)):
                prefix = f"features.{first + index}."
                own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
                layer.load_state_dict(own)

    @torch.no_grad()
    def probabilities(self, image: Tensor, sizes: Sequence[int] = (RESOLUTION,)) -> Tensor:
        """image (1, 3, R, R) in [-1, 1] -> float32 (C, RESOLUTION, RESOLUTION) that add up to one,
        averaged over looks at it in these sizes, and at their mirror images."""
        looks = [_resized(self._at(_resized(image, size)), RESOLUTION) for size in sizes]
        return torch.cat(looks).mean(dim=0)

    def _at(self, image: Tensor) -> Tensor:
        """What an image and its mirror image say together, (1, C, H, W)."""
        seen = self(torch.cat([image, image.flip(3)])).softmax(dim=1)
        return (seen[:1] + seen[1:].flip(3)[:, MIRRORED]) / 2


def _resized(image: Tensor, size: int) -> Tensor:
    if image.shape[-1] == size:
        return image
    return F.interpolate(image, size=(size, size), mode="bilinear", antialias=True)


def _mirrored() -> list[int]:
    swap = {"left": "right", "right": "left"}
    names = [" ".join(swap.get(word, word) for word in name.split()) for name in CLASSES]
    return [CLASSES.index(name) for name in names]


MIRRORED = _mirrored()  # the class that each becomes in a mirror image
