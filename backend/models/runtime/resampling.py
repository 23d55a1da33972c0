"""Twice the resolution: zeros between the values, then the low-pass filter [1, 3, 3, 1]
(Karras et al. 2020, appendix B)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.models.runtime.precision import products_in

ZEROS_GAIN = 4  # what makes up for three zeros to each value
_FEW = 1024  # pixels: up to so many a GPU takes longer to make the larger kernel than it saves


def low_pass_kernel() -> Tensor:
    """The filter's outer product with itself, (1, 1, 4, 4), sum 1."""
    row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    return torch.outer(row, row)[None, None]


def convolved_larger(x: Tensor, weight: Tensor, kernel: Tensor) -> Tensor:
    """A transposed convolution of x (B, I, H, W) by weight (O, I, 3, 3), and the filter over it:
    (B, O, 2H, 2W)."""
    if x.is_cuda and x.shape[0] * x.shape[2] * x.shape[3] > _FEW:
        return in_phases(x, weight, kernel)
    x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)  # (B, O, 2H + 1, 2W + 1)
    channels = x.shape[1]
    return F.conv2d(x, kernel.expand(channels, 1, 4, 4).to(x.dtype), padding=1, groups=channels)


def in_phases(x: Tensor, weight: Tensor, kernel: Tensor) -> Tensor:
    """The same as four convolutions, one for each of the four pixels that a value becomes.

    Four times the products, but all in one convolution, which a GPU is made for; it is slow at
    filtering each channel by itself.
    """
    batch, _, height, width = x.shape
    one_at_a_time = torch.eye(9, device=kernel.device).view(9, 1, 3, 3)
    filtered = F.conv_transpose2d(one_at_a_time, kernel).flatten(1)  # (9, 36)
    with products_in("highest"):  # rounded once, by the convolution, is enough
        larger = (weight.flatten(2) @ filtered).view(*weight.shape[:2], 3, 2, 3, 2)
    # A pixel reads every other value of the larger kernel, from the last one on.
    phases = larger.flip(2, 4).permute(3, 5, 0, 1, 2, 4)  # (2, 2, O, I, 3, 3)
    y = F.conv2d(x, phases.flatten(0, 2), padding=1)  # (B, 2 * 2 * O, H, W)
    y = y.permute(0, 2, 3, 1).reshape(batch, height, width, 2, -1).transpose(2, 3)
    return y.reshape(batch, 2 * height, 2 * width, -1).permute(0, 3, 1, 2)


def enlarged(image: Tensor, kernel: Tensor) -> Tensor:
    """An image (B, 3, H, W) at twice its size."""
    kernel = (ZEROS_GAIN * kernel).expand(3, 1, 4, 4)
    return F.conv_transpose2d(image, kernel, stride=2, padding=1, groups=3)
