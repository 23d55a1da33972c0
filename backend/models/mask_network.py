"""A network that paints a picture from a label map in the style of a photo (MaskGAN, Lee et al.
2020), small enough to be taught on a processor. A baseline: no edit of the product uses it."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_STYLE = 256  # numbers that say what a photo looks like
_WIDTHS = (32, 64, 128, 192)  # channels at 1, 1/2, 1/4 and 1/8 of the picture's side
_DEEP = 3  # residual blocks at the coarsest


def _down(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
    return nn.Sequential(conv, nn.LeakyReLU(0.2))


class StyleEncoder(nn.Module):
    """A photo and its label map -> its style, without where anything is.

    Spatial-aware (section 3.2): features of the map scale and shift those of the photo at every
    size, so that the mean over the picture still tells the colour of lips from that of skin.
    """

    def __init__(self, parts: int) -> None:
        super().__init__()
        sizes = tuple(enumerate(pairwise((3, *_WIDTHS))))
        self.photo = nn.ModuleList(_down(a, b, 2 if i else 1) for i, (a, b) in sizes)
        maps = tuple(enumerate(pairwise((parts, *_WIDTHS))))
        self.map = nn.ModuleList(_down(a, b, 2 if i else 1) for i, (a, b) in maps)
        self.change = nn.ModuleList(nn.Conv2d(width, 2 * width, 1) for width in _WIDTHS)
        self.last = nn.Linear(sum(_WIDTHS), _STYLE)

    def forward(self, photo: Tensor, parts: Tensor) -> Tensor:
        """photo (B, 3, R, R) in [-1, 1], parts (B, P, R, R) in 0..1 -> (B, _STYLE)."""
        means = []
        for see, read, change in zip(self.photo, self.map, self.change, strict=True):
            photo, parts = see(photo), read(parts)
            scale, shift = change(parts).chunk(2, dim=1)
            photo = photo * (1 + scale) + shift
            means.append(photo.mean(dim=(2, 3)))
        style: Tensor = self.last(torch.cat(means, dim=1))
        return style


class StyledBlock(nn.Module):
    """Two 3 x 3 convolutions, each followed by adaptive instance normalisation (Huang and Belongie
    2017, eq. 8), added to what goes in."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(a, outputs, 3, padding=1, bias=False) for a in (inputs, outputs)
        )
        self.affine = nn.ModuleList(nn.Linear(_STYLE, 2 * outputs) for _ in range(2))
        self.passed = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        y = x
        for conv, affine in zip(self.convs, self.affine, strict=True):
            scale, shift = affine(style)[:, :, None, None].chunk(2, dim=1)
            y = F.leaky_relu((1 + scale) * F.instance_norm(conv(y)) + shift, 0.2)
        total: Tensor = self.passed(x) + y
        return total


class MaskNetwork(nn.Module):
    """A label map painted in the style of a photo."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.style = StyleEncoder(parts)
        maps = tuple(enumerate(pairwise((parts, *_WIDTHS))))
        self.down = nn.ModuleList(_down(a, b, 2 if i else 1) for i, (a, b) in maps)
        self.deep = nn.ModuleList(StyledBlock(_WIDTHS[-1], _WIDTHS[-1]) for _ in range(_DEEP))
        upwards = reversed(list(pairwise(_WIDTHS)))
        self.up = nn.ModuleList(StyledBlock(low + high, low) for low, high in upwards)
        self.last = nn.Conv2d(_WIDTHS[0], 3, 3, padding=1)

    def forward(self, photo: Tensor, parts: Tensor, wanted: Tensor) -> Tensor:
        """photo (B, 3, R, R) in [-1, 1]; its parts and those of the picture that is wanted, both
        (B, P, R, R) in 0..1, R a multiple of 8 -> the picture (B, 3, R, R) in [-1, 1]."""
        style, x, passed = self.style(photo, parts), wanted, []
        for block in self.down:
            x = block(x)
            passed.append(x)
        for block in self.deep:
            x = block(x, style)
        for block, skip in zip(self.up, reversed(passed[:-1]), strict=True):
            larger = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = block(torch.cat([skip, larger], dim=1), style)
        return torch.tanh(self.last(x))
