"""Reading feature maps at a few pixels of a larger map, as if they had been upsampled to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Places = tuple[Tensor, Tensor]  # y, x in heights and widths of the whole map, (N,) each


def sample_at(feature: Tensor, pixels: Tensor, resolution: int) -> Tensor:
    """Bilinear samples of a feature map, as if it had been upsampled to `resolution`.

    feature: (1, C, h, w); pixels: (N,) flat indices into a resolution x resolution map. Returns
    (N, C).
    """
    rows, weights = _taps(_centres(pixels, resolution), feature.shape[-1])
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
        places = _centres(pixels, resolution)
        for side in sorted(set(sides)):
            index, weights = _taps(places, side)
            needed, index = index.unique(return_inverse=True)
            self._needed[side] = pixels if side == resolution else needed
            if side == resolution:
                continue
            if len(needed) < len(pixels):
                self.coarse.append(side)
            else:
                self._fine[side] = Interpolation.of(index, weights, len(needed))
        given = {side: self._needed[side] for side in self.coarse}
        self._coarse = Pyramid(places, resolution, given) if given else None

    def read(self, feature: Tensor) -> Tensor:
        """What counts of a map (1, C, side, side): (M, C) of a coarse one, else (N, C)."""
        side = feature.shape[-1]
        rows = as_rows(feature).index_select(0, self._needed[side])
        return self._fine[side](rows) if side in self._fine else rows

    def interpolate(self, results: Sequence[Tensor], bias: Tensor) -> Tensor:
        """Add up results (M, C), one for each coarse side, at the N pixels, and bias: (N, C)."""
        if self._coarse is None:
            return bias.repeat(self.count, 1)
        return self._coarse([results[0] + bias.to(results[0].dtype), *results[1:]])

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


class Pyramid:
    """The sum of coarse maps at N places, by way of their knots.

    Between the knots of all maps their sum is bilinear, since each is between its own. So the small
    maps are added up at these first, and interpolated together: fewer products, and no sum of the
    transpose has thousands of terms.
    """

    def __init__(self, places: Places, resolution: int, given: Mapping[int, Tensor]) -> None:
        """given: by side of the maps, from the smallest on, the flat indices (M,) of the values
        that they are given by: those around the places."""
        small = [side for side in given if 4 * side <= resolution]  # else there are as many knots
        self._small = len(small) if len(small) > 1 else 0
        self._to_knots: Interpolation | None = None
        self._knots, taps = 0, []
        if self._small:
            knots, index, weights = _around(places, small)
            self._to_knots = _sum([_given_by(given[s], *_taps(knots, s)) for s in small])
            self._knots, taps = len(knots[0]), [(index, weights, len(knots[0]))]
        large = list(given)[self._small :]
        self._to_places = _sum(taps + [_given_by(given[s], *_taps(places, s)) for s in large])

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


Taps = tuple[Tensor, Tensor, int]  # columns (N, taps), weights (N, taps), how many columns


def _sum(maps: Sequence[Taps]) -> Interpolation:
    """All maps, one below the other, interpolated and added up."""
    indices, weights, columns = [], [], 0
    for index, weight, count in maps:
        indices.append(index + columns)
        weights.append(weight)
        columns += count
    return Interpolation.of(torch.cat(indices, dim=1), torch.cat(weights, dim=1), columns)


def _given_by(given: Tensor, index: Tensor, weights: Tensor) -> Taps:
    """Taps (N, 4) into a map as taps into those of its values that are given, (M,)."""
    # A knot's taps may lie beyond what is given; their weight is 0 then.
    return torch.searchsorted(given, index).clamp(max=len(given) - 1), weights, len(given)


def _centres(pixels: Tensor, resolution: int) -> Places:
    """The centres of pixels, flat indices (N,) into a map of that side."""
    return (pixels // resolution + 0.5) / resolution, (pixels % resolution + 0.5) / resolution


def _around(places: Places, sides: Sequence[int]) -> tuple[Places, Tensor, Tensor]:
    """The four knots around each place of maps of all these sides: the K knots, and which of them,
    with what weights, (N, 4) each."""
    device = places[0].device
    axis = torch.cat([(torch.arange(s, device=device) + 0.5) / s for s in sides]).unique()
    low, high, part = [], [], []
    for place in places:
        after = torch.searchsorted(axis, place)
        first, second = (after - 1).clamp(min=0), after.clamp(max=len(axis) - 1)
        low.append(first)
        high.append(second)
        part.append((place - axis[first]) / (axis[second] - axis[first]).clamp(min=1e-9))
    index, weights = _bilinear(low, high, [p.clamp(0, 1) for p in part], len(axis))
    needed, index = index.unique(return_inverse=True)
    return (axis[needed // len(axis)], axis[needed % len(axis)]), index, weights


def _taps(places: Places, side: int) -> tuple[Tensor, Tensor]:
    """The four neighbours of each place in a side x side map and their weights: (N, 4) each.

    As F.interpolate does it: bilinear, align_corners=False, the border goes on.
    """
    low, high, part = [], [], []
    for position in places:
        place = (position * side - 0.5).clamp(min=0)
        first = place.long().clamp(max=side - 1)
        low.append(first)
        high.append((first + 1).clamp(max=side - 1))
        part.append(place - first)
    return _bilinear(low, high, part, side)


def _bilinear(
    low: Sequence[Tensor], high: Sequence[Tensor], part: Sequence[Tensor], side: int
) -> tuple[Tensor, Tensor]:
    """Corners between low and high (y, x) as flat indices into rows of `side`, and weights."""
    (y0, x0), (y1, x1), (v, u) = low, high, part
    rows = torch.stack([y0 * side + x0, y0 * side + x1, y1 * side + x0, y1 * side + x1], dim=1)
    weights = [(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u]
    return rows, torch.stack(weights, dim=1)
