"""Bilinear interpolation as taps: which values count at a place, and how much."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

Positions = tuple[Tensor, Tensor]  # y, x in heights and widths of the whole map, (N,) each


def pixel_centres(pixels: Tensor, resolution: int) -> Positions:
    """The pixel_centres of pixels, flat indices (N,) into a map of that side."""
    return (pixels // resolution + 0.5) / resolution, (pixels % resolution + 0.5) / resolution


def nodes_around(places: Positions, sides: Sequence[int]) -> tuple[Positions, Tensor, Tensor]:
    """The four knots around each place of maps of all these sides: the K knots, and which of them,
    with what weights, (N, 4) each."""
    device = places[0].device
    axis = torch.cat([(torch.arange(s, device=device) + 0.5) / s for s in sides]).unique()
    low, high, part = [], [], []
    for place in places:
        second = torch.searchsorted(axis, place).clamp(1, len(axis) - 1)
        first = second - 1
        low.append(first)
        high.append(second)
        part.append((place - axis[first]) / (axis[second] - axis[first]))
    index, weights = _bilinear(low, high, [p.clamp(0, 1) for p in part], len(axis))
    needed, index = index.unique(return_inverse=True)
    return (axis[needed // len(axis)], axis[needed % len(axis)]), index, weights


def neighbours(places: Positions, side: int) -> tuple[Tensor, Tensor]:
    """The four neighbours of each place in a side x side map and their weights: (N, 4) each.

    As F.interpolate does it: bilinear, align_corners=False, the border goes on.
    """
    low, high, part = zip(*(_neighbours(position, side) for position in places), strict=True)
    return _bilinear(low, high, part, side)


def axis_neighbours(side: int, resolution: int) -> tuple[Tensor, Tensor]:
    """The two neighbours on an axis of `side` values of each of `resolution` ones, and their
    weights: (resolution, 2) each."""
    low, high, part = _neighbours((torch.arange(resolution) + 0.5) / resolution, side)
    return torch.stack([low, high], dim=1), torch.stack([1 - part, part], dim=1)


def _neighbours(position: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of positions 0..1 on an axis of `side` values: the one before, the next, how far between."""
    place = (position * side - 0.5).clamp(0, side - 1)
    # Two different ones wherever there are two: sparse products want no column twice in a row.
    first = place.long().clamp(max=max(side - 2, 0))
    return first, (first + 1).clamp(max=side - 1), place - first


def _bilinear(
    low: Sequence[Tensor], high: Sequence[Tensor], part: Sequence[Tensor], side: int
) -> tuple[Tensor, Tensor]:
    """Corners between low and high (y, x) as flat indices into rows of `side`, and weights."""
    (y0, x0), (y1, x1), (v, u) = low, high, part
    rows = torch.stack([y0 * side + x0, y0 * side + x1, y1 * side + x0, y1 * side + x1], dim=1)
    weights = [(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u]
    return rows, torch.stack(weights, dim=1)
