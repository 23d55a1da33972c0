"""Products of large matrices by the fastest routine that torch has for them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_FEW = 20480  # values: torch gives convolutions of fewer to another routine


def matmul(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """What F.linear gives: (N, K), (M, K), (M,) -> (N, M), weight best contiguous.

    On a CPU it is a convolution of 1 x 1. That is oneDNN's, which uses all that the processor has;
    the BLAS in torch's wheels takes twice as long on processors by another maker than its own.
    """
    if rows.is_cuda or rows.dtype != torch.float32 or rows.numel() <= _FEW:
        return F.linear(rows, weight, bias)
    count = len(rows)
    picture = rows.reshape(1, count, 1, -1).permute(0, 3, 1, 2)  # (1, K, N, 1), channels_last
    # A kernel of one place cannot be dilated; but on one thread torch takes oneDNN only if it is.
    found = F.conv2d(picture, weight[:, :, None, None], bias, dilation=2)
    return found.permute(0, 2, 3, 1).reshape(count, -1)


def add_matmul(total: Tensor, rows: Tensor, weight: Tensor) -> Tensor:
    """Add rows (N, K) times weight (M, K) to total (N, M), in place."""
    if rows.is_cuda and total.dtype == rows.dtype:
        return total.addmm_(rows, weight.t())  # one pass over the total
    return total.add_(matmul(rows, weight))
