"""Sparse matrices that read values between those of smaller maps, and carry gradients back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.models.taps import Places, axis_taps, knots_around, taps

Taps = tuple[Tensor, Tensor, int]  # columns (N, taps), weights (N, taps), how many columns


@dataclass(frozen=True, eq=False)
class Interpolation:
    """A sparse matrix (N, M) in compressed rows, and its transpose: ready for both directions."""

    forward: tuple[Tensor, Tensor, Tensor]  # column of each entry, first entry of each row, values
    backward: tuple[Tensor, Tensor, Tensor]

    @classmethod
    def of(cls, index: Tensor, weights: Tensor, columns: int) -> Interpolation:
        """index, weights: (N, taps), the columns of each row and their values."""
        n, each = index.shape
        starts = torch.arange(0, n * each, each, device=index.device)
        flat, order = index.flatten().sort()
        counts = torch.bincount(flat, minlength=columns)
        forward = (index.flatten(), starts, weights.flatten())
        backward = (order // each, counts.cumsum(0) - counts, weights.flatten()[order])
        return cls(forward, backward)

    def __call__(self, rows: Tensor) -> Tensor:
        """(M, C) -> (N, C), differentiable in rows."""
        return _Apply.apply(rows, self)

    def transposed(self, rows: Tensor) -> Tensor:
        """(N, C) -> (M, C)."""
        return _product(self.backward, rows)


class _Apply(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, matrix: Interpolation) -> Tensor:
        ctx.matrix = matrix
        return _product(matrix.forward, rows)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return ctx.matrix.transposed(grad.contiguous()), None


def _product(matrix: Sequence[Tensor], rows: Tensor) -> Tensor:
    index, starts, weights = matrix
    return weighted(rows, index, weights, starts)


def weighted(rows: Tensor, index: Tensor, weights: Tensor, starts: Tensor | None = None) -> Tensor:
    """Weighted sums of some of the rows (M, C): (N, C).

    index, weights: (N, taps); or all entries in one piece, and where each sum's begin, (N,).
    """
    # The fastest sparse product that torch has for wide rows, on a CPU and on CUDA.
    return F.embedding_bag(
        index, rows, starts, per_sample_weights=weights.to(rows.dtype), mode="sum"
    )


class Pyramid:
    """The sum of coarse maps at N places, by way of their knots.

    Between the knots of all maps their sum is bilinear, since each is between its own. So the small
    maps are added up at these first, and interpolated together: fewer products, and no sum of the
    transpose has thousands of terms.
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
        small = [side for side in given if 4 * side <= resolution]  # else there are as many knots
        self._small = len(small) if len(small) > 1 else 0
        self._to_knots: Interpolation | None = None
        self._knots, found = 0, []
        if self._small:
            knots, index, weights = knots_around(places, small)
            self._to_knots = _sum([_given_by(given[s], *taps(knots, s)) for s in small])
            self._knots, found = len(knots[0]), [(index, weights, len(knots[0]))]
        self._to_places = _sum([*found, *list(around.values())[self._small :]])

    def __call__(self, maps: Sequence[Tensor]) -> Tensor:
        """Values (M, C) of each map -> (N, C), differentiable."""
        if self._to_knots:
            small, large = maps[: self._small], maps[self._small :]
            maps = [self._to_knots(torch.cat(tuple(small))), *large]
        return self._to_places(torch.cat(tuple(maps)))

    def transposed(self, rows: Tensor) -> Tensor:
        """(N, C) -> the gradients of the maps' values, one below the other."""
        rows = self._to_places.transposed(rows)
        if not self._to_knots:
            return rows
        small = self._to_knots.transposed(rows[: self._knots])
        return torch.cat([small, rows[self._knots :]])


class Upsampling:
    """Maps of several sides, upsampled to R x R pixels and added up, on a CPU.

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
