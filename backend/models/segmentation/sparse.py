"""Sparse matrices that interpolate rows of values, and carry gradients back.

A bilinear sample is a weighted sum of four values, so sampling a map at N positions is a sparse
matrix with four entries a row; its transpose carries the gradient. See
docs/segmentation-branch.md.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Taps = tuple[Tensor, Tensor, int]  # columns (N, taps), weights (N, taps), how many columns


class SparseMatrix:
    """A matrix (N, M) in compressed rows."""

    def __init__(self, index: Tensor, starts: Tensor, values: Tensor, columns: int) -> None:
        """index, values: the column of each entry and its value; starts: each row's first entry,
        (N,)."""
        self._index, self._starts, self._values = index, starts, values
        self._columns = columns

    def __matmul__(self, rows: Tensor) -> Tensor:
        """(M, C) -> (N, C)."""
        if rows.is_cuda:
            return self.compressed @ rows.float()
        return weighted(rows, self._index, self._values, self._starts)

    @cached_property
    def compressed(self) -> Tensor:
        """In torch's own format, whose product is faster than `weighted` on a GPU, and slower on a
        CPU."""
        ends = self._starts.new_full((1,), len(self._index))
        pieces = torch.cat([self._starts, ends]).int(), self._index.int(), self._values.float()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it is a beta, and checks nothing
            return torch.sparse_csr_tensor(*pieces, (len(self._starts), self._columns))


@dataclass(frozen=True, eq=False)
class Interpolation:
    """A sparse matrix (N, M) and its transpose: ready for both directions."""

    forward: SparseMatrix
    backward: SparseMatrix

    @classmethod
    def of(cls, index: Tensor, weights: Tensor, columns: int) -> Interpolation:
        """index, weights: (N, taps), the columns of each row and their values."""
        n, each = index.shape
        starts = torch.arange(0, n * each, each, device=index.device)
        flat, order = index.flatten().sort()
        counts = torch.bincount(flat, minlength=columns)
        forward = SparseMatrix(index.flatten(), starts, weights.flatten(), columns)
        back = order // each, counts.cumsum(0) - counts, weights.flatten()[order]
        return cls(forward, SparseMatrix(*back, n))

    def __call__(self, rows: Tensor) -> Tensor:
        """(M, C) -> (N, C), differentiable in rows."""
        return _Apply.apply(rows, self)  # type: ignore[no-untyped-call]

    def transposed(self, rows: Tensor) -> Tensor:
        """(N, C) -> (M, C)."""
        return self.backward @ rows


class _Apply(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, matrix: Interpolation) -> Tensor:
        ctx.matrix = matrix
        return matrix.forward @ rows

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return ctx.matrix.transposed(grad.contiguous()), None


def weighted(rows: Tensor, index: Tensor, weights: Tensor, starts: Tensor | None = None) -> Tensor:
    """Weighted sums of some of the rows (M, C): (N, C).

    index, weights: (N, taps); or all entries in one piece, and where each sum's begin, (N,).
    """
    # The fastest sparse product that torch has for wide rows on a CPU.
    return F.embedding_bag(
        index, rows, starts, per_sample_weights=weights.to(rows.dtype), mode="sum"
    )


def joined(maps: Sequence[Taps], dim: int) -> tuple[Tensor, Tensor]:
    """Taps of maps whose values lie one below the other: indices into all of them, and weights."""
    indices, weights, columns = [], [], 0
    for index, weight, count in maps:
        indices.append(index + columns)
        weights.append(weight)
        columns += count
    return torch.cat(indices, dim=dim), torch.cat(weights, dim=dim)
