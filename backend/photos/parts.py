"""Part layers: a segmentation at generator resolution, drawn along the photo's own edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from backend.photos.align import CropFrame, extract, within_aspect
from backend.photos.arrays import Bytes, Flags, Floats, Picture
from backend.photos.guided import guided_filter
from backend.photos.warp import resize, support_rect, to_photo

_WORKING_SIZE = 1024  # the segmentation knows far less than this; more would only cost time
_SMALLEST_SIZE = 32
_EPSILON = 2e-3  # colour variance that counts as flat: differences of about 0.045
_UNLIKELY = 1e-3  # less is nothing: a part then fills a small piece of the picture
_EDGE = 1.5  # width of an antialiased edge, working pixels
Box = tuple[slice, slice]  # rows and columns


class ColoredPart(Protocol):
    """What this module needs of a bundle's part."""

    @property
    def name(self) -> str: ...
    @property
    def index(self) -> int: ...
    @property
    def color(self) -> tuple[int, int, int]: ...


@dataclass(frozen=True, eq=False)
class PartMask:
    """One part as a layer: alpha uint8 [h, w] whose top-left pixel is the photo's pixel (x, y)."""

    name: str
    index: int
    color: tuple[int, int, int]
    x: int
    y: int
    alpha: Bytes


@dataclass(frozen=True, eq=False)
class PlacedMask:
    """A map uint8 [h, w] whose top-left pixel is the photo's pixel (x, y)."""

    x: int
    y: int
    alpha: Bytes


def draw_field(values: Floats, photo: Picture, frame: CropFrame) -> PlacedMask:
    """Draw a smooth map of the crop, float32 [R, R] in 0..1, in the photo's own pixels: 0..255.

    It covers the frame's bounds inside the photo, [H, W, 3 or 4], and is 0 beyond the frame.
    """
    size = int(np.clip(round(frame.size), _SMALLEST_SIZE, _WORKING_SIZE))
    smooth = np.clip(resize(np.asarray(values, np.float32), size), 0, 1)
    rect = frame.bounds(0.0, photo.shape[1], photo.shape[0])
    drawn = to_photo(np.round(smooth * 255).astype(np.uint8), frame, rect, outside_zero=True)
    return PlacedMask(rect.x, rect.y, drawn)


def draw_parts(
    probabilities: Floats,
    photo: Picture,
    frame: CropFrame,
    parts: Sequence[ColoredPart],
    valid: Flags | None = None,
    aspect: float = 1.0,
) -> list[PartMask]:
    """Draw every part of a segmented crop as an antialiased layer in the photo's own pixels.

    probabilities: float32 [C, R, R], channel `part.index` belongs to a part. photo: uint8 or float
    (0..1) [H, W, 3 or 4]. valid: bool [R, R], the crop's pixels that the photo covers; what the
    network said about others is ignored. aspect: width by height of what the frame shows between
    its bars. One mask per part, in the order of `parts`; their alphas add up to about 255
    everywhere between the bars and are zero beyond. A mask has its part's tight bounding box; a
    part that is not in the picture gets a transparent mask of the frame's bounds, so that it can be
    painted.
    """
    height, width = photo.shape[:2]
    size = int(np.clip(round(frame.size), _SMALLEST_SIZE, _WORKING_SIZE))
    guide = (extract(photo, frame, size)[0] + 1) / 2
    known = _fill_invalid(np.asarray(probabilities, np.float32), valid)
    shown = within_aspect(size, aspect)
    alphas = _antialias(_refine(known, guide))

    def field(index: int) -> Bytes:
        values = np.zeros(shown.shape, np.uint8)
        if index in alphas:
            box, alpha = alphas[index]
            values[box] = np.round(alpha * shown[box] * 255)
        return values

    return [_mask(part, field(part.index), frame, width, height) for part in parts]


