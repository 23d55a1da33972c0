"""The sum of maps of several sizes at a few positions, by way of their grid nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from backend.models.segmentation.bilinear import Positions, neighbours, nodes_around
from backend.models.segmentation.sparse import Interpolation, Taps, joined


class MapPyramid:
    """The sum of coarse maps at N places, by way of their knots.

    Between the knots of all maps their sum is bilinear, since each is between its own. So the small
    maps are added up at these first, in a pyramid of their own, and interpolated together: fewer
    products, and no sum of the transpose has thousands of terms.
    """

    def __init__(
        self,
        places: Positions,
        resolution: int,
        given: Mapping[int, Tensor],
        around: Mapping[int, Taps],
    ) -> None:
        """given: by side of the maps, from the smallest on, the flat indices (M,) of the values
        that they are given by; around: each place's taps into these."""
        small = {s: given[s] for s in given if 4 * s <= resolution}  # else knots are as many
        self._small, self._knots, found = 0, 0, []
        self._at_knots: MapPyramid | None = None
        if len(small) > 1:
            knots, index, weights = nodes_around(places, list(small))
            own = {side: _given_by(small[side], *neighbours(knots, side)) for side in small}
            self._at_knots = MapPyramid(knots, max(small), small, own)
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


def _sum(maps: Sequence[Taps]) -> Interpolation:
    """All maps, one below the other, interpolated and added up."""
    return Interpolation.of(*joined(maps, dim=1), sum(count for *_, count in maps))


def _given_by(given: Tensor, index: Tensor, weights: Tensor) -> Taps:
    """Taps (N, 4) into a map as taps into those of its values that are given, (M,)."""
    # A knot's taps may lie beyond what is given; their weight is 0 then.
    return torch.searchsorted(given, index).clamp(max=len(given) - 1), weights, len(given)
