"""Scenes to learn finding from: subjects pasted into other pictures, beside what is no subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.models.subject_map import USUAL
from backend.photos.align import CropFrame
from backend.photos.cv import gaussian_blur, resize, warp_affine
from backend.photos.folder import read_rgb

_SIDE = 192  # of a scene
_MOST_TURNED = 40.0  # degrees
_SIZES = 0.62, 1.6  # of a subject, in usual sizes


@dataclass(frozen=True, eq=False)
class Scene:
    """picture: uint8 [_SIDE, _SIDE, 3]; frames: of the subjects in it."""

    picture: NDArray[np.uint8]
    frames: tuple[CropFrame, ...]


class Scenes:
    """Scenes by number: the same number gives the same scene."""

    def __init__(self, subjects: Sequence[Path], others: Sequence[Path], seed: int) -> None:
        self._subjects, self._others, self._seed = list(subjects), list(others), seed

    def __call__(self, number: int) -> Scene:
        rng = np.random.default_rng([self._seed, number])
        kind = rng.random()
        if kind < 0.12:
            return self._filled(rng)
        picture = _background(self._any(self._others, rng), rng)
        for _ in range(rng.integers(0, 3)):  # things that are pasted and are no subjects
            _paste(picture, self._any(self._others, rng), _frame(rng), rng)
        frames: list[CropFrame] = []
        for _ in range(0 if kind < 0.25 else 1 if kind < 0.75 else 2):
            frame = _frame(rng)
            if all(_apart(frame, other) for other in frames):
                _paste(picture, self._any(self._subjects, rng), frame, rng)
                frames.append(frame)
        return Scene(_weathered(picture, rng), tuple(frames))

    def _filled(self, rng: np.random.Generator) -> Scene:
        """A picture that the subject fills, its border repeated below and to the right."""
        side = round(USUAL * rng.uniform(0.8, 1.4))
        own = cv2.resize(self._any(self._subjects, rng), (side, side), interpolation=cv2.INTER_AREA)
        more = _SIDE - side
        picture = cv2.copyMakeBorder(own, 0, more, 0, more, cv2.BORDER_REPLICATE)
        half = side / 2
        frame = CropFrame.from_axes(np.array([half, half]), np.array([half, 0.0]))
        return Scene(_weathered(np.asarray(picture, np.uint8), rng), (frame,))

    def _any(self, paths: Sequence[Path], rng: np.random.Generator) -> NDArray[np.uint8]:
        return read_rgb(paths[int(rng.integers(len(paths)))])


def _frame(rng: np.random.Generator) -> CropFrame:
    side = USUAL * rng.uniform(*_SIZES)
    angle = np.deg2rad(rng.normal(0, 0.4) * _MOST_TURNED).clip(-0.9, 0.9)
    centre = rng.uniform(0.35 * side, _SIDE - 0.35 * side, 2)
    return CropFrame.from_axes(centre, side / 2 * np.array([np.cos(angle), np.sin(angle)]))


def _apart(a: CropFrame, b: CropFrame) -> bool:
    between = np.linalg.norm(a.quad.mean(axis=0) - b.quad.mean(axis=0))
    return bool(between > 0.4 * (a.size + b.size))


def _background(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Some square of a picture, float32 [_SIDE, _SIDE, 3]."""
    height, width = image.shape[:2]
    side = int(min(height, width) * rng.uniform(0.5, 1))
    y, x = rng.integers(height - side + 1), rng.integers(width - side + 1)
    square = image[y : y + side, x : x + side]
    return cv2.resize(square, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)


def _paste(
    picture: NDArray[np.float32],
    image: NDArray[np.uint8],
    frame: CropFrame,
    rng: np.random.Generator,
) -> None:
    """Draw the middle square of an image into a frame, with an edge that is soft or hard, round or
    square: no edge may tell that something was pasted."""
    side = min(image.shape[:2])
    y, x = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    square = image[y : y + side, x : x + side]
    if rng.random() < 0.5:
        square = square[:, ::-1]
    small = round(frame.size) + 1
    shown = resize(square, (small, small), cv2.INTER_AREA).astype(np.float32)
    at = np.abs((np.arange(small) + 0.5) / small * 2 - 1)
    power = rng.choice([2.0, 3.0, 6.0, 20.0])
    distance = (at[:, None] ** power + at[None] ** power) ** (1 / power)
    alpha = np.clip((1 - distance) / rng.uniform(0.02, 0.3), 0, 1).astype(np.float32)
    shown = shown * rng.uniform(0.7, 1.2) + rng.uniform(-25, 25)
    matrix = frame.to_pixels(small)
    area = (_SIDE, _SIDE)
    drawn = warp_affine(shown, matrix, area, flags=cv2.INTER_LINEAR)
    cover = warp_affine(alpha, matrix, area, flags=cv2.INTER_LINEAR)[..., None]
    picture += cover * (drawn - picture)


def _weathered(picture: NDArray[Any], rng: np.random.Generator) -> NDArray[np.uint8]:
    """As cameras give it: other light, some grain, some blur, sometimes without colours."""
    x = picture.astype(np.float32) * rng.uniform(0.7, 1.25) + rng.uniform(-20, 20)
    if rng.random() < 0.1:
        x = np.repeat(x.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.4:
        x = gaussian_blur(x, rng.uniform(0.3, 1.6))
    x = x + rng.normal(0, rng.uniform(0, 8), x.shape).astype(np.float32)
    return np.clip(np.round(x), 0, 255).astype(np.uint8)
