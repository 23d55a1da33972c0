"""Eyes and mouths that shut: lids or lips come together over what was between them.

No smooth map shuts an eye: it would squeeze white and iris, or teeth, into a line. Here the map is
cut along the line where the edges meet. What lies above follows the upper edge down, with its
lashes, and what lies below follows the lower one up; the gap is behind them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from backend.photos.arrays import Flags, Floats
from backend.photos.motion.diffeomorphism import warp
from backend.photos.motion.lashes import upper_edge
from backend.photos.motion.part_change import PartMaps
from backend.photos.motion.roles import ClosingRole
from backend.photos.motion.stretch import eased, pulled_along, smooth_across, smooth_line

_SEEN, _FEWEST = 0.3, 4  # share of a pixel that counts as gap; columns that a gap has at least
_SHUT = 1 / 2.5  # of a gap's area: what is left of less is a line
_SMALLEST = 9e-4  # of the square: a gap that is smaller than this is shut already
_ARC = 3  # degree of the polynomial that is the line where the edges meet
_LIDS, _LIPS = 0.75, 0.5  # share of the way between the edges that the upper one takes
_HIDDEN = 1.0, 0.7  # what is hidden besides: a lower lid's wet edge, shadows on teeth; grid pixels
_EVEN = 1.9  # how much an upper lid stretches before the brow comes along
_ALONG = 0.45  # share of the lid's way that a brow takes part in at most
_MOST = 3.5  # stretch that no skin bears
_FADE = 1.5, 2.0  # how far below the lower lid and above the brow motion reaches, in eye heights
_BARE, _HIGHEST = 1.2, 2.5  # an upper lid without a brow, the highest one, in eye heights
_SHADE, _SHADOW = 0.55, 0.4 / 128  # of the line between shut edges: its strength, half its width


@dataclass(frozen=True, eq=False)
class Closing:
    """Edges that come together, on the motion's grid.

    upper, lower: float32 [n, n, 2], where what follows either edge comes from beside the subject's
    own motion, in sides. below: float32 [n, n], how far under the line where they meet, in sides;
    above, where this is negative, one sees what follows the upper edge. shut: float32 [n, n] in
    0..1, how much of a gap shuts there.
    """

    upper: Floats
    lower: Floats
    below: Floats
    shut: Floats

    @property
    def shift(self) -> Floats:
        """That of the side which shows, [n, n, 2]."""
        return np.where((self.below < 0)[..., None], self.upper, self.lower)

    def after(self, motion: Floats) -> Closing:
        """The same where a motion [n, n, 2], in sides, has taken the gap."""
        shift = motion * len(motion)
        return Closing(*(warp(f, shift) for f in (self.upper, self.lower, self.below, self.shut)))

    def shade(self, below: Floats, side: float) -> Floats:
        """The shadow between shut edges, 0..1, so far below their line; both in pixels."""
        return _SHADE * np.exp(-((below / (_SHADOW * side)) ** 2))


@dataclass(frozen=True, eq=False)
class _Gap:
    """What shuts. columns: of the grid, those that it has. For each of all columns, in pixels of
    the grid, [n]: upper, lower: its edges; meet: where they meet; height: 0 beside the gap."""

    columns: slice
    upper: Floats
    lower: Floats
    meet: Floats
    height: Floats

    @classmethod
    def between(cls, columns: slice, upper: Floats, lower: Floats, share: float) -> _Gap:
        """The gap between two edges that meet at a `share` of the way, along an even arc."""
        inside = np.zeros_like(lower)
        inside[columns] = 1
        height = np.maximum(lower - upper, 0) * inside
        x, has = np.arange(len(lower)), height > 0
        line, weight = (upper + share * height)[has], np.sqrt(height[has])
        arc = np.polyfit(x[has], line, _ARC, w=weight)
        meet = np.polyval(arc, np.clip(x, columns.start, columns.stop - 1))  # level beside the gap
        return cls(columns, upper, lower, meet.astype(np.float32), height)

    @property
    def profile(self) -> Floats:
        """How much of it shuts where, float32 [n, n] in 0..1."""
        tallest = self.height.max()
        share = np.clip(2 * smooth_line(self.height / tallest), 0, 1)
        rows = np.arange(len(share), dtype=np.float32)[:, None]
        return np.where(np.abs(rows - self.meet) < tallest, share, 0)


def shut_gaps(grey: Floats, parts: PartMaps, covered: Flags) -> tuple[PartMaps, Closing | None]:
    """The edges that come together over eyes and mouths of which (nearly) nothing is left.

    grey: float32 [n, n] in 0..1, the photo's crop. covered: bool [n, n], what lies before the face.
    Returned beside them: the parts as they are for everything else, these gaps taken for what
    closes over them. Gaps that too little skin lies above stay as they are.
    """
    size = len(grey)
    upper, lower = np.zeros((2, size, size), np.float32)
    shut = np.zeros((size, size), np.float32)
    gaps: list[_Gap] = []
    for role in parts.roles.closings:
        for beside in _shutting(parts, role):
            gap = _outline(parts.photo[..., role.gap], beside, None if role.brow is None else grey)
            ways = None if gap is None else _ways(gap, parts.photo, role, covered)
            if gap is None or ways is None:
                continue
            upper, lower = upper + ways[0], lower + ways[1]
            shut = np.maximum(shut, gap.profile)
            gaps.append(gap)
            parts = _without(parts, role, beside, gap.meet)
    if not gaps:
        return parts, None
    still = np.zeros_like(upper)
    return parts, Closing(
        np.dstack([still, upper / size]),
        np.dstack([still, lower / size]),
        _below(gaps) / size,
        shut,
    )


def _shutting(parts: PartMaps, role: ClosingRole) -> Iterator[slice]:
    """The columns of each gap that shuts, and of what is beside it."""
    photo, old, new = (maps[..., role.gap] for maps in (parts.photo, parts.old, parts.new))
    size = len(photo)
    count, pieces = cv2.connectedComponents((photo > _SEEN).astype(np.uint8))
    for number in range(1, count):
        columns = np.flatnonzero((pieces == number).any(axis=0))
        margin = len(columns) // 3
        beside = slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + margin + 1)
        before, after = (float(gap[:, beside].sum()) / size**2 for gap in (old, new))
        if before > _SMALLEST and after < _SHUT * before:
            yield beside


def _outline(gap: Floats, beside: slice, grey: Floats | None) -> _Gap | None:
    """A gap [n, n] in these columns; None for a speck. grey: the photo, to find lashes in."""
    size = len(gap)
    rows = np.arange(size, dtype=np.float32)[:, None]
    height = np.zeros(size, np.float32)
    height[beside] = gap[:, beside].sum(axis=0)
    inside = np.flatnonzero(height > 0.5)
    if len(inside) < _FEWEST:
        return None
    middle = (gap * rows).sum(axis=0)[inside] / height[inside]
    half = height[inside] / 2
    lid, teeth = (width * half / half.max() for width in _HIDDEN)
    if grey is None:
        top, bottom, share = middle - half - teeth, middle + half + teeth, _LIPS
    else:
        top = np.minimum(upper_edge(grey, inside, middle - half), middle)
        bottom, share = middle + half + lid, _LIDS
    x = np.arange(size)
    upper, lower = (smooth_line(np.interp(x, inside, edge)) for edge in (top, bottom))
    return _Gap.between(slice(int(inside[0]), int(inside[-1]) + 1), upper, lower, share)


def _ways(
    gap: _Gap, photo: Floats, role: ClosingRole, covered: Flags
) -> tuple[Floats, Floats] | None:
    """Where what follows the upper and the lower edge comes from, rows of the grid: [n, n] each.

    photo: [n, n, C]. None where there is too little above the gap.
    """
    size, tallest = len(photo), float(gap.height.max())
    if role.brow is None:
        top, along = _end(gap, photo[..., role.above], -1), np.zeros(size)
        bottom = _end(gap, photo[..., role.below], 1)
    else:
        top, along = _lid(gap, photo[..., role.brow] > 0.5, covered)
        bottom = gap.lower + _FADE[0] * tallest
    rows = np.arange(size, dtype=np.float32)
    upper, lower = np.zeros((2, size, size), np.float32)
    stretched = []
    for x in range(size)[gap.columns]:
        way, lid = max(gap.meet[x] - gap.upper[x], 0.0), max(gap.upper[x] - top[x], 1.0)
        stretched.append(1 + (1 - along[x]) * way / lid)
        share = eased(np.clip((rows - top[x]) / lid, 0, 1))
        over = eased(np.clip(1 - (top[x] - rows) / (_FADE[1] * tallest), 0, 1))
        came = np.where(rows < top[x], along[x] * over, along[x] + (1 - along[x]) * share)
        upper[:, x] = pulled_along(way * came)
        under = np.clip((bottom[x] - rows) / max(bottom[x] - gap.lower[x], 1.0), 0, 1)
        lower[:, x] = pulled_along(-max(gap.lower[x] - gap.meet[x], 0.0) * eased(under))
    if np.median(stretched) > _MOST:
        return None
    return smooth_across(upper), smooth_across(lower)


def _lid(gap: _Gap, brow: Flags, covered: Flags) -> tuple[Floats, Floats]:
    """Where the upper lid begins in each column, and what share of its way the brow above takes
    part in: [n] each."""
    size, tallest = len(brow), float(gap.height.max())
    top, along = np.full(size, np.nan), np.zeros(size)
    for x in range(size)[gap.columns]:
        found = np.flatnonzero((brow | covered)[: int(gap.upper[x]), x])
        if not len(found):
            continue
        top[x] = found[-1] + 1
        if not covered[found[-1], x]:
            way = max(gap.meet[x] - gap.upper[x], 1e-3)
            needed = 1 - (_EVEN - 1) * (gap.upper[x] - top[x]) / way
            along[x] = np.clip(needed, 0, _ALONG)
    known, columns = np.isfinite(top), np.arange(size)
    if not known.any():
        return gap.upper - _BARE * tallest, along.astype(np.float32)
    top = np.interp(columns, columns[known], top[known])
    top = np.clip(top, gap.upper - _HIGHEST * tallest, gap.upper - 1)
    return smooth_line(top), smooth_line(along)


def _end(gap: _Gap, lip: Floats, side: int) -> Floats:
    """Where the lip above (side -1) or below (1) the gap ends on its other side, [n]."""
    edge = gap.upper if side < 0 else gap.lower
    thick = (lip * (gap.height > 0)).sum(axis=0)
    return smooth_line(edge + side * np.maximum(thick, 1))


def _below(gaps: list[_Gap]) -> Floats:
    """How far each pixel is below the line where edges meet: [n, n], in pixels.

    Gaps beside one another share a line; where one lies above another, the nearest line counts.
    """
    size = len(gaps[0].meet)
    rows, columns = np.indices((size, size), dtype=np.float32)
    below = np.stack([rows - gap.meet for gap in gaps])
    aside = [np.maximum(g.columns.start - columns, columns - g.columns.stop) for g in gaps]
    away = np.abs(below) + np.stack(aside).clip(0)
    return np.take_along_axis(below, away.argmin(axis=0)[None], axis=0)[0]


def _without(parts: PartMaps, role: ClosingRole, beside: slice, meet: Floats) -> PartMaps:
    """Parts without the gap in these columns, which is what closes over it."""
    rows = np.arange(len(meet), dtype=np.float32)[:, None]
    above = np.clip(0.5 + meet[beside] - rows, 0, 1)

    def covered(maps: Floats) -> Floats:
        result = maps.copy()
        gap = maps[:, beside, role.gap]
        result[:, beside, role.above] += above * gap
        result[:, beside, role.below] += (1 - above) * gap
        result[:, beside, role.gap] = 0
        return result

    # Light is not read where one picture shows the gap and the other what closed over it.
    drawn = parts.drawn.copy()
    drawn[:, beside] *= 1 - np.maximum(parts.old, parts.photo)[:, beside, [role.gap]]
    photo, old, new = map(covered, (parts.photo, parts.old, parts.new))
    return replace(parts, photo=photo, old=old, new=new, drawn=drawn)
