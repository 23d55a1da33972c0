"""Mouths that shut, eyes that narrow: lips or lids come over what was between them.

No smooth map shuts a mouth: it would squeeze teeth into a line. Here the map is cut along the
edges. What lies above follows the upper edge down, a lid with its lashes, and what lies below
follows the lower one up; the gap stays as it is, behind them. Eyes that shut are found here, and
get lids of their own (`lids.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from backend.photos.arrays import Flags, Floats
from backend.photos.cv import disc
from backend.photos.motion.diffeomorphism import warp
from backend.photos.motion.eye_window import LOW
from backend.photos.motion.gap import Gap, narrowed_edges, outline_of
from backend.photos.motion.part_change import PartMaps
from backend.photos.motion.roles import ClosingRole
from backend.photos.motion.stretch import eased, in_order, pulled_along, smooth_across, smooth_line

_SEEN = 0.3  # share of a pixel that counts as gap
_SHUT, _NEARLY = 0.35, 0.65  # of a gap's area: less than this is a line, is nearly one
_NARROW = 0.92  # of an eye's area: from here on its lids are where they were
_SMALLEST = 9e-4  # of the square: a gap that is smaller than this is shut already
_LIPS = 0.5  # share of the way that the upper edge takes
_EVEN = 1.9  # how much an upper lid stretches before the brow comes along
_ALONG = 0.45  # share of the lid's way that a brow takes part in at most
_ROOM = 1.5  # grid pixels that a lid has below a rim at least
_MOST = 3.5  # stretch that no skin bears
_FADE = 1.5, 2.0  # how far below the lower lid and above the brow motion reaches, in eye heights
_FOLD = 0.7  # how far above an eye the lid's fold is, which stays, in eye heights
_LASHES = 3 / 128  # how far around an eye its lashes and their shade reach, in sides
_SHADE, _SHADOW = 0.55, 0.4 / 128  # of the line between shut edges: its strength, half its width


@dataclass(frozen=True, eq=False)
class Closing:
    """Edges that come together, on the motion's grid.

    upper, lower: float32 [n, n, 2], where what follows either edge comes from beside the subject's
    own motion, in sides. below: float32 [n, n], how far under the upper edge, in sides; where this
    is negative, one sees what follows that edge. over: the same above the lower edge. Between them
    is the gap; of what shuts, both edges are one line. shut: float32 [n, n] in 0..1, how much of a
    gap shuts there.
    """

    upper: Floats
    lower: Floats
    below: Floats
    over: Floats
    shut: Floats

    @property
    def moving(self) -> Floats:
        """Where what shows of either comes from, [n, n, 2]."""
        lower = np.where((self.over < 0)[..., None], self.lower, 0)
        return np.where((self.below < 0)[..., None], self.upper, lower)

    def after(self, motion: Floats) -> Closing:
        """The same where a motion [n, n, 2], in sides, has taken the gap."""
        shift = motion * len(motion)
        fields = self.upper, self.lower, self.below, self.over, self.shut
        return Closing(*(warp(field, shift) for field in fields))

    def shade(self, below: Floats, side: float) -> Floats:
        """The shadow between shut edges, 0..1, so far below their line; both in pixels."""
        return _SHADE * np.exp(-((below / (_SHADOW * side)) ** 2))


@dataclass(frozen=True, eq=False)
class _Plan:
    """How a gap shuts, for each column, [n]. upper, lower: where its edges go, one line if it
    shuts; top, bottom: how far away motion reaches, rows of the grid; along: how much of the upper
    edge's way is made at the top."""

    gap: Gap
    upper: Floats
    lower: Floats
    top: Floats
    bottom: Floats
    along: Floats

    @property
    def profile(self) -> Floats:
        """How much of the gap shuts where, float32 [n, n] in 0..1."""
        share = np.clip(2 * smooth_line(self.gap.height / self.gap.tallest), 0, 1)
        rows = np.arange(len(share), dtype=np.float32)[:, None]
        return np.where(np.abs(rows - self.upper) < self.gap.tallest, share, 0)


