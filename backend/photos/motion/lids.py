"""Eyes that shut: the photo's own lids come together over them.

No smooth map shuts an eye: it would squeeze white and iris into a line. Here the map is cut along
the line where the lids meet. What lies above follows the upper lid down, with its lashes, and what
lies below follows the lower one up; the eye is behind them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from backend.photos.arrays import Flags, Floats
from backend.photos.motion.part_change import PartMaps
from backend.photos.motion.roles import ClosingRole
from backend.photos.motion.stretch import eased, pulled_along, smooth_across, smooth_line

_SEEN, _FEWEST = 0.3, 4  # share of a pixel that counts as eye; columns that an eye has at least
_SHUT = 1 / 2.5  # of an eye's area: what is left of less is a line between lids
_SMALLEST = 9e-4  # of the square: an eye that is smaller than this is shut already
_ARC = 3  # degree of the polynomial that is the line where lids meet
_MEET = 0.75  # share of the way between the lids that the upper one takes
_EVEN = 1.9  # how much an upper lid stretches before the brow comes along
_ALONG = 0.45  # share of the lid's way that a brow takes part in at most
_MOST = 3.5  # stretch that no skin bears
_FADE = 1.5, 2.0  # how far below the lower lid and above the brow motion reaches, in eye heights
_BARE, _HIGHEST = 1.2, 2.5  # an upper lid without a brow, the highest one, in eye heights
_SHADE, _SHADOW = 0.55, 0.4 / 128  # of the line between shut lids: its strength, half its width

_SEARCH, _STEP = 3.0, 0.25  # how far from the parts' border lashes are looked for, grid pixels
_LASHES = 0.6  # their thickness
_WET = 1.0  # and that of the lower lid's edge, which is hidden when the eye is shut
_STEADY, _NEAR = 0.06, 0.05  # cost of a jump between columns, of distance from the border


@dataclass(frozen=True, eq=False)
class LidChange:
    """Lids that come together, on the motion's grid.

    upper, lower: float32 [n, n, 2], where what follows either lid comes from beside the subject's
    own motion, in sides. below: float32 [n, n], how far under the line where they meet, in sides;
    the upper lid is what shows above, where this is negative. shut: float32 [n, n] in 0..1, how
    much of an eye shuts there.
    """

    upper: Floats
    lower: Floats
    below: Floats
    shut: Floats

    def shade(self, below: Floats, side: float) -> Floats:
        """The shadow between lids that have shut, 0..1, so far below their line; both in pixels."""
        return _SHADE * np.exp(-((below / (_SHADOW * side)) ** 2))

    @property
    def shift(self) -> Floats:
        """That of the lid which shows, [n, n, 2]."""
        return np.where((self.below < 0)[..., None], self.upper, self.lower)


@dataclass(frozen=True, eq=False)
class _Eye:
    """An open eye: its columns, and for each of them the lashes and the edge of the lower lid, in
    pixels of the grid, both of which go on beyond its corners."""

    columns: slice
    lashes: Floats
    lower: Floats

    @property
    def height(self) -> Floats:
        """[n], 0 beyond the corners."""
        inside = np.zeros_like(self.lower)
        inside[self.columns] = 1
        return np.maximum(self.lower - self.lashes, 0) * inside

    @property
    def meet(self) -> Floats:
        """Where the lids meet, [n]: an even arc."""
        columns, height = np.arange(len(self.lower)), self.height
        inside = height > 0
        line = (self.lashes + _MEET * height)[inside]
        arc = np.polyfit(columns[inside], line, _ARC, w=np.sqrt(height[inside]))
        return np.polyval(arc, columns).astype(np.float32)


def shut_lids(grey: Floats, parts: PartMaps, covered: Flags) -> tuple[PartMaps, LidChange | None]:
    """The lids that come together over eyes of which (nearly) nothing is left.

    grey: float32 [n, n] in 0..1, the photo's crop. covered: bool [n, n], what lies before
    the face. Returned beside them: the parts as they are for everything else, these eyes
    taken for skin. Eyes that too little skin lies above stay as they are.
    """
    size = len(grey)
    upper, lower = np.zeros((2, size, size), np.float32)
    shut = np.zeros(size, np.float32)
    lines: dict[int, float] = {}
    for role in parts.roles.closings:
        for beside in _shut_eyes(parts, role):
            eye = _outline(parts.photo[..., role.eye], beside, grey)
            brow = parts.photo[..., role.brow] > 0.5
            ways = None if eye is None else _ways(eye, brow, covered)
            if eye is None or ways is None:
                continue
            upper, lower = upper + ways[0], lower + ways[1]
            shut += smooth_line(eye.height / eye.height.max())
            lines |= {x: float(y) for x, y in enumerate(eye.meet) if eye.height[x]}
            parts = _as_skin(parts, role, beside)
    if not lines:
        return parts, None
    columns = np.arange(size)
    line = np.interp(columns, sorted(lines), [lines[x] for x in sorted(lines)])
    below = (np.arange(size)[:, None] - line) / size
    still = np.zeros_like(upper)
    return parts, LidChange(
        np.dstack([still, upper / size]),
        np.dstack([still, lower / size]),
        below.astype(np.float32),
        np.tile(np.clip(2 * shut, 0, 1), (size, 1)),
    )


def _shut_eyes(parts: PartMaps, role: ClosingRole) -> Iterator[slice]:
    """The columns of each eye that shuts, and of what is beside it."""
    photo, old, new = (maps[..., role.eye] for maps in (parts.photo, parts.old, parts.new))
    size = len(photo)
    count, pieces = cv2.connectedComponents((photo > _SEEN).astype(np.uint8))
    for number in range(1, count):
        columns = np.flatnonzero((pieces == number).any(axis=0))
        margin = len(columns) // 3
        beside = slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + margin + 1)
        before, after = (float(eye[:, beside].sum()) / size**2 for eye in (old, new))
        if before > _SMALLEST and after < _SHUT * before:
            yield beside


def _outline(eye: Floats, beside: slice, grey: Floats) -> _Eye | None:
    """The lids around what is left of an eye [n, n] in these columns; None for a speck."""
    size = len(eye)
    rows = np.arange(size, dtype=np.float32)[:, None]
    height = np.zeros(size, np.float32)
    height[beside] = eye[:, beside].sum(axis=0)
    inside = np.flatnonzero(height > 0.5)
    if len(inside) < _FEWEST:
        return None
    middle = (eye * rows).sum(axis=0)[inside] / height[inside]
    half = height[inside] / 2
    hidden = _WET * half / half.max()
    lashes = _lashes(grey, inside, middle - half)
    columns = np.arange(size)
    return _Eye(
        slice(int(inside[0]), int(inside[-1]) + 1),
        smooth_line(np.interp(columns, inside, np.minimum(lashes, middle))),
        smooth_line(np.interp(columns, inside, middle + half + hidden)),
    )


def _lashes(grey: Floats, columns: Floats, border: Floats) -> Floats:
    """The row in which skin turns to lashes, near the border of an eye in each of its columns [m].

    The path of the strongest step from light to dark, found by dynamic programming.
    """
    offsets = np.arange(-_SEARCH, _SEARCH + _STEP, _STEP, dtype=np.float32)
    x = np.repeat(columns[:, None], len(offsets), axis=1).astype(np.float32)
    y = (border[:, None] + offsets).astype(np.float32)  # [m, K]
    above, under = (cv2.remap(grey, x, y + side, cv2.INTER_LINEAR) for side in (-0.6, 0.6))
    step = above - under
    cost = _NEAR * offsets**2 - step / max(float(np.quantile(step, 0.9)), 1e-3)
    jumps = _STEADY * np.abs(offsets[:, None] - offsets)  # [K, K]
    total, came = cost[0], []
    for column in cost[1:]:
        ways = total[:, None] + jumps
        came.append(ways.argmin(axis=0))
        total = ways.min(axis=0) + column
    path = [int(total.argmin())]
    for previous in reversed(came):
        path.append(int(previous[path[-1]]))
    return border + offsets[path[::-1]]


def _ways(eye: _Eye, brow: Flags, covered: Flags) -> tuple[Floats, Floats] | None:
    """Where what follows the upper and the lower lid comes from, rows of the grid: [n, n] each.

    brow, covered: bool [n, n]. None where there is too little skin above the eye.
    """
    size = len(brow)
    tallest = float(eye.height.max())
    top, along = _lid(eye, brow, covered)
    rows = np.arange(size, dtype=np.float32)
    upper, lower = np.zeros((2, size, size), np.float32)
    stretched = []
    line = eye.meet
    for x in range(size)[eye.columns]:
        meet, edge = line[x], eye.lashes[x] + min(_LASHES, eye.height[x] / 2)
        way, lid = max(meet - edge, 0.0), max(edge - top[x], 1.0)
        stretched.append(1 + (1 - along[x]) * way / lid)
        share = np.clip((rows - top[x]) / lid, 0, 1)
        over = np.clip(1 - (top[x] - rows) / (_FADE[1] * tallest), 0, 1)
        came = way * np.where(rows < top[x], along[x] * eased(over),
                              along[x] + (1 - along[x]) * eased(share))  # fmt: skip
        upper[:, x] = pulled_along(came)
        under = np.clip(1 - (rows - eye.lower[x]) / (_FADE[0] * tallest), 0, 1)
        went = max(eye.lower[x] - meet, 0.0) * eased(under)
        lower[:, x] = pulled_along(-went)
    if np.median(stretched) > _MOST:
        return None
    return smooth_across(upper), smooth_across(lower)


def _lid(eye: _Eye, brow: Flags, covered: Flags) -> tuple[Floats, Floats]:
    """Where the upper lid begins in each column, and what share of its way the brow above takes
    part in: [n] each."""
    size, tallest = len(brow), float(eye.height.max())
    top, along = np.full(size, np.nan), np.zeros(size)
    line = eye.meet
    for x in range(size)[eye.columns]:
        above = int(eye.lashes[x])
        found = np.flatnonzero((brow | covered)[:above, x])
        if len(found):
            top[x] = found[-1] + 1
        way = max(line[x] - eye.lashes[x], 1e-3)
        if len(found) and not covered[found[-1], x]:
            needed = 1 - (_EVEN - 1) * (eye.lashes[x] - top[x]) / way
            along[x] = np.clip(needed, 0, _ALONG)
    known, columns = np.isfinite(top), np.arange(size)
    if not known.any():
        return eye.lashes - _BARE * tallest, along.astype(np.float32)
    top = np.interp(columns, columns[known], top[known])
    top = np.clip(top, eye.lashes - _HIGHEST * tallest, eye.lashes - 1)
    return smooth_line(top), smooth_line(along)


def _as_skin(parts: PartMaps, role: ClosingRole, beside: slice) -> PartMaps:
    """Parts without the eye in these columns, which is the skin that closes over it."""

    def covered(maps: Floats) -> Floats:
        result = maps.copy()
        result[:, beside, role.skin] += maps[:, beside, role.eye]
        result[:, beside, role.eye] = 0
        return result

    # Light is not read where one picture shows the eye and the other the lid.
    drawn = parts.drawn.copy()
    drawn[:, beside] *= 1 - np.maximum(parts.old, parts.photo)[:, beside, [role.eye]]
    photo, old, new = map(covered, (parts.photo, parts.old, parts.new))
    return replace(parts, photo=photo, old=old, new=new, drawn=drawn)
