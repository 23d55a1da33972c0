"""Reading feature maps at a few pixels of a larger map, as if they had been upsampled to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def sample_at(feature: Tensor, pixels: Tensor, resolution: int) -> Tensor:
    """Bilinear samples of a feature map, as if it had been upsampled to `resolution`.

    feature: (1, C, h, w); pixels: (N,) flat indices into a resolution x resolution map. Returns
    (N, C).
    """
    rows, weights = _taps(pixels, resolution, feature.shape[-1])
    return (as_rows(feature)[rows] * weights[..., None].to(feature.dtype)).sum(dim=1)


def as_rows(feature: Tensor) -> Tensor:
    """(1, C, h, w) -> (h * w, C); a view when the map is channels_last."""
    # permute, not select and transpose: its gradient is a view as well.
    return feature.permute(0, 2, 3, 1).flatten(0, 2)


class PixelReader:
    """Where N fixed pixels of a resolution x resolution map find their values in smaller maps.

    coarse: sides of the maps of which fewer than N pixels count. It pays to compute on these and
    to interpolate the results; the other maps are interpolated first.
    """

    def __init__(self, pixels: Tensor, resolution: int, sides: Collection[int]) -> None:
        """pixels: (N,) flat indices; sides: the sides of the maps that will be read."""
        self.count = len(pixels)
        self.coarse: list[int] = []
        self._needed: dict[int, Tensor] = {}  # (M,) flat indices into each map
        self._fine: dict[int, Interpolation] = {}
        taps, columns = [], 0
        for side in sorted(set(sides)):
            index, weights = _taps(pixels, resolution, side)
            needed, index = index.unique(return_inverse=True)
            self._needed[side] = needed
            if side == resolution:
                self._needed[side] = pixels
            elif len(needed) < len(pixels):
                self.coarse.append(side)
                taps.append((index + columns, weights))
                columns += len(needed)
            else:
                self._fine[side] = Interpolation.of(index, weights, len(needed))
        self._coarse = None
        if taps:
            indices, weights = (torch.cat(t, dim=1) for t in zip(*taps, strict=True))
            self._coarse = Interpolation.of(indices, weights, columns)

    def read(self, feature: Tensor) -> Tensor:
        """What counts of a map (1, C, side, side): (M, C) of a coarse one, else (N, C)."""
        side = feature.shape[-1]
        rows = as_rows(feature).index_select(0, self._needed[side])
        return self._fine[side](rows) if side in self._fine else rows

    def interpolate(self, results: Sequence[Tensor], bias: Tensor) -> Tensor:
        """Add up results (M, C), one for each coarse side, at the N pixels, and bias: (N, C)."""
        if self._coarse is None:
            return bias.repeat(self.count, 1)
        return self._coarse(torch.cat([results[0] + bias.to(results[0].dtype), *results[1:]]))

    @property
    def places(self) -> int:
        """How many places of all coarse maps together count."""
        return sum(len(self._needed[side]) for side in self.coarse)

    def spread(self, gradient: Tensor) -> Tensor:
        """The gradients of `interpolate`'s results, one below the other: (places, C)."""
        return gradient[:0] if self._coarse is None else self._coarse.transposed(gradient)

    def by_coarse_side(self, rows: Tensor) -> dict[int, Tensor]:
        """Rows (places, C), taken apart by the side of their map."""
        counts = [len(self._needed[side]) for side in self.coarse]
        return dict(zip(self.coarse, rows.split(counts), strict=True)) if counts else {}


@dataclass(frozen=True, eq=False)
class Interpolation:
    """A sparse matrix (N, M) in compressed rows, and its transpose: ready for both directions."""

    forward: tuple[Tensor, Tensor, Tensor]  # column of each entry, first entry of each row, values
    backward: tuple[Tensor, Tensor, Tensor]

    @classmethod
    def of(cls, index: Tensor, weights: Tensor, columns: int) -> Interpolation:
        """index, weights: (N, taps), the columns of each row and their values."""
        n, taps = index.shape
        starts = torch.arange(0, n * taps, taps, device=index.device)
        flat, order = index.flatten().sort()
        counts = torch.bincount(flat, minlength=columns)
        forward = (index.flatten(), starts, weights.flatten())
        backward = (order // taps, counts.cumsum(0) - counts, weights.flatten()[order])
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
    # The fastest sparse product that torch has for wide rows, on a CPU and on CUDA.
    return F.embedding_bag(
        index, rows, starts, per_sample_weights=weights.to(rows.dtype), mode="sum"
    )


def _taps(pixels: Tensor, resolution: int, side: int) -> tuple[Tensor, Tensor]:
    """The four neighbours of each pixel in a side x side map and their weights: (N, 4) each.

    As F.interpolate does it: bilinear, align_corners=False, the border goes on.
    """
    low, high, part = [], [], []
    for position in (pixels // resolution, pixels % resolution):  # y, then x
        place = ((position + 0.5) * (side / resolution) - 0.5).clamp(min=0)
        first = place.long().clamp(max=side - 1)
        low.append(first)
        high.append((first + 1).clamp(max=side - 1))
        part.append(place - first)
    (y0, x0), (y1, x1), (v, u) = low, high, part
    rows = torch.stack([y0 * side + x0, y0 * side + x1, y1 * side + x0, y1 * side + x1], dim=1)
    weights = [(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u]
    return rows, torch.stack(weights, dim=1)
