"""Eyes that shut: an upper lid of the photo's own skin is laid over them.

An open eye shows hardly any of its upper lid, often less than lashes, liner and the shade of a
brow leave free: stretched over the eye, it would be drawn out with them. So the lid is continued
from the skin around it, without its lashes, down to the lower lid. It takes its grain from even
skin nearby, and the lashes, mirrored, hang from its edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from backend.photos.arrays import Flags, Floats
from backend.photos.cv import disc
from backend.photos.motion.estimate import GRID
from backend.photos.motion.eye_window import EyeWindow, FaceMaps
from backend.photos.motion.gap import Gap
from backend.photos.motion.membrane import membrane
from backend.photos.motion.part_change import PartMaps
from backend.photos.motion.roles import ClosingRole
from backend.photos.reconstruction_error import grey_of
from backend.photos.warp import resize

FINE = 512  # side of the grid that lids are drawn on
_MESH = 1 / 40  # of the colours of a lid, in its widths
_OVER, _BLUR, _FADES = 0.02, 0.03, 0.22  # a lid's margin, blur, and how far it fades beside
_DEEP, _PLAIN = 0.55, 0.9  # share of the usual light from which skin counts, and counts fully
_NEAR, _ENOUGH = 1.2, 0.15  # how far above an eye skin tells enough of its lid, and how much
_FROM_BELOW, _UNDER = 0.15, 0.08  # least weight of skin below the line, and how far below
# A lid is thin, turns down towards its edge, and tucks in under its fold: its light, by place.
_DULL, _TURN, _TUCK = 0.02, 0.09, 0.05
_TURNS, _FOLD, _FOLDS = 0.55, 0.02, (0.06, 0.13)
_REDDENS = (0.5, 1.1, 1.2)  # of skin that gets darker
_LINE, _BAND = 0.011, 0.08  # half the width of the line; where lashes are as dark, in widths
_TAKEN, _EVEN = (0.36, 0.72), 0.65  # how much light it takes, least and most; its share of that
_FINE = 2.0  # blur whose remainder is grain, fine pixels
_PLACES = (1.1, 1.4, 1.8, 2.4, 3.2, -1.4, -2.0, -2.6)  # where grain is sought, in a lid's heights
_OTHER = 0.05  # cost of what is no skin there
_SHOWN = 0.02


@dataclass(frozen=True, eq=False)
class Lids:
    """Upper lids over eyes, on a grid [m, m] over the square.

    cover: float32 [m, m] in 0..1, where a lid lies; it ends at the line where lids meet. skin:
    float32 [m, m, 3] in units of 0..1, its colour. source: float32 [m, m, 2], where its grain comes
    from, relative to itself, in sides. below: float32 [m, m], how far each pixel is below the line,
    in sides. dark, lashes: float32 [m, m] in 0..1, how much light the line and the lashes below it
    take. thick, tall: half the width of the line, and an eye's height, in sides.
    """

    cover: Floats
    skin: Floats
    source: Floats
    below: Floats
    dark: Floats
    lashes: Floats
    thick: float
    tall: float

    @property
    def reach(self) -> Flags:
        """Where they show, [m, m]."""
        lid = self.cover * (self.below < self.thick)
        line = self.dark * (np.abs(self.below) < 4 * self.thick)
        return np.maximum(np.maximum(lid, line), self.lashes) > _SHOWN

    @property
    def moving(self) -> Floats:
        """The lids as a motion on the motion's grid, [n, n, 2] in sides: an eye's height down."""
        share = cv2.resize(
            self.reach.astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA
        )
        down = np.where(share > _SHOWN, np.float32(self.tall), np.float32(0))
        return np.dstack([np.zeros_like(down), down])

    def after(self, motion: Floats) -> Lids:
        """The same where a motion [n, n, 2], in sides, has taken the eyes."""
        size = len(self.cover)
        shift = resize(motion, size) * np.float32(size)
        rows = np.flatnonzero(self.reach.any(axis=1))
        if not len(rows):
            return self
        margin = int(np.abs(shift[rows[0] : rows[-1] + 1]).max()) + 2
        here = slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + margin + 1)
        fields = (self.cover, self.skin, self.source, self.below, self.dark, self.lashes)
        cover, skin, source, below, dark, lashes = (_moved(field, shift, here) for field in fields)
        return Lids(cover, skin, source, below, dark, lashes, self.thick, self.tall)


def _moved(field: Floats, shift: Floats, rows: slice) -> Floats:
    """A field [m, m] or [m, m, C] read at its own place plus shift [m, m, 2], in some rows: beyond
    them, nothing of it shows."""
    y, x = np.indices(shift[rows].shape[:2], dtype=np.float32)
    result = field.copy()
    result[rows] = cv2.remap(
        field, x + shift[rows, :, 0], y + rows.start + shift[rows, :, 1], cv2.INTER_LINEAR
    )
    return result


def lids_over(
    picture: Floats, parts: PartMaps, eyes: Sequence[tuple[ClosingRole, Gap]], covered: Flags
) -> Lids:
    """The lids over eyes. picture: float32 [m, m, 3] in 0..1, the photo's crop; parts: with those
    eyes open; covered: bool [n, n], what lies before the face."""
    size = len(picture)
    cover, below, dark, lashes, nearest = np.zeros((5, size, size), np.float32)
    skin, source = np.zeros((size, size, 3), np.float32), np.zeros((size, size, 2), np.float32)
    below[:], nearest[:] = 1, np.inf
    thick = tall = 0.0
    grey = grey_of(picture)[..., 0]
    uneven = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), _FINE))
    maps = {role: FaceMaps.of(parts, role, covered, size) for role in {role for role, _ in eyes}}
    for role, gap in eyes:
        eye = EyeWindow.of(picture, maps[role], gap)
        lid = _outline(eye)
        colour, away = _colour(eye, lid), _away(eye)
        here = away < nearest[eye.place]
        for field, value in (
            (cover, lid * eye.free),
            (skin, _shaded(eye, colour)),
            (source, _grain(uneven, maps[role].skin, eye, lid) / size),
            (below, eye.below / size),
            (dark, _line(eye, colour)),
            (lashes, _hanging(eye)),
            (nearest, away),
        ):
            field[eye.place][here] = np.broadcast_to(value, field[eye.place].shape)[here]
        thick, tall = max(thick, _LINE * eye.wide / size), max(tall, eye.tall / size)
    return Lids(cover, skin, source, below, dark, lashes, thick, tall)


def _away(eye: EyeWindow) -> Floats:
    """How far each pixel of a window is from its eye, [h, w]."""
    beside = np.maximum(-np.minimum(*eye.aside), 0)
    above = np.maximum(np.maximum(eye.upper - eye.rows, eye.below), 0)
    return np.hypot(beside, above)


def _outline(eye: EyeWindow) -> Floats:
    """Where a lid lies, [h, w] in 0..1, down to beyond the line; it fades beside the eye."""
    whole = eye.lashes | ((eye.rows >= eye.upper) & (eye.below < 0.1 * eye.wide) & eye.columns)
    lid = cv2.dilate(whole.astype(np.float32), disc(_OVER * eye.wide))
    beside = np.clip(-np.minimum(*eye.aside) / (_FADES * eye.wide), 0, 1)
    return cv2.GaussianBlur(lid, (0, 0), _BLUR * eye.wide) * (0.5 + 0.5 * np.cos(np.pi * beside))


def _colour(eye: EyeWindow, lid: Floats) -> Floats:
    """The colour of skin, continued over a lid, [h, w, 3]. Under it, what is dark is taken for
    lashes; what stays beside it counts in any case, so that no edge shows."""
    light = cv2.erode(eye.lightness, disc(_OVER * eye.wide))
    plain = np.clip((light - _DEEP) / (_PLAIN - _DEEP), 0, 1) ** 2
    weight = eye.known * np.maximum(plain, np.clip(1 - 2 * lid, 0, 1))
    above = (eye.below < 0) | ~eye.columns
    near = above & eye.columns & (np.abs(eye.rows - eye.upper) < _NEAR * eye.tall)
    enough = float((weight * near).sum()) / (_ENOUGH * eye.wide * eye.tall)
    under = (eye.below > _UNDER * eye.wide) * max(1 - enough, _FROM_BELOW)
    weight = (weight * np.where(above, 1, under)).astype(np.float32)
    return membrane(eye.bare, weight, _MESH * eye.wide)


def _shaded(eye: EyeWindow, colour: Floats) -> Floats:
    """A lid's colour in its light: it turns away towards its edge, and tucks in under its fold."""
    way = np.clip(-eye.below / np.maximum(eye.line - eye.upper, 1), 0, 1)
    turned = np.clip(1 - way / (1 - _TURNS), 0, 1) ** 2
    fold = (eye.rows - eye.upper) / eye.wide + _FOLD
    tucked = np.exp(-((fold / np.where(fold < 0, *_FOLDS)) ** 2))
    dull = np.clip(fold / _FOLDS[1], 0, 1)
    darker = eye.share * (_DULL * dull + _TURN * turned + _TUCK * tucked)
    return colour * (1 - darker[..., None] * np.array(_REDDENS, np.float32))