def shut_gaps(
    grey: Floats, parts: PartMaps, covered: Flags
) -> tuple[PartMaps, Closing | None, list[tuple[ClosingRole, Gap]]]:
    """The edges that come over mouths of which (nearly) nothing is left, or eyes that narrow, and
    the eyes that shut.

    grey: float32 [n, n] in 0..1, the photo's crop. covered: bool [n, n], what lies before the face.
    Returned beside them: the parts as they are for everything else, these gaps taken for what
    closes over them. Narrowing eyes that too little skin lies above are squeezed.
    """
    size = len(grey)
    upper, lower, shut = np.zeros((3, size, size), np.float32)
    plans: list[_Plan] = []
    eyes: list[tuple[ClosingRole, Gap]] = []
    for role in parts.roles.closings:
        for beside, shuts in _closing_in(parts, role):
            if shuts and role.brow is not None:
                if (eye := outline_of(parts.photo[..., role.gap], beside)) is None:
                    parts = _open(parts, role, beside)
                    continue
                eyes.append((role, eye))
                parts = _behind(parts, role, beside, eye.line(LOW))
                continue
            plan = _planned(grey, parts, role, beside, covered)
            ways = None if plan is None else _ways(plan)
            if plan is None or ways is None:
                parts = _open(parts, role, beside) if shuts else parts
                continue
            upper, lower = upper + ways[0], lower + ways[1]
            if shuts:
                shut = np.maximum(shut, plan.profile)
            plans.append(plan)
            parts = _behind(parts, role, beside, plan.upper if shuts else None)
    if not plans:
        return parts, None, eyes
    still = np.zeros_like(upper)
    upper, lower = (np.dstack([still, in_order(way) / size]) for way in (upper, lower))
    below, over = _beyond(plans)
    return parts, Closing(upper, lower, below / size, over / size, shut), eyes


def _closing_in(parts: PartMaps, role: ClosingRole) -> list[tuple[slice, bool]]:
    """The columns of each gap that shuts or narrows, and of what is beside it, and whether it
    shuts: an eye that is nearly shut goes with the other one. Mouths that narrow are squeezed."""
    photo, old, new = (maps[..., role.gap] for maps in (parts.photo, parts.old, parts.new))
    size = len(photo)
    count, pieces = cv2.connectedComponents((photo > _SEEN).astype(np.uint8))
    left: list[tuple[slice, float]] = []
    for number in range(1, count):
        columns = np.flatnonzero((pieces == number).any(axis=0))
        margin = len(columns) // 3
        beside = slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + margin + 1)
        seen, before, after = (float(g[:, beside].sum()) / size**2 for g in (photo, old, new))
        if max(seen, before) > _SMALLEST and before > 0:
            left.append((beside, after / before))
    shuts = min((share for _, share in left), default=1.0) < _SHUT
    found = [(beside, share, shuts and share < _NEARLY) for beside, share in left]
    eye = role.brow is not None
    return [(beside, shut) for beside, share, shut in found if shut or (eye and share < _NARROW)]


def _planned(
    grey: Floats, parts: PartMaps, role: ClosingRole, beside: slice, covered: Flags
) -> _Plan | None:
    """How a mouth here shuts, or an eye narrows; None for a speck, or if a speck is left."""
    photo = parts.photo
    if role.brow is None:
        mouth = outline_of(photo[..., role.gap], beside)
        return None if mouth is None else _lips(mouth, photo, role)
    brow = photo[..., role.brow] > 0.5
    over = covered | (cv2.dilate(brow.astype(np.uint8), disc(1)) > 0)  # a brow's edge is soft
    gap = outline_of(photo[..., role.gap], beside, grey, over)
    if gap is None:
        return None
    edges = narrowed_edges(gap, parts.old[..., role.gap], parts.new[..., role.gap], beside)
    return None if edges is None else _lids(gap, brow, covered, edges)


