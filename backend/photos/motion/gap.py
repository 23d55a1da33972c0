"""The outline of what shuts or narrows, an eye or a mouth, column by column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.photos.arrays import Flags, Floats, Indices
from backend.photos.motion.lashes import upper_edge
from backend.photos.motion.opening import largest_piece
from backend.photos.motion.stretch import smooth_line

_FEWEST = 4  # columns that a gap has at least
_ARC = 3  # degree of the polynomial that is the line where the edges meet
_CORNER = 0.25  # of its width, over which it ends on either side beyond what labels know of it
_HIDDEN = 1.0, 0.7  # what is hidden besides: a lower lid's wet edge, shadows on teeth; grid pixels


@dataclass(frozen=True, eq=False)
class Gap:
    """What shuts or narrows. columns: of the grid, those that it has. For each of all columns, in
    pixels of the grid, [n]: upper, lower: its edges; height: 0 beside it."""

    columns: slice
    upper: Floats
    lower: Floats
    height: Floats

    @property
    def tallest(self) -> float:
        return float(self.height.max())

    def line(self, share: float) -> Floats:
        """Where the edges meet when the upper one takes this share of the way: [n], an even arc."""
        x, has = np.arange(len(self.lower)), self.height > 0
        line, weight = (self.upper + share * self.height)[has], np.sqrt(self.height[has])
        arc = np.polyfit(x[has], line, _ARC, w=weight)
        beside = np.clip(x, self.columns.start, self.columns.stop - 1)  # it goes on level
        return np.polyval(arc, beside).astype(np.float32)


def outline_of(
    gap: Floats, beside: slice, grey: Floats | None = None, above: Flags | None = None
) -> Gap | None:
    """A gap [n, n] in these columns; None for a speck. grey: the photo, to find lashes in; above:
    bool [n, n], what they lie below."""
    inside, middle, half = _halves(gap, beside)
    if len(inside) < _FEWEST:
        return None
    lid, teeth = (width * half / half.max() for width in _HIDDEN)
    if grey is None or above is None:
        top, bottom = middle - half - teeth, middle + half + teeth
    else:
        ceiling = _lowest(above, inside, middle)
        top = np.minimum(upper_edge(grey, inside, middle - half, ceiling), middle)
        bottom = middle + half + lid
    margin = max(1, round(_CORNER * len(inside)))
    start, stop = max(inside[0] - margin, 0), min(inside[-1] + margin, len(gap) - 1)
    x, corners = np.arange(len(gap)), np.array([start, *inside, stop])
    upper, lower = (
        smooth_line(np.interp(x, corners, [middle[0], *edge, middle[-1]])) for edge in (top, bottom)
    )
    within = (x >= start) & (x <= stop)
    columns = slice(int(start), int(stop) + 1)
    return Gap(columns, upper, lower, np.maximum(lower - upper, 0) * within)


def _lowest(above: Flags, columns: Indices, middle: Floats) -> Floats:
    """Where what is above a gap's middle [m] ends in its columns, [m]; 0 where there is nothing."""
    rows = np.arange(1, len(above) + 1, dtype=np.float32)[:, None]
    higher = above[:, columns] & (rows <= middle)
    return (rows * higher).max(axis=0)


def narrowed_edges(
    gap: Gap, old: Floats, new: Floats, beside: slice
) -> tuple[Floats, Floats] | None:
    """Where the edges of a gap go that gets narrower and stays open, for each column, [n] each;
    None where too little is left.

    old, new: its maps [n, n] before and after, in the columns `beside`.
    """
    x, found = np.arange(len(old)), (_halves(old, beside), _halves(new, beside))
    if min(len(inside) for inside, _, _ in found) < _FEWEST:
        return None
    tops, bottoms = (
        [np.interp(x, inside, middle + side * half) for inside, middle, half in found]
        for side in (-1, 1)
    )
    upper = gap.upper + smooth_line(np.maximum(tops[1] - tops[0], 0))
    lower = gap.lower - smooth_line(np.maximum(bottoms[0] - bottoms[1], 0))
    middle = (upper + lower) / 2
    return np.minimum(upper, middle), np.maximum(lower, middle)


def _halves(gap: Floats, beside: slice) -> tuple[Indices, Floats, Floats]:
    """The columns in which a map [n, n] shows a gap, its middle and half its height there: [m];
    specks beside it, on the rims of glasses, say, do not count."""
    whole = np.zeros_like(gap)
    whole[:, beside] = largest_piece(gap[:, beside])
    height = whole.sum(axis=0)
    inside = np.flatnonzero(height > 0.5)
    rows = np.arange(len(gap), dtype=np.float32)[:, None]
    return inside, (whole * rows).sum(axis=0)[inside] / height[inside], height[inside] / 2