def _line(eye: EyeWindow, colour: Floats) -> Floats:
    """How much light the line between shut lids takes, [h, w]: as much as lashes do."""
    light = grey_of(eye.picture)[..., 0] / np.maximum(grey_of(colour)[..., 0], 0.02)
    band, middle = np.abs(eye.rows - eye.upper) < _BAND * eye.wide, eye.share > 0.8
    darkest = np.where(band, light, 2).min(axis=0)[middle]
    taken = 1 - float(np.median(darkest)) if len(darkest) else 0.0
    strength = np.clip(taken, *_TAKEN) * (_EVEN * eye.share) ** 0.7
    return strength * eye.bared


def _hanging(eye: EyeWindow) -> Floats:
    """How much light lashes take that hang from the line, [h, w]: those above the eye, mirrored."""
    light = grey_of(eye.picture)[..., 0] / np.maximum(grey_of(eye.bare)[..., 0], 0.02)
    standing = eye.lashes & eye.strokes & (eye.rows < eye.upper + _OVER * eye.wide)
    taken = (standing * np.clip(1 - light, 0, 1)).astype(np.float32)
    x = np.arange(len(eye.share), dtype=np.float32) + np.zeros_like(taken)
    mirrored = cv2.remap(taken, x, eye.upper - eye.below, cv2.INTER_LINEAR)
    below = eye.below > -_LINE * eye.wide
    return mirrored * below * eye.share * eye.bared


def _grain(uneven: Floats, skin: Floats, eye: EyeWindow, lid: Floats) -> Floats:
    """Where a lid's grain comes from, relative to it, [2] in pixels: even skin of its size. uneven,
    skin: [m, m], how uneven the photo is, and where it shows skin."""
    size = len(uneven)
    rows, columns = np.nonzero(lid > 0.5)
    if not len(rows):
        return np.zeros(2, np.float32)
    tall = float(np.ptp(rows)) + 1
    rows, columns = rows + eye.place[0].start, columns + eye.place[1].start

    def cost(way: tuple[float, float]) -> float:
        y, x = (
            np.clip(at + round(by), 0, size - 1) for at, by in ((rows, way[1]), (columns, way[0]))
        )
        return float(uneven[y, x].mean() + _OTHER * (1 - skin[y, x]).mean())

    ways = [(a * eye.wide, p * tall) for p in _PLACES for a in (0.0, -0.3, 0.3)]
    return np.array(min(ways, key=cost), np.float32)
