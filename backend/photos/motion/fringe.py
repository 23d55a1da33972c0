"""Hair that is painted over the face: the photo's own hair is drawn down over it.

The skin below stays where it is; it would be squeezed if hair pushed it along. Hair that the
generator draws there is a soft patch beside the photo's strands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from backend.photos.arrays import Flags, Floats
from backend.photos.cv import disc
from backend.photos.motion.part_change import PartMaps
from backend.photos.motion.stretch import eased, pulled_along, smooth_line

_SMALLEST = 1e-3  # of the square: less hair that comes is the jitter of labels
_MOST = 3.5  # stretch that hair bears
_ENOUGH = 0.5  # share of the columns that need hair above them
_NEAR = 3  # how far above what was painted the hair may end, grid pixels
_AROUND = 0.02  # how far around what moves its edge is soft, in sides


@dataclass(frozen=True, eq=False)
class Fringe:
    """Hair drawn down. shift: float32 [n, n, 2], where it comes from, in sides. share: float32
    [n, n] in 0..1, where that applies."""

    shift: Floats
    share: Floats

    @property
    def moving(self) -> Floats:
        """Where hair comes from that comes, [n, n, 2] in sides."""
        return self.shift * (self.share > 0)[..., None]


def drawn_down(
    parts: PartMaps, covered: Flags, *, generated: bool = True
) -> tuple[PartMaps, Fringe | None]:
    """The hair that comes down over the face, and the parts without that change.

    covered: bool [n, n], what lies before the face. generated: whether hair comes from the
    generator where there is none above; otherwise the face stays bare there.
    """
    photo, old, new = parts.hair()
    size = len(photo)
    gained = (new - old > 0.5) & parts.surface & ~covered
    if gained.mean() < _SMALLEST:
        return parts, None
    found = _columns(photo > 0.5, gained)
    if found is None:
        return (parts if generated else _without(parts, gained)), None
    top, line, way = found
    rows = np.arange(size, dtype=np.float32)
    shift = np.zeros((size, size), np.float32)
    for x in np.flatnonzero(way > 0):
        share = np.clip((rows - top[x]) / max(line[x] - top[x], 1), 0, 1)
        shift[:, x] = pulled_along(way[x] * eased(share))
    moving = np.abs(shift) * (rows[:, None] < line + way) > 0.5
    reach = cv2.dilate(moving.astype(np.float32), disc(_AROUND * size))
    share = cv2.GaussianBlur(reach, (0, 0), _AROUND * size / 2) * ~covered
    shift = np.dstack([np.zeros_like(shift), shift])
    return _without(parts, gained), Fringe(shift / size, share)


def _columns(hair: Flags, gained: Flags) -> tuple[Floats, Floats, Floats] | None:
    """In each column, where hair begins above the face, where it ends, and how far it comes down:
    [n] each; None where most of what was gained has too little hair above it."""
    size = len(hair)
    top, line, way = np.full((3, size), np.nan)
    borne = 0
    wanted = np.flatnonzero(gained.any(axis=0))
    for x in wanted:
        rows = np.flatnonzero(gained[:, x])
        above = np.flatnonzero(hair[: rows[0] + 1, x])
        if not len(above) or rows[0] - above[-1] > _NEAR:
            continue
        bare = np.flatnonzero(~hair[: above[-1], x])
        first, last = (bare[-1] + 1 if len(bare) else 0), above[-1] + 1
        asked, most = rows[-1] + 1 - last, (_MOST - 1) * (last - first)
        borne += asked <= most
        top[x], line[x], way[x] = first, last, min(asked, most)
    if borne < _ENOUGH * max(len(wanted), 1):
        return None
    known, columns = np.isfinite(way), np.arange(size)
    coming = np.isin(columns, wanted)  # between columns that have hair above them, others follow
    coming[: columns[known][0]] = coming[columns[known][-1] + 1 :] = False
    top, line, way = (np.interp(columns, columns[known], v[known]) for v in (top, line, way))
    return smooth_line(top), smooth_line(line), smooth_line(np.where(coming, way, 0))


def _without(parts: PartMaps, gained: Flags) -> PartMaps:
    """Parts in which hair that came over the face did not come."""
    return replace(parts, new=np.where(gained[..., None], parts.old, parts.new))
