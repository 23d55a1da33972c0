"""Parts that a user has put right: they count as truth when the photo is embedded anew."""

from __future__ import annotations

from collections.abc import Collection

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.bundles.bundle import Bundle
from backend.editing.geometry import nearest
from backend.editing.photo_parts import PhotoParts
from backend.models.parser import RESOLUTION
from backend.photos.align import CropFrame, centred
from backend.photos.corrections import Corrections
from backend.photos.cv import warp_affine
from backend.photos.label_edit import UNKNOWN

_SOFT = 0.7  # standard deviation of an edge, pixels of the crop

Labels = NDArray[np.uint8]


def corrected_parts(
    seen: PhotoParts | None, corrections: Corrections, frame: CropFrame, bundle: Bundle
) -> PhotoParts:
    """What the parser saw in the photo, put right by what the user says. Without a parser that is
    all that is known."""
    matrix, size = centred(frame.to_pixels(RESOLUTION)), (RESOLUTION, RESOLUTION)
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    crop = warp_affine(corrections.labels, matrix, size, flags=flags, outside=UNKNOWN)
    if seen is not None:
        crop = _without_lost(crop, seen.labels, corrections.complete)
    hard = np.stack([(crop == part.index).astype(np.float32) for part in bundle.parts])
    soft = np.stack([cv2.GaussianBlur(plane, (0, 0), _SOFT) for plane in hard])
    said = crop != UNKNOWN
    if seen is None:
        parts = np.where(said, soft, 0).astype(np.float32)
        parts[0] += 1 - parts.sum(axis=0)
        return PhotoParts(
            parts, np.zeros(size, np.float32), _face(crop, bundle), _nose(crop, bundle)
        )
    parts = np.where(said, soft, seen.parts)
    parts /= np.maximum(parts.sum(axis=0), 1e-6)
    changed = said & (crop != seen.labels)
    small = _face(crop, bundle)
    covered = np.where(changed & (small > 0), 0, seen.covered).astype(np.float32)
    face = np.where(changed, small, seen.face).astype(np.float32)
    nose = np.where(changed, _nose(crop, bundle), seen.nose).astype(np.float32)
    return PhotoParts(parts.astype(np.float32), covered, face, nose)


def _without_lost(crop: Labels, seen: Labels, complete: Collection[int]) -> Labels:
    """`crop` [S, S] with what surrounds them at pixels that are not said to be anything, but which
    the parser saw as a part of which all is said."""
    filled = crop.copy()
    for part in complete:
        lost, others = (crop == UNKNOWN) & (seen == part), (crop != UNKNOWN) & (crop != part)
        if others.any():
            filled[lost] = nearest(crop, others)[lost]
    return filled


def _face(crop: Labels, bundle: Bundle) -> NDArray[np.float32]:
    """Where the labels show small parts or skin: [S, S], 0 or 1."""
    inside = [p.index for p in bundle.parts if p.name not in bundle.large or p.name == "skin"]
    return np.isin(crop, inside).astype(np.float32)


def _nose(crop: Labels, bundle: Bundle) -> NDArray[np.float32]:
    return np.isin(crop, [p.index for p in bundle.parts if p.name == "nose"]).astype(np.float32)
