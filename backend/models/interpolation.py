"""Sparse matrices that read values between those of smaller maps, and carry gradients back."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.models.taps import Places, axis_taps, knots_around, taps

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
        return _Apply.apply(rows, self)

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


class Pyramid:
    """The sum of coarse maps at N places, by way of their knots.

    Between the knots of all maps their sum is bilinear, since each is between its own. So the small
    maps are added up at these first, in a pyramid of their own, and interpolated together: fewer
    products, and no sum of the transpose has thousands of terms.
    """

    def __init__(
        self,
        places: Places,
        resolution: int,
        given: Mapping[int, Tensor],
        around: Mapping[int, Taps],
    ) -> None:
        """given: by side of the maps, from the smallest on, the flat indices (M,) of the values
        that they are given by; around: each place's taps into these."""
        small = {s: given[s] for s in given if 4 * s <= resolution}  # else knots are as many
        self._small, self._knots, found = 0, 0, []
        self._at_knots: Pyramid | None = None
        if len(small) > 1:
            knots, index, weights = knots_around(places, list(small))
            own = {side: _given_by(small[side], *taps(knots, side)) for side in small}
            self._at_knots = Pyramid(knots, max(small), small, own)
            self._small, self._knots = len(small), len(knots[0])
            found = [(index, weights, self._knots)]
        self._to_places = _sum([*found, *list(around.values())[self._small :]])

    def __call__(self, maps: Sequence[Tensor]) -> Tensor:
        """Values (M, C) of each map -> (N, C), differentiable."""
        if self._at_knots:
            maps = [self._at_knots(maps[: self._small]), *maps[self._small :]]
        return self._to_places(torch.cat(tuple(maps)))

    def transposed(self, rows: Tensor) -> Tensor:
        """(N, C) -> the gradients of the maps' values, one below the other."""
        rows = self._to_places.transposed(rows)
        if not self._at_knots:
            return rows
        small = self._at_knots.transposed(rows[: self._knots])
        return torch.cat([small, rows[self._knots :]])


class Upsampling:
    """Maps of several sides, upsampled to R x R pixels and added up.

    Along x as a whole, then along y a few rows at a time: what is done with these finds them in
    the cache.
    """

    def __init__(self, sides: Sequence[int], resolution: int) -> None:
        along_x, along_y = [], []
        for side in sides:
            index, weights = axis_taps(side, resolution)
            rows = torch.arange(side)[:, None, None] * side
            along_x.append(((rows + index).flatten(0, 1), weights.repeat(side, 1), side * side))
            along_y.append((index, weights, side))
        self._rows = sum(sides)
        self._along_x = _joined(along_x, dim=0)
        self._along_y = _joined(along_y, dim=1)

    def widened(self, maps: Sequence[Tensor]) -> Tensor:
        """Values of each map, (side * side, C), all of them along x: (sum of the sides, R * C)."""
        return weighted(torch.cat(tuple(maps)), *self._along_x).view(self._rows, -1)

    def rows(self, wide: Tensor, top: int, bottom: int) -> Tensor:
        """Some rows of the sum, (bottom - top, R * C), from `widened`."""
        return weighted(wide, *(part[top:bottom] for part in self._along_y))


class DenseUpsampling:
    """The same by products of dense matrices, which a GPU is made for."""

    def __init__(self, sides: Sequence[int], resolution: int, device: torch.device) -> None:
        self._along_x = [_axis_matrix(side, resolution).to(device) for side in sides]  # (R, side)
        self._along_y = torch.cat(self._along_x, dim=1)  # (R, sum of the sides)

    def widened(self, maps: Sequence[Tensor]) -> Tensor:
        resolution, rows = self._along_y.shape
        wide = maps[0].new_empty(rows, resolution, maps[0].shape[1])
        pieces = wide.split([matrix.shape[1] for matrix in self._along_x])
        for values, matrix, piece in zip(maps, self._along_x, pieces, strict=True):
            side = matrix.shape[1]
            torch.bmm(matrix.expand(side, -1, -1), values.view(side, side, -1), out=piece)
        return wide.flatten(1)

    def rows(self, wide: Tensor, top: int, bottom: int) -> Tensor:
        return self._along_y[top:bottom] @ wide


def upsampling(
    sides: Sequence[int], resolution: int, device: torch.device
) -> Upsampling | DenseUpsampling:
    """What upsamples fastest on the device."""
    if device.type == "cuda":
        return DenseUpsampling(sides, resolution, device)
    return Upsampling(sides, resolution)


def _axis_matrix(side: int, resolution: int) -> Tensor:
    index, weights = axis_taps(side, resolution)
    return torch.zeros(resolution, side).scatter_add_(1, index, weights)


def _joined(maps: Sequence[Taps], dim: int) -> tuple[Tensor, Tensor]:
    """Taps of maps whose values lie one below the other: indices into all of them, and weights."""
    indices, weights, columns = [], [], 0
    for index, weight, count in maps:
        indices.append(index + columns)
        weights.append(weight)
        columns += count
    return torch.cat(indices, dim=dim), torch.cat(weights, dim=dim)


def _sum(maps: Sequence[Taps]) -> Interpolation:
    """All maps, one below the other, interpolated and added up."""
    return Interpolation.of(*_joined(maps, dim=1), sum(count for *_, count in maps))


def _given_by(given: Tensor, index: Tensor, weights: Tensor) -> Taps:
    """Taps (N, 4) into a map as taps into those of its values that are given, (M,)."""
    # A knot's taps may lie beyond what is given; their weight is 0 then.
    return torch.searchsorted(given, index).clamp(max=len(given) - 1), weights, len(given)
