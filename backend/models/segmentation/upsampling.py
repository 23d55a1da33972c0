"""Maps of several sizes, upsampled to one size and added up."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from backend.models.segmentation.bilinear import axis_neighbours
from backend.models.segmentation.sparse import joined, weighted


class Upsampling:
    """Maps of several sides, upsampled to R x R pixels and added up.

    Along x as a whole, then along y a few rows at a time: what is done with these finds them in
    the cache.
    """

    def __init__(self, sides: Sequence[int], resolution: int) -> None:
        along_x, along_y = [], []
        for side in sides:
            index, weights = axis_neighbours(side, resolution)
            rows = torch.arange(side)[:, None, None] * side
            along_x.append(((rows + index).flatten(0, 1), weights.repeat(side, 1), side * side))
            along_y.append((index, weights, side))
        self._rows = sum(sides)
        self._along_x = joined(along_x, dim=0)
        self._along_y = joined(along_y, dim=1)

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
    index, weights = axis_neighbours(side, resolution)
    return torch.zeros(resolution, side).scatter_add_(1, index, weights)