def _fill_invalid(probabilities: Floats, valid: Flags | None) -> Floats:
    """Repeat the nearest valid pixel's probabilities where the photo does not reach."""
    if valid is None or valid.all() or not valid.any():
        return probabilities
    _, nearest = cv2.distanceTransformWithLabels(
        (~valid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    source = np.zeros(nearest.max() + 1, np.intp)
    source[nearest[valid]] = np.flatnonzero(valid)
    flat = probabilities.reshape(len(probabilities), -1)
    return flat[:, source[nearest].ravel()].reshape(probabilities.shape)


def _refine(probabilities: Floats, guide: Floats) -> list[Floats]:
    """Probabilities [C, R, R] at the guide's size, their edges moved to the guide's: [S, S]."""
    size, resolution = guide.shape[0], probabilities.shape[1]
    # A window of a generator pixel on each side: the segmentation knows its edges no better.
    radius = max(1, round(1.2 * size / resolution))
    apply = guided_filter(guide, radius, _EPSILON, shrink=min(4, max(1, radius // 2)))
    likely = np.where(probabilities < _UNLIKELY, 0, probabilities)
    return [apply(resize(channel, size)) for channel in likely]


def _antialias(fields: Sequence[Floats]) -> dict[int, tuple[Box, Floats]]:
    """Hard regions with soft edges from fields [S, S]: by index, where and how much of what is
    there, present parts only.

    Near the line where a part's lead over its best rival changes sign, lead / |gradient of lead| is
    the distance to that line: alpha follows the distance, not the (blurred) probability. Most parts
    are small: each is looked at where it is something.
    """
    winner = np.zeros(fields[0].shape, np.uint8)
    best, second = np.zeros(winner.shape, np.float32), np.zeros(winner.shape, np.float32)
    for index, field in enumerate(fields):
        box = _box(field != 0)
        here, first, next_best = field[box], best[box], second[box]
        np.maximum(next_best, np.minimum(first, here), out=next_best)
        winner[box][here > first] = index
        np.maximum(first, here, out=first)
    alphas, total = dict[int, tuple[Box, Floats]](), np.zeros_like(best)
    for index in map(int, np.unique(winner)):
        wins = winner == index
        box = _box(wins, margin=2)
        alpha = _coverage(fields[index][box], wins[box], best[box], second[box])
        alphas[index] = box, alpha
        total[box] += alpha
    total = np.maximum(total, 1e-3)
    return {index: (box, alpha / total[box]) for index, (box, alpha) in alphas.items()}


def _box(flags: Flags, margin: int = 0) -> Box:
    """The rectangle of what is set, and `margin` pixels around it."""
    left, top, width, height = cv2.boundingRect(flags.astype(np.uint8))
    rows = slice(max(top - margin, 0), top + height + margin)
    return rows, slice(max(left - margin, 0), left + width + margin)


def _coverage(
    field: Floats,
    wins: Flags,
    best: Floats,
    second: Floats,
) -> Floats:
    lead = field - np.where(wins, second, best)
    dx = cv2.Sobel(lead, cv2.CV_32F, 1, 0, scale=1 / 8)
    dy = cv2.Sobel(lead, cv2.CV_32F, 0, 1, scale=1 / 8)
    distance = lead / np.maximum(cv2.magnitude(dx, dy), 1e-4)
    return np.clip(0.5 + distance / _EDGE, 0, 1)


def _mask(part: ColoredPart, values: Bytes, frame: CropFrame, width: int, height: int) -> PartMask:
    color = (int(part.color[0]), int(part.color[1]), int(part.color[2]))
    rect = support_rect(values, frame, width, height)
    if not rect.is_empty:
        drawn = to_photo(values, frame, rect, outside_zero=True)
        left, top, w, h = cv2.boundingRect(drawn)
        if w and h:
            tight = np.ascontiguousarray(drawn[top : top + h, left : left + w])
            return PartMask(part.name, part.index, color, rect.x + left, rect.y + top, tight)
    x, y, w, h = frame.bounds(0.0, width, height)
    return PartMask(part.name, part.index, color, x, y, np.zeros((h, w), np.uint8))
