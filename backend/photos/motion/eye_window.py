"""What is around an eye that shuts: where its lids are, where bare skin is, where lashes are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from backend.photos.arrays import Bytes, Flags, Floats
from backend.photos.cv import disc
from backend.photos.motion.gap import Gap
from backend.photos.motion.part_change import PartMaps
from backend.photos.motion.roles import ClosingRole
from backend.photos.reconstruction_error import grey_of

LOW = 0.97  # share of the way down to an eye's lower edge where its lids meet
_ABOVE, _BELOW, _BESIDE = 0.8, 0.5, 0.5  # how far a window reaches, in widths of the eye
# How far above an eye lashes begin at least, and reach at most: in its widths; in its heights.
_ROOTS, _LONGEST, _HIGHEST = 0.07, 0.3, 0.8
_INNER = 0.4  # share of an eye from its inner corner on over which lashes grow
_OUT, _IN, _RISE = 0.2, 0.03, 0.06  # how far beside an eye they reach; how far above its line then
_STROKE = 0.14  # what is thinner than this across may be a lash, in widths
_LYING = (-30, -20, -10, 0, 10, 20, 30)  # degrees at which folds may lie
_THIN, _DARK = 0.035, 0.72  # how much darker than beside it that is; share of the usual light
_AROUND = 0.3  # of what is usual around an eye, in widths
_HAIR, _BROW = 0.02, 0.04  # how far lashes' edges reach, and those of brows, in widths
_RIM, _LONG, _GLASS = 0.7, 0.6, 0.7  # a rim's share of the strongest contrast; its length in widths


@dataclass(frozen=True, eq=False)
class FaceMaps:
    """Maps of a photo on a fine grid, float32 [m, m] in 0..1. skin: where nothing but skin is seen.
    face: where the face is without its brows; brow: where those are; seen: where nothing lies
    before it."""

    skin: Floats
    face: Floats
    brow: Floats
    seen: Floats

    @classmethod
    def of(cls, parts: PartMaps, role: ClosingRole, covered: Flags, size: int) -> FaceMaps:
        """On a grid of `size`; covered: bool [n, n], what lies before the face."""
        photo, hidden = parts.photo, covered.astype(np.float32)
        brow = np.zeros_like(hidden) if role.brow is None else photo[..., role.brow]
        near_brow, near_hidden = (cv2.dilate(field, disc(1)) for field in (brow, hidden))
        skin = np.clip(photo[..., role.above] - near_brow, 0, 1) * (near_hidden < 0.5)
        face = np.clip(photo[..., list(parts.roles.surface)].sum(axis=2) - brow, 0, 1)
        return cls(*(_enlarged(field, size) for field in (skin, face, brow, 1 - hidden)))

    def part(self, place: tuple[slice, slice]) -> FaceMaps:
        return FaceMaps(self.skin[place], self.face[place], self.brow[place], self.seen[place])


@dataclass(frozen=True, eq=False)
class EyeWindow:
    """A window [h, w] around an eye, in pixels of a fine grid over the square.

    place: where it lies. picture: float32 [h, w, 3] in 0..1. maps: of the same place. upper, line:
    [w], rows of the eye's upper edge, and where its lids meet; share: [w] in 0..1, how much of an
    eye is in each column. wide, tall: its size. inner: the side that the nose is on, -1 or 1.
    """

    place: tuple[slice, slice]
    picture: Floats
    maps: FaceMaps
    upper: Floats
    line: Floats
    share: Floats
    wide: float
    tall: float
    inner: int

    @classmethod
    def of(cls, picture: Floats, maps: FaceMaps, gap: Gap) -> EyeWindow:
        """The window around a gap in `picture`, float32 [m, m, 3] in 0..1."""
        fine, size = len(picture), len(gap.upper)
        scale = fine / size
        x = (np.arange(fine) + 0.5) / scale - 0.5

        def line_of(values: Floats) -> Floats:
            rows = np.interp(x, np.arange(size), values)
            return ((rows + 0.5) * scale - 0.5).astype(np.float32)

        upper, line = line_of(gap.upper), line_of(gap.line(LOW))
        share = np.clip(2 * np.interp(x, np.arange(size), gap.height) / gap.tallest, 0, 1)
        left, right = int(gap.columns.start * scale), int(gap.columns.stop * scale)
        wide = right - left
        highest, lowest = float(upper[left:right].min()), float(line[left:right].max())
        place = (
            _within(highest - _ABOVE * wide, lowest + _BELOW * wide, fine),
            _within(left - _BESIDE * wide, right + _BESIDE * wide, fine),
        )
        rows, columns = place
        return cls(
            place, picture[place], maps.part(place),
            upper=upper[columns] - rows.start, line=line[columns] - rows.start,
            share=share[columns].astype(np.float32), wide=wide, tall=gap.tallest * scale,
            inner=1 if (left + right) / 2 < fine / 2 else -1,
        )  # fmt: skip

    @property
    def rows(self) -> Floats:
        return np.arange(len(self.picture), dtype=np.float32)[:, None]

    @cached_property
    def below(self) -> Floats:
        """How far each pixel is below the line, [h, w]."""
        return self.rows - self.line

    @property
    def columns(self) -> Flags:
        """Those that the eye has, [w]."""
        return self.share > 0

    @cached_property
    def aside(self) -> tuple[Floats, Floats]:
        """How far each column is from the eye's inner and outer corner, towards the other one,
        [w] each: negative beyond."""
        x, inside = np.arange(len(self.share)), np.flatnonzero(self.columns)
        ends = x - float(inside[0]), float(inside[-1]) - x
        return (ends[1], ends[0]) if self.inner > 0 else (ends[0], ends[1])

    @cached_property
    def eye(self) -> Flags:
        """The eye itself, and the roots of its lashes: [h, w]."""
        roots = _ROOTS * self.wide * self.share
        return (self.rows >= self.upper - roots) & (self.below <= 0) & self.columns

    @cached_property
    def strokes(self) -> Flags:
        """Thin dark strokes that stand up or hang down, [h, w]: lashes. Folds lie along an eye."""
        grey = grey_of(self.picture)[..., 0]
        closed = [cv2.morphologyEx(grey, cv2.MORPH_CLOSE, self._along(a)) for a in _LYING]
        return (np.min(closed, axis=0) - grey > _THIN) & (self.maps.skin > 0.5)

    @cached_property
    def bare(self) -> Floats:
        """The picture without strokes, [h, w, 3]."""
        closed = cv2.morphologyEx(self.picture, cv2.MORPH_CLOSE, self._along(0))
        return np.where(self.strokes[..., None], closed, self.picture)

    def _along(self, angle: float) -> Bytes:
        """A line as long as lashes are thin, for morphology; angle: in degrees."""
        half = max(2, round(_STROKE * self.wide / 2))
        rise = round(half * np.tan(np.deg2rad(angle)))
        kernel = np.zeros((2 * abs(rise) + 1, 2 * half + 1), np.uint8)
        middle = abs(rise)
        return cv2.line(kernel, (0, middle - rise), (2 * half, middle + rise), 1)

    @cached_property
    def known(self) -> Floats:
        """How far each pixel shows skin on this side of any rim, [h, w] in 0..1."""
        around = cv2.dilate(self.eye.astype(np.uint8), disc(1)) > 0
        open_to = (self.maps.seen > 0.5).astype(np.uint8)
        pieces = cv2.connectedComponents(open_to, connectivity=4)[1]
        here = np.isin(pieces, np.unique(pieces[self.eye & (open_to > 0)])) & (open_to > 0)
        return self.maps.skin * ~around * here * np.where(self.strokes, 0.5, 1.0).astype(np.float32)

    @cached_property
    def lightness(self) -> Floats:
        """The light of each pixel, without strokes, relative to what is usual around it: [h, w]."""
        grey, sigma = grey_of(self.bare)[..., 0], _AROUND * self.wide
        light, weight = (
            cv2.GaussianBlur(field, (0, 0), sigma) for field in (grey * self.known, self.known)
        )
        return grey / np.maximum(light / np.maximum(weight, 1e-3), 0.01)

    @cached_property
    def lashes(self) -> Flags:
        """The eye with its lashes and what is painted around it, up to an even line: [h, w]."""
        from_inner, from_outer = self.aside
        low = self.below < np.where(self.columns, 0, -_RISE * self.wide)
        beside = (from_inner > -_IN * self.wide) & (from_outer > -_OUT * self.wide)
        grown = np.clip(from_inner / self.wide / _INNER, 0.1, 1)
        high = min(_HIGHEST * self.tall, _LONGEST * self.wide) * grown
        near = (self.rows > self.upper - high) & low & beside & (self.maps.skin > 0.5)
        dark = (self.strokes | (self.lightness < _DARK - 0.06)) & near
        found = cv2.dilate(dark.astype(np.uint8), disc(_HAIR * self.wide)) | self.eye
        pieces = cv2.connectedComponents(found.astype(np.uint8))[1]
        found = np.isin(pieces, np.unique(pieces[self.eye])) & (pieces > 0)
        highest = np.where(found.any(axis=0), found.argmax(axis=0), self.line)
        top: Floats = highest[None].astype(np.float32)
        top = cv2.erode(top, np.ones((1, 2 * round(1.5 * _HAIR * self.wide) + 1)))
        top = cv2.GaussianBlur(top, (0, 0), sigmaX=0.05 * self.wide, sigmaY=1e-3)
        return (self.rows >= top) & low

    @cached_property
    def bared(self) -> Floats:
        """Where nothing lies before the face, nor brows on it: [h, w] in 0..1."""
        return np.minimum(self.maps.face, self.maps.seen)

    @cached_property
    def free(self) -> Floats:
        """Where a lid may lie, [h, w] in 0..1: on the face, not on brows, nor on what lies before
        it. Of that, labels know no more than where rims of glasses are about; above an eye, the
        photo tells."""
        brows = cv2.GaussianBlur(self.maps.brow, (0, 0), _BROW * self.wide)
        aloof = np.where(self.rows < self.upper, np.clip(1 - 1.5 * brows, 0, 1), 1)
        above = self.columns & (self.below < 0) & (self.rows > self.upper - _LONGEST * self.wide)
        lenses = np.maximum(self.bared, self.maps.face * (1 - self._rims()))
        return aloof * np.where(above, lenses, self.bared)

    def _rims(self) -> Floats:
        """Long pieces of what differs most from skin where labels know of something before it."""
        light = grey_of(self.picture)[..., 0] * self.lightness
        light = light / np.maximum(grey_of(self.bare)[..., 0], 0.01)
        unlike, covered = np.abs(light - 1), self.maps.seen < _GLASS
        if not covered.any():
            return np.zeros_like(self.maps.seen)
        other = (unlike > _RIM * np.quantile(unlike[covered], 0.95)) & covered
        count, pieces, stats, _ = cv2.connectedComponentsWithStats(other.astype(np.uint8))
        length = stats[:, cv2.CC_STAT_WIDTH]
        long = [i for i in range(1, count) if length[i] > _LONG * self.wide]
        rims = cv2.dilate(np.isin(pieces, long).astype(np.float32), disc(1))
        return cv2.GaussianBlur(rims, (0, 0), 0.7)


def _within(start: float, stop: float, size: int) -> slice:
    return slice(max(int(start), 0), min(int(stop), size))


def _enlarged(field: Floats, size: int) -> Floats:
    values = field.astype(np.float32)
    return cv2.resize(values, (size, size), interpolation=cv2.INTER_LINEAR)
