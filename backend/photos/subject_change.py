"""What an edit does to a subject, on a grid over its aligned square: motion, light, new parts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import cv2
import numpy as np

from backend.photos.arrays import Flags, Floats
from backend.photos.cv import disc
from backend.photos.feather import FEATHER
from backend.photos.motion.closing import Closing, shut_gaps
from backend.photos.motion.diffeomorphism import warp
from backend.photos.motion.estimate import (
    GRID,
    estimate_motion,
    motion_window,
)
from backend.photos.motion.fringe import Fringe, drawn_down
from backend.photos.motion.front import FrontChange, front_change
from backend.photos.motion.lids import FINE, Lids, lids_over
from backend.photos.motion.light import change_of_light
from backend.photos.motion.part_change import PartChange, PartMaps, on_grid
from backend.photos.motion.registration import THOROUGH, Stage
from backend.photos.pause import Pause, no_pause
from backend.photos.reach import eroded, reached
from backend.photos.reconstruction_error import color_error, grey_of, tone_error
from backend.photos.warp import resize

Closer = Callable[[int], Floats]
"""A crop [s, s, 3] at a size s."""

_COVERED = 0.3  # share of a pixel that is covered, by the rims of glasses, say, and stays
_BESIDE = 2.0  # over which motion fades in beside what is covered, grid pixels
_TOO_SOFT = 2.0  # how many times finer a photo is than generated hair that shows in it as a patch
_SMALLEST = 1e-3  # of the square: less that changes is the jitter of labels
_MATTE = 512  # side of the grid that hair's matte is found on
_SHADOW = 0.06  # how far the shadow of hair falls, in sides
_BROW = 2 / 128  # how far around a brow its soft edge reaches, in sides
_SHARPEN = 0.6  # unsharp mask of what the generator draws
_SOFTNESS = 1.0  # its radius, in generator pixels


@dataclass(frozen=True, eq=False)
class SubjectChange:
    """An edit on a grid [n, n] over the aligned square.

    shift: float32 [n, n, 2], where each edited pixel comes from, relative to itself, in sides.
    light: float32 [n, n, 3], to add, in units of 0..1. fresh: float32 [n, n] in 0..1, where new
    parts lie; drawn: float32 [R, R, 3], what they look like. reach: bool [n, n], where the edit
    may show. velocity: float32 [n, n, 2], to begin a similar change with. fronts: hair and outlines
    that move in front of the background, the upper ones last; closing: what happens to mouths that
    shut and eyes that narrow, lids: what lies over eyes that shut; None where nothing does.
    """

    shift: Floats
    light: Floats
    fresh: Floats
    drawn: Floats
    reach: Flags
    velocity: Floats
    fronts: tuple[FrontChange, ...]
    closing: Closing | None
    lids: Lids | None


def subject_change(
    crop: Floats,
    valid: Flags,
    before: Floats,
    after: Floats,
    region: Flags,
    parts: PartChange | None = None,
    *,
    closer: Closer | None = None,
    finer: float = 1.0,
    start: Floats | None = None,
    stages: tuple[Stage, ...] = THOROUGH,
    pause: Pause = no_pause,
) -> SubjectChange:
    """What the edit from `before` to `after` does to the photo's `crop`, float32 [R, R, 3] in 0..1.

    valid: bool [R, R], what the photo covers. region: bool [R, R], where the edit was meant to
    show; with parts, also where the subject's surface moves along with that. closer: gives the crop
    at another size. finer: how many times the photo is finer than it; generated hair is too soft
    for much.
    """
    maps = None
    if parts is not None:
        maps, alignment = parts.resolved(GRID)
        maps = _without_drift(maps, region, painted=parts.asked is not None)
        if alignment is not None:
            before, after = (_realigned(picture, alignment) for picture in (before, after))
    missed = crop - before
    window = _window(region & valid, valid, maps)
    over, outline = _Coverings(), None
    if parts is not None and maps is not None:
        covered = _covered(parts)
        maps, over = _coverings(crop, maps, covered, finer, closer or partial(resize, crop))
        maps, outline = _outline(crop, region & valid, maps, covered, stages, pause)
        window = window * over.beside * _moves(parts, maps)
    motion = estimate_motion(
        before, after, window, maps, far=over.far, start=start, stages=stages, pause=pause
    )
    pause()
    light = change_of_light(before, after, motion, color_error(missed, valid))
    light *= 1 - over.unlit[..., None]
    drawn = _sharpened(after) + tone_error(missed, valid)
    over = over.after(motion.shift)
    reach = reached(motion.shift, over.coming, region, valid, alone=maps is None)
    hair = _hair(crop, region & valid, maps, over.fringe, stages, pause) if maps else None
    fronts = tuple(front for front in (outline, hair) if front)
    shift, fresh, start = motion.shift, motion.fresh, motion.velocity
    return SubjectChange(shift, light, fresh, drawn, reach, start, fronts, over.closing, over.lids)


def _without_drift(maps: PartMaps, region: Flags, *, painted: bool) -> PartMaps:
    """Parts without what the generator changes along with an edit: hair outside its region, and a
    little of how wide a mouth is open, unless that was painted."""
    maps = maps.with_hair_within(_on((GRID, GRID), region))
    return maps if painted else maps.with_teeth_kept()


def _realigned(picture: Floats, alignment: Floats) -> Floats:
    """A generated picture [R, R, 3] where the photo has its parts; alignment: [n, n, 2]."""
    size = len(picture)
    shift = resize(alignment, size) * np.float32(size / len(alignment))
    return warp(picture, shift, cv2.INTER_CUBIC)


def _window(region: Flags, valid: Flags, parts: PartMaps | None) -> Floats:
    """Where the photo may move. A feather's width within the region it is at rest, since there the
    composite fades and would show two positions at once."""
    inner = eroded(region, math.ceil(FEATHER * len(region)))
    if parts is None:
        return motion_window(inner, None, GRID)
    surface = parts.surface & _on((GRID, GRID), valid)
    # Hair moves in front of what does not.
    _, old, new = parts.hair()
    hairy = np.maximum(old, new) > 0.5
    inner &= ~_on(inner.shape, hairy & ~surface)
    return motion_window(inner, surface, GRID)


def _covered(parts: PartChange) -> Flags:
    """What lies before the face, bool [n, n]."""
    if parts.covered is None:
        return np.zeros((GRID, GRID), bool)
    return on_grid(parts.covered, GRID) > _COVERED


def _far(covered: Flags) -> Floats | None:
    """How far each pixel is from what lies before the face, [n, n] in pixels; None where nothing
    does."""
    if not covered.any():
        return None
    free = np.pad((~covered).astype(np.uint8), 1, constant_values=1)
    depth = cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    return np.maximum(depth - 1, 0)


@dataclass(frozen=True, eq=False)
class _Coverings:
    """What comes to lie over the face: hair, lips, lids. far: how far each pixel is from what lies
    there already, float32 [n, n] in pixels; None where nothing does. unlit: where the generator's
    light is that of its own hair or brows, float32 [n, n] in 0..1."""

    fringe: Fringe | None = None
    closing: Closing | None = None
    lids: Lids | None = None
    far: Floats | None = None
    unlit: Floats = field(default_factory=lambda: np.zeros((GRID, GRID), np.float32))

    @property
    def coming(self) -> list[Floats]:
        """How it comes, [n, n, 2] in sides each."""
        return [part.moving for part in (self.fringe, self.closing, self.lids) if part]

    def after(self, motion: Floats) -> _Coverings:
        """The same where a motion [n, n, 2], in sides, has taken the subject; hair stays."""
        closing, lids = self.closing, self.lids
        return replace(
            self,
            closing=closing and closing.after(motion),
            lids=lids and lids.after(motion),
        )

    @property
    def beside(self) -> Floats | float:
        """How much may move, [n, n] in 0..1: what lies before the face does not, nor bends."""
        return 1.0 if self.far is None else np.clip(self.far / _BESIDE, 0, 1)


def _coverings(
    crop: Floats, asked: PartMaps, covered: Flags, finer: float, closer: Closer
) -> tuple[PartMaps, _Coverings]:
    """What comes to lie over the face, and the parts without that change."""
    grey = resize(grey_of(crop), GRID).reshape(GRID, GRID)
    maps, fringe = drawn_down(asked, covered, generated=finer < _TOO_SOFT)
    maps, closing, eyes = shut_gaps(grey, maps, covered)
    lids = lids_over(closer(FINE), asked, eyes, covered) if eyes else None
    return maps, _Coverings(fringe, closing, lids, _far(covered), _unlit(asked, maps))


def _moves(parts: PartChange, maps: PartMaps) -> bool:
    """Whether the surface may move: not where nothing but hair was painted."""
    if parts.asked is None or not parts.alone:
        return True
    _, old, new = maps.hair()
    others = [c for c in maps.roles.surface if c not in maps.roles.hair]
    differing = np.abs(maps.new - maps.old)[..., others].max(axis=2, initial=0) > 0.5
    return bool((differing & (np.abs(new - old) <= 0.5)).mean() >= _SMALLEST)


def _unlit(asked: PartMaps, done: PartMaps) -> Floats:
    """Where the generator's light does not count, [n, n] in 0..1: the shadow of hair that was asked
    for and is not its own, and brows that change, whose soft edges would bleach the photo's."""
    size, none = len(asked.old), np.zeros(asked.old.shape[:2], np.float32)
    lost = (asked.hair()[2] - done.hair()[2] > 0.5).astype(np.float32)
    result = cv2.GaussianBlur(cv2.dilate(lost, disc(_SHADOW * size)), (0, 0), _SHADOW * size / 2)
    for brow in (role.brow for role in asked.roles.closings if role.brow is not None):
        old, new = asked.old[..., brow], asked.new[..., brow]
        both = np.maximum(old, new) if (np.abs(new - old) > 0.5).any() else none
        around = cv2.dilate(both, disc(_BROW * size))
        result = np.maximum(result, cv2.GaussianBlur(around, (0, 0), _BROW * size / 2))
    return result


