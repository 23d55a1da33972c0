"""The aligned crop of a subject: where it lies in a photo, and how to cut it out.

Coordinates are continuous pixels, x right, y down, (0, 0) the top-left corner of the top-left
pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.photos.cv import resize, warp_affine
from protocol.geometry import Rect


@dataclass(frozen=True, eq=False)
class CropFrame:
    """A rotated square in a photo.

    quad: float64 [4, 2], the corners top-left, bottom-left, bottom-right, top-right; may leave
    the photo.
    """

    quad: NDArray[np.float64]

    def __post_init__(self) -> None:
        quad = np.asarray(self.quad, dtype=np.float64).reshape(4, 2)
        if not np.isfinite(quad).all():
            raise ValueError("a crop frame must have finite corners")
        object.__setattr__(self, "quad", quad)

    @classmethod
    def of_whole(cls, width: int, height: int) -> CropFrame:
        """The upright square around the middle of a picture that is as wide as the picture."""
        return cls.from_axes(np.array([width, height]) / 2, np.array([width / 2, 0.0]))

    @classmethod
    def from_axes(cls, centre: NDArray[np.float64], half_width: NDArray[np.float64]) -> CropFrame:
        """The square around `centre` [2] whose middle-to-right-edge vector is `half_width` [2]."""
        x = np.asarray(half_width, dtype=np.float64)
        y = np.array([-x[1], x[0]])  # a quarter turn clockwise: downwards
        return cls(np.stack([centre - x - y, centre - x + y, centre + x + y, centre + x - y]))

    @property
    def size(self) -> float:
        """The side's length in photo pixels."""
        return float(np.linalg.norm(self.quad[3] - self.quad[0]))

    def shifted(self, dx: float, dy: float) -> CropFrame:
        return CropFrame(self.quad + np.array([dx, dy]))

    def scaled(self, factor: float) -> CropFrame:
        """The same frame in a picture `factor` times as large."""
        return CropFrame(self.quad * factor)

    def part(self, left: float, top: float, side: float) -> CropFrame:
        """The square within this one whose corner and side are given in sides of this one."""
        matrix = self.to_pixels(1)
        x, y = side * matrix[:, 0], side * matrix[:, 1]
        corner = matrix @ (left, top, 1.0)
        return CropFrame(np.stack([corner, corner + y, corner + x + y, corner + x]))

    def to_pixels(self, size: int) -> NDArray[np.float64]:
        """Affine [2, 3] from crop coordinates (0..size) to photo coordinates."""
        top_left, bottom_left, _, top_right = self.quad
        x_axis, y_axis = (top_right - top_left) / size, (bottom_left - top_left) / size
        return np.column_stack([x_axis, y_axis, top_left])

    def from_pixels(self, size: int) -> NDArray[np.float64]:
        """Affine [2, 3] from photo coordinates to crop coordinates (0..size)."""
        return np.asarray(cv2.invertAffineTransform(self.to_pixels(size)), np.float64)

    def bounds(self, margin: float, width: int, height: int) -> Rect:
        """The upright rectangle around the frame, grown by `margin` sides, within the photo."""
        grow = margin * self.size
        left, top = np.floor(self.quad.min(axis=0) - grow).astype(int).tolist()
        right, bottom = np.ceil(self.quad.max(axis=0) + grow).astype(int).tolist()
        edges = min(right, width), min(bottom, height)
        return Rect.between(max(left, 0), max(top, 0), *edges)


def face_frame(landmarks: NDArray[np.floating]) -> CropFrame:
    """The FFHQ-like frame of a face (Karras et al. 2019, appendix C) from five points.

    landmarks: [5, 2], the eyes' centres (image-left first), nose tip, mouth corners.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    eye_to_eye = points[1] - points[0]
    eyes = (points[0] + points[1]) / 2
    eye_to_mouth = (points[3] + points[4]) / 2 - eyes
    x = eye_to_eye + np.array([eye_to_mouth[1], -eye_to_mouth[0]])
    x /= max(math.hypot(*x), 1e-9)
    x *= max(math.hypot(*eye_to_eye) * 2.0, math.hypot(*eye_to_mouth) * 1.8)
    return CropFrame.from_axes(eyes + 0.1 * eye_to_mouth, x)


def centred(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same affine for OpenCV, whose integer coordinates are the *centres* of pixels."""
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    return shifted


def within_aspect(size: int, aspect: float) -> NDArray[np.bool_]:
    """What a picture of an aspect (width by height) fills of a square that it is centred in, bool
    [size, size]; the rest are bars."""
    at = np.abs(np.arange(size) + 0.5 - size / 2)
    shown: NDArray[np.bool_] = (at[:, None] < size / 2 * min(1 / aspect, 1)) & (
        at < size / 2 * min(aspect, 1)
    )
    return shown


def extract(
    image: NDArray[np.generic], frame: CropFrame, size: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Cut a frame out of a photo.

    image: uint8 or float [H, W, 3 or 4] (floats: 0..1), R'G'B'. Returns the crop, float32 [size,
    size, 3] in [-1, 1] (what the photo does not cover repeats its border), and valid, bool [size,
    size]: the pixels that the photo covers.
    """
    x, y, w, h = frame.bounds(0.02, image.shape[1], image.shape[0])
    if w < 1 or h < 1:
        return np.zeros((size, size, 3), np.float32), np.zeros((size, size), bool)
    white = 255 if image.dtype == np.uint8 else 1
    part = image[y : y + h, x : x + w, :3].astype(np.float32)
    local = frame.shifted(-x, -y)
    # Shrink first by areas: warpAffine alone samples four pixels and would alias.
    shrink = min(1.0, 2 * size / max(local.size, 1.0))
    if shrink < 0.75:
        new = (max(1, round(w * shrink)), max(1, round(h * shrink)))
        scale = np.array([new[0] / w, new[1] / h])
        part = resize(part, new, cv2.INTER_AREA)
        local = CropFrame(local.quad * scale)
    oversample = 2 if local.size > size else 1
    matrix = centred(local.to_pixels(size * oversample))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    area = (size * oversample, size * oversample)
    crop = warp_affine(part, matrix, area, flags=flags, border=cv2.BORDER_REPLICATE)
    if oversample > 1:
        crop = resize(crop, (size, size), cv2.INTER_AREA)
    picture: NDArray[np.float32] = np.clip(crop / np.float32(white), 0, 1) * 2 - 1
    return picture, covered(frame, size, image.shape[1], image.shape[0])


def covered(frame: CropFrame, size: int, width: int, height: int) -> NDArray[np.bool_]:
    """Which pixels of a crop have their centres within the photo: bool [size, size]."""
    matrix = frame.to_pixels(size)
    columns, rows = np.arange(size) + 0.5, np.arange(size)[:, None] + 0.5
    x, y = (a * columns + b * rows + c for a, b, c in matrix)
    return (x > 0) & (x < width) & (y > 0) & (y < height)
