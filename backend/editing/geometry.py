"""Geometry on label maps: scale, lift, move, raise, open, grow, shrink or remove a group of parts.

A change takes labels uint8 [H, W], the label values of the group that it moves, and a function that
gives the label values of other groups or parts by name; it returns new labels. The parts of a group
move together; where they went away, what was nearest shows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.editing.region import dilate

Labels = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Named = Callable[[str], list[int]]
"""Label values of a group or part by name; empty where there is none of that name."""

_NONE = 255
_CRUMB = 0.15  # pieces smaller than this share of the largest one are stray pixels, no eye or ear


class ShapeChange(Protocol):
    """What happens to the shape of a group of parts."""

    def __call__(self, labels: Labels, group: Collection[int], named: Named) -> Labels: ...


@dataclass(frozen=True)
class ScaleShape:
    """Scale and move each connected piece of a group, each eye for itself.

    x, y: factors. anchor: the height that stays where it is, 0 the piece's top, 1 its bottom. lift:
    how far its left and right ends rise, in widths of the piece. up: how far all of it rises, in
    heights of the piece. still: a part of the group that stays as it is (a mouth's interior): the
    factors are then those of what lies around it.
    """

    x: float = 1.0
    y: float = 1.0
    anchor: float = 0.5
    lift: float = 0.0
    up: float = 0.0
    still: str = ""

    def __call__(self, labels: Labels, group: Collection[int], named: Named) -> Labels:
        result = without(labels, group)
        y, x = np.mgrid[: labels.shape[0], : labels.shape[1]].astype(np.float32)
        for piece in pieces(labels, group):
            inner = piece & np.isin(labels, named(self.still))
            around = nearest(labels, piece & ~inner)
            share = 1 - inner.sum() / piece.sum()
            factor_x, factor_y = 1 + (self.x - 1) * share, 1 + (self.y - 1) * share
            left, top, width, height = cv2.boundingRect(piece.astype(np.uint8))
            cx, cy = left + (width - 1) / 2, top + self.anchor * (height - 1)
            half = max(width / 2 * factor_x, 1.0)
            bend = (((x - cx) / half) ** 2).clip(0, 2)
            rise = 2 * half * self.lift * bend + self.up * height
            source_x = (cx + (x - cx) / factor_x).astype(np.float32)
            source_y = (cy + (y + rise - cy) / factor_y).astype(np.float32)
            _paint(result, _remapped(np.where(piece, around, _NONE), source_x, source_y))
            result[inner] = labels[inner]
        return result


@dataclass(frozen=True)
class Open:
    """Open a mouth: what lies below its line moves down, most in the middle.

    by: how far, in widths of the mouth. below: the part that moves down (a lower lip); gap: the
    part that comes to light. Without them the lower half moves and the mouth's own label stretches.
    """

    by: float
    below: str = "lower lip"
    gap: str = "mouth interior"

    def __call__(self, labels: Labels, group: Collection[int], named: Named) -> Labels:
        result, below, gap = labels.copy(), named(self.below), named(self.gap)
        rows = np.arange(labels.shape[0])
        for piece in pieces(labels, group):
            columns = np.flatnonzero(piece.any(axis=0))
            half = max((columns[-1] - columns[0]) / 2, 1.0)
            middle = columns[0] + half
            for x in columns:
                inside = np.flatnonzero(piece[:, x])
                line = _line(labels[:, x], inside, below)
                by = round(2 * half * self.by * (1 - ((x - middle) / half) ** 2))
                moved = (rows >= line + by) & (rows <= inside[-1] + by)
                result[moved, x] = labels[rows[moved] - by, x]
                opened = (rows >= line) & (rows < line + by)
                result[opened, x] = gap[0] if gap else labels[line, x]
        return result


@dataclass(frozen=True)
class Close:
    """Close a mouth: the parts above and below its interior meet in its middle.

    above, below: names of those parts; gap: of the interior.
    """

    above: str = "upper lip"
    below: str = "lower lip"
    gap: str = "mouth interior"

    def __call__(self, labels: Labels, group: Collection[int], named: Named) -> Labels:
        above, below = named(self.above), named(self.below)
        gap = np.isin(labels, named(self.gap))
        if not above or not below:
            return labels
        result = labels.copy()
        for x in np.flatnonzero(gap.any(axis=0)):
            rows = np.flatnonzero(gap[:, x])
            upper = gap[:, x] & (np.arange(len(labels)) < rows.mean())
            result[gap[:, x], x] = below[0]
            result[upper, x] = above[0]
        return result


def _line(column: Labels, inside: NDArray[np.intp], below: Collection[int]) -> int:
    """The first row that moves down, of a column whose mouth has the rows `inside`."""
    lower = inside[np.isin(column[inside], list(below))]
    return int(lower[0]) if len(lower) else int(inside[len(inside) // 2])


@dataclass(frozen=True)
class Raise:
    """Raise the top of a group, a car's roof above its windows: every column is stretched upwards
    from the group's lowest pixel there, with what lies between.

    by: factor of the height.
    """

    by: float

    def __call__(self, labels: Labels, group: Collection[int], named: Named) -> Labels:
        result, rows = labels.copy(), np.arange(labels.shape[0])
        mask = np.any([*pieces(labels, group), np.zeros(labels.shape, bool)], axis=0)
        for x in np.flatnonzero(mask.any(axis=0)):
            inside = np.flatnonzero(mask[:, x])
            top, bottom = inside[0], inside[-1] + 1
            moved = (rows >= bottom - self.by * (bottom - top)) & (rows < bottom)
            source = bottom - (bottom - rows[moved] - 0.5) / self.by
            result[moved, x] = labels[source.astype(int), x]
        return result


@dataclass(frozen=True)
class Remove:
    """Take a group away: what is nearest shows."""

    def __call__(self, labels: Labels, group: Collection[int], named: Named) -> Labels:
        return without(labels, group)


@dataclass(frozen=True)
class Grow:
    """Let a group grow over other labels, or shrink from them where `by` is negative.

    by: in widths of the picture. over: names of the parts that give way, or come nearer.
    """

    by: float
    over: tuple[str, ...]

    def __call__(self, labels: Labels, group: Collection[int], named: Named) -> Labels:
        mask = np.isin(labels, list(group))
        others = np.isin(labels, [index for name in self.over for index in named(name)])
        radius = max(1, round(abs(self.by) * labels.shape[1]))
        if self.by > 0:
            return np.where(dilate(mask, radius) & others, nearest(labels, mask), labels)
        return np.where(dilate(others, radius) & mask, nearest(labels, others), labels)


def pieces(labels: Labels, group: Collection[int]) -> Iterator[Flags]:
    """The connected pieces [H, W] of a group, without crumbs."""
    mask = np.isin(labels, list(group)).astype(np.uint8)
    count, index, stats, _ = cv2.connectedComponentsWithStats(mask)
    areas = stats[:, cv2.CC_STAT_AREA]
    for i in range(1, count):
        if areas[i] >= _CRUMB * areas[1:].max():
            yield index == i


def nearest(labels: Labels, known: Flags) -> Labels:
    """Every pixel's nearest label among those that are `known`; `labels` itself if none is."""
    if not known.any():
        return labels
    _, index = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    values = np.zeros(index.max() + 1, np.uint8)
    values[index[known]] = labels[known]
    return values[index]


def without(labels: Labels, group: Collection[int]) -> Labels:
    """Labels with a group taken away (but for crumbs): what was nearest shows."""
    gone = np.any([*pieces(labels, group), np.zeros(labels.shape, bool)], axis=0)
    return np.where(gone, nearest(labels, ~np.isin(labels, list(group))), labels)


def _remapped(piece: Labels, x: NDArray[np.float32], y: NDArray[np.float32]) -> Labels:
    moved = cv2.remap(
        piece, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=_NONE
    )
    return np.asarray(moved, np.uint8)


def _paint(result: Labels, piece: Labels) -> None:
    result[piece != _NONE] = piece[piece != _NONE]
