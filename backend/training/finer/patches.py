"""Square windows of pictures: the finest block is convolutional, so it learns as well from parts
of pictures, at a fraction of the work."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from backend.models.generator import Generator, SynthesisBlock
from backend.models.runtime.resampling import enlarged

PATCH = 128  # side of a window in the large picture: SqueezeNet reads no less
_MARGIN = 4  # pixels of the small maps around a window: beyond what the block's kernels reach
_MIDDLE = 0.35, 0.25  # top and left, as shares of the side, of the half where eyes and mouth are
_AROUND = 0.08  # how far from there the middle's windows lie, as a share of the side


def draw_corners(count: int, side: int, generator: torch.Generator | None = None) -> Tensor:
    """Corners (count, 2), y and x, of windows in maps of half the large picture's side.

    Every other window shows the middle, where eyes and mouth are; the rest lie anywhere. All leave
    the margin that `finest_patches` needs.
    """
    window = PATCH // 2
    most = side - window - _MARGIN
    anywhere = torch.rand(count, 2, generator=generator) * (most - _MARGIN) + _MARGIN
    shift = (torch.rand(count, 2, generator=generator) * 2 - 1) * _AROUND
    middle = (torch.tensor(_MIDDLE) + shift) * side
    corners = torch.where(torch.arange(count)[:, None] % 2 == 0, middle, anywhere)
    return corners.round().long().clamp(_MARGIN, most)


def cut(pictures: Tensor, corners: Tensor, window: int, margin: int = 0) -> Tensor:
    """Windows of pictures (B, C, H, W) at corners (B, 2), grown by a margin ->
    (B, C, window + 2 margin, window + 2 margin)."""
    size = window + 2 * margin
    pairs = zip(pictures, (corners - margin).tolist(), strict=True)
    return torch.stack([one[:, y : y + size, x : x + size] for one, (y, x) in pairs])


def finest_patches(
    block: SynthesisBlock, features: Tensor, rgb: Tensor, styles: Sequence[Tensor], corners: Tensor
) -> Tensor:
    """What `Generator.forward` gives in windows of its picture, from the finest block alone.

    features (B, C, R/2, R/2) and rgb (B, 3, R/2, R/2): of the block before; styles: the three w,
    (B, w_dim) each, of the block's layers; corners (B, 2) in these maps. Noise is drawn.
    Returns (B, 3, PATCH, PATCH).
    """
    x = cut(features, corners, PATCH // 2, _MARGIN)
    small = cut(rgb, corners, PATCH // 2, _MARGIN)
    for conv, w in zip(block.convolutions, styles, strict=False):
        side = 2 * small.shape[-1]
        x = conv(x, w, torch.randn(len(x), 1, side, side, device=x.device))
    pictures = enlarged(small, block.conv0.filter) + block.to_rgb(x, styles[-1])
    edge = 2 * _MARGIN
    return pictures[..., edge:-edge, edge:-edge]


@torch.no_grad()
def before_finest(generator: Generator, w_plus: Tensor) -> tuple[Tensor, Tensor]:
    """Features (B, C, R, R) and picture (B, 3, R, R) of a small generator, its noise constant."""
    rgb, features = generator(w_plus)
    return features[-1], rgb
