"""The motion of an edit: from the photo's parts to the parts asked for, and from picture to
picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from backend.photos.arrays import Flags, Floats
from backend.photos.cv import disc
from backend.photos.motion.diffeomorphism import fold_free, warp
from backend.photos.motion.opening import cut_open, joined, less_open, opens
from backend.photos.motion.part_change import PartMaps, on_grid
from backend.photos.motion.registration import THOROUGH, RegisteredMaps, Stage, register
from backend.photos.pause import Pause, no_pause
from backend.photos.reconstruction_error import grey_of
from backend.photos.warp import resize

GRID = 128  # side of the grid that motion is found on
_NEIGHBOURHOOD = 6 / 160  # sigma of what contrast is relative to, in sides
_FAINT = 0.03  # contrast below this is none
_RIM = 0.03  # over which motion fades in at the border of what may move, in sides
_HELD = 0.4  # motion for each pixel of distance from what stays still before the face
_EVEN = 1.0  # blur of how much of a motion is held, grid pixels
_PICTURES = 0.15  # weight of the pictures beside the parts
_SPECK = 1.5 / 128  # radius below which something uncovered is only an inexact border, in sides
_FILLED = 0.5  # share of an opening that must be drawn, or what is cut would gape
_BARE = 0.35  # share of a pixel that a new part covers before it counts


@dataclass(frozen=True, eq=False)
class Motion:
    """The change from a picture to its edited version, on a grid [n, n] over both.

    shift: float32 [n, n, 2] (x, y), where each edited pixel comes from, relative to itself, in
    sides. fresh: float32 [n, n] in 0..1, parts that no moved part of the photo covers. agree:
    float32 [n, n] in 0..1, where the moved photo and the edited picture show the same part.
    velocity: float32 [n, n, 2], to begin a similar motion with.
    """

    shift: Floats
    fresh: Floats
    agree: Floats
    velocity: Floats


def estimate_motion(
    before: Floats,
    after: Floats,
    window: Floats,
    parts: PartMaps | None = None,
    *,
    far: Floats | None = None,
    start: Floats | None = None,
    stages: tuple[Stage, ...] = THOROUGH,
    pause: Pause = no_pause,
) -> Motion:
    """How the subject moves from `before` to `after`, float32 [R, R, 3] in 0..1.

    window: float32 [n, n] in 0..1, zero where nothing may move; its grid is the motion's. Without
    parts the pictures alone tell. far: float32 [n, n], how far each pixel is from what stays still
    before the face, in pixels. start: the velocity of a similar motion.
    """
    size = len(window)
    parts = _with_lips_shut(parts or PartMaps.unknown(size))
    moving = RegisteredMaps(parts.old, _contrast(before, size))
    fixed = RegisteredMaps(parts.new, _contrast(after, size))
    weight = _PICTURES if parts.roles.channels else 1.0

    find = partial(
        register, moving, fixed, window, picture_weight=weight, stages=stages, pause=pause
    )
    velocity = find(start=start)
    free = _free(velocity, far)
    shift = fold_free(velocity * free[..., None])
    for opening in parts.roles.openings:
        old, new, drawn = (
            maps[..., opening.gap] * window for maps in (parts.old, parts.new, parts.drawn)
        )
        if opens(old, np.minimum(new, drawn)):
            cut = cut_open(
                opening, parts.new, lambda trust: fold_free(find(trust=trust, start=velocity))
            )
            cut = joined(shift, cut, new)
            covered = _uncovered(warp(parts.old, cut), parts.new, parts.drawn)
            if (covered * new).sum() > _FILLED * new.sum():
                shift = cut
    moved = warp(parts.old, shift)
    agree = np.minimum(moved, parts.drawn).sum(axis=2) + _unnamed(moved, parts.drawn)
    fresh = free * _uncovered(moved, parts.new, parts.drawn)
    return Motion(shift / size, fresh, agree, velocity)


def _with_lips_shut(parts: PartMaps) -> PartMaps:
    """Parts in which nothing opens so little that what lies in the gap cannot be drawn."""
    for opening in parts.roles.openings:
        old, new, drawn = (m[..., opening.gap] for m in (parts.old, parts.new, parts.drawn))
        shown = _uncovered(np.zeros_like(new)[..., None], new[..., None], drawn[..., None])
        if new.any() and opens(old, new) and (shown * new).sum() <= _FILLED * new.sum():
            parts = replace(parts, new=less_open(opening, parts.new, 0))
    return parts


def _free(velocity: Floats, far: Floats | None) -> Floats:
    """How much of a velocity [n, n, 2] applies: [n, n] in 0..1. It grows so slowly beside what
    stays still that nothing there, such as a brow of which a rim hides half, is drawn out."""
    if far is None:
        return np.ones(velocity.shape[:2], np.float32)
    length = np.linalg.norm(velocity, axis=2)
    return cv2.GaussianBlur(np.minimum(1, _HELD * far / np.maximum(length, 1e-6)), (0, 0), _EVEN)


def motion_window(region: Flags, surface: Flags | None, size: int) -> Floats:
    """Where an edit may move the photo: float32 [size, size] in 0..1, 0 at its border.

    region: bool [R, R], where it may change the picture; surface: bool [n, n], the subject's.
    """
    inside = on_grid(region.astype(np.float32), size)
    if surface is not None:
        # Small holes are stray labels, and what they hold moves along.
        closed = cv2.morphologyEx(surface.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5)))
        inside = np.maximum(inside, on_grid(closed.astype(np.float32), size))
    flags = np.pad((inside > 0.5).astype(np.uint8), 1)
    depth = cv2.distanceTransform(flags, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    ramp = np.clip((depth - 1) / (_RIM * size), 0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def _contrast(picture: Floats, size: int) -> Floats:
    """Light relative to its neighbourhood, which a change of brightness leaves alone: [n, n]."""
    grey = resize(grey_of(picture), size).reshape(size, size)
    sigma = _NEIGHBOURHOOD * size
    detail = grey - cv2.GaussianBlur(grey, (0, 0), sigma)
    return detail / (np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), sigma)) + _FAINT)


def _unnamed(moved: Floats, drawn: Floats) -> Floats:
    """Where both show what has no channel, the background: [n, n] in 0..1."""
    one, other = (np.clip(1 - maps.sum(axis=2), 0, 1) for maps in (moved, drawn))
    return np.minimum(one, other)


def _uncovered(moved: Floats, target: Floats, drawn: Floats) -> Floats:
    """Where the target shows a part that the moved photo does not, and the picture does: [n, n].

    Thin borders do not count: no registration is exact to the pixel.
    """
    bare = np.clip(np.minimum(target, drawn) - moved, 0, 1).max(axis=2, initial=0)
    size = len(bare)
    speck = disc(_SPECK * size)
    core = cv2.morphologyEx((bare > _BARE).astype(np.uint8), cv2.MORPH_OPEN, speck)
    near = cv2.dilate(core, speck).astype(np.float32)
    soft = cv2.GaussianBlur(near * bare, (0, 0), 0.6 * size / 128)
    return np.clip((soft - _BARE / 2) / (1 - _BARE), 0, 1)
