"""The alpha of an edited layer: a region at generator resolution, feathered inside itself."""

from __future__ import annotations

import cv2
import numpy as np

from backend.photos.arrays import Bytes, Flags, Floats

_GRID = 512  # alpha is computed on at least this many pixels across the crop
FEATHER = 0.025  # widest feather, as a fraction of the crop's side
_THIN = 0.7  # a thin region's feather takes at most this much of its half thickness


def feathered_alpha(roi: Floats | Flags, grid: int = _GRID) -> Floats:
    """Alpha 0..1, float32 [kR, kR], of a region of interest [R, R] (values above 0.5 belong to it).

    Zero outside the region and, so that interpolation cannot carry anything across its border, also
    within one fine pixel of that border; the frame's own border counts as the region's. Rises to 1
    over the feather's width, or, where the region is thinner than that, by its middle.
    """
    inside = (np.asarray(roi, np.float32) > 0.5).astype(np.uint8)
    k = max(2, -(-grid // inside.shape[0]))
    size = inside.shape[0] * k
    fine = cv2.resize(inside, (size, size), interpolation=cv2.INTER_NEAREST)
    fine = np.pad(fine, 1)  # beyond the frame there is no region
    fine = cv2.erode(fine, np.ones((3, 3), np.uint8))
    distance = cv2.distanceTransform(_rounded(fine, k), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    width = FEATHER * size
    reach = 2 * int(np.ceil(width)) + 1
    thickness = cv2.dilate(distance, cv2.getStructuringElement(cv2.MORPH_RECT, (reach, reach)))
    thickness = cv2.blur(thickness, (reach, reach))
    ramp = np.clip(distance / np.clip(_THIN * thickness, 1e-3, width), 0, 1)
    alpha = ramp * ramp * (3 - 2 * ramp)
    return alpha[1:-1, 1:-1]


def _rounded(fine: Bytes, k: int) -> Bytes:
    """The region without the stairs of its pixels; never larger; nothing thin vanishes."""
    soft = cv2.GaussianBlur(fine.astype(np.float32), (0, 0), 0.6 * k)
    rounded = (soft > 0.5).astype(np.uint8) & fine
    # A line of single generator pixels is all corners: keep what lost its whole neighbourhood.
    near = cv2.dilate(rounded, np.ones((2 * k + 1, 2 * k + 1), np.uint8))
    return rounded | (fine & (1 - near))
