"""Eyes and mouths that shut: lids or lips come together over what was between them.

No smooth map shuts an eye: it would squeeze white and iris, or teeth, into a line. Here the map is
cut along the line where the edges meet. What lies above follows the upper edge down, with its
lashes, and what lies below follows the lower one up; the gap is behind them.
"""

from __future__ import annotations

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
_SHUT, _NEARLY = 0.4, 0.65  # of a gap's area: less than this is a line, is nearly one
_SMALLEST = 9e-4  # of the square: a gap that is smaller than this is shut already
_ARC = 3  # degree of the polynomial that is the line where the edges meet
_LIDS, _LIPS = (0.4, 0.75), 0.5  # share of the way that the upper edge takes, least and most
_HIDDEN = 1.0, 0.7  # what is hidden besides: a lower lid's wet edge, shadows on teeth; grid pixels
_EVEN = 1.9  # how much an upper lid stretches before the brow comes along
_ALONG = 0.45  # share of the lid's way that a brow takes part in at most
_ROOM = 1.3  # grid pixels that a lid has below a rim at least
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
    the grid, [n]: upper, lower: its edges; height: 0 beside it."""

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


@dataclass(frozen=True, eq=False)
class _Plan:
    """How a gap shuts, for each column, [n]. meet: where its edges meet; top, bottom: how far away
    motion reaches, rows of the grid; along: how much of the upper edge's way is made at the top."""

    gap: _Gap
    meet: Floats
    top: Floats
    bottom: Floats
    along: Floats

    @property
    def profile(self) -> Floats:
        """How much of the gap shuts where, float32 [n, n] in 0..1."""
        share = np.clip(2 * smooth_line(self.gap.height / self.gap.tallest), 0, 1)
        rows = np.arange(len(share), dtype=np.float32)[:, None]
        return np.where(np.abs(rows - self.meet) < self.gap.tallest, share, 0)


def shut_gaps(grey: Floats, parts: PartMaps, covered: Flags) -> tuple[PartMaps, Closing | None]:
    """The edges that come together over eyes and mouths of which (nearly) nothing is left.

    grey: float32 [n, n] in 0..1, the photo's crop. covered: bool [n, n], what lies before the face.
    Returned beside them: the parts as they are for everything else, these gaps taken for what
    closes over them. Gaps that too little skin lies above stay open.
    """
    size = len(grey)
    upper, lower, shut = np.zeros((3, size, size), np.float32)
    plans: list[_Plan] = []
    for role in parts.roles.closings:
        for beside in _shutting(parts, role):
            plan = _planned(grey, parts.photo, role, beside, covered)
            ways = None if plan is None else _ways(plan)
            if plan is None or ways is None:
                parts = _open(parts, role, beside)
                continue
            upper, lower = upper + ways[0], lower + ways[1]
            shut = np.maximum(shut, plan.profile)
            plans.append(plan)
            parts = _without(parts, role, beside, plan.meet)
    if not plans:
        return parts, None
    still = np.zeros_like(upper)
    upper, lower = (np.dstack([still, way / size]) for way in (upper, lower))
    return parts, Closing(upper, lower, _below(plans) / size, shut)


def _shutting(parts: PartMaps, role: ClosingRole) -> list[slice]:
    """The columns of each gap that shuts, and of what is beside it: an eye that is nearly shut
    goes with the other one."""
    photo, old, new = (maps[..., role.gap] for maps in (parts.photo, parts.old, parts.new))
    size = len(photo)
    count, pieces = cv2.connectedComponents((photo > _SEEN).astype(np.uint8))
    left: list[tuple[slice, float]] = []
    for number in range(1, count):
        columns = np.flatnonzero((pieces == number).any(axis=0))
        margin = len(columns) // 3
        beside = slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + margin + 1)
        before, after = (float(gap[:, beside].sum()) / size**2 for gap in (old, new))
        if before > _SMALLEST:
            left.append((beside, after / before))
    shuts = min((share for _, share in left), default=1.0) < _SHUT
    return [beside for beside, share in left if shuts and share < _NEARLY]


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
        top, bottom = middle - half - teeth, middle + half + teeth
    else:
        top = np.minimum(upper_edge(grey, inside, middle - half), middle)
        bottom = middle + half + lid
    x = np.arange(size)
    upper, lower = (smooth_line(np.interp(x, inside, edge)) for edge in (top, bottom))
    within = (x >= inside[0]) & (x <= inside[-1])
    columns = slice(int(inside[0]), int(inside[-1]) + 1)
    return _Gap(columns, upper, lower, np.maximum(lower - upper, 0) * within)


def _planned(
    grey: Floats, photo: Floats, role: ClosingRole, beside: slice, covered: Flags
) -> _Plan | None:
    """How the gap in these columns of a photo's parts [n, n, C] shuts; None for a speck."""
    gap = _outline(photo[..., role.gap], beside, None if role.brow is None else grey)
    if gap is None:
        return None
    if role.brow is None:
        return _lips(gap, photo, role)
    return _lids(gap, photo[..., role.brow] > 0.5, covered)