def _lids(gap: Gap, brow: Flags, covered: Flags, edges: tuple[Floats, Floats]) -> _Plan | None:
    """An eye narrows: where too little skin lies above it, the brow comes along.

    edges: where its lids go. None where something that stays lies right above it, such as the rim
    of glasses.
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
    above = np.interp(x, x[known], top[known]) if known.any() else gap.upper - gap.tallest
    room = np.maximum(gap.upper - above, 1)
    upper, lower = edges
    way = np.maximum(upper - gap.upper, 1e-3)
    along = np.clip(1 - (_EVEN - 1) * room / way, 0, _ALONG) * free
    above = gap.upper - np.minimum(room, _FOLD * gap.tallest)
    top = np.where(rim, np.maximum(smooth_line(above), above), smooth_line(above))
    return _Plan(gap, upper, lower, top, bottom, smooth_line(along))


def _lips(gap: Gap, photo: Floats, role: ClosingRole) -> _Plan:
    """A mouth shuts: each lip as far as its outer border lets it; photo: [n, n, C]."""
    above, below = (
        (photo[..., channel] * (gap.height > 0)).sum(axis=0) for channel in (role.above, role.below)
    )
    top = smooth_line(gap.upper - np.maximum(above, 1))
    bottom = smooth_line(gap.lower + np.maximum(below, 1))
    meet = gap.line(_LIPS)
    return _Plan(gap, meet, meet, top, bottom, np.zeros_like(top))


def _ways(plan: _Plan) -> tuple[Floats, Floats] | None:
    """Where what follows the upper and the lower edge comes from, rows of the grid: [n, n] each;
    None where there is too little above the gap."""
    gap, size = plan.gap, len(plan.upper)
    rows = np.arange(size, dtype=np.float32)
    upper, lower = np.zeros((2, size, size), np.float32)
    stretched = []
    for x in range(size)[gap.columns]:
        top, bottom, along = plan.top[x], plan.bottom[x], plan.along[x]
        way, lid = max(plan.upper[x] - gap.upper[x], 0.0), max(gap.upper[x] - top, 1.0)
        stretched.append(1 + (1 - along) * way / lid)
        share = eased(np.clip((rows - top) / lid, 0, 1))
        over = eased(np.clip(1 - (top - rows) / (_FADE[1] * gap.tallest), 0, 1))
        upper[:, x] = pulled_along(
            way * np.where(rows < top, along * over, along + (1 - along) * share)
        )
        under = eased(np.clip((bottom - rows) / max(bottom - gap.lower[x], 1.0), 0, 1))
        lower[:, x] = pulled_along(-max(gap.lower[x] - plan.lower[x], 0.0) * under)
    if np.median(stretched) > _MOST:
        return None
    return smooth_across(upper), smooth_across(lower)


def _beyond(plans: list[_Plan]) -> tuple[Floats, Floats]:
    """How far each pixel is below the upper edge, and above the lower one: [n, n], in pixels.

    Gaps beside one another share a line; where one lies above another, the nearest line counts.
    """
    size = len(plans[0].upper)
    rows, x = np.indices((size, size), dtype=np.float32)
    below, over = (
        np.stack([rows - plan.upper for plan in plans]),
        np.stack([plan.lower - rows for plan in plans]),
    )
    columns = [plan.gap.columns for plan in plans]
    aside = [np.maximum(c.start - x, x - c.stop).clip(0) for c in columns]
    away = np.minimum(np.abs(below), np.abs(over)) + np.stack(aside)
    nearest = away.argmin(axis=0)[None]
    below, over = (np.take_along_axis(way, nearest, axis=0)[0] for way in (below, over))
    return below, over


def _open(parts: PartMaps, role: ClosingRole, beside: slice) -> PartMaps:
    """Parts whose gap in these columns stays open."""
    lost = np.clip(parts.old - parts.new, 0, 1)[:, beside, [role.gap]]
    new = parts.new.copy()
    new[:, beside] += lost * (parts.old - parts.new)[:, beside]
    return _unlit(replace(parts, new=new), role, beside)


def _unlit(parts: PartMaps, role: ClosingRole, beside: slice) -> PartMaps:
    """Parts of which light is not read where one picture shows the gap in these columns, or lashes
    and the shade around them, and the other what closed over it."""
    shown = np.maximum(parts.old, parts.photo)[:, beside, role.gap]
    if role.brow is not None:
        shown = cv2.dilate(shown, disc(_LASHES * len(shown)))
    drawn = parts.drawn.copy()
    drawn[:, beside] *= 1 - shown[..., None]
    return replace(parts, drawn=drawn)


def _behind(parts: PartMaps, role: ClosingRole, beside: slice, meet: Floats | None) -> PartMaps:
    """Parts whose gap in these columns, behind what comes over it, does not change. meet: where
    edges meet over all of it, [n]: then it is what closes over it."""
    if meet is None:
        return _open(parts, role, beside)
    parts = _unlit(parts, role, beside)
    rows = np.arange(len(meet), dtype=np.float32)[:, None]
    above = np.clip(0.5 + meet[beside] - rows, 0, 1)

    def covered(maps: Floats) -> Floats:
        result = maps.copy()
        gap = maps[:, beside, role.gap]
        result[:, beside, role.above] += above * gap
        result[:, beside, role.below] += (1 - above) * gap
        result[:, beside, role.gap] = 0
        return result

    photo, old, new = map(covered, (parts.photo, parts.old, parts.new))
    return replace(parts, photo=photo, old=old, new=new)