def _outline(
    crop: Floats,
    shown: Flags,
    parts: PartMaps,
    covered: Flags,
    stages: tuple[Stage, ...],
    pause: Pause,
) -> tuple[PartMaps, FrontChange | None]:
    """What happens to a head's outline where hair stays, at an ear, say, and the parts without that
    change; shown: bool [R, R]."""
    photo, old, new = parts.head()
    _, *hair = parts.hair()
    place = (np.abs(np.subtract(*hair)) < 0.5) & ~covered
    changed = (np.abs(new - old) > 0.5) & place
    if changed.mean() < _SMALLEST:
        return parts, None
    found = _front(crop, shown, (photo, old, new), place, None, stages, pause)
    if found is None:
        return parts, None
    return replace(parts, new=np.where(changed[..., None], parts.old, parts.new)), found


def _hair(
    crop: Floats,
    shown: Flags,
    parts: PartMaps,
    fringe: Fringe | None,
    stages: tuple[Stage, ...],
    pause: Pause,
) -> FrontChange | None:
    """What happens to hair beside and over the subject's surface; shown: bool [R, R]."""
    return _front(crop, shown, parts.hair(), ~parts.surface, fringe, stages, pause)


def _front(
    crop: Floats,
    shown: Flags,
    front: tuple[Floats, Floats, Floats],
    place: Flags,
    fringe: Fringe | None,
    stages: tuple[Stage, ...],
    pause: Pause,
) -> FrontChange | None:
    """What happens to hair or a head; shown: bool [R, R]; front: it in the photo, before and after,
    and where it may move, [n, n] each."""
    window = motion_window(eroded(shown, 1), None, GRID)
    guide = np.clip(resize(crop, _MATTE), 0, 1)
    return front_change(guide, *front, window, place, fringe, stages, pause)


def _on(shape: tuple[int, ...], flags: Flags) -> Flags:
    """Flags of a square on another grid."""
    return cv2.resize(flags.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST) > 0


def _sharpened(picture: Floats) -> Floats:
    """A generated picture [R, R, 3] on a finer grid, without the softness of few pixels."""
    fine = resize(picture, 2 * len(picture))
    detail = fine - cv2.GaussianBlur(fine, (0, 0), 2 * _SOFTNESS)
    return resize(fine + np.float32(_SHARPEN) * detail, len(picture))