def _lids(gap: _Gap, brow: Flags, covered: Flags) -> _Plan | None:
    """An eye shuts: the less skin lies above it, the more the lower lid does, and then the brow.

    None where something that stays lies right above it, such as the rim of glasses.
    """
    size = len(brow)
    top, free = np.full(size, np.nan), np.zeros(size, bool)
    bottom = gap.lower + _FADE[0] * gap.tallest
    for column in range(size)[gap.columns]:
        found = np.flatnonzero((brow | covered)[: int(gap.upper[column]), column])
        if len(found):
            top[column], free[column] = found[-1] + 1, not covered[found[-1], column]
        edge = int(np.ceil(gap.lower[column]))
        below = np.flatnonzero(covered[edge:, column])
        if len(below):
            bottom[column] = min(bottom[column], edge + below[0])
    known: Flags = np.isfinite(top)
    rim = known & ~free
    if rim.any() and np.median((gap.upper - top)[rim]) < _ROOM:
        return None
    x = np.arange(size)
    above = np.interp(x, x[known], top[known]) if known.any() else gap.upper - _BARE * gap.tallest
    above = np.clip(above, gap.upper - _HIGHEST * gap.tallest, gap.upper - 1)
    lid = gap.upper - above
    meet = gap.line(float(np.clip(np.median(lid[gap.columns]) / gap.tallest, *_LIDS)))
    way = np.maximum(meet - gap.upper, 1e-3)
    along = np.clip(1 - (_EVEN - 1) * lid / way, 0, _ALONG) * free
    top = np.where(rim, np.maximum(smooth_line(above), above), smooth_line(above))
    return _Plan(gap, meet, top, bottom, smooth_line(along))


def _lips(gap: _Gap, photo: Floats, role: ClosingRole) -> _Plan:
    """A mouth shuts: each lip as far as its outer border lets it; photo: [n, n, C]."""
    above, below = (
        (photo[..., channel] * (gap.height > 0)).sum(axis=0) for channel in (role.above, role.below)
    )
    top = smooth_line(gap.upper - np.maximum(above, 1))
    bottom = smooth_line(gap.lower + np.maximum(below, 1))
    return _Plan(gap, gap.line(_LIPS), top, bottom, np.zeros_like(top))


def _ways(plan: _Plan) -> tuple[Floats, Floats] | None:
    """Where what follows the upper and the lower edge comes from, rows of the grid: [n, n] each;
    None where there is too little above the gap."""
    gap, size = plan.gap, len(plan.meet)
    rows = np.arange(size, dtype=np.float32)
    upper, lower = np.zeros((2, size, size), np.float32)
    stretched = []
    for x in range(size)[gap.columns]:
        top, bottom, along = plan.top[x], plan.bottom[x], plan.along[x]
        way, lid = max(plan.meet[x] - gap.upper[x], 0.0), max(gap.upper[x] - top, 1.0)
        stretched.append(1 + (1 - along) * way / lid)
        share = eased(np.clip((rows - top) / lid, 0, 1))
        over = eased(np.clip(1 - (top - rows) / (_FADE[1] * gap.tallest), 0, 1))
        upper[:, x] = pulled_along(
            way * np.where(rows < top, along * over, along + (1 - along) * share)
        )
        under = eased(np.clip((bottom - rows) / max(bottom - gap.lower[x], 1.0), 0, 1))
        lower[:, x] = pulled_along(-max(gap.lower[x] - plan.meet[x], 0.0) * under)
    if np.median(stretched) > _MOST:
        return None
    return smooth_across(upper), smooth_across(lower)


def _below(plans: list[_Plan]) -> Floats:
    """How far each pixel is below the line where edges meet: [n, n], in pixels.

    Gaps beside one another share a line; where one lies above another, the nearest line counts.
    """
    size = len(plans[0].meet)
    rows, x = np.indices((size, size), dtype=np.float32)
    below = np.stack([rows - plan.meet for plan in plans])
    columns = [plan.gap.columns for plan in plans]
    aside = [np.maximum(c.start - x, x - c.stop).clip(0) for c in columns]
    nearest = (np.abs(below) + np.stack(aside)).argmin(axis=0)[None]
    return np.take_along_axis(below, nearest, axis=0)[0]


def _open(parts: PartMaps, role: ClosingRole, beside: slice) -> PartMaps:
    """Parts whose gap in these columns stays open."""
    lost = np.clip(parts.old - parts.new, 0, 1)[:, beside, [role.gap]]
    new = parts.new.copy()
    new[:, beside] += lost * (parts.old - parts.new)[:, beside]
    return replace(parts, new=new)


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
